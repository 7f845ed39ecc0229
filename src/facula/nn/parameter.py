"""Parameter and Buffer: tensors that a Module registers on assignment. How they are stored and walked is Module's."""

from __future__ import annotations

from collections import OrderedDict

import facula
from facula import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


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


class _Uninitialized:
    """What the two tensors without a shape share: ``materialize`` turns them into ordinary ones, in place."""

    cls_to_become: type
    data: Tensor
    requires_grad: bool

    def materialize(self, shape, device=None, dtype=None) -> None:
        """Become a tensor of that shape with undefined values.

        Args:
            shape (sequence of int): sizes.
            device, dtype: Default: those given at construction.
        """
        data = facula.empty(tuple(shape), device=device or self.data.device, dtype=dtype or self.data.dtype)
        self.data = data
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` "
            "to initialize the parameters before accessing their attributes."
        )

    def share_memory_(self):
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol):
        return _rebuild_uninitialized, (type(self), self.requires_grad, self.data.device.type, self.data.dtype)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = _rebuild_uninitialized(
                type(self), self.requires_grad, self.data.device.type, self.data.dtype
            )
        return memo[id(self)]


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape a lazy module learns from its first input.

    Args:
        requires_grad (bool): Default: True.
        device, dtype: of the tensor to come. Optional.

    Example:
        >>> import facula as torch
        >>> p = torch.nn.UninitializedParameter()
        >>> p.materialize((2, 3))
        >>> type(p).__name__, p.shape
        ('Parameter', torch.Size([2, 3]))
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device=None, dtype=None):
        return Tensor._make_subclass(cls, facula.empty(0, device=device, dtype=dtype), requires_grad)


class UninitializedBuffer(_Uninitialized, Tensor):
    """A buffer whose shape a lazy module learns from its first input.

    Args:
        requires_grad (bool): Default: False.
        device, dtype: of the tensor to come. Optional.
        persistent (bool): part of ``state_dict()``. Default: True.

    Example:
        >>> import facula as torch
        >>> torch.nn.UninitializedBuffer()
        <UninitializedBuffer>
    """

    cls_to_become = Tensor

    def __new__(cls, requires_grad: bool = False, device=None, dtype=None, persistent: bool = True):
        buffer = Tensor._make_subclass(cls, facula.empty(0, device=device, dtype=dtype), requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer

    def materialize(self, shape, device=None, dtype=None) -> None:
        """Become a tensor of that shape with undefined values.

        Args:
            shape (sequence of int): sizes.
            device, dtype: Default: those given at construction.
        """
        self.data = facula.empty(tuple(shape), device=device or self.data.device, dtype=dtype or self.data.dtype)
        self.__class__ = _MaterializedBuffer


class _MaterializedBuffer(Tensor):
    """A buffer that was uninitialised once; Tensor itself is not a class that an object can be turned into."""


def _rebuild_uninitialized(kind: type, requires_grad: bool, device: str, dtype):
    return kind(requires_grad, device, dtype)


def is_lazy(param) -> bool:
    """Tell whether a parameter or buffer has no shape yet.

    Args:
        param (Tensor): any.

    Example:
        >>> import facula as torch
        >>> torch.nn.parameter.is_lazy(torch.nn.UninitializedParameter())
        True
    """
    return isinstance(param, _Uninitialized)
