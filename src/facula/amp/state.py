"""Whether autocast is on in this thread, and with which type: the functions of torch.* about it. For the CPU the core
keeps the state; what programs set for "cuda" is remembered, and without effect while there is no such device."""

from __future__ import annotations

import threading

from facula._C import (
    _autocast_state,
    _set_autocast,
    _set_autocast_cache,
    _set_autocast_dtype,
    autocast_decrement_nesting,
    autocast_increment_nesting,
    bfloat16,
    clear_autocast_cache,
    dtype,
    float16,
)

__all__ = [
    "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache", "get_autocast_cpu_dtype",
    "get_autocast_dtype", "get_autocast_gpu_dtype", "is_autocast_available", "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled", "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled", "set_autocast_dtype", "set_autocast_enabled", "set_autocast_gpu_dtype",
]  # fmt: skip

SUPPORTED = (bfloat16, float16)


class _Absent(threading.local):
    """What a thread set for a device that is not there."""

    def __init__(self):
        self.enabled = False
        self.dtype = float16  # PyTorch's default for CUDA


_cuda = _Absent()


def _need_device(device_type, function: str) -> None:
    if not isinstance(device_type, str):
        raise TypeError(f"{function}(): argument 'device_type' must be str, not {type(device_type).__name__}")
    if not is_autocast_available(device_type):
        raise RuntimeError(f"unknown device type for autocast in {function}: {device_type!r}; expected 'cpu' or 'cuda'")


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast knows a type of device.

    Example:
        >>> import facula as torch
        >>> torch.amp.is_autocast_available("cpu")
        True
    """
    return device_type in ("cpu", "cuda")


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on in this thread; for "cuda" when no type of device is given.

    Example:
        >>> import facula as torch
        >>> with torch.autocast("cpu"):
        ...     torch.is_autocast_enabled("cpu")
        True
    """
    if device_type is None:
        return _cuda.enabled
    _need_device(device_type, "is_autocast_enabled")
    return _autocast_state()[0] if device_type == "cpu" else _cuda.enabled


def set_autocast_enabled(device_type, enabled: bool | None = None) -> None:
    """Switch autocast in this thread. With one argument, that of CUDA.

    Args:
        device_type (str): "cpu" or "cuda".
        enabled (bool): whether it is on.
    """
    if enabled is None:
        device_type, enabled = "cuda", device_type
    _need_device(device_type, "set_autocast_enabled")
    if device_type == "cpu":
        _set_autocast(enabled)
    else:
        _cuda.enabled = bool(enabled)


def get_autocast_dtype(device_type: str) -> dtype:
    """The type that autocast casts to.

    Example:
        >>> import facula as torch
        >>> torch.get_autocast_dtype("cpu")
        torch.bfloat16
    """
    _need_device(device_type, "get_autocast_dtype")
    return _autocast_state()[1] if device_type == "cpu" else _cuda.dtype


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Set the type that autocast casts to.

    Args:
        device_type (str): "cpu" or "cuda".
        dtype (dtype): torch.bfloat16 or torch.float16.
    """
    _need_device(device_type, "set_autocast_dtype")
    if device_type == "cpu":
        _set_autocast_dtype(dtype)
    else:
        _cuda.dtype = dtype


def is_autocast_cache_enabled() -> bool:
    """Whether a weight is cast once within the outermost region."""
    return _autocast_state()[2]


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Set whether a weight is cast once within the outermost region."""
    _set_autocast_cache(enabled)


def is_autocast_cpu_enabled() -> bool:
    """``is_autocast_enabled("cpu")``, its older name."""
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """``set_autocast_enabled("cpu", enabled)``, its older name."""
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> dtype:
    """``get_autocast_dtype("cpu")``, its older name."""
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: dtype) -> None:
    """``set_autocast_dtype("cpu", dtype)``, its older name."""
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> dtype:
    """``get_autocast_dtype("cuda")``, its older name."""
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: dtype) -> None:
    """``set_autocast_dtype("cuda", dtype)``, its older name."""
    set_autocast_dtype("cuda", dtype)
