"""torch.jit: TorchScript is not in this build. As in PyTorch with PYTORCH_JIT=0, what is scripted or traced stays the
Python that it is and computes the same; files of TorchScript are neither written nor read."""

from __future__ import annotations

import os
import typing
import warnings

from facula.nn.modules.module import Module

__all__ = [
    "Attribute", "Final", "ScriptFunction", "ScriptModule", "annotate", "export", "fork", "freeze", "ignore",
    "interface", "is_scripting", "is_tracing", "isinstance", "load", "optimize_for_inference", "save", "script",
    "script_if_tracing", "script_method", "trace", "trace_module", "unused", "wait",
]  # fmt: skip

Final = typing.Final
_said: set[str] = set()


def _say_once(name: str) -> None:
    if name not in _said:
        _said.add(name)
        warnings.warn(
            f"torch.jit.{name}: this build of facula has no TorchScript; functions and modules run as the Python that "
            "they are, with the same results",
            stacklevel=3,
        )


class ScriptModule(Module):
    """A module; its methods are Python."""


class ScriptFunction:
    """The class of scripted functions, of which there are none."""


class Attribute(typing.NamedTuple):
    """A value with the type that TorchScript is to give it."""

    value: typing.Any
    type: typing.Any


def script(obj, optimize=None, _frames_up: int = 0, _rcb=None, example_inputs=None):
    """Return a function, module or class as it is.

    Example:
        >>> import warnings
        >>> import facula as torch
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     double = torch.jit.script(lambda x: x + x)
        >>> double(2)
        4
    """
    _say_once("script")
    return obj


def trace(
    func, example_inputs=None, optimize=None, check_trace: bool = True, check_inputs=None,
    check_tolerance: float = 1e-5, strict: bool = True, _force_outplace: bool = False, _module_class=None,
    _compilation_unit=None, example_kwarg_inputs=None, _store_inputs: bool = True,
):  # fmt: skip
    """Return a function or module as it is; branches stay branches."""
    _say_once("trace")
    return func


def trace_module(
    mod, inputs, optimize=None, check_trace: bool = True, check_inputs=None, check_tolerance: float = 1e-5,
    strict: bool = True, _force_outplace: bool = False, _module_class=None, _compilation_unit=None,
    example_inputs_is_kwarg: bool = False, _store_inputs: bool = True,
):  # fmt: skip
    """Return a module as it is."""
    _say_once("trace_module")
    return mod


def freeze(mod, preserved_attrs: list[str] | None = None, optimize_numerics: bool = True):
    """Return a module in evaluation mode as it is.

    Raises:
        RuntimeError: the module is in training mode.
    """
    if mod.training:
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module "
            "before freezing."
        )
    return mod


def optimize_for_inference(mod, other_methods: list[str] | None = None):
    """Return a module as it is."""
    return mod


def script_method(fn):
    """Return a method as it is."""
    return fn


def script_if_tracing(fn):
    """Return a function as it is."""
    return fn


def export(fn):
    """Return a method as it is.

    Example:
        >>> import facula as torch
        >>> @torch.jit.export
        ... def f(x):
        ...     return x
        >>> f(1)
        1
    """
    return fn


def unused(fn):
    """Return a method as it is."""
    return fn


def ignore(drop=False, **kwargs):
    """Return a method as it is; with arguments, a decorator that does."""
    return drop if callable(drop) else (lambda fn: fn)


def interface(obj):
    """Return a class as it is."""
    return obj


def is_scripting() -> bool:
    """Whether TorchScript is running the function: False."""
    return False


def is_tracing() -> bool:
    """Whether the function is being traced: False.

    Example:
        >>> import facula as torch
        >>> torch.jit.is_tracing(), torch.jit.is_scripting()
        (False, False)
    """
    return False


def annotate(the_type, the_value):
    """Return the value; the type is for TorchScript.

    Example:
        >>> import facula as torch
        >>> torch.jit.annotate(list[int], [])
        []
    """
    return the_value


def isinstance(obj: typing.Any, target_type: typing.Any) -> bool:
    """Whether a value, with what it contains, is of a type such as ``list[int]``.

    Example:
        >>> import facula as torch
        >>> torch.jit.isinstance([1, 2], list[int]), torch.jit.isinstance([1, "2"], list[int])
        (True, False)
    """
    import builtins

    if builtins.isinstance(target_type, tuple):
        return any(isinstance(obj, kind) for kind in target_type)
    origin, arguments = typing.get_origin(target_type), typing.get_args(target_type)
    if origin is None:
        return builtins.isinstance(obj, target_type)
    if origin is typing.Union or not builtins.isinstance(origin, type):
        return any(isinstance(obj, type(None) if kind is None else kind) for kind in arguments)
    if not builtins.isinstance(obj, origin):
        return False
    inner: typing.Any = obj
    if origin is dict:
        return all(isinstance(key, arguments[0]) and isinstance(value, arguments[1]) for key, value in inner.items())
    if origin is tuple and Ellipsis not in arguments:
        return len(inner) == len(arguments) and all(map(isinstance, inner, arguments))
    return all(isinstance(item, arguments[0]) for item in inner)


def fork(func, *args, **kwargs):
    """Call a function now; ``wait`` gives its result.

    Example:
        >>> import facula as torch
        >>> torch.jit.wait(torch.jit.fork(max, 1, 2))
        2
    """
    return _Done(func(*args, **kwargs))


class _Done:
    """A future whose result is there."""

    def __init__(self, value) -> None:
        self._value = value

    def value(self):
        return self._value

    wait = value

    def done(self) -> bool:
        return True


def wait(future):
    """The result of what ``fork`` started."""
    return future.wait()


def save(m, f, _extra_files=None) -> None:
    """Refuse to write a TorchScript file.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(
        "torch.jit.save: this build of facula has no TorchScript; torch.save(model.state_dict(), file) keeps the "
        "weights, in PyTorch's format"
    )


def load(f, map_location=None, _extra_files=None, _restore_shapes: bool = False):
    """Refuse to read a TorchScript file.

    Raises:
        RuntimeError: always; a ValueError when there is no such file.
    """
    import builtins

    if builtins.isinstance(f, (str, os.PathLike)) and not os.path.exists(f):
        raise ValueError(f"The provided filename {f} does not exist")
    raise RuntimeError(
        "torch.jit.load: this build of facula has no TorchScript, and a file of it holds a program; save "
        "model.state_dict() with PyTorch and load that"
    )
