"""Batching rules of operations that work along dimensions: views, reductions, scans, softmax, joining, copies. The
dimensions of a sample become those of all samples; nothing is computed here."""

from __future__ import annotations

from facula._C import Tensor, _call_entry, _entry, _physical
from facula.func._batching import (
    by_sample,
    call,
    give,
    rule,
    shifted,
    spread,
    with_rank,
    wrap_dim,
)


def _along(*positions: int, new_dims: int = 0):
    """The rule of ``op(x, ...)`` whose arguments at the positions are dimensions of x (of the result: new_dims=1)."""

    def along(op, in_place, args, level):
        x = _physical(args[0], level)
        if x is None or (x.dim() == 1 and not new_dims):
            return by_sample(op, in_place, args, level)
        moved = list(args)
        moved[0] = x
        for i in positions:
            moved[i] = shifted(args[i], x.dim() - 1 + new_dims)
        return give(call(op, in_place, moved), level)

    return along


rule(
    "select", "slice", "narrow", "_unfold", "unbind", "squeeze_dims", "flip", "cumsum", "cumprod", "logcumsumexp",
    "_cummax", "_cummin", "_softmax", "_log_softmax", "_max_dim", "_min_dim", "_sort", "_median_dim", "_nanmedian_dim",
    "_mode",
)(_along(1))  # fmt: skip
rule("transpose", "movedim", "flatten")(_along(1, 2))
rule("_fft_c2c", "_fft_r2c", "_fft_c2r")(_along(1))
rule("_split", "_split_with_sizes", "chunk", "_topk", "_kthvalue")(_along(2))
rule("diagonal")(_along(2, 3))
rule("unsqueeze")(_along(1, new_dims=1))


@rule("clone", "contiguous", "to_dtype", "detach", "alias", "zero_", "_empty_like", "_full_like")
def _every_element(op, in_place, args, level):
    """Shape does not matter."""
    result = call(op, in_place, (_physical(args[0], level), *args[1:]))
    return args[0] if in_place else give(result, level)


@rule("_constant_pad")
def _from_behind(op, in_place, args, level):
    """Dimensions are counted from the last."""
    return give(call(op, in_place, (_physical(args[0], level), *args[1:])), level)


@rule("tril", "triu")
def _last_two(op, in_place, args, level):
    x = _physical(args[0], level)
    if in_place or x is None or x.dim() < 3:
        return by_sample(op, in_place, args, level)
    return give(call(op, in_place, (x, *args[1:])), level)


# ---- views ----


@rule("view", "_unsafe_view", "reshape")
def _new_shape(op, in_place, args, level):
    x = _physical(args[0], level)
    return give(call(op, in_place, (x, (x.shape[0], *args[1]))), level)


@rule("expand")
def _expand(op, in_place, args, level):
    x = _physical(args[0], level)
    sizes = tuple(args[1])
    return give(call(op, in_place, (with_rank(x, len(sizes)), (x.shape[0], *sizes))), level)


@rule("permute")
def _permute(op, in_place, args, level):
    x = _physical(args[0], level)
    return give(call(op, in_place, (x, (0, *shifted(args[1], x.dim() - 1)))), level)


@rule("as_strided", "_as_strided_of")
def _as_strided(op, in_place, args, level):
    """The view of the first sample, repeated at the distance of the samples."""
    x, sizes, strides, offset = args[:4]
    x = _physical(x, level)
    offset = x.storage_offset() if offset is None else offset
    return give(x.as_strided((x.shape[0], *sizes), (x.stride(0), *strides), offset), level)


@rule("_reverse_dims")
def _reverse_dims(op, in_place, args, level):
    x = _physical(args[0], level)
    return give(x.permute(0, *range(x.dim() - 1, 0, -1)), level)


@rule("t")
def _t(op, in_place, args, level):
    x = _physical(args[0], level)
    if x.dim() > 3:
        return by_sample(op, in_place, args, level)
    return give(x.transpose(1, 2) if x.dim() == 3 else _call_entry(_entry("alias")[0], False, (x,)), level)


@rule("_squeeze")
def _squeeze(op, in_place, args, level):
    x = _physical(args[0], level)
    return give(x.squeeze(tuple(range(1, x.dim()))), level)


# ---- reductions ----


