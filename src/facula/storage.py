"""torch.storage: the memory of tensors, under PyTorch's path. Re-exports only."""

from facula._tensor.storage import UntypedStorage
from facula._tensor.typed_storage import TypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
