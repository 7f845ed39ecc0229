"""Adagrad: the gradient divided by the root of the sum of all its squares so far."""

from __future__ import annotations

from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_fused, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["Adagrad"]


@native
def _adagrad_step(
    params: list[Tensor],
    grads: list[Tensor],
    state_sums: list[Tensor],
    step: int,
    lr: float,
    lr_decay: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """Update float CPU parameters and their sums of squares in place; ``step`` counts from 1."""


class Adagrad(FusedOptimizer):
    """Gradient descent with a learning rate per weight that shrinks with the gradients seen.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 1e-2.
        lr_decay (float): the rate is divided by ``1 + (step - 1) * lr_decay``. Default: 0.
        weight_decay (float): coefficient of the L2 penalty. Default: 0.
        initial_accumulator_value (float): where the sum of squares starts. Default: 0.
        eps (float): added to the denominator. Default: 1e-10.
        foreach, fused (bool or None): accepted; the one implementation is fused.
        maximize (bool): ascend instead of descend. Default: False.
        differentiable (bool): record the step for autograd. Default: False.

    Raises:
        ValueError: a negative value.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    JMLR 12, 2011.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.Adagrad([w], lr=0.5)
        >>> (3 * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [0.5]
    """

    _moments = ("sum",)

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        order = "lr lr_decay eps weight_decay initial_accumulator_value foreach maximize differentiable fused"
        defaults = settings(locals(), order)
        check_lr(lr)
        check_nonnegative("lr_decay value", lr_decay)
        check_nonnegative("weight_decay value", weight_decay)
        check_nonnegative("initial_accumulator_value value", initial_accumulator_value)
        check_nonnegative("epsilon value", eps)
        check_fused(fused, foreach, differentiable)
        super().__init__(params, defaults)
        # The state exists before the first step, as in PyTorch: share_memory() and checkpoints rely on it.
        for group in self.param_groups:
            for param in group["params"]:
                self._init_state(group, param, self.state[param])

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        start = group["initial_accumulator_value"]
        super()._init_state(group, param, state)
        state["sum"].fill_(complex(start, start) if param.is_complex() else start)

    def share_memory(self) -> None:
        """Move the state into shared memory, for training by several processes."""
        for state in self.state.values():
            state["step"].share_memory_()
            state["sum"].share_memory_()

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        _adagrad_step(
            params,
            grads,
            *self._lists(states),
            int(step),
            as_number(group["lr"]),
            group["lr_decay"],
            group["eps"],
            group["weight_decay"],
            group["maximize"],
        )

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        state_sum = state["sum"]
        state_sum.addcmul_(grad, grad, value=1)
        rate = as_number(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        param.addcdiv_(grad, state_sum.clone().sqrt().add(group["eps"]), value=-rate)
