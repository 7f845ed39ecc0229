"""Adamax: Adam with the infinity norm in place of the root of the average of squares."""

from __future__ import annotations

import facula
from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_betas, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["Adamax"]


@native
def _adamax_step(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_infs: list[Tensor],
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """Update float CPU parameters and their moments in place; ``step`` counts from 1."""


class Adamax(FusedOptimizer):
    """Adamax: a running average of the gradient over a decaying maximum of its absolute values.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 2e-3.
        betas (pair of float): decay of the average and of the maximum. Default: (0.9, 0.999).
        eps (float): added to the absolute values. Default: 1e-8.
        weight_decay (float): L2 penalty. Default: 0.
        maximize (bool): ascend instead of descend. Default: False.
        capturable, differentiable, foreach (bool): as for :class:`Adam`.

    Raises:
        ValueError: a value outside its range.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 2.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.Adamax([w], lr=0.5)
        >>> (3 * w).sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        0.5
    """

    _moments = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = settings(locals())
        check_lr(lr)
        check_nonnegative("epsilon value", eps)
        check_betas(betas)
        check_nonnegative("weight_decay value", weight_decay)
        super().__init__(params, defaults)

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        _adamax_step(
            params,
            grads,
            *self._lists(states),
            int(step),
            as_number(group["lr"]),
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            group["maximize"],
        )

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        beta1, beta2 = group["betas"]
        exp_avg, exp_inf = state["exp_avg"], state["exp_inf"]
        exp_avg.lerp_(grad, 1 - beta1)
        exp_inf.copy_(facula.maximum(exp_inf * beta2, grad.abs() + group["eps"]))
        # clone(): autograd keeps these, and the next step changes the state in place.
        param.addcdiv_(exp_avg.clone(), exp_inf.clone(), value=-as_number(group["lr"]) / (1 - beta1**step))
