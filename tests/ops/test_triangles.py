"""Triangular systems of the sizes at which the way of solving changes: against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest

import facula

SIDES = (16, 17, 31, 64, 201, 256, 257, 520)


def close(result, expected, dtype):
    bound = {"float32": 2e-5, "float64": 1e-13}[dtype]
    assert np.abs(result.numpy() - expected).max() <= bound * np.abs(expected).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", SIDES)
def test_solutions(n, dtype):
    generator = np.random.default_rng(n)
    a = (generator.standard_normal((n, n)) / n**0.5 + 3 * np.eye(n)).astype(dtype)
    for right in (1, 8, 33):
        b = generator.standard_normal((n, right)).astype(dtype)
        wide, sides, x, y = a.astype("float64"), b.astype("float64"), facula.from_numpy(a), facula.from_numpy(b)
        for upper in (False, True):
            triangle = np.triu(wide) if upper else np.tril(wide)
            close(facula.linalg.solve_triangular(x, y, upper=upper), np.linalg.solve(triangle, sides), dtype)
            close(facula.linalg.solve_triangular(x.mT, y, upper=not upper), np.linalg.solve(triangle.T, sides), dtype)
            close(facula.cholesky_solve(y, x, upper), np.linalg.solve(_product(triangle, upper), sides), dtype)
        small = a * 0.1 / n  # ones stand for its diagonal
        unit = np.tril(small.astype("float64"), -1) + np.eye(n)
        solved = facula.linalg.solve_triangular(facula.from_numpy(small), y, upper=False, unitriangular=True)
        close(solved, np.linalg.solve(unit, sides), dtype)
        close(facula.linalg.solve(x, y), np.linalg.solve(wide, sides), dtype)
        close(facula.linalg.solve(x, y.mT, left=False), np.linalg.solve(wide.T, sides).T, dtype)
    close(facula.linalg.inv(x), np.linalg.inv(wide), dtype)


def _product(triangle, upper):
    return triangle.T @ triangle if upper else triangle @ triangle.T


def test_a_zero_on_the_diagonal_spoils_only_what_follows():
    a = facula.eye(40)
    a[20, 20] = 0
    x = facula.linalg.solve_triangular(a, facula.ones(40, 32), upper=False)
    assert (x[:20] == 1).all() and x[20].isinf().all()
