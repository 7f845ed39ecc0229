"""NAdam: Adam with Nesterov's momentum, whose weight follows a schedule of its own."""

from __future__ import annotations

import facula
from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_betas, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["NAdam"]


@native
def _nadam_step(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    step: int,
    mu_product: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    momentum_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None:
    """Update float CPU parameters and their moments in place; ``mu_product`` includes this step's momentum."""


class NAdam(FusedOptimizer):
    """NAdam: Adam that looks ahead along its momentum.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 2e-3.
        betas (pair of float): decay of the two running averages. Default: (0.9, 0.999).
        eps (float): added to the denominator. Default: 1e-8.
        weight_decay (float): L2 penalty, or decoupled decay. Default: 0.
        momentum_decay (float): how fast the momentum rises to its limit. Default: 4e-3.
        decoupled_weight_decay (bool): decay the weights as AdamW does. Default: False.
        maximize (bool): ascend instead of descend. Default: False.
        capturable, differentiable, foreach (bool): as for :class:`Adam`.

    Raises:
        ValueError: a value outside its range.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", ICLR workshop 2016.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.NAdam([w], lr=0.5)
        >>> (3 * w).sum().backward()
        >>> optimizer.step()
        >>> w.item() < 1
        True
    """

    _moments = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        order = (
            "lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize foreach capturable differentiable"
        )
        defaults = settings(locals(), order)
        check_lr(lr)
        check_nonnegative("epsilon value", eps)
        check_betas(betas)
        check_nonnegative("weight_decay value", weight_decay)
        check_nonnegative("momentum_decay value", momentum_decay)
        super().__init__(params, defaults)

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        super()._init_state(group, param, state)
        state["mu_product"] = facula.ones_like(state["step"])

    def _momentum(self, group: dict[str, Any], step: float) -> float:
        # 0.96: the paper's constant of the schedule
        return group["betas"][0] * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        mu = self._momentum(group, step)
        products: dict[float, list[int]] = {}
        for i, state in enumerate(states):
            products.setdefault(state["mu_product"].mul_(mu).item(), []).append(i)
        for product, places in products.items():
            _nadam_step(
                [params[i] for i in places],
                [grads[i] for i in places],
                *self._lists([states[i] for i in places]),
                int(step),
                product,
                as_number(group["lr"]),
                *group["betas"],
                group["eps"],
                group["weight_decay"],
                group["momentum_decay"],
                group["decoupled_weight_decay"],
                group["maximize"],
            )

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        lr, (beta1, beta2) = as_number(group["lr"]), group["betas"]
        mu, mu_next = self._momentum(group, step), self._momentum(group, step + 1)
        product = state["mu_product"].mul_(mu).item()
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        # clone(): autograd keeps these, and the next step changes the state in place.
        denominator = (exp_avg_sq.clone() / (1 - beta2**step)).sqrt() + group["eps"]
        param.addcdiv_(grad, denominator, value=-lr * (1.0 - mu) / (1.0 - product))
        param.addcdiv_(exp_avg.clone(), denominator, value=-lr * mu_next / (1.0 - product * mu_next))
