"""Linear algebra: what results mean (A = L U and so on), derivatives where a result is determined only up to a sign,
and hostile input. Values against torch: tests/oracle."""

from __future__ import annotations

import pytest

import facula as torch
from facula.autograd import gradcheck, gradgradcheck

L = torch.linalg
inf, nan = float("inf"), float("nan")


def random(*shape, seed=0):
    torch.manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64)


def square(*batch, n=3):
    return random(*batch, n, n) + 3 * torch.eye(n, dtype=torch.float64)


def symmetric(x):
    return x + x.mT


def positive(x):
    return x @ x.mT + torch.eye(x.shape[-1], dtype=x.dtype)


def close(a, b, atol=1e-10):
    assert a.shape == b.shape and torch.allclose(a, b, atol=atol), (a, b)


A, B, TALL, WIDE = square(2), random(2, 3, 2), random(2, 4, 3), random(2, 3, 5)
LAYOUTS = {
    "contiguous": lambda x: x,
    "columns": lambda x: x.mT.contiguous().mT,
    "stepped": lambda x: torch.stack((x, x), -1).flatten(-2)[..., ::2],
    "expanded": lambda x: x[:1].expand(x.shape),
}


# ---- what results mean ----


@pytest.mark.parametrize("layout", LAYOUTS)
def test_factors_multiply_to_the_matrix(layout):
    a, tall, wide = (LAYOUTS[layout](x) for x in (A, TALL, WIDE))
    for x in (a, tall, wide):
        p, low, up = L.lu(x)
        close(p @ low @ up, x)
        close(torch.lu_unpack(*L.lu_factor(x)).L, low)
        for mode in ("reduced", "complete"):
            q, r = L.qr(x, mode)
            close(q @ r, x)
            close(q.mT @ q, torch.eye(q.size(-1), dtype=x.dtype).expand(x.size(0), -1, -1))
        for full in (True, False):
            u, s, vh = L.svd(x, full)
            k = s.size(-1)
            close(u[..., :k] * s.unsqueeze(-2) @ vh[..., :k, :], x)
        close(L.svdvals(x), s)
        close(x @ L.pinv(x) @ x, x)
        close(L.householder_product(*torch.geqrf(tall)), L.qr(tall).Q)
    spd = positive(a)
    close(L.cholesky(spd) @ L.cholesky(spd).mT, spd)
    close(L.cholesky(spd, upper=True), L.cholesky(spd).mT)
    w, v = L.eigh(spd)
    close(v * w.unsqueeze(-2) @ v.mT, spd)
    close(L.eigvalsh(spd, "U"), w)
    close(L.ldl_solve(*L.ldl_factor(symmetric(a)), B), L.solve(symmetric(a), B))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_solutions_solve(layout):
    a, b = LAYOUTS[layout](A), LAYOUTS[layout](B)
    close(a @ L.solve(a, b), b)
    close(L.solve(a, b.mT, left=False) @ a, b.mT)
    close(a @ L.inv(a), torch.eye(3, dtype=a.dtype).expand(2, 3, 3))
    factors = L.lu_factor(a)
    close(a @ L.lu_solve(*factors, b), b)
    close(a.mT @ L.lu_solve(*factors, b, adjoint=True), b)
    close(L.lu_solve(*factors, b.mT, left=False) @ a, b.mT)
    close(L.lu_solve(*factors, b.mT, left=False, adjoint=True) @ a.mT, b.mT)
    for upper in (True, False):
        triangle = a.triu() if upper else a.tril()
        close(triangle @ L.solve_triangular(a, b, upper=upper), b)
        close(L.solve_triangular(a, b.mT, upper=upper, left=False) @ triangle, b.mT)
    close(torch.cholesky_solve(b, L.cholesky(positive(a))), L.solve(positive(a), b))
    close(torch.cholesky_inverse(L.cholesky(positive(a))), L.inv(positive(a)))
    close(L.slogdet(a).sign * L.slogdet(a).logabsdet.exp(), L.det(a))
    close(L.matrix_power(a, -3) @ L.matrix_power(a, 3), torch.eye(3, dtype=a.dtype).expand(2, 3, 3), 1e-8)


def test_exponential():
    a = square(4) * torch.tensor([1e-3, 0.1, 1.0, 6.0], dtype=torch.float64).reshape(4, 1, 1)
    w, v = L.eigh(symmetric(a))
    close(torch.matrix_exp(symmetric(a)), v * w.exp().unsqueeze(-2) @ v.mT, 1e-6)
    close(torch.matrix_exp(a) @ torch.matrix_exp(-a), torch.eye(3, dtype=a.dtype).expand(4, 3, 3), 1e-5)


