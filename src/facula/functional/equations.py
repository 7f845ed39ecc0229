"""Linear equations of torch.linalg: solving, inverses, determinants, least squares, rank and condition."""

from __future__ import annotations

from math import inf, prod

from facula._C import Tensor
from facula._native import autocasts, native
from facula.functional.decomposition import eigvalsh, named, single, svdvals

# The entries of the table. `name` is what error messages call the operation; without one errors are left to `info`.


@native("_linalg_solve_ex")
def _solve_ex(A: Tensor, B: Tensor, left: bool, name: str) -> tuple[Tensor, ...]:
    """The solution, the factors, pivots, info."""


@native("_linalg_inv_ex")
def _inv_ex(A: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """The inverse and info."""


@native("_linalg_det")
def _det(A: Tensor) -> tuple[Tensor, ...]:
    """The determinant, the factors, pivots."""


@native("_linalg_slogdet")
def _slogdet(A: Tensor) -> tuple[Tensor, ...]:
    """The sign, the factors, pivots, the logarithm."""


@native("_linalg_lu_solve")
def _lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, left: bool, adjoint: bool, *, out=None) -> Tensor:
    """The solution."""


@native("_linalg_ldl_solve")
def _ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, hermitian: bool, *, out=None) -> Tensor:
    """The solution."""


@native("_linalg_solve_triangular")
def _solve_triangular(A: Tensor, B: Tensor, upper: bool, left: bool, unitriangular: bool, *, out=None) -> Tensor:
    """The solution."""


@native("_linalg_lstsq")
def _lstsq(A: Tensor, B: Tensor, rcond: float | None, driver: int) -> tuple[Tensor, ...]:
    """The solution, residuals, ranks, singular values."""


@native("_linalg_pinv")
def _pinv(A: Tensor, atol: Tensor | None, rtol: Tensor | None, hermitian: bool, *, out=None) -> Tensor:
    """The pseudo-inverse."""


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """The X of ``A X = B``, or of ``X A = B``.

    Args:
        A: square matrices [*, n, n].
        B: right sides [*, n, k], or [*, n] when its shape is that of ``A`` without the last dimension.
        left: which equation.

    Raises:
        LinAlgError: a matrix is singular.

    Example:
        >>> import facula as torch
        >>> torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([2.0, 4.0]))
        tensor([1., 1.])
    """
    return single(_solve_ex(A, B, left, "torch.linalg.solve")[0], out)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out=None):
    """``solve`` that reports a singular matrix in ``info``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.solve_ex(torch.zeros(2, 2), torch.ones(2)).info
        tensor(1, dtype=torch.int32)
    """
    result = _solve_ex(A, B, left, "torch.linalg.solve_ex" if check_errors else "")
    return named("linalg_solve_ex", (result[0], result[3]), out)


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of square matrices; ``solve(A, B)`` is quicker and more exact than ``inv(A) @ B``.

    Raises:
        LinAlgError: a matrix is singular.

    Example:
        >>> import facula as torch
        >>> torch.linalg.inv(torch.tensor([[2.0, 1.0], [0.0, 4.0]]))
        tensor([[ 0.5000, -0.1250],
                [ 0.0000,  0.2500]])
    """
    return single(_inv_ex(A, "linalg.inv")[0], out)


def inv_ex(A: Tensor, *, check_errors: bool = False, out=None):
    """``inv`` that reports a singular matrix in ``info``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.inv_ex(torch.zeros(2, 2)).info
        tensor(1, dtype=torch.int32)
    """
    return named("linalg_inv_ex", _inv_ex(A, "linalg.inv_ex" if check_errors else ""), out)


def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinant of square matrices.

    Example:
        >>> import facula as torch
        >>> torch.linalg.det(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor(8.)
    """
    return single(_det(A)[0], out)


