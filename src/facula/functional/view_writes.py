"""Writing into a view of a copy: select_scatter and its family; and the split forms without aliasing bookkeeping."""

from __future__ import annotations

from facula._C import Tensor, _batched_like
from facula._native import composed
from facula.functional import shape
from facula.functional.arguments import write_out
from facula.functional.copies import slice_view

__all__ = [
    "as_strided_scatter", "diagonal_scatter", "select_scatter", "slice_inverse", "slice_scatter", "unsafe_chunk",
    "unsafe_split", "unsafe_split_with_sizes",
]  # fmt: skip

METHODS = (
    "as_strided_scatter diagonal_scatter select_scatter slice_inverse slice_scatter unsafe_chunk unsafe_split "
    "unsafe_split_with_sizes"
)


def _written(name: str, result: Tensor, view: Tensor, src: Tensor, out: Tensor | None) -> Tensor:
    """Give ``result`` after ``src`` was written into ``view``, which looks at it."""
    if view.shape != src.shape:
        raise RuntimeError(
            f"{name}: expected src to have a size equal to the slice of self. src size = {list(src.shape)}, "
            f"slice size = {list(view.shape)}"
        )
    view.copy_(src)
    return result if out is None else write_out(result, out)


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int, *, out: Tensor | None = None) -> Tensor:
    """A copy with ``src`` in place of ``select(dim, index)``.

    Raises:
        RuntimeError: ``src`` has another shape than what it replaces.

    Example:
        >>> import facula as torch
        >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, 0)
        tensor([[1., 1.],
                [0., 0.]])
    """
    result = _batched_like(src, shape.clone(input))
    return _written("select_scatter", result, shape.select(result, dim, index), src, out)


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy with ``src`` in place of ``input[start:end:step]`` along ``dim``.

    Raises:
        RuntimeError: ``src`` has another shape than what it replaces.

    Example:
        >>> import facula as torch
        >>> torch.slice_scatter(torch.zeros(4), torch.ones(2), 0, 0, None, 2)
        tensor([1., 0., 1., 0.])
    """
    result = _batched_like(src, shape.clone(input))
    return _written("slice_scatter", result, slice_view(result, dim, start, end, step), src, out)


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1, *, out: Tensor | None = None
) -> Tensor:
    """A copy with ``src`` in place of ``diagonal(offset, dim1, dim2)``.

    Raises:
        RuntimeError: ``src`` has another shape than the diagonal.

    Example:
        >>> import facula as torch
        >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.ones(2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    result = _batched_like(src, shape.clone(input))
    return _written("diagonal_scatter", result, shape.diagonal(result, offset, dim1, dim2), src, out)


@composed
def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    storage_offset: int | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """A copy, in a storage of the same layout, with ``src`` in place of ``as_strided(size, stride, storage_offset)``.

    Raises:
        RuntimeError: ``src`` has another shape than ``size``, or an element lies outside the storage.

    Example:
        >>> import facula as torch
        >>> torch.as_strided_scatter(torch.zeros(4), torch.ones(2), (2,), (2,), 1)
        tensor([0., 1., 0., 1.])
    """
    elements = input._storage_nbytes() // input.element_size()
    whole = shape.clone(shape.as_strided(input, (elements,), (1,), 0))
    result = shape.as_strided(whole, input.shape, input.stride(), input.storage_offset())
    offset = input.storage_offset() if storage_offset is None else storage_offset
    return _written("as_strided_scatter", result, shape.as_strided(result, size, stride, offset), src, out)


def slice_inverse(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """The tensor of the geometry of ``src`` whose slice ``input`` is, over the same memory.

    Raises:
        RuntimeError: the memory of ``input`` does not hold it.

    Example:
        >>> import facula as torch
        >>> base = torch.arange(4)
        >>> torch.slice_inverse(base[1:3], base, 0, 1, 3)
        tensor([0, 1, 2, 3])
    """
    return shape.as_strided(input, src.shape, src.stride(), src.storage_offset())


def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """``split``; PyTorch leaves out the bookkeeping of aliases, here they are views all the same.

    Example:
        >>> import facula as torch
        >>> torch.unsafe_split(torch.arange(3), 2)
        (tensor([0, 1]), tensor([2]))
    """
    return shape._split(input, split_size, dim)


def unsafe_split_with_sizes(input: Tensor, split_sizes: tuple[int, ...], dim: int = 0) -> tuple[Tensor, ...]:
    """``split_with_sizes``; PyTorch leaves out the bookkeeping of aliases, here they are views all the same.

    Example:
        >>> import facula as torch
        >>> torch.unsafe_split_with_sizes(torch.arange(3), (1, 2))
        (tensor([0]), tensor([1, 2]))
    """
    return shape.split_with_sizes(input, split_sizes, dim)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """``chunk``; PyTorch leaves out the bookkeeping of aliases, here they are views all the same.

    Example:
        >>> import facula as torch
        >>> torch.unsafe_chunk(torch.arange(3), 2)
        (tensor([0, 1]), tensor([2]))
    """
    return shape.chunk(input, chunks, dim)
