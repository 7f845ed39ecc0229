"""What the machine underneath offers, under PyTorch's names."""

from __future__ import annotations

from facula import _C


class cpu:
    """The processor."""

    @staticmethod
    def get_cpu_capability() -> str:
        """The instruction set of the kernels: "DEFAULT", "AVX2" or "AVX512".

        Example:
            >>> import facula as torch
            >>> torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
            True
        """
        name = _C._isa()
        return "DEFAULT" if name == "baseline" else name.upper()


class cuda:
    """The GPU backend: absent."""

    @staticmethod
    def is_built() -> bool:
        """Whether CUDA support is compiled in: False."""
        return False


class cudnn:
    """Settings that programs write; without a GPU they change nothing."""

    enabled = False
    benchmark = False
    deterministic = False

    @staticmethod
    def is_available() -> bool:
        """Whether cuDNN can be used: False."""
        return False


class mps:
    """Apple's GPU: absent."""

    @staticmethod
    def is_available() -> bool:
        """Whether MPS can be used: False."""
        return False
