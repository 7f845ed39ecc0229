"""The base class of every optimiser: parameter groups, state, hooks, and the sorting of parameters into native batches.

It knows no update rule: those live one per file beside it.
"""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict

import facula
from facula.utils.hooks import RemovableHandle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from facula import Tensor

    # One native call's worth of parameters: fusible, step count, parameters, gradients, states.
    Batch = tuple[bool, float, list[Tensor], list[Tensor], list[dict[str, Any]]]

__all__ = ["FusedOptimizer", "Optimizer", "required"]


class _Required:
    """Marks a default that every parameter group has to give itself."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


_HOOK_TABLES = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def check_nonnegative(what: str, value: float | Tensor) -> None:
    """Refuse a negative (or NaN) hyperparameter.

    Args:
        what (str): its name in the message, for example ``learning rate``.
        value (float or Tensor): the value given.

    Raises:
        ValueError: when the value is not at least zero.
    """
    if not value >= 0.0:
        raise ValueError(f"Invalid {what}: {value} (expected a value >= 0)")


def check_lr(lr: float | Tensor) -> None:
    """Refuse a learning rate that is negative or a tensor of several elements.

    Args:
        lr (float or Tensor): the learning rate.

    Raises:
        ValueError: in these two cases.
    """
    if isinstance(lr, facula.Tensor) and lr.numel() != 1:
        raise ValueError(f"Tensor lr must be 1-element, got shape {tuple(lr.shape)}")
    check_nonnegative("learning rate", lr)


def check_betas(betas: tuple[float, float]) -> None:
    """Refuse decay rates outside [0, 1).

    Raises:
        ValueError: one of the two is.
    """
    for index, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta} (expected 0 <= beta < 1)")


def check_fused(fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    """Refuse the combinations of implementation switches that exclude each other.

    Args:
        fused, foreach, differentiable (bool): the arguments of the optimiser. Which implementation runs does not
            depend on ``fused`` and ``foreach``: there is one, and it is fused.

    Raises:
        RuntimeError: ``fused`` together with ``differentiable`` or ``foreach``.
    """
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def settings(arguments: dict[str, Any], order: str = "") -> dict[str, Any]:
    """The hyperparameters of an optimiser, from ``locals()`` at the start of its ``__init__``: every argument is one
    under its own name, but for the parameters. ``order`` lists them as PyTorch's groups do, where that differs."""
    names = order.split() or [name for name in arguments if name not in ("self", "params", "__class__")]
    return {name: arguments[name] for name in names}


def as_number(value: float | Tensor) -> float:
    """The Python number in a hyperparameter, which may be a 1-element tensor."""
    return value.item() if isinstance(value, facula.Tensor) else value


def new_step() -> Tensor:
    """A step counter as PyTorch stores it: a 0-d tensor, float64 only where that is the default dtype."""
    wide = facula.get_default_dtype() == facula.float64
    return facula.zeros((), dtype=facula.float64 if wide else facula.float32)


def _penalised(group: dict[str, Any], param: Tensor, grad: Tensor) -> Tensor:
    """The gradient to descend along: turned round by ``maximize``, and with ``weight_decay`` in it. A decoupled decay
    shrinks the parameter instead."""
    if group["maximize"]:
        grad = -grad
    decay = group.get("weight_decay", 0)
    if decay == 0:
        return grad
    if not group.get("decoupled_weight_decay", False):
        return grad.add(param, alpha=decay)
    lr = group["lr"]
    param.mul_(1 - (lr if isinstance(lr, facula.Tensor) and lr.requires_grad else as_number(lr)) * decay)
    return grad


