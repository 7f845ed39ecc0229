"""Signal processing: the windows of torch.signal."""

from __future__ import annotations

from facula.signal import windows as windows

__all__ = ["windows"]
