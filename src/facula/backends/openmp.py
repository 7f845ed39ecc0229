"""torch.backends.openmp: threads by OpenMP; the threads here are a pool of our own. Absent."""

from __future__ import annotations


def is_available() -> bool:
    """Whether it is used: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.openmp.is_available()
        False
    """
    return False
