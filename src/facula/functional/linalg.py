"""The torch.linalg namespace: norms and products. Decompositions and solvers are not in this version."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import native
from facula.functional.product import chain_matmul, matmul, matrix_power
from facula.functional.product import cross as _cross
from facula.functional.reduction import norm as _norm

__all__ = [
    "cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "qr", "vecdot", "vector_norm",
]  # fmt: skip


def vector_norm(
    x: Tensor, ord: float = 2, dim=None, keepdim: bool = False, *, dtype=None, out: Tensor | None = None
) -> Tensor:
    """The vector norm of order ``ord`` over ``dim``, or over everything.

    Example:
        >>> import facula as torch
        >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
        tensor(5.)
    """
    return _norm(x, ord, dim, keepdim, out, dtype)


def matrix_norm(
    A: Tensor, ord: float | str = "fro", dim=(-2, -1), keepdim: bool = False, *, dtype=None, out: Tensor | None = None
) -> Tensor:
    """A norm of matrices: "fro", or 1, -1 (column sums), inf, -inf (row sums).

    Raises:
        NotImplementedError: "nuc", 2 and -2, which need singular values.

    Example:
        >>> import facula as torch
        >>> torch.linalg.matrix_norm(torch.tensor([[3.0, 4.0]]))
        tensor(5.)
    """
    if A.dim() < 2:
        raise RuntimeError(f"linalg.matrix_norm: The input tensor A must have at least 2 dimensions. Got {A.dim()}")
    if ord == "fro":
        return _norm(A, 2, tuple(dim), keepdim, out, dtype)
    if ord in ("nuc", 2, -2):
        raise NotImplementedError(
            f"matrix_norm(): ord={ord!r} needs singular values, which this version does not compute"
        )
    if ord not in (1, -1, float("inf"), -float("inf")):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    first, second = (d % A.dim() for d in dim)
    summed, compared = (first, second) if abs(ord) == 1 else (second, first)
    sums = _norm(A, 1, summed, True, None, dtype)
    result = sums.amax(compared, True) if ord > 0 else sums.amin(compared, True)
    result = result if keepdim else result.squeeze((first, second))
    return result if out is None else out.copy_(result)


def norm(A: Tensor, ord=None, dim=None, keepdim: bool = False, *, out: Tensor | None = None, dtype=None) -> Tensor:
    """A vector norm, or a matrix norm when ``dim`` names two dimensions or a matrix comes with an ``ord``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.norm(torch.tensor([[3.0, 4.0]])), torch.linalg.norm(torch.tensor([3.0, -4.0]), 1)
        (tensor(5.), tensor(7.))
    """
    pair = isinstance(dim, (tuple, list)) and len(dim) == 2
    if ord is not None and (pair or (dim is None and A.dim() == 2)):
        return matrix_norm(A, ord, dim if pair else (-2, -1), keepdim, dtype=dtype, out=out)
    if ord is not None and dim is None and A.dim() != 1:
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.dim()}D."
        )
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: ord={ord!r} is a matrix norm and needs two dimensions")
    return _norm(A, 2 if ord is None else ord, dim, keepdim, out, dtype)


def multi_dot(tensors, *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices in the cheapest order; a vector may be first or last.

    Example:
        >>> import facula as torch
        >>> torch.linalg.multi_dot((torch.ones(2), torch.ones(2, 3), torch.ones(3)))
        tensor(6.)
    """
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    matrices = list(tensors)
    row, column = matrices[0].dim() == 1, matrices[-1].dim() == 1
    if row:
        matrices[0] = matrices[0].unsqueeze(0)
    if column:
        matrices[-1] = matrices[-1].unsqueeze(1)
    result = chain_matmul(*matrices)
    result = result.squeeze(0) if row else result
    result = result.squeeze(-1) if column else result
    return result if out is None else out.copy_(result)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Sums of products along ``dim``, the first operand conjugated.

    Example:
        >>> import facula as torch
        >>> torch.linalg.vecdot(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]))
        tensor([11.])
    """
    result = ((x.conj() if x.is_complex() else x) * y).sum(dim)
    return result if out is None else out.copy_(result)


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The cross product of vectors of three elements along ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]))
        tensor([0., 0., 1.])
    """
    return _cross(input, other, dim, out=out)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of the diagonals of matrices.

    Example:
        >>> import facula as torch
        >>> torch.linalg.diagonal(torch.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    return A.diagonal(offset, dim1, dim2)


@native
def _qr(A: Tensor) -> tuple[Tensor, Tensor]:
    """The reduced decomposition of a matrix."""


def qr(A: Tensor, mode: str = "reduced"):
    """The product of orthonormal columns Q and an upper triangular R.

    Args:
        A: a float32 or float64 matrix [m, n].
        mode: "reduced" (Q [m, k], R [k, n] with k = min(m, n)) or "r" (Q is empty).

    Returns:
        The pair (Q, R).

    Raises:
        RuntimeError: ``mode`` is another one, or A is no floating matrix.
        NotImplementedError: A requires grad.

    Example:
        >>> import facula as torch
        >>> q, r = torch.linalg.qr(torch.eye(2))
        >>> (q @ r).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if mode not in ("reduced", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' or 'r'")
    q, r = _qr(A)
    return (A.new_empty(0) if mode == "r" else q), r
