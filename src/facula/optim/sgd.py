"""Stochastic gradient descent with momentum and Nesterov's look-ahead."""

from __future__ import annotations

import facula
from facula._native import native
from facula.optim.optimizer import Optimizer, as_number, check_fused, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["SGD"]


@native
def _sgd_step(
    params: list[Tensor],
    grads: list[Tensor],
    momentum_buffers: list[Tensor],
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first: bool,
) -> None:
    """Update float CPU parameters in place; ``first`` sets the buffers to the gradient instead of averaging it in."""


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 1e-3.
        momentum (float): share of the running velocity that is kept. Default: 0.
        dampening (float): share of the gradient that momentum leaves out. Default: 0.
        weight_decay (float): coefficient of the L2 penalty. Default: 0.
        nesterov (bool): take the gradient at the looked-ahead point. Default: False.
        maximize (bool): ascend instead of descend. Default: False.
        foreach, fused (bool or None): accepted; the one implementation is fused.
        differentiable (bool): record the step for autograd. Default: False.

    Raises:
        ValueError: a negative value, or ``nesterov`` without momentum or with dampening.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.SGD([w], lr=0.25, momentum=0.9)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [0.5]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = settings(locals())
        check_lr(lr)
        check_nonnegative("momentum value", momentum)
        check_nonnegative("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_fused(fused, foreach, differentiable)
        super().__init__(params, defaults)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once.

        Args:
            closure (callable): recomputes the loss with gradients and returns it; optional.

        Returns:
            What the closure returned, or None.
        """
        loss = self._run(closure)
        for group in self.param_groups:
            momentum = group["momentum"]
            fused, rest = self._sort(group, momentum)
            for (_, first), (params, grads, buffers) in fused.items():
                _sgd_step(
                    params,
                    grads,
                    buffers,
                    as_number(group["lr"]),
                    momentum,
                    group["dampening"],
                    as_number(group["weight_decay"]),
                    group["nesterov"],
                    group["maximize"],
                    first,
                )
            if rest:
                with facula.set_grad_enabled(group["differentiable"]):
                    for p in rest:
                        self._update(group, p)
        return loss

    def _sort(self, group: dict[str, Any], momentum: float) -> tuple[dict, list[Tensor]]:
        """Lists for the native calls, by (dtype, buffers are new), and the parameters that need the composed rule."""
        fused: dict[Any, tuple[list, list, list]] = {}
        rest: list[Tensor] = []
        native_dtypes = () if group["differentiable"] else (facula.float32, facula.float64)
        last: Any = None
        lists: Any = None
        first = False
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            dtype = p.dtype
            if dtype not in native_dtypes or grad.is_sparse or not p.is_cpu:
                rest.append(p)
                continue
            if momentum != 0:
                state = self.state[p]
                buffer = state.get("momentum_buffer")
                first = buffer is None
                if first:
                    buffer = state["momentum_buffer"] = facula.empty_like(p, requires_grad=False)
            if last != (dtype, first):
                last = (dtype, first)
                lists = fused.setdefault(last, ([], [], []))
            lists[0].append(p)
            lists[1].append(grad)
            if momentum != 0:
                lists[2].append(buffer)
        return fused, rest

    def _update(self, group: dict[str, Any], p: Tensor) -> None:
        """The same rule in tensor operations: any dtype or device, differentiable."""
        lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        grad = -p.grad if group["maximize"] else p.grad
        if not isinstance(decay, facula.Tensor):
            if decay != 0:
                grad = grad.add(p, alpha=decay)
        elif decay.requires_grad:
            grad = grad + p.clone() * decay
        elif decay.item() != 0:
            grad = grad.add(p, alpha=decay.item())
        if momentum != 0:
            state = self.state[p]
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = grad.detach().clone()
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        if isinstance(lr, facula.Tensor) and lr.requires_grad:
            p.addcmul_(grad, lr, value=-1)
        else:
            p.add_(grad, alpha=-as_number(lr))
