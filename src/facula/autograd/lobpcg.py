"""A few extreme eigenpairs of a symmetric matrix by products with it, block by block. Sources: A. Knyazev, Toward the
Optimal Preconditioned Eigensolver, 2001; for the orthonormal basis A. Stathopoulos and K. Wu, A Block Orthogonalization
Procedure with Constant Synchronization Requirements, 2002."""

from __future__ import annotations

import math

from facula._C import Tensor
from facula.autograd.function import Function
from facula.autograd.grad_mode import no_grad
from facula.functional.creation import eye, zeros
from facula.functional.information import finfo
from facula.functional.joining import cat, stack
from facula.functional.linalg import eigh, solve
from facula.functional.random import randn

__all__ = ["lobpcg"]


def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: None = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:
    """The ``k`` largest (or smallest) eigenvalues of ``A x = e B x``, and their eigenvectors.

    Args:
        A (Tensor): (*, m, m), symmetric.
        k (int): Default: the columns of ``X``, or 1.
        B (Tensor): (*, m, m), symmetric and positive definite. Default: the unit matrix.
        X (Tensor): (*, m, n), where to begin. Default: random numbers.
        n (int): how many vectors to work with, at least ``k``. Default: ``k``.
        iK (Tensor): (*, m, m), the preconditioner. Default: the unit matrix.
        niter (int): at most so many iterations; negative: until it converges. Default: 1000.
        tol (float): of the residual. Default: the square root of the dtype's epsilon.
        largest (bool): Default: True.
        method, ortho_iparams, ortho_fparams, ortho_bparams: accepted; there is one method here.
        tracker: not supported.

    Returns:
        tuple[Tensor, Tensor]: (*, k) eigenvalues, the most extreme first, and (*, m, k). Derivatives by ``A`` when
        ``B`` is not given.

    Raises:
        ValueError: m is less than 3 n.

    Example:
        >>> import facula as torch
        >>> torch.lobpcg(torch.diag(torch.tensor([1.0, 5.0, 2.0, 4.0, 3.0, 6.0])), k=2)[0].round(decimals=3)
        tensor([6., 5.])
    """
    if tracker is not None:
        raise NotImplementedError("lobpcg: a tracker is not supported; call with niter=1 and X= to see each iteration")
    if A.dim() < 2 or A.shape[-1] != A.shape[-2]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    if not A.is_floating_point():
        raise RuntimeError(f"lobpcg: expected A of a real floating-point dtype, but got {A.dtype}")
    if any(t is not None and t.requires_grad for t in (B, iK)) or (A.requires_grad and B is not None):
        raise ValueError("lobpcg.backward does not support differentiation with respect to B or iK, or beside B")
    m = A.shape[-1]
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = X.shape[-1] if X is not None else k if n is None else n
    if k < 1 or n < k:
        raise ValueError(f"lobpcg: expected 1 <= k <= n, but got k={k} and n={n}")
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of "
            f"requested eigenpairs (={n})"
        )
    tol = math.sqrt(finfo(A.dtype).eps) if tol is None else tol
    niter = 1000 if niter is None else niter
    return _Eigenpairs.apply(A, B, X, iK, (k, n, niter, tol, largest is None or largest))


class _Eigenpairs(Function):
    """The iteration has no derivative; eigenpairs have."""

    @staticmethod
    def forward(ctx, A, B, X, iK, options):
        k, n = options[:2]
        m = A.shape[-1]
        results = []
        for index in range(math.prod(A.shape[:-2])):
            a, b, x, preconditioner = (
                None if t is None else t.expand(*A.shape[:-2], *t.shape[-2:]).reshape(-1, *t.shape[-2:])[index]
                for t in (A, B, X, iK)
            )
            x = randn(m, n, dtype=A.dtype) if x is None else x
            results.append(_iterate(a, b, x, preconditioner, *options))
        values = stack([e for e, _ in results]).reshape(*A.shape[:-2], k)
        vectors = stack([v for _, v in results]).reshape(*A.shape[:-2], m, k)
        ctx.save_for_backward(A, values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx, g_values, g_vectors):
        A, values, vectors = ctx.saved_tensors
        k, m = values.shape[-1], A.shape[-1]
        g = vectors @ (g_values.unsqueeze(-1) * vectors.mT)
        # dx_i solves (A - e_i) dx_i = -(dA - de_i) x_i with x_i^T dx_i = 0: a system bordered by x_i.
        corner = zeros(*A.shape[:-2], 1, 1, dtype=A.dtype)
        for i in range(k):
            x = vectors[..., i : i + 1]
            shifted = A - values[..., i, None, None] * eye(m, dtype=A.dtype)
            system = cat((cat((shifted, x), -1), cat((x.mT, corner), -1)), -2)
            adjoint = solve(system, cat((g_vectors[..., i : i + 1], corner), -2))
            g = g - adjoint[..., :m, :] @ x.mT
        return (g + g.mT) / 2, None, None, None, None


def _iterate(A, B, X, iK, k: int, n: int, niter: int, tol: float, largest: bool) -> tuple[Tensor, Tensor]:
    with no_grad():
        norms = [1.0 if M is None else float((M @ X).norm() / X.norm()) for M in (A, B)]
        X = _orthonormal(X, B)
        E, X = _best(A, X, n, largest)
        P = X[:, :0]
        done = 0
        while done != niter:
            residual = A @ X - (X if B is None else B @ X) * E
            limit = tol * (norms[0] + E.abs() * norms[1]) * X.norm(dim=0)
            if bool((residual.norm(dim=0) <= limit)[:k].all()):
                break
            W = residual if iK is None else iK @ residual
            basis = _orthonormal(cat((X, _beside(W, X, B), _beside(P, X, B)), 1), B)
            E, found = _best(A, basis, n, largest)
            P, X = _beside(found, X, B), found
            done += 1
        return E[:k].clone(), X[:, :k].clone()


def _beside(V: Tensor, X: Tensor, B: Tensor | None) -> Tensor:
    """The part of V that is orthogonal to X, in columns of length 1."""
    for _ in range(2):  # once loses digits when V is nearly in X
        V = V - X @ (X.mT @ (V if B is None else B @ V))
    length = V.norm(dim=0)
    return (V / length.clamp(min=finfo(V.dtype).tiny))[:, length > 0]


def _orthonormal(S: Tensor, B: Tensor | None) -> Tensor:
    """A basis of the columns' span, orthonormal by B; directions within rounding of the others are dropped."""
    for _ in range(2):
        values, vectors = eigh(S.mT @ (S if B is None else B @ S))
        kept = values > values[-1] * finfo(S.dtype).eps * S.shape[1]
        S = S @ (vectors[:, kept] / values[kept].sqrt())
    return S


def _best(A: Tensor, S: Tensor, n: int, largest: bool) -> tuple[Tensor, Tensor]:
    """Rayleigh-Ritz: the n extreme eigenpairs of A within the span of S, the most extreme first."""
    values, vectors = eigh(S.mT @ (A @ S))
    if largest:
        values, vectors = values.flip(0), vectors.flip(1)
    return values[:n], S @ vectors[:, :n]
