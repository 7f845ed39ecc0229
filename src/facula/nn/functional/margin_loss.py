"""Losses that few programs use: margins, embeddings, Poisson and Gaussian likelihoods, all composed of operations; CTC,
which is one."""

from __future__ import annotations

import math

import facula
from facula import Tensor
from facula._native import autocasts, composed, native
from facula.functional.similarity import pairwise_distance

from .loss import _REDUCTION_CODE, _legacy_reduction, cross_entropy

__all__ = [
    "cosine_embedding_loss", "ctc_loss", "gaussian_nll_loss", "hinge_embedding_loss", "linear_cross_entropy",
    "margin_ranking_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "poisson_nll_loss", "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
]  # fmt: skip

_COSINE_EPSILON = 1e-12  # PyTorch's EPSILON in Loss.cpp


def _check_reduction(reduction: str) -> None:
    if reduction not in _REDUCTION_CODE:
        raise ValueError(f"{reduction} is not a valid value for reduction")


def _reduced(loss: Tensor, reduction: str, size_average=None, reduce=None) -> Tensor:
    if size_average is not None or reduce is not None:
        reduction = _legacy_reduction(size_average, reduce)
    _check_reduction(reduction)
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


@autocasts("float32")
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    Args:
        input1, input2 (Tensor): (N, D) or (D,).
        target (Tensor): (N,) or ().
        margin (float): Default: 0.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([[1.0, 0.0]])
        >>> torch.nn.functional.cosine_embedding_loss(x, -x, torch.tensor([1]))
        tensor(2.)
    """
    if target.dim() not in (0, 1):
        raise RuntimeError(f"0D or 1D target tensor expected, multi-target not supported, got {target.dim()}D")
    if input1.dim() != target.dim() + 1 or input2.dim() != target.dim() + 1:
        raise RuntimeError(
            f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}."
        )
    products = (input1 * input2).sum(-1)
    squares = ((input1 * input1).sum(-1) + _COSINE_EPSILON) * ((input2 * input2).sum(-1) + _COSINE_EPSILON)
    cosine = products / squares.sqrt()
    zero = facula.zeros_like(cosine)
    far = facula.where(target == -1, (cosine - margin).clamp_min(0), zero)
    loss = facula.where(target == 1, 1 - cosine, zero) + far
    return _reduced(loss, reduction, size_average, reduce)


@autocasts("float32")
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """x where the target is 1, max(0, margin - x) where it is -1.

    Args:
        input, target (Tensor): any shape.
        margin (float): Default: 1.0.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.hinge_embedding_loss(torch.tensor([0.25, 0.25]), torch.tensor([1.0, -1.0]))
        tensor(0.5000)
    """
    zero = facula.zeros_like(input)
    far, near = facula.where(target != 1, (margin - input).clamp_min(0), zero), facula.where(target != -1, input, zero)
    return _reduced(far + near, reduction, size_average, reduce)


@autocasts("float32")
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, -y (x1 - x2) + margin).

    Args:
        input1, input2, target (Tensor): the same number of dimensions; targets are 1 or -1.
        margin (float): Default: 0.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        RuntimeError: the numbers of dimensions differ.

    Example:
        >>> import facula as torch
        >>> one = torch.tensor([1.0])
        >>> torch.nn.functional.margin_ranking_loss(one, 2 * one, one)
        tensor(1.)
    """
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return _reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction, size_average, reduce)


@autocasts("float32")
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + exp(-y x)).

    Args:
        input, target (Tensor): the same shape; targets are 1 or -1.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.soft_margin_loss(torch.tensor([0.0]), torch.tensor([1.0]))
        tensor(0.6931)
    """
    return _reduced((-target * input).exp().log1p(), reduction, size_average, reduce)


def _rows(name: str, input: Tensor) -> Tensor:
    if input.dim() > 2 or (input.dim() == 2 and input.shape[1] == 0) or (input.dim() < 2 and input.numel() == 0):
        raise RuntimeError(
            f"{name}: Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )
    return input if input.dim() == 2 else input.reshape(1, -1)


@autocasts("float32")
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Sum over the other classes of max(0, margin - x[y] + x[i]) ** p, divided by the number of classes.

    Args:
        input (Tensor): (N, C) or (C,).
        target (Tensor): (N,) or (), int64.
        p (int): 1 or 2. Default: 1.
        margin (float): Default: 1.0.
        weight (Tensor): (C,), factor per class. Optional.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        ValueError: ``p`` is neither 1 nor 2, or the weight has the wrong number of dimensions.
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.multi_margin_loss(torch.tensor([[0.0, 0.5]]), torch.tensor([1]))
        tensor(0.2500)
    """
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    x = _rows("multi_margin_loss", input)
    y = target.reshape(-1)
    if y.numel() != x.shape[0]:
        raise RuntimeError(f"inconsistent target size, expected {x.shape[0]} but got {list(target.shape)}")
    _check_reduction(reduction)
    if weight is not None and weight.dim() != 1:
        raise ValueError(f"weight must be one-dimensional, but has {weight.dim()} dimensions")
    if weight is not None and tuple(weight.shape) != (x.shape[1],):
        raise RuntimeError(f"inconsistent weight size, expected {x.shape[1]} but got {list(weight.shape)}")
    if target.dtype != facula.int64 or target.dim() > 1:
        raise RuntimeError(
            f"multi_margin_loss: target should be a 1-D tensor of int64, one class for each sample, but got "
            f"{target.dtype} of shape {list(target.shape)}"
        )
    column = y.unsqueeze(1)
    terms = (margin - x.gather(1, column) + x).clamp_min(0)
    terms = terms if p == 1 else terms * terms
    if weight is not None:
        terms = terms * weight.index_select(0, y).unsqueeze(1)
    others = facula.ones_like(x, requires_grad=False).scatter(1, column, 0.0)
    loss = (terms * others).sum(1) / x.shape[1]
    return _reduced(loss if target.dim() else loss.squeeze(0), reduction, size_average, reduce)


