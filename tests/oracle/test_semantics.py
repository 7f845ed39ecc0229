"""What programs rely on without saying so: aliases, versions, gradients at ties and borders, casts, NaN, promotion.
Every case runs in both packages and gives the same, errors included."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from compare import numbers, short

import facula

NAN, INF = float("nan"), float("inf")


def outcome(case, package):
    """What a case gives, as plain values; of an error, its type."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(case(package), package)
        except Exception as error:
            return type(error).__name__


def plain(value, package):
    if isinstance(value, package.Tensor):
        return (short(value.dtype), tuple(value.shape), numbers(value))
    if isinstance(value, (tuple, list)):
        return [plain(item, package) for item in value]
    return short(value) if isinstance(value, package.dtype) else value


def assert_equal(ours, theirs):
    assert type(ours) is type(theirs), f"{ours}, torch gives {theirs}"
    if isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs), f"{ours}, torch gives {theirs}"
        for left, right in zip(ours, theirs):
            assert_equal(left, right)
    elif isinstance(ours, np.ndarray):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)
    else:
        assert ours == theirs or (ours != ours and theirs != theirs), f"{ours!r}, torch gives {theirs!r}"


def cases(*functions):
    return pytest.mark.parametrize("case", functions, ids=lambda f: f.__name__ if f.__name__ != "<lambda>" else None)


def check(case):
    assert_equal(outcome(case, facula), outcome(case, torch))


def gradient(t, function, *values, dtype="float64"):
    """d function / d values, weighted so that places differ."""
    leaves = [t.tensor(v, dtype=getattr(t, dtype), requires_grad=True) for v in values]
    result = function(*leaves)
    results = result if isinstance(result, (tuple, list)) else [result]
    loss = 0
    for r in results:
        if r.requires_grad:
            loss = loss + (r * t.arange(1, r.numel() + 1, dtype=r.dtype).reshape(r.shape)).sum()
    found = t.autograd.grad(loss, leaves, allow_unused=True) if isinstance(loss, t.Tensor) else [None for _ in leaves]
    return [t.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found)]


# ---- aliases ----

VIEWS = (
    lambda x: x.view(4, 3),
    lambda x: x.t(),
    lambda x: x[1],
    lambda x: x[:, ::2],
    lambda x: x[None, :, 1],
    lambda x: x.diagonal(),
    lambda x: x.narrow(1, 1, 2),
    lambda x: x.unfold(1, 2, 2),
    lambda x: x.chunk(2, 1)[1],
    lambda x: x.unbind(1)[2],
    lambda x: x.permute(1, 0)[2:],
    lambda x: x.as_strided((2, 2), (5, 2), 1),
    lambda x: x.reshape(2, 6),
    lambda x: x.unsqueeze(0).squeeze(),
    lambda x: x.detach(),
    lambda x: x.flatten(),
    lambda x: x.movedim(0, 1),
    lambda x: x.ravel(),
    lambda x: x.contiguous(),
    lambda x: x.split([1, 3], 1)[1],
)


@pytest.mark.parametrize("index", range(len(VIEWS)))
def test_writes_show_through_every_alias(index):
    def case(t):
        x = t.arange(12.0).reshape(3, 4)
        y = x.view(3, 4)
        view = VIEWS[index](x)
        view.mul_(-1)
        y[0, 1] = 100.0
        view.add_(0.5)
        return x, y, view, x._version, view._version, y._version

    check(case)


@pytest.mark.parametrize("index", range(len(VIEWS) - 1))
def test_gradient_of_a_write_through_an_alias(index):
    """Results taken from the base and from another view after the write, none of which asked for its grad_fn before."""
    if index in (18, 8, 9):
        pytest.skip("contiguous is no alias for autograd; several views of one call refuse writes")

    def case(t):
        a = t.arange(12.0).reshape(3, 4).requires_grad_()
        b = t.tensor(3.0, requires_grad=True)
        x = a * 2
        other = x.view(12)
        view = VIEWS[index](x)
        view.mul_(b)
        return [*t.autograd.grad((other * t.arange(12.0)).sum() + x.sum(), (a, b)), other, x]

    check(case)