def slogdet(A: Tensor, *, out=None):
    """The sign of the determinant (of absolute value 1, or 0) and the logarithm of its absolute value.

    Example:
        >>> import facula as torch
        >>> torch.linalg.slogdet(-torch.eye(3)).sign
        tensor(-1.)
    """
    sign, _, _, log = _slogdet(A)
    return named("linalg_slogdet", (sign, log), out)


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """The X of ``A X = B`` (or ``X A = B``; with ``adjoint`` for ``A^H``), A given by ``lu_factor``.

    Example:
        >>> import facula as torch
        >>> LU, pivots = torch.linalg.lu_factor(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
        >>> torch.linalg.lu_solve(LU, pivots, torch.ones(2, 1))
        tensor([[0.5000],
                [0.2500]])
    """
    return _lu_solve(LU, pivots, B, left, adjoint, out=out)


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None) -> Tensor:
    """The X of ``A X = B``, A given by ``ldl_factor``.

    Example:
        >>> import facula as torch
        >>> LD, pivots = torch.linalg.ldl_factor(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
        >>> torch.linalg.ldl_solve(LD, pivots, torch.ones(2, 1))
        tensor([[0.5000],
                [0.2500]])
    """
    return _ldl_solve(LD, pivots, B, hermitian, out=out)


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """The X of ``A X = B`` (or ``X A = B``) for a triangular A; the other triangle is not read.

    Example:
        >>> import facula as torch
        >>> torch.linalg.solve_triangular(torch.tensor([[2.0, 0.0], [1.0, 1.0]]), torch.ones(2, 1), upper=False)
        tensor([[0.5000],
                [0.5000]])
    """
    return _solve_triangular(A, B, upper, left, unitriangular, out=out)


_DRIVERS = {"gels": 0, "gelsy": 1, "gelsd": 2, "gelss": 3}


def lstsq(A: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None, out=None):
    """The X of the least ``|A X - b|``.

    Args:
        A: matrices [*, m, n].
        b: right sides [*, m, k], or [*, m].
        rcond: singular values below ``rcond`` times the largest count as zero; by default the rounding unit times
            max(m, n).
        driver: LAPACK's method: "gelsy" (default), "gels" (full rank), "gelsd", "gelss".

    Returns:
        ``(solution, residuals, rank, singular_values)``; what the method does not give is empty.

    Example:
        >>> import facula as torch
        >>> torch.linalg.lstsq(torch.ones(3, 1), torch.tensor([[1.0], [2.0], [3.0]])).solution
        tensor([[2.0000]])
    """
    driver = "gelsy" if driver is None else driver
    if driver not in _DRIVERS:
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got {driver!r}"
        )
    X, residuals, rank, values = _lstsq(A, b, rcond, _DRIVERS[driver])
    return named("linalg_lstsq", (X, residuals, rank, values.detach()), out)


def _tolerance(A: Tensor, value) -> Tensor | None:
    """A tolerance as a tensor."""
    if value is None or isinstance(value, Tensor):
        return value
    return A.new_full((), value, dtype=A.dtype.to_real())


def pinv(A: Tensor, rcond=None, hermitian: bool = False, *, atol=None, rtol=None, out: Tensor | None = None) -> Tensor:
    """The pseudo-inverse.

    Args:
        A: matrices [*, m, n].
        rcond: older name of ``rtol``.
        hermitian: the matrices are Hermitian: eigenvalues instead of singular values, one triangle is read.
        atol, rtol: singular values of at most ``max(atol, rtol * largest)`` count as zero; numbers or tensors [*].

    Example:
        >>> import facula as torch
        >>> torch.linalg.pinv(torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.0000]])
    """
    return _pinv(A, _tolerance(A, atol), _tolerance(A, rtol if rcond is None else rcond), hermitian, out=out)


