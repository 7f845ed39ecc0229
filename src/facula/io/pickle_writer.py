"""Writes values as a pickle stream of protocol 2 with the names torch uses, so that torch.load(weights_only=True) reads
it. It knows tensors and plain values; it refuses everything else, because loading it would mean running code."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import PicklingError

import facula

from .pickle_reader import MAX_DEPTH
from .rebuild import STORAGE_DTYPES, UNTYPED_DTYPES

_STORAGE_NAMES = {dtype: storage for storage, dtype in STORAGE_DTYPES.items()}
# Every level of nesting costs four Python calls, of the thousand that Python allows.
_MAX_DEPTH = min(200, MAX_DEPTH)
_BATCH = 1000


def storage_bytes(tensor: facula.Tensor) -> memoryview:
    """Give the bytes of the whole storage behind a tensor, in main memory.

    Args:
        tensor: Any tensor.

    Returns:
        A flat view of bytes; of the storage itself where that is in main memory.
    """
    storage = tensor._storage_bytes()
    return memoryview(storage).cast("B") if storage.numel() else memoryview(b"")


class Writer:
    """One value on its way into one stream.

    Args:
        legacy: Write storages the way the format before zip archives names them.

    Attributes:
        storages: The tensors behind which the storages lie that the stream refers to, by their key.
    """

    def __init__(self, legacy: bool = False) -> None:
        self.storages: dict[str, facula.Tensor] = {}
        self._legacy = legacy
        self._keys: dict[tuple[str, int], tuple[str, str]] = {}
        self._out: list[bytes] = [b"\x80\x02"]
        self._memo: dict[object, int] = {}
        self._kept: list[object] = []  # what the memo knows by its address must not be freed meanwhile
        self._path: list[str] = []
        self._open: set[int] = set()

    def dump(self, value: object) -> bytes:
        """Write one value.

        Args:
            value: Tensors, parameters, numbers, text, bytes, None, dtypes, devices, sizes, and lists, tuples, sets and
                dictionaries of those.

        Returns:
            The stream.

        Raises:
            PicklingError: The value has a part of another kind, contains itself, or is nested too deeply.
            RuntimeError: Two tensors see the same memory as different dtypes.
        """
        self._write(value)
        self._out.append(b".")
        return b"".join(self._out)

    def _refuse(self, reason: str) -> None:
        raise PicklingError(f"save(): {reason}, at obj{''.join(self._path)}")

    def _write(self, value: object) -> None:
        kind = type(value)
        plain = _PLAIN.get(kind)
        if plain is not None:
            plain(self, value)
            return
        if id(value) in self._open:
            self._refuse("a value that contains itself")
        if self._recall(("id", id(value))):
            return
        if len(self._path) >= _MAX_DEPTH:
            self._refuse(f"a value nested deeper than {_MAX_DEPTH} levels")
        self._kept.append(value)
        self._open.add(id(value))
        container = _CONTAINERS.get(kind)
        if container is not None:
            container(self, value)
        elif isinstance(value, facula.Tensor):
            self._tensor(value)
        else:
            advice = "; save module.state_dict() instead" if hasattr(value, "state_dict") else ""
            self._refuse(f"cannot save a {kind.__module__}.{kind.__qualname__}: only tensors and plain values{advice}")
        self._open.discard(id(value))

    # -- shared parts ----------------------------------------------------------------------------------------------

    def _recall(self, key: object) -> bool:
        index = self._memo.get(key)
        if index is None:
            return False
        self._out.append(b"h" + bytes((index,)) if index < 256 else b"j" + struct.pack("<I", index))
        return True

    def _remember(self, key: object) -> None:
        index = self._memo[key] = len(self._memo)
        self._out.append(b"q" + bytes((index,)) if index < 256 else b"r" + struct.pack("<I", index))

    def _global(self, module: str, name: str) -> None:
        key = ("global", module, name)
        if not self._recall(key):
            self._out.append(f"c{module}\n{name}\n".encode())
            self._remember(key)

    def _inside(self, step: str, value: object) -> None:
        self._path.append(step)
        self._write(value)
        self._path.pop()

    # -- plain values ----------------------------------------------------------------------------------------------

    def _integer(self, value: int) -> None:
        if 0 <= value < 256:
            self._out.append(b"K" + bytes((value,)))
        elif 0 <= value < 65536:
            self._out.append(b"M" + struct.pack("<H", value))
        elif -(1 << 31) <= value < 1 << 31:
            self._out.append(b"J" + struct.pack("<i", value))
        else:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            short = len(data) < 256
            self._out.append(
                (b"\x8a" + bytes((len(data),)) if short else b"\x8b" + struct.pack("<i", len(data))) + data
            )

    def _string(self, value: str) -> None:
        if not self._recall(("text", value)):
            data = value.encode("utf-8", "surrogatepass")
            self._out.append(b"X" + struct.pack("<I", len(data)) + data)
            self._remember(("text", value))

    def _bytes(self, value: bytes) -> None:
        self._global("_codecs", "encode")
        self._string(value.decode("latin1"))
        self._string("latin1")
        self._out.append(b"\x86R")

    def _bytearray(self, value: bytearray) -> None:
        self._global("__builtin__", "bytearray")
        self._bytes(bytes(value))
        self._out.append(b"\x85R")

    def _complex(self, value: complex) -> None:
        self._global("__builtin__", "complex")
        self._out.append(struct.pack(">cdcd", b"G", value.real, b"G", value.imag) + b"\x86R")

    def _dtype(self, value: facula.dtype) -> None:
        self._global("torch", str(value).rpartition(".")[2])

    def _device(self, value: facula.device) -> None:
        self._global("torch", "device")
        self._string(value.type)
        if value.index is None:
            self._out.append(b"\x85R")
        else:
            self._integer(value.index)
            self._out.append(b"\x86R")

    # -- containers ------------------------------------------------------------------------------------------------

    def _sequence(self, items) -> None:
        self._out.append(b"(")
        for index, item in enumerate(items):
            self._inside(f"[{index}]", item)

    def _list(self, value: list) -> None:
        self._out.append(b"]")
        self._remember(("id", id(value)))
        for start in range(0, len(value), _BATCH):
            self._sequence(value[start : start + _BATCH])
            self._out.append(b"e")

    def _tuple(self, value: tuple) -> None:
        self._sequence(value)
        self._out.append(b"t")
        self._remember(("id", id(value)))

    def _size(self, value: facula.Size) -> None:
        self._global("torch", "Size")
        self._sequence(tuple(value))
        self._out.append(b"t\x85R")

    def _set(self, value: set | frozenset) -> None:
        self._global("__builtin__", type(value).__name__)
        self._list(list(value))
        self._out.append(b"\x85R")
        self._remember(("id", id(value)))

    def _items(self, value: dict) -> None:
        items = list(value.items())
        for start in range(0, len(items), _BATCH):
            self._out.append(b"(")
            for key, item in items[start : start + _BATCH]:
                self._inside(f"[key {key!r}]", key)
                self._inside(f"[{key!r}]", item)
            self._out.append(b"u")

    def _dict(self, value: dict) -> None:
        self._out.append(b"}")
        self._remember(("id", id(value)))
        self._items(value)

    def _counter(self, value: Counter) -> None:
        self._global("collections", "Counter")
        self._out.append(b"}")
        self._items(value)
        self._out.append(b"\x85R")
        self._remember(("id", id(value)))

    def _empty_ordered_dict(self) -> None:
        self._global("collections", "OrderedDict")
        self._out.append(b")R")

    def _ordered_dict(self, value: OrderedDict) -> None:
        self._empty_ordered_dict()
        self._remember(("id", id(value)))
        self._items(value)
        if value.__dict__:
            self._inside(".__dict__", dict(value.__dict__))
            self._out.append(b"b")

    # -- tensors ---------------------------------------------------------------------------------------------------

    def _tensor(self, value: facula.Tensor) -> None:
        attributes = dict(getattr(value, "__dict__", {}))
        if type(value) is facula.nn.Parameter:
            self._global("torch._utils", "_rebuild_parameter" + ("_with_state" if attributes else ""))
            self._out.append(b"(")
            self._view(value.detach(), False)
            self._out.append(b"\x88" if value.requires_grad else b"\x89")
            self._empty_ordered_dict()
            if attributes:
                self._inside(".__dict__", attributes)
            self._out.append(b"tR")
        elif type(value) is not facula.Tensor:
            self._refuse(
                f"cannot save the tensor subclass {type(value).__qualname__}; save a plain Tensor or Parameter"
            )
        elif attributes:
            self._global("torch._tensor", "_rebuild_from_type_v2")
            self._out.append(b"(")
            self._view(value, value.requires_grad, called=False)
            self._inside(".__dict__", attributes)
            self._out.append(b"tR")
        else:
            self._view(value, value.requires_grad)
        self._remember(("id", id(value)))

    def _view(self, value: facula.Tensor, requires_grad: bool, called: bool = True) -> None:
        """The function that rebuilds a tensor and its arguments; called, or as three separate values."""
        for name in ("resolve_conj", "resolve_neg"):  # a lazy conjugate is written as the numbers it stands for
            resolve = getattr(value, name, None)
            value = value if resolve is None else resolve()
        dtype = str(value.dtype).rpartition(".")[2]
        typed = dtype in _STORAGE_NAMES
        self._global("torch._utils", "_rebuild_tensor_v2" if typed else "_rebuild_tensor_v3")
        if not called:
            self._global("torch", "Tensor")
        self._out.append(b"(")
        self._storage(value)
        self._integer(value.storage_offset())
        for numbers in (value.shape, value.stride()):
            self._sequence(tuple(numbers))
            self._out.append(b"t")
        self._out.append(b"\x88" if requires_grad else b"\x89")
        self._empty_ordered_dict()
        if not typed:
            self._dtype(value.dtype)
        self._out.append(b"tR" if called else b"t")

    def _storage(self, value: facula.Tensor) -> None:
        """The persistent identifier of the storage behind a tensor; a storage gets its key on first sight."""
        dtype = str(value.dtype).rpartition(".")[2]
        if dtype not in _STORAGE_NAMES and dtype not in UNTYPED_DTYPES:
            self._refuse(f"cannot save a tensor of {value.dtype}")
        storage = value.untyped_storage()
        nbytes = storage.nbytes()
        # Storages without memory have no address; each gets a key of its own.
        place = (str(value.device), storage.data_ptr() if nbytes else -1 - len(self._keys))
        key, first_dtype = self._keys.setdefault(place, (str(len(self._keys)), dtype))
        if first_dtype != dtype:
            raise RuntimeError(
                f"save(): two tensors see one memory as {first_dtype} and as {dtype}, at obj{''.join(self._path)}; "
                f"clone() one of them"
            )
        self.storages.setdefault(key, value)
        self._out.append(b"(")
        self._string("storage")
        known = _STORAGE_NAMES.get(dtype)
        self._global("torch" if known else "torch.storage", known or "UntypedStorage")
        self._string(key)
        self._string(str(value.device))
        self._integer(nbytes // storage_unit(value.dtype))
        self._out.append(b"NtQ" if self._legacy else b"tQ")


def storage_unit(dtype: facula.dtype) -> int:
    """The bytes that count as one element of the storage: one where the storage has no type."""
    return dtype.itemsize if str(dtype).rpartition(".")[2] in _STORAGE_NAMES else 1


_PLAIN: dict[type, Callable[..., None]] = {
    type(None): lambda writer, value: writer._out.append(b"N"),
    bool: lambda writer, value: writer._out.append(b"\x88" if value else b"\x89"),
    int: Writer._integer,
    float: lambda writer, value: writer._out.append(b"G" + struct.pack(">d", value)),
    str: Writer._string,
    bytes: Writer._bytes,
    bytearray: Writer._bytearray,
    complex: Writer._complex,
    facula.dtype: Writer._dtype,
    facula.device: Writer._device,
    facula.Size: Writer._size,
}
_CONTAINERS: dict[type, Callable[..., None]] = {
    list: Writer._list,
    tuple: Writer._tuple,
    dict: Writer._dict,
    set: Writer._set,
    frozenset: Writer._set,
    OrderedDict: Writer._ordered_dict,
    Counter: Writer._counter,
}
