"""Sorting, selection, search, histograms and quantiles against live torch: types, NaN, ties, strides, errors. The
plain calls are samples of tests/ops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from compare import assert_same, call, flat

import facula

FLOATS = ("float64", "float32", "float16", "bfloat16")
INTS = ("int64", "int32", "int16", "int8", "uint8")
# Sizes on both sides of what the kernels treat differently: counting, short and long radix digits, buckets.
SIZES = (1, 7, 16, 33, 160, 161, 700, 9000)


def both(values, dtype):
    return facula.tensor(values, dtype=getattr(facula, dtype)), torch.tensor(values, dtype=getattr(torch, dtype))


def numbers(n, kind, seed=0):
    """`ties`: few different values; `wild`: infinities, NaN, both zeros and 600 orders of magnitude; `plain`: randn."""
    random = np.random.default_rng(seed)
    if kind == "ties":
        return random.integers(0, 5, n).astype(float).tolist()
    if kind == "plain":
        return random.normal(size=n).tolist()
    special = [math.inf, -math.inf, math.nan, 0.0, -0.0]
    wild = random.normal(size=n) * 10.0 ** random.integers(-4, 4, n)
    return [special[i % 23] if i % 23 < 5 else v for i, v in enumerate(wild.tolist())]


def same(name, ours, theirs, *args, **kwargs):
    left, right = getattr(facula, name)(ours, *args, **kwargs), getattr(torch, name)(theirs, *args, **kwargs)
    for a, b in zip(flat(left), flat(right), strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", FLOATS + INTS)
@pytest.mark.parametrize("n", SIZES)
def test_stable_sort(n, dtype, descending):
    kinds = ("ties", "plain", "wild") if dtype in FLOATS else ("ties",)
    for kind in kinds:
        same("sort", *both(numbers(n, kind), dtype), stable=True, descending=descending)


def test_sort_keeps_the_sign_of_zero():
    x = facula.tensor([0.0, -0.0, 1.0, -0.0]).sort().values
    assert facula.signbit(x).tolist() == [False, True, True, False]


@pytest.mark.parametrize("values", [[2**62, -(2**62), 0, 1, 2**62 - 1], [2**40 + i % 3 for i in range(500)]])
def test_wide_integers(values):
    same("sort", *both(values * 40, "int64"), stable=True)


def test_doubles_that_differ_in_their_last_bits():
    values = [1.0 + i * 2.0**-52 for i in (5, 3, 3, 9, 0)] * 60 + [1e300]
    same("sort", *both(values, "float64"), stable=True)


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_dimensions_and_strides(dim):
    ours, theirs = both(numbers(4 * 5 * 6, "ties"), "float32")
    for view in (lambda t: t.reshape(4, 5, 6), lambda t: t.reshape(6, 5, 4).permute(2, 1, 0)[:, ::2]):
        a, b = view(ours), view(theirs)
        for name in ("sort", "kthvalue", "median", "nanmedian", "mode", "topk"):
            given = {"k": 2} if name in ("kthvalue", "topk") else {}
            given |= {"stable": True} if name == "sort" else {}
            same(name, a, b, dim=dim, **given)


@pytest.mark.parametrize("dtype", FLOATS + INTS)
@pytest.mark.parametrize("n", SIZES)
def test_selection_chooses_the_same_of_equals(n, dtype):
    for kind in ("ties", "wild") if dtype in FLOATS else ("ties",):
        ours, theirs = both(numbers(n, kind, n), dtype)
        for k in sorted({1, n // 64 or 1, n // 2 or 1, n}):
            for largest in (True, False):
                same("topk", ours, theirs, k, largest=largest)
            same("kthvalue", ours, theirs, k)
        same("median", ours, theirs)
        same("median", ours, theirs, 0)
        same("nanmedian", ours, theirs, 0, keepdim=True)
        if kind == "ties":
            same("mode", ours, theirs)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool", "bfloat16"])
@pytest.mark.parametrize("n", [0, 1, 9, 500])
def test_unique(n, dtype):
    kind = "wild" if dtype in FLOATS else "ties"
    ours, theirs = both(numbers(n, kind), dtype)
    same("unique", ours, theirs, return_inverse=False, return_counts=True)
    same("unique_consecutive", ours, theirs, return_inverse=True, return_counts=True)
    if dtype in INTS:
        same("unique", ours, theirs, return_inverse=True)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_unique_slices(dim):
    ours, theirs = both(np.random.default_rng(1).integers(0, 2, (12, 3)).tolist(), "int64")
    for name in ("unique", "unique_consecutive"):
        same(name, ours, theirs, return_inverse=True, return_counts=True, dim=dim)
    ours, theirs = both([[math.nan, 1.0], [math.nan, 1.0], [0.0, 2.0]], "float64")
    assert facula.unique(ours, dim=0).shape == torch.unique(theirs, dim=0).shape == (3, 2)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("dtype", FLOATS + INTS)
def test_searchsorted(dtype, right):
    values, bounds = both(numbers(70, "ties"), dtype), both(sorted(numbers(9, "ties", 3)), dtype)
    for out_int32 in (False, True):
        for a, b in (bounds, (t[:0] for t in bounds), (t[:1] for t in bounds)):
            ours = facula.searchsorted(a, values[0], right=right, out_int32=out_int32)
            assert_same(ours, torch.searchsorted(b, values[1], right=right, out_int32=out_int32))
    rows, columns = (
        both(np.sort(np.arange(12).reshape(3, 4) % 5).tolist(), dtype),
        both([[1, 2], [0, 9], [3, 3]], dtype),
    )
    assert_same(facula.searchsorted(rows[0], columns[0], side="right"),
                torch.searchsorted(rows[1], columns[1], side="right"))  # fmt: skip


def test_searchsorted_of_numbers_and_mixed_types():
    for bounds, value in (([1, 2, 3], 1.5), ([1.0, 2.0], 1), ([1, 2], True)):
        ours, theirs = facula.tensor(bounds), torch.tensor(bounds)
        assert_same(facula.searchsorted(ours, value), torch.searchsorted(theirs, value))
        assert_same(facula.bucketize(value, ours, right=True), torch.bucketize(value, theirs, right=True))
    unsorted, order = [3.0, 1.0, 2.0], [1, 2, 0]
    assert_same(facula.searchsorted(facula.tensor(unsorted), 2.5, sorter=facula.tensor(order)),
                torch.searchsorted(torch.tensor(unsorted), 2.5, sorter=torch.tensor(order)))  # fmt: skip


@pytest.mark.parametrize("dim", [None, 0, 1])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles(interpolation, keepdim, dim):
    for kind in ("plain", "wild"):
        ours, theirs = (t.reshape(6, 5) for t in both(numbers(30, kind), "float64"))
        for q in (0.0, 0.37, 1.0):
            for name in ("quantile", "nanquantile"):
                same(name, ours, theirs, q, dim, keepdim, interpolation=interpolation)
        left = facula.quantile(ours, facula.tensor([0.2, 0.9], dtype=facula.float64), dim, keepdim)
        assert_same(left, torch.quantile(theirs, torch.tensor([0.2, 0.9], dtype=torch.float64), dim, keepdim))


def test_histograms():
    ours, theirs = both(numbers(200, "plain"), "float32")
    for bins, given in ((10, {}), (7, {"range": (-1.0, 1.5)}), (1, {"density": True})):
        same("histogram", ours, theirs, bins, **given)
    same("histc", ours, theirs, 12)
    same("histc", ours, theirs, 12, -1, 1)
    edges = [-1.0, -0.25, 0.0, 2.0]
    left = facula.histogram(ours, facula.tensor(edges), weight=ours)
    for a, b in zip(left, torch.histogram(theirs, torch.tensor(edges), weight=theirs), strict=True):
        assert_same(a, b)
    for a, b in zip(flat(facula.histogramdd(ours.reshape(100, 2), [3, 4], density=True)),
                    flat(torch.histogramdd(theirs.reshape(100, 2), [3, 4], density=True))):  # fmt: skip
        assert_same(a, b)


REFUSED = [
    ("sort", [1.0], {"dim": 1}), ("sort", [1j], {}), ("topk", [1.0, 2.0], {"k": 3}), ("topk", [1.0], {"k": -1}),
    ("topk", [True], {"k": 1}), ("kthvalue", [1.0], {"k": 0}), ("kthvalue", [1.0], {"k": 2}),
    ("kthvalue", [True], {"k": 1}), ("median", [], {"dim": 0}), ("median", [True], {}), ("median", [1j], {}),
    ("mode", [], {"dim": 0}), ("unique", 1.0, {"dim": 0}), ("unique", [[]], {"dim": 0}), ("unique", [1j], {}),
    ("quantile", [], {"q": 0.5}), ("quantile", [1], {"q": 0.5}), ("quantile", [1.0], {"q": 1.5}),
    ("quantile", [1.0], {"q": 0.5, "interpolation": "cubic"}), ("quantile", [1.0], {"q": 0.5, "dim": 3}),
    ("histc", [1], {}), ("histc", [1.0], {"bins": 0}), ("histc", [1.0], {"min": 2, "max": 1}),
    ("histc", [math.nan], {}), ("histogram", [1.0], {"bins": 0}), ("histogram", [1], {"bins": 2}),
    ("histogram", [1.0], {"bins": 2, "range": (2.0, 1.0)}), ("histogramdd", [1.0], {"bins": 2}),
    ("bincount", [1.0], {}), ("bincount", [-1], {}), ("bincount", [[1]], {}), ("bincount", [1], {"minlength": -1}),
    ("searchsorted", 1.0, {"input": 1.0}), ("searchsorted", [1.0], {"input": 1.0, "side": "middle"}),
    ("searchsorted", [1.0], {"input": 1.0, "side": "left", "right": True}),
    ("searchsorted", [[1.0]], {"input": 1.0}), ("searchsorted", [True], {"input": True}),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}")
def test_refused_alike(case):
    name, values, given = case
    given = dict(given)
    second = [given.pop("input")] if "input" in given else []
    _, theirs = call(getattr(torch, name), torch.tensor(values), *second, **given)
    _, ours = call(getattr(facula, name), facula.tensor(values), *second, **given)
    assert theirs is not None and type(ours) is type(theirs), ours


def test_a_wrong_sorter_is_refused():
    bounds, value = facula.tensor([1.0, 2.0]), facula.tensor([1.5])
    for sorter in ([0, 2], [0, -1], [0]):
        with pytest.raises(RuntimeError, match="sorter"):
            facula.searchsorted(bounds, value, sorter=facula.tensor(sorter))


def test_a_range_that_overflows_stays_inside():
    x = facula.tensor([-3e38, 0.0, 3e38])
    assert facula.histc(x, 4, -3e38, 3e38).sum() == 3


def test_median_gradient_is_shared_by_equals():
    values = [2.0, 1.0, 2.0, 5.0, 2.0]
    ours, theirs = (p.tensor(values, requires_grad=True) for p in (facula, torch))
    ours.median().backward()
    theirs.median().backward()
    assert_same(ours.grad, theirs.grad)


def test_wrong_out_is_left_alone():
    values, index = facula.zeros(3), facula.zeros(3)
    with pytest.raises(RuntimeError, match="dtype"):
        facula.sort(facula.tensor([3.0, 1.0, 2.0]), out=(values, index))
    assert not values.any() and not index.any()


@pytest.mark.parametrize("n", [1, 9, 1024, 3000, 140_000])
@pytest.mark.parametrize("name", ["cumsum", "cummax", "cummin", "logcumsumexp"])
def test_running_values(name, n):
    """Blocks, segments of long rows, and numbers that the block-wise exponentials cannot bear."""
    for kind in ("plain", "wild"):
        values = numbers(n, kind)
        if name == "cumsum":
            values = [0.0 if v != v or math.isinf(v) else v for v in values]
        ours, theirs = both(values, "float64")
        if name.startswith("cumm"):
            same(name, ours, theirs, 0)
        else:
            left, right = getattr(facula, name)(ours, 0), getattr(torch, name)(theirs, 0)
            np.testing.assert_allclose(np.array(left.tolist()), np.array(right.tolist()), rtol=1e-11, atol=1e-9)
    same("cummax", *both(sorted(numbers(n, "plain")), "float32"), 0)
