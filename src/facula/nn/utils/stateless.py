"""torch.nn.utils.stateless: the older place of functional_call."""

from __future__ import annotations

import warnings

from facula.func._modules import functional_call as _functional_call

__all__ = ["functional_call"]


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights: bool = True,
                    strict: bool = False):  # fmt: skip
    """Call a module with other tensors in the place of its parameters and buffers; use torch.func.functional_call.

    Example:
        >>> import facula as torch, warnings
        >>> from facula.nn.utils import stateless
        >>> layer = torch.nn.Linear(2, 1, bias=False)
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     stateless.functional_call(layer, {"weight": torch.ones(1, 2)}, torch.ones(2))
        tensor([2.])
    """
    warnings.warn(
        "This API is deprecated as of PyTorch 2.0 and will be removed in a future version of PyTorch. Please use "
        "torch.func.functional_call instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
