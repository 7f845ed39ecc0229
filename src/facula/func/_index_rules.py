"""Batching rules of indexing, gathering and scattering, by broadcasting the batch into the indices."""

from __future__ import annotations

from facula._C import Tensor, _call_entry, _entry, _physical
from facula.func._batching import (
    at_level,
    batch_size,
    by_sample,
    call,
    dynamic_shape,
    give,
    rule,
    shifted,
    spread,
    with_rank,
)
from facula.functional import arange, broadcast_shapes, where


def _is_mask(index: Tensor) -> bool:
    return str(index.dtype) in ("torch.bool", "torch.uint8")


def _positions(indices, level: int) -> list:
    """Masks as columns of positions, which are known only when the mask is the same for all samples."""
    found: list = []
    for index in indices:
        if index is None or not _is_mask(index):
            found.append(index)
        elif _physical(index, level) is not None:
            raise RuntimeError(
                "vmap: We do not support batching operators that can support dynamic shape. Attempting to batch over "
                "indexing with a boolean mask. Use torch.where instead."
            )
        else:
            found.extend(index.nonzero(as_tuple=True) if index.dim() else [index])
    return found


class _Plan:
    """x[indices] with the indexed dimensions moved to the front, so that the result is [index shape, others]."""

    def __init__(self, x: Tensor, indices, level: int):
        indices = _positions(indices, level)
        indices += [None] * (x.dim() - len(indices))
        self.level = level
        self.at = [d for d, index in enumerate(indices) if index is not None]
        self.others = [d for d, index in enumerate(indices) if index is None]
        self.given = [indices[d] for d in self.at]
        self.rank = max(index.dim() for index in self.given)
        self.batched = any(_physical(index, level) is not None for index in self.given)
        adjacent = self.at == list(range(self.at[0], self.at[0] + len(self.at)))
        # Where PyTorch puts the dimensions of the indices among the others.
        self.front = self.at[0] if adjacent else 0

    def aligned(self) -> tuple:
        """The indices, each broadcastable to [batch, index shape]."""
        return tuple(
            index if _physical(index, self.level) is None else with_rank(_physical(index, self.level), self.rank)
            for index in self.given
        )

    def of_samples(self, samples: Tensor, batch_too: bool) -> tuple[Tensor, tuple]:
        """All samples with the indexed dimensions first, and the indices to apply to them."""
        x = samples.permute(0, *(d + 1 for d in self.at), *(d + 1 for d in self.others))
        if not batch_too:
            return x, (None, *self.given)
        count = samples.shape[0]
        return x, (arange(count).view(count, *(1,) * self.rank), *self.aligned())

    def result_order(self, offset: int) -> list[int]:
        """The permutation of [index shape, others] into PyTorch's order, behind ``offset`` further dimensions."""
        index_dims = [offset + i for i in range(self.rank)]
        rest = [offset + self.rank + i for i in range(len(self.others))]
        return [*range(offset), *rest[: self.front], *index_dims, *rest[self.front :]]


@rule("index")
def _index(op, in_place, args, level):
    x, indices = args
    plan = _Plan(x, indices, level)
    samples = _physical(x, level)
    if samples is None:
        moved, use = x.permute(*plan.at, *plan.others), plan.aligned()
    else:
        moved, use = plan.of_samples(samples, plan.batched)
    result = call(op, in_place, (moved, use))
    return give(result.permute(plan.result_order(1)), level)


@rule("index_put")
def _index_put(op, in_place, args, level):
    self, indices, values, accumulate = args
    if in_place and _physical(self, level) is None:
        return by_sample(op, in_place, args, level)
    plan = _Plan(self, indices, level)
    samples = spread(self, level)
    if not in_place:
        samples = samples.clone()
    moved, use = plan.of_samples(samples, plan.batched)
    call(op, True, (moved, use, _values_for(plan, moved, use, values), accumulate))
    return self if in_place else give(samples, level)


def _values_for(plan: _Plan, moved: Tensor, use: tuple, values: Tensor) -> Tensor:
    """The values of index_put in the layout [batch, index shape, others]."""
    given = _physical(values, plan.level)
    if plan.front == 0:
        return values if given is None else with_rank(given, plan.rank + len(plan.others))
    index_shape = _shape_of_indices(plan)
    others = [moved.shape[1 + len(plan.at) + i] for i in range(len(plan.others))]
    shape = (*others[: plan.front], *index_shape, *others[plan.front :])
    every = spread(values, plan.level)
    full = with_rank(every, len(shape)).expand(every.shape[0], *shape)
    back = sorted(range(len(shape) + 1), key=plan.result_order(1).__getitem__)
    return full.permute(back)


