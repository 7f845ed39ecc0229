# Matrix products of every size class against NumPy in float64: borders of the register tiles, of the packed blocks and
# chunks, transposed and strided operands, alpha and beta, and the same bits with one thread and with two.
from __future__ import annotations

import numpy as np
import pytest

import facula as torch

# Sides around the borders of slivers (4, 8, 12, 24, 48), of blocks (240), depth blocks (256, 512) and chunks (3840).
SHAPES = [
    (1, 7, 9), (5, 1, 6), (3, 5, 1), (4, 4, 4), (9, 17, 33), (47, 49, 48), (64, 64, 64), (65, 100, 97), (7, 300, 1000),
    (64, 784, 400), (64, 784, 384), (33, 513, 49), (250, 511, 241), (241, 1025, 250), (481, 130, 97), (130, 97, 481),
    (3841, 37, 53), (53, 37, 3841), (16, 5000, 300),
]  # fmt: skip
TOLERANCE = {torch.float32: 3e-6, torch.float64: 1e-14}  # times the sum of the products' magnitudes


def operand(generator, rows, columns, dtype, form):
    """A matrix [rows, columns] that lies as `form` says."""
    shape = (columns, rows) if form == "transposed" else (rows, columns + (5 if form == "strided" else 0))
    x = torch.randn(*shape, generator=generator, dtype=dtype)
    return x.t() if form == "transposed" else x[:, 3 : 3 + columns] if form == "strided" else x


def check(result, a, b, expected_plus=0.0):
    exact = a.double().numpy() @ b.double().numpy()
    scale = np.abs(a.double().numpy()) @ np.abs(b.double().numpy()) + 1
    error = np.abs(result.double().numpy() - exact - expected_plus) / (scale + np.abs(expected_plus))
    assert error.max() <= TOLERANCE[result.dtype]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_of_every_size_and_layout(shape, dtype):
    m, k, n = shape
    generator = torch.Generator().manual_seed(m * 7 + k * 5 + n)
    for a_form, b_form in [("plain", "plain"), ("plain", "transposed"), ("transposed", "plain"),
                           ("transposed", "transposed"), ("strided", "strided")]:  # fmt: skip
        a, b = operand(generator, m, k, dtype, a_form), operand(generator, k, n, dtype, b_form)
        check(torch.mm(a, b), a, b)
        old = torch.randn(m, n, generator=generator, dtype=dtype)
        check(torch.addmm(old, a, b, beta=-0.5, alpha=1.0), a, b, -0.5 * old.double().numpy())


@pytest.mark.parametrize("shape", [(64, 784, 400), (250, 511, 241), (300, 64, 300), (3, 5000, 40)], ids=str)
def test_what_the_result_held_before_is_not_read(shape):
    m, k, n = shape
    a, b = torch.ones(m, k), torch.ones(k, n)
    out = torch.full((m, n), float("nan"))
    torch.mm(a, b, out=out)
    assert (out == k).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_threads_do_not_show(shape, dtype):
    m, k, n = shape
    generator = torch.Generator().manual_seed(3)
    for b_form in ("plain", "transposed"):
        a, b = operand(generator, m, k, dtype, "plain"), operand(generator, k, n, dtype, b_form)
        before = torch.get_num_threads()
        try:
            results = []
            for threads in (1, 2, 3):
                torch.set_num_threads(threads)
                results.append(torch.mm(a, b))
        finally:
            torch.set_num_threads(before)
        assert torch.equal(results[0], results[1])
        assert torch.equal(results[0], results[2])


def test_a_row_does_not_depend_on_the_others():
    generator = torch.Generator().manual_seed(5)
    a, b = torch.randn(300, 400, generator=generator), torch.randn(400, 500, generator=generator)
    a[17, 3] = float("inf")
    b[5, 7] = float("nan")
    result = torch.mm(a, b)
    assert result.isnan().sum() == 300
    assert result.isinf().sum() == 499


def test_batches_of_large_matrices():
    generator = torch.Generator().manual_seed(6)
    a, b = torch.randn(9, 130, 200, generator=generator), torch.randn(9, 200, 150, generator=generator)
    result = torch.bmm(a, b)
    for i in range(9):
        check(result[i], a[i], b[i])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(9, 17, 33), (84, 84, 84), (200, 200, 200), (64, 784, 400), (33, 513, 49),
                                   (241, 1025, 250), (3841, 37, 53), (101, 300, 97)], ids=str)  # fmt: skip
def test_what_is_added_lies_in_any_way(shape, dtype):
    m, k, n = shape
    generator = torch.Generator().manual_seed(m + k + n)
    for b_form in ("plain", "transposed"):
        a, b = operand(generator, m, k, dtype, "plain"), operand(generator, k, n, dtype, b_form)
        row = operand(generator, 1, n, dtype, "plain")
        for d in (row, row[0], row.expand(m, n), operand(generator, m, 1, dtype, "plain"),
                  *(operand(generator, m, n, dtype, form) for form in ("plain", "strided", "transposed"))):  # fmt: skip
            kept, whole = d.clone(), d.expand(m, n).contiguous()
            check(torch.addmm(d, a, b), a, b, whole.double().numpy())
            scaled = torch.addmm(d, a, b, beta=-2, alpha=0.5) * 2
            check(scaled, a, b, -4 * whole.double().numpy())
            assert torch.equal(torch.addmm(d, a, b), torch.addmm(whole, a, b)) and torch.equal(d, kept)
        check(torch.nn.functional.linear(a, b.t(), row[0]), a, b, row.double().numpy())
