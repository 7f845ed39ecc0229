"""torch.multiprocessing: the standard library's multiprocessing, with spawn() and tensors that travel between
processes. Tensors in shared memory (``share_memory_``) stay shared; others are copied."""

import multiprocessing as _multiprocessing
from multiprocessing import *  # noqa: F403

from facula.multiprocessing import reductions as _reductions
from facula.multiprocessing.launch import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    spawn,
    start_processes,
)

__all__ = [
    "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException",
    "get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes",
]  # fmt: skip
__all__ += _multiprocessing.__all__  # type: ignore[attr-defined]

_reductions.register()
_STRATEGIES = {"file_descriptor", "file_system"}
_strategy = "file_descriptor"


def get_all_sharing_strategies() -> set[str]:
    """The names of PyTorch's ways to share memory."""
    return set(_STRATEGIES)


def get_sharing_strategy() -> str:
    """The name that ``set_sharing_strategy`` was given; memory is shared by file descriptors.

    Example:
        >>> import facula.multiprocessing as mp
        >>> mp.get_sharing_strategy()
        'file_descriptor'
    """
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Remember a way to share memory; there is one here.

    Raises:
        AssertionError: an unknown name.
    """
    global _strategy
    if new_strategy not in _STRATEGIES:
        raise AssertionError(f"invalid sharing strategy {new_strategy!r}; known: {sorted(_STRATEGIES)}")
    _strategy = new_strategy
