"""RAdam: Adam whose first steps are held back while the average of squares is uncertain."""

from __future__ import annotations

from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_betas, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["RAdam"]


@native
def _radam_step(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None:
    """Update float CPU parameters and their moments in place; ``step`` counts from 1."""


class RAdam(FusedOptimizer):
    """RAdam: Adam with a correction for the variance of its adaptive rate.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 1e-3.
        betas (pair of float): decay of the two running averages. Default: (0.9, 0.999).
        eps (float): added to the denominator. Default: 1e-8.
        weight_decay (float): L2 penalty, or decoupled decay. Default: 0.
        decoupled_weight_decay (bool): decay the weights as AdamW does. Default: False.
        maximize (bool): ascend instead of descend. Default: False.
        capturable, differentiable, foreach (bool): as for :class:`Adam`.

    Raises:
        ValueError: a value outside its range.

    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020, algorithm 2.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.RAdam([w], lr=0.25)
        >>> (2 * w).sum().backward()
        >>> optimizer.step()
        >>> w.item()
        0.5
    """

    _moments = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        order = "lr betas eps weight_decay maximize foreach capturable decoupled_weight_decay differentiable"
        defaults = settings(locals(), order)
        check_lr(lr)
        check_nonnegative("epsilon value", eps)
        check_betas(betas)
        check_nonnegative("weight_decay value", weight_decay)
        super().__init__(params, defaults)

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        _radam_step(
            params,
            grads,
            *self._lists(states),
            int(step),
            as_number(group["lr"]),
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            group["decoupled_weight_decay"],
            group["maximize"],
        )

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        lr, (beta1, beta2) = as_number(group["lr"]), group["betas"]
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        # clone(): autograd keeps these, and the next step changes the state in place.
        update = exp_avg.clone() * (lr / (1 - beta1**step))
        longest = 2 / (1 - beta2) - 1  # the length of the average in steps, in the limit and now
        length = longest - 2 * step * beta2**step / (1 - beta2**step)
        if length > 5.0:  # below, the variance of the rate has no bound worth using
            share = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            scale = (1 - beta2**step) ** 0.5 / (exp_avg_sq.clone().sqrt() + group["eps"])
            update = update * scale * share**0.5
        param.sub_(update)
