"""Rprop: every weight has a step size of its own, and only the sign of its gradient counts."""

from __future__ import annotations

import facula
from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_lr, new_step, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["Rprop"]


@native
def _rprop_step(
    params: list[Tensor],
    grads: list[Tensor],
    prevs: list[Tensor],
    step_sizes: list[Tensor],
    eta_minus: float,
    eta_plus: float,
    step_size_min: float,
    step_size_max: float,
    maximize: bool,
) -> None:
    """Update float CPU parameters, their step sizes and their last gradients in place."""


class Rprop(FusedOptimizer):
    """Resilient backpropagation, for full batches.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): the first step size. Default: 1e-2.
        etas (pair of float): factors of the step size after a change of sign and without one. Default: (0.5, 1.2).
        step_sizes (pair of float): the smallest and the largest. Default: (1e-6, 50).
        maximize (bool): ascend instead of descend. Default: False.
        capturable, differentiable, foreach (bool): as for :class:`Adam`.

    Raises:
        ValueError: a value outside its range.

    Source: Riedmiller and Braun, "A Direct Adaptive Method for Faster Backpropagation Learning", ICNN 1993.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.Rprop([w], lr=0.5)
        >>> (3 * w).sum().backward()
        >>> optimizer.step()
        >>> w.item()
        0.5
    """

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        order = "lr etas step_sizes foreach maximize differentiable capturable"
        defaults = settings(locals(), order)
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]} (expected 0 < first < 1 < second)")
        super().__init__(params, defaults)

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        lr = as_number(group["lr"])
        state["step"] = new_step()
        state["prev"] = facula.zeros_like(param, requires_grad=False)
        state["step_size"] = facula.full_like(param, complex(lr, lr) if param.is_complex() else lr, requires_grad=False)

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        _rprop_step(
            params,
            grads,
            [state["prev"] for state in states],
            [state["step_size"] for state in states],
            *group["etas"],
            *group["step_sizes"],
            group["maximize"],
        )

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        eta_minus, eta_plus = group["etas"]
        previous, step_size = state["prev"], state["step_size"]
        agreement = grad * previous.clone()
        changed = agreement < 0
        factor = facula.where(changed, eta_minus, facula.where(agreement > 0, eta_plus, 1.0)).to(param.dtype)
        step_size.mul_(factor).clamp_(*group["step_sizes"])
        grad = grad.masked_fill(changed, 0)
        param.addcmul_(grad.sign(), step_size.clone(), value=-1)
        previous.copy_(grad)
