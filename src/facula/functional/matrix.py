"""Linear algebra under its older names torch.* and Tensor.*; what torch.linalg has too is computed there."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import autocasts, composed, native
from facula.functional import decomposition, equations, return_types
from facula.functional.decomposition import named, single

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "det", "geqrf", "inverse", "logdet", "lu",
    "lu_solve", "lu_unpack", "matrix_exp", "nuclear_norm", "orgqr", "ormqr", "pca_lowrank", "pinverse", "qr", "slogdet",
    "svd", "svd_lowrank", "triangular_solve", "vander",
]  # fmt: skip


@native("_cholesky")
def _cholesky(input: Tensor, upper: bool, name: str) -> tuple[Tensor, Tensor]:
    """The factor and info."""


@native("_lu_unpack")
def _lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool, unpack_pivots: bool) -> tuple[Tensor, ...]:
    """P, L, U."""


@native("geqrf")
def _geqrf(input: Tensor) -> tuple[Tensor, Tensor]:
    """Reflections and their factors."""


@native("_triangular_solve")
def _triangular_solve(b: Tensor, A: Tensor, upper: bool, transpose: bool, unitriangular: bool) -> tuple[Tensor, Tensor]:
    """The solution and a copy of A."""


def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The triangular factor of positive-definite matrices; ``torch.linalg.cholesky`` is the newer form.

    Example:
        >>> import facula as torch
        >>> torch.cholesky(torch.tensor([[4.0]]))
        tensor([[2.]])
    """
    return single(_cholesky(input, upper, "cholesky")[0], out)


@native
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of the matrix whose Cholesky factor is ``L``.

    Example:
        >>> import facula as torch
        >>> torch.cholesky_inverse(torch.tensor([[2.0]]))
        tensor([[0.2500]])
    """


@native
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The X of ``A X = input`` for the A whose Cholesky factor is ``input2``.

    Example:
        >>> import facula as torch
        >>> torch.cholesky_solve(torch.tensor([[4.0]]), torch.tensor([[2.0]]))
        tensor([[1.]])
    """


def det(input: Tensor) -> Tensor:
    """The determinant of square matrices.

    Example:
        >>> import facula as torch
        >>> torch.det(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor(8.)
    """
    return equations._det(input)[0]


def slogdet(input: Tensor, *, out=None):
    """The sign of the determinant and the logarithm of its absolute value.

    Example:
        >>> import facula as torch
        >>> torch.slogdet(-torch.eye(3)).sign
        tensor(-1.)
    """
    sign, _, _, log = equations._slogdet(input)
    return named("slogdet", (sign, log), out)


@composed
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN where it is negative.

    Example:
        >>> import facula as torch
        >>> torch.logdet(torch.eye(3))
        tensor(0.)
    """
    from facula.functional.indexing import where

    if input.dim() >= 2 and input.size(-1) != input.size(-2):
        raise RuntimeError(
            f"logdet: A must be batches of square matrices, but they are {input.size(-2)} by {input.size(-1)} matrices"
        )
    sign, _, _, log = equations._slogdet(input)
    if sign.is_complex():
        return sign.log() + log
    return where(sign.detach() == -1, float("nan"), log)


def inverse(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of square matrices; another name of ``torch.linalg.inv``.

    Example:
        >>> import facula as torch
        >>> torch.inverse(torch.tensor([[2.0]]))
        tensor([[0.5000]])
    """
    return equations.inv(input, out=out)


@autocasts("float32")
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse; singular values of at most ``rcond`` times the largest count as zero.

    Example:
        >>> import facula as torch
        >>> torch.pinverse(torch.tensor([[2.0], [0.0]]))
        tensor([[0.5000, 0.0000]])
    """
    return equations.pinv(input, rcond)


@native
def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of square matrices.

    Example:
        >>> import facula as torch
        >>> torch.matrix_exp(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        tensor([[1., 1.],
                [0., 1.]])
    """


@autocasts("float32")
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out=None):
    """Both LU factors in one matrix and the row exchanges; ``torch.linalg.lu_factor`` is the newer form.

    Example:
        >>> import facula as torch
        >>> torch.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))[1]
        tensor([2, 2], dtype=torch.int32)
    """
    LU, pivots, info = decomposition._lu_factor_ex(A, pivot, "" if get_infos else "lu")
    results = return_types._lu_with_info((LU, pivots, info)) if get_infos else (LU, pivots)
    if out is None:
        return results
    for x, to in zip(results, out):
        to.resize_(x.shape).copy_(x)  # of any dtype, as in torch
    return out


def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The X of ``A X = b``, A given by ``lu``.

    Example:
        >>> import facula as torch
        >>> torch.lu_solve(torch.ones(1, 1), *torch.lu(torch.tensor([[2.0]])))
        tensor([[0.5000]])
    """
    return equations.lu_solve(LU_data, LU_pivots, b, out=out)


def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out=None):
    """The permutation P and the triangular L and U of what ``lu`` gives; what is not asked for is empty.

    Example:
        >>> import facula as torch
        >>> torch.lu_unpack(*torch.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))).L
        tensor([[1.0000, 0.0000],
                [0.5000, 1.0000]])
    """
    P, L, U = _lu_unpack(LU_data, LU_pivots, unpack_data, unpack_pivots)
    return named("lu_unpack", (P.detach(), L, U) if unpack_data else (P.detach(), L.detach(), U.detach()), out)


def qr(input: Tensor, some: bool = True, *, out=None):
    """``input = Q R``; ``torch.linalg.qr`` is the newer form.

    Example:
        >>> import facula as torch
        >>> torch.qr(torch.eye(2)).R.abs()
        tensor([[1., 0.],
                [0., 1.]])
    """
    return named("qr", decomposition._qr(input, 0 if some else 1), out)


def geqrf(input: Tensor, *, out=None):
    """R in the upper triangle, below it the reflections whose product is Q, and their factors.

    Example:
        >>> import facula as torch
        >>> torch.geqrf(torch.tensor([[3.0], [4.0]])).a[0].abs()
        tensor([5.])
    """
    return named("geqrf", _geqrf(input), out)


def orgqr(input: Tensor, input2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Another name of ``torch.linalg.householder_product``.

    Example:
        >>> import facula as torch
        >>> torch.orgqr(torch.tensor([[1.0]]), torch.tensor([0.0]))
        tensor([[1.]])
    """
    return decomposition._householder_product(input, input2, out=out)


