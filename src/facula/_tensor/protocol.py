"""What Python and other libraries ask of a tensor object: copying, pickling, formatting, iteration backwards, and
``__torch_function__`` of subclasses."""

from __future__ import annotations

from facula._C import Tensor, _set_torch_function, dtype
from facula._tensor.storage import UntypedStorage, untyped_storage


def _on_storage(kind: type, storage: UntypedStorage, dtype: dtype, size, stride, offset: int) -> Tensor:
    """A tensor of a class over a storage."""
    data = storage._bytes
    whole = data.narrow(0, 0, data.numel() // dtype.itemsize * dtype.itemsize)._view_dtype(dtype)
    plain = whole.new_empty(0).set_(whole, offset, tuple(size), tuple(stride))
    return plain if kind is Tensor else Tensor._make_subclass(kind, plain, False)


def _rebuild(
    kind: type, storage: UntypedStorage, dtype_name: str, size, stride, offset: int, requires_grad: bool
) -> Tensor:
    """Make a tensor of what ``__reduce_ex__`` gave."""
    import facula

    return _on_storage(kind, storage, getattr(facula, dtype_name), size, stride, offset).requires_grad_(requires_grad)


def __reduce_ex__(self: Tensor, protocol):
    """Pickle as storage, dtype, geometry, flag and attributes. Tensors that share memory do so after loading."""
    name = str(self.dtype).rpartition(".")[2]
    arguments = (
        type(self),
        untyped_storage(self),
        name,
        tuple(self.shape),
        self.stride(),
        self.storage_offset(),
        self.requires_grad,
    )
    attributes = getattr(self, "__dict__", None)
    return (_rebuild, arguments, dict(attributes)) if attributes else (_rebuild, arguments)


def __deepcopy__(self: Tensor, memo):
    """Copy the storage, the gradient and the attributes; tensors that share memory do so after copying.

    Raises:
        RuntimeError: the tensor was computed from others with gradients.
    """
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment. "
            "Use x.detach().clone() for a copy of the values."
        )
    if id(self) in memo:
        return memo[id(self)]
    from copy import deepcopy

    storage = deepcopy(untyped_storage(self), memo)
    result = _on_storage(type(self), storage, self.dtype, self.shape, self.stride(), self.storage_offset())
    if self.requires_grad:
        result.requires_grad_()
    memo[id(self)] = result
    if self.grad is not None:
        result.grad = deepcopy(self.grad, memo)
    for name, value in (getattr(self, "__dict__", None) or {}).items():
        setattr(result, name, deepcopy(value, memo))
    return result


def __format__(self: Tensor, spec: str) -> str:
    """Numbers format as numbers; anything larger as its text, and only without a format."""
    if self.dim() == 0:
        return format(self.item(), spec)
    return object.__format__(self, spec)


def __array_wrap__(self: Tensor, array, context=None, return_scalar: bool = False) -> Tensor:
    """What NumPy's functions give for a tensor: a tensor over the array; uint8 for bool, as in PyTorch."""
    from facula._C import from_numpy

    return from_numpy(array.astype("uint8") if array.dtype == bool else array)


def __reversed__(self: Tensor) -> Tensor:
    """The rows in reverse order."""
    return self.flip(0) if self.dim() else self


def _as_kind(result, kind: type):
    """Plain tensors of a result as tensors of a subclass."""
    if type(result) is Tensor:
        return result.as_subclass(kind)
    if isinstance(result, (tuple, list)) and any(type(item) is Tensor for item in result):
        return type(result)([_as_kind(item, kind) for item in result])
    return result


def __torch_function__(cls, func, types, args=(), kwargs=None):
    """Run ``func`` on the tensors as they are, and give its results the subclass.

    A subclass overrides this to see every operation on its objects.

    Example:
        >>> import facula as torch
        >>> class Tagged(torch.Tensor):
        ...     pass
        >>> x = torch.zeros(2).as_subclass(Tagged)
        >>> type(torch.exp(x)).__name__
        'Tagged'
    """
    before = _set_torch_function(False)
    try:
        result = func(*args, **(kwargs or {}))
    finally:
        _set_torch_function(before)
    return result if cls is Tensor else _as_kind(result, cls)
