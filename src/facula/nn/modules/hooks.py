"""Hooks of modules: registering them, one module or all modules, and the slow road of __call__ that runs them.

A module without hooks never comes here: `Module._hooked` stays False until the first registration.
"""

from __future__ import annotations

from collections import OrderedDict

from facula import Tensor
from facula.utils.hooks import BackwardHook, RemovableHandle


class _NoHooks(dict):
    """The registry that modules share until their first hook: empty, and it stays so."""

    def __setitem__(self, key, value):
        raise TypeError("this hook registry is shared by all modules; register hooks with the register_* methods")

    def setdefault(self, key, default=None):
        self[key] = default

    def update(self, *args, **kwargs):
        self[None] = None

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return OrderedDict, ()


NO_HOOKS = _NoHooks()


class _GlobalHooks(OrderedDict):
    """Hooks of all modules; removing the last of them lets modules without hooks take the short way again."""

    def pop(self, key, default=None):
        hook = super().pop(key, default)
        HookMethods._hooked = any(_GLOBAL_REGISTRIES)
        return hook


_global_forward_pre_hooks = _GlobalHooks()
_global_forward_hooks = _GlobalHooks()
_global_backward_pre_hooks = _GlobalHooks()
_global_backward_hooks = _GlobalHooks()
_GLOBAL_REGISTRIES = (
    _global_forward_pre_hooks,
    _global_forward_hooks,
    _global_backward_pre_hooks,
    _global_backward_hooks,
)
# Remarks about hooks in _global_forward_hooks, by the same key.
_global_forward_hooks_with_kwargs: OrderedDict = OrderedDict()
_global_forward_hooks_always_called: OrderedDict = OrderedDict()

HOOK_REGISTRIES = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def _own(module, registry: str) -> OrderedDict:
    """The module's own registry of that name, made at the first registration."""
    own = module.__dict__.get(registry)
    if own is None:
        own = module.__dict__[registry] = OrderedDict()
    return own


