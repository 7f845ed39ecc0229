"""Adam, with AMSGrad and decoupled weight decay as options. AdamW is in ``adamw.py``."""

from __future__ import annotations

import facula
from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_fused, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["Adam"]


@native
def _adam_step(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    max_exp_avg_sqs: list[Tensor],
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    amsgrad: bool,
    maximize: bool,
) -> None:
    """Update float CPU parameters and their moments in place; ``step`` counts from 1."""


def _check_beta(index: int, beta: float | Tensor, capturable: bool, foreach: bool | None) -> None:
    if not 0.0 <= beta < 1.0:
        raise ValueError(f"Invalid beta parameter at index {index}: {beta} (expected 0 <= beta < 1)")
    if isinstance(beta, facula.Tensor):
        if not capturable and foreach:
            raise ValueError(f"betas[{index}] as a Tensor is not supported for capturable=False and foreach=True")
        if beta.numel() != 1:
            raise ValueError(f"Tensor betas[{index}] must be 1-element")


class Adam(FusedOptimizer):
    """Adam: gradient descent with running averages of the gradient and of its square.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 1e-3.
        betas (pair of float): decay of the two running averages. Default: (0.9, 0.999).
        eps (float): added to the denominator. Default: 1e-8.
        weight_decay (float): L2 penalty, or decoupled decay. Default: 0.
        amsgrad (bool): divide by the largest average of squares so far. Default: False.
        maximize (bool): ascend instead of descend. Default: False.
        foreach, fused, capturable (bool): accepted; the one implementation is fused.
        differentiable (bool): record the step for autograd. Default: False.
        decoupled_weight_decay (bool): decay the weights as AdamW does. Default: False.

    Raises:
        ValueError: a value outside its range.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.Adam([w], lr=0.5)
        >>> (3 * w).sum().backward()
        >>> optimizer.step()
        >>> round(w.item(), 4)
        0.5
    """

    _moments = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        order = (
            "lr betas eps weight_decay amsgrad maximize foreach capturable differentiable fused decoupled_weight_decay"
        )
        defaults = settings(locals(), order)
        if isinstance(lr, facula.Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_lr(lr)
        check_nonnegative("epsilon value", eps)
        for index in (0, 1):
            _check_beta(index, betas[index], capturable, foreach)
        check_nonnegative("weight_decay value", weight_decay)
        if len({isinstance(beta, facula.Tensor) for beta in betas}) != 1:
            raise ValueError("betas must be either both floats or both Tensors")
        check_fused(fused, foreach, differentiable)
        defaults["betas"] = tuple(as_number(beta) for beta in betas)
        super().__init__(params, defaults)

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        super()._init_state(group, param, state)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = facula.zeros_like(param, requires_grad=False)

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        amsgrad = group["amsgrad"]
        beta1, beta2 = group["betas"]
        _adam_step(
            params,
            grads,
            *self._lists(states),
            [state["max_exp_avg_sq"] for state in states] if amsgrad else [],
            int(step),
            as_number(group["lr"]),
            beta1,
            beta2,
            group["eps"],
            group["weight_decay"],
            group["decoupled_weight_decay"],
            amsgrad,
            group["maximize"],
        )

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        if not (isinstance(lr, facula.Tensor) and lr.requires_grad):
            lr = as_number(lr)
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        second = exp_avg_sq
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            largest.copy_(facula.maximum(largest.clone(), exp_avg_sq))
            second = largest
        # clone(): autograd keeps these, and the next step changes the state in place.
        denominator = second.clone().sqrt().div((1 - beta2**step) ** 0.5).add(group["eps"])
        step_size = lr / (1 - beta1**step)
        if isinstance(step_size, facula.Tensor):
            param.sub_(exp_avg.clone() / denominator * step_size)
        else:
            param.addcdiv_(exp_avg.clone(), denominator, value=-step_size)
