"""Batching rules of matrix products, convolutions, pooling and losses: the batch becomes one more batch dimension, or
is folded into one that is there."""

from __future__ import annotations

from facula._C import Tensor, _physical
from facula.func._batching import (
    at_level,
    batch_size,
    by_sample,
    call,
    give,
    rule,
    spread,
    with_rank,
)

# ---- matrices ----


@rule("matmul", "mm", "bmm", "mv", "dot")
def _matmul(op, in_place, args, level):
    a, b = args
    if a.dim() == 0 or b.dim() == 0:
        return by_sample(op, in_place, args, level)
    left, right = _physical(a, level), _physical(b, level)
    if right is None and b.dim() <= 2:
        return give(left @ b, level)
    if left is None and a.dim() == 2 and b.dim() == 1:
        return give(right @ a.t(), level)
    rank = max(a.dim(), b.dim(), 2)
    left = a if left is None else left
    right = b if right is None else right
    if a.dim() == 1:
        left = left.unsqueeze(-2)
    if b.dim() == 1:
        right = right.unsqueeze(-1)
    left = left if left is a else with_rank(left, rank)
    right = right if right is b else with_rank(right, rank)
    result = left @ right
    if b.dim() == 1:
        result = result.squeeze(-1)
    if a.dim() == 1:
        result = result.squeeze(-1 if b.dim() == 1 else -2)
    return give(result, level)


@rule("addmm", "baddbmm", "addmv")
def _plus_product(op, in_place, args, level):
    if in_place:
        return by_sample(op, in_place, args, level)
    given, a, b, beta, alpha = args

    def compute():
        product = a @ b
        product = product if alpha == 1 else product * alpha
        if beta == 0:
            return product
        return product + (given if beta == 1 else given * beta)

    return at_level(level, compute)


@rule("linear")
def _linear(op, in_place, args, level):
    x, weight, bias = args
    if _physical(weight, level) is None and (bias is None or _physical(bias, level) is None):
        return give(call(op, in_place, (_physical(x, level), weight, bias)), level)

    def compute():
        product = x @ (weight.t() if weight.dim() == 2 else weight)
        return product if bias is None else product + bias

    return at_level(level, compute)


# ---- convolution and pooling ----


@rule("_convolution")
def _convolution(op, in_place, args, level):
    x, weight, bias, *settings = args
    if bias is not None and _physical(bias, level) is not None:
        shape = (-1, *(1,) * (weight.dim() - 2))
        return at_level(level, lambda: call(op, in_place, (x, weight, None, *settings)) + bias.reshape(shape))
    if _physical(weight, level) is None:
        return _folded(op, in_place, args, level)
    if x.dim() < weight.dim():
        return by_sample(op, in_place, args, level)
    count, kernels = batch_size(level), _physical(weight, level)
    images = spread(x, level).transpose(0, 1)  # [N, B, C, ...]: each sample is a group of channels
    images = images.reshape(images.shape[0], count * x.shape[1], *x.shape[2:])
    every_bias = None if bias is None else bias.repeat(count)
    *geometry, groups = settings
    result = call(op, in_place, (images, kernels.flatten(0, 1), every_bias, *geometry, groups * count))
    return give(result.unflatten(1, (count, weight.shape[0])).transpose(0, 1), level)


def _fold(x: Tensor, level: int) -> Tensor:
    return spread(x, level).flatten(0, 1)


def _unfold(result, count: int, level: int):
    if isinstance(result, Tensor):
        return give(result.unflatten(0, (count, -1)), level)
    return give([item.unflatten(0, (count, -1)) for item in result], level)


@rule("_max_pool2d_with_indices", "_avg_pool2d", "_adaptive_avg_pool2d")
def _folded(op, in_place, args, level):
    """The batch of samples joins the batch of images; images without one get it."""
    x, *rest = args
    conv = op[1] == "_convolution"
    if x.dim() == (rest[0].dim() - 1 if conv else 3):
        return give(call(op, in_place, (_physical(x, level), *rest)), level)
    if batch_size(level) == 0 or x.shape[0] == 0:
        return by_sample(op, in_place, args, level)
    return _unfold(call(op, in_place, (_fold(x, level), *rest)), batch_size(level), level)


