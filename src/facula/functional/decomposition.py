"""The decompositions of torch.linalg: Cholesky, LU, LDL, QR, eigenvalues, singular values. Equations: equations.py."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import native
from facula.functional import return_types
from facula.functional.arguments import write_out


def named(kind: str, values, out=None):
    """The results as ``torch.return_types.<kind>``, written into the tensors of ``out`` where given."""
    if out is not None:
        values = [write_out(value, to) for value, to in zip(values, out)]
    return getattr(return_types, kind)(values)


def single(value: Tensor, out: Tensor | None) -> Tensor:
    """One result, in ``out`` where given."""
    return value if out is None else write_out(value, out)


# The entries of the table. `name` is what error messages call the operation; without one errors are left to `info`.


@native("_linalg_cholesky_ex")
def _cholesky_ex(A: Tensor, upper: bool, name: str) -> tuple[Tensor, ...]:
    """The factor and info."""


@native("_linalg_lu_factor_ex")
def _lu_factor_ex(A: Tensor, pivot: bool, name: str) -> tuple[Tensor, ...]:
    """Both factors in one matrix, pivots, info."""


@native("_linalg_lu")
def _lu(A: Tensor, pivot: bool) -> tuple[Tensor, ...]:
    """P, L, U."""


@native("_linalg_ldl_factor_ex")
def _ldl_factor_ex(A: Tensor, hermitian: bool, name: str) -> tuple[Tensor, ...]:
    """Both factors in one matrix, pivots, info."""


@native("_linalg_qr")
def _qr(A: Tensor, mode: int) -> tuple[Tensor, Tensor]:
    """Q, R; modes 0 reduced, 1 complete, 2 only R."""


@native("_linalg_eigh")
def _eigh(A: Tensor, upper: bool, vectors: bool) -> tuple[Tensor, Tensor]:
    """Eigenvalues, eigenvectors."""


@native("_linalg_eig")
def _eig(A: Tensor, vectors: bool) -> tuple[Tensor, Tensor]:
    """Eigenvalues, eigenvectors."""


@native("_linalg_svd")
def _svd(A: Tensor, full_matrices: bool, vectors: bool) -> tuple[Tensor, Tensor, Tensor]:
    """U, S, Vh."""


@native("_householder_product")
def _householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The columns of the product."""


def cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The triangular L of ``A = L L^H`` for Hermitian positive-definite matrices, of which one triangle is read.

    Raises:
        LinAlgError: a matrix is not positive-definite.

    Example:
        >>> import facula as torch
        >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]))
        tensor([[2., 0.],
                [1., 2.]])
    """
    return single(_cholesky_ex(A, upper, "linalg.cholesky")[0], out)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False, out=None):
    """``cholesky`` that reports failure in ``info`` (0, or the order of the minor that is not positive).

    Example:
        >>> import facula as torch
        >>> torch.linalg.cholesky_ex(-torch.eye(2)).info
        tensor(1, dtype=torch.int32)
    """
    return named("linalg_cholesky_ex", _cholesky_ex(A, upper, "linalg.cholesky_ex" if check_errors else ""), out)


def lu(A: Tensor, *, pivot: bool = True, out=None):
    """``A = P L U``: a permutation, a unit lower and an upper triangular matrix.

    Example:
        >>> import facula as torch
        >>> P, L, U = torch.linalg.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))
        >>> L, U
        (tensor([[1.0000, 0.0000],
                [0.5000, 1.0000]]), tensor([[2., 2.],
                [0., 1.]]))
    """
    P, L, U = _lu(A, pivot)
    return named("linalg_lu", (P.detach(), L, U), out)


def lu_factor(A: Tensor, *, pivot: bool = True, out=None):
    """Both factors of ``A = P L U`` in one matrix, and the row exchanges, for ``lu_solve``.

    Raises:
        RuntimeError: U has a zero on its diagonal.

    Example:
        >>> import facula as torch
        >>> torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 2.0]])).pivots
        tensor([2, 2], dtype=torch.int32)
    """
    return named("linalg_lu_factor", _lu_factor_ex(A, pivot, "torch.linalg.lu_factor")[:2], out)


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out=None):
    """``lu_factor`` that reports a zero on the diagonal of U in ``info``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.lu_factor_ex(torch.zeros(2, 2)).info
        tensor(1, dtype=torch.int32)
    """
    factors = _lu_factor_ex(A, pivot, "torch.linalg.lu_factor_ex" if check_errors else "")
    return named("linalg_lu_factor_ex", factors, out)


def ldl_factor(A: Tensor, *, hermitian: bool = False, out=None):
    """Factors of a symmetric (or Hermitian) indefinite matrix, for ``ldl_solve``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.ldl_factor(torch.eye(2)).pivots
        tensor([1, 2], dtype=torch.int32)
    """
    return named("linalg_ldl_factor", _ldl_factor_ex(A, hermitian, "torch.linalg.ldl_factor")[:2], out)


def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out=None):
    """``ldl_factor`` that reports failure in ``info``.

    Example:
        >>> import facula as torch
        >>> torch.linalg.ldl_factor_ex(torch.zeros(2, 2)).info
        tensor(1, dtype=torch.int32)
    """
    factors = _ldl_factor_ex(A, hermitian, "torch.linalg.ldl_factor_ex" if check_errors else "")
    return named("linalg_ldl_factor_ex", factors, out)


_QR_MODES = {"reduced": 0, "complete": 1, "r": 2}


def qr(A: Tensor, mode: str = "reduced", *, out=None):
    """``A = Q R`` with orthonormal columns Q and an upper triangular R.

    Args:
        A: matrices [*, m, n].
        mode: "reduced" (Q [*, m, k], k = min(m, n)), "complete" (Q [*, m, m]) or "r" (Q is empty).

    Raises:
        RuntimeError: another mode; in backward, a mode without derivative.

    Example:
        >>> import facula as torch
        >>> q, r = torch.linalg.qr(torch.eye(2))
        >>> (q @ r).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if mode not in _QR_MODES:
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    return named("linalg_qr", _qr(A, _QR_MODES[mode]), out)


