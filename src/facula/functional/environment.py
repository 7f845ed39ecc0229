"""What torch.* says and sets about the process it runs in: threads, precision, build. Only threads are really set; the
other switches choose between ways of computing that this framework has not, so they are remembered and nothing else."""

from __future__ import annotations

from facula._C import get_num_threads

__all__ = [
    "_assert",
    "get_device_module",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "has_lapack",
    "has_mkl",
    "has_openmp",
    "has_spectral",
    "init_num_threads",
    "is_distributed",
    "is_vulkan_available",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
]  # fmt: skip
METHODS = "is_distributed"

has_lapack = True
has_mkl = False
has_openmp = False
has_spectral = True

_precision = "highest"
# Which kernels of attention on a GPU may run: for torch.backends.cuda and torch.nn.attention.
attention_kernels = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True, "reduction": False}
_interop_threads = 0


def get_num_interop_threads() -> int:
    """The number of threads for parallel operations between them, as it was set; operations here run one by one.

    Example:
        >>> import facula as torch
        >>> torch.get_num_interop_threads() > 0
        True
    """
    return _interop_threads or get_num_threads()


def set_num_interop_threads(num: int) -> None:
    """Remember a number of threads; operations here run one by one.

    Raises:
        RuntimeError: not a positive number, or set for a second time.

    Example:
        >>> import facula as torch
        >>> torch.set_num_interop_threads(0)
        Traceback (most recent call last):
        RuntimeError: set_num_interop_threads expects a positive integer
    """
    global _interop_threads
    if isinstance(num, bool) or not isinstance(num, int):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    if _interop_threads:
        raise RuntimeError(
            "Error: cannot set number of interop threads after parallel work has started or "
            "set_num_interop_threads called"
        )
    _interop_threads = num


def init_num_threads() -> None:
    """Do nothing: every thread starts with the number of threads of the process.

    Example:
        >>> import facula as torch
        >>> torch.init_num_threads()
    """


def set_flush_denormal(mode: bool) -> bool:
    """Say whether denormal numbers could be flushed to zero as asked: they never are.

    Returns:
        True for False, False for True.

    Example:
        >>> import facula as torch
        >>> torch.set_flush_denormal(False)
        True
    """
    if not isinstance(mode, bool):
        raise RuntimeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    return not mode


def get_float32_matmul_precision() -> str:
    """The precision that ``set_float32_matmul_precision`` was given; products of float32 are always float32.

    Example:
        >>> import facula as torch
        >>> torch.get_float32_matmul_precision()
        'highest'
    """
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Remember "highest", "high" or "medium"; products of float32 are always float32.

    Example:
        >>> import facula as torch
        >>> torch.set_float32_matmul_precision("highest")
    """
    global _precision
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"Invalid argument: precision must be 'highest', 'high' or 'medium', got {precision!r}")
    _precision = precision


def get_device_module(device=None):
    """The module of a kind of device: ``torch.cpu``, ``torch.cuda``, ...

    Example:
        >>> import facula as torch
        >>> torch.get_device_module("cpu") is torch.cpu
        True
    """
    import facula

    kind = "cpu" if device is None else facula.device(device).type
    return getattr(facula, kind)


def _assert(condition, message: str) -> None:
    """``assert`` as a function, for code that PyTorch traces.

    Example:
        >>> import facula as torch
        >>> torch._assert(torch.ones(2).dim() == 1, "one dimension is expected")
    """
    if not condition:
        raise AssertionError(message)


def is_distributed(input) -> bool:
    """False: no tensor is spread over machines.

    Example:
        >>> import facula as torch
        >>> torch.is_distributed(torch.zeros(1))
        False
    """
    return False


def is_vulkan_available() -> bool:
    """False: there is no Vulkan backend.

    Example:
        >>> import facula as torch
        >>> torch.is_vulkan_available()
        False
    """
    return False