def _with_hooks(step: Callable) -> Callable:
    """Wrap a subclass's ``step`` so that it calls the step hooks and notes that it has run."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        if not self._optimizer_step_pre_hooks and not self._optimizer_step_post_hooks:
            return step(self, *args, **kwargs)
        call = (self, *args)
        for hook in list(self._optimizer_step_pre_hooks.values()):
            result = hook(self, call, kwargs)
            if result is not None:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"{step.__qualname__}: a step pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {result}."
                    )
                call, kwargs = result
        out = step(*call, **kwargs)
        for hook in list(self._optimizer_step_post_hooks.values()):
            hook(self, call, kwargs)
        return out

    hooked.hooked = True  # type: ignore[attr-defined]
    return hooked


class Optimizer:
    """Base class of the optimisers: holds parameter groups and per-parameter state.

    Args:
        params (iterable): tensors, (name, tensor) pairs, or dicts with a key ``params`` and options of that group.
        defaults (dict): options of the groups that do not give their own.

    Raises:
        TypeError: ``params`` is a single tensor or holds something else than tensors.
        ValueError: no parameters, a non-leaf tensor, or one parameter in two groups.

    Example:
        >>> import facula as torch
        >>> w = torch.zeros(2, requires_grad=True)
        >>> optimizer = torch.optim.SGD([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [-0.5, -0.5]
    """

    _opt_called = False
    _optimizer_step_pre_hooks: dict[int, Callable]
    _optimizer_step_post_hooks: dict[int, Callable]
    _optimizer_state_dict_pre_hooks: dict[int, Callable]
    _optimizer_state_dict_post_hooks: dict[int, Callable]
    _optimizer_load_state_dict_pre_hooks: dict[int, Callable]
    _optimizer_load_state_dict_post_hooks: dict[int, Callable]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__ and not hasattr(cls.__dict__["step"], "hooked"):
            cls.step = _with_hooks(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: Iterable, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hook_tables()
        if isinstance(params, facula.Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{_type_name(params)}; wrap a single tensor in a list"
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hook_tables(self) -> None:
        for table in _HOOK_TABLES:
            self.__dict__.setdefault(table, OrderedDict())

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_hook_tables()
        self.defaults.setdefault("differentiable", False)
        for group in self.param_groups:
            # A checkpoint of an older version lacks the newer options and may count steps in Python numbers.
            for name, default in self.defaults.items():
                group.setdefault(name, default)
            for p in group["params"]:
                p_state = self.state.get(p)
                if p_state and "step" in p_state and not isinstance(p_state["step"], facula.Tensor):
                    p_state["step"] = new_step().fill_(float(p_state["step"]))

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] * (i > 0) + [f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])

    # --- hooks -------------------------------------------------------------------------------------------------------

    def _register(self, table: str, hook: Callable, prepend: bool = False) -> RemovableHandle:
        hooks = getattr(self, table)
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before every step; it may return new ``(args, kwargs)``."""
        return self._register("_optimizer_step_pre_hooks", hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after every step."""
        return self._register("_optimizer_step_post_hooks", hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before :meth:`state_dict` collects the state."""
        return self._register("_optimizer_state_dict_pre_hooks", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` on the collected state; it may return another dict."""
        return self._register("_optimizer_state_dict_post_hooks", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; it may return another dict."""
        return self._register("_optimizer_load_state_dict_pre_hooks", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after loading."""
        return self._register("_optimizer_load_state_dict_post_hooks", hook, prepend)

    # --- parameters --------------------------------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with options of its own.

        Args:
            param_group (dict): ``params`` (tensor or ordered collection of tensors or of (name, tensor)) and options.

        Raises:
            TypeError: not a dict, a set of parameters, or something that is not a tensor.
            ValueError: a non-leaf tensor, a parameter already in another group, a missing required option, or a mix
                of named and unnamed parameters.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        tensors, names = self._split_names(param_group["params"])
        param_group["params"] = tensors
        if names:
            param_group["param_names"] = names
        for param in tensors:
            if not isinstance(param, facula.Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {_type_name(param)}; "
                    "pass model.parameters()"
                )
            if not self.defaults.get("differentiable") and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor; optimize the tensor it was computed from")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        self._check_overlap(param_group)
        self.param_groups.append(param_group)

    @staticmethod
    def _split_names(params: Any) -> tuple[list[Tensor], list[str]]:
        if isinstance(params, facula.Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead."
            )
        items = list(params)
        names = [item[0] for item in items if isinstance(item, tuple)]
        if names and len(names) != len(items):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        return [item[1] if isinstance(item, tuple) else item for item in items], names

    def _check_overlap(self, param_group: dict[str, Any]) -> None:
        ids = {id(p) for p in param_group["params"]}
        if len(ids) != len(param_group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; each would be updated twice a step",
                stacklevel=4,
            )
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                kind = "with names" if "param_names" in param_group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {kind} to the optimizer"
                )
            if any(id(p) in ids for p in group["params"]):
                raise ValueError("some parameters appear in more than one parameter group")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none (bool): set ``.grad`` to None (default) instead of filling it with zeros.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    grad = p.grad
                    if grad.grad_fn is not None:
                        grad.detach_()
                    else:
                        grad.requires_grad_(False)
                    grad.zero_()

    # --- state -------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The state as a dict that :meth:`load_state_dict` takes back.

        Returns:
            dict: ``state`` (parameter number -> dict of tensors, not copied) and ``param_groups`` (the options, with
            parameter numbers for ``params``). PyTorch reads it and writes the same.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        packed_groups = []
        start = 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], start):
                numbers.setdefault(id(p), i)
            start += len(group["params"])
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            packed_groups.append(packed)
        state = {numbers[id(k)] if isinstance(k, facula.Tensor) else k: v for k, v in self.state.items()}
        state_dict: dict[str, Any] = {"state": state, "param_groups": packed_groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        return state_dict

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the state of an optimiser with the same groups.

        Args:
            state_dict (dict): what :meth:`state_dict` returned. Parameters are matched by position.

        Raises:
            ValueError: the number of groups, or of parameters in a group, differs; nothing is changed then.
        """
        from copy import deepcopy

        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            replaced = hook(self, state_dict)
            if replaced is not None:
                state_dict = replaced
        groups, saved_groups = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved_groups):
            raise ValueError(
                "loaded state dict has a different number of parameter groups: "
                f"{len(saved_groups)}, the optimizer has {len(groups)}"
            )
        param_of: dict[Any, Tensor] = {}
        for i, (group, saved) in enumerate(zip(groups, saved_groups)):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"group {i} has {len(saved['params'])} parameters, the optimizer's {len(group['params'])}"
                )
            param_of.update(zip(saved["params"], group["params"]))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in param_of:
                state[param_of[key]] = _like_param(param_of[key], value)
            else:
                state[key] = value
        for group, saved in zip(groups, saved_groups):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # --- steps -------------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once.

        Args:
            closure (callable): recomputes the loss with gradients and returns it; optional.

        Returns:
            What the closure returned, or None.
        """
        raise NotImplementedError

    @staticmethod
    def _run(closure: Callable[[], Any] | None) -> Any:
        if closure is None:
            return None
        with facula.enable_grad():
            return closure()

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        """Fill the state of a parameter that takes its first step."""
        raise NotImplementedError

    def _batches(self, group: dict[str, Any]) -> Iterable[Batch]:
        """Count one step for every parameter with a gradient, and sort them by step count and dtype.

        A batch is *fusible* when one native call can update it: float32 or float64, on the CPU, nothing recorded.
        The tensors of a complex parameter come as their real views: every rule but SGD's is stated for reals.
        """
        batches: dict[Any, Batch] = {}
        steps: list[Tensor] = []
        native_dtypes = () if group["differentiable"] else (facula.float32, facula.float64)
        last: Any = None
        lists: Any = None
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            if grad.is_sparse:
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            state = self.state[p]
            if not state:
                self._init_state(group, p, state)
            step = state["step"]
            steps.append(step)
            dtype = p.dtype
            key = (step.item(), dtype, p.is_cpu)
            if key != last:
                lists = batches.get(key)
                if lists is None:
                    lists = (dtype in native_dtypes and key[2], key[0] + 1, [], [], [])
                    batches[key] = lists
                last = key
            if dtype.is_complex:
                p, grad, state = facula.view_as_real(p), facula.view_as_real(grad), _real_views(state)
            lists[2].append(p)
            lists[3].append(grad)
            lists[4].append(state)
        for step in steps:
            step.add_(1)
        return batches.values()


class FusedOptimizer(Optimizer):
    """An optimiser whose rule exists twice: as one native call for many parameters, and in tensor operations for one.

    A subclass names its ``_moments`` and gives ``_update_many`` and ``_update_one``.
    """

    _moments: tuple[str, ...] = ()  # tensors of the state that have the parameter's shape and start at zero

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        state["step"] = new_step()
        for name in self._moments:
            state[name] = facula.zeros_like(param, requires_grad=False)

    def _lists(self, states: list[dict]) -> list[list[Tensor]]:
        """The state of all parameters as a native step takes it, a list for each of ``_moments``."""
        return [[state[name] for state in states] for name in self._moments]

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        """Update float32 or float64 parameters on the CPU in place; nothing is recorded. ``step`` counts from 1."""
        raise NotImplementedError

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        """The same rule for one parameter of any dtype or device, recorded when the group is differentiable.

        ``grad`` has ``maximize`` and ``weight_decay`` in it.
        """
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once.

        Args:
            closure (callable): recomputes the loss with gradients and returns it; optional.

        Returns:
            What the closure returned, or None.

        Raises:
            RuntimeError: a sparse gradient.
        """
        loss = self._run(closure)
        for group in self.param_groups:
            for fusible, step, params, grads, states in self._batches(group):
                if fusible:
                    self._update_many(group, step, params, grads, states)
                else:
                    with facula.set_grad_enabled(group["differentiable"]):
                        for param, grad, state in zip(params, grads, states):
                            self._update_one(group, step, param, _penalised(group, param, grad), state)
        return loss


def _real_views(state: dict[str, Any]) -> dict[str, Any]:
    return {
        k: facula.view_as_real(v) if isinstance(v, facula.Tensor) and v.is_complex() else v for k, v in state.items()
    }


def _like_param(param: Tensor, value: Any, key: Any = None) -> Any:
    """Move loaded state to the parameter's device and, but for the step counter, its floating-point dtype."""
    if isinstance(value, facula.Tensor):
        if key == "step":
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {k: _like_param(param, v, k) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return type(value)(_like_param(param, v) for v in value)
    return value
