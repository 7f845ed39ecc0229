"""Eigenvalues of symmetric matrices that are hard for divide and conquer, and orthogonal factors of several blocks:
residual and orthogonality in units of rounding, whatever the scale, the triangle, and the number of threads."""

from __future__ import annotations

import pytest

import facula as torch

L = torch.linalg
DTYPES = (torch.float32, torch.float64)
SIZES = (8, 13, 24, 33, 64, 100, 161)
# n eps is what theory promises, up to a factor; measured: residuals below 0.1 n, orthogonality below 0.3 n.
SLACK = 1.0


def random(*shape, seed=0):
    torch.manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64)


def with_eigenvalues(values):
    q = L.qr(random(values.numel(), values.numel(), seed=1)).Q
    return q * values @ q.mT


def beside(n, k=1):
    return torch.diag(torch.ones(n - k, dtype=torch.float64), k)


def hilbert(n):
    i = torch.arange(n, dtype=torch.float64)
    return 1 / (i.unsqueeze(1) + i + 1)


def graded(n):
    scale = 10.0 ** torch.linspace(0, -20, n, dtype=torch.float64)
    return symmetric(random(n, n)) * scale * scale.unsqueeze(1)


def wilkinson(n):
    return torch.diag((torch.arange(n, dtype=torch.float64) - (n - 1) / 2).abs()) + beside(n) + beside(n).mT


def glued(n):
    """Copies of Wilkinson's matrix, weakly joined: clusters in which eigenvalues agree to all digits."""
    side = n // 3
    out = torch.zeros(n, n, dtype=torch.float64)
    for k in range(0, n, side):
        m = min(side, n - k)
        out[k : k + m, k : k + m] = wilkinson(m)
        if k:
            out[k, k - 1] = out[k - 1, k] = 1e-9
    return out


def blocks(n):
    """Two blocks of different size and no tie."""
    out = symmetric(random(n, n))
    h = n // 2
    out[:h, h:] = 0
    out[h:, :h] = 0
    out[h:, h:] *= 1e-12
    return out


def symmetric(x):
    return x + x.mT


MATRICES = {
    "random": lambda n: symmetric(random(n, n)),
    "zeros": lambda n: torch.zeros(n, n, dtype=torch.float64),
    "identity": lambda n: torch.eye(n, dtype=torch.float64),
    "ones": lambda n: torch.ones(n, n, dtype=torch.float64),
    "diagonal": lambda n: torch.diag(random(n)),
    "second_difference": lambda n: 2 * torch.eye(n, dtype=torch.float64) - beside(n) - beside(n).mT,
    "zero_diagonal": lambda n: beside(n) + beside(n).mT,
    "wilkinson": wilkinson,
    "glued": glued,
    "hilbert": hilbert,
    "graded": graded,
    "graded_upwards": lambda n: graded(n).flip(0, 1),
    "blocks": blocks,
    "clustered": lambda n: with_eigenvalues(1 + 1e-6 * random(n)),
    "two_values": lambda n: with_eigenvalues(1 - 2.0 * (torch.arange(n) % 2).double()),
    "one_apart": lambda n: with_eigenvalues(1e-5 + (torch.arange(n) == 0).double()),
    "geometric": lambda n: with_eigenvalues(2.0 ** -torch.arange(n, dtype=torch.float64)),
    "rank_one": lambda n: random(n, 1) @ random(n, 1).mT,
}  # fmt: skip


