"""TypedStorage and the classes FloatStorage...: a storage read as elements of one dtype. Older programs and files use
them; they show, copy and convert, and leave arithmetic to tensors."""

from __future__ import annotations

from facula._C import (
    Tensor,
    bfloat16,
    complex64,
    complex128,
    device,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from facula._C import bool as bool_dtype
from facula._C import dtype as dtype_type
from facula._tensor.storage import UntypedStorage, untyped_storage

_TYPES = {
    "FloatStorage": float32, "DoubleStorage": float64, "HalfStorage": float16, "BFloat16Storage": bfloat16,
    "ByteStorage": uint8, "CharStorage": int8, "ShortStorage": int16, "IntStorage": int32, "LongStorage": int64,
    "BoolStorage": bool_dtype, "ComplexFloatStorage": complex64, "ComplexDoubleStorage": complex128,
}  # fmt: skip


def _elements(data, dtype: dtype_type) -> UntypedStorage:
    """A fresh storage of so many elements, or of those of a sequence."""
    from facula.functional.creation import empty, tensor

    made = empty(data, dtype=dtype) if isinstance(data, int) else tensor(data, dtype=dtype)
    return untyped_storage(made.reshape(-1))


class TypedStorage:
    """The elements of a storage.

    Args:
        args: how many elements, or a sequence of them; or nothing.
        wrap_storage: the bytes to read, instead.
        dtype: the type of the elements; default: the default dtype.

    Example:
        >>> import facula as torch
        >>> storage = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).storage()
        >>> len(storage), storage[2], storage.tolist()
        (4, 3.0, [1.0, 2.0, 3.0, 4.0])
    """

    is_sparse = False
    is_cuda = False
    device = device("cpu")

    def __init__(self, *args, wrap_storage=None, dtype: dtype_type | None = None, device=None, _internal=False):
        if len(args) > 1:
            raise RuntimeError(f"TypedStorage takes one size, sequence or storage, got {len(args)} arguments")
        if wrap_storage is not None:
            if args:
                raise RuntimeError("No positional arguments should be given when using 'wrap_storage'")
            if not isinstance(wrap_storage, UntypedStorage):
                raise TypeError(f"Argument 'wrap_storage' must be UntypedStorage, but got {type(wrap_storage)}")
            if dtype is None:
                raise RuntimeError("Argument 'dtype' must be specified")
        self.dtype = dtype or get_default_dtype()
        self._untyped_storage = (
            wrap_storage if wrap_storage is not None else _elements(args[0] if args else 0, self.dtype)
        )

    def _values(self) -> Tensor:
        """A tensor over all elements."""
        data = self._untyped_storage._bytes
        step = self.dtype.itemsize
        return data.narrow(0, 0, data.numel() // step * step)._view_dtype(self.dtype)

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        return self._untyped_storage

    def __len__(self) -> int:
        return self.nbytes() // self.dtype.itemsize

    size = __len__

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        """The number of bytes of an element."""
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._untyped_storage.data_ptr()

    def __getitem__(self, index):
        if not isinstance(index, int):
            raise RuntimeError(f"can't index a TypedStorage with {type(index).__name__}; slices are not supported")
        return self._values()[index].item()

    def __setitem__(self, index, value) -> None:
        if not isinstance(index, (int, slice)):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        self._values()[index] = value

    def __iter__(self):
        return iter(self.tolist())

    def tolist(self) -> list:
        """The elements as a list."""
        return self._values().tolist()

    def fill_(self, value) -> TypedStorage:
        """Overwrite every element."""
        self._values().fill_(value)
        return self

    def copy_(self, source: TypedStorage, non_blocking: bool = False) -> TypedStorage:
        """Overwrite with the elements of another storage of the same length."""
        self._values().copy_(source._values())
        return self

    def clone(self) -> TypedStorage:
        """A copy."""
        return TypedStorage(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype)

    def resize_(self, size: int) -> None:
        """Change the number of elements; what fits stays."""
        self._untyped_storage.resize_(size * self.dtype.itemsize)

    def cpu(self) -> TypedStorage:
        """The storage itself."""
        return self

    def is_shared(self) -> bool:
        """Whether other processes can see the memory."""
        return self._untyped_storage.is_shared()

    def is_pinned(self, device=None) -> bool:
        """False."""
        return False

    def share_memory_(self) -> TypedStorage:
        """Move the elements to memory that other processes can see."""
        self._untyped_storage.share_memory_()
        return self

    def get_device(self) -> int:
        """-1: the CPU."""
        return -1

    def type(self, dtype=None, non_blocking: bool = False):
        """The name of the storage's type; or the storage converted to the type of a name."""
        if dtype is None:
            return f"torch.{self.pickle_storage_type()}"
        return self._to(_TYPES[dtype.rpartition(".")[2]] if isinstance(dtype, str) else dtype.dtype)

    def pickle_storage_type(self) -> str:
        """The name of the storage's class, as files have it."""
        return next(name for name, dtype in _TYPES.items() if dtype is self.dtype)

    def _to(self, dtype: dtype_type) -> TypedStorage:
        return TypedStorage(wrap_storage=untyped_storage(self._values().to(dtype)), dtype=dtype)

    def __eq__(self, other) -> bool:
        return isinstance(other, TypedStorage) and self.data_ptr() == other.data_ptr() and self.dtype is other.dtype

    def __hash__(self) -> int:
        return hash((self.data_ptr(), self.dtype))

    def __reduce__(self):
        return _rebuild, (self._untyped_storage, str(self.dtype).rpartition(".")[2])

    def __deepcopy__(self, memo) -> TypedStorage:
        from copy import deepcopy

        return TypedStorage(wrap_storage=deepcopy(self._untyped_storage, memo), dtype=self.dtype)

    def __repr__(self) -> str:
        listed = "".join(f" {value}\n" for value in self.tolist())
        return f"{listed}[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(self)}]"


def _rebuild(untyped: UntypedStorage, dtype_name: str) -> TypedStorage:
    """Make a storage of what ``__reduce__`` gave."""
    import facula

    return TypedStorage(wrap_storage=untyped, dtype=getattr(facula, dtype_name))


def _converter(dtype: dtype_type):
    def convert(self) -> TypedStorage:
        return self if self.dtype is dtype else self._to(dtype)

    convert.__doc__ = f"The elements converted to {dtype}."
    return convert


for _name, _dtype in (
    ("float", float32), ("double", float64), ("half", float16), ("bfloat16", bfloat16), ("byte", uint8), ("char", int8),
    ("short", int16), ("int", int32), ("long", int64), ("bool", bool_dtype), ("complex_float", complex64),
    ("complex_double", complex128),
):  # fmt: skip
    setattr(TypedStorage, _name, _converter(_dtype))


class _LegacyMeta(type):
    """``isinstance`` asks for the dtype; calling makes a TypedStorage of it."""

    dtype: dtype_type

    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is cls.dtype

    def __call__(cls, *args, wrap_storage=None) -> TypedStorage:
        return TypedStorage(*args, wrap_storage=wrap_storage, dtype=cls.dtype)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def _legacy(name: str):
    """The class ``torch.<name>``."""
    documentation = f"""A number gives uninitialised elements of {_TYPES[name]}, a sequence its copy.

    Example:
        >>> import facula as torch
        >>> len(torch.{name}(2)), isinstance(torch.{name}(2), torch.{name})
        (2, True)
    """
    return _LegacyMeta(name, (), {"dtype": _TYPES[name], "__doc__": documentation, "__module__": "torch"})


FloatStorage = _legacy("FloatStorage")
DoubleStorage = _legacy("DoubleStorage")
HalfStorage = _legacy("HalfStorage")
BFloat16Storage = _legacy("BFloat16Storage")
ByteStorage = _legacy("ByteStorage")
CharStorage = _legacy("CharStorage")
ShortStorage = _legacy("ShortStorage")
IntStorage = _legacy("IntStorage")
LongStorage = _legacy("LongStorage")
BoolStorage = _legacy("BoolStorage")
ComplexFloatStorage = _legacy("ComplexFloatStorage")
ComplexDoubleStorage = _legacy("ComplexDoubleStorage")


def storage_of(tensor: Tensor) -> TypedStorage:
    """The storage of a tensor, as elements of its dtype.

    Example:
        >>> import facula as torch
        >>> torch.zeros(3)[1:].storage().size()
        3
    """
    return TypedStorage(wrap_storage=untyped_storage(tensor), dtype=tensor.dtype)
