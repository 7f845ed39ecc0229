"""state_dict and load_state_dict: a module's tensors by dotted name, with versions and hooks. It reads no files."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import facula
from facula import Tensor
from facula.utils.hooks import RemovableHandle

from ..parameter import Parameter
from .hooks import NO_HOOKS, _insert, _own
from .traversal import TraversalMethods

EXTRA_STATE_KEY = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class StateMethods(TraversalMethods):
    """The part of Module that gives its state away and takes it back."""

    _version: int = 1
    _state_dict_hooks = NO_HOOKS
    _state_dict_pre_hooks = NO_HOOKS
    _load_state_dict_pre_hooks = NO_HOOKS
    _load_state_dict_post_hooks = NO_HOOKS

    def state_dict(self, *args, destination=None, prefix: str = "", keep_vars: bool = False):
        """All parameters and persistent buffers by dotted name.

        Args:
            destination (dict): filled and returned instead of a new OrderedDict.
            prefix (str): put before every name. Default: "".
            keep_vars (bool): the tensors themselves instead of detached ones. Default: False.

        Returns:
            OrderedDict: its tensors share storage with the module.

        Example:
            >>> import facula as torch
            >>> list(torch.nn.Linear(2, 1).state_dict())
            ['weight', 'bias']
        """
        if args:
            destination, prefix, keep_vars = _positional(args, destination, prefix, keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, local_metadata)
            if replaced is not None:
                if getattr(hook, "_from_public_api", False):
                    raise RuntimeError("state_dict post-hook must return None")
                destination = replaced
        return destination

    def _save_to_state_dict(self, destination, prefix: str, keep_vars: bool) -> None:
        for name, param in self._parameters.items():
            if param is not None:
                destination[prefix + name] = param if keep_vars else param.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if type(self).get_extra_state is not StateMethods.get_extra_state:
            destination[prefix + EXTRA_STATE_KEY] = self.get_extra_state()

    def get_extra_state(self):
        """Whatever else belongs into ``state_dict``; subclasses override it together with ``set_extra_state``.

        Raises:
            RuntimeError: always, here: a module without extra state is never asked.
        """
        raise RuntimeError(
            "get_extra_state(): this module has no extra state; override it and set_extra_state together"
        )

    def set_extra_state(self, state) -> None:
        """Take back what ``get_extra_state`` returned; subclasses override it.

        Raises:
            RuntimeError: always, here: a module without extra state is never asked.
        """
        raise RuntimeError(
            "set_extra_state(): this module has no extra state; override it and get_extra_state together"
        )

    def load_state_dict(self, state_dict, strict: bool = True, assign: bool = False):
        """Copy tensors from a state dict into parameters and buffers of the same names.

        Args:
            state_dict (dict): tensors by dotted name, as ``state_dict()`` returns them.
            strict (bool): names must match exactly. Default: True.
            assign (bool): put the tensors themselves in place instead of copying. Default: False.

        Returns:
            NamedTuple: ``missing_keys`` and ``unexpected_keys``, two lists of names.

        Raises:
            TypeError: ``state_dict`` is not a mapping.
            RuntimeError: names differ under ``strict``, or a shape differs; the message lists all of them.

        Example:
            >>> import facula as torch
            >>> a, b = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
            >>> a.load_state_dict(b.state_dict())
            <All keys matched successfully>
        """
        from collections.abc import Mapping

        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)  # hooks and _load_from_state_dict may change it
        if metadata is not None:
            state_dict._metadata = metadata
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        _load(self, state_dict, "", metadata, assign, (missing, unexpected, errors))
        if strict:
            for keys, what in ((unexpected, "Unexpected"), (missing, "Missing")):
                if keys:
                    errors.insert(0, f"{what} key(s) in state_dict: " + ", ".join(f'"{k}"' for k in keys) + ". ")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors))
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ) -> None:
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        local = {k: v for k, v in self._parameters.items() if v is not None}
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                local[name] = buffer
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, own in local.items():
            key = prefix + name
            if key in state_dict:
                error = _load_tensor(self, name, key, own, state_dict[key], assign)
                if error:
                    error_msgs.append(error)
            elif strict:
                missing_keys.append(key)
        extra_key = prefix + EXTRA_STATE_KEY
        if type(self).set_extra_state is not StateMethods.set_extra_state:
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if not strict:
            return
        for key in state_dict:
            if key.startswith(prefix) and key != extra_key:
                name, dot, _ = key[len(prefix) :].partition(".")
                if name not in (self._modules if dot else local):
                    unexpected_keys.append(key)

    def _register_state_dict_hook(self, hook) -> RemovableHandle:
        return _insert(_own(self, "_state_dict_hooks"), [], hook)

    def register_state_dict_post_hook(self, hook) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict``; it may change the dict.

        Args:
            hook (callable): must return None.

        Returns:
            RemovableHandle: ``handle.remove()`` takes the hook away.
        """
        hook._from_public_api = True
        return _insert(_own(self, "_state_dict_hooks"), [], hook)

    def register_state_dict_pre_hook(self, hook) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict``.

        Args:
            hook (callable): its result is ignored.

        Returns:
            RemovableHandle: ``handle.remove()`` takes the hook away.
        """
        return _insert(_own(self, "_state_dict_pre_hooks"), [], hook)

    def _register_load_state_dict_pre_hook(self, hook, with_module: bool = False) -> RemovableHandle:
        return _insert(_own(self, "_load_state_dict_pre_hooks"), [], _BoundHook(hook, self) if with_module else hook)

    def register_load_state_dict_pre_hook(self, hook) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)`` before loading.

        Args:
            hook (callable): may change ``state_dict``, for instance rename keys.

        Returns:
            RemovableHandle: ``handle.remove()`` takes the hook away.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may edit the two lists of names.

        Args:
            hook (callable): must return None.

        Returns:
            RemovableHandle: ``handle.remove()`` takes the hook away.
        """
        return _insert(_own(self, "_load_state_dict_post_hooks"), [], hook)


