"""The modules of torch.* that are imported when one of their names is first used, so that what few programs need costs
the others no start-up time. Tables only: each module's functions and, of those, the methods of Tensor."""

from __future__ import annotations

MODULES: dict[str, tuple[str, str]] = {
    "statistics": ("histc histogram histogramdd nanquantile quantile", "histc histogram nanquantile quantile"),
}

MODULE_OF = {name: module for module, (functions, _) in MODULES.items() for name in functions.split()}


def load(module_name: str):
    """Import one of them."""
    from importlib import import_module

    return import_module(f"facula.functional.{module_name}")
