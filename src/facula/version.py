"""torch.version: which PyTorch's interface this is, and of which facula. Strings only."""

from __future__ import annotations

# What programs compare is PyTorch's number; facula's own follows as the local part (PEP 440).
_FACULA = "0.1.0"
__version__ = f"2.13.0+facula.{_FACULA}"

debug = False
cuda: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
git_version = "Unknown"
