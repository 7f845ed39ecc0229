"""Muon: momentum whose update for a matrix is made orthogonal. Tensor operations, no native step."""

from __future__ import annotations

import facula
from facula.optim.optimizer import Optimizer, check_lr, check_nonnegative, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["Muon"]


class Muon(Optimizer):
    """Muon: SGD with momentum, the update of each weight matrix replaced by its nearest orthogonal matrix.

    Args:
        params (iterable): matrices; biases and embeddings belong to another optimiser.
        lr (float): learning rate. Default: 1e-3.
        weight_decay (float): decoupled decay. Default: 0.1.
        momentum (float): decay of the running average. Default: 0.95.
        nesterov (bool): look ahead along the momentum. Default: True.
        ns_coefficients (three floats): a, b, c of the Newton-Schulz iteration.
        eps (float): smallest norm divided by. Default: 1e-7.
        ns_steps (int): iterations, below 100. Default: 5.
        adjust_lr_fn (str): ``original`` (also None): the rate times sqrt(max(1, rows / columns));
            ``match_rms_adamw``: times 0.2 sqrt(max(rows, columns)).

    Raises:
        ValueError: a value outside its range, or a parameter that is not a matrix.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.

    Example:
        >>> import facula as torch
        >>> w = torch.eye(2, requires_grad=True)
        >>> optimizer = torch.optim.Muon([w], lr=0.1)
        >>> w.trace().backward()
        >>> optimizer.step()
        >>> bool((w.diagonal() < 1).all())
        True
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),  # the source's
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = settings(locals())
        check_lr(lr)
        check_nonnegative("learning rate", lr)
        check_nonnegative("momentum value", momentum)
        check_nonnegative("weight_decay value", weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"Adjust learning rate function {adjust_lr_fn} is not supported: use 'original' or 'match_rms_adamw'"
            )
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.dim() != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                    )

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
                if param.is_complex():
                    raise RuntimeError("Muon does not support complex parameters")
                if param.grad.is_sparse:
                    raise RuntimeError("Muon does not support sparse gradients")
                state = self.state[param]
                if not state:
                    state["momentum_buffer"] = facula.zeros_like(param.grad)
                with facula.no_grad():
                    _update(group, param, state["momentum_buffer"])
        return loss


def _update(group: dict[str, Any], param: Tensor, buffer: Tensor) -> None:
    lr, momentum, grad = group["lr"], group["momentum"], param.grad
    buffer.lerp_(grad, 1 - momentum)
    update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
    update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
    rows, columns = param.shape
    if group["adjust_lr_fn"] == "match_rms_adamw":
        adjusted = lr * 0.2 * max(rows, columns) ** 0.5  # 0.2: the root mean square of AdamW's updates
    else:
        adjusted = lr * max(1, rows / columns) ** 0.5
    param.mul_(1 - lr * group["weight_decay"])
    param.add_(update, alpha=-adjusted)


def _orthogonal(matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """Newton-Schulz: drives all singular values towards 1. In bfloat16, as the source does."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    x = matrix.bfloat16()
    tall = x.size(0) > x.size(1)
    if tall:
        x = x.T
    x = x.div(x.norm().clamp(min=eps))  # the iteration converges for singular values up to 1
    for _ in range(steps):
        gram = x @ x.T
        x = facula.addmm(x, facula.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
