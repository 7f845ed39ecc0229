"""Averages of models over training: stochastic weight averaging and exponential moving averages."""

from __future__ import annotations

import math
from copy import deepcopy

import facula
from facula.nn import Module
from facula.nn.modules.batchnorm import _BatchNorm
from facula.optim.lr_scheduler.base import LRScheduler, check_optimizer, per_group
from facula.optim.optimizer import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from facula import Tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable:
    """A function for lists that keeps ``decay`` of the average and takes the rest from the model.

    Example:
        >>> import facula as torch
        >>> average = torch.zeros(1)
        >>> torch.optim.swa_utils.get_ema_multi_avg_fn(0.75)([average], [torch.ones(1)], 1)
        >>> average
        tensor([0.2500])
    """
    _check_decay(decay)

    def ema_update(ema_param_list: list[Tensor], current_param_list: list[Tensor], _: Any) -> None:
        with facula.no_grad():
            for average, current in zip(ema_param_list, current_param_list):
                if average.is_floating_point() or average.is_complex():
                    average.lerp_(current, 1 - decay)
                else:
                    average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable:
    """A function for lists that keeps the mean of all models.

    Example:
        >>> import facula as torch
        >>> average = torch.zeros(1)
        >>> torch.optim.swa_utils.get_swa_multi_avg_fn()([average], [torch.ones(1)], 1)
        >>> average
        tensor([0.5000])
    """

    def swa_update(
        averaged_param_list: list[Tensor], current_param_list: list[Tensor], num_averaged: Tensor | int
    ) -> None:
        weight = 1 / (float(num_averaged) + 1)
        with facula.no_grad():
            for average, current in zip(averaged_param_list, current_param_list):
                if average.is_floating_point() or average.is_complex():
                    average.lerp_(current, weight)
                else:
                    average.add_((current - average) // (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable:
    """A function for one tensor that keeps ``decay`` of the average and takes the rest from the model.

    Example:
        >>> import facula as torch
        >>> torch.optim.swa_utils.get_ema_avg_fn(0.75)(torch.zeros(1), torch.ones(1), 1)
        tensor([0.2500])
    """
    _check_decay(decay)

    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        with facula.no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable:
    """A function for one tensor that keeps the mean of all models.

    Example:
        >>> import facula as torch
        >>> torch.optim.swa_utils.get_swa_avg_fn()(torch.zeros(1), torch.ones(1), 1)
        tensor([0.5000])
    """

    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Tensor | int) -> Tensor:
        with facula.no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are an average over its updates.

    Args:
        model (Module): is copied.
        device (device): where the copy lives; default: where the model does.
        avg_fn (callable): from (average, parameter, number averaged) to the new average; default: the mean.
        multi_avg_fn (callable): the same for lists, in place; excludes ``avg_fn``.
        use_buffers (bool): average buffers too, rather than copy them. Default: False.

    Raises:
        AssertionError: both functions given.

    Example:
        >>> import facula as torch
        >>> model = torch.nn.Linear(1, 1)
        >>> average = torch.optim.swa_utils.AveragedModel(model)
        >>> average.update_parameters(model)
        >>> int(average.n_averaged)
        1
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable | None = None,
        multi_avg_fn: Callable | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", facula.tensor(0, dtype=facula.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model gives."""
        return self.module(*args, **kwargs)

    def _averaged(self, model: Module) -> list[Tensor]:
        tensors = list(model.parameters())
        return [*tensors, *model.buffers()] if self.use_buffers else tensors

    def update_parameters(self, model: Module) -> None:
        """Take the model's present parameters into the average."""
        own = [t.detach() for t in self._averaged(self.module)]
        new = [t.detach().to(mine.device) for t, mine in zip(self._averaged(model), own)]
        if self.n_averaged == 0:
            for mine, theirs in zip(own, new):
                mine.copy_(theirs)
        elif self.avg_fn is not None:
            for mine, theirs in zip(own, new):
                mine.copy_(self.avg_fn(mine, theirs, self.n_averaged.to(mine.device)))
        else:
            (self.multi_avg_fn or get_swa_multi_avg_fn())(own, new, self.n_averaged)
        if not self.use_buffers:
            for mine, theirs in zip(self.module.buffers(), model.buffers()):
                mine.detach().copy_(theirs.detach().to(mine.device))
        self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of all batch normalisations anew, in one pass over the data.

    Args:
        loader (iterable): batches; of a list or tuple the first element is the input.
        model (Module): in training mode for the pass.
        device (device): inputs are moved there first.

    Example:
        >>> import facula as torch
        >>> model = torch.nn.BatchNorm1d(1)
        >>> torch.optim.swa_utils.update_bn([torch.tensor([[1.0], [3.0]])], model)
        >>> model.running_mean
        tensor([2.])
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    if not norms:
        return
    was_training = model.training
    with facula.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a cumulative average
        model.train()
        for batch in loader:
            inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(inputs if device is None else inputs.to(device))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """The rate moves to a constant within some epochs.

    Args:
        optimizer (Optimizer): whose rates are changed.
        swa_lr (float or list of float): the constant, one or one for each group.
        anneal_epochs (int): epochs until it is reached. Default: 10.
        anneal_strategy (str): ``cos`` or ``linear``. Default: ``cos``.
        last_epoch (int): -1 starts afresh.

    Raises:
        ValueError: an unknown strategy or a negative number of epochs.

    Example:
        >>> import facula as torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = torch.optim.swa_utils.SWALR(optimizer, 0.5, anneal_epochs=1, anneal_strategy="linear")
        >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        for lr, group in zip(per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, t: float) -> float:
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[float | Tensor]:
        """The rates of all groups; called by :meth:`step`. What other schedules did to the rate is kept."""
        rates = self._rates()
        epochs = max(1, self.anneal_epochs)
        step = self._step_count - 1  # the first one set the rate that there was
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (self._share(max(0, min(1, t / epochs))) for t in (step - 1, step))
        result = []
        for lr, group in zip(rates, self.optimizer.param_groups):
            target = group["swa_lr"]
            start = target if before == 1 else (lr - before * target) / (1 - before)
            result.append(target * now + start * (1 - now))
        return result
