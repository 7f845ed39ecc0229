"""The CUDA device: this build has none, and says so wherever a program asks."""

from __future__ import annotations

WHY = "this build of facula has the CPU only"


def is_available() -> bool:
    """Whether a GPU can be used.

    Returns:
        False: this build has the CPU only.

    Example:
        >>> import facula as torch
        >>> torch.cuda.is_available()
        False
    """
    return False


def device_count() -> int:
    """The number of GPUs: 0."""
    return 0


def synchronize(device=None) -> None:
    """Wait for the GPU.

    Raises:
        AssertionError: there is none.
    """
    raise AssertionError(f"Torch not compiled with CUDA enabled: {WHY}")


def manual_seed(seed: int) -> None:
    """Seed the GPU's generator; silently nothing without a GPU, as in PyTorch."""


def manual_seed_all(seed: int) -> None:
    """Seed every GPU's generator; silently nothing without a GPU, as in PyTorch."""


def empty_cache() -> None:
    """Give cached GPU memory back; nothing without a GPU."""


def __getattr__(name: str):
    if name == "amp":
        from importlib import import_module

        return import_module("facula.cuda.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