def written_after_saving(t):
    x = t.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y.add_(1)
    return z.sum().backward()


def written_view_after_saving(t):
    x = t.ones(3, requires_grad=True)
    y = x * 2
    z = y.exp()
    z[0] = 5
    return z.sum().backward()


def written_but_not_needed(t):
    x = t.ones(3, requires_grad=True)
    y = x + 1
    y.add_(1)
    y.sum().backward()
    return x.grad


def leaf_written(t):
    return t.ones(3, requires_grad=True).add_(1)


def view_of_leaf_written(t):
    return t.ones(3, requires_grad=True)[0].add_(1)


def expanded_written(t):
    return t.ones(1).expand(3).add_(1)


def versions(t):
    x = t.zeros(3)
    seen = [x._version]
    for write in (lambda: x.add_(1), lambda: x.zero_(), lambda: x[0].fill_(1), lambda: x.detach().add_(1)):
        write()
        seen.append(x._version)
    x.data.add_(1)
    return [*seen, x._version]


@cases(
    written_after_saving,
    written_view_after_saving,
    written_but_not_needed,
    leaf_written,
    view_of_leaf_written,
    expanded_written,
    versions,
)
def test_versions(case):
    check(case)


# ---- gradients where there is a choice ----

_TIED = [[1.0, 3.0, 3.0, 2.0, 3.0], [0.0, 0.0, -0.0, 0.0, 0.0]]
TIES = {
    "max": lambda x: x.max(),
    "min": lambda x: x.min(),
    "max_dim": lambda x: x.max(1).values,
    "min_dim": lambda x: x.min(1).values,
    "amax": lambda x: x.amax(1),
    "amin": lambda x: x.amin(1),
    "amax_all": lambda x: x.amax(),
    "cummax": lambda x: x.cummax(1).values,
    "cummin": lambda x: x.cummin(1).values,
    "sort": lambda x: x.sort(1).values,
    "sort_down": lambda x: x.sort(dim=1, descending=True, stable=True).values,
    "topk": lambda x: x.topk(2, 1).values.sum(),
    "median": lambda x: x.median(1).values,
    "median_all": lambda x: x.median(),
    "kthvalue": lambda x: x.kthvalue(2, 1).values,
    "mode": lambda x: x.mode(1).values,
    "aminmax": lambda x: x.aminmax(dim=1),
    "logsumexp": lambda x: x.logsumexp(1),
    "relu": lambda x: x.relu(),
    "abs": lambda x: x.abs(),
    "sign": lambda x: x.sign(),
    "clamp": lambda x: x.clamp(0, 3),
    "clamp_min": lambda x: x.clamp(min=3),
    "clamp_max": lambda x: x.clamp_max(0),
    "norm_1": lambda x: x.norm(1, 1),
    "norm_2": lambda x: x.norm(2, 1),
    "norm_inf": lambda x: x.norm(INF, 1),
    "norm_minus_inf": lambda x: x.norm(-INF, 1),
    "norm_0": lambda x: x.norm(0, 1),
    "norm_half": lambda x: x.norm(0.5, 1),
    "norm_3": lambda x: x.norm(3, 1),
    "norm_all": lambda x: (x * 0).norm(),
    "sqrt": lambda x: x.sqrt(),
    "power": lambda x: x.abs().pow(1.5),
    "power_0": lambda x: x**0,
    "power_1": lambda x: x**1,
    "power_2": lambda x: x**2,
    "prod": lambda x: x.prod(1),
    "prod_all": lambda x: x.prod(),
    "cumprod": lambda x: x.cumprod(1),
    "std": lambda x: (x * 0).std(1),
    "var": lambda x: x.var(1),
    "floor": lambda x: x.floor(),
    "frac": lambda x: x.frac(),
    "nansum": lambda x: x.nansum(1),
    "square": lambda x: x.square(),
    "reciprocal": lambda x: x.reciprocal(),
    "log": lambda x: x.log(),
    "asin": lambda x: (x / 3).asin(),
    "remainder": lambda x: x.remainder(2.0),
}


