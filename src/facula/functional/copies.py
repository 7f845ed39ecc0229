"""The copying forms of views: select_copy, split_copy... Each makes a contiguous copy of the view of its name."""

from __future__ import annotations

from facula._C import Tensor, contiguous_format
from facula._C import dtype as dtype_type
from facula._native import composed, native
from facula.functional import shape
from facula.functional.arguments import write_out
from facula.functional.conversion import view_as_complex, view_as_real

__all__ = [
    "alias_copy", "as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "narrow_copy", "permute_copy",
    "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy", "squeeze_copy", "t_copy", "transpose_copy",
    "unbind_copy", "unfold_copy", "unsqueeze_copy", "view_as_complex_copy", "view_as_real_copy", "view_copy",
]  # fmt: skip

METHODS = "narrow_copy"

_END = 2**63 - 1  # of int64: a slice ends where its dimension does


def _fresh(view: Tensor, out: Tensor | None) -> Tensor:
    if out is not None:
        return write_out(view, out)
    return shape.clone(view, memory_format=contiguous_format)


def _fresh_all(views: tuple[Tensor, ...], out) -> tuple[Tensor, ...] | None:
    if out is None:
        return tuple(_fresh(view, None) for view in views)
    if len(out) != len(views):
        raise RuntimeError(f"out= needs one tensor for each of the {len(views)} parts, got {len(out)}")
    for view, to in zip(views, out):
        write_out(view, to)
    return None


@native("slice")
def _slice(input: Tensor, dim: int, start: int, end: int, step: int) -> Tensor:
    """``input[start:end:step]`` along ``dim``."""


def slice_view(input: Tensor, dim: int, start: int | None, end: int | None, step: int) -> Tensor:
    """``input[start:end:step]`` along ``dim``.

    Raises:
        RuntimeError: a step below 1.
    """
    if step <= 0:
        raise RuntimeError(f"slice step must be positive, got {step}")
    return _slice(input, dim, 0 if start is None else start, _END if end is None else end, step)


def alias_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of the whole tensor.

    Example:
        >>> import facula as torch
        >>> torch.alias_copy(torch.tensor([1, 2]))
        tensor([1, 2])
    """
    return _fresh(shape.alias(input), out)


def as_strided_copy(
    input: Tensor,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    storage_offset: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``as_strided``.

    Example:
        >>> import facula as torch
        >>> torch.as_strided_copy(torch.arange(4), (2, 2), (1, 1))
        tensor([[0, 1],
                [1, 2]])
    """
    return _fresh(shape.as_strided(input, size, stride, storage_offset), out)


def detach_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy without history.

    Example:
        >>> import facula as torch
        >>> torch.detach_copy(torch.ones(1, requires_grad=True)).requires_grad
        False
    """
    return _fresh(shape.detach(input), out)


def diagonal_copy(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``diagonal``.

    Example:
        >>> import facula as torch
        >>> torch.diagonal_copy(torch.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    return _fresh(shape.diagonal(input, offset, dim1, dim2), out)


def expand_copy(input: Tensor, size: tuple[int, ...], *, implicit: bool = False, out: Tensor | None = None) -> Tensor:
    """A copy of ``input.expand(size)``.

    Example:
        >>> import facula as torch
        >>> torch.expand_copy(torch.tensor([[1], [2]]), (2, 2))
        tensor([[1, 1],
                [2, 2]])
    """
    return _fresh(shape.expand(input, size), out)


@composed
def narrow_copy(input: Tensor, dim: int, start: int, length: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``narrow``.

    Example:
        >>> import facula as torch
        >>> torch.narrow_copy(torch.tensor([1, 2, 3]), 0, 1, 2)
        tensor([2, 3])
    """
    if input.dim() and dim >= input.dim():  # PyTorch's type of error, unlike that of narrow
        raise RuntimeError(f"narrow_copy(): expected dim < {input.dim()}, the number of dimensions, but got {dim}")
    return _fresh(shape.narrow(input, dim, start, length), out)


def permute_copy(input: Tensor, dims: tuple[int, ...], *, out: Tensor | None = None) -> Tensor:
    """A copy of ``permute``.

    Example:
        >>> import facula as torch
        >>> torch.permute_copy(torch.tensor([[1, 2], [3, 4]]), (1, 0))
        tensor([[1, 3],
                [2, 4]])
    """
    return _fresh(shape.permute(input, dims), out)


