"""Eigenvalues and eigenvectors of general real matrices that are hard for QR iteration or for the vectors of its
triangular form: residual in units of rounding, norm 1, conjugate pairs, and what balancing takes apart."""

from __future__ import annotations

import pytest

import facula as torch

L = torch.linalg
DTYPES = (torch.float32, torch.float64)
SIZES = (8, 11, 24, 31, 77, 120)
# Rounding of a few hundred reflections; measured: below 0.4 n.
SLACK = 2.0


def random(*shape, seed=0):
    torch.manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64)


def eye(n):
    return torch.eye(n, dtype=torch.float64)


def similar(x):
    q = L.qr(random(x.size(0), x.size(0), seed=1)).Q
    return q @ x @ q.mT


def beside(n, k=1):
    return torch.diag(torch.ones(n - k, dtype=torch.float64), k)


def companion(n):
    out = beside(n).mT.clone()
    out[0] = random(n)
    return out


def blocks(n):
    """Balancing finds nothing to permute, but the iteration falls into parts."""
    out = torch.zeros(n, n, dtype=torch.float64)
    for k in range(0, n - 1, 2):
        out[k, k + 1], out[k + 1, k] = 2.0, -0.5 * k
    return similar(out)


def grcar(n):
    return torch.ones(n, n, dtype=torch.float64).triu() - torch.ones(n, n, dtype=torch.float64).triu(4) - beside(n).mT


MATRICES = {
    "random": lambda n: random(n, n),
    "symmetric": lambda n: random(n, n) + random(n, n).mT,
    "skew": lambda n: random(n, n) - random(n, n).mT,
    "orthogonal": lambda n: L.qr(random(n, n)).Q,
    "ones": lambda n: torch.ones(n, n, dtype=torch.float64),
    "zeros": lambda n: torch.zeros(n, n, dtype=torch.float64),
    "identity": eye,
    "circular_shift": lambda n: eye(n).roll(1, 0),
    "defective": lambda n: similar(beside(n) + 0.5 * eye(n)),
    "clustered": lambda n: similar(0.1 * random(n, n).triu() + eye(n)),
    "triangular": lambda n: random(n, n).triu(),
    "rank_one": lambda n: random(n, 1) @ random(1, n, seed=2),
    "positive": lambda n: random(n, n).abs(),
    "unbalanced": lambda n: random(n, n) * torch.logspace(0, -6, n, dtype=torch.float64)
    / torch.logspace(0, -6, n, dtype=torch.float64).unsqueeze(1),
    "companion": companion,
    "blocks": blocks,
    "grcar": grcar,
    "tiny": lambda n: random(n, n) * 1e-20,
    "huge": lambda n: random(n, n) * 1e20,
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", MATRICES)
def test_hard_matrices(name, dtype):
    for n in SIZES:
        a = MATRICES[name](n).to(dtype)
        eps, norm = torch.finfo(dtype).eps, a.double().abs().sum(-1).max().item()
        w, v = (x.to(torch.complex128) for x in L.eig(a))
        assert (L.vector_norm(v, dim=0) - 1).abs().max() <= 8 * eps
        residual = L.vector_norm(a.to(torch.complex128) @ v - v * w, dim=0).max().item()
        assert residual <= SLACK * n * eps * norm
        for j in range(n - 1):
            if w[j].imag > 0:
                assert w[j + 1] == w[j].conj() and torch.equal(v[:, j + 1], v[:, j].conj())
        total = (w.sum() - a.double().trace()).abs().item()
        assert total <= SLACK * n * n * eps * max(norm, a.double().abs().max().item())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_known_values(dtype):
    """Well-conditioned eigenvalues with and without vectors."""
    eps = torch.finfo(dtype).eps
    for n in (30, 90):
        angles = torch.arange(1, n // 2 + 1, dtype=torch.float64) / n
        turns = torch.zeros(n, n, dtype=torch.float64)
        for k, angle in enumerate(angles):
            turns[2 * k, 2 * k] = turns[2 * k + 1, 2 * k + 1] = angle.cos()
            turns[2 * k, 2 * k + 1], turns[2 * k + 1, 2 * k] = -angle.sin(), angle.sin()
        a = similar(turns).to(dtype)
        for w in (L.eigvals(a), L.eig(a).eigenvalues):
            found = w.to(torch.complex128).angle().abs().sort().values
            assert (found - angles.repeat_interleave(2)).abs().max() <= 20 * n * eps


def test_matrices_do_not_see_each_other():
    """A batch with one that balancing permutes (LAPACK's whole way), and one of extreme scale."""
    a = random(4, 40, 40)
    a[1] = a[1].triu()
    a[2] *= 1e-200
    w, v = L.eig(a)
    for i in range(4):
        alone = L.eig(a[i])
        assert torch.equal(w[i], alone.eigenvalues) and torch.equal(v[i], alone.eigenvectors)
    values = w[1].real.sort().values
    assert torch.equal(values, a[1].diagonal().sort().values)
