"""Calls on batched tensors: the levels of vmap, the registry of batching rules, and the rule of last resort, which runs
an operation sample by sample. The core hands over every call of a table entry that meets a batched tensor; pointwise
ones it does itself. No rule of a particular operation is here."""

from __future__ import annotations

import threading

from facula._C import (
    Tensor,
    _call_entry,
    _level,
    _make_batched,
    _physical,
    _set_batch_depth,
    _set_batch_rule,
)

RANDOM = 6  # the kind of entries that draw random numbers


class _State(threading.local):
    """Of a thread: one (randomness, size of the batch) for each active vmap, outermost first."""

    def __init__(self):
        self.levels: list[tuple[str, int]] = []


state = _State()

_rules: dict = {}


def rule(*names: str):
    """Register a batching rule ``f(op, in_place, args, level)`` for table entries.

    The arguments are those of the entry in its order. The rule runs one level further out: what it calls on physical
    tensors is not seen by its own vmap.
    """

    def register(function):
        for name in names:
            _rules[name] = function
        return function

    return register


def call(op, in_place: bool, args):
    """Run the entry itself."""
    return _call_entry(op[0], in_place, tuple(args))


def give(result, level: int):
    """What an entry gave for all samples, as batched tensors."""
    if isinstance(result, Tensor):
        return _make_batched(result, level)
    return tuple(_make_batched(item, level) for item in result)


def at_level(level: int, function, *args):
    """Run a composition on the batched tensors themselves."""
    before = _set_batch_depth(level)
    try:
        return function(*args)
    finally:
        _set_batch_depth(before)


def batch_size(level: int) -> int:
    """How many samples the vmap of a level runs over."""
    return state.levels[level - 1][1]


def spread(x: Tensor, level: int) -> Tensor:
    """All samples of a tensor; one that is not batched has the same for each."""
    physical = _physical(x, level)
    return x.expand(batch_size(level), *x.shape) if physical is None else physical


def with_rank(physical: Tensor, rank: int) -> Tensor:
    """Samples of at least ``rank`` dimensions: ones are put behind the batch dimension."""
    missing = rank - (physical.dim() - 1)
    if missing <= 0:
        return physical
    return physical.view(physical.shape[0], *(1,) * missing, *physical.shape[1:])


def wrap_dim(dim: int, ndim: int) -> int:
    """A dimension counted from the front.

    Raises:
        IndexError: there is no such dimension.
    """
    low, high = (-ndim, ndim - 1) if ndim else (-1, 0)
    if not low <= dim <= high:
        raise IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})")
    return dim + ndim if dim < 0 else dim


def shifted(dims, ndim: int):
    """Dimensions of a sample as dimensions of all samples."""
    if dims is None:
        return None
    if isinstance(dims, int):
        return wrap_dim(dims, ndim) + 1
    return tuple(wrap_dim(d, ndim) + 1 for d in dims)


def _sample(value, level: int, i: int):
    if isinstance(value, tuple):
        return tuple(_sample(item, level, i) for item in value)
    physical = _physical(value, level)
    return value if physical is None else physical.select(0, i)


def dynamic_shape(name: str):
    """The error of operations whose result has another shape for each sample."""
    return RuntimeError(
        f"vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over {name}. "
        f"Use torch.where or a mask of the full shape instead."
    )


def by_sample(op, in_place, args, level):
    """Run an entry once for each sample and stack the results: right for every operation, at the price of a loop."""
    if in_place and _physical(args[0], level) is None:
        raise RuntimeError(
            f"vmap: {op[1]}(self, *extra_args) is not possible because there exists a Tensor in extra_args that has "
            f"more elements than `self`: the argument is batched and `self` is not"
        )
    count = batch_size(level)
    if count == 0:
        return _no_samples(op, in_place, args, level)
    rows = [call(op, in_place, (_sample(a, level, i) for a in args)) for i in range(count)]
    if in_place:
        return args[0]
    first = rows[0]
    if isinstance(first, Tensor):
        return _make_batched(_stacked(op, rows), level)
    if isinstance(first, tuple):
        return tuple(_make_batched(_stacked(op, column), level) for column in zip(*rows))
    if first is None:
        return None
    raise RuntimeError(
        f"vmap: {op[1]} gives a Python value, which would be another one for each sample: data-dependent control flow "
        f"is not supported"
    )


def _stacked(op, rows) -> Tensor:
    if any(row.shape != rows[0].shape for row in rows):
        raise dynamic_shape(op[1])
    return rows[0].unsqueeze(0) if len(rows) == 1 else _stack(rows)


def _stack(rows) -> Tensor:
    from facula.functional import stack

    return stack(rows)


def _no_samples(op, in_place, args, level):
    """Zeros stand in for the sample that there is not, to learn shapes and types."""

    def stand_in(value):
        if isinstance(value, tuple):
            return tuple(stand_in(item) for item in value)
        physical = _physical(value, level)
        return value if physical is None else physical.new_zeros(physical.shape[1:])

    result = call(op, in_place, (stand_in(a) for a in args))
    if in_place:
        return args[0]
    if isinstance(result, Tensor):
        return _make_batched(result.new_empty((0, *result.shape)), level)
    return tuple(_make_batched(item.new_empty((0, *item.shape)), level) for item in result)


def _dispatch(op, in_place, args, level):
    found = _rules.get(op[1])
    if found is None:
        found = _rules["random"] if op[2] == RANDOM else by_sample
    elif op[2] == RANDOM:
        refuse_randomness(level)
    return found(op, in_place, args, level)


def refuse_randomness(level: int) -> None:
    """Raise the error of random numbers under ``randomness='error'``."""
    if state.levels[level - 1][0] == "error":
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
            "randomness flags on vmap or perform the randomness operation out of vmap"
        )


_set_batch_rule(_dispatch)


# ---- one level removed from, or put back into, a tensor that may be batched at several ----


def without_level(x: Tensor, level: int) -> Tensor | None:
    """All samples of a level, batch dimension first, other levels kept; None when x is not batched there."""
    if _level(x) < level:
        return None
    if _level(x) == level:
        return _physical(x, level)
    outer = _level(x)
    inner = without_level(_physical(x, outer), level)
    return None if inner is None else _make_batched(inner.transpose(0, 1), outer)


def with_level(x: Tensor, level: int) -> Tensor:
    """Dimension 0 becomes the batch dimension of a level, below the higher levels that x is batched at."""
    outer = _level(x)
    if outer < level:
        return _make_batched(x, level)
    return _make_batched(with_level(_physical(x, outer).transpose(0, 1), level), outer)
