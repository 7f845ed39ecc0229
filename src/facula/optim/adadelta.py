"""Adadelta: steps in the units of the weights, from running averages of gradients and of steps."""

from __future__ import annotations

from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["Adadelta"]


@native
def _adadelta_step(
    params: list[Tensor],
    grads: list[Tensor],
    square_avgs: list[Tensor],
    acc_deltas: list[Tensor],
    lr: float,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """Update float CPU parameters and their averages in place."""


class Adadelta(FusedOptimizer):
    """Gradient descent whose step size follows from the sizes of earlier steps and gradients.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): scales the computed step. Default: 1.0.
        rho (float): decay of the running averages, between 0 and 1. Default: 0.9.
        eps (float): added under both roots. Default: 1e-6.
        weight_decay (float): coefficient of the L2 penalty. Default: 0.
        foreach, capturable (bool): accepted; the one implementation is fused.
        maximize (bool): ascend instead of descend. Default: False.
        differentiable (bool): record the step for autograd. Default: False.

    Raises:
        ValueError: a value outside its range.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, algorithm 1.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> torch.optim.Adadelta([w], rho=0.95).param_groups[0]["rho"]
        0.95
    """

    _moments = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        order = "lr rho eps weight_decay maximize capturable foreach differentiable"
        defaults = settings(locals(), order)
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho} (expected 0 <= rho <= 1)")
        check_nonnegative("epsilon value", eps)
        check_nonnegative("weight_decay value", weight_decay)
        super().__init__(params, defaults)

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        _adadelta_step(
            params,
            grads,
            *self._lists(states),
            as_number(group["lr"]),
            group["rho"],
            group["eps"],
            group["weight_decay"],
            group["maximize"],
        )

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        rho, eps = group["rho"], group["eps"]
        square_avg, acc_delta = state["square_avg"], state["acc_delta"]
        square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        delta = acc_delta.add(eps).sqrt() / square_avg.add(eps).sqrt() * grad
        acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.add_(delta, alpha=-as_number(group["lr"]))
