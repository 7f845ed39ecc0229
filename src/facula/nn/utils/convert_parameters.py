"""Many parameters as one vector, and back."""

from __future__ import annotations

import facula
from facula import Tensor


def parameters_to_vector(parameters) -> Tensor:
    """Join parameters into one vector.

    Args:
        parameters (iterable of Tensors): contiguous, all on one device.

    Returns:
        Tensor: one-dimensional, part of the autograd graph.

    Raises:
        TypeError: the parameters are on different devices.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.parameters_to_vector(torch.nn.Linear(2, 3).parameters()).shape
        torch.Size([9])
    """
    parameters = list(parameters)
    _check_devices(parameters)
    return facula.cat([p.view(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters) -> None:
    """Give each parameter its slice of a vector as new data; the slices share the vector's storage.

    Args:
        vec (Tensor): one-dimensional.
        parameters (iterable of Tensors): all on one device.

    Raises:
        TypeError: ``vec`` is not a tensor, or the parameters are on different devices.

    Example:
        >>> import facula as torch
        >>> w = torch.nn.Parameter(torch.zeros(2))
        >>> torch.nn.utils.vector_to_parameters(torch.tensor([1.0, 2.0]), [w])
        >>> w.tolist()
        [1.0, 2.0]
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    _check_devices(parameters)
    start = 0
    for param in parameters:
        size = param.numel()
        param.data = vec[start : start + size].view_as(param).detach()
        start += size


def _check_devices(parameters: list[Tensor]) -> None:
    if len({str(p.device) for p in parameters}) > 1:
        raise TypeError("Found two parameters on different devices, this is currently not supported.")
