"""Questions about tensors and types of torch.*: is_tensor, numel, result_type, finfo, iinfo. Nothing is computed."""

from __future__ import annotations

from facula._C import (
    Tensor,
    complex64,
    complex128,
    float64,
    get_default_dtype,
    int64,
    promote_types,
    set_default_dtype,
)
from facula._C import bool as bool_dtype
from facula._C import device as device_type
from facula._C import dtype as dtype_type
from facula.functional.arguments import check_place

__all__ = [
    "can_cast", "finfo", "get_default_device", "get_device", "iinfo", "is_complex", "is_conj", "is_floating_point",
    "is_inference", "is_neg", "is_nonzero", "is_same_size", "is_signed", "is_storage", "is_tensor", "numel",
    "result_type", "set_default_device", "set_default_tensor_type", "typename",
]  # fmt: skip

METHODS = "is_nonzero is_same_size"


def is_tensor(obj) -> bool:
    """Whether an object is a tensor.

    Example:
        >>> import facula as torch
        >>> torch.is_tensor(torch.zeros(1)), torch.is_tensor([0.0])
        (True, False)
    """
    return isinstance(obj, Tensor)


def is_storage(obj) -> bool:
    """Whether an object is a storage.

    Example:
        >>> import facula as torch
        >>> torch.is_storage(torch.zeros(1).untyped_storage())
        True
    """
    from facula._tensor.storage import UntypedStorage
    from facula._tensor.typed_storage import TypedStorage

    return isinstance(obj, (UntypedStorage, TypedStorage))


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a floating one.

    Example:
        >>> import facula as torch
        >>> torch.is_floating_point(torch.zeros(1))
        True
    """
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex.

    Example:
        >>> import facula as torch
        >>> torch.is_complex(torch.zeros(1))
        False
    """
    return input.is_complex()


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative values.

    Example:
        >>> import facula as torch
        >>> torch.is_signed(torch.zeros(1, dtype=torch.uint8))
        False
    """
    return input.is_signed()


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode.

    Example:
        >>> import facula as torch
        >>> torch.is_inference(torch.zeros(1))
        False
    """
    return input.is_inference()


def is_conj(input: Tensor) -> bool:
    """False: conjugation is never put off.

    Example:
        >>> import facula as torch
        >>> torch.is_conj(torch.zeros(1))
        False
    """
    return False


def is_neg(input: Tensor) -> bool:
    """False: negation is never put off.

    Example:
        >>> import facula as torch
        >>> torch.is_neg(torch.zeros(1))
        False
    """
    return False


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element of a tensor is not 0.

    Raises:
        RuntimeError: the tensor has no or several elements.

    Example:
        >>> import facula as torch
        >>> torch.is_nonzero(torch.tensor([1.5]))
        True
    """
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape.

    Example:
        >>> import facula as torch
        >>> torch.is_same_size(torch.zeros(2), torch.zeros(1, 2))
        False
    """
    return input.shape == other.shape


def numel(input: Tensor) -> int:
    """The number of elements.

    Example:
        >>> import facula as torch
        >>> torch.numel(torch.zeros(2, 3))
        6
    """
    return input.numel()


def get_device(input: Tensor) -> int:
    """The number of the GPU; -1 for the CPU.

    Example:
        >>> import facula as torch
        >>> torch.get_device(torch.zeros(1))
        -1
    """
    return -1


def get_default_device() -> device_type:
    """Where tensors are made when no device is given: the CPU.

    Example:
        >>> import facula as torch
        >>> torch.get_default_device()
        device(type='cpu')
    """
    return device_type("cpu")


def set_default_device(device) -> None:
    """Accept the CPU and refuse every other device.

    Raises:
        AssertionError: the device is a GPU.

    Example:
        >>> import facula as torch
        >>> torch.set_default_device("cpu")
    """
    check_place(device)


