"""Automatic differentiation: re-exports only."""

from facula.autograd.anomaly import detect_anomaly, set_detect_anomaly
from facula.autograd.backward import backward, grad
from facula.autograd.function import Function, FunctionCtx, once_differentiable
from facula.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


def __getattr__(name):
    if name in ("gradcheck", "gradgradcheck", "GradcheckError"):
        from importlib import import_module

        module = import_module("facula.autograd.gradcheck")
        globals().update(gradcheck=module.gradcheck, gradgradcheck=module.gradgradcheck)
        return getattr(module, name)
    if name == "Variable":
        from facula.functional.legacy import Variable

        return Variable
    if name in ("forward_ad", "functional", "graph", "profiler", "variable"):
        from importlib import import_module

        return import_module(f"facula.autograd.{name}")
    raise AttributeError(f"module 'facula.autograd' has no attribute {name!r}")