@pytest.mark.parametrize("driver", ["gels", "gelsy", "gelsd", "gelss"])
def test_least_squares(driver):
    b = random(2, 4, 2, seed=1)
    result = L.lstsq(TALL, b, driver=driver)
    close(TALL.mT @ (TALL @ result.solution - b), torch.zeros(2, 3, 2, dtype=b.dtype))
    if driver != "gelsy":
        close(result.residuals, (TALL @ result.solution - b).square().sum(-2))
    close(WIDE @ L.lstsq(WIDE, B, driver=driver).solution, B)


@pytest.mark.parametrize(("rank", "scale"), [(70, 1.0), (69, 1.0), (70, 1e-300), (69, 1e-300)])
def test_least_squares_with_pivots(rank, scale):
    """Full rank and not, numbers that are scaled and not: ways of their own through the default driver."""
    a, b = random(80, rank) @ random(rank, 70, seed=1) * scale, random(80, 65, seed=2)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(L.lstsq(a, b))
    finally:
        torch.set_num_threads(before)
    x = results[0].solution
    assert results[0].rank == rank and torch.equal(x, results[1].solution)
    close(x * scale, L.pinv(a / scale) @ b, 1e-8)


def test_names_and_types():
    assert L.svd(A)._fields == ("U", "S", "Vh") and L.eigh(A).__class__ is torch.return_types.linalg_eigh
    assert L.lu_factor_ex(A).pivots.dtype == L.lu_factor_ex(A).info.dtype == torch.int32
    assert issubclass(L.LinAlgError, RuntimeError)
    a = A.clone().requires_grad_()
    for result, name in (
        (L.solve(a, B), "LinalgSolveExBackward0"),
        (L.eigvalsh(a), "LinalgEighBackward0"),
        (L.svd(a).Vh, "LinalgSvdBackward0"),
        (L.cholesky(positive(a)), "LinalgCholeskyExBackward0"),
        (torch.cholesky(positive(a)), "CholeskyBackward0"),
        (L.slogdet(a).logabsdet, "LinalgSlogdetBackward0"),
        (torch.pinverse(a), "LinalgPinvBackward0"),
    ):
        assert result.grad_fn.name() == name
    assert not L.lu(a).P.requires_grad and not L.inv_ex(a).info.requires_grad


# ---- derivatives ----

LU, PIVOTS = L.lu_factor(A)
REFLECTIONS, TAU = torch.geqrf(TALL)
DERIVATIVES = {
    "cholesky": (lambda x: L.cholesky(positive(x)), A),
    "cholesky_upper": (lambda x: L.cholesky(positive(x), upper=True), A),
    "cholesky_solve_upper": (lambda b, x: torch.cholesky_solve(b, x, upper=True), B, A),
    "cholesky_inverse": (torch.cholesky_inverse, A),
    "solve_batches": (L.solve, A[0], B),
    "solve_vector": (L.solve, A, random(2, 3)),
    "det_1x1": (L.det, square(2, n=1)),
    "logdet": (lambda x: torch.logdet(positive(x)), A),
    "eigh": (lambda x: [part.abs() for part in L.eigh(symmetric(x))], A),
    "svd_tall": (lambda x: [part.abs() for part in L.svd(x, False)], TALL),
    "svd_wide": (lambda x: [part.abs() for part in L.svd(x, False)], WIDE),
    "svd_full": (lambda x: (lambda d: (d.U[..., :3].abs(), d.S, d.Vh.abs()))(L.svd(x)), TALL),
    "qr_wide": (lambda x: L.qr(x, "complete"), WIDE),
    "qr_square": (L.qr, A),
    "lu_factor_tall": (lambda x: L.lu_factor(x).LU, TALL),
    "lu_factor_wide": (lambda x: L.lu_factor(x).LU, WIDE),
    "lu_wide": (lambda x: L.lu(x)[1:], WIDE),
    "lu_tall": (lambda x: L.lu(x)[1:], TALL),
    "lu_unpack_tall": (lambda x: torch.lu_unpack(x, L.lu_factor(TALL)[1])[1:], TALL),
    "lu_unpack_wide": (lambda x: torch.lu_unpack(x, L.lu_factor(WIDE)[1])[1:], WIDE),
    "lu_solve": (lambda lu, b: L.lu_solve(lu, PIVOTS, b), LU, B),
    "lu_solve_adjoint": (lambda lu, b: L.lu_solve(lu, PIVOTS, b, adjoint=True), LU, B),
    "lu_solve_right": (lambda lu, b: L.lu_solve(lu, PIVOTS, b.mT, left=False), LU, B),
    "triangular_right": (lambda x, b: L.solve_triangular(x, b.mT, upper=True, left=False), A, B),
    "triangular_unit": (lambda x, b: L.solve_triangular(x, b, upper=False, unitriangular=True), A, B),
    "triangular_transposed": (lambda b, x: torch.triangular_solve(b, x, True, True), B, A),
    "householder": (torch.orgqr, REFLECTIONS, TAU),
    "ormqr_right": (lambda a, t, o: torch.ormqr(a, t, o, False, True), REFLECTIONS, TAU, random(2, 2, 4)),
    "lstsq": (lambda a, b: L.lstsq(a, b, driver="gelsd")[:2], TALL[0], random(4)),
    "lstsq_wide": (lambda a, b: L.lstsq(a, b).solution, WIDE, B),
    "pinv_hermitian": (lambda x: L.pinv(symmetric(x), hermitian=True), A),
    "pinv_of_low_rank": (lambda a, b: L.pinv(a @ b.mT), random(5, 2), random(4, 2, seed=1)),
    "matrix_exp_scaled": (torch.matrix_exp, A * 3),
    "matrix_power": (lambda x: L.matrix_power(x, -2), A),
    "cond_1": (lambda x: L.cond(x, 1), A),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name):
    function, *inputs = DERIVATIVES[name]
    inputs = [x.detach().clone().requires_grad_() for x in inputs]

    def outputs(*given):
        result = function(*given)
        return tuple(result) if isinstance(result, (list, tuple)) else result

    assert gradcheck(outputs, inputs)
    assert gradgradcheck(outputs, inputs)


