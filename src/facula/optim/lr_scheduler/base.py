"""What every schedule shares. Each changes ``lr`` in an optimiser's groups when its ``step`` is called."""

from __future__ import annotations

import warnings

import facula
from facula.optim.optimizer import Optimizer, as_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from facula import Tensor

__all__ = ["LRScheduler", "check_optimizer", "copied", "per_group", "set_lr"]


def copied(value: Any) -> Any:
    """A rate that is a tensor as a tensor of its own."""
    return value.clone() if isinstance(value, facula.Tensor) else value


def set_lr(group: dict[str, Any], lr: float | Tensor) -> None:
    """Change a group's rate, in place when it is a tensor."""
    if isinstance(group["lr"], facula.Tensor):
        group["lr"].fill_(as_number(lr))
    else:
        group["lr"] = lr


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each parameter group, from one for all or from a list."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [copied(value) for _ in range(count)]
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {count}."
        )
    return [copied(item) for item in value]


def check_optimizer(optimizer: Any) -> None:
    """Refuse what is not an optimiser."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


class LRScheduler:
    """Base class of the schedules: a subclass gives :meth:`get_lr`.

    Args:
        optimizer (Optimizer): whose rates are changed.
        last_epoch (int): the number of steps already done; -1 starts afresh.

    Raises:
        TypeError: not an optimiser.
        KeyError: resuming, but a group has no ``initial_lr``.
    """

    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0; load the optimizer's state dict first, or leave last_epoch at -1"
                )
        self.base_lrs = [copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the first rates."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser, as a dict."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[float | Tensor]:
        """The rates of all groups after the last step."""
        return self._last_lr

    def get_lr(self) -> list[float | Tensor]:
        """The rates of all groups at ``last_epoch``; called by :meth:`step`."""
        raise NotImplementedError

    def _rates(self) -> list[float | Tensor]:
        """The current rates; :meth:`get_lr` starts here, so that a call from outside warns."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", stacklevel=3
            )
        return [copied(group["lr"]) for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Go on by one epoch (or batch, as the schedule is meant) and set the rates.

        Args:
            epoch (int): deprecated: jump to this epoch.
        """
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
                "otherwise the first value of the learning rate schedule is skipped.",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(
                "The epoch parameter in `scheduler.step()` is deprecated: call `scheduler.step()` without it.",
                stacklevel=2,
            )
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of this one."""
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                closed_form = getattr(self, "_get_closed_form_lr", self.get_lr)
                rates = closed_form()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            set_lr(group, lr)
        self._last_lr = [copied(group["lr"]) for group in self.optimizer.param_groups]
