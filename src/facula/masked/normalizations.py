"""torch.masked, results in the input's shape: cumulative sums and products, softmax and its relatives, normalize.

An element that the mask leaves out counts as the identity of the reduction inside; a slice without any element gives
what that yields (nan for softmax).
"""

from __future__ import annotations

import facula
from facula import Tensor
from facula.masked.masks import dimensions, highest, lowest, replaced
from facula.masked.reductions import norm

__all__ = ["cumprod", "cumsum", "log_softmax", "normalize", "softmax", "softmin"]


def cumsum(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """Sums of the elements so far along ``dim``, those outside ``mask`` counted as 0.

    Example:
        >>> import facula as torch
        >>> torch.masked.cumsum(torch.tensor([1.0, 2.0, 4.0]), 0, mask=torch.tensor([True, False, True]))
        tensor([1., 1., 5.])
    """
    return facula.cumsum(replaced(input, mask, 0), dimensions(dim, input.dim())[0], dtype=dtype or input.dtype)


def cumprod(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """Products of the elements so far along ``dim``, those outside ``mask`` counted as 1.

    Example:
        >>> import facula as torch
        >>> torch.masked.cumprod(torch.tensor([3.0, 2.0, 4.0]), 0, mask=torch.tensor([True, False, True]))
        tensor([ 3.,  3., 12.])
    """
    return facula.cumprod(replaced(input, mask, 1), dimensions(dim, input.dim())[0], dtype=dtype or input.dtype)


def _least_outside(name: str, input: Tensor, mask: Tensor | None) -> Tensor:
    return input if mask is None else replaced(input, mask, lowest(name, input))


def softmax(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``dim`` over the elements of ``mask``; 0 outside it.

    Example:
        >>> import facula as torch
        >>> torch.masked.softmax(torch.tensor([1.0, 9.0, 1.0]), 0, mask=torch.tensor([True, False, True]))
        tensor([0.5000, 0.0000, 0.5000])
    """
    axis = dimensions(dim, input.dim())[0]
    return facula.nn.functional.softmax(_least_outside("softmax", input, mask), axis, dtype=dtype or input.dtype)


def log_softmax(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The logarithm of masked ``softmax``; -inf outside ``mask``.

    Example:
        >>> import facula as torch
        >>> torch.masked.log_softmax(torch.tensor([1.0, 9.0, 1.0]), 0, mask=torch.tensor([True, False, True]))
        tensor([-0.6931,    -inf, -0.6931])
    """
    axis = dimensions(dim, input.dim())[0]
    filled = _least_outside("log_softmax", input, mask)
    return facula.nn.functional.log_softmax(filled, axis, dtype=dtype or input.dtype)


def softmin(input: Tensor, dim: int, *, dtype=None, mask: Tensor | None = None) -> Tensor:
    """``softmax`` of ``-input`` along ``dim`` over the elements of ``mask``; 0 outside it.

    Example:
        >>> import facula as torch
        >>> torch.masked.softmin(torch.tensor([1.0, -9.0, 1.0]), 0, mask=torch.tensor([True, False, True]))
        tensor([0.5000, 0.0000, 0.5000])
    """
    axis = dimensions(dim, input.dim())[0]
    if mask is not None:
        input = replaced(input, mask, highest("softmin", input))
    return facula.nn.functional.softmin(input, axis, dtype=dtype or input.dtype)


def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype=None, mask: Tensor | None = None
) -> Tensor:
    """``input`` divided by its masked norm of order ``ord`` along ``dim``, at least ``eps``; 0 outside ``mask``.

    Example:
        >>> import facula as torch
        >>> torch.masked.normalize(torch.tensor([3.0, 7.0, 4.0]), 2.0, 0, mask=torch.tensor([True, False, True]))
        tensor([0.6000, 0.0000, 0.8000])
    """
    length = norm(input, ord, dim, keepdim=True, dtype=dtype or input.dtype, mask=mask)
    return replaced(input, mask, 0) / facula.maximum(length, length.new_full([], eps))
