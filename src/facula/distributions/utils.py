"""What several distributions need: parameters of one shape, probabilities from log-odds and back, values made once."""

from __future__ import annotations

import facula
from facula import Tensor

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]

euler_constant = 0.57721566490153286060  # Euler and Mascheroni's constant


def broadcast_all(*values):
    """Numbers and tensors as tensors of one shape; numbers take the dtype of the first tensor.

    Example:
        >>> import facula as torch
        >>> from facula.distributions.utils import broadcast_all
        >>> broadcast_all(1.0, torch.zeros(2))
        (tensor([1., 1.]), tensor([0., 0.]))
    """
    if not all(isinstance(v, (Tensor, int, float)) for v in values):
        raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing it.")
    first = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = facula.get_default_dtype() if first is None else first.dtype
    return tuple(
        facula.broadcast_tensors(*(v if isinstance(v, Tensor) else facula.tensor(v, dtype=dtype) for v in values))
    )


def _standard_normal(shape, dtype, device=None) -> Tensor:
    return facula.normal(facula.zeros(shape, dtype=dtype), facula.ones(shape, dtype=dtype))


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last ``dim`` dimensions."""
    return value if dim == 0 else value.reshape((*value.shape[: value.dim() - dim], -1)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """The probabilities of log-odds (``is_binary``) or of unnormalised logarithms in the last dimension.

    Example:
        >>> import facula as torch
        >>> from facula.distributions.utils import logits_to_probs
        >>> logits_to_probs(torch.tensor([0.0, 0.0]))
        tensor([0.5000, 0.5000])
    """
    return facula.sigmoid(logits) if is_binary else facula.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities inside [eps, 1 - eps] of their dtype.

    Example:
        >>> import facula as torch
        >>> from facula.distributions.utils import clamp_probs
        >>> clamp_probs(torch.tensor([0.5]))
        tensor([0.5000])
    """
    eps = facula.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The log-odds (``is_binary``) or logarithms of probabilities.

    Example:
        >>> import facula as torch
        >>> from facula.distributions.utils import probs_to_logits
        >>> probs_to_logits(torch.tensor([0.5]), is_binary=True)
        tensor([0.])
    """
    clamped = clamp_probs(probs)
    return facula.log(clamped) - facula.log1p(-clamped) if is_binary else facula.log(clamped)


class lazy_property:
    """A method that becomes an attribute when it is first read; recorded even inside ``no_grad``."""

    def __init__(self, wrapped):
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance, obj_type=None):
        if instance is None:
            return self
        with facula.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value
