"""torch.cpu.amp: names from before torch.amp, with PyTorch's warning that they are deprecated."""

from __future__ import annotations

from facula import amp, bfloat16, dtype
from facula.amp import deprecated

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):
    """``torch.amp.autocast("cpu", ...)``."""

    def __init__(self, enabled: bool = True, dtype: dtype = bfloat16, cache_enabled: bool = True):
        deprecated.warn("cpu", "autocast", "autocast('cpu', args...)")
        super().__init__("cpu", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(deprecated.GradScaler):
    """``torch.amp.GradScaler("cpu", ...)``."""

    DEVICE = "cpu"
