"""torch.backends.cpu: the processor."""

from __future__ import annotations

from facula import _C

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """The instruction set of the kernels: "DEFAULT", "AVX2" or "AVX512".

    Example:
        >>> import facula as torch
        >>> torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
        True
    """
    name = _C._isa()
    return "DEFAULT" if name == "baseline" else name.upper()
