"""torch.accelerator: whichever GPU there is. None: what asks gets an answer, what needs one raises PyTorch's error."""

from __future__ import annotations

# What works only where there is an accelerator.
_NEED_ONE = (
    "current_device_idx current_device_index current_stream empty_cache empty_host_cache get_device_capability "
    "get_memory_info max_memory_allocated max_memory_reserved memory_allocated memory_reserved memory_stats "
    "reset_accumulated_memory_stats reset_peak_memory_stats set_device_idx set_device_index set_stream synchronize"
).split()


def is_available() -> bool:
    """Whether there is an accelerator: False.

    Example:
        >>> import facula as torch
        >>> device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
        >>> device
        'cpu'
    """
    return False


def device_count() -> int:
    """The number of accelerators: 0."""
    return 0


def current_accelerator(check_available: bool = False):
    """The device of the accelerator: None."""
    return None


def _needs_one(name: str):
    def needs_one(*args, **kwargs):
        raise RuntimeError(
            f"Cannot access accelerator device when none is available. torch.accelerator.{name} needs one; ask "
            "torch.accelerator.is_available() first"
        )

    needs_one.__name__ = needs_one.__qualname__ = name
    return needs_one


def __getattr__(name: str):
    if name in _NEED_ONE:
        value = globals()[name] = _needs_one(name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NEED_ONE})
