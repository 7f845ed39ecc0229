"""Norms under older names: frobenius_norm, norm_except_dim. Composed of ``norm``."""

from __future__ import annotations

from facula._C import Tensor
from facula.functional.reduction import _norm
from facula.functional.shape import reshape

__all__ = ["frobenius_norm", "norm_except_dim"]
METHODS = ""


def frobenius_norm(
    input: Tensor, dim: int | tuple[int, ...], keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The square root of the sum of squares over ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.frobenius_norm(torch.tensor([[3.0, 4.0]]), (0, 1))
        tensor(5.)
    """
    return _norm(input, 2.0, dim, keepdim, None, out=out)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm of order ``pow`` over all dimensions but ``dim``, which stay with size 1; ``dim=-1``: over all.

    Example:
        >>> import facula as torch
        >>> torch.norm_except_dim(torch.tensor([[3.0, 4.0], [6.0, 8.0]]))
        tensor([[ 5.],
                [10.]])
    """
    if dim == -1:
        return _norm(v, pow, None, False, None)
    if not 0 <= dim < v.dim():
        raise IndexError(f"Dimension out of range (expected to be in range of [0, {v.dim() - 1}], but got {dim})")
    shape = [size if i == dim else 1 for i, size in enumerate(v.shape)]
    others = tuple(i for i in range(v.dim()) if i != dim)
    return reshape(_norm(v, pow, others, False, None) if others else v.abs(), shape)
