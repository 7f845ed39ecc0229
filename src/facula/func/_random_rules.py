"""Batching rules of operations that draw random numbers: an error, the same numbers for every sample, or different
ones, as vmap's ``randomness`` says."""

from __future__ import annotations

from facula._C import Tensor, _physical
from facula.func._batching import (
    batch_size,
    by_sample,
    call,
    give,
    refuse_randomness,
    rule,
    spread,
    state,
)


def _same(level: int) -> bool:
    return state.levels[level - 1][0] == "same"


@rule("random")
def _any_other(op, in_place, args, level):
    """Whatever has no rule of its own: sample by sample, or once."""
    refuse_randomness(level)
    batched = any(_physical(a, level) is not None for a in args)
    if batched:
        return by_sample(op, in_place, args, level)
    if _same(level):
        return call(op, in_place, args)
    if in_place:
        raise RuntimeError(
            "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This would appear like same "
            "randomness: create the tensor from a batched one, with zeros_like or clone"
        )
    from facula.functional import stack

    return give(stack([call(op, in_place, args) for _ in range(batch_size(level))]), level)


@rule("rand", "randn")
def _drawn(op, in_place, args, level):
    if _same(level):
        return call(op, in_place, args)
    return give(call(op, in_place, ((batch_size(level), *args[0]), *args[1:])), level)


@rule("_randint")
def _drawn_integers(op, in_place, args, level):
    if _same(level):
        return call(op, in_place, args)
    return give(call(op, in_place, (*args[:2], (batch_size(level), *args[2]), *args[3:])), level)


@rule("uniform_", "normal_", "exponential_", "_random_", "bernoulli_")
def _overwritten(op, in_place, args, level):
    self, *rest = args
    samples = _physical(self, level)
    if samples is None or any(isinstance(a, Tensor) for a in rest):
        return _any_other(op, in_place, args, level)
    if _same(level):
        samples.copy_(call(op, True, (samples.new_empty(self.shape), *rest)))
    else:
        call(op, True, (samples, *rest))
    return self


@rule("_bernoulli")
def _coins(op, in_place, args, level):
    samples = _physical(args[0], level)
    if samples is None:
        return _any_other(op, in_place, args, level)
    if not _same(level):
        return give(call(op, in_place, (samples, *args[1:])), level)
    uniform = samples.new_empty(args[0].shape).uniform_(generator=None)
    return give((uniform < samples).to(samples.dtype), level)


@rule("_dropout")
def _dropout(op, in_place, args, level):
    x, p, train = args
    samples = _physical(x, level)
    if samples is None:
        if _same(level):
            return call(op, in_place, args)
        samples = spread(x, level)
    if not _same(level):
        return give(call(op, in_place, (samples, p, train)), level)
    return give(samples * call(op, in_place, (samples.new_ones(x.shape), p, train)), level)


@rule("multinomial")
def _multinomial(op, in_place, args, level):
    samples = _physical(args[0], level)
    if samples is None or samples.dim() != 2 or _same(level):
        return _any_other(op, in_place, args, level)
    return give(call(op, in_place, (samples, *args[1:])), level)