@autocasts("float32")
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """Sum over target classes y and other classes i of max(0, 1 - (x[y] - x[i])), divided by the number of classes.

    Args:
        input (Tensor): (N, C) or (C,).
        target (Tensor): the same shape, int64: classes, ended by the first -1.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> x, y = torch.tensor([[0.5, 0.25]]), torch.tensor([[0, -1]])
        >>> torch.nn.functional.multilabel_margin_loss(x, y)
        tensor(0.3750)
    """
    x = _rows("multilabel_margin_loss", input)
    if target.shape != input.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    _check_reduction(reduction)
    y = target.reshape(x.shape)
    valid = (y >= 0).long().cumprod(1)
    index = y * valid
    chosen = facula.zeros(x.shape, dtype=facula.int64).scatter_add(1, index, valid) > 0
    gaps = 1 - (x.gather(1, index).unsqueeze(2) - x.unsqueeze(1))  # (N, target, class)
    counted = valid.unsqueeze(2).bool() & ~chosen.unsqueeze(1)
    loss = (gaps.clamp_min(0) * counted.to(x.dtype)).sum((1, 2)) / x.shape[1]
    return _reduced(loss if input.dim() == 2 else loss.squeeze(0), reduction, size_average, reduce)


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Binary cross-entropy of logits, averaged over the classes.

    Args:
        input, target (Tensor): (N, C); targets are 0 or 1.
        weight (Tensor): (C,), factor per class. Optional.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.multilabel_soft_margin_loss(torch.zeros(1, 2), torch.ones(1, 2))
        tensor(0.6931)
    """
    from .activation import logsigmoid

    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return _reduced(loss.sum(-1) / input.shape[-1], reduction, size_average, reduce)


@autocasts("float32")
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Negative log likelihood of counts: exp(x) - y x, or x - y log(x + eps).

    Args:
        input, target (Tensor): the same shape.
        log_input (bool): the input is the logarithm of the rate. Default: True.
        full (bool): add Stirling's approximation of log(y!) for y > 1. Default: False.
        eps (float): Default: 1e-8.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.poisson_nll_loss(torch.tensor([0.0]), torch.tensor([3.0]))
        tensor(1.)
    """
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return _reduced(loss, reduction, size_average, reduce)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Negative log likelihood of a normal distribution: (log var + (x - y)^2 / var) / 2.

    Args:
        input, target (Tensor): the same shape, or broadcast.
        var (Tensor or float): the same shape, or without the last dimension, or with one of size 1.
        full (bool): add log(2 pi) / 2. Default: False.
        eps (float): least variance. Default: 1e-6.
        reduction (str): "none", "mean" or "sum". Default: "mean".

    Raises:
        ValueError: a variance is negative, or the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.gaussian_nll_loss(torch.tensor([0.0]), torch.tensor([2.0]), torch.tensor([1.0]))
        tensor(2.)
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * facula.ones_like(input)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif input.dim() != var.dim() or sum(v for n, v in zip(input.shape, var.shape) if n != v) != 1:
            raise ValueError("var is of incorrect size")
    if reduction not in _REDUCTION_CODE:
        raise ValueError(reduction + " is not valid")
    var = var.clone()
    with facula.no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduced(loss, reduction)


