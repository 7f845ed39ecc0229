"""Tensors made from data, from a value, or from a range, with their ``*_like`` and ``new_*`` forms. Random ones are in
random.py. Memory is the CPU's: another device is refused."""

from __future__ import annotations

from facula._C import (
    Tensor,
    _batched_like,
    _from_dlpack,
    _frombuffer,
    _tensor,
    channels_last,
    channels_last_3d,
    float64,
    get_default_dtype,
    int64,
)  # fmt: skip
from facula._C import bool as bool_dtype
from facula._C import from_numpy as _from_numpy
from facula._native import composed, native
from facula.functional.arguments import Number, check_place, finish, shape_of, warn_of_copy

__all__ = [
    "arange", "as_tensor", "asarray", "complex", "empty", "empty_like", "empty_permuted", "empty_strided", "eye",
    "from_dlpack", "from_numpy", "frombuffer", "full", "full_like", "linspace", "logspace", "ones", "ones_like",
    "polar", "range", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip

METHODS = "new new_empty new_empty_strided new_full new_ones new_tensor new_zeros"


@native("empty")
def _empty(size, dtype=None, device=None) -> Tensor:
    """Uninitialised memory."""


@native("_empty_like")
def _empty_like(input: Tensor, dtype) -> Tensor:
    """Uninitialised memory in the layout of another tensor."""


@native("_full")
def _full(size, fill_value: Number, dtype) -> Tensor:
    """One value everywhere."""


@native("_full_like")
def _full_like(input: Tensor, fill_value: Number, dtype) -> Tensor:
    """One value everywhere, in the layout of another tensor."""


@native("_empty_strided")
def _empty_strided(size, stride, dtype) -> Tensor:
    """Uninitialised memory with given strides."""


@native("_arange")
def _arange(start: Number, end: Number, step: Number, dtype) -> Tensor:
    """Evenly spaced numbers from ``start``, below ``end``."""


@native("_linspace")
def _linspace(start: float, end: float, steps: int, dtype) -> Tensor:
    """Evenly spaced numbers, both ends included."""


@native("_logspace")
def _logspace(start: float, end: float, steps: int, base: float, dtype) -> Tensor:
    """Powers of ``base`` with evenly spaced exponents."""


@native("_eye")
def _eye(n: int, m: int | None, dtype) -> Tensor:
    """The identity matrix."""


# ---- from data ----


def tensor(data, *, dtype=None, device=None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A copy of numbers, nested sequences, an array or a tensor.

    Args:
        data: bool, int, float or complex, or (nested) sequences of them, of one length at each level.
        dtype: default: bool, int64, the default floating or its complex type, by the kind of the numbers.

    Raises:
        ValueError: sequences of different lengths.
        TypeError: something that is no number.

    Example:
        >>> import facula as torch
        >>> torch.tensor([[1, 2], [3, 4]])
        tensor([[1, 2],
                [3, 4]])
        >>> torch.tensor(1.5, requires_grad=True)
        tensor(1.5000, requires_grad=True)
    """
    if device is not None or pin_memory:
        check_place(device, pin_memory=pin_memory)
    if isinstance(data, Tensor):
        warn_of_copy()
    result = _tensor(data, dtype)
    if requires_grad:
        result.requires_grad_()
    return result


def scalar_tensor(s: Number, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of a number, of the default floating type. What is beyond a 16-bit float becomes infinite.

    Example:
        >>> import facula as torch
        >>> torch.scalar_tensor(2)
        tensor(2.)
    """
    check_place(device)
    dtype = dtype or get_default_dtype()
    return finish(_tensor(s, dtype) if dtype.itemsize == 2 else _full((), s, dtype), None, requires_grad)


def _is_array(data) -> bool:
    kind = type(data)
    return kind.__name__ == "ndarray" and kind.__module__ == "numpy"


def as_tensor(data, dtype=None, device=None) -> Tensor:
    """The tensor itself, a tensor over an array's memory, or a copy of anything else that ``tensor`` takes.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1, 2])
        >>> torch.as_tensor(x) is x, torch.as_tensor([1, 2], dtype=torch.float32)
        (True, tensor([1., 2.]))
    """
    if device is not None:
        check_place(device)
    if isinstance(data, Tensor):
        return data if dtype is None or dtype is data.dtype else data.to(dtype)
    if _is_array(data):
        shared = _from_numpy(data)
        return shared if dtype is None else shared.to(dtype)
    return _tensor(data, dtype)


def asarray(obj, *, dtype=None, device=None, copy: bool | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor of anything: tensors, arrays, buffers and DLPack objects share their memory when they can.

    Args:
        copy: True: never share; False: share or raise; None: share when possible.

    Raises:
        ValueError: ``copy=False`` and the dtype has to change, or ``obj`` is a number or sequence.

    Example:
        >>> import facula as torch
        >>> torch.asarray([1.0, 2.0])
        tensor([1., 2.])
    """
    check_place(device)
    if isinstance(obj, Tensor):
        source = obj
    elif _is_array(obj):
        source = _from_numpy(obj)
    elif hasattr(obj, "__dlpack__"):
        source = _from_dlpack(obj)
    elif isinstance(obj, (bytes, bytearray, memoryview)):
        source = _frombuffer(obj, dtype or get_default_dtype(), -1, 0)
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return finish(_tensor(obj, dtype), None, requires_grad)
    if copy is False and dtype not in (None, source.dtype):
        raise ValueError(f"can't alias tensor with dtype '{source.dtype}' into dtype '{dtype}'.")
    result = source.to(dtype or source.dtype, copy=copy is True)
    if result is obj and requires_grad == result.requires_grad:
        return result
    result = result.detach() if result.requires_grad and not requires_grad else result
    return result.requires_grad_(requires_grad) if result.is_leaf else result


def from_numpy(ndarray) -> Tensor:
    """A tensor over the memory of a NumPy array: a change of one is seen in the other.

    Raises:
        TypeError: not an array, or its dtype has no counterpart.

    Example:
        >>> import facula as torch
        >>> import numpy
        >>> array = numpy.zeros(2)
        >>> x = torch.from_numpy(array)
        >>> array[0] = 5
        >>> x
        tensor([5., 0.], dtype=torch.float64)
    """
    if not _is_array(ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__}); torch.tensor(data) copies anything else")
    return _from_numpy(ndarray)


def frombuffer(buffer, *, dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A one-dimensional tensor over the bytes of an object with the buffer protocol.

    Args:
        count: elements; -1: all that fit.
        offset: bytes to skip.

    Raises:
        ValueError: the buffer is too short, empty, or not a multiple of the element size.

    Example:
        >>> import facula as torch
        >>> torch.frombuffer(bytearray([1, 2, 3]), dtype=torch.uint8, offset=1)
        tensor([2, 3], dtype=torch.uint8)
    """
    return finish(_frombuffer(buffer, dtype, count, offset), None, requires_grad)


def from_dlpack(ext_tensor) -> Tensor:
    """A tensor over the memory of an object with ``__dlpack__``, or of a DLPack capsule.

    Example:
        >>> import facula as torch
        >>> torch.from_dlpack(torch.tensor([1, 2]))
        tensor([1, 2])
    """
    return _from_dlpack(ext_tensor)


@native
def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A complex tensor of its two parts.

    Raises:
        RuntimeError: the parts are not both float32 or both float64.

    Example:
        >>> import facula as torch
        >>> torch.complex(torch.tensor([1.0]), torch.tensor([2.0]))
        tensor([1.+2.j])
    """


@native
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A complex tensor of magnitudes and angles.

    Raises:
        RuntimeError: they are not both float32 or both float64.

    Example:
        >>> import facula as torch
        >>> torch.polar(torch.tensor([2.0]), torch.tensor([0.0]))
        tensor([2.+0.j])
    """


# ---- from a value ----


@native("empty", falls_back=True)
def empty(
    *sizes,
    dtype=None,
    device=None,
    size=None,
    out: Tensor | None = None,
    layout=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format=None,
) -> Tensor:
    """Uninitialised memory of a shape.

    Example:
        >>> import facula as torch
        >>> torch.empty(2, 3).shape
        torch.Size([2, 3])
    """
    if device is not None or layout is not None or pin_memory:
        check_place(device, layout, pin_memory)
    shape = shape_of(sizes, size)
    if memory_format is channels_last or memory_format is channels_last_3d:
        n, c, *inner = shape
        last = _empty((n, *inner, c), dtype)
        return finish(last.movedim(-1, 1), out, requires_grad)
    return finish(_empty(shape, dtype), out, requires_grad)


@native("zeros", falls_back=True)
def zeros(
    *sizes,
    dtype=None,
    device=None,
    size=None,
    out: Tensor | None = None,
    layout=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros of a shape.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2, 3, dtype=torch.int64)
        tensor([[0, 0, 0],
                [0, 0, 0]])
    """
    if device is not None or layout is not None or pin_memory:
        check_place(device, layout, pin_memory)
    return finish(_full(shape_of(sizes, size), 0, dtype or get_default_dtype()), out, requires_grad)


@native("ones", falls_back=True)
def ones(
    *sizes,
    dtype=None,
    device=None,
    size=None,
    out: Tensor | None = None,
    layout=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Ones of a shape.

    Example:
        >>> import facula as torch
        >>> torch.ones((2, 2))
        tensor([[1., 1.],
                [1., 1.]])
    """
    if device is not None or layout is not None or pin_memory:
        check_place(device, layout, pin_memory)
    return finish(_full(shape_of(sizes, size), 1, dtype or get_default_dtype()), out, requires_grad)


def _dtype_of(value: Number):
    """The type that a tensor of a Python number has."""
    if isinstance(value, bool):
        return bool_dtype
    if isinstance(value, int):
        return int64
    if isinstance(value, float):
        return get_default_dtype()
    return _tensor(value, None).dtype


def full(
    size,
    fill_value: Number,
    *,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """One value everywhere; its kind gives the dtype.

    Example:
        >>> import facula as torch
        >>> torch.full((2,), 7), torch.full((2,), 1.5)
        (tensor([7, 7]), tensor([1.5000, 1.5000]))
    """
    check_place(device, layout, pin_memory)
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, Tensor) else _dtype_of(fill_value)
    size = (size,) if isinstance(size, int) else size
    return finish(_full(size, fill_value, dtype), out, requires_grad)


def empty_strided(
    size, stride, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """Uninitialised memory of a shape with given strides.

    Example:
        >>> import facula as torch
        >>> torch.empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
    """
    check_place(device, layout, pin_memory)
    return finish(_empty_strided(size, stride, dtype or get_default_dtype()), None, requires_grad)


def empty_permuted(
    size,
    physical_layout,
    *,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialised memory of a shape whose dimensions lie in memory in the order ``physical_layout``.

    Example:
        >>> import facula as torch
        >>> torch.empty_permuted((2, 3), (1, 0)).stride()
        (1, 2)
    """
    check_place(device, layout, pin_memory)
    if len(physical_layout) != len(size):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
            f"{len(size)} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    for dim in physical_layout:
        if not 0 <= dim < len(size):
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {dim})")
    if len(set(physical_layout)) != len(size):
        raise RuntimeError(f"Duplicate dim not allowed in physical_layout {tuple(physical_layout)}")
    stride, step = [0] * len(size), 1
    for dim in reversed(physical_layout):
        stride[dim] = step
        step *= size[dim]
    return finish(_empty_strided(size, stride, dtype or get_default_dtype()), None, requires_grad)


# ---- like another tensor ----


def _in_order(x: Tensor, memory_format) -> bool:
    """Whether the result is to be contiguous although `x` is not."""
    return memory_format is not None and repr(memory_format) == "torch.contiguous_format" and not x.is_contiguous()


def empty_like(
    input: Tensor,
    *,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    memory_format=None,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialised memory of the shape, dtype and order of another tensor.

    Example:
        >>> import facula as torch
        >>> torch.empty_like(torch.zeros(2, 3)).shape
        torch.Size([2, 3])
    """
    if device is not None or layout is not None or pin_memory:
        check_place(device, layout, pin_memory)
    dtype = dtype or input.dtype
    result = _empty(input.shape, dtype) if _in_order(input, memory_format) else _empty_like(input, dtype)
    return result.requires_grad_() if requires_grad else result


@composed
def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    memory_format=None,
    pin_memory: bool = False,
) -> Tensor:
    """One value everywhere, in the shape, dtype and order of another tensor.

    Example:
        >>> import facula as torch
        >>> torch.full_like(torch.zeros(2), 7)
        tensor([7., 7.])
    """
    if device is not None or layout is not None or pin_memory:
        check_place(device, layout, pin_memory)
    dtype = dtype or input.dtype
    if _in_order(input, memory_format):
        result = _full(input.shape, fill_value, dtype)
    else:
        result = _full_like(input, fill_value, dtype)
    return result.requires_grad_() if requires_grad else result


@composed
def zeros_like(
    input: Tensor,
    *,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    memory_format=None,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros in the shape, dtype and order of another tensor.

    Example:
        >>> import facula as torch
        >>> torch.zeros_like(torch.tensor([1, 2]))
        tensor([0, 0])
    """
    return full_like(
        input,
        0,
        dtype=dtype,
        layout=layout,
        device=device,
        requires_grad=requires_grad,
        memory_format=memory_format,
        pin_memory=pin_memory,
    )


@composed
def ones_like(
    input: Tensor,
    *,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    memory_format=None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones in the shape, dtype and order of another tensor.

    Example:
        >>> import facula as torch
        >>> torch.ones_like(torch.zeros(2))
        tensor([1., 1.])
    """
    return full_like(
        input,
        1,
        dtype=dtype,
        layout=layout,
        device=device,
        requires_grad=requires_grad,
        memory_format=memory_format,
        pin_memory=pin_memory,
    )


def new_tensor(input: Tensor, data, *, dtype=None, device=None, requires_grad: bool = False) -> Tensor:
    """``torch.tensor(data)`` with the dtype of ``input`` as default.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1, dtype=torch.int8).new_tensor([1, 2])
        tensor([1, 2], dtype=torch.int8)
    """
    return tensor(data, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def new(input: Tensor, *args, device=None) -> Tensor:
    """The old constructor: uninitialised memory of a shape, or a copy of a sequence, with the dtype of ``input``.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1, dtype=torch.int64).new([1, 2])
        tensor([1, 2])
    """
    check_place(device)
    if len(args) == 1 and not isinstance(args[0], int) and type(args[0]).__name__ != "Size":
        return args[0].view(args[0].shape) if isinstance(args[0], Tensor) else _tensor(args[0], input.dtype)
    return _empty(shape_of(args) if args else (0,), input.dtype)


def new_empty(
    input: Tensor, *sizes, size=None, dtype=None, device=None, requires_grad: bool = False, layout=None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``torch.empty`` with the dtype of ``input`` as default.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1, dtype=torch.int8).new_empty(2).dtype
        torch.int8
    """
    check_place(device, layout, pin_memory)
    return finish(_batched_like(input, _empty(shape_of(sizes, size), dtype or input.dtype)), None, requires_grad)


def new_zeros(
    input: Tensor, *sizes, size=None, dtype=None, device=None, requires_grad: bool = False, layout=None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``torch.zeros`` with the dtype of ``input`` as default.

    Example:
        >>> import facula as torch
        >>> torch.ones(1, dtype=torch.int64).new_zeros(2)
        tensor([0, 0])
    """
    check_place(device, layout, pin_memory)
    return finish(_batched_like(input, _full(shape_of(sizes, size), 0, dtype or input.dtype)), None, requires_grad)


def new_ones(
    input: Tensor, *sizes, size=None, dtype=None, device=None, requires_grad: bool = False, layout=None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``torch.ones`` with the dtype of ``input`` as default.

    Example:
        >>> import facula as torch
        >>> torch.ones(1, dtype=torch.int64).new_ones(2)
        tensor([1, 1])
    """
    check_place(device, layout, pin_memory)
    return finish(_batched_like(input, _full(shape_of(sizes, size), 1, dtype or input.dtype)), None, requires_grad)


def new_full(
    input: Tensor, size, fill_value: Number, *, dtype=None, device=None, requires_grad: bool = False, layout=None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``torch.full`` with the dtype of ``input`` as default.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).new_full((2,), 7)
        tensor([7., 7.])
    """
    check_place(device, layout, pin_memory)
    return finish(_batched_like(input, _full(size, fill_value, dtype or input.dtype)), None, requires_grad)


def new_empty_strided(
    input: Tensor, size, stride, *, dtype=None, device=None, requires_grad: bool = False, layout=None,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """``torch.empty_strided`` with the dtype of ``input`` as default.

    Example:
        >>> import facula as torch
        >>> torch.zeros(1).new_empty_strided((2, 3), (1, 2)).stride()
        (1, 2)
    """
    check_place(device, layout, pin_memory)
    return finish(_batched_like(input, _empty_strided(size, stride, dtype or input.dtype)), None, requires_grad)


# ---- ranges ----


def _is_integral(value) -> bool:
    if isinstance(value, Tensor):
        return not (value.is_floating_point() or value.is_complex())
    return hasattr(value, "__index__")


def arange(
    start: Number = 0,
    end: Number | None = None,
    step: Number = 1,
    *,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers from ``start``, ``step`` apart, below ``end``: ``arange(end)``, ``arange(start, end, step)``.

    Args:
        dtype: default: int64 when all three are integers, else the default floating type.

    Raises:
        RuntimeError: ``step`` is 0, or leads away from ``end``.
        ValueError: ``step`` is below 1 for an integer type.

    Example:
        >>> import facula as torch
        >>> torch.arange(3), torch.arange(1, 2, 0.5)
        (tensor([0, 1, 2]), tensor([1.0000, 1.5000]))
    """
    if device is not None or layout is not None or pin_memory:
        check_place(device, layout, pin_memory)
    if end is None:
        start, end = 0, start
    if dtype is None:
        if out is not None:
            dtype = out.dtype
        else:
            dtype = int64 if _is_integral(start) and _is_integral(end) and _is_integral(step) else get_default_dtype()
    if isinstance(step, float) and -1 < step < 1 and not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(f"step must be nonzero: arange() of {dtype} counts in whole numbers, got step={step}")
    return finish(_arange(start, end, step, dtype), out, requires_grad)


def range(
    start: Number = 0,
    end: Number = 0,
    step: Number = 1,
    *,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` to ``end``, which is included; ``arange`` is what new programs use.

    Example:
        >>> import facula as torch
        >>> torch.arange(1, 4)
        tensor([1, 2, 3])
    """
    check_place(device, layout)
    dtype = dtype or get_default_dtype()
    count = int((end - start) / step) + 1  # type: ignore[arg-type]
    return finish((_arange(0, count, 1, float64) * step + start).to(dtype), out, requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included.

    Example:
        >>> import facula as torch
        >>> torch.linspace(0, 1, 5)
        tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    check_place(device, layout, pin_memory)
    start, end = _bound("linspace", start), _bound("linspace", end)
    return finish(_linspace(start, end, steps, dtype or _spacing_type(out)), out, requires_grad)


def _bound(function: str, value):
    """A number, also from a tensor of no dimensions."""
    if isinstance(value, Tensor) and value.dim():
        raise RuntimeError(
            f"{function} only supports 0-dimensional start and end tensors, but got one with {value.dim()} dimension(s)"
        )
    return value.item() if isinstance(value, Tensor) else value


def _spacing_type(out: Tensor | None):
    return get_default_dtype() if out is None else out.dtype


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """``base`` to the power of ``linspace(start, end, steps)``.

    Example:
        >>> import facula as torch
        >>> torch.logspace(0, 2, 3)
        tensor([  1.,  10., 100.])
    """
    check_place(device, layout, pin_memory)
    start, end = _bound("logspace", start), _bound("logspace", end)
    return finish(_logspace(start, end, steps, base, dtype or _spacing_type(out)), out, requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """An ``n`` by ``m`` matrix with ones on the diagonal, zeros elsewhere.

    Example:
        >>> import facula as torch
        >>> torch.eye(2, 3)
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    check_place(device, layout, pin_memory)
    return finish(_eye(n, m, dtype or get_default_dtype()), out, requires_grad)
