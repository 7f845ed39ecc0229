"""Losses: the common ones are fused native operations, the others are composed of tensor operations."""

from __future__ import annotations

import facula
from facula import Tensor
from facula._native import autocasts, composed, native

from .activation import log_softmax

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss", "kl_div", "l1_loss",
    "mse_loss", "nll_loss", "smooth_l1_loss",
]  # fmt: skip

_REDUCTION_CODE = {"none": 0, "mean": 1, "sum": 2}


@native
def _mse_loss(input: Tensor, target: Tensor, reduction: int) -> Tensor:
    """(x - y)^2, reduced."""


@native
def _l1_loss(input: Tensor, target: Tensor, reduction: int) -> Tensor:
    """|x - y|, reduced."""


@native
def _smooth_l1_loss(input: Tensor, target: Tensor, reduction: int, beta: float) -> Tensor:
    """A parabola within ``beta`` of the target, slope 1 outside, reduced."""


@native
def _huber_loss(input: Tensor, target: Tensor, reduction: int, delta: float) -> Tensor:
    """A parabola within ``delta`` of the target, slope ``delta`` outside, reduced."""


@native
def _binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None, reduction: int) -> Tensor:
    """-(y log x + (1 - y) log(1 - x)), reduced."""


@native
def _binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None, pos_weight: Tensor | None, reduction: int
) -> Tensor:
    """Binary cross-entropy of sigmoid(x), reduced."""


@native
def _nll_loss(input: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int) -> Tensor:
    """-weight[y] * x[y], reduced."""


@native
def _cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int, label_smoothing: float
) -> Tensor:
    """Negative log softmax at the target class, reduced."""


def _reduction_code(reduction: str, size_average: bool | None, reduce: bool | None) -> int:
    """0 none, 1 mean, 2 sum; the two flags are PyTorch 0.4's way to say it."""
    if size_average is not None or reduce is not None:
        reduction = _legacy_reduction(size_average, reduce)
    try:
        return _REDUCTION_CODE[reduction]
    except KeyError:
        raise ValueError(f"{reduction} is not a valid value for reduction") from None


def _legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    import warnings

    if reduce is not None and not reduce:
        name = "none"
    else:
        name = "mean" if size_average is None or size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.", stacklevel=4
    )
    return name


def _reduced(loss: Tensor, code: int) -> Tensor:
    return loss if code == 0 else loss.mean() if code == 1 else loss.sum()


def _weighted(loss: Tensor, weight: Tensor, input: Tensor, code: int) -> Tensor:
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    return loss if code == 0 else loss.sum() if code == 2 else loss.sum() / weight.sum()