def test_determinant_of_singular_matrices():
    """d det / dA is the transposed adjugate; also recorded, and in a batch with regular ones."""
    singular = torch.tensor([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]], dtype=torch.float64)
    batch = torch.stack((singular, singular + torch.eye(3, dtype=torch.float64)))
    adjugate = [[4.0, 4.0, -4.0], [-2.0, -2.0, 2.0], [0.0, 0.0, 0.0]]
    for create_graph in (False, True):
        x = batch.clone().requires_grad_()
        (g,) = torch.autograd.grad(L.det(x).sum(), x, create_graph=create_graph)
        close(g[0].detach(), torch.tensor(adjugate, dtype=torch.float64))
        close(g[1].detach(), L.det(batch[1]) * L.inv(batch[1]).mT)
    second = torch.autograd.grad(g[0].sum(), x)[0][0]
    close(second, torch.tensor([[-1.0, 4, -3], [0, -2, 2], [1, -2, 1]], dtype=torch.float64))


def test_norms_at_zero():
    for norm in (lambda x: L.vector_norm(x), lambda x: L.matrix_norm(x), lambda x: torch.norm(x)):
        x = torch.zeros(3, 3, requires_grad=True)
        norm(x).backward()
        assert not x.grad.any()


def test_results_without_derivative():
    with pytest.raises(RuntimeError, match="mode='r'"):
        L.qr(A.clone().requires_grad_(), "r").R.sum().backward()
    with pytest.raises(RuntimeError, match="nrows > ncols"):
        L.qr(TALL.clone().requires_grad_(), "complete").Q.sum().backward()
    with pytest.raises(NotImplementedError, match="geqrf"):
        torch.geqrf(A.clone().requires_grad_()).a.sum().backward()
    with pytest.raises(RuntimeError, match="ldl_factor_ex"):
        L.ldl_factor(A.clone().requires_grad_()).LD.sum().backward()


# ---- hostile input ----

