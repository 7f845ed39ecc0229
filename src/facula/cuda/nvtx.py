"""torch.cuda.nvtx: marks for NVIDIA's profiler, which needs a build with CUDA."""

from __future__ import annotations

from contextlib import contextmanager

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


def _refuse():
    raise RuntimeError(
        "NVTX functions not installed. Are you sure you have a CUDA build? This build of facula has the CPU only; "
        "torch.profiler.record_function names a part of a program"
    )


def mark(msg: str) -> None:
    """Mark a moment.

    Raises:
        RuntimeError: there is no CUDA, here and in the other functions.

    Example:
        >>> import facula as torch
        >>> torch.cuda.nvtx.mark("epoch")
        Traceback (most recent call last):
        RuntimeError: NVTX functions not installed. ...
    """
    _refuse()


def range_push(msg: str) -> int:
    """Begin a range."""
    return _refuse()


def range_pop() -> int:
    """End the last range."""
    return _refuse()


def range_start(msg: str) -> int:
    """Begin a range that may end in another thread."""
    return _refuse()


def range_end(range_id: int) -> None:
    """End a range by its number."""
    _refuse()


@contextmanager
def range(msg: str, *args, **kwargs):
    """A range as a context."""
    range_push(msg.format(*args, **kwargs))
    yield
