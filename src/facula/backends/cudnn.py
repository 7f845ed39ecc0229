"""torch.backends.cudnn: settings that programs write. Without a GPU they are remembered and change nothing."""

from __future__ import annotations

from contextlib import contextmanager

enabled = True
benchmark = False
benchmark_limit: int | None = None
deterministic = False
allow_tf32 = True
fp32_precision = "none"
depthwise_kernel = "auto"

_FLAGS = (
    "enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32", "fp32_precision", "depthwise_kernel",
)  # fmt: skip


def is_available() -> bool:
    """Whether cuDNN can be used: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.cudnn.is_available()
        False
    """
    return False


def version() -> int | None:
    """The version of cuDNN: None, as there is none."""
    return None


def is_acceptable(tensor) -> bool:
    """Whether cuDNN takes a tensor: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.cudnn.is_acceptable(torch.ones(1))
        False
    """
    return False


def set_flags(
    _enabled: bool | None = None,
    _benchmark: bool | None = None,
    _benchmark_limit: int | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str | None = None,
    _depthwise_kernel: str | None = None,
) -> tuple:
    """Set what is not None; returns the values before."""
    values = (
        _enabled, _benchmark, _benchmark_limit, _deterministic, _allow_tf32, _fp32_precision, _depthwise_kernel,
    )  # fmt: skip
    before = tuple(globals()[name] for name in _FLAGS)
    globals().update({name: value for name, value in zip(_FLAGS, values) if value is not None})
    return before


@contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int | None = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
    depthwise_kernel: str = "auto",
):
    """Set the flags for a while.

    Example:
        >>> import facula as torch
        >>> with torch.backends.cudnn.flags(enabled=False, benchmark=True):
        ...     torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark
        (False, True)
        >>> torch.backends.cudnn.enabled
        True
    """
    before = set_flags(enabled, benchmark, benchmark_limit, deterministic, allow_tf32, fp32_precision, depthwise_kernel)
    try:
        yield
    finally:
        globals().update(zip(_FLAGS, before))
