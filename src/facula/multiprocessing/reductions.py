"""How tensors travel through queues and pipes of multiprocessing: their memory becomes shared, and its descriptor is
sent, so that both processes see the same values. Where descriptors cannot travel, tensors are copied."""

from __future__ import annotations

import sys
from multiprocessing import reduction

import facula
from facula.functional.sharing import SharedMemory, share_memory_, shared_memory_of

__all__ = ["register"]


def _rebuild(handle, size: int, dtype: str, sizes: tuple, strides: tuple, offset: int, requires_grad: bool, kind: type):
    descriptor = handle.detach()
    memory = SharedMemory(descriptor, size)
    whole = facula.frombuffer(memory, dtype=facula.uint8)
    tensor = whole.view(getattr(facula, dtype)).as_strided(sizes, strides, offset)
    if kind is not facula.Tensor:
        return kind(tensor, requires_grad)
    return tensor.requires_grad_(requires_grad)


def _reduce(tensor):
    """What a pickler writes for a tensor: where its shared memory is, and how it looks at it."""
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support "
            "crossing process boundaries.  If you just want to transfer the data, call detach() on the tensor before "
            "serializing (e.g., putting it on the queue)."
        )
    plain = tensor.detach()
    if plain._storage_nbytes() == 0 or (shared_memory_of(plain) is None and plain._storage_owner() is not None):
        return tensor.__reduce_ex__(2)
    share_memory_(plain)
    memory = shared_memory_of(plain)
    assert memory is not None
    handle = reduction.DupFd(memory.descriptor)
    dtype = str(plain.dtype).rpartition(".")[2]
    shape = tuple(plain.shape), tuple(plain.stride()), plain.storage_offset()
    return _rebuild, (handle, len(memory), dtype, *shape, tensor.requires_grad, type(tensor))


def register() -> None:
    """Teach the pickler of multiprocessing about tensors and parameters."""
    if sys.platform == "win32":
        return
    from facula.nn.parameter import Parameter

    for kind in (facula.Tensor, Parameter):
        reduction.ForkingPickler.register(kind, _reduce)
