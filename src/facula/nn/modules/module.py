"""Module: attributes that register themselves, __call__, train/eval and printing; every layer builds on it.

Walking the tree, state dicts, conversion and hooks are the mixins of traversal, state, conversion and hooks.
"""

from __future__ import annotations

import facula
from facula import Tensor

from ..parameter import Buffer, Parameter
from .conversion import ConversionMethods
from .hooks import (
    HOOK_REGISTRIES,
    HookMethods,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from .state import StateMethods

__all__ = [
    "Module",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]

_set_attribute = object.__setattr__
_ABSENT = object()


def _typename(value) -> str:
    if isinstance(value, Tensor):
        return value.type()
    cls = value if isinstance(value, type) else type(value)
    return cls.__qualname__ if cls.__module__ in ("builtins", None) else f"{cls.__module__}.{cls.__qualname__}"


class _MissingAttribute(AttributeError):
    """An AttributeError that looks for the nearest name only when somebody reads the message (hasattr never does).

    It is raised with ``obj`` but without ``name``, lest Python 3.12 add a second suggestion.
    """

    def __str__(self) -> str:
        from difflib import get_close_matches

        text = self.args[0]
        name = text.split("'")[-2]
        known = [k for k in dir(self.obj) if k != name and k.startswith("_") == name.startswith("_")]
        near = get_close_matches(name, known, 1)
        return f"{text}. Did you mean: '{near[0]}'?" if near else text

    def __reduce__(self):
        return AttributeError, (str(self),)


_MissingAttribute.__name__ = _MissingAttribute.__qualname__ = "AttributeError"
_MissingAttribute.__module__ = "builtins"


def indent(text: str, width: int = 2) -> str:
    """Indent all lines but the first."""
    return text.replace("\n", "\n" + " " * width)


class Module(StateMethods, ConversionMethods, HookMethods):
    """Base class of all neural network modules: parameters, buffers and submodules register by assignment.

    A subclass calls ``super().__init__()`` first, assigns its parts as attributes, and defines ``forward``.

    Example:
        >>> import facula as torch
        >>> class Scale(torch.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.factor = torch.nn.Parameter(torch.tensor(3.0))
        ...
        ...     def forward(self, x):
        ...         return x * self.factor
        >>> Scale()(torch.tensor(2.0)).item()
        6.0
    """

    training: bool
    call_super_init: bool = False

    def __init__(self, *args, **kwargs) -> None:
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        own = self.__dict__
        own["training"] = True
        own["_parameters"] = {}
        own["_buffers"] = {}
        own["_non_persistent_buffers_set"] = set()
        own["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __call__(self, *args, **kwargs):
        if self._hooked:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def forward(self, *input):
        """Compute the module's result; every subclass defines it.

        Raises:
            NotImplementedError: the subclass did not.
        """
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # Attributes. A name lives in exactly one of __dict__, _parameters, _buffers, _modules.

    def __getattr__(self, name: str):
        own = self.__dict__
        if "_modules" in own:  # not before Module.__init__
            if name in (found := own["_modules"]):
                return found[name]
            if name in (found := own["_parameters"]):
                return found[name]
            if name in (found := own["_buffers"]):
                return found[name]
        raise _MissingAttribute(f"'{type(self).__name__}' object has no attribute '{name}'", obj=self)

    def __setattr__(self, name: str, value) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in own:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if "_modules" not in own:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_modules")
            own["_modules"][name] = value
        elif "_parameters" not in own:
            _set_attribute(self, name, value)
        elif name in own["_parameters"]:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, None)
        elif name in own["_modules"]:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            own["_modules"][name] = None
        elif name in own["_buffers"] or (isinstance(value, Tensor) and isinstance(value, Buffer)):
            self._assign_buffer(name, value)
        else:
            _set_attribute(self, name, value)

    def __delattr__(self, name: str) -> None:
        own = self.__dict__
        for registry in ("_parameters", "_buffers", "_modules"):
            if name in own[registry]:
                del own[registry][name]
                own["_non_persistent_buffers_set"].discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        own = self.__dict__
        names = [*dir(type(self)), *own, *own["_parameters"], *own["_modules"], *own["_buffers"]]
        return sorted(name for name in names if not name[0].isdigit())

    def _forget(self, name: str, kept: str) -> None:
        """Remove ``name`` from every place but the registry ``kept``."""
        own = self.__dict__
        if name in own:
            del own[name]
        for registry in ("_parameters", "_buffers", "_modules"):
            if registry != kept and name in own[registry]:
                del own[registry][name]
                own["_non_persistent_buffers_set"].discard(name)

    def _assign_buffer(self, name: str, value) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign '{_typename(value)}' as buffer '{name}' "
                "(torch.nn.Buffer, torch.Tensor or None expected)"
            )
        persistent = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set
        if persistent:
            self.register_buffer(name, value)
        else:
            self.register_buffer(name, value, persistent=False)

    def _check_name(self, kind: str, registry: str, name: str) -> None:
        """Raise what PyTorch raises when ``name`` cannot be a new entry of ``registry``."""
        own = self.__dict__
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in own[registry] and (
            name in own
            or any(name in own[r] for r in ("_parameters", "_buffers", "_modules"))
            or (getattr(type(self), name, _ABSENT) is not _ABSENT and hasattr(self, name))
        ):
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, reachable as an attribute of that name.

        Args:
            name (str): without dots, not yet an attribute.
            param (Parameter or None): None reserves the name and stays out of ``state_dict()``.

        Raises:
            AttributeError: before ``Module.__init__``.
            TypeError: ``param`` is not a Parameter, or ``name`` not a string.
            KeyError: the name is taken or malformed.
            ValueError: ``param`` is not a leaf.

        Example:
            >>> import facula as torch
            >>> m = torch.nn.Module()
            >>> m.register_parameter("w", torch.nn.Parameter(torch.ones(1)))
            >>> m.w.item()
            1.0
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", "_parameters", name)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{_typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if not param.is_leaf:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    "forward() method."
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state but is not trained, such as a running mean.

        Args:
            name (str): without dots, not yet an attribute.
            tensor (Tensor or None): None reserves the name.
            persistent (bool): whether it is part of ``state_dict()``. Default: True.

        Raises:
            AttributeError: before ``Module.__init__``.
            TypeError: ``tensor`` is not a Tensor, or ``name`` not a string.
            KeyError: the name is taken or malformed.

        Example:
            >>> import facula as torch
            >>> m = torch.nn.Module()
            >>> m.register_buffer("steps", torch.zeros(1))
            >>> list(m.state_dict())
            ['steps']
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", "_buffers", name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule, reachable as an attribute of that name.

        Args:
            name (str): without dots, not yet an attribute.
            module (Module or None): the child.

        Raises:
            TypeError: ``module`` is not a Module, or ``name`` not a string.
            KeyError: the name is taken or malformed.

        Example:
            >>> import facula as torch
            >>> m = torch.nn.Module()
            >>> m.add_module("act", torch.nn.ReLU())
            >>> m.act
            ReLU()
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        self._check_name("module", "_modules", name)
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """Another name of :meth:`add_module`."""
        self.add_module(name, module)

    # Modes and gradients.

    def train(self, mode: bool = True):
        """Set training mode here and in all submodules; Dropout and BatchNorm behave differently in it.

        Args:
            mode (bool): True for training, False for evaluation. Default: True.

        Returns:
            Module: self.

        Raises:
            ValueError: ``mode`` is not a bool.

        Example:
            >>> import facula as torch
            >>> torch.nn.Dropout().train(False).training
            False
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Set evaluation mode; the same as ``train(False)``.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> torch.nn.Dropout().eval().training
            False
        """
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True):
        """Set ``requires_grad`` of all parameters, in place.

        Args:
            requires_grad (bool): Default: True.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> torch.nn.Linear(1, 1).requires_grad_(False).weight.requires_grad
            False
        """
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters.

        Args:
            set_to_none (bool): drop them instead of filling them with zeros. Default: True.
        """
        for param in self.parameters():
            grad = param.grad
            if grad is None:
                continue
            if set_to_none:
                param.grad = None
            else:
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    def apply(self, fn):
        """Call ``fn`` on every submodule and then on the module itself, for instance to initialise weights.

        Args:
            fn (callable): takes a Module; its result is ignored.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> m = torch.nn.Sequential(torch.nn.ReLU()).apply(lambda module: print(type(module).__name__))
            ReLU
            Sequential
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # Printing and pickling.

    def extra_repr(self) -> str:
        """The text between the parentheses of ``repr``; subclasses override it.

        Returns:
            str: one or more lines, without submodules.
        """
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {indent(repr(module))}" for name, module in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        body = "\n  ".join(lines + children)
        return f"{self._get_name()}(\n  {body}\n)"

    def __setstate__(self, state: dict) -> None:
        own = self.__dict__
        own.update(state)
        own.setdefault("_non_persistent_buffers_set", set())
        if any(own.get(registry) for registry in HOOK_REGISTRIES):
            own["_hooked"] = True

    def compile(self, *args, **kwargs) -> None:
        """Do what ``torch.compile`` does with this module, in place: nothing yet but checking the arguments.

        Args:
            *args, **kwargs: passed to ``torch.compile``.
        """
        facula.compile(self, *args, **kwargs)
