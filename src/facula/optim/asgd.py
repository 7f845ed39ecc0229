"""ASGD: stochastic gradient descent that also keeps the average of its way."""

from __future__ import annotations

import facula
from facula._native import native
from facula.optim.optimizer import FusedOptimizer, as_number, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["ASGD"]


@native
def _asgd_step(
    params: list[Tensor],
    grads: list[Tensor],
    axs: list[Tensor],
    eta: float,
    mu: float,
    lambd: float,
    weight_decay: float,
    maximize: bool,
) -> None:
    """Update float CPU parameters and their averages in place."""


class ASGD(FusedOptimizer):
    """Averaged stochastic gradient descent; the average is ``state[p]["ax"]``.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): the first learning rate. Default: 1e-2.
        lambd (float): decay of the weights. Default: 1e-4.
        alpha (float): power of the decay of the rate. Default: 0.75.
        t0 (float): the step at which averaging starts. Default: 1e6.
        weight_decay (float): L2 penalty. Default: 0.
        maximize (bool): ascend instead of descend. Default: False.
        capturable, differentiable, foreach (bool): as for :class:`Adam`.

    Raises:
        ValueError: a value outside its range.

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM J. Control Optim. 1992.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.ASGD([w], lr=0.5, lambd=0)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> w.item()
        0.5
    """

    _moments = ("ax",)

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = settings(locals())
        check_lr(lr)
        check_nonnegative("weight_decay value", weight_decay)
        super().__init__(params, defaults)

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        super()._init_state(group, param, state)
        state["eta"] = facula.full_like(state["step"], as_number(group["lr"]))
        state["mu"] = facula.ones_like(state["step"])

    def _next_rates(self, group: dict[str, Any], step: float, state: dict[str, Any]) -> None:
        lr = as_number(group["lr"])
        state["eta"].fill_(lr / (1 + group["lambd"] * lr * step) ** group["alpha"])
        state["mu"].fill_(1 / max(1, step - group["t0"]))

    def _update_many(
        self, group: dict[str, Any], step: float, params: list[Tensor], grads: list[Tensor], states: list[dict]
    ) -> None:
        rates: dict[tuple[float, float], list[int]] = {}
        for i, state in enumerate(states):
            rates.setdefault((state["eta"].item(), state["mu"].item()), []).append(i)
        for (eta, mu), places in rates.items():
            _asgd_step(
                [params[i] for i in places],
                [grads[i] for i in places],
                *self._lists([states[i] for i in places]),
                eta,
                mu,
                group["lambd"],
                group["weight_decay"],
                group["maximize"],
            )
        for state in states:
            self._next_rates(group, step, state)

    def _update_one(self, group: dict[str, Any], step: float, param: Tensor, grad: Tensor, state: dict) -> None:
        eta, mu, average = state["eta"].item(), state["mu"].item(), state["ax"]
        param.mul_(1 - group["lambd"] * eta).add_(grad, alpha=-eta)
        if mu == 1:
            average.copy_(param)
        else:
            average.add_((param - average).mul(mu))
        self._next_rates(group, step, state)
