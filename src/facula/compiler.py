"""torch.compile and torch.compiler. There is no compiler in this build: functions and modules run as they are, which
gives the same results, and the first call of ``compile`` says so."""

from __future__ import annotations

import functools
from contextlib import contextmanager

from facula.nn.modules.module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")
# Names that PyTorch knows; "eager" asks for no compiler, so it is silent.
_BACKENDS = ("inductor", "eager", "aot_eager", "cudagraphs", "openxla", "tvm", "onnxrt", "aot_eager_decomp_partition")
_said = False


class InvalidBackend(RuntimeError):
    """A backend that nobody has registered."""


class OptimizedModule(Module):
    """What ``compile`` makes of a module: the module under the name ``_orig_mod``, as in PyTorch's state dicts."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self._orig_mod = module
        self.training = module.training

    def forward(self, *args, **kwargs):
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name: str):
        if name == "_orig_mod":
            return super().__getattr__(name)
        return getattr(self._orig_mod, name)

    def __dir__(self):
        return sorted({*super().__dir__(), *dir(self._orig_mod)})


def _check(model, backend, mode, options) -> None:
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if callable(backend):
        raise InvalidBackend("torch.compile(): a backend of one's own needs a graph, and facula makes none")
    if backend not in _BACKENDS:
        raise InvalidBackend(
            f"Invalid backend: {backend!r}, see `torch._dynamo.list_backends()` for available backends."
        )


def _say_once() -> None:
    global _said
    if not _said:
        import warnings

        _said = True
        warnings.warn(
            "torch.compile(): this build of facula has no compiler; functions and modules run as they are, with the "
            'same results (backend="eager" asks for just that)',
            stacklevel=3,
        )


def compile(
    model: Callable | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable | None = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
):
    """Return a function or module that computes the same; nothing is compiled in this build.

    Args:
        model (callable): a function or module; without one, a decorator.
        backend (str): one of PyTorch's names.
        disable (bool): return the model itself.

    Raises:
        RuntimeError: an unknown backend or mode, or mode and options together.

    Example:
        >>> import facula as torch
        >>> model = torch.compile(torch.nn.Linear(2, 1), backend="eager")
        >>> list(model.state_dict()), model(torch.ones(3, 2)).shape
        (['_orig_mod.weight', '_orig_mod.bias'], torch.Size([3, 1]))
    """
    backend = "inductor" if backend is None else backend
    if model is None:
        return functools.partial(compile, backend=backend, mode=mode, options=options, disable=disable)
    _check(model, backend, mode, options)
    if disable:
        return model
    if backend != "eager":
        _say_once()
    if isinstance(model, Module):
        return OptimizedModule(model)

    @functools.wraps(model)
    def run(*args, **kwargs):
        return model(*args, **kwargs)

    return run


def disable(fn=None, recursive: bool = True, *, reason: str | None = None):
    """Keep a function out of the compiler: returns it as it is.

    Example:
        >>> import facula as torch
        >>> @torch.compiler.disable
        ... def f(x):
        ...     return x + 1
        >>> f(1)
        2
    """
    return (lambda function: function) if fn is None else fn


def allow_in_graph(fn):
    """Return a function, or a list of them, as it is."""
    return fn


def assume_constant_result(fn):
    """Return a function as it is."""
    return fn


def wrap_numpy(fn):
    """Let a function of NumPy arrays take and give tensors.

    Example:
        >>> import facula as torch
        >>> torch.compiler.wrap_numpy(lambda a: a * 2)(torch.ones(2))
        tensor([2., 2.])
    """
    import facula
    from facula.func._tree import map_leaves

    @functools.wraps(fn)
    def run(*args, **kwargs):
        import numpy

        def to_array(value):
            return value.numpy() if isinstance(value, facula.Tensor) else value

        def to_tensor(value):
            return facula.as_tensor(value) if isinstance(value, (numpy.ndarray, numpy.generic)) else value

        return map_leaves(to_tensor, fn(*map_leaves(to_array, list(args)), **map_leaves(to_array, kwargs)))

    return run


def is_compiling() -> bool:
    """Whether a compiler is reading the function: False.

    Example:
        >>> import facula as torch
        >>> torch.compiler.is_compiling()
        False
    """
    return False


def is_dynamo_compiling() -> bool:
    """Whether PyTorch's compiler is reading the function: False."""
    return False


def is_exporting() -> bool:
    """Whether the function is being exported: False."""
    return False


def list_backends(exclude_tags=("debug", "experimental")) -> list[str]:
    """The compilers that there are: none."""
    return []


def reset() -> None:
    """Forget what was compiled: nothing."""


def cudagraph_mark_step_begin() -> None:
    """Say that a step begins; nothing without a GPU."""


@contextmanager
def set_stance(stance: str = "default", *, skip_guard_eval_unsafe: bool = False, force_backend=None):
    """A context that says how eager to be with compiling; without use here."""
    yield
