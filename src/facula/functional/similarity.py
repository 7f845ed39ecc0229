"""Similarity and distance of two vectors, or of rows one by one. All pairs of rows are in distance.py."""

from __future__ import annotations

import facula
from facula import Tensor
from facula._native import composed

__all__ = ["cosine_similarity", "pairwise_distance"]
METHODS = ""


@composed
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along a dimension.

    Args:
        x1, x2 (Tensor): floating-point, broadcast against each other.
        dim (int): Default: 1.
        eps (float): least norm. Default: 1e-8.

    Raises:
        RuntimeError: a tensor is not floating-point.

    Example:
        >>> import facula as torch
        >>> torch.cosine_similarity(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]))
        tensor([1.])
    """
    dtype = facula.promote_types(x1.dtype, x2.dtype)
    if not dtype.is_floating_point:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {dtype}")
    x1, x2 = x1.to(dtype), x2.to(dtype)
    shape = facula.broadcast_shapes(x1.shape, x2.shape)
    x1, x2 = x1.expand(shape), x2.expand(shape)

    def unit(x):
        return x / facula.linalg.vector_norm(x, 2, dim, keepdim=True).clamp_min(eps)

    return (unit(x1) * unit(x2)).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """p-norm of x1 - x2 + eps along the last dimension.

    Args:
        x1, x2 (Tensor): (*, D), broadcast against each other.
        p (float): Default: 2.0.
        eps (float): Default: 1e-6.
        keepdim (bool): Default: False.

    Example:
        >>> import facula as torch
        >>> torch.pairwise_distance(torch.tensor([[3.0]]), torch.tensor([[1.0]]))
        tensor([2.0000])
    """
    return facula.norm(x1 - x2 + eps, p, -1, keepdim)
