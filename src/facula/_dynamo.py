"""torch._dynamo: the names of PyTorch's compiler that programs use. Settings are remembered and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

from facula.compiler import InvalidBackend, OptimizedModule, allow_in_graph, disable, is_compiling, list_backends, reset

__all__ = [
    "InvalidBackend", "OptimizedModule", "allow_in_graph", "config", "disable", "graph_break", "is_compiling",
    "list_backends", "mark_dynamic", "reset",
]  # fmt: skip

config = SimpleNamespace(
    suppress_errors=False, verbose=False, cache_size_limit=8, recompile_limit=8, automatic_dynamic_shapes=True,
    optimize_ddp=True, capture_scalar_outputs=False, capture_dynamic_output_shape_ops=False,
)  # fmt: skip


def mark_dynamic(t, index, **kwargs) -> None:
    """Say that a size changes from call to call; without use here."""


def graph_break(msg: str = "") -> None:
    """Say that a compiled graph should end here; without use here."""
