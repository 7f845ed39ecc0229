"""Loss modules: each calls the function of the same name in nn.functional."""

from __future__ import annotations

from facula import Tensor

from .. import functional as F
from ..functional.loss import _legacy_reduction
from .module import Module

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "NLLLoss",
    "SmoothL1Loss",
]  # fmt: skip


class _Loss(Module):
    def __init__(self, size_average=None, reduce=None, reduction: str = "mean") -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = _legacy_reduction(size_average, reduce)
        self.reduction = reduction


class _WeightedLoss(_Loss):
    def __init__(self, weight: Tensor | None = None, size_average=None, reduce=None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """Squared error.

    Args:
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".

    Example:
        >>> import facula as torch
        >>> torch.nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 0.0]))
        tensor(2.5000)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """Absolute error.

    Args:
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".

    Example:
        >>> import facula as torch
        >>> torch.nn.L1Loss()(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
        tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """Squared error / (2 beta) for errors below ``beta``, absolute error - beta / 2 above.

    Args:
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        beta (float): not negative. Default: 1.0.

    Example:
        >>> import facula as torch
        >>> torch.nn.SmoothL1Loss()(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
        tensor(1.5000)
    """

    def __init__(self, size_average=None, reduce=None, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """Half the squared error for errors below ``delta``, linear above.

    Args:
        reduction (str): "none", "mean" or "sum". Default: "mean".
        delta (float): positive. Default: 1.0.

    Example:
        >>> import facula as torch
        >>> torch.nn.HuberLoss()(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 0.0]))
        tensor(1.5000)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class CrossEntropyLoss(_WeightedLoss):
    """Minus the log softmax of logits at the target class, or averaged over target probabilities.

    Args:
        weight (Tensor): (C,), factor per class. Optional.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        ignore_index (int): classes of this value count for nothing. Default: -100.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        label_smoothing (float): share of the target spread over all classes. Default: 0.0.

    Example:
        >>> import facula as torch
        >>> torch.nn.CrossEntropyLoss()(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
        tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average=None,
        ignore_index: int = -100,
        reduce=None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_WeightedLoss):
    """Minus the log probability of the target class.

    Args:
        weight (Tensor): (C,), factor per class. Optional.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        ignore_index (int): classes of this value count for nothing. Default: -100.
        reduction (str): "none", "mean" or "sum". Default: "mean".

    Example:
        >>> import facula as torch
        >>> torch.nn.NLLLoss()(torch.tensor([[-0.5, -1.0]]), torch.tensor([1]))
        tensor(1.)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average=None,
        ignore_index: int = -100,
        reduce=None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class BCELoss(_WeightedLoss):
    """-(y log p + (1 - y) log(1 - p)) of probabilities p.

    Args:
        weight (Tensor): factor per element; broadcast. Optional.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".

    Example:
        >>> import facula as torch
        >>> torch.nn.BCELoss()(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
        tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """Binary cross-entropy of sigmoid(x), computed stably from x.

    Args:
        weight (Tensor): factor per element; broadcast. Optional.
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean" or "sum". Default: "mean".
        pos_weight (Tensor): factor of the positive term; broadcast. Optional.

    Example:
        >>> import facula as torch
        >>> torch.nn.BCEWithLogitsLoss()(torch.tensor([0.0]), torch.tensor([1.0]))
        tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average=None,
        reduce=None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(_Loss):
    """Kullback-Leibler divergence between log probabilities and a target distribution.

    Args:
        size_average, reduce (bool): deprecated forms of ``reduction``.
        reduction (str): "none", "mean", "sum" or "batchmean". Default: "mean".
        log_target (bool): the target holds logarithms. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.KLDivLoss(reduction="sum")(torch.tensor([0.0]), torch.tensor([1.0]))
        tensor(0.)
    """

    def __init__(self, size_average=None, reduce=None, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