def _insert(hooks: OrderedDict, extra: list, hook, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks, extra_dict=extra)
    hooks[handle.id] = hook
    for registry in extra:
        registry[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
        for registry in extra:
            registry.move_to_end(handle.id, last=False)
    return handle


class HookMethods:
    """The part of Module that registers and runs hooks."""

    _hooked = False
    _forward_hooks = NO_HOOKS
    _forward_hooks_with_kwargs = NO_HOOKS
    _forward_hooks_always_called = NO_HOOKS
    _forward_pre_hooks = NO_HOOKS
    _forward_pre_hooks_with_kwargs = NO_HOOKS
    _backward_hooks = NO_HOOKS
    _backward_pre_hooks = NO_HOOKS

    def register_forward_pre_hook(self, hook, *, prepend: bool = False, with_kwargs: bool = False) -> RemovableHandle:
        """Call ``hook(module, args)`` before every ``forward``; what it returns, if not None, replaces the arguments.

        Args:
            hook (callable): ``hook(module, args)``, or ``hook(module, args, kwargs)`` with ``with_kwargs``.
            prepend (bool): run before the hooks already registered. Default: False.
            with_kwargs (bool): also pass keyword arguments; the hook then returns ``(args, kwargs)`` or None.

        Returns:
            RemovableHandle: ``handle.remove()`` takes the hook away.

        Example:
            >>> import facula as torch
            >>> m = torch.nn.Identity()
            >>> handle = m.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
            >>> m(torch.tensor(1)).item()
            2
        """
        extra = [_own(self, "_forward_pre_hooks_with_kwargs")] if with_kwargs else []
        self.__dict__["_hooked"] = True
        return _insert(_own(self, "_forward_pre_hooks"), extra, hook, prepend)

    def register_forward_hook(
        self, hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after every ``forward``; a result that is not None replaces the output.

        Args:
            hook (callable): ``hook(module, args, output)``; with ``with_kwargs``: ``(module, args, kwargs, output)``.
            prepend (bool): run before the hooks already registered. Default: False.
            with_kwargs (bool): also pass keyword arguments. Default: False.
            always_call (bool): call the hook even when ``forward`` raises. Default: False.

        Returns:
            RemovableHandle: ``handle.remove()`` takes the hook away.

        Example:
            >>> import facula as torch
            >>> m = torch.nn.Identity()
            >>> with m.register_forward_hook(lambda module, args, output: output * 10):
            ...     m(torch.tensor(2)).item()
            20
        """
        extra = [_own(self, "_forward_hooks_with_kwargs")] if with_kwargs else []
        if always_call:
            extra.append(_own(self, "_forward_hooks_always_called"))
        self.__dict__["_hooked"] = True
        return _insert(_own(self, "_forward_hooks"), extra, hook, prepend)

    def register_full_backward_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` whenever gradients of the module's inputs are computed.

        Args:
            hook (callable): may return a tuple that replaces ``grad_input``; both arguments are tuples with None
                where a value has no gradient.
            prepend (bool): run before the hooks already registered. Default: False.

        Returns:
            RemovableHandle: ``handle.remove()`` takes the hook away.

        Example:
            >>> import facula as torch
            >>> m = torch.nn.Identity()
            >>> handle = m.register_full_backward_hook(lambda module, grad_in, grad_out: (grad_in[0] * 2,))
            >>> x = torch.ones(1, requires_grad=True)
            >>> m(x).sum().backward()
            >>> x.grad.item()
            2.0
        """
        self.__dict__["_hooked"] = True
        return _insert(_own(self, "_backward_hooks"), [], hook, prepend)

    def register_full_backward_pre_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the module's backward; a result replaces ``grad_output``.

        Args:
            hook (callable): gets a tuple of gradients, returns None or their replacement.
            prepend (bool): run before the hooks already registered. Default: False.

        Returns:
            RemovableHandle: ``handle.remove()`` takes the hook away.
        """
        self.__dict__["_hooked"] = True
        return _insert(_own(self, "_backward_pre_hooks"), [], hook, prepend)

    def _call_with_hooks(self, args: tuple, kwargs: dict):
        """What ``__call__`` does once any hook exists, here or globally."""
        run = _Run(self, args, kwargs)
        try:
            return run.forward()
        except Exception:
            run.always_called_hooks()
            raise


class _Run:
    """One call of a module with hooks; it remembers how far it came, for hooks with ``always_call``."""

    def __init__(self, module, args, kwargs):
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result = None
        self.called: set[int] = set()

    def forward(self):
        module = self.module
        self.forward_pre_hooks()
        backward_hooks = [*_global_backward_hooks.values(), *module._backward_hooks.values()]
        backward_pre_hooks = [*_global_backward_pre_hooks.values(), *module._backward_pre_hooks.values()]
        backward = (
            BackwardHook(module, backward_hooks, backward_pre_hooks) if (backward_hooks or backward_pre_hooks) else None
        )
        if backward is not None:
            self.args = backward.setup_input_hook(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        for key, hook in (*_global_forward_hooks.items(), *module._forward_hooks.items()):
            self.forward_hook(key, hook)
        if backward is not None:
            if not isinstance(self.result, (Tensor, tuple)):
                import warnings

                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors"
                    f" but received {type(self.result)}",
                    stacklevel=4,
                )
            self.result = backward.setup_output_hook(self.result)
        return self.result

    def forward_pre_hooks(self):
        module = self.module
        for key, hook in (*_global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()):
            if key not in module._forward_pre_hooks_with_kwargs:
                changed = hook(module, self.args)
                if changed is not None:
                    self.args = changed if isinstance(changed, tuple) else (changed,)
                continue
            changed = hook(module, self.args, self.kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            self.args, self.kwargs = changed

    def forward_hook(self, key: int, hook):
        self.called.add(key)
        if key in self.module._forward_hooks_with_kwargs or key in _global_forward_hooks_with_kwargs:
            changed = hook(self.module, self.args, self.kwargs, self.result)
        else:
            changed = hook(self.module, self.args, self.result)
        if changed is not None:
            self.result = changed

    def always_called_hooks(self):
        for always, hooks, who in (
            (_global_forward_hooks_always_called, _global_forward_hooks, "global module forward hook"),
            (self.module._forward_hooks_always_called, self.module._forward_hooks, "module forward hook"),
        ):
            for key in [key for key in always if key not in self.called]:
                try:
                    self.forward_hook(key, hooks[key])
                except Exception as error:
                    import warnings

                    warnings.warn(
                        f"{who} with ``always_call=True`` raised an exception that was silenced as another error "
                        f"was raised in forward: {error}",
                        stacklevel=4,
                    )


def _global_hook(hooks: OrderedDict, extra: list, hook) -> RemovableHandle:
    handle = _insert(hooks, extra, hook)
    HookMethods._hooked = True
    return handle


def register_module_forward_pre_hook(hook) -> RemovableHandle:
    """Call ``hook(module, args)`` before the ``forward`` of every module.

    Args:
        hook (callable): as for :meth:`Module.register_forward_pre_hook`.

    Returns:
        RemovableHandle: ``handle.remove()`` takes the hook away.
    """
    return _global_hook(_global_forward_pre_hooks, [], hook)


def register_module_forward_hook(hook, *, with_kwargs: bool = False, always_call: bool = False) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after the ``forward`` of every module.

    Args:
        hook (callable): as for :meth:`Module.register_forward_hook`.
        with_kwargs (bool): also pass keyword arguments. Default: False.
        always_call (bool): call the hook even when ``forward`` raises. Default: False.

    Returns:
        RemovableHandle: ``handle.remove()`` takes the hook away.
    """
    extra = [_global_forward_hooks_with_kwargs] if with_kwargs else []
    if always_call:
        extra.append(_global_forward_hooks_always_called)
    return _global_hook(_global_forward_hooks, extra, hook)


def register_module_full_backward_hook(hook) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` in the backward of every module.

    Args:
        hook (callable): as for :meth:`Module.register_full_backward_hook`.

    Returns:
        RemovableHandle: ``handle.remove()`` takes the hook away.
    """
    return _global_hook(_global_backward_hooks, [], hook)


def register_module_full_backward_pre_hook(hook) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the backward of every module.

    Args:
        hook (callable): as for :meth:`Module.register_full_backward_pre_hook`.

    Returns:
        RemovableHandle: ``handle.remove()`` takes the hook away.
    """
    return _global_hook(_global_backward_pre_hooks, [], hook)
