"""What many functions of torch.* do with their arguments: shapes, places, `out=`. No operation is defined here."""

from __future__ import annotations

from facula._C import Tensor, _check_device, _set_grad_enabled

Number = int | float | complex | bool


def shape_of(sizes: tuple, size=None):
    """Give the shape of a call such as ``zeros(2, 3)``, ``zeros((2, 3))`` or ``zeros(size=(2, 3))``."""
    if size is not None:
        return size
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        return sizes[0]
    return sizes


def check_place(device, layout=None, pin_memory: bool = False) -> None:
    """Refuse memory that is not the CPU's, dense and pageable.

    Raises:
        AssertionError: the device is a GPU.
        NotImplementedError: another device or a sparse layout.
        RuntimeError: pinned memory, or a name that is no device.
    """
    if device is not None and device != "cpu":
        _check_device(device)
    if layout is not None and repr(layout) != "torch.strided":
        raise NotImplementedError(f"layout {layout!r} is not supported: tensors are torch.strided")
    if pin_memory:
        raise RuntimeError("Cannot pin memory: pinned memory serves copies to a GPU, and this build has none")


def finish(result: Tensor, out: Tensor | None, requires_grad: bool) -> Tensor:
    """Give a new tensor to the caller: in `out` when there is one, recorded when it shall be."""
    if out is not None:
        result = write_out(result, out)
    if requires_grad:
        result.requires_grad_()
    return result


def wrapped_dim(dim: int, ndim: int) -> int:
    """A dimension counted from 0, of a tensor that counts as having at least one.

    Raises:
        IndexError: there is no such dimension.
    """
    most = max(ndim, 1)
    if not -most <= dim < most:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-most}, {most - 1}], but got {dim})")
    return dim % most


def wrapped_dims(dim: int | tuple[int, ...] | list[int] | None, ndim: int) -> list[int]:
    """The dimensions that an argument names; None: all of them.

    Raises:
        RuntimeError: it names one twice.
    """
    named = range(ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    dims = [wrapped_dim(d, ndim) for d in named]
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return dims


def write_out(result: Tensor, out: Tensor) -> Tensor:
    """Copy a result into `out`, which takes its shape, and give `out` back.

    Raises:
        RuntimeError: a gradient would be lost, or the dtype of `out` cannot hold the result.
    """
    if result.requires_grad or out.requires_grad:
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of the arguments "
            "requires grad."
        )
    if _kind(result) > _kind(out):
        raise _cannot_cast(result, out)
    if out.shape != result.shape:
        out.resize_(result.shape)
    before = _set_grad_enabled(False)
    try:
        return out.copy_(result)
    finally:
        _set_grad_enabled(before)


def write_out_same(result: Tensor, out: Tensor) -> Tensor:
    """``write_out`` for the functions that demand an `out` of exactly their dtype.

    Raises:
        RuntimeError: another dtype.
    """
    if out.dtype is not result.dtype:
        raise RuntimeError(f"Expected out tensor to have dtype {result.dtype}, but got {out.dtype} instead")
    return write_out(result, out)


def write_back(result: Tensor, input: Tensor) -> Tensor:
    """Copy the result of a composed operation into its input, for the in-place form.

    Raises:
        RuntimeError: the dtype of ``input`` cannot hold the result.
    """
    if _kind(result) > _kind(input):
        raise _cannot_cast(result, input)
    return input.copy_(result)


def check_tensors(function: str, **arguments) -> None:
    """Refuse what is not a tensor, for functions that are composed.

    Raises:
        TypeError: an argument of another type.
    """
    for position, (name, value) in enumerate(arguments.items()):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position + 1}) must be Tensor, not "
                f"{type(value).__name__}; torch.tensor(value) makes it a Tensor"
            )


def _cannot_cast(result: Tensor, out: Tensor) -> RuntimeError:
    return RuntimeError(
        f"result type {result.dtype._scalar_name} can't be cast to the desired output type {out.dtype._scalar_name}"
    )


def _kind(x: Tensor) -> int:
    """Position in the order bool, integer, float, complex."""
    if x.is_complex():
        return 3
    if x.is_floating_point():
        return 2
    return int(x.dtype._scalar_name != "Bool")


def warn_of_copy() -> None:
    """What PyTorch says when tensor() is given a tensor."""
    import warnings

    warnings.warn(
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
        "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
        stacklevel=3,
    )
