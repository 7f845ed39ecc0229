"""torch.nn.attention: which kernel of attention may run. There is one here, so a choice is checked and remembered."""

from __future__ import annotations

from contextlib import contextmanager
from enum import IntEnum

from facula.functional.environment import attention_kernels as _enabled

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(IntEnum):
    """The kernels of attention on a GPU."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


_SWITCHES = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "mem_efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}


@contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False):
    """Choose the GPU's kernels of attention for a while; on the CPU there is one, which always runs.

    Raises:
        AssertionError: not an SDPBackend or a list of them.

    Example:
        >>> import facula as torch
        >>> x = torch.ones(1, 1, 2, 4)
        >>> with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        ...     torch.nn.functional.scaled_dot_product_attention(x, x, x).shape
        torch.Size([1, 1, 2, 4])
    """
    chosen = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(chosen, list) or not all(isinstance(backend, SDPBackend) for backend in chosen):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances")
    before = dict(_enabled)
    _enabled.update({name: backend in chosen for name, backend in _SWITCHES.items()})
    try:
        yield {}
    finally:
        _enabled.update(before)