@native
def ormqr(
    input: Tensor,
    input2: Tensor,
    input3: Tensor,
    left: bool = True,
    transpose: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """``Q input3``, ``Q^H input3``, ``input3 Q`` or ``input3 Q^H`` for the square Q of ``geqrf``'s two results.

    Example:
        >>> import facula as torch
        >>> torch.ormqr(torch.tensor([[1.0]]), torch.tensor([0.0]), torch.tensor([[3.0]]))
        tensor([[3.]])
    """


def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out=None):
    """``input = U diag(S) V^H``; ``torch.linalg.svd`` is the newer form. Without ``compute_uv`` U and V are zeros.

    Example:
        >>> import facula as torch
        >>> torch.svd(torch.tensor([[3.0, 0.0], [0.0, 4.0]])).S
        tensor([4., 3.])
    """
    if compute_uv:
        U, S, Vh = decomposition._svd(input, not some, True)
        return named("svd", (U, S, Vh.mH), out)
    S = decomposition._svd(input, False, False)[1]
    m, n = input.shape[-2:]
    zeros = [input.detach().new_zeros((*input.shape[:-2], size, size)) for size in (m, n)]
    return named("svd", (zeros[0], S, zeros[1]), out)


def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out=None
):
    """The X of ``A X = b``, or ``A^T X = b``, for triangular A; ``torch.linalg.solve_triangular`` is the newer form.

    Example:
        >>> import facula as torch
        >>> torch.triangular_solve(torch.ones(1, 1), torch.tensor([[2.0]])).solution
        tensor([[0.5000]])
    """
    return named("triangular_solve", _triangular_solve(b, A, upper, transpose, unitriangular), out)


def nuclear_norm(input: Tensor, dim=(-2, -1), keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The sum of the singular values.

    Example:
        >>> import facula as torch
        >>> torch.nuclear_norm(torch.eye(3))
        tensor(3.)
    """
    from facula.functional.linalg import matrix_norm

    return matrix_norm(input, "nuc", dim, keepdim, out=out)


def powers(x: Tensor, count: int) -> Tensor:
    """``x`` to the powers 0 to ``count - 1``, in a new last dimension."""
    from facula.functional.joining import cat

    x = x.unsqueeze(-1).expand(*x.shape, count - 1)
    if not (x.is_floating_point() or x.is_complex()):
        x = x.long()
    one = x.detach().new_ones((*x.shape[:-1], 1))
    return cat((one, x.cumprod(-1)), -1)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers ``N - 1`` to 0 (or 0 to ``N - 1``) of the elements of a vector, as columns.

    Example:
        >>> import facula as torch
        >>> torch.vander(torch.tensor([2, 3]))
        tensor([[2, 1],
                [3, 1]])
    """
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.size(0) if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if count == 0:
        return x.new_empty((x.size(0), 0))
    result = powers(x, count)
    return result if increasing else result.flip(1)


def _range_of(A: Tensor, q: int, niter: int, M: Tensor | None) -> Tensor:
    """Orthonormal columns that nearly span the range of ``A - M``. Source: N. Halko, P. Martinsson, J. Tropp, Finding
    Structure with Randomness, 2009, algorithm 4.4."""
    from facula.functional.random import randn

    def times(X):
        return A @ X if M is None else A @ X - M @ X

    def adjoint_times(X):
        return A.mH @ X if M is None else A.mH @ X - M.mH @ X

    Q = decomposition.qr(times(randn(A.size(-1), q, dtype=A.dtype))).Q
    for _ in range(niter):
        Q = decomposition.qr(adjoint_times(Q)).Q
        Q = decomposition.qr(times(Q)).Q
    return Q


def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None):
    """The ``q`` largest singular values of ``A - M`` and their vectors, nearly: a randomised method.

    Returns:
        ``(U, S, V)``.

    Example:
        >>> import facula as torch
        >>> torch.svd_lowrank(torch.ones(4, 3), 1)[1]
        tensor([3.4641])
    """
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    m, n = A.shape[-2:]
    if M is not None:
        M = M.broadcast_to(A.shape)
    if m < n:
        A, M = A.mH, None if M is None else M.mH
    Q = _range_of(A, q, niter, M)
    B = Q.mH @ A if M is None else Q.mH @ (A - M)
    U, S, Vh = decomposition._svd(B, False, True)
    U, V = Q @ U, Vh.mH
    return (V, S, U) if m < n else (U, S, V)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2):
    """The first ``q`` principal components of the rows of ``A``, nearly: a randomised method.

    Returns:
        ``(U, S, V)``; the columns of V are the directions.

    Example:
        >>> import facula as torch
        >>> torch.pca_lowrank(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), 1)[1]
        tensor([1.4142])
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if not niter >= 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
