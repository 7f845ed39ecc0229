"""torch.backends.mkl: Intel's library, absent: products and linear algebra are our own kernels and OpenBLAS."""

from __future__ import annotations

VERBOSE_OFF = 0
VERBOSE_ON = 1


def is_available() -> bool:
    """Whether MKL is used: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.mkl.is_available()
        False
    """
    return False


class verbose:
    """A context in which MKL would print its calls; nothing without it."""

    def __init__(self, enable: int) -> None:
        self.enable = enable

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, traceback) -> None:
        pass
