"""Schedules made of others: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right

from facula.optim.lr_scheduler.base import LRScheduler, copied, set_lr
from facula.optim.lr_scheduler.plateau import ReduceLROnPlateau
from facula.optim.optimizer import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["ChainedScheduler", "SequentialLR"]


def _check(name: str, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
    """Refuse schedules of several optimisers, or none."""
    if len(schedulers) < 1:
        raise ValueError(f"{name} expects at least one scheduler to be chained, but got no scheduler.")
    if optimizer is None:
        optimizer = schedulers[0].optimizer
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be "
                f"specified when calling `step`, but got one at index {i} in the given schedulers sequence."
            )
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                f"{type(scheduler).__name__} at index {i} which is different from {type(optimizer).__name__}."
            )
    return optimizer


class _Composed(LRScheduler):
    """State of the parts is kept beside that of the whole."""

    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser, the parts as dicts of their own."""
        state = {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "_schedulers")}
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned."""
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler.load_state_dict(state)


class SequentialLR(_Composed):
    """Several schedules one after the other.

    Args:
        optimizer (Optimizer): whose rates are changed.
        schedulers (list of LRScheduler): in order.
        milestones (list of int): the epochs at which the next one begins, one fewer than schedulers.
        last_epoch (int): -1 starts afresh.

    Raises:
        ValueError: no schedule, one of another optimiser, or milestones of the wrong number.
        TypeError: something that is no schedule.

    Example:
        >>> import facula as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> warmup = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
        >>> after = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.1)
        >>> schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, after], milestones=[2])
        >>> for _ in range(2):
        ...     optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [1.0]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        _check(type(self).__name__, schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # The schedules have each made their first step; only the first one's shall count.
        for group in optimizer.param_groups:
            set_lr(group, group["initial_lr"])
        self._undo(schedulers)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    @classmethod
    def _undo(cls, schedulers: Sequence[LRScheduler]) -> None:
        for scheduler in schedulers:
            if isinstance(scheduler, _Composed):
                cls._undo(scheduler._schedulers)
            if hasattr(scheduler, "last_epoch"):
                scheduler.last_epoch -= 1

    def _initial_step(self) -> None:
        self._schedulers[0]._initial_step()
        self.last_epoch += 1

    def step(self) -> None:  # type: ignore[override]
        """Go on by one epoch with the schedule whose turn it is."""
        self.last_epoch += 1
        place = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[place]
        if place > 0 and self._milestones[place - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Composed):
    """Several schedules at once: each changes what the one before it left.

    Args:
        schedulers (sequence of LRScheduler): in order.
        optimizer (Optimizer): theirs; taken from the first when absent.

    Raises:
        ValueError: no schedule, or one of another optimiser.
        TypeError: something that is no schedule.

    Example:
        >>> import facula as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> one = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=4)
        >>> two = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> schedule = torch.optim.lr_scheduler.ChainedScheduler([one, two])
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.25]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = _check(type(self).__name__, schedulers, optimizer)
        self._schedulers = list(schedulers)
        self._last_lr = [copied(group["lr"]) for group in self.optimizer.param_groups]

    def step(self) -> None:  # type: ignore[override]
        """Go on by one epoch with every schedule."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = [copied(group["lr"]) for group in self.optimizer.param_groups]
