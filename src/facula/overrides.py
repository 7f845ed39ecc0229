"""torch.overrides: for classes that want to see calls of functions with their objects (``__torch_function__``), and for
modes that see all calls. The functions that dispatch are those of the table; what is composed of them does not."""

from __future__ import annotations

import functools
import threading
import types
from collections.abc import Callable, Iterable
from typing import Any

import facula
from facula import _C

__all__ = [
    "TorchFunctionMode", "get_ignored_functions", "get_overridable_functions", "handle_torch_function",
    "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic", "is_tensor_like",
    "is_tensor_method_or_property", "resolve_name", "wrap_torch_function",
]  # fmt: skip

_NATIVE = type(facula.mean)
_COMPOSED = (types.FunctionType, type(facula.trace))
_NAMESPACES = ("", "Tensor", "nn.functional", "linalg", "fft", "special")


def has_torch_function(relevant_args: Iterable) -> bool:
    """Whether one of the arguments has a ``__torch_function__`` other than Tensor's own.

    Example:
        >>> import facula as torch
        >>> torch.overrides.has_torch_function((torch.ones(2), 3))
        False
    """
    return _C._has_torch_function(relevant_args)


def has_torch_function_unary(argument: Any) -> bool:
    """``has_torch_function((argument,))``."""
    return _C._has_torch_function((argument,))


def has_torch_function_variadic(*arguments: Any) -> bool:
    """``has_torch_function(arguments)``."""
    return _C._has_torch_function(arguments)


def handle_torch_function(public_api: Callable, relevant_args: Iterable, *args: Any, **kwargs: Any) -> Any:
    """Let the ``__torch_function__`` of the relevant arguments answer a call of ``public_api(*args, **kwargs)``.

    Raises:
        TypeError: all of them return NotImplemented, or none has one.

    Example:
        >>> import facula as torch
        >>> class Length:
        ...     def __init__(self, metres):
        ...         self.metres = metres
        ...     @classmethod
        ...     def __torch_function__(cls, func, types, args=(), kwargs=None):
        ...         return f"{func.__name__} of {args[0].metres} m"
        >>> def double(x):
        ...     if torch.overrides.has_torch_function_unary(x):
        ...         return torch.overrides.handle_torch_function(double, (x,), x)
        ...     return 2 * x
        >>> double(Length(3)), torch.mean(Length(4))
        ('double of 3 m', 'mean of 4 m')
    """
    return _C._handle_torch_function(public_api, relevant_args, args, kwargs)


def wrap_torch_function(dispatcher: Callable) -> Callable:
    """Make a Python function dispatch on the arguments that ``dispatcher`` picks from a call.

    Example:
        >>> import facula as torch
        >>> @torch.overrides.wrap_torch_function(lambda x: (x,))
        ... def double(x):
        ...     return 2 * x
        >>> double(torch.tensor(2))
        tensor(4)
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if _C._has_torch_function(relevant):
                return _C._handle_torch_function(wrapped, relevant, args, kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether the object is a Tensor or has a ``__torch_function__``.

    Example:
        >>> import facula as torch
        >>> torch.overrides.is_tensor_like(torch.ones(1)), torch.overrides.is_tensor_like([1.0])
        (True, False)
    """
    return isinstance(inp, facula.Tensor) or hasattr(inp, "__torch_function__")


@functools.cache
def _public_function(native: Callable) -> Callable:
    """What programs call: ``torch.add`` for the entry ``_add`` that it hands its first arguments to. An entry that is
    called in another way (other results, other sizes) has parameters of other names."""
    name = getattr(native, "__name__", "")
    if not isinstance(native, _NATIVE) or not name.startswith("_"):
        return native
    name = name[1:].removesuffix("_all").removesuffix("_dim")
    parameters = native.__code__.co_varnames[: native.__code__.co_argcount]
    for space in (facula.Tensor, facula, facula.nn.functional):
        public = getattr(space, name, None)
        if not isinstance(public, _COMPOSED) or public.__code__.co_varnames[: len(parameters)] != parameters:
            continue
        positional = public.__code__.co_argcount
        required = positional - len(public.__defaults__ or ())
        if required <= len(parameters) <= positional:  # else a call of the entry is no call of it: torch.batch_norm
            return public
    return native