def check(a, w, v):
    """A V = V diag(w), V orthogonal, w ascending; a is the matrix in the type of the results."""
    n, eps = a.size(-1), torch.finfo(a.dtype).eps
    bound = SLACK * (n + 8) * eps
    a, w, v = a.double(), w.double(), v.double()
    norm = a.abs().sum(-1).max().item()
    assert torch.isfinite(w).all() and torch.isfinite(v).all()
    assert (w.diff() >= 0).all()
    assert (a @ v - v * w).abs().max().item() <= bound * norm
    assert (v.mT @ v - torch.eye(n, dtype=v.dtype)).abs().max().item() <= bound


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", MATRICES)
def test_hard_matrices(name, dtype):
    for n in SIZES:
        a = MATRICES[name](n).to(dtype)
        a = torch.tril(a) + torch.tril(a, -1).mT
        w, v = L.eigh(a)
        check(a, w, v)
        assert (L.eigvalsh(a) - w).abs().max() <= SLACK * (n + 8) * torch.finfo(dtype).eps * a.abs().sum(-1).max()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_scale(dtype):
    """Close to overflow and to underflow; a power of two changes nothing but the scale."""
    limits, n = torch.finfo(dtype), 40
    a = symmetric(random(n, n)).to(dtype) / 32
    w, v = L.eigh(a)
    for power in (-100, 100) if dtype == torch.float32 else (-900, 1000):
        w2, v2 = L.eigh(a * 2.0**power)
        assert torch.equal(v2, v) and torch.equal(w2, w * 2.0**power)
    w, v = L.eigh(a * limits.tiny)
    check(torch.zeros_like(a), w * 0, v)
    assert (w - L.eigvalsh(a).double() * limits.tiny).abs().max() <= 64 * limits.smallest_normal * limits.eps


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_triangles_and_batches(dtype):
    """Only the named triangle is read; each matrix of a batch is as if it came alone; so it is with other threads."""
    a = symmetric(random(3, 50, 50)).to(dtype)
    strange = torch.full_like(a, float("nan"))
    expected = L.eigh(a)
    for uplo, half, other in (("L", torch.tril, torch.triu), ("U", torch.triu, torch.tril)):
        got = L.eigh(torch.where(half(torch.ones_like(a)) > 0, a, strange), UPLO=uplo)
        assert torch.equal(got[0], expected[0]) and torch.equal(got[1], expected[1]), other
    threads = torch.get_num_threads()
    big = symmetric(random(180, 180)).to(dtype)
    together = L.eigh(big), L.qr(big), L.lstsq(big, big[:, :70]), L.eigvalsh(big)
    try:
        torch.set_num_threads(1)
        for i in range(3):
            assert all(torch.equal(x[i], y) for x, y in zip(expected, L.eigh(a[i])))
        alone = L.eigh(big), L.qr(big), L.lstsq(big, big[:, :70]), L.eigvalsh(big)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(together[0][0], alone[0][0]) and torch.equal(together[0][1], alone[0][1])
    assert torch.equal(together[1][0], alone[1][0]) and torch.equal(together[1][1], alone[1][1])
    assert torch.equal(together[2].solution, alone[2].solution) and torch.equal(together[3], alone[3])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_answer(value):
    for n, place in ((8, (7, 1)), (24, (20, 3)), (60, (59, 0)), (60, (7, 7))):
        a = torch.eye(n)
        a[place] = value
        for f in (L.eigh, L.eigvalsh):
            with pytest.raises(L.LinAlgError, match="failed to converge"):
                f(a)


# ---- orthogonal factors ----

SHAPES = [(8, 8), (9, 24), (32, 32), (33, 65), (65, 33), (200, 25), (25, 200), (97, 97), (300, 40)]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_factors_of_several_blocks(shape, dtype):
    eps, k = torch.finfo(dtype).eps, max(shape) + 8
    deficient = random(*shape)
    deficient[:, 3:5] = deficient[:, 5:7]
    deficient[:, 7] = 0
    rows = 10.0 ** torch.linspace(0, -30, shape[0], dtype=torch.float64).unsqueeze(1)
    for a in (
        random(*shape),
        deficient,
        deficient * rows,
        deficient * 0,
        random(*shape) * 1e-36,
        random(*shape) * 1e36,
    ):
        a = a.to(dtype)
        for mode in ("reduced", "complete"):
            q, r = (x.double() for x in L.qr(a, mode))
            assert (q.mT @ q - torch.eye(q.size(-1), dtype=q.dtype)).abs().max().item() <= SLACK * k * eps
            bound = SLACK * k * eps * a.double().abs().max().item() + torch.finfo(dtype).smallest_normal
            assert (q @ r - a.double()).abs().max().item() <= bound
            assert torch.equal(r, torch.triu(r))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_products_of_any_reflections(dtype):
    """tau need not belong to v, and may be 0: then I - tau v v^T is not orthogonal."""
    m, n, k = 70, 50, 45
    v, tau = random(m, n).to(dtype) / 8, random(k, seed=2).to(dtype)
    tau[5] = tau[40] = 0
    product = torch.eye(m, dtype=torch.float64)
    for i in range(k):
        x = v[:, i].double()
        x[:i] = 0
        x[i] = 1
        product = product - tau[i].double() * torch.outer(product @ x, x)
    got = L.householder_product(v, tau).double()
    assert (got - product[:, :n]).abs().max() <= 1000 * torch.finfo(dtype).eps * product.abs().max()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pivots_of_least_squares(dtype):
    """Columns of very different norms, and of nearly equal ones: the solution is that of the other drivers."""
    m, n, sides = 90, 60, 30
    a, b = random(m, n), random(m, sides, seed=3)
    eps = torch.finfo(dtype).eps
    for scale in (torch.ones(n, dtype=torch.float64), 10.0 ** torch.linspace(0, -3, n, dtype=torch.float64)):
        x = (a * scale).to(dtype)
        solution, _, rank, _ = L.lstsq(x, b.to(dtype))
        exact = L.lstsq(x.double(), b, driver="gelsd").solution
        assert rank == n
        assert (solution.double() - exact).abs().max() <= 2000 * eps * exact.abs().max() * L.cond(x.double()) / 100
    x = a.to(dtype)
    x[:, 30:] = x[:, :30]
    solution, _, rank, _ = L.lstsq(x, b.to(dtype))
    assert rank == 30
    assert (solution.double() - L.lstsq(x.double(), b, driver="gelsd").solution).abs().max() <= 1000 * eps
