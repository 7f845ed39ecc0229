"""torch.backends.quantized: engines for quantised tensors. There are none."""

from __future__ import annotations

engine = "none"
supported_engines = ["none"]