def _shape_of_indices(plan: _Plan) -> tuple:
    return tuple(broadcast_shapes(*(tuple(index.shape) for index in plan.given)))


@rule("_index_backward")
def _index_backward(op, in_place, args, level):
    gradient, indices, sizes = args
    zeros = give(spread(gradient, level).new_zeros((batch_size(level), *sizes)), level)
    return _index_put(_entry("index_put"), False, (zeros, indices, gradient, True), level)


@rule("masked_select")
def _masked_select(op, in_place, args, level):
    x, mask = args
    if _physical(mask, level) is not None:
        raise dynamic_shape(op[1])
    shape = broadcast_shapes(tuple(x.shape), tuple(mask.shape))
    whole = at_level(level, x.expand, *shape)
    return _index(_entry("index"), False, (whole, (mask.expand(*shape),)), level)


@rule("nonzero", "_nonzero_columns")
def _dynamic(op, in_place, args, level):
    raise dynamic_shape(op[1])


@rule("masked_fill")
def _masked_fill(op, in_place, args, level):
    x, mask, value = args
    if isinstance(value, Tensor) and not in_place:
        return at_level(level, lambda: where(mask, value.to(x.dtype), x))
    if (in_place and _physical(x, level) is None) or (
        isinstance(value, Tensor) and _physical(value, level) is not None
    ):
        return by_sample(op, in_place, args, level)
    rank = max(x.dim(), mask.dim())
    moved = [t if _physical(t, level) is None else with_rank(_physical(t, level), rank) for t in (x, mask)]
    if in_place:
        call(op, True, (*moved, value))
        return x
    return give(call(op, False, (*moved, value)), level)


@rule("index_select")
def _index_select(op, in_place, args, level):
    x, dim, index = args
    if x.dim() == 0:
        return by_sample(op, in_place, args, level)
    if _physical(index, level) is None:
        return give(call(op, in_place, (_physical(x, level), shifted(dim, x.dim()), index)), level)
    where_to = shifted(dim, x.dim()) - 1
    flat = at_level(level, index.reshape, -1)
    return _index(_entry("index"), False, (x, (None,) * where_to + (flat,)), level)


@rule("index_add", "_index_add", "index_copy", "index_fill")
def _write_rows(op, in_place, args, level):
    self, dim, index, *rest = args
    unbatched_self = in_place and _physical(self, level) is None
    if unbatched_self or self.dim() == 0 or _physical(index, level) is not None:
        return by_sample(op, in_place, args, level)
    if rest and isinstance(rest[0], Tensor):
        if rest[0].dim() == 0:
            return by_sample(op, in_place, args, level)
        rest[0] = spread(rest[0], level)
    result = call(op, in_place, (spread(self, level), shifted(dim, self.dim()), index, *rest))
    return self if in_place else give(result, level)


@rule(
    "gather", "_scatter", "scatter_add", "_scatter_reduce", "_scatter_reduce_sum", "_scatter_reduce_prod",
    "_scatter_reduce_mean", "_scatter_reduce_amax", "_scatter_reduce_amin",
)  # fmt: skip
def _at_positions(op, in_place, args, level):
    self, dim, index, *rest = args
    if self.dim() == 0 or index.dim() == 0 or (in_place and _physical(self, level) is None):
        return by_sample(op, in_place, args, level)
    if rest and isinstance(rest[0], Tensor):
        if rest[0].dim() == 0:
            return by_sample(op, in_place, args, level)
        rest[0] = spread(rest[0], level)
    result = call(op, in_place, (spread(self, level), shifted(dim, self.dim()), spread(index, level), *rest))
    return self if in_place else give(result, level)


@rule("embedding")
def _embedding(op, in_place, args, level):
    weight, indices, padding, by_frequency = args
    if _physical(weight, level) is None and not by_frequency:
        return give(call(op, in_place, (weight, _physical(indices, level), padding, by_frequency)), level)
    if padding >= 0 or by_frequency:  # these change the gradient, which plain indexing does not know
        return by_sample(op, in_place, args, level)
    return _index(_entry("index"), False, (weight, (indices,)), level)


@rule("take")
def _take(op, in_place, args, level):
    x, index = args
    if _physical(x, level) is None:
        return give(_call_entry(op[0], in_place, (x, _physical(index, level))), level)
    return by_sample(op, in_place, args, level)