@autocasts("float32")
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) (Balntas et al. 2016).

    Args:
        anchor, positive, negative (Tensor): (N, D) or (D,).
        margin (float): Default: 1.0.
        p, eps (float): of the distance. Default: 2, 1e-6.
        swap (bool): use d(positive, negative) where it is less. Default: False.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        ValueError: the margin is not positive.
        RuntimeError: the numbers of dimensions differ.

    Example:
        >>> import facula as torch
        >>> a = torch.zeros(1, 2)
        >>> torch.nn.functional.triplet_margin_loss(a, a, a)
        tensor(1.)
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs"
        )
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = facula.minimum(far, pairwise_distance(positive, negative, p, eps))
    return _reduced((margin + near - far).clamp_min(0), reduction, size_average, reduce)


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function=None, margin: float = 1.0,
    swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """:func:`triplet_margin_loss` with a distance of one's own.

    Args:
        anchor, positive, negative (Tensor): what the distance takes.
        distance_function (callable): Default: :func:`pairwise_distance`.
        margin (float): Default: 1.0.
        swap (bool): use d(positive, negative) where it is less. Default: False.
        reduction (str): "none", "mean" or "sum". Default: "mean".

    Raises:
        ValueError: the margin is not positive, or an unknown reduction.

    Example:
        >>> import facula as torch
        >>> a = torch.zeros(1, 2)
        >>> torch.nn.functional.triplet_margin_with_distance_loss(a, a, a)
        tensor(1.)
    """
    if reduction not in _REDUCTION_CODE:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance = distance_function if distance_function is not None else pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs"
        )
    if swap:
        far = facula.minimum(far, distance(positive, negative))
    return _reduced((margin + near - far).clamp_min(0), reduction)


# ---- connectionist temporal classification (Graves et al. 2006) ----


@native
def _ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: tuple[int, ...],
    target_lengths: tuple[int, ...],
    blank: int,
    zero_infinity: bool,
) -> tuple[Tensor, Tensor]:
    """The loss of each sample of (T, N, C), and the forward variables."""


def _length_list(name: str, lengths) -> list[int]:
    if not isinstance(lengths, Tensor):
        return [int(n) for n in lengths]
    if lengths.is_floating_point():
        raise RuntimeError(f"{name} must be integral, but got {lengths.dtype}")
    return lengths.reshape(-1).tolist()


@autocasts("float32")
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths, target_lengths, blank: int = 0, reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Minus the log probability of label sequences whose alignment is unknown (Graves et al. 2006).

    Args:
        log_probs (Tensor): (T, N, C) or (T, C), logarithms of probabilities.
        targets (Tensor): (N, S), or all of them in one row.
        input_lengths, target_lengths (Tensor or tuple of int): (N,).
        blank (int): the class that means no label. Default: 0.
        reduction (str): "none", "mean" (of losses divided by target lengths) or "sum". Default: "mean".
        zero_infinity (bool): impossible targets count as zero. Default: False.

    Raises:
        RuntimeError: a length or the blank is out of range.

    Example:
        >>> import facula as torch
        >>> uniform = torch.full((2, 1, 2), 0.5).log()
        >>> torch.nn.functional.ctc_loss(uniform, torch.tensor([[1]]), (2,), (1,)).exp()
        tensor(1.3333)
    """
    if reduction not in _REDUCTION_CODE:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    batch = log_probs if log_probs.dim() == 3 else log_probs.unsqueeze(1)
    ins, outs = _length_list("input_lengths", input_lengths), _length_list("target_lengths", target_lengths)
    if log_probs.dim() == 2 and targets.dim() == 1:
        targets = targets.reshape(1, -1)
    loss = _ctc_loss(batch, targets, ins, outs, blank, zero_infinity)[0]
    if zero_infinity:
        loss = facula.where(loss == math.inf, 0.0, loss)
    if log_probs.dim() == 2:
        loss = loss.squeeze(0)
    if reduction == "mean":
        return (loss / facula.tensor(outs, dtype=loss.dtype).clamp(min=1).reshape(loss.shape)).mean()
    return loss.sum() if reduction == "sum" else loss


def _check_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {weight.dim()}")
    features = input.shape[-1]
    if features != weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {features} and {weight.shape[-1]}, respectively"
        )
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise RuntimeError(f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}")
    if weight.dim() > 2 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires batched input, "
            f"(N, {features}), got unbatched input with shape {tuple(input.shape)}"
        )


@composed
def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None,
    weight: Tensor | None = None, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0, options=None,
) -> Tensor:  # fmt: skip
    """Cross-entropy of a linear map's results.

    Args:
        input (Tensor): (N, in_features) or (in_features,).
        linear_weight (Tensor): (C, *, in_features).
        target (Tensor): as for :func:`cross_entropy`.
        linear_bias (Tensor): (C, *). Optional.
        weight, reduction, ignore_index, label_smoothing: as for :func:`cross_entropy`.
        options: accepted; says how PyTorch divides the work.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> x, w = torch.ones(1, 2), torch.zeros(3, 2)
        >>> torch.nn.functional.linear_cross_entropy(x, w, torch.tensor([0]))
        tensor(1.0986)
    """
    _check_linear(input, linear_weight, linear_bias)
    if input.dim() == 2 and target.dim() and target.shape[0] != input.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    logits = facula.tensordot(input, linear_weight, dims=([-1], [-1]))
    if linear_bias is not None:
        logits = logits + linear_bias
    if ignore_index is not None and target.shape == logits.shape:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    index = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, weight, None, index, None, reduction, label_smoothing)
