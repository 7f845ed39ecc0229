"""Weight normalisation by a forward pre-hook, PyTorch's older form of parametrizations.weight_norm."""

from __future__ import annotations

from ..modules.module import Module
from ..parameter import Parameter
from .parametrizations import _norm_except

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]


class WeightNorm:
    """The hook: computes the weight from its length and direction.

    Args:
        name (str): of the weight.
        dim (int): the dimension with a length for each index; -1: one length.
    """

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module):
        """The weight as it is now."""
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / _norm_except(v, self.dim))

    def __call__(self, module: Module, inputs) -> None:
        setattr(module, self.name, self.compute_weight(module))


def _hook_of(module: Module, name: str):
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            return key, hook
    return None, None


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train length and direction of a weight apart (Salimans and Kingma 2016); parametrizations.weight_norm is newer.

    Args:
        module (Module): has it.
        name (str): Default: "weight".
        dim (int): the dimension with a length for each index; None: one length. Default: 0.

    Returns:
        Module: ``module``, with parameters ``weight_g`` and ``weight_v``.

    Raises:
        RuntimeError: it has one already.

    Example:
        >>> import facula as torch
        >>> import warnings; warnings.simplefilter("ignore")
        >>> sorted(torch.nn.utils.weight_norm(torch.nn.Linear(2, 3)).state_dict())
        ['bias', 'weight_g', 'weight_v']
    """
    import warnings

    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    if _hook_of(module, name)[1] is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    del module._parameters[name]
    module.register_parameter(name + "_g", Parameter(_norm_except(weight, hook.dim).detach()))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Undo :func:`weight_norm`.

    Args:
        module (Module): has it.
        name (str): Default: "weight".

    Returns:
        Module: ``module``.

    Raises:
        ValueError: it has none.
    """
    key, hook = _hook_of(module, name)
    if hook is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    weight = hook.compute_weight(module)
    delattr(module, name)
    del module._parameters[name + "_g"], module._parameters[name + "_v"]
    setattr(module, name, Parameter(weight.detach()))
    del module._forward_pre_hooks[key]
    return module
