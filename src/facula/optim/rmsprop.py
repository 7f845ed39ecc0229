"""RMSprop: the gradient divided by a running average of its size."""

from __future__ import annotations

import facula
from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["RMSprop"]


@native
def _rmsprop_step(
    params: list[Tensor],
    grads: list[Tensor],
    square_avgs: list[Tensor],
    grad_avgs: list[Tensor],
    momentum_buffers: list[Tensor],
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> None:
    """Update float CPU parameters and their averages in place; unused lists are empty."""


class RMSprop(FusedOptimizer):
    """Gradient descent with each gradient divided by the root of its running mean square.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 1e-2.
        alpha (float): decay of the running mean square. Default: 0.99.
        eps (float): added to the denominator. Default: 1e-8.
        weight_decay (float): coefficient of the L2 penalty. Default: 0.
        momentum (float): share of the running velocity that is kept. Default: 0.
        centered (bool): subtract the squared running mean, which gives the variance. Default: False.
        maximize (bool): ascend instead of descend. Default: False.
        capturable, foreach (bool): accepted; the one implementation is fused.
        differentiable (bool): record the step for autograd. Default: False.

    Raises:
        ValueError: a negative value.

    Source: Tieleman and Hinton, lecture 6.5 of "Neural Networks for Machine Learning", 2012; centred form: Graves,
    "Generating Sequences With Recurrent Neural Networks", 2013, equations 38-45.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.RMSprop([w], lr=0.05)
        >>> (3 * w).sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        0.5
    """

    _moments = ("square_avg",)

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        order = "lr momentum alpha eps centered weight_decay capturable foreach maximize differentiable"
        defaults = settings(locals(), order)
        check_lr(lr)
        check_nonnegative("epsilon value", eps)
        check_nonnegative("momentum value", momentum)
        check_nonnegative("weight_decay value", weight_decay)
        check_nonnegative("alpha value", alpha)
        super().__init__(params, defaults)

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        super()._init_state(group, param, state)
        if group["momentum"] > 0:
            state["momentum_buffer"] = facula.zeros_like(param, requires_grad=False)
        if group["centered"]:
            state["grad_avg"] = facula.zeros_like(param, requires_grad=False)

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        momentum, centered = group["momentum"], group["centered"]
        _rmsprop_step(
            params,
            grads,
            *self._lists(states),
            [state["grad_avg"] for state in states] if centered else [],
            [state["momentum_buffer"] for state in states] if momentum > 0 else [],
            as_number(group["lr"]),
            group["alpha"],
            group["eps"],
            group["weight_decay"],
            momentum,
            centered,
            group["maximize"],
        )

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        lr, alpha = as_number(group["lr"]), group["alpha"]
        square_avg = state["square_avg"]
        square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        variance = square_avg.clone()
        if group["centered"]:
            grad_avg = state["grad_avg"]
            grad_avg.lerp_(grad, 1 - alpha)
            mean = grad_avg.clone()
            variance = variance.addcmul(mean, mean, value=-1)
        denominator = variance.sqrt().add(group["eps"])
        if group["momentum"] > 0:
            buffer = state["momentum_buffer"]
            buffer.mul_(group["momentum"]).addcdiv_(grad, denominator)
            param.add_(buffer, alpha=-lr)
        else:
            param.addcdiv_(grad, denominator, value=-lr)
