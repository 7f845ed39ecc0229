"""torch.backends.kleidiai: a library for Arm processors. Absent."""

from __future__ import annotations


def is_available() -> bool:
    """Whether it is used: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.kleidiai.is_available()
        False
    """
    return False
