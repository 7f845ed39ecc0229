"""UntypedStorage: the bytes that tensors look at. It shows them and copies them; it has no operations."""

from __future__ import annotations

from facula._C import Tensor, device

_alive: list = []  # holds one weak table, address -> storage object: two tensors on one storage give the same object


def constant(name: str):
    """A dtype, layout or memory format by its name: what pickle calls to find it again."""
    import facula

    return getattr(facula, name)


def make_device(text: str):
    """What pickle calls to make a device again."""
    import facula

    return facula.device(text)


def make_size(sizes):
    """What pickle calls to make a Size again."""
    import facula

    return facula.Size(sizes)


class UntypedStorage:
    """The bytes of a tensor's memory, as ``x.untyped_storage()`` gives them.

    Example:
        >>> import facula as torch
        >>> storage = torch.zeros(3).untyped_storage()
        >>> storage.nbytes(), len(storage), storage[0]
        (12, 12, 0)
    """

    def __init__(self, size: int | Tensor | list[int] = 0) -> None:
        if not isinstance(size, Tensor):
            from facula._C import uint8
            from facula.functional.creation import tensor, zeros

            size = zeros(size, dtype=uint8) if isinstance(size, int) else tensor(size, dtype=uint8)
        self._bytes = size

    device = device("cpu")
    is_cuda = False

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._bytes.numel()

    size = nbytes

    def __len__(self) -> int:
        return self._bytes.numel()

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._bytes.data_ptr()

    def element_size(self) -> int:
        """1: elements are bytes."""
        return 1

    def __getitem__(self, index):
        part = self._bytes[index]
        return part.item() if part.dim() == 0 else UntypedStorage(part)

    def __setitem__(self, index, value) -> None:
        self._bytes[index] = value

    def __iter__(self):
        return iter(self.tolist())

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        return self._bytes.tolist()

    def __bytes__(self) -> bytes:
        return memoryview(self._bytes).tobytes() if self._bytes.numel() else b""

    def clone(self) -> UntypedStorage:
        """A copy of the bytes."""
        return UntypedStorage(self._bytes.clone())

    def fill_(self, value: int) -> UntypedStorage:
        """Overwrite every byte."""
        self._bytes.fill_(value)
        return self

    def resize_(self, size: int) -> UntypedStorage:
        """Change the number of bytes; what fits stays."""
        self._bytes.resize_(size)
        return self

    def untyped(self) -> UntypedStorage:
        """The storage itself."""
        return self

    cpu = untyped

    def share_memory_(self) -> UntypedStorage:
        """Move the bytes to memory that other processes can see."""
        self._bytes.share_memory_()
        return self

    def is_shared(self) -> bool:
        """Whether other processes can see the memory."""
        return self._bytes.is_shared()

    def is_pinned(self, device=None) -> bool:
        """False."""
        return False

    def get_device(self) -> int:
        """-1: the CPU."""
        return -1

    def copy_(self, source: UntypedStorage, non_blocking: bool = False) -> UntypedStorage:
        """Overwrite with the bytes of another storage of the same size."""
        self._bytes.copy_(source._bytes)
        return self

    def __eq__(self, other) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr() and len(self) == len(other)

    def __hash__(self) -> int:
        return hash((self.data_ptr(), len(self)))

    def __reduce__(self):
        return _from_bytes, (bytes(self),)

    def __deepcopy__(self, memo) -> UntypedStorage:
        if id(self) not in memo:
            memo[id(self)] = self.clone()
        return memo[id(self)]

    def __repr__(self) -> str:
        listed = "".join(f" {value}\n" for value in self.tolist())
        return f"{listed}[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"


def _from_bytes(data: bytes) -> UntypedStorage:
    from facula._C import _frombuffer, uint8

    return UntypedStorage(_frombuffer(data, uint8, -1, 0).clone()) if data else UntypedStorage(0)


def untyped_storage(tensor: Tensor) -> UntypedStorage:
    """The storage of a tensor, one object for all tensors that share it.

    Example:
        >>> import facula as torch
        >>> x = torch.zeros(4)
        >>> x.untyped_storage() is x[1:].untyped_storage()
        True
    """
    if not _alive:
        from weakref import WeakValueDictionary

        _alive.append(WeakValueDictionary())
    table = _alive[0]
    key = tensor._storage_key()
    found = table.get(key)
    if found is None or len(found) != tensor._storage_nbytes():
        found = table[key] = UntypedStorage(tensor._storage_bytes())
    return found
