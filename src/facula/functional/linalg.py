"""The torch.linalg namespace, with its norms and products. The rest is in decomposition.py and equations.py."""

from __future__ import annotations

from facula._C import Tensor, promote_types
from facula._C import _LinAlgError as LinAlgError
from facula._native import autocasts, composed
from facula.functional.arguments import write_out
from facula.functional.decomposition import (
    cholesky,
    cholesky_ex,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    householder_product,
    ldl_factor,
    ldl_factor_ex,
    lu,
    lu_factor,
    lu_factor_ex,
    qr,
    svd,
    svdvals,
)
from facula.functional.equations import (
    cond,
    det,
    inv,
    inv_ex,
    ldl_solve,
    lstsq,
    lu_solve,
    matrix_rank,
    pinv,
    slogdet,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from facula.functional.matrix import matrix_exp, powers
from facula.functional.product import chain_matmul, matmul, matrix_power
from facula.functional.product import cross as _cross
from facula.functional.reduction import norm as _norm

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu", "lu_factor",
    "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot",
    "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv",
    "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip


def _check_norm(name: str, x: Tensor, dtype) -> None:
    """Refuse types that have no norm."""
    kind = x.dtype if dtype is None else dtype
    if not (x.is_floating_point() or x.is_complex()):
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {x.dtype._scalar_name}; use x.float()"
        )
    if dtype is None:
        return
    if not (kind.is_floating_point or kind.is_complex):
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {kind._scalar_name}")
    if kind.is_complex != x.dtype.is_complex:
        own, other = ("complex", "complex") if x.is_complex() else ("floating point", "real")
        raise RuntimeError(f"{name}: dtype should be {own} for {other} inputs, but got {kind._scalar_name}")
    if promote_types(x.dtype, kind) != kind:
        raise RuntimeError(
            f"{name}: the dtype of the input ({x.dtype._scalar_name}) should be convertible without narrowing to the "
            f"specified dtype ({kind._scalar_name})"
        )


@composed
def vector_norm(
    x: Tensor, ord: float = 2, dim=None, keepdim: bool = False, *, dtype=None, out: Tensor | None = None
) -> Tensor:
    """The vector norm of order ``ord`` over ``dim``, or over everything.

    Raises:
        RuntimeError: an integer tensor; a dtype that narrows; no elements for an order that needs one.

    Example:
        >>> import facula as torch
        >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
        tensor(5.)
    """
    _check_norm("linalg.vector_norm", x, dtype)
    if x.numel() == 0 and (ord < 0 or ord == float("inf")):
        reduced = range(x.dim()) if dim is None or dim == () else (dim,) if isinstance(dim, int) else dim
        if x.dim() == 0 or dim is None or dim == () or any(x.size(d) == 0 for d in reduced):
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does not "
                "have an identity"
            )
    return _norm(x, ord, None if dim == () else dim, keepdim, out, dtype)


@composed
def matrix_norm(
    A: Tensor, ord: float | str = "fro", dim=(-2, -1), keepdim: bool = False, *, dtype=None, out: Tensor | None = None
) -> Tensor:
    """A norm of matrices: "fro", "nuc" (sum of singular values), 2, -2 (largest, smallest singular value), 1, -1
    (column sums), inf, -inf (row sums).

    Example:
        >>> import facula as torch
        >>> torch.linalg.matrix_norm(torch.tensor([[3.0, 4.0]]))
        tensor(5.)
    """
    name = "linalg.matrix_norm"
    if A.dim() < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions. Got {A.dim()}")
    pair = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(pair) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {', '.join(map(str, pair))}")
    for d in pair:
        A.size(d)  # refuses what is out of range
    first, second = (d % A.dim() for d in pair)
    if first == second:
        raise RuntimeError(f"{name}: dims must be different. Got ({pair[0]}, {pair[1]})")
    _check_norm(name, A, dtype)
    if ord == "fro":
        return vector_norm(A, 2, (first, second), keepdim, dtype=dtype, out=out)
    if ord not in ("nuc", 1, -1, 2, -2, float("inf"), -float("inf")):
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    A = A if dtype is None else A.to(dtype)
    if ord in ("nuc", 2, -2):
        values = svdvals(A.movedim((first, second), (-2, -1)))
        if ord == 2 and values.size(-1) == 0:
            values = values.sum(-1, True)  # the norm of nothing is 0
        result = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)
        if keepdim:
            for d in sorted((first, second)):
                result = result.unsqueeze(d)
    else:
        summed, compared = (first, second) if ord in (1, -1) else (second, first)
        if not keepdim and summed < compared:
            compared -= 1
        sums = vector_norm(A, 1, summed, keepdim)
        if ord in (1, float("inf")) and sums.size(compared) == 0:
            sums = sums.sum(compared, True)
        result = sums.amax(compared, keepdim) if ord in (1, float("inf")) else sums.amin(compared, keepdim)
    return result if out is None else write_out(result, out)


