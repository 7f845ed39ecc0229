"""torch.mtia: Meta's accelerator. Absent: what asks gets an answer, what needs one raises PyTorch's error."""

from __future__ import annotations


def is_available() -> bool:
    """Whether MTIA can be used: False.

    Example:
        >>> import facula as torch
        >>> torch.mtia.is_available(), torch.mtia.device_count()
        (False, 0)
    """
    return False


def is_initialized() -> bool:
    """Whether the device has been used: False."""
    return False


def device_count() -> int:
    """The number of MTIA devices: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the device's generator; silently nothing without one, as in PyTorch."""


def manual_seed_all(seed: int) -> None:
    """Seed every device's generator; silently nothing without one, as in PyTorch."""


def get_rng_state_all() -> list:
    """The generator states of all devices: none."""
    return []
