"""Memory that several processes see: an anonymous file, mapped by each. A tensor moves there once, with its aliases."""

from __future__ import annotations

import mmap
import os

from facula._C import Tensor

__all__: list[str] = []
METHODS = "is_shared share_memory_"


class SharedMemory(mmap.mmap):
    """A mapping that knows its file, so that another process can map it too."""

    descriptor: int

    def __new__(cls, descriptor: int, size: int) -> SharedMemory:
        self = super().__new__(cls, descriptor, size)
        self.descriptor = descriptor
        return self

    def __del__(self) -> None:
        os.close(self.descriptor)


def _shared_file(size: int) -> int:
    """The descriptor of an anonymous file."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("facula-tensor")
    else:
        import tempfile

        descriptor, path = tempfile.mkstemp()
        os.unlink(path)
    os.ftruncate(descriptor, size)
    return descriptor


def shared_memory_of(input: Tensor) -> SharedMemory | None:
    """The mapping that a tensor's memory is, if it is one."""
    owner = input._storage_owner()  # type: ignore[attr-defined]
    memory = owner.obj if isinstance(owner, memoryview) else None
    return memory if isinstance(memory, SharedMemory) else None


def is_shared(input: Tensor) -> bool:
    """Whether other processes can see the memory.

    Example:
        >>> import facula as torch
        >>> torch.ones(2).is_shared(), torch.ones(2).share_memory_().is_shared()
        (False, True)
    """
    return shared_memory_of(input) is not None


def share_memory_(input: Tensor) -> Tensor:
    """Move the memory to where child processes, started afterwards or sent the tensor, see the same values.

    Returns:
        Tensor: the same tensor; its views and aliases move with it.

    Raises:
        RuntimeError: another library lent the memory.

    Example:
        >>> import facula as torch
        >>> x = torch.zeros(2)
        >>> y = x[1:]
        >>> _ = x.share_memory_().fill_(1)
        >>> y
        tensor([1.])
    """
    size = input._storage_nbytes()  # type: ignore[attr-defined]
    if size and not is_shared(input):
        if not input._storage_move(SharedMemory(_shared_file(size), size)):  # type: ignore[attr-defined]
            raise RuntimeError(
                "share_memory_(): the memory belongs to another library, or was resized; share a clone() of the tensor"
            )
    return input
