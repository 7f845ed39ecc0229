"""Adafactor: Adam's second moment kept as one row and one column for each matrix. Tensor operations, no native step."""

from __future__ import annotations

import facula
from facula.optim.optimizer import Optimizer, as_number, check_lr, check_nonnegative, new_step, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Adafactor: adaptive rates with memory for a row and a column only.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): largest relative step. Default: 1e-2.
        beta2_decay (float): the average of squares takes the new square with weight ``step ** beta2_decay``.
            Default: -0.8.
        eps (pair): floor of the average of squares (None: the dtype's epsilon) and of the parameters' root mean square
            that the step is relative to. Default: (None, 1e-3).
        d (float): updates with a larger root mean square are scaled down to it. Default: 1.0.
        weight_decay (float): decoupled decay. Default: 0.
        foreach (bool): accepted; there is one implementation.
        maximize (bool): ascend instead of descend. Default: False.

    Raises:
        ValueError: a value outside its range.

    Source: Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", ICML 2018, algorithm 4.

    Example:
        >>> import facula as torch
        >>> w = torch.ones(2, 3, requires_grad=True)
        >>> optimizer = torch.optim.Adafactor([w], lr=0.5)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> sorted(optimizer.state[w])
        ['col_var', 'row_var', 'step']
    """

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = settings(locals())
        check_lr(lr)
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None:
            check_nonnegative("epsilon1 value", eps[0])
        check_nonnegative("epsilon2 value", eps[1])
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        check_nonnegative("weight_decay value", weight_decay)
        super().__init__(params, defaults)

    def _init_state(self, group: dict[str, Any], param: Tensor, state: dict[str, Any]) -> None:
        state["step"] = new_step()
        if param.dim() > 1:
            state["row_var"] = param.new_zeros((*param.shape[:-1], 1))
            state["col_var"] = param.new_zeros((*param.shape[:-2], 1, param.shape[-1]))
        else:
            state["variance"] = facula.zeros_like(param, requires_grad=False)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once.

        Args:
            closure (callable): recomputes the loss with gradients and returns it; optional.

        Returns:
            What the closure returned, or None.

        Raises:
            RuntimeError: a sparse gradient or complex parameters.
        """
        loss = self._run(closure)
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if param.grad.is_sparse:
                    raise RuntimeError("Adafactor does not support sparse gradients")
                if param.is_complex():
                    raise RuntimeError("Adafactor does not support complex parameters")
                state = self.state[param]
                if not state:
                    self._init_state(group, param, state)
                with facula.no_grad():
                    _update(group, param, -param.grad if group["maximize"] else param.grad, state)
        return loss


def _update(group: dict[str, Any], param: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
    lr, (floor, smallest_scale) = as_number(group["lr"]), group["eps"]
    if floor is None:
        floor = facula.finfo(param.dtype).eps
    step = state["step"].add_(1).item()
    newest = step ** group["beta2_decay"]
    relative_step = min(lr, 1 / step**0.5)
    scale = max(smallest_scale, param.norm(2).item() / param.numel() ** 0.5)
    if group["weight_decay"] != 0:
        param.mul_(1 - lr * group["weight_decay"])
    if grad.dim() > 1:
        rows, columns = state["row_var"], state["col_var"]
        rows.lerp_(grad.norm(dim=-1, keepdim=True).square_().div_(grad.size(-1)), newest)
        columns.lerp_(grad.norm(dim=-2, keepdim=True).square_().div_(grad.size(-2)), newest)
        # The outer product has the right sums of rows and of columns.
        variance = (rows @ columns).div_(rows.mean(dim=-2, keepdim=True).clamp_(min=floor))
    else:
        variance = state["variance"].lerp_(grad * grad, newest).clone()
    update = variance.clamp_(min=floor * floor).rsqrt_().mul_(grad)
    excess = max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * group["d"]))
    param.add_(update, alpha=-relative_step * scale / excess)