def _public(path: str) -> tuple[Any, dict[str, Callable]]:
    """A namespace and its public functions."""
    space: Any = facula
    for part in path.split(".") if path else ():
        space = getattr(space, part)
    kinds = (_NATIVE, *_COMPOSED)
    found = {name: getattr(space, name, None) for name in dir(space) if not name.startswith("_")}
    return space, {name: value for name, value in found.items() if isinstance(value, kinds)}


@functools.lru_cache
def _dispatching() -> set[Callable]:
    """The functions that ask: the table's, and those in whose name an entry asks."""
    bound = (value for module in facula.functional.MODULES for value in vars(module).values())
    public = (value for path in _NAMESPACES for value in _public(path)[1].values())
    return {_public_function(value) for value in (*bound, *public) if isinstance(value, _NATIVE)}


def get_overridable_functions() -> dict[Any, list[Callable]]:
    """The functions that ask ``__torch_function__``, by the namespace they are in.

    Example:
        >>> import facula as torch
        >>> torch.mean in torch.overrides.get_overridable_functions()[torch]
        True
    """
    spaces = (_public(path) for path in _NAMESPACES)
    return {space: [f for f in found.values() if f in _dispatching()] for space, found in spaces}


def get_ignored_functions() -> set[Callable]:
    """The public functions that do not ask: those composed of others, which ask in turn.

    Example:
        >>> import facula as torch
        >>> torch.is_tensor in torch.overrides.get_ignored_functions()
        True
    """
    return {f for path in _NAMESPACES for f in _public(path)[1].values() if f not in _dispatching()}


@functools.lru_cache
def _names() -> dict[Callable, str]:
    spaces = [(f"torch.{path}.".replace("..", "."), _public(path)[1]) for path in _NAMESPACES]
    return {f: prefix + name for prefix, found in reversed(spaces) for name, f in found.items()}


def resolve_name(f: Callable) -> str | None:
    """The public name of a function, or None.

    Example:
        >>> import facula as torch
        >>> torch.overrides.resolve_name(torch.nn.functional.relu)
        'torch.nn.functional.relu'
    """
    return _names().get(f)


def is_tensor_method_or_property(func: Callable) -> bool:
    """Whether ``func`` is a method of Tensor, or the getter of an attribute.

    Example:
        >>> import facula as torch
        >>> torch.overrides.is_tensor_method_or_property(torch.Tensor.add)
        True
    """
    name = getattr(func, "__name__", None)
    return name == "__get__" or (name is not None and getattr(facula.Tensor, name, None) is func)


# ---- modes ----


class _Entered(threading.local):
    def __init__(self) -> None:
        self.modes: list[TorchFunctionMode] = []


_entered = _Entered()
_lock = threading.Lock()
_count = 0  # of entered modes in all threads: while it is 0, calls do not ask


def _ask(func: Callable, kinds: tuple[type, ...], args: tuple, kwargs: dict) -> Any:
    """The innermost mode of this thread sees the call, and its own calls go to the mode around it."""
    modes = _entered.modes
    if not modes:
        return NotImplemented
    mode = modes.pop()
    try:
        return mode.__torch_function__(func, kinds, args, kwargs)
    finally:
        modes.append(mode)


class TorchFunctionMode:
    """A with block in which ``__torch_function__`` of the mode sees the calls of all functions that dispatch.

    Example:
        >>> import facula as torch
        >>> class Log(torch.overrides.TorchFunctionMode):
        ...     def __torch_function__(self, func, types, args=(), kwargs=None):
        ...         print(func.__name__)
        ...         return func(*args, **(kwargs or {}))
        >>> x = torch.ones(2)
        >>> with Log():
        ...     y = x.exp() + 1
        exp
        add
    """

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has to define __torch_function__")

    def __enter__(self) -> TorchFunctionMode:
        global _count
        _entered.modes.append(self)
        with _lock:
            _count += 1
            _C._set_function_hook(_ask)
        return self

    def __exit__(self, *_: object) -> None:
        global _count
        _entered.modes.pop()
        with _lock:
            _count -= 1
            if _count == 0:
                _C._set_function_hook(None)