def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first columns of the product of the reflections ``I - tau_i v_i v_i^H`` that ``geqrf`` gives.

    Example:
        >>> import facula as torch
        >>> torch.linalg.householder_product(torch.tensor([[1.0], [0.0]]), torch.tensor([2.0]))
        tensor([[-1.],
                [-0.]])
    """
    return _householder_product(A, tau, out=out)


def _is_upper(UPLO: str) -> bool:
    if UPLO not in ("L", "U", "l", "u"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO in ("U", "u")


def eigh(A: Tensor, UPLO: str = "L", *, out=None):
    """Eigenvalues in ascending order and orthonormal eigenvectors (columns) of Hermitian matrices.

    Args:
        A: matrices [*, n, n]; one triangle is read.
        UPLO: which: "L" or "U".

    Example:
        >>> import facula as torch
        >>> torch.linalg.eigh(torch.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
        tensor([1., 2.])
    """
    return named("linalg_eigh", _eigh(A, _is_upper(UPLO), True), out)


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """The eigenvalues of Hermitian matrices, in ascending order.

    Example:
        >>> import facula as torch
        >>> torch.linalg.eigvalsh(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        tensor([1., 2.])
    """
    return single(_eigh(A, _is_upper(UPLO), False)[0], out)


def eig(A: Tensor, *, out=None):
    """Complex eigenvalues and eigenvectors (columns of norm 1) of square matrices.

    Example:
        >>> import facula as torch
        >>> torch.linalg.eig(torch.tensor([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues.tolist()
        [1j, -1j]
    """
    return named("linalg_eig", _eig(A, True), out)


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex eigenvalues of square matrices.

    Example:
        >>> import facula as torch
        >>> torch.linalg.eigvals(torch.tensor([[0.0, 1.0], [-1.0, 0.0]])).tolist()
        [1j, -1j]
    """
    return single(_eig(A, False)[0], out)


def _check_driver(name: str, driver) -> None:
    if driver is not None:
        raise RuntimeError(
            f"torch.linalg.{name}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out=None):
    """``A = U diag(S) Vh`` with orthonormal U and Vh and singular values in descending order.

    Args:
        A: matrices [*, m, n].
        full_matrices: U [*, m, m] and Vh [*, n, n]; otherwise their first min(m, n) columns and rows.

    Example:
        >>> import facula as torch
        >>> torch.linalg.svd(torch.tensor([[3.0, 0.0], [0.0, 4.0]])).S
        tensor([4., 3.])
    """
    _check_driver("svd", driver)
    return named("linalg_svd", _svd(A, full_matrices, True), out)


def svdvals(A: Tensor, *, driver: str | None = None, out: Tensor | None = None) -> Tensor:
    """The singular values, in descending order.

    Example:
        >>> import facula as torch
        >>> torch.linalg.svdvals(torch.tensor([[3.0, 0.0], [0.0, 4.0]]))
        tensor([4., 3.])
    """
    _check_driver("svdvals", driver)
    return single(_svd(A, False, False)[1], out)
