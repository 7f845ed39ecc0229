"""The tensor side of loading: storages as writable memory, tensors as checked views of them, and the table of torch
names that a file may mention. It refuses every view that leaves its storage and every size the file cannot hold."""

from __future__ import annotations

import struct
import sys
from pickle import UnpicklingError

import facula

from .pickle_reader import Internal, Permitted, Reader

# torch's typed storage classes and the element type each stands for.
STORAGE_DTYPES = {
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
# The element types without a typed storage: the tensor names them, not its storage.
UNTYPED_DTYPES = ("uint16", "uint32", "uint64")
_MAX_DIMS = 64


class StorageKind(Internal):
    """The class of a storage as a file names it: an element type, or none for untyped bytes."""

    def __init__(self, name: str, dtype: facula.dtype | None) -> None:
        self.name = name
        self.dtype = dtype
        self.itemsize = 1 if dtype is None else dtype.itemsize

    def __repr__(self) -> str:
        return f"<storage class {self.name}>"


class Storage(Internal):
    """Bytes in memory and, made when first wanted, one flat tensor over them for each element type.

    All tensors of one element type that a file cuts from a storage are views of the same flat tensor.
    """

    def __init__(self, data, dtype: facula.dtype | None, place) -> None:
        self._data = data
        self._place = place
        self._flat: dict = {}
        self.dtype = dtype

    def __repr__(self) -> str:
        return "<a storage>"

    def flat(self, dtype: facula.dtype) -> facula.Tensor:
        """Give the one-dimensional tensor of all elements."""
        if dtype not in self._flat:
            count = len(self._data) // dtype.itemsize
            flat = facula.frombuffer(self._data, dtype=dtype, count=count) if count else facula.empty(0, dtype=dtype)
            self._flat[dtype] = self._place(flat)
        return self._flat[dtype]


class StoragePart(Internal):
    """A stretch of a storage, which old files name like a storage of its own.

    Args:
        whole: The storage.
        offset: The first element.
        count: The number of elements.

    Raises:
        UnpicklingError: It is not inside of the storage.
    """

    def __init__(self, whole: Storage, offset: object, count: object) -> None:
        self._whole = whole
        self._offset, self._count = _integers("storage offset", (offset, count))
        self.dtype = whole.dtype
        self.flat(self.dtype or facula.uint8)

    def flat(self, dtype: facula.dtype) -> facula.Tensor:
        """Give the one-dimensional tensor of all elements, which shares the storage's memory."""
        flat = self._whole.flat(dtype)
        if self._offset + self._count > flat.numel():
            raise UnpicklingError(
                f"elements {self._offset} to {self._offset + self._count} of {flat.numel()} in a storage"
            )
        return flat[self._offset : self._offset + self._count]


def swap_bytes(data: bytearray, dtype: facula.dtype | None) -> bytearray:
    """Give the elements of another byte order in this machine's."""
    size = 1 if dtype is None else dtype.itemsize // (2 if dtype.is_complex else 1)
    swapped = bytearray(len(data))
    for byte in range(size):
        swapped[byte::size] = data[size - 1 - byte :: size]
    return swapped


def _integers(what: str, values: object) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or len(values) > _MAX_DIMS or not all(type(v) is int for v in values):
        raise UnpicklingError(f"a tensor whose {what} is not a tuple of at most {_MAX_DIMS} integers")
    if any(not 0 <= v < 1 << 62 for v in values):
        raise UnpicklingError(f"a tensor whose {what} is {values}; each entry must be from 0 to 2**62 - 1")
    return tuple(values)


def _view(
    storage: Storage | StoragePart, offset: object, size: object, stride: object, dtype: facula.dtype
) -> facula.Tensor:
    """The strided view, after proving that each of its elements lies inside the storage."""
    if not isinstance(storage, (Storage, StoragePart)):
        raise UnpicklingError(f"a tensor made of a {type(storage).__name__} in place of a storage")
    size, stride = _integers("size", size), _integers("stride", stride)
    (offset,) = _integers("storage offset", (offset,))
    if len(size) != len(stride):
        raise UnpicklingError(f"a tensor with {len(size)} sizes but {len(stride)} strides")
    flat = storage.flat(dtype)
    if 0 in size:
        count = 1
        for extent in size:
            count *= max(extent, 1)
        last = offset - 1
    else:
        count = 1
        for extent in size:
            count *= extent
        last = offset + sum((extent - 1) * step for extent, step in zip(size, stride))
    if last >= flat.numel() or count >= 1 << 60:
        raise UnpicklingError(
            f"a tensor of size {size}, stride {stride} and storage offset {offset} does not fit in its storage of "
            f"{flat.numel()} elements"
        )
    return facula.as_strided(flat, size, stride, flat.storage_offset() + offset)


def _finish(reader: Reader, tensor: facula.Tensor, requires_grad: object, metadata: object) -> facula.Tensor:
    if type(requires_grad) is not bool or not isinstance(metadata, (dict, type(None))):
        raise UnpicklingError("a tensor whose requires_grad or metadata is malformed")
    for name in metadata or {}:
        reader.spend(tensor.numel() * tensor.dtype.itemsize)  # what follows copies, also what only seems large
        if name == "conj" and tensor.dtype.is_complex:
            tensor = facula.conj(tensor)
        elif name == "neg":
            tensor = -tensor
        else:
            raise UnpicklingError(f"a tensor with the property {name!r}, which is not known")
    if requires_grad:
        if not (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
            raise UnpicklingError(f"a tensor of {tensor.dtype} that requires a gradient")
        tensor.requires_grad_(True)
    return tensor


def _tensor(reader, storage, offset, size, stride, requires_grad=False, hooks=None, metadata=None):
    dtype = facula.uint8 if storage.dtype is None else storage.dtype
    return _finish(reader, _view(storage, offset, size, stride, dtype), requires_grad, metadata)


def _tensor_v3(reader, storage, offset, size, stride, requires_grad, hooks, dtype, metadata=None):
    if not isinstance(dtype, facula.dtype):
        raise UnpicklingError(f"a tensor whose dtype is a {type(dtype).__name__}")
    return _finish(reader, _view(storage, offset, size, stride, dtype), requires_grad, metadata)


def _parameter(reader, data, requires_grad=True, hooks=None, state=None):
    if not isinstance(data, facula.Tensor) or type(requires_grad) is not bool:
        raise UnpicklingError("a malformed Parameter")
    return _with_attributes(reader, facula.nn.Parameter(data, requires_grad), state)


def _with_attributes(reader: Reader, tensor: facula.Tensor, state: object) -> facula.Tensor:
    """Set attributes that a program once hung on a tensor; none may stand in for one that tensors have anyway."""
    if isinstance(state, tuple) and len(state) == 2 and not state[1]:
        state = state[0]
    if not isinstance(state, (dict, type(None))):
        raise UnpicklingError("a tensor whose attributes are malformed")
    reader.spend(len(state or ()))
    for name, value in (state or {}).items():
        if type(name) is not str or name.startswith("__") or hasattr(tensor, name):
            raise UnpicklingError(f"the attribute {name!r} for a tensor")
        setattr(tensor, name, value)
    return tensor


def _from_type(reader, function, kind, arguments, state):
    names = reader.names
    if function not in (names["torch._utils._rebuild_tensor_v2"], names["torch._utils._rebuild_tensor_v3"]):
        raise UnpicklingError(f"a tensor that is rebuilt by {function!r}; nothing was executed")
    if kind is not names["torch.Tensor"] and kind is not names["torch.nn.parameter.Parameter"]:
        raise UnpicklingError(f"a tensor of the class {kind!r}")
    tensor = function.build(reader, *arguments)
    if kind is names["torch.nn.parameter.Parameter"] and isinstance(tensor, facula.Tensor):
        tensor = facula.nn.Parameter(tensor.detach(), tensor.requires_grad)
    return _with_attributes(reader, tensor, state)


def _size(reader, sizes=()):
    return facula.Size(_integers("size", sizes))


def _device(reader, kind, index=None):
    if type(kind) is not str or type(index) not in (int, type(None)):
        raise UnpicklingError("a malformed device")
    try:
        return facula.device(kind) if index is None else facula.device(kind, index)
    except RuntimeError as error:
        raise UnpicklingError(f"a device that does not exist: {error}") from None


# numpy's one-letter type codes with their size, and the letter by which struct reads them.
_NUMPY_CODES = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip


class _NumpyType(Internal):
    """The type of a NumPy scalar; the scalar itself is read as the Python number."""

    def __init__(self, code: str) -> None:
        self.code = _NUMPY_CODES[code]
        self.order = "<"

    def set_pickle_state(self, state: tuple) -> None:
        """Take over the byte order, the second entry of NumPy's state."""
        self.order = ">" if state[1] == ">" else "<"


def _numpy_type(reader, code, align=False, copy=True):
    if code not in _NUMPY_CODES:
        raise UnpicklingError(f"the NumPy type {code!r}; only numbers are read")
    return _NumpyType(code)


def _numpy_scalar(reader, kind, data):
    if not isinstance(kind, _NumpyType):
        raise UnpicklingError("a malformed NumPy scalar")
    if isinstance(data, str):
        data = data.encode("latin1")
    return struct.unpack(kind.order + kind.code, data)[0]


def torch_names() -> dict[str, object]:
    """Give the table of what files by torch may mention.

    Returns:
        A dictionary from "module.name" to a dtype, a storage class or a function of this file.
    """
    functions = {
        "torch._utils._rebuild_tensor": _tensor,
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch._utils._rebuild_tensor_v3": _tensor_v3,
        "torch._utils._rebuild_parameter": _parameter,
        "torch._utils._rebuild_parameter_with_state": _parameter,
        "torch.nn.parameter.Parameter": _parameter,
        "torch._tensor._rebuild_from_type_v2": _from_type,
        "torch.Tensor": None,
        "torch.Size": _size,
        "torch.device": _device,
        "numpy.dtype": _numpy_type,
        "numpy.core.multiarray.scalar": _numpy_scalar,
        "numpy._core.multiarray.scalar": _numpy_scalar,
    }
    names: dict[str, object] = {name: Permitted(name, build) for name, build in functions.items()}
    for storage, dtype in STORAGE_DTYPES.items():
        names[f"torch.{dtype}"] = getattr(facula, dtype)
        kind = StorageKind(storage, getattr(facula, dtype))
        names[f"torch.{storage}"] = names[f"torch.cuda.{storage}"] = kind
    for dtype in UNTYPED_DTYPES:
        names[f"torch.{dtype}"] = getattr(facula, dtype)
    names["torch.storage.UntypedStorage"] = names["torch.UntypedStorage"] = StorageKind("UntypedStorage", None)
    return names


def placement(location: str, map_location):
    """Decide where the tensors of a storage go.

    Args:
        location: Where the storage was when it was saved, as the file says.
        map_location: None, a device, its name, a dictionary between names, or a function of storage and name.

    Returns:
        A function from the flat tensor, in main memory, to the flat tensor where it belongs.

    Raises:
        RuntimeError: The device is not there.
    """
    if callable(map_location) and not isinstance(map_location, facula.device):

        def ask(flat: facula.Tensor) -> facula.Tensor:
            answer = map_location(flat.untyped_storage(), location)
            return _move(flat, location if answer is None else str(answer.device))

        return ask
    if isinstance(map_location, dict):
        location = map_location.get(location, location)
    elif map_location is not None:
        location = map_location
    return lambda flat: _move(flat, location)


def _move(flat: facula.Tensor, location: object) -> facula.Tensor:
    if str(location) == "cpu":
        return flat
    device = facula.device(location)
    if device.type not in ("cpu", "cuda", "meta"):
        raise RuntimeError(f"load(): a tensor was saved on {location}, a device that is not known; pass map_location")
    if device.type == "cuda" and not facula.cuda.is_available():
        raise RuntimeError(
            f"load(): a tensor was saved on {location}, but no CUDA device is available here; "
            f"pass map_location='cpu' to load it into main memory"
        )
    return flat.to(device)


def needs_swap(order: str) -> bool:
    """Tell whether data of the given byte order, "little" or "big", must be swapped on this machine."""
    if order not in ("little", "big"):
        raise RuntimeError(f"load(): the byte order {order!r} is neither little nor big")
    return order != sys.byteorder