class _BoundHook:
    """A hook with its module as first argument; weak, so that the module is not kept alive by its own registry."""

    def __init__(self, hook, module) -> None:
        import weakref

        self.hook, self.module = hook, weakref.ref(module)

    def __call__(self, *args):
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args)

    def __reduce__(self):
        return _BoundHook, (self.hook, self.module())

    def __deepcopy__(self, memo):
        from copy import deepcopy

        return _BoundHook(self.hook, deepcopy(self.module(), memo))


def _positional(args, destination, prefix, keep_vars):
    import warnings

    warnings.warn(
        "Positional args are being deprecated, use kwargs instead. Refer to "
        "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
        FutureWarning,
        stacklevel=3,
    )
    given = (*args, None, None, None)[:3]
    return (
        given[0] if destination is None else destination,
        given[1] if len(args) > 1 and prefix == "" else prefix,
        given[2] if len(args) > 2 and not keep_vars else keep_vars,
    )


def _load(module, state_dict, prefix: str, metadata, assign: bool, reports: tuple) -> None:
    local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
    if assign:
        local_metadata["assign_to_params_buffers"] = assign
    missing, unexpected, errors = reports
    module._load_from_state_dict(state_dict, prefix, local_metadata, True, missing, unexpected, errors)
    for name, child in module._modules.items():
        if child is not None:
            path = f"{prefix}{name}."
            _load(child, {k: v for k, v in state_dict.items() if k.startswith(path)}, path, metadata, assign, reports)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, _IncompatibleKeys(missing, unexpected)) is not None:
            raise AssertionError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, "
                "if incompatible_keys need to be modified, it should be done inplace."
            )


def _load_tensor(module, name: str, key: str, own: Tensor, given, assign: bool) -> str | None:
    """Put ``given`` into the parameter or buffer ``own``; returns what went wrong, as one line."""
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(given)}"
        )
    if own.dim() == 0 and given.dim() == 1 and given.shape[0] == 1:
        given = given[0]  # scalars saved before PyTorch 0.4 have one dimension
    if given.shape != own.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
            f"the shape in current model is {own.shape}."
        )
    try:
        with facula.no_grad():
            if not assign:
                own.copy_(given)
            else:
                if isinstance(own, Parameter):
                    if isinstance(given, Parameter):
                        given.requires_grad_(own.requires_grad)
                    else:
                        given = Parameter(given, own.requires_grad)
                setattr(module, name, given)
    except Exception as error:
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {own.shape} and '
            f"whose dimensions in the checkpoint are {given.shape}, an exception occurred : {error.args}."
        )
    return None
