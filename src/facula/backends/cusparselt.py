"""torch.backends.cusparselt: a GPU library for sparse products. Absent."""

from __future__ import annotations


def is_available() -> bool:
    """Whether it is used: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.cusparselt.is_available()
        False
    """
    return False
