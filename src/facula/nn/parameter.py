"""Parameter and Buffer: tensors that a Module registers on assignment. How they are stored and walked is Module's."""

from __future__ import annotations

from collections import OrderedDict

import facula
from facula import Tensor

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A tensor that becomes a module's parameter when it is assigned to one of its attributes.

    Args:
        data (Tensor): the values; shared, not copied. Default: an empty tensor.
        requires_grad (bool): whether gradients are accumulated in ``.grad``; independent of ``no_grad``. Default: True.

    Returns:
        Parameter: a leaf; operations on it return plain tensors.

    Raises:
        AttributeError: ``data`` is not a tensor.

    Example:
        >>> import facula as torch
        >>> w = torch.nn.Parameter(torch.zeros(2))
        >>> w.requires_grad, w.is_leaf, type(w + 1) is torch.Tensor
        (True, True, True)
    """

    def __new__(cls, data=None, requires_grad: bool = True):
        if data is None:
            data = facula.empty(0)
        elif not isinstance(data, Tensor):
            raise AttributeError(
                f"'{type(data).__name__}' object has no attribute 'detach': Parameter() expects a Tensor; "
                "convert the data with torch.tensor(data)"
            )
        return Tensor._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        result = memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return result

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, protocol):
        state = dict(getattr(self, "__dict__", None) or {})
        # The empty dict stands for hooks: PyTorch's format has a place for them and never fills it.
        args = (self.detach(), self.requires_grad, OrderedDict())
        if not state:
            return _rebuild_parameter, args
        return _rebuild_parameter_with_state, (*args, state)


facula._C._set_parameter_type(Parameter)  # its operations give plain tensors


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks) -> Parameter:
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data: Tensor, requires_grad: bool, backward_hooks, state: dict) -> Parameter:
    param = Parameter(data, requires_grad)
    for name, value in state.items():
        setattr(param, name, value)
    return param


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that becomes a module's buffer when it is assigned to one of its attributes.

    Args:
        data (Tensor): the values; shared, not copied. Default: an empty tensor.
        persistent (bool): whether the buffer is part of ``state_dict()``. Default: True.

    Returns:
        Tensor: a plain tensor carrying the mark that ``isinstance(t, Buffer)`` reads.

    Example:
        >>> import facula as torch
        >>> m = torch.nn.Module()
        >>> m.mean = torch.nn.Buffer(torch.zeros(2))
        >>> [name for name, _ in m.named_buffers()]
        ['mean']
    """

    def __new__(cls, data=None, *, persistent: bool = True):
        if data is None:
            data = facula.empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer
