"""In-place methods of Tensor that belong to no formula: copies, fills, and changes of shape that keep the memory."""

from __future__ import annotations

from facula._C import Tensor, complex128, float64
from facula._native import native
from facula.functional.arguments import Number
from facula.functional.shape import _squeeze, _squeeze_dims, as_strided, clone, detach, t, transpose, unsqueeze

__all__ = ["as_strided_", "detach_", "fill", "fill_", "resize_as_", "zero_"]

METHODS = (
    "apply_ as_strided_ copy_ fill_ fill_diagonal_ float_power_ map_ resize_as_ set_ squeeze_ sum_to_size t_ "
    "transpose_ unsqueeze_ zero_"
)


@native("copy_")
def _copy_(input: Tensor, src: Tensor) -> Tensor:
    """Overwrite with the elements of another tensor."""


def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Overwrite with the elements of another tensor, converted and broadcast.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2).copy_(torch.tensor([1, 2]))
        tensor([1., 2.])
    """
    return _copy_(input, src)


@native
def fill_(input: Tensor, value: Tensor | Number) -> Tensor:
    """Overwrite every element with one value.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2).fill_(3)
        tensor([3., 3.])
    """


@native
def zero_(input: Tensor) -> Tensor:
    """Overwrite every element with 0.

    Example:
        >>> import facula as torch
        >>> torch.ones(2).zero_()
        tensor([0., 0.])
    """


def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """A tensor of the shape and type of ``input`` with one value everywhere.

    Example:
        >>> import facula as torch
        >>> torch.fill(torch.zeros(2), 3)
        tensor([3., 3.])
    """
    return fill_(clone(input), value)


def detach_(input: Tensor) -> Tensor:
    """Cut the tensor from its history, in place.

    Example:
        >>> import facula as torch
        >>> torch.detach_(torch.ones(1, requires_grad=True) * 2).requires_grad
        False
    """
    return input.detach_()


def fill_diagonal_(input: Tensor, fill_value: Number, wrap: bool = False) -> Tensor:
    """Overwrite the diagonal of a matrix, or the main diagonal of a tensor with equal sizes.

    Args:
        wrap: start again below a square in a tall matrix.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2, 2).fill_diagonal_(5)
        tensor([[5., 0.],
                [0., 5.]])
    """
    if input.dim() < 2:
        raise RuntimeError("dimensions must larger than 1")
    if input.dim() > 2 and len(set(input.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    step = sum(input.stride())
    length = min(input.shape)
    detached = detach(input)
    fill_(as_strided(detached, (length,), (step,)), fill_value)
    if wrap and input.dim() == 2 and input.size(0) > input.size(1) + 1:
        rows, columns = input.shape
        for start in range(columns + 1, rows, columns + 1):
            fill_diagonal_(detached.narrow(0, start, rows - start), fill_value)
    return input


def apply_(input: Tensor, callable) -> Tensor:
    """Overwrite every element with a Python function of it.

    Example:
        >>> import facula as torch
        >>> torch.tensor([1.0, 2.0]).apply_(lambda v: v * 10)
        tensor([10., 20.])
    """
    return _write_flat(input, [callable(v) for v in detach(input).reshape(-1).tolist()])


def map_(input: Tensor, tensor: Tensor, callable) -> Tensor:
    """Overwrite every element with a Python function of it and of the element of another tensor, which broadcasts.

    Example:
        >>> import facula as torch
        >>> torch.tensor([1.0, 2.0]).map_(torch.tensor([3.0, 4.0]), lambda a, b: a + b)
        tensor([4., 6.])
    """
    other = detach(tensor).expand(input.shape).reshape(-1).tolist()
    return _write_flat(input, [callable(a, b) for a, b in zip(detach(input).reshape(-1).tolist(), other)])


def _write_flat(input: Tensor, values: list) -> Tensor:
    if input.requires_grad:
        raise RuntimeError("apply_() and map_() are not recorded: call them on x.detach()")
    return _copy_(input, input.new_tensor(values).reshape(input.shape))


def float_power_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """In-place form of ``float_power``, for float64 and complex128 only.

    Raises:
        RuntimeError: another dtype.

    Example:
        >>> import facula as torch
        >>> torch.tensor([3.0], dtype=torch.float64).float_power_(2)
        tensor([9.], dtype=torch.float64)
    """
    other = exponent.is_complex() if isinstance(exponent, Tensor) else isinstance(exponent, complex)
    needed = complex128 if other or input.is_complex() else float64
    if input.dtype is not needed:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {input.dtype._scalar_name} but the operation's result requires "
            f"dtype {needed._scalar_name}"
        )
    return input.pow_(exponent.to(needed) if isinstance(exponent, Tensor) else exponent)


# ---- memory and shape ----

_set_geometry = Tensor.set_


def set_(input: Tensor, source=None, storage_offset: int = 0, size=None, stride=None) -> Tensor:
    """Make the tensor look at other memory: that of a tensor or a storage, or none.

    Args:
        source: a tensor or a storage; None for an empty one.
        size, stride: the geometry; default: that of the tensor, or all elements of the storage.

    Raises:
        RuntimeError: another dtype, or an element outside the storage.

    Example:
        >>> import facula as torch
        >>> torch.empty(0).set_(torch.tensor([1.0, 2.0, 3.0, 4.0]), 1, (2,), (2,))
        tensor([2., 4.])
    """
    if source is None:
        source = input.new_empty(0)
    elif not isinstance(source, Tensor):
        if not hasattr(source, "untyped"):
            raise TypeError(f"set_(): argument 'source' must be a Tensor or a storage, not {type(source).__name__}")
        data = source.untyped()._bytes
        if getattr(source, "dtype", input.dtype) is not input.dtype:  # an UntypedStorage has none
            raise RuntimeError(f"Expected a Storage of type {input.dtype} or an UntypedStorage, but got {source.dtype}")
        step = input.element_size()
        source = data.narrow(0, 0, data.numel() // step * step)._view_dtype(input.dtype)
    if size is None:
        return _set_geometry(input, source)
    if stride is None:
        return _set_geometry(input, source, storage_offset, tuple(size))
    return _set_geometry(input, source, storage_offset, tuple(size), tuple(stride))


def _take_shape(input: Tensor, view: Tensor) -> Tensor:
    """Make `input` look at its memory as `view` does.

    Raises:
        RuntimeError: the tensor has a history, which such a change would make wrong.
    """
    if input.requires_grad:
        raise RuntimeError(
            "changing the shape in place is not supported for tensors that require grad; use the form "
            "without underscore"
        )
    return input.set_(input, view.storage_offset(), tuple(view.shape), view.stride())


def squeeze_(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """In-place form of ``squeeze``.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1, 2).squeeze_().shape
        torch.Size([2])
    """
    x = detach(input)
    return _take_shape(input, _squeeze(x) if dim is None else _squeeze_dims(x, dim))


def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """In-place form of ``unsqueeze``.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2).unsqueeze_(0).shape
        torch.Size([1, 2])
    """
    return _take_shape(input, unsqueeze(detach(input), dim))


def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """In-place form of ``transpose``.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2, 3).transpose_(0, 1).shape
        torch.Size([3, 2])
    """
    return _take_shape(input, transpose(detach(input), dim0, dim1))


def t_(input: Tensor) -> Tensor:
    """In-place form of ``t``.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2, 3).t_().shape
        torch.Size([3, 2])
    """
    return _take_shape(input, t(detach(input)))


def as_strided_(input: Tensor, size, stride, storage_offset: int | None = None) -> Tensor:
    """In-place form of ``as_strided``.

    Example:
        >>> import facula as torch
        >>> torch.arange(4).as_strided_((2,), (2,))
        tensor([0, 2])
    """
    return _take_shape(input, as_strided(detach(input), size, stride, storage_offset))


def resize_as_(input: Tensor, the_template: Tensor) -> Tensor:
    """``input.resize_(the_template.shape)``.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).resize_as_(torch.zeros(2, 3)).shape
        torch.Size([2, 3])
    """
    return input.resize_(the_template.shape)


@native
def sum_to_size(input: Tensor, *size: int) -> Tensor:
    """The sum over the dimensions in which a tensor of shape ``size`` would be stretched to this one.

    Example:
        >>> import facula as torch
        >>> torch.ones(2, 3).sum_to_size(1, 3)
        tensor([[2., 2., 2.]])
    """
