"""The files of nn.functional that are imported when one of their names is first used. A table only."""

from __future__ import annotations

FILES = {
    "attention": "multi_head_attention_forward scaled_dot_product_attention",
}

FILE_OF = {name: file for file, names in FILES.items() for name in names.split()}


def find(name: str):
    """The function of that name, or the file itself; AttributeError when there is neither."""
    from importlib import import_module

    if name in FILES:
        return import_module(f"facula.nn.functional.{name}")
    if name in FILE_OF:
        return getattr(import_module(f"facula.nn.functional.{FILE_OF[name]}"), name)
    raise AttributeError(f"module 'facula.nn.functional' has no attribute '{name}'")