def _warn_sizes(input: Tensor, target: Tensor) -> None:
    import warnings

    warnings.warn(
        f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
        "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        stacklevel=3,
    )


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Squared error.

    Args:
        input (Tensor): any shape.
        target (Tensor): same shape.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        weight (Tensor): same shape; "mean" then divides by its sum. Optional.

    Returns:
        Tensor: a scalar, or the shape of the input for "none".

    Raises:
        ValueError: an unknown reduction, or a weight of another shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
        tensor(2.5000)
    """
    if target.shape != input.shape:
        _warn_sizes(input, target)
    code = _reduction_code(reduction, size_average, reduce)
    if weight is not None:
        return _weighted(_mse_loss(input, target, 0), weight, input, code)
    return _mse_loss(input, target, code)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Absolute error.

    Args:
        input (Tensor): any shape.
        target (Tensor): same shape.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        weight (Tensor): same shape; "mean" then divides by its sum. Optional.

    Returns:
        Tensor: a scalar, or the shape of the input for "none".

    Raises:
        ValueError: an unknown reduction, or a weight of another shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.l1_loss(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
        tensor(1.5000)
    """
    if target.shape != input.shape:
        _warn_sizes(input, target)
    code = _reduction_code(reduction, size_average, reduce)
    if input.is_complex() or target.is_complex():
        distance = (input - target).abs()
        return _reduced(distance, code) if weight is None else _weighted(distance, weight, input, code)
    if weight is not None:
        return _weighted(_l1_loss(input, target, 0), weight, input, code)
    return _l1_loss(input, target, code)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squared error / (2 beta) for errors below ``beta``, absolute error - beta / 2 above (Girshick 2015).

    Args:
        input (Tensor): any shape.
        target (Tensor): same shape.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        beta (float): not negative; 0 gives the absolute error. Default: 1.0.

    Returns:
        Tensor: a scalar, or the shape of the input for "none".

    Raises:
        ValueError: an unknown reduction.
        RuntimeError: ``beta`` is negative.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.smooth_l1_loss(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
        tensor(1.5000)
    """
    if target.shape != input.shape:
        _warn_sizes(input, target)
    code = _reduction_code(reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, but got {beta}.")
    return _l1_loss(input, target, code) if beta == 0.0 else _smooth_l1_loss(input, target, code, beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Half the squared error for errors below ``delta``, ``delta * (|error| - delta / 2)`` above (Huber 1964).

    Args:
        input (Tensor): any shape.
        target (Tensor): same shape.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        delta (float): positive. Default: 1.0.
        weight (Tensor): same shape; "mean" still divides by the number of elements. Optional.

    Returns:
        Tensor: a scalar, or the shape of the input for "none".

    Raises:
        ValueError: an unknown reduction, or a weight of another shape.
        RuntimeError: ``delta`` is not positive.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.huber_loss(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
        tensor(1.5000)
    """
    if target.shape != input.shape:
        _warn_sizes(input, target)
    code = _reduction_code(reduction, None, None)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, but got {delta}.")
    if weight is not None:
        if weight.shape != input.shape:
            raise ValueError("Weights and input must have the same size.")
        return _reduced(_huber_loss(input, target, 0, delta) * weight, code)
    return _huber_loss(input, target, code, delta)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(y log p + (1 - y) log(1 - p)), the logarithms limited to at least -100.

    Args:
        input (Tensor): probabilities p, any shape.
        target (Tensor): y in [0, 1], same shape.
        weight (Tensor): factor per element; broadcast. Optional.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".

    Returns:
        Tensor: a scalar, or the shape of the input for "none".

    Raises:
        ValueError: the shapes differ, or an unknown reduction.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.binary_cross_entropy(torch.tensor([0.5]), torch.tensor([1.0]))
        tensor(0.6931)
    """
    code = _reduction_code(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    return _binary_cross_entropy(input, target, weight, code)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of sigmoid(x), computed stably from x.

    Args:
        input (Tensor): logits x, any shape.
        target (Tensor): y in [0, 1], same shape.
        weight (Tensor): factor per element; broadcast. Optional.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        pos_weight (Tensor): factor of the positive term; broadcast. Optional.

    Returns:
        Tensor: a scalar, or the shape of the input for "none".

    Raises:
        ValueError: the shapes differ, or an unknown reduction.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor([0.0]), torch.tensor([1.0]))
        tensor(0.6931)
    """
    code = _reduction_code(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    return _binary_cross_entropy_with_logits(input, target, weight, pos_weight, code)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log probability of the target class.

    Args:
        input (Tensor): log probabilities, (N, C), (C) or (N, C, ...).
        target (Tensor): int64 classes, (N), () or (N, ...).
        weight (Tensor): (C,), factor per class; "mean" then divides by the factors used. Optional.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        ignore_index (int): targets of this value count for nothing. Default: -100.
        reduction (str): "none", "mean" or "sum". Default: "mean".

    Returns:
        Tensor: a scalar, or the shape of the target for "none".

    Raises:
        ValueError: an unknown reduction.
        IndexError: a class is outside [0, C).

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.nll_loss(torch.tensor([[-0.5, -1.0]]), torch.tensor([1]))
        tensor(1.)
    """
    if input.dim() == 2 and target.dim() == 0:
        raise ValueError(f"Expected input batch_size ({input.size(0)}) to match target batch_size (0).")
    return _nll_loss(input, target, weight, _reduction_code(reduction, size_average, reduce), ignore_index)


@composed
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Minus the log softmax of the logits at the target class, or averaged over target probabilities.

    Args:
        input (Tensor): logits, (N, C), (C) or (N, C, ...).
        target (Tensor): int64 classes, (N), () or (N, ...); or probabilities, same shape as the input.
        weight (Tensor): (C,), factor per class. Optional.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        ignore_index (int): classes of this value count for nothing. Default: -100.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        label_smoothing (float): share of the target spread over all classes, in [0, 1]. Default: 0.0.

    Returns:
        Tensor: a scalar; for "none" the shape of class targets.

    Raises:
        ValueError: an unknown reduction.
        IndexError: a class is outside [0, C).
        RuntimeError: the shapes do not fit, or ``label_smoothing`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.cross_entropy(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
        tensor(0.6931)
    """
    code = _reduction_code(reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if not target.is_floating_point():
        if input.dim() == 2 and target.dim() == 0:
            raise ValueError(f"Expected input batch_size ({input.size(0)}) to match target batch_size (0).")
        return _cross_entropy(input, target, weight, code, ignore_index, label_smoothing)
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    if input.shape != target.shape:
        raise RuntimeError(
            "cross_entropy: targets of a floating dtype are class probabilities and must have the shape of the input; "
            f"got target {list(target.shape)} and input {list(input.shape)}. For class indices use target.long()"
        )
    return _cross_entropy_of_probabilities(input, target, weight, code, label_smoothing)


@autocasts("float32")
def _cross_entropy_of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, code: int, label_smoothing: float
) -> Tensor:
    class_dim = 0 if input.dim() == 1 else 1
    classes = input.shape[class_dim]
    if weight is not None and (weight.dim() != 1 or weight.numel() != classes):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes "
            f"but got weight tensor of shape: {list(weight.shape)}"
        )
    if label_smoothing > 0.0:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = log_softmax(input, class_dim) * target
    if weight is not None:
        shape = [1] * input.dim()
        shape[class_dim] = classes
        terms = terms * weight.reshape(shape)
    if code == 0:
        return -terms.sum(class_dim)
    total = -terms.sum()
    return total if code == 2 else total / (input.numel() / classes)


@autocasts("float32")
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence, elementwise: target * (log target - input).

    Args:
        input (Tensor): log probabilities, any shape.
        target (Tensor): probabilities, or their logarithms with ``log_target``; same shape.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean", "sum" or "batchmean" (the sum over the first size). Default: "mean".
        log_target (bool): Default: False.

    Returns:
        Tensor: a scalar, or the shape of the input for "none".

    Raises:
        ValueError: an unknown reduction.

    Example:
        >>> import facula as torch
        >>> p = torch.tensor([[0.5, 0.5]])
        >>> torch.nn.functional.kl_div(p.log(), p, reduction="batchmean")
        tensor(0.)
    """
    batchmean = reduction == "batchmean" and size_average is None and reduce is None
    code = 2 if batchmean else _reduction_code(reduction, size_average, reduce)
    if code == 1 and size_average is None and reduce is None:
        import warnings

        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    if not (input.is_floating_point() and target.is_floating_point()):
        raise NotImplementedError("kl_div(): integer inputs are not supported; convert them with .float()")
    terms = target.exp() * (target - input) if log_target else facula.xlogy(target, target) - target * input
    loss = _reduced(terms, code)
    return loss / input.shape[0] if batchmean and input.dim() else loss