SINGULAR = torch.stack((torch.eye(3), torch.zeros(3, 3)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: L.cholesky(-SINGULAR), r"linalg.cholesky: \(Batch element 0\): .* order 1"),
        (lambda: L.inv(SINGULAR), r"linalg.inv: \(Batch element 1\): The diagonal element 1 is zero"),
        (lambda: L.inv(SINGULAR[1]), "linalg.inv: The diagonal element 1 is zero"),
        (lambda: L.solve(SINGULAR, SINGULAR), r"linalg.solve: \(Batch element 1\): .* singular"),
        (lambda: L.eigh(torch.full((3, 3), nan)), "linalg.eigh: The algorithm failed to converge"),
        (lambda: L.svd(torch.full((3, 2), inf)), "non-finite"),
        (lambda: torch.cholesky_inverse(SINGULAR), r"\(Batch element 1\)"),
    ],
)
def test_values_without_answer(call, words):
    with pytest.raises(L.LinAlgError, match=words):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: L.inv(torch.ones(3, 4)), "must be batches of square matrices, but they are 3 by 4"),
        (lambda: L.det(torch.ones(3)), "at least 2 dimensions"),
        (lambda: L.svd(torch.ones(3, 3).long()), "Expected a floating point or complex tensor as input. Got Long"),
        (lambda: L.inv(torch.ones(3, 3).half()), "Low precision dtypes not supported"),
        (lambda: L.solve(torch.eye(3), torch.ones(4, 2)), r"AX = B \(3x3 and 4x2\)"),
        (lambda: L.solve(torch.eye(3), torch.ones(3, 2).double()), "same dtype"),
        (lambda: L.lu_factor(torch.zeros(2, 2)), r"U\[1,1\] is zero"),
        (lambda: L.lu_solve(torch.eye(3), torch.tensor([1, 2, 9]).int(), torch.eye(3)), "smaller or equal"),
        (lambda: L.lu_solve(torch.eye(3), torch.tensor([1, 2, 0]).int(), torch.eye(3)), "greater or equal"),
        (lambda: torch.lu_unpack(torch.eye(3), torch.tensor([1, 2, -7]).int()), "between 1 and"),
        (lambda: L.ldl_solve(torch.eye(3), torch.tensor([1, 2, -3]).int(), torch.eye(3)), "pivots"),
        (lambda: L.ldl_solve(torch.eye(3), torch.tensor([1, 99, 3]).int(), torch.eye(3)), "pivots"),
        (lambda: L.ldl_solve(torch.eye(3), torch.tensor([-99, -1, 3]).int(), torch.eye(3)), "pivots"),
        (lambda: torch.ormqr(torch.ones(3, 3), torch.ones(2), torch.ones(2, 2)), "must be equal to input.shape"),
        (lambda: torch.orgqr(torch.ones(3, 4), torch.ones(3)), "greater than or equal"),
        (lambda: L.eig(torch.full((3, 3), nan)), "infs or NaNs"),
        (lambda: L.qr(torch.eye(3), "x"), "unrecognized mode"),
        (lambda: L.lstsq(torch.ones(3, 2), torch.ones(4, 2)), r"input.size\(-2\) should match"),
        (lambda: L.vector_norm(torch.ones(2).double(), dtype=torch.float32), "narrowing"),
        (lambda: L.matrix_norm(torch.eye(3), 3), "Order 3 not supported"),
        (lambda: L.cond(torch.ones(3, 4), 1), "square"),
        (lambda: L.multi_dot([torch.eye(3)]), "at least 2 tensors"),
        (lambda: L.tensorinv(torch.ones(3, 4), ind=1), "4 != 3"),
    ],
)
def test_refused(call, words):
    with pytest.raises(RuntimeError, match=words):
        call()


def test_nothing():
    """Matrices without rows, and batches without matrices."""
    for shape in ((0, 0), (2, 0, 0), (0, 3, 3)):
        x = torch.zeros(shape)
        assert L.inv(x).shape == L.cholesky(x).shape == torch.matrix_exp(x).shape == x.shape
        assert L.eigh(x).eigenvalues.shape == L.svdvals(x).shape == x.shape[:-1]
        assert L.det(x).shape == x.shape[:-2] and (L.det(x) == 1).all()
        assert L.solve(x, x).shape == L.lu(x).U.shape == L.pinv(x).shape == L.eigvals(x).shape + x.shape[-1:]
        assert L.qr(x).Q.shape == L.ldl_factor(x).LD.shape == x.shape
    for shape in ((0, 3), (3, 0), (2, 3, 0)):
        x = torch.zeros(shape)
        m, n = shape[-2:]
        assert L.svd(x).U.shape[-2:] == (m, m) and L.svd(x).Vh.shape[-2:] == (n, n)
        assert L.qr(x, "complete").Q.shape[-2:] == (m, m) and L.pinv(x).shape[-2:] == (n, m)
        assert not L.lstsq(x, torch.ones(*shape[:-1], 2)).solution.any() and not L.matrix_rank(x).any()
    grown = torch.zeros(0, 3, 3, requires_grad=True)
    (L.inv(grown).sum() + L.det(grown).sum() + L.svdvals(grown).sum() + L.eigvalsh(grown).sum()).backward()
    assert grown.grad.shape == (0, 3, 3)


def test_errors_leave_outputs_alone():
    out = torch.full((3, 3), 7.0)
    with pytest.raises(L.LinAlgError):
        L.inv(torch.zeros(3, 3), out=out)
    assert (out == 7).all()


def test_nan_goes_through():
    x = torch.full((3, 3), nan)
    assert L.det(x).isnan() and L.inv(x).isnan().all() and L.solve(x, torch.eye(3)).isnan().all()
    assert torch.matrix_exp(x).isnan().all() and L.qr(x).R.triu().isnan().any()
