"""LU factors of the shapes at which the way of factoring changes: against elimination in NumPy, step by step."""

from __future__ import annotations

import numpy as np
import pytest

import facula

SHAPES = ((33, 33), (64, 64), (100, 100), (201, 200), (200, 201), (257, 257), (40, 150), (33, 101), (70, 40), (90, 30),
          (310, 310), (700, 600))  # fmt: skip


def eliminate(a: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """L and U in one matrix, and the exchanges from 1: the largest of each column, the first of equals."""
    a, pivots = a.astype("float64"), []
    for k in range(min(a.shape)):
        p = k + int(np.abs(a[k:, k]).argmax())
        pivots.append(p + 1)
        a[[k, p]] = a[[p, k]]
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a, pivots


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_factors(shape: tuple[int, int], dtype: str) -> None:
    a = np.random.default_rng(shape[1]).standard_normal(shape).astype(dtype)
    want, exchanges = eliminate(a)
    bound = {"float32": 1e-3, "float64": 1e-11}[dtype] * np.abs(want).max()
    x = facula.from_numpy(a)
    for given in (x, x.mT.contiguous().mT):  # by rows and by columns
        factors, pivots = facula.linalg.lu_factor(given)
        assert pivots.tolist() == exchanges
        assert np.abs(factors.numpy() - want).max() < bound
    lower, upper = factors.tril(-1)[:, : min(shape)].double(), factors.triu()[: min(shape)].double()
    lower += facula.eye(*lower.shape, dtype=facula.float64)
    order = facula.lu_unpack(factors, pivots).P.double()
    error = (order @ lower @ upper - x.double()).abs().max().item()
    assert error < {"float32": 5e-5, "float64": 1e-13}[dtype]


def test_threads_and_batches_do_not_show() -> None:
    x = facula.randn(5, 130, 130)
    threads = facula.get_num_threads()
    results = []
    try:
        for n in (1, 2):
            facula.set_num_threads(n)
            results.append(facula.linalg.lu_factor(x))
    finally:
        facula.set_num_threads(threads)
    for one, two in zip(*results):
        assert facula.equal(one, two)
    for i in range(5):
        assert facula.equal(facula.linalg.lu_factor(x[i]).LU, results[0].LU[i])


@pytest.mark.parametrize("zero", [0, 15, 31, 32, 40, 79])
def test_a_column_of_zeros_is_told_and_the_rest_factored(zero: int) -> None:
    x = facula.randn(80, 80)
    x[:, zero] = 0
    factors, pivots, info = facula.linalg.lu_factor_ex(x)
    assert info.item() == zero + 1 and factors.isfinite().all()
    order, lower, upper = facula.lu_unpack(factors, pivots)
    assert (order @ lower @ upper - x).abs().max() < 1e-4


def test_ties_take_the_first_and_exact_numbers_stay_exact() -> None:
    x = facula.eye(70, dtype=facula.float64) * 3
    x[1, 0], x[2, 0], x[40, 0], x[69, 33] = -7, 7, 7, -3
    factors, pivots = facula.linalg.lu_factor(x)
    assert pivots[0] == 2 and pivots[33] == 34 and pivots[5] == 6
    same = facula.full((70, 70), 49.0)
    factors, _, info = facula.linalg.lu_factor_ex(same)
    assert info.item() == 2 and (factors[1:, 0] == 1).all() and (factors[1:, 1:] == 0).all()


def test_what_is_finished_is_spoilt_by_no_infinity() -> None:
    x = facula.eye(60) + facula.ones(60, 60) * 0.01
    want = facula.linalg.lu_factor(x).LU
    x[20, 50] = facula.inf
    factors, pivots, _ = facula.linalg.lu_factor_ex(x)
    assert pivots.tolist() == list(range(1, 61))
    assert facula.equal(factors[:, :50], want[:, :50]) and facula.equal(factors[:20], want[:20])
    x[20, 50] = facula.nan
    assert facula.equal(facula.linalg.lu_factor_ex(x).LU[:20], want[:20])
    x[10, 0] = facula.nan  # the largest, as PyTorch's
    assert facula.linalg.lu_factor_ex(x).pivots[0] == 11 and facula.linalg.det(x).isnan()