@composed
def norm(A: Tensor, ord=None, dim=None, keepdim: bool = False, *, out: Tensor | None = None, dtype=None) -> Tensor:
    """A vector norm, or a matrix norm when ``dim`` names two dimensions or a matrix comes with an ``ord``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.norm(torch.tensor([[3.0, 4.0]])), torch.linalg.norm(torch.tensor([3.0, -4.0]), 1)
        (tensor(5.), tensor(7.))
    """
    dim = (dim,) if isinstance(dim, int) else dim
    if isinstance(ord, str) or (ord is not None and (len(dim) == 2 if dim is not None else A.dim() == 2)):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype, out=out)
    if ord is not None and dim is None and A.dim() > 2:
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.dim()}D."
        )
    return vector_norm(A, 2.0 if ord is None else ord, dim, keepdim, dtype=dtype, out=out)


def multi_dot(tensors, *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices in the cheapest order; a vector may be first or last.

    Raises:
        RuntimeError: fewer than two tensors; shapes or dtypes that do not fit.

    Example:
        >>> import facula as torch
        >>> torch.linalg.multi_dot((torch.ones(2), torch.ones(2, 3), torch.ones(3)))
        tensor(6.)
    """
    matrices = list(tensors)
    count = len(matrices)
    if count < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {count}")
    for i, x in enumerate(matrices):
        allowed, words = ((1, 2), "1D or 2D") if i in (0, count - 1) else ((2,), "2D")
        which = "first tensor" if i == 0 else "last tensor" if i == count - 1 else f"tensor {i}"
        if x.dim() not in allowed:
            raise RuntimeError(f"multi_dot(): the {which} must be {words} but got {x.dim()}D")
        if x.dtype != matrices[0].dtype:
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {matrices[0].dtype} and tensor "
                f"{i} {x.dtype}"
            )
        if i and x.size(0) != matrices[i - 1].size(-1):
            raise RuntimeError(
                f"multi_dot(): tensors {i - 1} and {i} with shapes {list(matrices[i - 1].shape)} and {list(x.shape)} "
                "cannot be multiplied"
            )
    row, column = matrices[0].dim() == 1, matrices[-1].dim() == 1
    matrices[0] = matrices[0].unsqueeze(0) if row else matrices[0]
    matrices[-1] = matrices[-1].unsqueeze(1) if column else matrices[-1]
    result = chain_matmul(*matrices)
    result = result.squeeze(0) if row else result
    result = result.squeeze(-1) if column else result
    return result if out is None else write_out(result, out)


@autocasts("lower")
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Sums of products along ``dim``, the first operand conjugated.

    Example:
        >>> import facula as torch
        >>> torch.linalg.vecdot(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]))
        tensor([11.])
    """
    _check_norm("linalg.vecdot", x, None)
    if x.dtype != y.dtype:
        raise RuntimeError(
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {x.dtype._scalar_name} and y "
            f"of type {y.dtype._scalar_name} instead"
        )
    result = ((x.conj() if x.is_complex() else x) * y).sum(dim, dtype=x.dtype)
    return result if out is None else write_out(result, out)


@composed
def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The cross product of vectors of three elements along ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]))
        tensor([0., 0., 1.])
    """
    if input.dim() != other.dim():
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, got {input.dim()} and {other.dim()}"
        )
    return _cross(input, other, dim, out=out)


@composed
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of the diagonals of matrices.

    Example:
        >>> import facula as torch
        >>> torch.linalg.diagonal(torch.tensor([[1, 2], [3, 4]]))
        tensor([1, 4])
    """
    return A.diagonal(offset, dim1, dim2)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """The powers 0 to ``N - 1`` of every element, in a new last dimension; ``N`` is by default the last size.

    Example:
        >>> import facula as torch
        >>> torch.linalg.vander(torch.tensor([2, 3]), N=3)
        tensor([[1, 2, 4],
                [1, 3, 9]])
    """
    if x.dtype._scalar_name in ("Half", "BFloat16", "Bool"):
        raise RuntimeError(
            f"linalg.vander supports floating point, complex, and integer tensors, but got {x.dtype._scalar_name}"
        )
    x = x.unsqueeze(-1) if x.dim() == 0 else x
    count = x.size(-1) if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    return powers(x, count)
