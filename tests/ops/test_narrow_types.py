"""Operations on types narrower than those formulas are compiled for: integers are Python's modulo their size, 16-bit
floats are computed in float32 and rounded once, and no layout shows in the bits."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facula
from facula import _C

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16"]
INTEGERS = DTYPES[1:6]
HALVES = DTYPES[6:]
settings.register_profile("narrow", deadline=None, max_examples=30)
settings.load_profile("narrow")
formulas = _C._formulas
NOT_FUNCTIONS = ("div_floor", "div_trunc")  # of torch: div(rounding_mode=...)
# (formula, dtype) for every kernel over elements as they are stored
STORED = [
    (name, dtype)
    for name in formulas.names()
    if name not in NOT_FUNCTIONS
    for t, dtype in enumerate(DTYPES)
    if formulas.info(name)["own"] >> t & 1
]


@pytest.mark.skipif(
    facula.backends.cpu.get_cpu_capability() == "DEFAULT", reason="the baseline instruction set converts everything"
)
def test_every_kind_of_flag_has_kernels():
    kinds = [("add", d) for d in DTYPES[1:] if d != "int64"] + [("maximum", d) for d in DTYPES[1:] if d != "int64"]
    kinds += [("bitwise_left_shift", "int32"), ("logical_and", "bool"), ("sqrt", "float16"), ("sqrt", "bfloat16")]
    assert set(kinds) <= set(STORED)


def function(name):
    return getattr(facula, name, None) or getattr(facula.nn.functional, name)


def bits(x):
    return x.view(facula.int16).tolist() if x.element_size() == 2 else x.tolist()


def same(a, b):
    """Equal bits, or both not a number."""
    assert a.dtype == b.dtype and a.shape == b.shape
    if a.is_floating_point():
        a, b = facula.where(a != a, facula.zeros_like(a), a), facula.where(b != b, facula.zeros_like(b), b)
    assert bits(a) == bits(b)


def borders(dtype, n, seed=0):
    """Random elements, small ones and the borders of the type."""
    random = np.random.default_rng(seed)
    if dtype == "bool":
        return facula.tensor(random.random(n) < 0.5)
    if dtype in HALVES:
        any_bits = random.integers(-(1 << 15), 1 << 15, n).astype(np.int16)
        usual = facula.tensor(random.standard_normal(n).astype(np.float32)).to(getattr(facula, dtype))
        half = facula.tensor(any_bits).view(getattr(facula, dtype))
        return facula.where(facula.tensor(random.random(n) < 0.5), half, usual)
    i = np.iinfo(dtype)
    edge = np.array([i.min, i.max, i.min + 1, 0, 1, 2, 3, i.max if i.min == 0 else -1])
    values = random.integers(i.min, i.max, n, dtype=dtype, endpoint=True)
    return facula.tensor(np.where(random.random(n) < 0.5, edge[random.integers(0, 8, n)], values).astype(dtype))


def operands(name, dtype, n):
    x = [borders(dtype, n, k) for k in range(formulas.info(name)["arity"])]
    if formulas.info(name)["may_divide_by_zero"]:
        x[1][x[1] == 0] = 3
    return x


@pytest.mark.parametrize(("name", "dtype"), STORED)
@pytest.mark.parametrize("n", [1, 33, 64, 200])
def test_stored_elements_give_what_blocks_give(name, dtype, n):
    """With a stride between them, elements are converted to a column of the table block by block."""
    x = operands(name, dtype, n)
    spread = [facula.stack([t, t], 1)[:, 0] for t in x]
    assert n == 1 or not any(t.is_contiguous() for t in spread)
    expected = function(name)(*spread)
    same(function(name)(*x), expected)
    if name not in ("rsub", "relu", "gelu", "silu"):
        same(function(name)(*x, out=facula.empty(n, dtype=expected.dtype)), expected)
    if expected.dtype == x[0].dtype and hasattr(x[0], name + "_"):
        same(getattr(x[0].clone(), name + "_")(*x[1:]), expected)
        if len(x) > 1 and not formulas.info(name)["may_divide_by_zero"]:
            twice = x[0].clone()
            same(getattr(twice, name + "_")(twice, *x[2:]), function(name)(x[0], x[0], *x[2:]))


@pytest.mark.parametrize(("name", "dtype"), [s for s in STORED if formulas.info(s[0])["arity"] == 2])
@pytest.mark.parametrize("value", [0, 1, -2, 127, 200, 0.1, 1.5, 70000.0])
def test_a_number_is_taken_as_it_is(name, dtype, value):
    """Neither rounded to 16 bits nor wrapped to the integer type before it is used."""
    x = borders(dtype, 130)
    spread = facula.stack([x, x], 1)[:, 0]
    if dtype == "bool" or name.startswith("logical") or (isinstance(value, float) and name in ("maximum", "minimum")):
        return
    if name in ("maximum", "minimum"):
        value = facula.tensor(value if dtype in HALVES else min(abs(value), 100), dtype=x.dtype)
    try:
        expected = function(name)(spread, value)
    except (RuntimeError, NotImplementedError) as error:  # a shift by a fraction, a division by zero
        with pytest.raises(type(error)):
            function(name)(x, value)
        return
    same(function(name)(x, value), expected)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("symbol", ["add", "sub", "mul", "floordiv", "mod", "lt", "le", "gt", "ge", "eq", "ne"])
@given(data=st.data())
def test_integers_are_pythons_modulo_their_size(dtype, symbol, data):
    i = np.iinfo(dtype)
    number = st.one_of(st.integers(i.min, i.max), st.sampled_from([i.min, i.max, 0, 1, max(i.min, -1), 2, 3]))
    pairs = data.draw(st.lists(st.tuples(number, number), min_size=1, max_size=150))
    if symbol in ("floordiv", "mod"):
        pairs = [(a, b or 1) for a, b in pairs]
    of = getattr(operator, symbol)
    x, y = (facula.tensor(side, dtype=getattr(facula, dtype)) for side in zip(*pairs, strict=True))
    wrapped = [(of(a, b) - i.min) % (i.max - i.min + 1) + i.min for a, b in pairs]
    assert of(x, y).tolist() == (
        wrapped if symbol not in ("lt", "le", "gt", "ge", "eq", "ne") else [of(a, b) for a, b in pairs]
    )


@pytest.mark.parametrize("dtype", INTEGERS)
def test_truncating_division_and_its_rest(dtype):
    x, y = borders(dtype, 999, 1), borders(dtype, 999, 2)
    y[y == 0] = 3
    size = 1 << 8 * x.element_size()
    lowest = int(np.iinfo(dtype).min)
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    quotients = [abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) for a, b in pairs]
    expected = [(q - lowest) % size + lowest for q in quotients]
    assert facula.div(x, y, rounding_mode="trunc").tolist() == expected
    assert facula.fmod(x, y).tolist() == [a - b * q for (a, b), q in zip(pairs, quotients, strict=True)]


@pytest.mark.parametrize("size", [1 << 31, 1 << 50, (1 << 51) - 1, 1 << 51, 1 << 53, (1 << 63) - 1])
def test_division_of_long_integers(size):
    random = np.random.default_rng(0)
    x = random.integers(-size, size, 800)
    y = random.integers(1, 1 << random.integers(1, size.bit_length(), 800)) * random.choice([-1, 1], 800)
    x = np.where(random.random(800) < 0.3, x // y * y - random.integers(-1, 2, 800), x)  # next to a multiple
    a, b = facula.tensor(x), facula.tensor(y)
    assert (a // b).tolist() == [p // q for p, q in zip(x.tolist(), y.tolist(), strict=True)]
    assert (a % b).tolist() == [p % q for p, q in zip(x.tolist(), y.tolist(), strict=True)]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("at", [0, 64, 998, 70000])
def test_a_zero_divisor_is_found_anywhere_and_nothing_is_written(dtype, at):
    x, y = facula.full((at + 5,), 7, dtype=getattr(facula, dtype)), facula.ones(at + 5, dtype=getattr(facula, dtype))
    y[at] = 0
    for of in (facula.floor_divide, facula.remainder, facula.Tensor.floor_divide_, facula.Tensor.remainder_):
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            of(x, y)
    assert bool((x == 7).all())


@pytest.mark.parametrize("dtype", INTEGERS)
@given(st.integers(-70, 70))
def test_shifts(dtype, count):
    x = borders(dtype, 77)
    i = np.iinfo(dtype)
    if not i.min <= count <= i.max:
        return
    size = 8 * x.element_size()
    left = [((a << count) - int(i.min)) % (1 << size) + int(i.min) if 0 <= count < size else 0 for a in x.tolist()]
    assert (x << count).tolist() == left
    assert (x >> count).tolist() == [a >> (count if 0 <= count < size else size) for a in x.tolist()]


@pytest.mark.parametrize("dtype", DTYPES[1:])
@pytest.mark.parametrize("shape", [(3,), (5000,), (70, 33), (33, 700), (9, 130, 3)])
def test_reductions_read_narrow_elements(dtype, shape):
    """The bits of a sum are those over a transposed copy, whose elements are converted first."""
    x = borders(dtype, int(np.prod(shape))).reshape(shape)
    if dtype in HALVES:
        x = facula.where((x == x) & (x.abs() < 100), x, facula.zeros_like(x))
    wide = x.to(facula.float32 if dtype in HALVES else facula.int64)
    for dim in [None, *range(len(shape))]:
        for name in ("amax", "amin"):
            same(getattr(x, name)(dim=dim or 0), getattr(wide, name)(dim=dim or 0).to(x.dtype))
        same(x.max(), wide.max().to(x.dtype))
        if dtype in HALVES:
            spread = facula.stack([x, x], -1)[..., 0]
            same(x.sum(dim), spread.sum(dim))
            same(x.mean(dim), spread.mean(dim))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("side", [5, 33, 1500, 5000])
def test_rows_of_16_bit_floats(dtype, side):
    x = facula.randn(3, side).to(getattr(facula, dtype))
    f = facula.nn.functional
    same(facula.softmax(x, 1), facula.softmax(x.float(), 1).to(x.dtype))
    same(facula.log_softmax(x, 1), facula.log_softmax(x.float(), 1).to(x.dtype))
    weight, bias = x[0], x[1]
    expected = f.layer_norm(x.float(), (side,), weight.float(), bias.float()).to(x.dtype)
    same(f.layer_norm(x, (side,), weight, bias), expected)


def test_gcd_of_short_and_long_integers():
    import math

    random = np.random.default_rng(0)
    x = np.concatenate([random.integers(-size, size, 100) for size in (10, 1 << 20, 1 << 40, 1 << 62)])
    y = random.permutation(x)
    pairs = zip(x.tolist(), y.tolist(), strict=True)
    assert facula.gcd(facula.tensor(x), facula.tensor(y)).tolist() == [math.gcd(a, b) for a, b in pairs]
    lowest = facula.tensor([-(2**63), -(2**63)])
    assert facula.gcd(lowest, facula.tensor([6, 0])).tolist() == [2, -(2**63)]


@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_powers_that_are_other_functions(dtype):
    x = borders(dtype, 130)
    same(x**2, x * x)
    assert (x**2.0).dtype == (x * 1.0).dtype
    if dtype in HALVES:
        same(x**0.5, facula.sqrt(x))
        same(x**-1, facula.reciprocal(x))
    else:
        with pytest.raises(RuntimeError, match="negative integer powers"):
            x**-1


@pytest.mark.parametrize("dtype", INTEGERS[:-1])
def test_numbers_that_do_not_fit_compare_by_value(dtype):
    x = borders(dtype, 130)
    for number in (2**63 - 1, 2**62, 2**32, -(2**32), -(2**63)):
        assert not (x == number).any() and (x != number).all()
        assert (x < number).all() if number > 0 else (x > number).all()
