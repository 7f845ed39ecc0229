"""L-BFGS: a quasi-Newton method with a short memory. One parameter group; the closure is called many times."""

from __future__ import annotations

import facula
from facula.optim.line_search import strong_wolfe
from facula.optim.optimizer import Optimizer, as_number, check_lr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from facula import Tensor

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """L-BFGS for deterministic losses.

    Args:
        params (iterable): tensors, all optimised together as one vector.
        lr (float or 1-element Tensor): length of a step along the direction. Default: 1.
        max_iter (int): iterations in one call of ``step``. Default: 20.
        max_eval (int): evaluations of the closure in one call. Default: 1.25 ``max_iter``.
        tolerance_grad (float): stop when no element of the gradient is larger. Default: 1e-7.
        tolerance_change (float): stop when a step or the loss changes less. Default: 1e-9.
        history_size (int): steps that are remembered. Default: 100.
        line_search_fn (str): ``strong_wolfe`` or None (a fixed step). Default: None.

    Raises:
        ValueError: several parameter groups, or a learning rate outside its range.

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithm 7.4 (two-loop recursion).

    Example:
        >>> import facula as torch
        >>> w = torch.tensor([3.0, -2.0], requires_grad=True)
        >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((w - 1) ** 2).sum()
        ...     loss.backward()
        ...     return loss
        >>> _ = optimizer.step(closure)
        >>> torch.allclose(w, torch.ones(2))
        True
    """

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    # ---- all parameters as one vector ----

    def _gather_flat_grad(self) -> Tensor:
        parts = []
        for p in self._params:
            flat = p.new_zeros(p.numel()) if p.grad is None else p.grad.reshape(-1)
            parts.append(facula.view_as_real(flat).reshape(-1) if flat.is_complex() else flat)
        return facula.cat(parts)

    def _add_grad(self, step_size: float, direction: Tensor) -> None:
        start = 0
        for p in self._params:
            part = facula.view_as_real(p) if p.is_complex() else p
            count = part.numel()
            part.add_(direction[start : start + count].view_as(part), alpha=step_size)
            start += count

    def _evaluate(self, closure: Callable[[], Any], start: list[Tensor], step_size: float, direction: Tensor) -> tuple:
        """Loss and gradient one step along the direction; the parameters come back to `start`."""
        self._add_grad(step_size, direction)
        loss, flat_grad = float(closure()), self._gather_flat_grad()
        for p, value in zip(self._params, start):
            p.copy_(value)
        return loss, flat_grad

    # ---- one step ----

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Go on for up to ``max_iter`` iterations.

        Args:
            closure (callable): clears the gradients, recomputes the loss, calls ``backward`` and returns the loss.

        Returns:
            The loss before the first iteration.
        """
        group = self.param_groups[0]
        state = self.state[self._params[0]]  # one state for all, where PyTorch keeps it
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        def evaluate() -> Any:
            with facula.enable_grad():
                return closure()

        with facula.no_grad():
            first_loss = evaluate()
            loss, evaluations = float(first_loss), 1
            state["func_evals"] += 1
            flat_grad = self._gather_flat_grad()
            if flat_grad.abs().max() <= group["tolerance_grad"]:
                return first_loss
            self._iterate(evaluate, group, state, loss, evaluations, flat_grad)
        return first_loss

    def _iterate(
        self, evaluate: Callable, group: dict, state: dict, loss: float, evaluations: int, flat_grad: Tensor
    ) -> None:
        tolerance_change = group["tolerance_change"]
        direction: Any = state.get("d")
        step_size: Any = state.get("t")
        previous_grad, previous_loss = state.get("prev_flat_grad"), state.get("prev_loss")
        iterations = 0
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                direction = flat_grad.neg()
                state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
                step_size = min(1.0, 1.0 / flat_grad.abs().sum().item()) * as_number(group["lr"])
            else:
                self._remember(state, flat_grad - previous_grad, direction * step_size, group["history_size"])
                direction = self._direction(state, flat_grad, group["history_size"])
                step_size = as_number(group["lr"])
            previous_grad = flat_grad.clone()
            previous_loss = loss
            slope = flat_grad.dot(direction).item()
            if slope > -tolerance_change:
                break
            loss, flat_grad, step_size, spent = self._move(
                evaluate, group, iterations, loss, flat_grad, direction, step_size, slope
            )
            evaluations += spent
            state["func_evals"] += spent
            if iterations == group["max_iter"] or evaluations >= group["max_eval"]:
                break
            if flat_grad.abs().max() <= group["tolerance_grad"]:
                break
            if (direction * step_size).abs().max() <= tolerance_change or abs(loss - previous_loss) < tolerance_change:
                break
        state.update(d=direction, t=step_size, prev_flat_grad=previous_grad, prev_loss=previous_loss)

    def _move(
        self,
        evaluate: Callable,
        group: dict,
        iteration: int,
        loss: float,
        flat_grad: Tensor,
        direction: Tensor,
        step_size: float,
        slope: float,
    ) -> tuple[float, Tensor, float, int]:
        """Change the parameters along the direction. Gives loss, gradient, step size and evaluations spent."""
        if group["line_search_fn"] is not None:
            if group["line_search_fn"] != "strong_wolfe":
                raise RuntimeError("only 'strong_wolfe' is supported")
            start = [p.clone() for p in self._params]
            loss, flat_grad, step_size, spent = strong_wolfe(
                lambda t: self._evaluate(evaluate, start, t, direction),
                step_size,
                direction,
                loss,
                flat_grad,
                slope,
                tolerance_change=group["tolerance_change"],
            )
            self._add_grad(step_size, direction)
            return loss, flat_grad, step_size, spent
        self._add_grad(step_size, direction)
        if iteration == group["max_iter"]:
            return loss, flat_grad, step_size, 0  # the last gradient would not be used
        loss = float(evaluate())
        return loss, self._gather_flat_grad(), step_size, 1

    @staticmethod
    def _remember(state: dict, change_of_grad: Tensor, step: Tensor, history_size: int) -> None:
        curvature = change_of_grad.dot(step)
        if curvature <= 1e-10:  # PyTorch's bound: less curvature would spoil the approximation
            return
        if len(state["old_dirs"]) == history_size:
            for name in ("old_dirs", "old_stps", "ro"):
                state[name].pop(0)
        state["old_dirs"].append(change_of_grad)
        state["old_stps"].append(step)
        state["ro"].append(1.0 / curvature)
        state["H_diag"] = curvature / change_of_grad.dot(change_of_grad)

    @staticmethod
    def _direction(state: dict, flat_grad: Tensor, history_size: int) -> Tensor:
        """Minus the approximate inverse Hessian times the gradient: the two-loop recursion."""
        changes, steps, inverse = state["old_dirs"], state["old_stps"], state["ro"]
        weights: list[Any] = [None] * history_size  # its length is part of the saved state
        q = flat_grad.neg()
        for i in reversed(range(len(changes))):
            weights[i] = steps[i].dot(q) * inverse[i]
            q.add_(changes[i], alpha=-weights[i].item())
        state["al"] = weights
        r = q * state["H_diag"]
        for i in range(len(changes)):
            r.add_(steps[i], alpha=(weights[i] - changes[i].dot(r) * inverse[i]).item())
        return r
