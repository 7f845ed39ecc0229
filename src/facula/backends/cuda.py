"""torch.backends.cuda: the GPU backend, absent from this build. Its switches keep their values and change nothing."""

from __future__ import annotations

from contextlib import contextmanager

from facula.functional.environment import attention_kernels as _enabled

__all__ = [
    "SDPAParams", "allow_fp16_bf16_reduction_math_sdp", "can_use_cudnn_attention", "can_use_efficient_attention",
    "can_use_flash_attention", "cuBLASModule", "cuFFTPlanCacheManager", "cudnn_sdp_enabled", "cufft_plan_cache",
    "enable_cudnn_sdp", "enable_flash_sdp", "enable_math_sdp", "enable_mem_efficient_sdp", "flash_sdp_enabled",
    "fp16_bf16_reduction_math_sdp_allowed", "is_built", "is_flash_attention_available", "math_sdp_enabled", "matmul",
    "mem_efficient_sdp_enabled", "sdp_kernel",
]  # fmt: skip


def is_built() -> bool:
    """Whether CUDA support is compiled in: False.

    Example:
        >>> import facula as torch
        >>> torch.backends.cuda.is_built()
        False
    """
    return False


class cuBLASModule:
    """Switches of matrix products on a GPU; ``allow_tf32`` and ``torch.set_float32_matmul_precision`` are one setting.

    Example:
        >>> import facula as torch
        >>> torch.backends.cuda.matmul.allow_tf32
        False
    """

    _values = {
        "allow_fp16_reduced_precision_reduction": True,
        "allow_bf16_reduced_precision_reduction": True,
        "allow_fp16_accumulation": False,
    }

    def __getattr__(self, name: str):
        from facula.functional import environment

        if name == "allow_tf32":
            return environment.get_float32_matmul_precision() != "highest"
        if name == "fp32_precision":
            return "ieee" if environment.get_float32_matmul_precision() == "highest" else "tf32"
        if name in self._values:
            return self._values[name]
        raise AttributeError(f"Unknown attribute {name}")

    def __setattr__(self, name: str, value) -> None:
        from facula.functional import environment

        if name == "allow_tf32":
            environment.set_float32_matmul_precision("high" if value else "highest")
        elif name == "fp32_precision":
            environment.set_float32_matmul_precision("high" if value == "tf32" else "highest")
        elif name in self._values:
            self._values[name] = value
        else:
            raise AttributeError(f"Unknown attribute {name}")


class cuFFTPlanCacheManager:
    """The plans of Fourier transforms on GPUs, of which there are none."""

    def __getattr__(self, name: str):
        from facula.cuda import refuse

        if name.startswith("__"):  # what tools ask of any object
            raise AttributeError(name)
        refuse(f"backends.cuda.cufft_plan_cache.{name}")

    def __getitem__(self, device):
        from facula.cuda import refuse

        refuse("backends.cuda.cufft_plan_cache")


matmul = cuBLASModule()
cufft_plan_cache = cuFFTPlanCacheManager()


class SDPAParams:
    """The arguments of an attention, to ask which GPU kernel would take it.

    Args:
        query, key, value (Tensor), attn_mask (Tensor or None), dropout (float), is_causal (bool), enable_gqa (bool)
    """

    def __init__(self, query, key, value, attn_mask, dropout, is_causal, enable_gqa=False) -> None:
        self.query, self.key, self.value, self.attn_mask = query, key, value, attn_mask
        self.dropout, self.is_causal, self.enable_gqa = dropout, is_causal, enable_gqa


def flash_sdp_enabled() -> bool:
    """Whether attention on a GPU may use the flash kernel."""
    return _enabled["flash"]


def enable_flash_sdp(enabled: bool) -> None:
    """Allow or forbid the flash kernel of attention on a GPU."""
    _enabled["flash"] = bool(enabled)


def mem_efficient_sdp_enabled() -> bool:
    """Whether attention on a GPU may use the memory-efficient kernel."""
    return _enabled["mem_efficient"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Allow or forbid the memory-efficient kernel of attention on a GPU."""
    _enabled["mem_efficient"] = bool(enabled)


def math_sdp_enabled() -> bool:
    """Whether attention on a GPU may be composed of products and a softmax."""
    return _enabled["math"]


def enable_math_sdp(enabled: bool) -> None:
    """Allow or forbid attention composed of products and a softmax on a GPU."""
    _enabled["math"] = bool(enabled)


def cudnn_sdp_enabled() -> bool:
    """Whether attention on a GPU may use cuDNN."""
    return _enabled["cudnn"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Allow or forbid cuDNN's attention on a GPU."""
    _enabled["cudnn"] = bool(enabled)


def fp16_bf16_reduction_math_sdp_allowed() -> bool:
    """Whether composed attention on a GPU may add in half precision."""
    return _enabled["reduction"]


def allow_fp16_bf16_reduction_math_sdp(enabled: bool) -> None:
    """Let composed attention on a GPU add in half precision."""
    _enabled["reduction"] = bool(enabled)


def is_flash_attention_available() -> bool:
    """Whether a flash kernel for GPUs is compiled in: False."""
    return False


def can_use_flash_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether the GPU's flash kernel takes these arguments: False."""
    return False


def can_use_efficient_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether the GPU's memory-efficient kernel takes these arguments: False."""
    return False


def can_use_cudnn_attention(params: SDPAParams, debug: bool = False) -> bool:
    """Whether cuDNN's attention takes these arguments: False."""
    return False


@contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
):
    """Choose the GPU's kernels of attention for a while; ``torch.nn.attention.sdpa_kernel`` is the newer name."""
    import warnings

    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager will be removed. "
        "Please see `torch.nn.attention.sdpa_kernel()` for the new context manager, with updated signature.",
        FutureWarning,
        stacklevel=3,
    )
    before = dict(_enabled)
    _enabled.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield {}
    finally:
        _enabled.update(before)
