"""torch.backends.mkldnn: oneDNN, absent: convolutions and recurrences are our own kernels. Its switches keep their
values and change nothing."""

from __future__ import annotations

from contextlib import contextmanager

from .mkl import verbose

__all__ = ["flags", "is_available", "set_flags", "verbose"]

VERBOSE_OFF = 0
VERBOSE_ON = 1
VERBOSE_ON_CREATION = 2

enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"

_FLAGS = ("enabled", "deterministic", "allow_tf32", "fp32_precision")


def is_available() -> bool:
    """Whether oneDNN is used: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.mkldnn.is_available()
        False
    """
    return False


def set_flags(_enabled=None, _deterministic=None, _allow_tf32=None, _fp32_precision=None) -> tuple:
    """Set what is not None; returns the values before."""
    before = tuple(globals()[name] for name in _FLAGS)
    values = (_enabled, _deterministic, _allow_tf32, _fp32_precision)
    globals().update({name: value for name, value in zip(_FLAGS, values) if value is not None})
    return before


@contextmanager
def flags(enabled=False, deterministic=False, allow_tf32=True, fp32_precision="none"):
    """Set the flags for a while.

    Example:
        >>> import facula as torch
        >>> with torch.backends.mkldnn.flags(enabled=False):
        ...     torch.backends.mkldnn.enabled
        False
    """
    before = set_flags(enabled, deterministic, allow_tf32, fp32_precision)
    try:
        yield
    finally:
        globals().update(zip(_FLAGS, before))