@pytest.mark.parametrize("name", TIES)
def test_gradient_at_ties_and_borders(name):
    check(lambda t: gradient(t, TIES[name], _TIED))


_LEFT, _RIGHT = [1.0, 0.0, -0.0, 2.0, NAN, 1.0, INF], [1.0, 0.0, 0.0, NAN, 1.0, -1.0, INF]
PAIRS = {
    "maximum": lambda t, a, b: t.maximum(a, b),
    "minimum": lambda t, a, b: t.minimum(a, b),
    "fmax": lambda t, a, b: t.fmax(a, b),
    "fmin": lambda t, a, b: t.fmin(a, b),
    "atan2": lambda t, a, b: t.atan2(a, b),
    "hypot": lambda t, a, b: t.hypot(a, b),
    "pow": lambda t, a, b: t.pow(a, b),
    "fmod": lambda t, a, b: t.fmod(a, b),
    "remainder": lambda t, a, b: t.remainder(a, b),
    "clamp": lambda t, a, b: t.clamp(a, min=b),
    "clamp_between": lambda t, a, b: t.clamp(a, b, b),
    "clamp_max": lambda t, a, b: t.clamp(a, max=b),
    "where": lambda t, a, b: t.where(a > 0, a, b),
    "where_nan": lambda t, a, b: t.where(a == 1, a, b.log()),
    "dist": lambda t, a, b: t.dist(a[:3], b[:3]),
    "copysign": lambda t, a, b: t.copysign(a, b),
    "logaddexp": lambda t, a, b: t.logaddexp(a, b),
    "xlogy": lambda t, a, b: t.xlogy(a, b),
    "div_floor": lambda t, a, b: t.div(a, b, rounding_mode="floor") + 0 * a,
    "lerp": lambda t, a, b: t.lerp(a, b, 0.5),
    "mul": lambda t, a, b: a * b,
    "cdist": lambda t, a, b: t.cdist(a[:3, None], b[:3, None]),
    "masked_fill": lambda t, a, b: a.masked_fill(a.isnan(), 0.0) * b,
}


@pytest.mark.parametrize("name", PAIRS)
def test_gradient_of_pairs(name):
    check(lambda t: gradient(t, lambda a, b: PAIRS[name](t, a, b), _LEFT, _RIGHT))


_WAYS = [(reduce, kept) for reduce in ("sum", "prod", "mean", "amax", "amin") for kept in (True, False)]


@pytest.mark.parametrize("way", _WAYS, ids=str)
@pytest.mark.parametrize("source", ([2.0, 3.0, 0.0, 0.0], [3.0, 3.0, 0.0, 5.0]), ids=str)
def test_gradient_of_scatter_reduce(way, source):
    def case(t):
        index = t.tensor([0, 0, 1, 1])
        return gradient(
            t, lambda x, s: x.scatter_reduce(0, index, s, way[0], include_self=way[1]), [3.0, 0.0, 1.0], source
        )

    check(case)


# ---- integers and casts ----

