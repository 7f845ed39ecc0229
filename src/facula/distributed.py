"""torch.distributed: programs of several processes, not in this build. What a program of one process asks gets an
answer; what needs a group of processes raises PyTorch's error for one that was never made."""

from __future__ import annotations

# What works only in a group of processes.
_NEED_A_GROUP = (
    "all_gather all_gather_into_tensor all_gather_object all_reduce all_to_all all_to_all_single barrier "
    "batch_isend_irecv broadcast broadcast_object_list destroy_process_group gather gather_object get_backend "
    "get_rank get_world_size irecv isend monitored_barrier new_group recv reduce reduce_scatter "
    "reduce_scatter_tensor scatter scatter_object_list send"
).split()


def is_available() -> bool:
    """Whether programs of several processes are supported: False.

    Example:
        >>> import facula as torch
        >>> import facula.distributed as dist
        >>> rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
        >>> rank
        0
    """
    return False


def is_initialized() -> bool:
    """Whether a group of processes was made: False."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process.

    Example:
        >>> import facula.distributed as dist
        >>> dist.is_torchelastic_launched()
        False
    """
    import os

    return "TORCHELASTIC_RUN_ID" in os.environ


def is_nccl_available() -> bool:
    """Whether NCCL can be used: False."""
    return False


def is_gloo_available() -> bool:
    """Whether Gloo can be used: False."""
    return False


def is_mpi_available() -> bool:
    """Whether MPI can be used: False."""
    return False


def is_ucc_available() -> bool:
    """Whether UCC can be used: False."""
    return False


def is_xccl_available() -> bool:
    """Whether XCCL can be used: False."""
    return False


def is_backend_available(backend: str) -> bool:
    """Whether a library for messages can be used: False."""
    return False


def init_process_group(backend: str | None = None, init_method: str | None = None, *args, **kwargs) -> None:
    """Make the group of all processes.

    Raises:
        RuntimeError: this build runs in one process.

    Example:
        >>> import facula.distributed as dist
        >>> dist.init_process_group("gloo")
        Traceback (most recent call last):
        RuntimeError: init_process_group(): this build of facula runs in one process; ...
    """
    raise RuntimeError(
        "init_process_group(): this build of facula runs in one process; skip it where "
        "torch.distributed.is_available() is False"
    )


def _needs_a_group(name: str):
    def needs_a_group(*args, **kwargs):
        raise ValueError(
            "Default process group has not been initialized, please make sure to call init_process_group. "
            f"torch.distributed.{name} needs one; ask torch.distributed.is_initialized() first"
        )

    needs_a_group.__name__ = needs_a_group.__qualname__ = name
    return needs_a_group


def __getattr__(name: str):
    if name in _NEED_A_GROUP:
        value = globals()[name] = _needs_a_group(name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NEED_A_GROUP})
