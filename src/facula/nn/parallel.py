"""torch.nn.parallel: the wrapper for several GPUs, which without one calls the module; nothing here splits work."""

from __future__ import annotations

from .modules.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]


class DataParallel(Module):
    """Splits batches over GPUs; without one it calls the module, as in PyTorch.

    The module is the attribute ``module``, so names in the state dict begin with "module.".

    Args:
        module (Module): what to call.
        device_ids, output_device, dim: which GPUs, where the result goes, which dimension is split; without use here.

    Example:
        >>> import facula as torch
        >>> model = torch.nn.DataParallel(torch.nn.Linear(2, 1))
        >>> list(model.state_dict()), model(torch.ones(3, 2)).shape
        (['module.weight', 'module.bias'], torch.Size([3, 1]))
    """

    def __init__(self, module: Module, device_ids=None, output_device=None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []
        self.dim = dim

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)


def data_parallel(module: Module, inputs, device_ids=None, output_device=None, dim: int = 0, module_kwargs=None):
    """Call a module as ``DataParallel`` does.

    Example:
        >>> import facula as torch
        >>> torch.nn.parallel.data_parallel(torch.nn.ReLU(), torch.tensor([-1.0, 1.0]))
        tensor([0., 1.])
    """
    if not isinstance(inputs, tuple):
        inputs = (inputs,) if inputs is not None else ()
    return module(*inputs, **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """Trains copies of a module in several processes, which this build has not.

    Args:
        module (Module): what to train.

    Raises:
        ValueError: always: no process group can be made.
    """

    def __init__(self, module: Module, *args, **kwargs) -> None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call init_process_group. "
            "DistributedDataParallel: this build of facula runs in one process; wrap the module only where "
            "torch.distributed.is_initialized()"
        )
