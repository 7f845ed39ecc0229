"""torch.backends: what computes underneath, under PyTorch's names. Of the switches that choose between ways of
computing which are not here, the values are remembered and nothing else."""

from __future__ import annotations

_SUBMODULES = (
    "cpu", "cuda", "cudnn", "cusparselt", "kleidiai", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum",
    "quantized",
)  # fmt: skip

fp32_precision = "none"
flags_frozen = False


def __getattr__(name: str):
    if name in _SUBMODULES:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES])


def disable_global_flags() -> None:
    """Let the flags of the backends be set by ``flags()`` only.

    Example:
        >>> import facula as torch
        >>> torch.backends.flags_frozen
        False
    """
    global flags_frozen
    flags_frozen = True