@autocasts("float32")
def matrix_rank(
    A: Tensor, tol=None, hermitian: bool = False, *, atol=None, rtol=None, out: Tensor | None = None
) -> Tensor:
    """How many singular values exceed ``max(atol, rtol * largest)``.

    Args:
        A: matrices [*, m, n].
        tol: older form: an absolute tolerance alone.
        hermitian: the matrices are Hermitian: eigenvalues instead of singular values.
        atol, rtol: numbers or tensors [*]; by default 0 and the rounding unit times max(m, n).

    Example:
        >>> import facula as torch
        >>> torch.linalg.matrix_rank(torch.ones(3, 3))
        tensor(1)
    """
    from facula.functional.information import finfo

    if A.dim() < 2:
        raise RuntimeError(
            f"torch.linalg.matrix_rank: The input tensor input must have at least 2 dimensions. Got {A.dim()}"
        )
    if tol is not None:
        atol, rtol = tol, 0
    for tolerance in (atol, rtol):
        if isinstance(tolerance, Tensor) and tolerance.is_complex():
            raise RuntimeError("torch.linalg.matrix_rank: tolerances of complex type are not supported")
    A = A.detach()
    if A.numel() == 0:
        return single(A.new_zeros(A.shape[:-2]).long(), out)
    values = eigvalsh(A).abs() if hermitian else svdvals(A)
    if rtol is None:
        usual = finfo(A.dtype).eps * max(A.shape[-2:])
        if isinstance(atol, Tensor):
            rtol = (atol <= 0).to(values.dtype) * usual
        else:
            rtol = usual if atol is None or atol <= 0 else 0.0
    rtol, atol = (t.unsqueeze(-1) if isinstance(t, Tensor) else t for t in (rtol, atol))
    limit = values.amax(-1, True) * rtol
    if atol is not None:
        limit = limit.maximum(atol) if isinstance(atol, Tensor) else limit.clamp(min=atol)
    return single((values > limit).sum(-1), out)


@autocasts("float32")
def cond(A: Tensor, p=None, *, out: Tensor | None = None) -> Tensor:
    """The condition number ``|A| |A^-1|`` in the norm ``p``: by default 2, the quotient of singular values.

    Example:
        >>> import facula as torch
        >>> torch.linalg.cond(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor(2.)
    """
    from facula.functional.linalg import matrix_norm

    if A.dim() < 2:
        raise RuntimeError(f"linalg.cond: The input tensor must have at least 2 dimensions. Got {A.dim()}")
    if p is None or (not isinstance(p, str) and abs(p) == 2):
        if A.numel() == 0:
            return single(A.new_zeros(A.shape[:-2], dtype=A.dtype.to_real()), out)
        values = svdvals(A)
        first, last = values.narrow(-1, 0, 1), values.narrow(-1, -1, 1)
        return single((last / first if p == -2 else first / last).squeeze(-1), out)
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    if A.size(-1) != A.size(-2):
        raise RuntimeError(
            f"linalg.cond(ord={p}): A must be batches of square matrices, but they are {A.size(-2)} by {A.size(-1)} "
            "matrices"
        )
    if A.numel() == 0:
        return single(A.new_zeros(A.shape[:-2], dtype=A.dtype.to_real()), out)
    inverse, info = _inv_ex(A, "")
    inverse = inverse.masked_fill((info > 0).unsqueeze(-1).unsqueeze(-1), inf)
    if p == "nuc":
        values = svdvals(A).sum(-1)
        return single(values * svdvals(inverse).sum(-1), out)
    return single((matrix_norm(A, p) * matrix_norm(inverse, p)).nan_to_num(inf, inf, -inf), out)


@autocasts("float32")
def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``A`` as a map from its last dimensions to its first ``ind``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.tensorinv(torch.eye(6).reshape(2, 3, 6)).shape
        torch.Size([6, 2, 3])
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = A.shape[:ind], A.shape[ind:]
    n, m = prod(first), prod(last)
    if n != m:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{m} != {n}"
        )
    result = inv(A.reshape(n, m)).reshape((*last, *first))
    return single(result, out)


@autocasts("float32")
def tensorsolve(A: Tensor, B: Tensor, dims=None, *, out: Tensor | None = None) -> Tensor:
    """The X of ``tensordot(A, X, X.dim()) = B``.

    Args:
        A: its first dimensions have the sizes of ``B``, the others those of X.
        dims: dimensions of ``A`` to move to its end first.

    Example:
        >>> import facula as torch
        >>> torch.linalg.tensorsolve(torch.eye(6).reshape(2, 3, 6), torch.ones(2, 3)).shape
        torch.Size([6])
    """
    if dims is not None:
        dims = [dims] if isinstance(dims, int) else list(dims)
        A = A.movedim(dims, list(range(A.dim() - len(dims), A.dim())))
    shape = A.shape[B.dim() :]
    n, m = prod(shape), prod(A.shape[: B.dim()])
    if n != m:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {n} != {m}"
        )
    result = solve(A.reshape(m, n), B.reshape(-1)).reshape(shape)
    return single(result, out)
