"""torch.autograd.graph: hooks on what the graph keeps, on several gradients at once, and the graph's edges. What only a
compiler or a GPU could use of PyTorch's module is not here."""

from __future__ import annotations

import threading
from collections import namedtuple
from contextlib import contextmanager
from weakref import WeakKeyDictionary, WeakSet

from facula._C import (
    Node,
    Tensor,
    _current_walk,
    _gradient_edge,
    _increment_version,
    _set_saved_hooks,
    _set_write_guard,
    _walk_needs,
)

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge",
    "increment_version", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip


class GradientEdge(namedtuple("GradientEdge", ("node", "output_nr", "ownership_token"), defaults=(None,))):
    """Where the gradient of a tensor goes: a place in the graph that ``backward`` and ``grad`` take like the tensor.

    Args:
        node (Node): the function that made the tensor, or the one that adds to a leaf's ``.grad``.
        output_nr (int): which of its results it is.
        ownership_token (Node): PyTorch's; nodes own their graph here, so it is None.
    """

    __slots__ = ()


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place of a tensor in the graph, which does not keep the tensor itself alive.

    Raises:
        RuntimeError: the tensor requires no gradient.

    Example:
        >>> import facula as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> edge = torch.autograd.graph.get_gradient_edge(x)
        >>> torch.autograd.grad((x * 3).sum(), edge)
        (tensor([3., 3.]),)
    """
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(*_gradient_edge(tensor))


def increment_version(tensor) -> None:
    """Tell the graph that tensors were written to by something that it does not see.

    Args:
        tensor (Tensor or iterable of Tensors): inference tensors stay as they are.

    Example:
        >>> import facula as torch
        >>> x = torch.ones(2)
        >>> torch.autograd.graph.increment_version(x)
        >>> x._version
        1
    """
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        _increment_version(t)


class _Disabled(threading.local):
    message: str | None = None


_disabled = _Disabled()


class saved_tensors_hooks:
    """A region in which everything that the graph keeps passes through two functions.

    Args:
        pack_hook (callable): tensor to anything; may not write into the tensor.
        unpack_hook (callable): what ``pack_hook`` gave to a tensor of the same values.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([2.0, 3.0], requires_grad=True)
        >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), torch.tensor):
        ...     y = x * x
        >>> y.sum().backward()
        >>> x.grad
        tensor([4., 6.])
    """

    def __init__(self, pack_hook, unpack_hook) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook
        self._before: list = []

    def __enter__(self) -> None:
        if _disabled.message is not None:
            raise RuntimeError(_disabled.message)
        self._before.append(_set_saved_hooks((self.pack_hook, self.unpack_hook)))

    def __exit__(self, *args) -> None:
        _set_saved_hooks(self._before.pop())


class save_on_cpu(saved_tensors_hooks):
    """A region in which the graph keeps its tensors on the CPU; there are no others here, so nothing is copied.

    Args:
        pin_memory (bool): accepted; without a GPU it makes a copy in ordinary memory, as in PyTorch. Default: False.
        device_type (str): where the tensors come from. Default: "cuda".

    Example:
        >>> import facula as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> with torch.autograd.graph.save_on_cpu():
        ...     (x * x).sum().backward()
        >>> x.grad
        tensor([2., 2.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Tensor):
            return tensor.device, tensor.clone() if pin_memory else tensor.cpu()

        def unpack(packed) -> Tensor:
            device, tensor = packed
            return tensor.to(device)

        super().__init__(pack, unpack)


@contextmanager
def disable_saved_tensors_hooks(error_message: str):
    """A region in which entering ``saved_tensors_hooks`` raises RuntimeError.

    Args:
        error_message (str): what the error says.

    Example:
        >>> import facula as torch
        >>> with torch.autograd.graph.disable_saved_tensors_hooks("not now"):
        ...     with torch.autograd.graph.save_on_cpu():
        ...         pass
        Traceback (most recent call last):
        RuntimeError: not now
    """
    before = _disabled.message
    _disabled.message = error_message
    try:
        yield
    finally:
        _disabled.message = before


class _MultiHandle:
    """Removes several hooks; in a ``with`` block, at its end."""

    def __init__(self, handles: tuple) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _MultiHandle:
        return self

    def __exit__(self, *args) -> None:
        self.remove()


def register_multi_grad_hook(tensors, fn, *, mode: str = "all") -> _MultiHandle:
    """Call a function when the gradients of several tensors are known.

    Args:
        tensors (sequence of Tensors): those that a backward pass does not need are not waited for.
        fn (callable): in mode "all", takes the list of gradients, None where there is none; in mode "any", the first.
        mode (str): "all" or "any". Default: "all".

    Returns:
        a handle whose ``remove()`` takes the hook away.

    Raises:
        ValueError: another mode.

    Example:
        >>> import facula as torch
        >>> a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
        >>> handle = torch.autograd.graph.register_multi_grad_hook([a, b], print)
        >>> (a * 2 + b * 3).backward()
        [tensor([2.]), tensor([3.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = list(tensors)
    if mode == "any":
        return _MultiHandle(_first_of(tensors, fn))
    nodes = [_gradient_edge(t)[0] for t in tensors]
    waiting: dict[int, list] = {}  # of a walk: gradients so far, how many are still to come

    def hook_of(i: int):
        def hook(gradient: Tensor) -> None:
            walk = _current_walk()
            if walk not in waiting:
                waiting[walk] = [[None] * len(nodes), sum(map(_walk_needs, nodes))]
            state = waiting[walk]
            state[0][i] = gradient
            state[1] -= 1
            if state[1] == 0:
                del waiting[walk]
                fn(state[0])

        return hook

    return _MultiHandle(tuple(t.register_hook(hook_of(i)) for i, t in enumerate(tensors)))


def _first_of(tensors, fn) -> tuple:
    last = -1  # the walk that fn was called in; walks of a thread that are nested are rare enough to be told apart so

    def hook(gradient: Tensor) -> None:
        nonlocal last
        if _current_walk() != last:
            last = _current_walk()
            fn(gradient)

    return tuple(t.register_hook(hook) for t in tensors if t.requires_grad)


class _Kept:
    """What the graph keeps of a tensor while writing into it is allowed: the tensor, or its copy from before."""

    __slots__ = ("__weakref__", "is_copy", "tensor")

    def __init__(self, tensor: Tensor):
        self.tensor = tensor
        self.is_copy = False


class _AllowMutationOnSavedContext:
    """The state of ``allow_mutation_on_saved_tensors``: what is kept, by memory; and what has been copied."""

    def __init__(self) -> None:
        self.kept: dict[int, WeakSet] = {}
        self.cloned: WeakKeyDictionary = WeakKeyDictionary()
        self.open = True

    def pack(self, tensor: Tensor) -> _Kept:
        kept = _Kept(tensor)
        self.kept.setdefault(tensor.untyped_storage().data_ptr(), WeakSet()).add(kept)
        return kept

    def unpack(self, kept: _Kept) -> Tensor:
        if not self.open:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context"
                "in which the graph was originally recorded."
            )
        return kept.tensor

    def before_write(self, tensor: Tensor) -> None:
        for kept in self.kept.pop(tensor.untyped_storage().data_ptr(), ()):
            kept.tensor = self.cloned[kept] = kept.tensor.clone()

    def clear(self) -> None:
        self.kept.clear()
        self.cloned.clear()


class _Mutation(threading.local):
    allowed = False


_mutation = _Mutation()


@contextmanager
def allow_mutation_on_saved_tensors():
    """A region in which tensors that the graph keeps may be written into: they are copied just before. Forward and
    backward pass must both be inside.

    Raises:
        RuntimeError: it is inside of another one.

    Example:
        >>> import facula as torch
        >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
        ...     a = torch.ones(2, requires_grad=True)
        ...     b = a.clone()
        ...     out = (b**2).sum()
        ...     _ = b.zero_()
        ...     out.backward()
        >>> a.grad
        tensor([2., 2.])
    """
    if _mutation.allowed:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    context = _AllowMutationOnSavedContext()
    with saved_tensors_hooks(context.pack, context.unpack):
        before = _set_write_guard(context.before_write)
        _mutation.allowed = True
        try:
            yield context
        finally:
            _mutation.allowed = context.open = False
            _set_write_guard(before)
            context.clear()
