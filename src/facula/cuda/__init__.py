"""The CUDA device: this build has none, and says so wherever a program asks. What asks gets an answer; what needs a GPU
raises PyTorch's error for a build without one."""

from __future__ import annotations

from contextlib import contextmanager

from facula.cuda.memory import (
    caching_allocator_enable,
    empty_cache,
    host_memory_stats,
    max_memory_allocated,
    max_memory_cached,
    max_memory_reserved,
    memory_allocated,
    memory_cached,
    memory_reserved,
    memory_stats,
    memory_stats_as_nested_dict,
    memory_summary,
    reset_accumulated_memory_stats,
    reset_max_memory_allocated,
    reset_max_memory_cached,
    reset_peak_memory_stats,
)

WHY = "this build of facula has the CPU only"

has_half = True
has_magma = False
default_generators: tuple = ()

# What works only where there is a GPU.
_NEED_A_GPU = (
    "caching_allocator_alloc caching_allocator_delete can_device_access_peer cudart current_blas_handle current_device "
    "current_solver_handle current_stream default_stream get_device_capability get_device_name get_device_properties "
    "get_per_process_memory_fraction get_rng_state get_sync_debug_mode graph_pool_handle init initial_seed ipc_collect "
    "is_current_stream_capturing list_gpu_processes make_graphed_callables mem_get_info memory_snapshot "
    "set_per_process_memory_fraction set_sync_debug_mode synchronize "
    "clock_rate device_memory_used memory_usage power_draw temperature utilization"
).split()
_TENSOR_TYPES = "BFloat16 Bool Byte Char Double Float Half Int Long Short".split()


class OutOfMemoryError(RuntimeError):
    """What PyTorch raises when a GPU's memory is used up; here for programs that catch it.

    Example:
        >>> import facula as torch
        >>> torch.cuda.OutOfMemoryError is torch.OutOfMemoryError
        True
    """

    __module__ = "torch"


class AcceleratorError(RuntimeError):
    """What PyTorch raises when a GPU fails; here for programs that catch it."""

    __module__ = "torch"


def refuse(name: str):
    """Raise PyTorch's error for a build without CUDA."""
    raise AssertionError(
        f"Torch not compiled with CUDA enabled: torch.{name} needs a GPU, and {WHY}: see torch.cuda.is_available()"
    )


def is_available() -> bool:
    """Whether a GPU can be used.

    Returns:
        False: this build has the CPU only.

    Example:
        >>> import facula as torch
        >>> torch.cuda.is_available()
        False
    """
    return False


def is_initialized() -> bool:
    """Whether the GPU has been used: False."""
    return False


def device_count() -> int:
    """The number of GPUs: 0."""
    return 0


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the GPU has bfloat16: False without a GPU."""
    return False


def is_tf32_supported() -> bool:
    """Whether the GPU has TF32: False without a GPU."""
    return False


def get_arch_list() -> list[str]:
    """The GPU architectures that are compiled in: none."""
    return []


def get_gencode_flags() -> str:
    """The compiler flags of those architectures: none."""
    return ""


def manual_seed(seed: int) -> None:
    """Seed the GPU's generator; silently nothing without a GPU, as in PyTorch."""


def manual_seed_all(seed: int) -> None:
    """Seed every GPU's generator; silently nothing without a GPU, as in PyTorch."""


def seed() -> None:
    """Seed the GPU's generator by chance; silently nothing without a GPU, as in PyTorch."""


def seed_all() -> None:
    """Seed every GPU's generator by chance; silently nothing without a GPU, as in PyTorch."""


def get_rng_state_all() -> list:
    """The generator states of all GPUs: none, so that checkpoints of CPU runs can have the entry.

    Example:
        >>> import facula as torch
        >>> torch.cuda.get_rng_state_all()
        []
    """
    return []


def set_rng_state(new_state, device="cuda") -> None:
    """Set a GPU's generator; silently nothing without a GPU, as in PyTorch."""


def set_rng_state_all(new_states) -> None:
    """Set all GPUs' generators; silently nothing without a GPU, as in PyTorch."""


def _index(device) -> int:
    """The number of a GPU; -1 for none."""
    import facula

    if isinstance(device, str):
        device = facula.device(device)
    if isinstance(device, facula.device):
        if device.type != "cuda":
            raise ValueError(f"Expected a cuda device, but got: {device}")
        return 0 if device.index is None else device.index
    return -1 if device is None else int(device)


def set_device(device) -> None:
    """Choose the GPU; negative numbers change nothing.

    Raises:
        AssertionError: there is none.
        ValueError: the device is none of CUDA.
    """
    if _index(device) >= 0:
        refuse("cuda.set_device")


class device:
    """A context in which a GPU is the current one; negative numbers and None change nothing.

    Raises:
        RuntimeError: there is none.
    """

    def __init__(self, device) -> None:
        self.idx = _index(device)

    def __enter__(self) -> None:
        if self.idx >= 0:
            raise RuntimeError(f"PyTorch was compiled without CUDA support: {WHY}")

    def __exit__(self, type, value, traceback) -> None:
        pass


class device_of(device):
    """A context in which the GPU of a tensor is the current one; nothing for a tensor of the CPU."""

    def __init__(self, obj) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


class StreamContext:
    """What ``stream`` returns; nothing for None.

    Args:
        stream (Stream or None)
    """

    def __init__(self, stream) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, type, value, traceback) -> None:
        pass


def stream(stream) -> StreamContext:
    """A context in which a stream is the current one; nothing for None.

    Example:
        >>> import facula as torch
        >>> with torch.cuda.stream(None):
        ...     torch.ones(1)
        tensor([1.])
    """
    return StreamContext(stream)


class Stream:
    """A queue of work on a GPU.

    Raises:
        RuntimeError: there is none.
    """

    def __init__(self, *args, **kwargs) -> None:
        raise RuntimeError(f"torch.cuda.{type(self).__name__} requires CUDA support: {WHY}")


class ExternalStream(Stream):
    """A stream that another library made."""


class Event(Stream):
    """A mark in a stream."""


class CUDAGraph(Stream):
    """A recording of work on a GPU."""


@contextmanager
def graph(cuda_graph, pool=None, stream=None, capture_error_mode: str = "global"):
    """A context that records work on a GPU.

    Raises:
        AssertionError: there is none.
    """
    refuse("cuda.graph")
    yield


class _AbsentType(type):
    """``torch.cuda.FloatTensor`` and its family: no tensor is one, and none can be made."""

    def __instancecheck__(cls, instance) -> bool:
        return False

    def __call__(cls, *args, **kwargs):
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled: {WHY}")


def _absent_type(name: str) -> _AbsentType:
    return _AbsentType(name, (), {"__module__": "torch.cuda"})


def _needs_a_gpu(name: str):
    def needs_a_gpu(*args, **kwargs):
        refuse(f"cuda.{name}")

    needs_a_gpu.__name__ = needs_a_gpu.__qualname__ = name
    return needs_a_gpu


def __getattr__(name: str):
    if name in ("amp", "memory", "nvtx"):
        from importlib import import_module

        return import_module(f"facula.cuda.{name}")
    if name in _NEED_A_GPU:
        value = _needs_a_gpu(name)
    elif name.removesuffix("Tensor") in _TENSOR_TYPES or name.removesuffix("Storage") in _TENSOR_TYPES:
        value = _absent_type(name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_NEED_A_GPU, *(f"{kind}Tensor" for kind in _TENSOR_TYPES), "amp", "nvtx"})
