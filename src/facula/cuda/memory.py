"""The memory of GPUs, of which there are none: the figures are zero, and resetting them changes nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any


def memory_allocated(device=None) -> int:
    """The bytes of tensors on a GPU: 0.

    Example:
        >>> import facula as torch
        >>> torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated(), torch.cuda.memory_reserved()
        (0, 0, 0)
    """
    return 0


def max_memory_allocated(device=None) -> int:
    """The most bytes of tensors on a GPU: 0."""
    return 0


def memory_reserved(device=None) -> int:
    """The bytes that the GPU's allocator holds: 0."""
    return 0


def max_memory_reserved(device=None) -> int:
    """The most bytes that the GPU's allocator held: 0."""
    return 0


def memory_cached(device=None) -> int:
    """The older name of ``memory_reserved``."""
    return 0


def max_memory_cached(device=None) -> int:
    """The older name of ``max_memory_reserved``."""
    return 0


def memory_stats(device=None) -> dict[str, Any]:
    """The statistics of the GPU's allocator: none."""
    return OrderedDict()


def memory_stats_as_nested_dict(device=None) -> dict[str, Any]:
    """The statistics of the GPU's allocator: none."""
    return {}


def host_memory_stats() -> dict[str, Any]:
    """The statistics of pinned memory: none."""
    return OrderedDict()


def memory_summary(device=None, abbreviated: bool = False) -> str:
    """The statistics of the GPU's allocator as text: none.

    Example:
        >>> import facula as torch
        >>> torch.cuda.memory_summary()
        'No CUDA device: nothing is allocated.'
    """
    return "No CUDA device: nothing is allocated."


def empty_cache() -> None:
    """Give cached GPU memory back; nothing without a GPU."""


def caching_allocator_enable(value: bool = True) -> None:
    """Switch the GPU's caching allocator; nothing without a GPU."""


def reset_peak_memory_stats(device=None) -> None:
    """Begin a new maximum; nothing without a GPU."""


def reset_accumulated_memory_stats(device=None) -> None:
    """Begin new sums; nothing without a GPU."""


def reset_max_memory_allocated(device=None) -> None:
    """Begin a new maximum; nothing without a GPU."""


def reset_max_memory_cached(device=None) -> None:
    """Begin a new maximum; nothing without a GPU."""