def typename(obj) -> str:
    """The name of an object's type; "torch.FloatTensor" and the like for tensors.

    Example:
        >>> import facula as torch
        >>> torch.typename(torch.zeros(1)), torch.typename(1)
        ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return obj.type()
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(named, "__module__", None)
    return named.__qualname__ if module in (None, "builtins") else f"{module}.{named.__qualname__}"


def _rank(dtype: dtype_type) -> int:
    if dtype.is_complex:
        return 3
    if dtype.is_floating_point:
        return 2
    return 0 if dtype is bool_dtype else 1


def result_type(tensor1, tensor2) -> dtype_type:
    """The dtype that an operation on two tensors or numbers computes in.

    Example:
        >>> import facula as torch
        >>> torch.result_type(torch.tensor([1, 2]), 1.5)
        torch.float32
    """
    found: list = [None, None, None]  # of tensors with dimensions, of 0-d tensors, of numbers: in falling weight
    for x in (tensor1, tensor2):
        if isinstance(x, Tensor):
            place, dtype = (0 if x.dim() else 1), x.dtype
        elif isinstance(x, bool):
            place, dtype = 2, bool_dtype
        elif isinstance(x, complex):
            place, dtype = 2, complex128 if get_default_dtype() is float64 else complex64
        else:
            place, dtype = 2, int64 if isinstance(x, int) else get_default_dtype()
        found[place] = dtype if found[place] is None else promote_types(found[place], dtype)
    result = None
    for dtype in found:
        if dtype is None:
            continue
        if result is None:
            result = dtype
        elif _rank(dtype) > _rank(result):
            known = dtype.is_complex or dtype.is_floating_point or result is not bool_dtype
            dtype = dtype if known else promote_types(result, dtype)  # bool and uint16 have none in common
            result = result.to_complex() if dtype.is_complex and result.is_floating_point else dtype
    return result


def can_cast(from_: dtype_type, to: dtype_type) -> bool:
    """Whether a conversion stays within the kind of type, or goes to a higher one.

    Example:
        >>> import facula as torch
        >>> torch.can_cast(torch.int64, torch.float32), torch.can_cast(torch.float32, torch.int64)
        (True, False)
    """
    return _rank(from_) <= _rank(to)


def set_default_tensor_type(t) -> None:
    """Set the default floating dtype by a tensor type such as ``torch.DoubleTensor``.

    Example:
        >>> import facula as torch
        >>> torch.set_default_tensor_type(torch.FloatTensor)

    Raises:
        TypeError: a type of another device.
    """
    from facula.functional.conversion import TYPE_NAMES

    if isinstance(t, str) and t.rpartition(".")[0] not in ("", "torch", "facula"):
        raise TypeError(f"type {t} not available: this build of facula computes on the CPU only")
    set_default_dtype(TYPE_NAMES[t.rpartition(".")[2]] if isinstance(t, str) else t.dtype)


# Of IEEE 754 binary16, 32, 64 and of bfloat16: digits of the fraction, smallest and largest exponent, decimal digits.
_FLOATS = {
    "float16": (10, -14, 15, 3),
    "bfloat16": (7, -126, 127, 2),
    "float32": (23, -126, 127, 6),
    "float64": (52, -1022, 1023, 15),
}


class finfo:
    """The limits of a floating dtype.

    Args:
        type: the dtype; default: the default one. A complex one stands for its parts.

    Raises:
        TypeError: an integer dtype.

    Example:
        >>> import facula as torch
        >>> torch.finfo(torch.float32).eps
        1.1920928955078125e-07
        >>> torch.finfo(torch.float64).bits
        64
    """

    def __init__(self, type: dtype_type | None = None) -> None:
        type = (type or get_default_dtype()).to_real()
        self.dtype = str(type).rpartition(".")[2]
        if self.dtype not in _FLOATS:
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{type}'")
        fraction, low, high, digits = _FLOATS[self.dtype]
        self.bits = type.itemsize * 8
        self.eps = 2.0**-fraction
        self.max = (2 - self.eps) * 2.0**high
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0**low
        self.resolution = float(f"1e-{digits}")

    def __repr__(self) -> str:
        values = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        listed = ", ".join(f"{name}={getattr(self, name):g}" for name in values)
        return f"finfo({listed}, dtype={self.dtype})"

    def __eq__(self, other) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class iinfo:
    """The limits of an integer dtype.

    Raises:
        TypeError: a floating, complex or bool dtype.

    Example:
        >>> import facula as torch
        >>> torch.iinfo(torch.int8)
        iinfo(min=-128, max=127, dtype=int8)
        >>> torch.iinfo(torch.uint8).max
        255
    """

    def __init__(self, type: dtype_type) -> None:
        self.dtype = str(type).rpartition(".")[2]
        if _rank(type) != 1:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type}'")
        self.bits = type.itemsize * 8
        self.min = -(2 ** (self.bits - 1)) if type.is_signed else 0
        self.max = 2 ** (self.bits - type.is_signed) - 1

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"

    def __eq__(self, other) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)
