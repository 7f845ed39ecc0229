"""torch.utils.dlpack: tensors as capsules for other array libraries, and back."""

from __future__ import annotations

from facula._C import Tensor
from facula.functional.creation import from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor):
    """A DLPack capsule of a tensor's memory, for one ``from_dlpack``, which also takes the tensor itself.

    Example:
        >>> import facula as torch
        >>> torch.from_dlpack(torch.to_dlpack(torch.tensor([1, 2])))
        tensor([1, 2])
    """
    return tensor.__dlpack__()