_A, _B = [7, -7, 7, -7, 0, 5], [3, 3, -3, -3, 4, -5]
INTEGERS = {
    "floordiv": lambda t, a, b: a // b,
    "mod": lambda t, a, b: a % b,
    "fmod": lambda t, a, b: t.fmod(a, b),
    "div": lambda t, a, b: a / b,
    "trunc": lambda t, a, b: t.div(a, b, rounding_mode="trunc"),
    "floor": lambda t, a, b: t.div(a, b, rounding_mode="floor"),
    "pow": lambda t, a, b: a ** b.abs(),
    "negative_power": lambda t, a, b: a**-1,
    "power_of_negative": lambda t, a, b: a**b,
    "mul": lambda t, a, b: a * b * a * b * a,
    "neg": lambda t, a, b: -a,
    "abs": lambda t, a, b: (a - 128).abs(),
    "shift": lambda t, a, b: (a << 2, a >> 1),
    "bits": lambda t, a, b: (a & b, a | b, a ^ b, ~a),
    "sum": lambda t, a, b: (a.sum(), a.prod(), a.cumsum(0)),
    "mean": lambda t, a, b: a.mean(),
    "compare": lambda t, a, b: (a < b, a == b, a.max(), a.argmin()),
    "number": lambda t, a, b: (a + 300, a * 2.5, a // 2, a % -3, 7 // a.clamp(min=1)),
    "gcd": lambda t, a, b: t.gcd(a, b),
    "sub": lambda t, a, b: b - a - 100,
    "square": lambda t, a, b: a.square(),
    "sign": lambda t, a, b: (a.sign(), a.sgn()),
    "zero_division": lambda t, a, b: a / (a - a),
    "reciprocal": lambda t, a, b: b.reciprocal(),
    "sqrt": lambda t, a, b: b.sqrt(),
    "integer_zero_division": lambda t, a, b: a // (a - a),
    "integer_zero_modulo": lambda t, a, b: a % (a - a),
    "round": lambda t, a, b: (a.round(), a.floor(), a.ceil(), a.trunc()),
    "lerp": lambda t, a, b: t.lerp(a, b, 0.5),
    "invert_sum": lambda t, a, b: (a.sum(dtype=t.int32), a.cumsum(0, dtype=t.uint8), a.sum(dtype=t.float32)),
}


@pytest.mark.parametrize("dtype", ("int64", "int32", "int8", "uint8", "bool"))
@pytest.mark.parametrize("name", INTEGERS)
def test_integers(name, dtype):
    if name == "number" and dtype in ("int8", "uint8"):
        pytest.skip("numbers beyond the type: torch wraps them with a warning or refuses, by operation")
    if name == "square" and dtype == "bool":
        pytest.skip("torch computes a power, in int64")
    if name == "power_of_negative" and dtype == "uint8":
        pytest.skip("wraps the exponents into large ones")

    def case(t):
        kind = getattr(t, dtype)
        return INTEGERS[name](t, t.tensor(_A).to(kind), t.tensor(_B).to(kind))

    check(case)


_FLOATS = [0.0, -0.0, 1.9, -1.9, 255.5, 256.0, -1.0, 300.7, 1e4, -1e4, 3e9, -3e9, 65536.5, 0.5, -0.5, 2.0**31, 127.9]


@pytest.mark.parametrize("target", ("int64", "int32", "int16", "int8", "uint8", "bool", "float16", "bfloat16"))
@pytest.mark.parametrize("source", ("float64", "float32", "int64", "bfloat16"))
def test_casts(source, target):
    def case(t):
        values = t.tensor(_FLOATS, dtype=t.float64)
        if target in ("int32", "int16", "int8", "uint8") and source != "int64":
            values = values[values.abs() < 2**31]  # beyond int32 the conversion of C is undefined, and torch's varies
        return values.to(getattr(t, source)).to(getattr(t, target))

    check(case)


@pytest.mark.parametrize("target", ("int64", "int32", "bool", "float16", "bfloat16"))
@pytest.mark.parametrize("source", ("float64", "float32"))
def test_casts_of_nothing_that_fits(source, target):
    check(lambda t: t.tensor([NAN, INF, -INF] * 8, dtype=getattr(t, source)).to(getattr(t, target)))


# ---- NaN ----

_MIXED = [[3.0, NAN, 1.0, INF], [-INF, 2.0, NAN, NAN], [1.0, 2.0, 3.0, -0.0], [NAN, NAN, NAN, NAN]]
NANS = {
    "sort": lambda t, x: x.sort(dim=1, stable=True),
    "sort_down": lambda t, x: x.sort(dim=1, descending=True, stable=True),
    "argsort": lambda t, x: x.argsort(dim=1, stable=True),
    "max": lambda t, x: (x.max(), x.max(1)),
    "min": lambda t, x: x.min(1),
    "argmax": lambda t, x: (x.argmax(), x.argmax(1)),
    "argmin": lambda t, x: (x.argmin(), x.argmin(1)),
    "amax": lambda t, x: (x.amax(1), x.amin(1)),
    "topk": lambda t, x: x.topk(2, 1).values,
    "median": lambda t, x: x.median(1),
    "nanmedian": lambda t, x: x[:3].nanmedian(1),
    "cummax": lambda t, x: x.cummax(1),
    "cummin": lambda t, x: x.cummin(1),
    "kthvalue": lambda t, x: x.kthvalue(3, 1).values,
    "unique": lambda t, x: x.unique().numel(),
    "aminmax": lambda t, x: x.aminmax(),
    "sums": lambda t, x: (x.sum(1), x.nansum(1), x.nanmean(1), x.prod(1), x.logsumexp(1)),
    "clamp": lambda t, x: x.clamp(0, 2),
    "relu": lambda t, x: x.relu(),
    "sign": lambda t, x: (x.sign(), x.isnan(), x.isfinite(), x.abs(), x.neg()),
    "compare": lambda t, x: (x == x, x != x, x < 2, x >= 2),
    "any": lambda t, x: (x.any(1), x.all(1), x.bool()),
    "extremes": lambda t, x: (
        t.maximum(x, x.flip(1)),
        t.fmax(x, x.flip(1)),
        t.minimum(x, x.flip(1)),
        t.fmin(x, x.flip(1)),
    ),
    "isclose": lambda t, x: (t.isclose(x, x), t.isclose(x, x, equal_nan=True), t.equal(x, x), t.allclose(x, x)),
    "softmax": lambda t, x: x.softmax(1),
    "cumsum": lambda t, x: x.cumsum(1),
    "round": lambda t, x: (x.round(), x.trunc()),
    "nan_to_num": lambda t, x: (x.nan_to_num(), x.nan_to_num(1, 2, 3)),
    "heaviside": lambda t, x: t.heaviside(x, x.new_tensor(0.5)),
    "count": lambda t, x: (x.count_nonzero(), x.nonzero()),
    "isin": lambda t, x: t.isin(x, t.tensor([2.0, NAN])),
    "median_all": lambda t, x: x.median(),
    "searchsorted": lambda t, x: t.searchsorted(t.tensor([1.0, 2.0]), x),
    "norms": lambda t, x: (x.norm(INF, 1), x.norm(-INF, 1), x.norm(0, 1), x.norm(1, 1)),
    "std": lambda t, x: x.std(1),
    "remainder": lambda t, x: (x % 2.0, x.fmod(2.0), x // 2.0),
    "power": lambda t, x: (x**0, t.ones(4, dtype=x.dtype) ** x, x**2),
}


@pytest.mark.parametrize("dtype", ("float32", "float64", "bfloat16"))
@pytest.mark.parametrize("name", NANS)
def test_nan(name, dtype):
    check(lambda t: NANS[name](t, t.tensor(_MIXED, dtype=getattr(t, dtype))))


# ---- promotion of operations that are not pointwise ----

_DTYPES = ("bool", "uint8", "int64", "float16", "bfloat16", "float32", "float64")
JOINS = {
    "cat": lambda t, a, b: t.cat([a, b]),
    "stack": lambda t, a, b: t.stack([a, b]),
    "hstack": lambda t, a, b: t.hstack((a, b)),
    "where": lambda t, a, b: t.where(t.tensor([True, False]), a, b),
    "lerp": lambda t, a, b: t.lerp(a, b, 0.5),
    "where_0d": lambda t, a, b: t.where(t.tensor([True, False]), a, b[0]),
    "copy": lambda t, a, b: t.zeros_like(a).copy_(b),
    "clamp": lambda t, a, b: t.clamp(a, min=b),
    "set": lambda t, a, b: a.index_put((t.tensor([0]),), b[:1]),
    "add_": lambda t, a, b: a.clone().add_(b),
    "mul_0d": lambda t, a, b: a * b[0],
    "result": lambda t, a, b: t.result_type(a, b),
    "fill": lambda t, a, b: a.clone().fill_(b[0]),
    "addcmul": lambda t, a, b: t.addcmul(a.float(), b, b),
    "dot": lambda t, a, b: t.dot(a, b),
    "equal": lambda t, a, b: (a == b, t.equal(a, a)),
    "masked": lambda t, a, b: a.masked_fill(a.bool(), b[1]),
    "isin": lambda t, a, b: t.isin(a, b),
    "block_diag": lambda t, a, b: t.block_diag(a, b),
    "kron": lambda t, a, b: t.kron(a, b),
}


@pytest.mark.parametrize("name", JOINS)
def test_promotion(name):
    """All pairs of types, with the pairs that differ in the message."""
    wrong = []
    for left in _DTYPES:
        for right in _DTYPES:

            def case(t, left=left, right=right):
                values = t.tensor([1, 0]), t.tensor([1, 1])
                return JOINS[name](t, values[0].to(getattr(t, left)), values[1].to(getattr(t, right)))

            try:
                check(case)
            except AssertionError as error:
                wrong.append(f"{left}, {right}: {error}")
    assert not wrong, "\n".join(wrong)


NUMBERS = (
    lambda t: t.where(t.tensor([True]), 1, 2.5),
    lambda t: t.where(t.tensor([True]), t.tensor([1]), 2.5),
    lambda t: t.where(t.tensor([True]), t.tensor([1.0], dtype=t.float16), 2),
    lambda t: t.tensor([1, 2]) + 1.5,
    lambda t: t.tensor([1, 2], dtype=t.int8) + 1,
    lambda t: t.tensor([1.0], dtype=t.float16) * t.tensor(2.0, dtype=t.float64),
    lambda t: t.tensor([1], dtype=t.int8) + t.tensor(300),
    lambda t: t.tensor([True]) + 1,
    lambda t: t.tensor([True]) * True,
    lambda t: t.tensor([True]) + True,
    lambda t: t.tensor([True]) - True,
    lambda t: t.tensor([1]) / 2,
    lambda t: t.tensor(1) / 2,
    lambda t: t.tensor([1]).add_(1.5),
    lambda t: t.tensor([1]).clamp(0.5),
    lambda t: t.tensor([1]).clamp(max=0.5),
    lambda t: t.tensor([5]).pow(0.5),
    lambda t: t.tensor([2], dtype=t.int32).pow(t.tensor(2.0)),
    lambda t: 2 ** t.tensor([1, 2]),
    lambda t: t.full((2,), 1),
    lambda t: t.full((2,), True),
    lambda t: t.full((2,), 1.0),
    lambda t: t.full((2,), 1j),
    lambda t: t.arange(3),
    lambda t: t.arange(3.0),
    lambda t: t.arange(0, 1, 0.5),
    lambda t: t.tensor([1, 2.0]),
    lambda t: t.tensor([]),
    lambda t: t.tensor([True, 2]),
    lambda t: t.tensor([1, 2]).mean(dtype=t.float32),
    lambda t: t.tensor([1, 2]).sum(dtype=t.uint8),
    lambda t: t.tensor([1, 2]).float().sum(dtype=t.int64),
    lambda t: t.tensor([1.7]).long(),
    lambda t: t.eye(2, dtype=t.bool) @ t.ones(2),
    lambda t: t.zeros(2, dtype=t.int64).index_add(0, t.tensor([0]), t.tensor([1.5])),
    lambda t: t.linspace(0, 1, 3, dtype=t.int64),
    lambda t: t.tensor([1, 2], dtype=t.int32).sum(),
    lambda t: t.tensor([1], dtype=t.uint8).cumsum(0),
    lambda t: t.tensor([True]).sum(),
    lambda t: t.tensor([1.0]).masked_fill(t.tensor([True]), 1j),
    lambda t: t.tensor([1]).masked_fill(t.tensor([True]), 2.7),
    lambda t: t.zeros(1, dtype=t.uint8).fill_(300),
    lambda t: t.zeros(1, dtype=t.int64).fill_(1.9),
    lambda t: t.tensor([1]).lerp(t.tensor([2]), 1),
)


@pytest.mark.parametrize("index", range(len(NUMBERS)))
def test_numbers(index):
    check(NUMBERS[index])