def _fold_with_sizes(position: int, tensors: int):
    """The rule of backward operations whose first arguments are tensors and one is the shape of the image."""

    def fold_with_sizes(op, in_place, args, level):
        others = [a for a in args[tensors:] if isinstance(a, Tensor) and _physical(a, level) is not None]
        count, sizes = batch_size(level), args[position]
        images = len(sizes) == args[0].dim() and args[0].dim() >= 4 and args[0].shape[0] > 0
        if others or count == 0 or not images:
            return by_sample(op, in_place, args, level)
        moved = list(args)
        moved[:tensors] = [_fold(a, level) for a in args[:tensors]]
        moved[position] = (count * sizes[0], *sizes[1:])
        return _unfold(call(op, in_place, moved), count, level)

    return fold_with_sizes


@rule("_upsample")
def _upsample(op, in_place, args, level):
    x, *rest = args
    if batch_size(level) == 0 or x.dim() < 1 or x.shape[0] == 0:
        return by_sample(op, in_place, args, level)
    return _unfold(call(op, in_place, (_fold(x, level), *rest)), batch_size(level), level)


rule("_conv_grad_input")(_fold_with_sizes(2, 1))
rule("_max_pool2d_backward")(_fold_with_sizes(2, 2))
rule("_avg_pool2d_backward", "_adaptive_avg_pool2d_backward", "_upsample_backward")(_fold_with_sizes(1, 1))

# ---- normalisation ----


@rule("_layer_norm", "_rms_norm")
def _over_last_dimensions(op, in_place, args, level):
    x, *rest = args
    if any(_physical(a, level) is not None for a in rest):
        return by_sample(op, in_place, args, level)
    return give(call(op, in_place, (_physical(x, level), *rest)), level)


@rule("_batch_norm")
def _batch_norm(op, in_place, args, level):
    mean, variance, training = args[3:6]
    written = [t for t in (mean, variance) if training and t is not None]
    if any(_physical(t, level) is None for t in written):
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated in "
            "place, were not batched. Use track_running_stats=False, eval(), or "
            "torch.func.replace_all_batch_norm_modules_"
        )
    return by_sample(op, in_place, args, level)


# ---- losses: each sample's elements first, then its mean or sum ----

_NONE, _MEAN = 0, 1


def _reduced(elements: Tensor, reduction: int) -> Tensor:
    if reduction == _NONE or elements.dim() == 1:
        return elements
    rows = elements.flatten(1)
    return rows.mean(1) if reduction == _MEAN else rows.sum(1)


def _elementwise_loss(position: int):
    """The rule of losses of pairs; the reduction stands at a position, tensors before it."""

    def elementwise_loss(op, in_place, args, level):
        rank = max(a.dim() for a in args[:2])
        moved = list(args)
        for i, a in enumerate(args[:position]):
            if a is not None and (i < 2 or _physical(a, level) is not None):
                moved[i] = with_rank(spread(a, level), rank)
        moved[position] = _NONE
        return give(_reduced(call(op, in_place, moved), args[position]), level)

    return elementwise_loss


rule("_mse_loss", "_l1_loss", "_smooth_l1_loss", "_huber_loss")(_elementwise_loss(2))
rule("_binary_cross_entropy")(_elementwise_loss(3))
rule("_binary_cross_entropy_with_logits")(_elementwise_loss(4))


@rule("_nll_loss", "_cross_entropy")
def _class_loss(op, in_place, args, level):
    x, target, weight, reduction, ignore_index, *smoothing = args
    smooth = bool(smoothing) and smoothing[0] != 0
    by_class = target.dtype.is_floating_point or target.dim() != x.dim() - 1
    if by_class or smooth or (weight is not None and _physical(weight, level) is not None):
        return by_sample(op, in_place, args, level)
    single = x.dim() == 1
    scores, classes = spread(x, level), spread(target, level)
    if not single:
        scores, classes = scores.flatten(0, 1), classes.flatten(0, 1)
    losses = call(op, in_place, (scores, classes, weight, _NONE, ignore_index, *smoothing))
    losses = losses.unflatten(0, (batch_size(level), -1))
    if reduction == _NONE:
        return give(losses.squeeze(1) if single else losses, level)
    total = losses.flatten(1).sum(1)
    if reduction != _MEAN:
        return give(total, level)
    classes = classes.unflatten(0, (batch_size(level), -1)).flatten(1)
    counted = classes != ignore_index
    share = counted.to(x.dtype)
    if weight is not None:
        share = share * weight[classes.masked_fill(~counted, 0)]
    return give(total / share.sum(1), level)