def _over(position: int):
    """The rule of reductions whose dimensions stand at a position; none means all."""

    def over(op, in_place, args, level):
        x = _physical(args[0], level)
        if x is None or x.dim() == 1:
            return by_sample(op, in_place, args, level)
        moved = list(args)
        moved[0] = x
        dims = args[position]
        moved[position] = shifted(dims, x.dim() - 1) if dims not in (None, ()) else tuple(range(1, x.dim()))
        return give(call(op, in_place, moved), level)

    return over


rule("sum", "nansum", "mean", "_prod", "any", "all", "_count_nonzero", "amax", "amin", "_var", "_std", "logsumexp")(
    _over(1)
)
rule("_norm")(_over(2))


@rule("_max_all", "_min_all")
def _extreme_of_all(op, in_place, args, level):
    x = _physical(args[0], level)
    if x.dim() == 1:
        return give(x.clone(), level)
    dims = tuple(range(1, x.dim()))
    return give(x.amax(dims) if op[1] == "_max_all" else x.amin(dims), level)


@rule("argmax", "argmin")
def _position_of_extreme(op, in_place, args, level):
    x = _physical(args[0], level)
    if x.dim() == 1:
        return by_sample(op, in_place, args, level)
    if args[1] is not None:
        return give(call(op, in_place, (x, shifted(args[1], x.dim() - 1), args[2])), level)
    result = call(op, in_place, (x.flatten(1), 1, False))
    return give(result.view(-1, *(1,) * (x.dim() - 1)) if args[2] else result, level)


@rule("sum_to_size")
def _sum_to_size(op, in_place, args, level):
    x, sizes = _physical(args[0], level), tuple(args[1])
    count, padded = x.shape[0], (1,) * (x.dim() - 1 - len(sizes)) + sizes
    return give(call(op, in_place, (x, (count, *padded))).view(count, *sizes), level)


@rule("_softmax_backward", "_log_softmax_backward")
def _softmax_backward(op, in_place, args, level):
    gradient, result, dim = args
    if result.dim() == 0:
        return by_sample(op, in_place, args, level)
    moved = (spread(gradient, level), spread(result, level), shifted(dim, result.dim()))
    return give(call(op, in_place, moved), level)


# ---- joining and copying ----


@rule("cat")
def _cat(op, in_place, args, level):
    tensors, dim = args
    ndim = max(t.dim() for t in tensors)
    if any(t.dim() != ndim for t in tensors) or ndim == 0:  # an empty tensor without shape beside others
        return by_sample(op, in_place, args, level)
    return give(call(op, in_place, (tuple(spread(t, level) for t in tensors), shifted(dim, ndim))), level)


@rule("stack")
def _stack(op, in_place, args, level):
    tensors, dim = args
    moved = tuple(spread(t, level) for t in tensors)
    return give(call(op, in_place, (moved, wrap_dim(dim, tensors[0].dim() + 1) + 1)), level)


@rule("copy_")
def _copy(op, in_place, args, level):
    self, source = args
    target, given = _physical(self, level), _physical(source, level)
    if target is None or source.dim() > self.dim():
        return by_sample(op, in_place, args, level)
    call(op, in_place, (target, source if given is None else with_rank(given, self.dim())))
    return self


@rule("fill_")
def _fill(op, in_place, args, level):
    self, value = args
    if isinstance(value, Tensor):
        return _copy(_entry("copy_"), in_place, (self, value), level)
    call(op, in_place, (_physical(self, level), value))
    return self


@rule("repeat")
def _repeat(op, in_place, args, level):
    x, repeats = _physical(args[0], level), tuple(args[1])
    if len(repeats) < x.dim() - 1:
        return by_sample(op, in_place, args, level)
    return give(call(op, in_place, (with_rank(x, len(repeats)), (1, *repeats))), level)


@rule("roll")
def _roll(op, in_place, args, level):
    x, shifts, dims = _physical(args[0], level), args[1], args[2]
    if x.dim() == 1:
        return by_sample(op, in_place, args, level)
    if dims:
        return give(call(op, in_place, (x, shifts, shifted(dims, x.dim() - 1))), level)
    return give(call(op, in_place, (x.flatten(1), shifts, (1,))).view(x.shape), level)
