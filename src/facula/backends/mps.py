"""torch.backends.mps: Apple's GPU. Absent."""

from __future__ import annotations

__all__ = ["is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]


def is_built() -> bool:
    """Whether MPS support is compiled in: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.mps.is_built()
        False
    """
    return False


def is_available() -> bool:
    """Whether MPS can be used: False."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Whether the system is macOS of at least this version.

    Raises:
        RuntimeError: there is no MPS backend.
    """
    raise RuntimeError("Cannot execute isOnMacOSorNewer() without MPS backend.")


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Whether the system is macOS 13 or newer.

    Raises:
        RuntimeError: there is no MPS backend.
    """
    return is_macos_or_newer(13, minor)
