"""What torch.cpu.amp and torch.cuda.amp share: names from before torch.amp, with PyTorch's warning."""

from __future__ import annotations

import warnings
from typing import ClassVar

from . import grad_scaler


def warn(device: str, old: str, new: str) -> None:
    """PyTorch's words, said of the line that called the caller of this function."""
    warnings.warn(
        f"`torch.{device}.amp.{old}(args...)` is deprecated. Please use `torch.amp.{new}` instead.",
        FutureWarning,
        stacklevel=3,
    )


class GradScaler(grad_scaler.GradScaler):
    """``torch.amp.GradScaler(device, ...)`` of a subclass that names the device."""

    DEVICE: ClassVar[str]

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        warn(self.DEVICE, "GradScaler", f"GradScaler('{self.DEVICE}', args...)")
        super().__init__(self.DEVICE, init_scale, growth_factor, backoff_factor, growth_interval, enabled)
