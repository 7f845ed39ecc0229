"""torch.mps: Apple's GPU. Absent: what asks gets an answer, what needs one raises PyTorch's error."""

from __future__ import annotations


def _refuse(name: str):
    raise RuntimeError(f"Cannot execute {name}() without MPS backend: this build of facula has the CPU only.")


def is_available() -> bool:
    """Whether MPS can be used: False.

    Example:
        >>> import facula as torch
        >>> torch.mps.is_available(), torch.mps.device_count()
        (False, 0)
    """
    return False


def device_count() -> int:
    """The number of MPS devices: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the device's generator; silently nothing without one, as in PyTorch."""


def synchronize() -> None:
    """Wait for the device.

    Raises:
        RuntimeError: there is none, here and in the functions below.
    """
    _refuse("deviceSynchronize")


def empty_cache() -> None:
    """Give cached memory back."""
    _refuse("emptyCache")


def current_allocated_memory() -> int:
    """The bytes of tensors on the device."""
    return _refuse("getCurrentAllocatedMemory")


def driver_allocated_memory() -> int:
    """The bytes that the driver holds."""
    return _refuse("getDriverAllocatedMemory")


def recommended_max_memory() -> int:
    """The bytes that tensors should take at most."""
    return _refuse("getRecommendedMaxMemory")


def set_per_process_memory_fraction(fraction: float) -> None:
    """Limit the memory."""
    _refuse("setMemoryFraction")


def get_rng_state(device="mps"):
    """The state of the device's generator."""
    _refuse("getDefaultGenerator")


def set_rng_state(new_state, device="mps") -> None:
    """Set the device's generator."""
    _refuse("getDefaultGenerator")


def seed() -> None:
    """Seed the device's generator by chance."""
    _refuse("getDefaultGenerator")
