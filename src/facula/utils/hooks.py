"""Handles that remove hooks, and the pair of graph nodes that give a module its full backward hooks.

It knows no registry of its own: a hook lives in the dict of whoever registered it.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict

__all__ = ["BackwardHook", "RemovableHandle"]


class HookRegistry(dict):
    """The hooks of a tensor or node by number: a dict that a handle can refer to without keeping it alive."""

    __slots__ = ("__weakref__",)


class RemovableHandle:
    """What registering a hook returns: ``remove()`` (or leaving a ``with`` block) takes the hook away again.

    Args:
        hooks_dict (OrderedDict): the registry that holds the hook under ``handle.id``; only a weak reference is kept.
        extra_dict (dict or list of dicts): registries with remarks about the hook, cleared together with it.

    Example:
        >>> from collections import OrderedDict
        >>> hooks = OrderedDict()
        >>> handle = RemovableHandle(hooks)
        >>> hooks[handle.id] = print
        >>> handle.remove()
        >>> len(hooks)
        0
    """

    next_id: int = 0

    def __init__(self, hooks_dict, *, extra_dict=None) -> None:
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        extra = extra_dict if isinstance(extra_dict, list) else [] if extra_dict is None else [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extra)

    def remove(self) -> None:
        """Remove the hook; a second call, or a registry that is gone, is no error."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            registry = ref()
            if registry is not None:
                registry.pop(self.id, None)

    def __getstate__(self):
        return self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref)

    def __setstate__(self, state) -> None:
        hooks, self.id, extra = state
        # A registry that did not survive pickling leaves a handle that removes nothing.
        self.hooks_dict_ref = weakref.ref(OrderedDict() if hooks is None else hooks)
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extra if d is not None)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc_info) -> None:
        self.remove()


def _boundary():
    """The autograd function that passes tensors through and shows their gradients to ``on_backward``."""
    from facula.autograd import Function

    class BackwardHookFunction(Function):
        @staticmethod
        def forward(ctx, on_backward, *tensors):
            ctx.on_backward = on_backward
            ctx.set_materialize_grads(False)
            return tuple(t.view_as(t) for t in tensors)

        @staticmethod
        def backward(ctx, *grads):
            return None, *ctx.on_backward(grads)

    return BackwardHookFunction


_boundary_function = None


def _mark(values: tuple, on_backward) -> tuple[tuple, list[int]]:
    """Pass the tensors in ``values`` that require grad through one boundary node; their positions come second."""
    global _boundary_function
    from facula import Tensor, is_grad_enabled

    if not is_grad_enabled():
        return values, []
    where = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
    if not where:
        return values, []
    if _boundary_function is None:
        _boundary_function = _boundary()
    marked = _boundary_function.apply(on_backward, *(values[i] for i in where))
    result = list(values)
    for i, tensor in zip(where, marked):
        result[i] = tensor
    return tuple(result), where


def _spread(grads, where: list[int], size: int) -> tuple:
    full = [None] * size
    for i, grad in zip(where, grads):
        full[i] = grad
    return tuple(full)


class BackwardHook:
    """Calls a module's backward hooks between the gradients of its outputs and those of its inputs.

    Args:
        module (Module): first argument of every hook.
        user_hooks (list): ``hook(module, grad_input, grad_output)``, may return another ``grad_input``.
        user_pre_hooks (list): ``hook(module, grad_output)``, may return another ``grad_output``.
    """

    def __init__(self, module, user_hooks, user_pre_hooks) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs = None
        self.inputs_at: list[int] = []
        self.outputs_at: list[int] = []
        self.n_inputs = self.n_outputs = 0

    def setup_input_hook(self, args: tuple) -> tuple:
        """Mark the positional arguments of ``forward``; returns them, tensors replaced by marked ones."""
        self.n_inputs = len(args)
        args, self.inputs_at = _mark(args, self._on_input_grads)
        return args

    def setup_output_hook(self, result):
        """Mark the result of ``forward``: a tensor or a tuple; anything else is returned as it is."""
        from facula import Tensor

        single = isinstance(result, Tensor)
        if not single and not isinstance(result, tuple):
            return result
        values = (result,) if single else result
        self.n_outputs = len(values)
        marked, self.outputs_at = _mark(values, self._on_output_grads)
        if single:
            return marked[0]
        return marked if type(result) is tuple else type(result)(*marked) if hasattr(result, "_fields") else marked

    def _on_output_grads(self, grads):
        grad_outputs = _spread(grads, self.outputs_at, self.n_outputs)
        for hook in self.user_pre_hooks:
            replaced = hook(self.module, grad_outputs)
            if replaced is not None:
                grad_outputs = _same_length(replaced, self.n_outputs, "Backward pre hook", "grad_output")
        self.grad_outputs = grad_outputs
        if not self.inputs_at:
            self._without_input_grads()
        return tuple(grad_outputs[i] for i in self.outputs_at)

    def _without_input_grads(self) -> None:
        import warnings

        if self.user_hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients. See "
                "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
                "#torch.nn.Module.register_full_backward_hook for more details.",
                stacklevel=5,
            )
        grad_inputs = (None,) * self.n_inputs
        for hook in self.user_hooks:
            result = hook(self.module, grad_inputs, self.grad_outputs)
            if result is not None and not (isinstance(result, tuple) and all(r is None for r in result)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or "
                    "None for all gradients."
                )
        self.grad_outputs = None

    def _on_input_grads(self, grads):
        grad_inputs = _spread(grads, self.inputs_at, self.n_inputs)
        if self.grad_outputs is None:
            raise RuntimeError(
                "Module backward hook for grad_input is called before the grad_output one. This happens because the "
                "gradient in your nn.Module flows to the Module's input without passing through the Module's output. "
                "Make sure that the output depends on the input and that the loss is computed based on the output."
            )
        for hook in self.user_hooks:
            replaced = hook(self.module, grad_inputs, self.grad_outputs)
            if replaced is not None:
                grad_inputs = _same_length(replaced, self.n_inputs, "Backward hook", "grad_input")
        self.grad_outputs = None
        return tuple(grad_inputs[i] for i in self.inputs_at)


def _same_length(grads, expected: int, who: str, what: str) -> tuple:
    grads = grads if isinstance(grads, tuple) else (grads,)
    if len(grads) != expected:
        raise RuntimeError(f"{who} returned an invalid number of {what}, got {len(grads)}, but expected {expected}")
    return grads
