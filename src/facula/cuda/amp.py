"""torch.cuda.amp: names from before torch.amp, with PyTorch's warning that they are deprecated. Without a GPU they
switch themselves off."""

from __future__ import annotations

from facula import amp, float16
from facula import dtype as _dtype
from facula.amp import deprecated

__all__ = ["GradScaler", "amp_definitely_not_available", "autocast", "custom_bwd", "custom_fwd"]


def amp_definitely_not_available() -> bool:
    """Whether there is no GPU to run it: True."""
    return True


class autocast(amp.autocast):
    """``torch.amp.autocast("cuda", ...)``."""

    def __init__(self, enabled: bool = True, dtype: _dtype = float16, cache_enabled: bool = True):
        deprecated.warn("cuda", "autocast", "autocast('cuda', args...)")
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(deprecated.GradScaler):
    """``torch.amp.GradScaler("cuda", ...)``."""

    DEVICE = "cuda"


def custom_fwd(fwd=None, *, cast_inputs: _dtype | None = None):
    """``torch.amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)``."""
    deprecated.warn("cuda", "custom_fwd", "custom_fwd(args..., device_type='cuda')")
    return amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd):
    """``torch.amp.custom_bwd(bwd, device_type="cuda")``."""
    deprecated.warn("cuda", "custom_bwd", "custom_bwd(args..., device_type='cuda')")
    return amp.custom_bwd(bwd, device_type="cuda")
