"""Conversions that are methods of Tensor: to, float, long, ..., cpu, cuda, type; and the parts of complex tensors."""

from __future__ import annotations

from facula import _C
from facula._C import (
    Tensor,
    bfloat16,
    channels_last,
    channels_last_3d,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from facula._C import bool as bool_dtype
from facula._C import device as device_type
from facula._C import dtype as dtype_type
from facula._native import native
from facula.functional.arguments import check_place
from facula.functional.shape import clone, contiguous

__all__ = [
    "angle",
    "conj",
    "conj_physical",
    "conj_physical_",
    "imag",
    "real",
    "resolve_conj",
    "resolve_neg",
    "view_as_complex",
    "view_as_real",
]

METHODS = "angle conj conj_physical conj_physical_ cpu cuda get_device resolve_conj resolve_neg to type type_as"


@native("to_dtype")
def _to_dtype(input: Tensor, dtype: dtype_type) -> Tensor:
    """The tensor, or a copy of another type."""


def to(
    input: Tensor,
    *args,
    dtype=None,
    device=None,
    other: Tensor | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format=None,
) -> Tensor:
    """The tensor itself when it already is as asked, else a copy: ``to(dtype)``, ``to(device, dtype)``, ``to(other)``.

    Args:
        args: a dtype, a device and a dtype, or a tensor whose dtype is taken; then ``non_blocking`` and ``copy``.

    Raises:
        AssertionError: the device is a GPU.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1, 2])
        >>> x.to(torch.float32), x.to("cpu") is x
        (tensor([1., 2.]), True)
    """
    if len(args) == 1 and dtype is None and not copy and memory_format is None:  # the common calls
        if isinstance(args[0], dtype_type):
            return _to_dtype(input, args[0])
        if isinstance(args[0], (device_type, str)):
            check_place(args[0])
            return input
    for i, arg in enumerate(args):
        if isinstance(arg, dtype_type) or arg is float or arg is int or arg is bool or arg is complex:
            dtype = arg
        elif isinstance(arg, Tensor):
            other = arg
        elif isinstance(arg, bool):  # non_blocking, then copy
            copy = arg if i and isinstance(args[i - 1], bool) else copy
        elif arg is not None:
            device = arg
    if other is not None:
        dtype = other.dtype
    if device is not None:
        check_place(device)
    result = input if dtype is None or dtype is input.dtype else _to_dtype(input, dtype)
    if copy and result is input:
        result = clone(input)
    return result if memory_format is None else _as_format(result, memory_format)


def _as_format(x: Tensor, memory_format) -> Tensor:
    if memory_format is channels_last or memory_format is channels_last_3d:
        return x if x.is_contiguous(memory_format=memory_format) else contiguous(x, memory_format=memory_format)
    return contiguous(x) if repr(memory_format) == "torch.contiguous_format" else x


def _converter(name: str, dtype: dtype_type):
    def convert(input: Tensor, memory_format=None) -> Tensor:
        """The tensor as one dtype."""
        return _to_dtype(input, dtype)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"""The tensor as {dtype}: itself when it is already.

    Example:
        >>> import facula as torch
        >>> torch.tensor([0, 1]).{name}().dtype
        {dtype}
    """
    return convert


CONVERTERS: dict = {
    name: _converter(name, dtype)
    for name, dtype in {
        "bfloat16": bfloat16,
        "bool": bool_dtype,
        "byte": uint8,
        "cdouble": _C.complex128,
        "cfloat": _C.complex64,
        "char": int8,
        "double": float64,
        "float": float32,
        "half": float16,
        "int": int32,
        "long": int64,
        "short": int16,
    }.items()
}


def cpu(input: Tensor, memory_format=None) -> Tensor:
    """The tensor in the CPU's memory: itself.

    Example:
        >>> import facula as torch
        >>> x = torch.zeros(1)
        >>> x.cpu() is x
        True
    """
    return input


def cuda(input: Tensor, device=None, non_blocking: bool = False, memory_format=None) -> Tensor:
    """Refused: this build computes on the CPU.

    Raises:
        AssertionError: always.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).cuda()
        Traceback (most recent call last):
        AssertionError: Torch not compiled with CUDA enabled: this build of facula computes on the CPU; use device='cpu'
    """
    check_place(device if isinstance(device, (str, device_type)) else "cuda")
    return input


def get_device(input: Tensor) -> int:
    """The number of the GPU; -1 for the CPU.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).get_device()
        -1
    """
    return -1


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor with the dtype of another.

    Example:
        >>> import facula as torch
        >>> torch.tensor([1]).type_as(torch.zeros(1))
        tensor([1.])
    """
    return _to_dtype(input, other.dtype)


TYPE_NAMES: dict[str, dtype_type] = {
    "FloatTensor": float32,
    "DoubleTensor": float64,
    "HalfTensor": float16,
    "BFloat16Tensor": bfloat16,
    "ByteTensor": uint8,
    "CharTensor": int8,
    "ShortTensor": int16,
    "IntTensor": int32,
    "LongTensor": int64,
    "BoolTensor": bool_dtype,
    "UInt16Tensor": _C.uint16,
    "UInt32Tensor": _C.uint32,
    "UInt64Tensor": _C.uint64,
}


def type(input: Tensor, dtype=None, non_blocking: bool = False):
    """The name of the tensor's type, such as "torch.FloatTensor"; or the tensor converted to a type.

    Args:
        dtype: a dtype, such a name, or such a class.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).type(), torch.zeros(1).type(torch.int64)
        ('torch.FloatTensor', tensor([0]))
    """
    if dtype is None:
        return f"torch.{next((n for n, known in TYPE_NAMES.items() if known is input.dtype), _complex_name(input))}"
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2]
        if name not in TYPE_NAMES:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = TYPE_NAMES[name]
    return _to_dtype(input, getattr(dtype, "dtype", dtype))


def _complex_name(x: Tensor) -> str:
    return x.dtype._scalar_name + "Tensor"


# ---- complex ----


@native
def view_as_real(input: Tensor) -> Tensor:
    """A view of a complex tensor with the two parts as a last dimension.

    Example:
        >>> import facula as torch
        >>> torch.view_as_real(torch.tensor([1 + 2j]))
        tensor([[1., 2.]])
    """


@native
def view_as_complex(input: Tensor) -> Tensor:
    """A view of a tensor whose last dimension holds two parts, as a complex tensor.

    Raises:
        RuntimeError: the last dimension is not two numbers side by side, or the others do not step over whole pairs.

    Example:
        >>> import facula as torch
        >>> torch.view_as_complex(torch.tensor([[1.0, 2.0]]))
        tensor([1.+2.j])
    """


@native
def real(input: Tensor) -> Tensor:
    """The real part: a view; the tensor itself when it is real.

    Example:
        >>> import facula as torch
        >>> torch.real(torch.tensor([1 + 2j]))
        tensor([1.])
    """


@native
def imag(input: Tensor) -> Tensor:
    """The imaginary part of a complex tensor: a view.

    Raises:
        RuntimeError: the tensor is real.

    Example:
        >>> import facula as torch
        >>> torch.imag(torch.tensor([1 + 2j]))
        tensor([2.])
    """


def _set_real(input: Tensor, value: Tensor) -> None:
    real(input).copy_(value)


def _set_imag(input: Tensor, value: Tensor) -> None:
    imag(input).copy_(value)


real_attribute = property(real, _set_real, doc="The real part, a view; assignment writes it.")
imag_attribute = property(imag, _set_imag, doc="The imaginary part, a view; assignment writes it.")


@native("_conj")
def conj(input: Tensor) -> Tensor:
    """The complex conjugate, computed at once; the tensor itself when it is real.

    Example:
        >>> import facula as torch
        >>> torch.conj(torch.tensor([1 + 2j]))
        tensor([1.-2.j])
    """


@native
def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate; the tensor itself when it is real.

    Example:
        >>> import facula as torch
        >>> torch.conj_physical(torch.tensor([1 + 2j]))
        tensor([1.-2.j])
    """


@native
def conj_physical_(input: Tensor) -> Tensor:
    """In-place form of ``conj_physical``."""


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugation is never put off.

    Example:
        >>> import facula as torch
        >>> torch.resolve_conj(torch.tensor([1.0]))
        tensor([1.])
    """
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negation is never put off.

    Example:
        >>> import facula as torch
        >>> torch.resolve_neg(torch.tensor([1.0]))
        tensor([1.])
    """
    return input


@native
def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of complex numbers; of real ones 0, or pi below 0.

    Example:
        >>> import facula as torch
        >>> torch.angle(torch.tensor([1.0, -1.0]))
        tensor([0.0000, 3.1416])
    """
