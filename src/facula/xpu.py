"""torch.xpu: Intel's GPU. Absent: what asks gets an answer, what needs one raises PyTorch's error."""

from __future__ import annotations


def is_available() -> bool:
    """Whether XPU can be used: False.

    Example:
        >>> import facula as torch
        >>> torch.xpu.is_available(), torch.xpu.device_count()
        (False, 0)
    """
    return False


def is_initialized() -> bool:
    """Whether the device has been used: False."""
    return False


def device_count() -> int:
    """The number of XPU devices: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the device's generator; silently nothing without one, as in PyTorch."""


def manual_seed_all(seed: int) -> None:
    """Seed every device's generator; silently nothing without one, as in PyTorch."""


def get_rng_state_all() -> list:
    """The generator states of all devices: none."""
    return []


def empty_cache() -> None:
    """Give cached memory back; nothing without a device."""


def memory_allocated(device=None) -> int:
    """The bytes of tensors on the device: 0."""
    return 0


def max_memory_allocated(device=None) -> int:
    """The most bytes of tensors on the device: 0."""
    return 0


def synchronize(device=None) -> None:
    """Wait for the device.

    Raises:
        AssertionError: there is none.
    """
    raise AssertionError("Torch not compiled with XPU enabled: this build of facula has the CPU only")


def current_device() -> int:
    """The number of the current device.

    Raises:
        AssertionError: there is none.
    """
    raise AssertionError("Torch not compiled with XPU enabled: this build of facula has the CPU only")
