"""Custom autograd Functions under vmap: by their own ``vmap`` method, or by running forward and backward on samples."""

from __future__ import annotations

from collections import namedtuple

from facula._C import Tensor, _batch_depth, _level, _make_batched, _physical, _set_batch_depth
from facula.autograd.function import Function
from facula.func import _tree
from facula.func._batching import state

# What a Function's ``vmap`` method is told.
VmapInfo = namedtuple("VmapInfo", ("batch_size", "randomness"))


def apply_if_batched(cls, args: tuple) -> tuple | None:
    """The result of ``cls.apply`` in a tuple; None when no argument is batched."""
    leaves = _tree.flatten(args)[0]
    return (apply_batched(cls, args),) if any(_level(a) for a in leaves) else None


def apply_batched(cls, args: tuple):
    """``cls.apply`` for arguments of which some are batched.

    Raises:
        RuntimeError: the Function neither has a ``vmap`` method nor asks for a generated one.
    """
    leaves, tree = _tree.flatten(args)
    level = max(_level(a) for a in leaves)
    randomness, size = state.levels[level - 1]
    own = cls.vmap is not Function.vmap
    if own and cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overriden vmap "
            f"staticmethod. Please set generate_vmap_rule=False or delete the overriden vmap staticmethod to avoid "
            f"ambiguity."
        )
    if not (own or cls.generate_vmap_rule):
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement "
            f"the vmap staticmethod or set generate_vmap_rule=True."
        )
    samples = [a if _physical(a, level) is None else _physical(a, level) for a in leaves]
    dims = [None if _physical(a, level) is None else 0 for a in leaves]
    before = _set_batch_depth(level - 1)
    try:
        if own:
            result, out_dims = cls.vmap(
                VmapInfo(size, randomness), _tree.unflatten(dims, tree), *_tree.unflatten(samples, tree)
            )
        else:
            result = _generated(cls, dims, tree, size, randomness).apply(*samples)
            out_dims = 0
    finally:
        _set_batch_depth(before)
    results, result_tree = _tree.flatten(result)
    places = _tree.broadcast_to(out_dims, result_tree) or [0] * len(results)
    return _tree.unflatten([_wrapped(r, place, level) for r, place in zip(results, places)], result_tree)


def _wrapped(result, place, level: int):
    if place is None or not isinstance(result, Tensor):
        return result
    return _make_batched(result.movedim(place, 0), level)


class _Entered:
    """One more vmap for a with block; its level is the result."""

    def __init__(self, randomness: str, size: int):
        self.new = (randomness, size)

    def __enter__(self) -> int:
        self.before, depth = state.levels, _batch_depth()
        state.levels = [*self.before[:depth], self.new]
        _set_batch_depth(depth + 1)
        return depth + 1

    def __exit__(self, *_):
        _set_batch_depth(len(state.levels) - 1)
        state.levels = self.before


class _SampleContext:
    """The ctx that forward and backward of one sample see."""

    saved_tensors: tuple = ()
    materialize_grads = True

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors

    save_for_forward = save_for_backward

    def mark_non_differentiable(self, *tensors):
        self.fixed = tensors

    def mark_dirty(self, *tensors):
        raise RuntimeError("generate_vmap_rule=True does not support a Function that marks its inputs as dirty")

    def set_materialize_grads(self, value: bool):
        self.materialize_grads = value


def _open(x, level: int, size: int):
    """All samples of a result, and whether it was batched."""
    if not isinstance(x, Tensor):
        return x
    physical = _physical(x, level)
    return x.expand(size, *x.shape) if physical is None else physical


def _generated(cls, dims: list, tree, size: int, randomness: str):
    """A Function of all samples, made of one of a sample."""

    def forward(ctx, *samples):
        with _Entered(randomness, size) as level:
            given = [s if d is None else _make_batched(s, level) for s, d in zip(samples, dims)]
            inner = _SampleContext()
            inner.needs_input_grad = ctx.needs_input_grad
            args = _tree.unflatten(given, tree)
            if cls.setup_context is Function.setup_context:
                output = cls.forward(inner, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(inner, args, output)
            ctx.inner = inner
            ctx.was_batched = [_level(s) == level if isinstance(s, Tensor) else False for s in inner.saved_tensors]
            plain = [_physical(s, level) if b else s for s, b in zip(inner.saved_tensors, ctx.was_batched)]
            inner.saved_tensors = ()
            ctx.save_for_backward(*plain)
            outputs, ctx.out_tree = _tree.flatten(output)
            flat = tuple(_open(o, level, size) for o in outputs)
        return flat if len(flat) > 1 else flat[0]

    def backward(ctx, *gradients):
        with _Entered(randomness, size) as level:
            inner = ctx.inner
            inner.saved_tensors = tuple(
                _make_batched(s, level) if b else s for s, b in zip(ctx.saved_tensors, ctx.was_batched)
            )
            found = cls.backward(inner, *(None if g is None else _make_batched(g, level) for g in gradients))
            found = found if isinstance(found, tuple) else (found,)
            opened = [None if g is None else _open(g, level, size) for g in found]
            inner.saved_tensors = ()
        return tuple(
            g.sum(0) if g is not None and d is None else g for g, d in zip(opened, [*dims, *[0] * len(opened)])
        )

    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward), "generate_vmap_rule": True}
    return type(cls.__name__, (Function,), methods)
