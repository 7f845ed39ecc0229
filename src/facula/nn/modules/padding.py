"""Padding modules: constant, zero, reflecting, replicating and circular, over one to three dimensions."""

from __future__ import annotations

from facula import Tensor

from .. import functional as F
from .module import Module

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _PadNd(Module):
    """``_dims`` and ``_mode`` are the subclasses'."""

    _dims: int
    _mode: str

    def __init__(self, padding) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self._dims) if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        if self._mode == "circular" and input.dim() not in (self._dims + 1, self._dims + 2):
            raise ValueError(f"expected {self._dims + 1}D or {self._dims + 2}D input (got {input.dim()}D input)")
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    def __init__(self, padding, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPadNd(_ConstantPadNd):
    def __init__(self, padding) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


def _family(name: str, base: type, mode: str, what: str) -> list[type]:
    """The classes of one mode for one, two and three dimensions."""
    extra = "\n        value (float): what is filled in." if base is _ConstantPadNd else ""
    classes = []
    for dims, shape in ((1, "(N, C, L)"), (2, "(N, C, H, W)"), (3, "(N, C, D, H, W)")):
        doc = f"""Pad {shape} with {what}.

    Args:
        padding (int or tuple of {2 * dims} ints): before and after sizes, last dimension first.{extra}
    """
        body = {"_dims": dims, "_mode": mode, "__doc__": doc, "__module__": __name__}
        classes.append(type(f"{name}{dims}d", (base,), body))
    return classes


ConstantPad1d, ConstantPad2d, ConstantPad3d = _family("ConstantPad", _ConstantPadNd, "constant", "a value")
ZeroPad1d, ZeroPad2d, ZeroPad3d = _family("ZeroPad", _ZeroPadNd, "constant", "zeros")
ReflectionPad1d, ReflectionPad2d, ReflectionPad3d = _family("ReflectionPad", _PadNd, "reflect", "its own reflection")
ReplicationPad1d, ReplicationPad2d, ReplicationPad3d = _family("ReplicationPad", _PadNd, "replicate", "its edges")
CircularPad1d, CircularPad2d, CircularPad3d = _family("CircularPad", _PadNd, "circular", "its opposite side")
