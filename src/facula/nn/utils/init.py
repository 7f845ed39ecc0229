"""skip_init: a module without the cost of its initialisation."""

from __future__ import annotations

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """A module with undefined parameters, which draws no random numbers.

    Args:
        module_cls (type): a Module that takes ``device``.
        *args, **kwargs: for its constructor.

    Returns:
        Module

    Raises:
        RuntimeError: not a Module, or it takes no ``device``.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.skip_init(torch.nn.Linear, 2, 3)
        Linear(in_features=2, out_features=3, bias=True)
    """
    import inspect

    import facula

    from ..modules.module import Module

    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    parameters = inspect.signature(module_cls).parameters
    if "device" not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = facula.get_rng_state()
    module = module_cls(*args, **kwargs)
    facula.set_rng_state(state)
    return module
