"""torch.utils: a door to its submodules, opened when first asked for; it holds no code of its own."""

from __future__ import annotations

_SUBMODULES = (
    "_pytree", "benchmark", "checkpoint", "data", "deterministic", "dlpack", "hooks", "model_zoo", "tensorboard",
)  # fmt: skip


def __getattr__(name: str):
    if name in _SUBMODULES:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES])