def select_copy(input: Tensor, dim: int, index: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``select``.

    Example:
        >>> import facula as torch
        >>> torch.select_copy(torch.tensor([[1, 2], [3, 4]]), 1, 0)
        tensor([1, 3])
    """
    return _fresh(shape.select(input, dim, index), out)


def slice_copy(
    input: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy of ``input[start:end:step]`` along ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.slice_copy(torch.arange(6), 0, 1, None, 2)
        tensor([1, 3, 5])
    """
    return _fresh(slice_view(input, dim, start, end, step), out)


def split_copy(input: Tensor, split_size: int, dim: int = 0, *, out=None) -> tuple[Tensor, ...] | None:
    """Copies of the parts that ``split`` gives.

    Example:
        >>> import facula as torch
        >>> torch.split_copy(torch.arange(3), 2)
        (tensor([0, 1]), tensor([2]))
    """
    return _fresh_all(shape.split(input, split_size, dim), out)


def split_with_sizes_copy(
    input: Tensor, split_sizes: tuple[int, ...], dim: int = 0, *, out=None
) -> tuple[Tensor, ...] | None:
    """Copies of the parts that ``split_with_sizes`` gives.

    Example:
        >>> import facula as torch
        >>> torch.split_with_sizes_copy(torch.arange(3), (1, 2))
        (tensor([0]), tensor([1, 2]))
    """
    return _fresh_all(shape.split_with_sizes(input, split_sizes, dim), out)


def squeeze_copy(input: Tensor, dim: int | tuple[int, ...] | None = None, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``squeeze``.

    Example:
        >>> import facula as torch
        >>> torch.squeeze_copy(torch.zeros(1, 2)).shape
        torch.Size([2])
    """
    return _fresh(shape.squeeze(input, dim), out)


def t_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``t``.

    Example:
        >>> import facula as torch
        >>> torch.t_copy(torch.tensor([[1, 2], [3, 4]]))
        tensor([[1, 3],
                [2, 4]])
    """
    return _fresh(shape.t(input), out)


def transpose_copy(input: Tensor, dim0: int, dim1: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``transpose``.

    Example:
        >>> import facula as torch
        >>> torch.transpose_copy(torch.tensor([[1, 2], [3, 4]]), 0, 1)
        tensor([[1, 3],
                [2, 4]])
    """
    return _fresh(shape.transpose(input, dim0, dim1), out)


def unbind_copy(input: Tensor, dim: int = 0, *, out=None) -> tuple[Tensor, ...] | None:
    """Copies of every index of ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.unbind_copy(torch.tensor([[1, 2], [3, 4]]))
        (tensor([1, 2]), tensor([3, 4]))
    """
    return _fresh_all(shape.unbind(input, dim), out)


def unfold_copy(input: Tensor, dimension: int, size: int, step: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``input.unfold(dimension, size, step)``.

    Example:
        >>> import facula as torch
        >>> torch.unfold_copy(torch.arange(5), 0, 3, 2)
        tensor([[0, 1, 2],
                [2, 3, 4]])
    """
    return _fresh(shape.unfold(input, dimension, size, step), out)


def unsqueeze_copy(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``unsqueeze``.

    Example:
        >>> import facula as torch
        >>> torch.unsqueeze_copy(torch.tensor([1, 2]), 0)
        tensor([[1, 2]])
    """
    return _fresh(shape.unsqueeze(input, dim), out)


def view_as_complex_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``view_as_complex``.

    Example:
        >>> import facula as torch
        >>> torch.view_as_complex_copy(torch.tensor([1.0, 2.0]))
        tensor(1.+2.j)
    """
    return _fresh(view_as_complex(input), out)


def view_as_real_copy(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy of ``view_as_real``.

    Example:
        >>> import facula as torch
        >>> torch.view_as_real_copy(torch.tensor(1 + 2j))
        tensor([1., 2.])
    """
    return _fresh(view_as_real(input), out)


def view_copy(
    input: Tensor, size: tuple[int, ...] | None = None, dtype: dtype_type | None = None, *, out: Tensor | None = None
) -> Tensor:
    """A copy of ``input.view(size)`` or ``input.view(dtype)``.

    Example:
        >>> import facula as torch
        >>> torch.view_copy(torch.arange(4), (2, 2))
        tensor([[0, 1],
                [2, 3]])
    """
    if isinstance(size, dtype_type):
        size, dtype = None, size
    return _fresh(shape.view(input, dtype=dtype) if size is None else shape.reshape(input, size), out)
