"""torch.cpu: the device that is always there. Its amp submodule holds the older names of torch.amp."""

from __future__ import annotations

__all__ = ["current_device", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Whether there is a CPU: True.

    Example:
        >>> import facula as torch
        >>> torch.cpu.is_available()
        True
    """
    return True


def device_count() -> int:
    """The number of CPU devices: 1, however many cores it has."""
    return 1


def current_device() -> str:
    """The name of the current CPU device: "cpu"."""
    return "cpu"


def synchronize(device=None) -> None:
    """Wait for the CPU: nothing to wait for, as operations return when they are done."""


def __getattr__(name: str):
    if name == "amp":
        from importlib import import_module

        return import_module("facula.cpu.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
