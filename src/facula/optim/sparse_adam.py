"""SparseAdam's interface. Its rule is for sparse gradients, which facula's tensors do not have."""

from __future__ import annotations

from facula.optim.optimizer import Optimizer, check_betas, check_lr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for sparse gradients: takes the arguments, and refuses dense gradients as PyTorch does.

    Args:
        params (iterable): tensors, named tensors, or dicts that define groups.
        lr (float or 1-element Tensor): learning rate. Default: 1e-3.
        betas (pair of float): decay of the two running averages. Default: (0.9, 0.999).
        eps (float): added to the denominator. Default: 1e-8.
        maximize (bool): ascend instead of descend. Default: False.

    Raises:
        ValueError: a value outside its range.

    Example:
        >>> import facula as torch
        >>> torch.optim.SparseAdam([torch.ones(1)]).param_groups[0]["lr"]
        0.001
    """

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_lr(lr)
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr} (expected a value > 0)")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps} (expected a value > 0)")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Refuse every gradient.

        Args:
            closure (callable): recomputes the loss with gradients and returns it; optional.

        Raises:
            RuntimeError: a parameter has a gradient: it is dense.
        """
        loss = self._run(closure)
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    raise RuntimeError(
                        "SparseAdam does not support dense gradients, please consider Adam instead "
                        "(facula's tensors are dense)"
                    )
        return loss
