"""torch.backends.nnpack: a library for convolutions. Absent."""

from __future__ import annotations

from contextlib import contextmanager


def is_available() -> bool:
    """Whether NNPACK is used: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.nnpack.is_available()
        False
    """
    return False


def set_flags(_enabled: bool) -> tuple[bool]:
    """Remember nothing: NNPACK is always off; returns (False,)."""
    return (False,)


@contextmanager
def flags(enabled: bool = False):
    """A context in which NNPACK would be allowed; nothing without it."""
    yield
