"""Formulas with kernels of their own for narrow integers, 16-bit floats and truth values: what the wide type gives,
converted."""

from __future__ import annotations

import pytest

import facula as torch

SIZES = (1, 7, 16, 33, 1000, 40000)
LIMITS = {torch.uint8: (0, 255), torch.int8: (-128, 127), torch.int16: (-(2**15), 2**15 - 1)}
LIMITS[torch.int32] = (-(2**31), 2**31 - 1)
UNARY = ("neg", "abs", "square", "sign", "bitwise_not", "relu")
BINARY = ("add", "sub", "mul", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge")
DIVISIONS = ("floor_divide", "remainder", "fmod")
SHIFTS = ("bitwise_left_shift", "bitwise_right_shift")


def integers(dtype: torch.dtype, n: int, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    low, high = LIMITS[dtype]
    x = torch.randint(low, high + 1, (n,), dtype=dtype)
    x[0] = low
    return x


def same(got: torch.Tensor, want: torch.Tensor, name: str) -> None:
    assert got.dtype is want.dtype and torch.equal(got, want), name


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_narrow_integers_as_int64(dtype: torch.dtype) -> None:
    for n in SIZES:
        x, y = integers(dtype, n, 1), integers(dtype, n, 2)
        y[n // 2] = x[n // 2]
        a, b = x.to(torch.int64), y.to(torch.int64)
        for name in UNARY:
            same(getattr(torch, name)(x), getattr(torch, name)(a).to(dtype), name)
        for name in BINARY:
            f = getattr(torch, name)
            want = f(a, b)
            same(f(x, y), want if want.dtype is torch.bool else want.to(dtype), name)
        divisor = torch.where(y == 0, torch.ones_like(y), y)
        divisor[0] = 255 if dtype is torch.uint8 else -1
        for name in DIVISIONS:
            f = getattr(torch, name)
            same(f(x, divisor), f(a, divisor.to(torch.int64)).to(dtype), name)
        counts = torch.arange(n, dtype=torch.int64).remainder(36).to(dtype)
        for name in SHIFTS:
            f = getattr(torch, name)
            same(f(x, counts), f(a, counts.to(torch.int64)).to(dtype), name)


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_numbers_beyond_the_type_do_not_wrap(dtype: torch.dtype) -> None:
    x = integers(dtype, 100, 3)
    beyond = LIMITS[dtype][1] + 1 + abs(int(x[5]))
    assert not (x == beyond).any() and (x < beyond).all()
    same(x + 3, (x.to(torch.int64) + 3).to(dtype), "add")
    same(x.clamp(2, 100), x.to(torch.int64).clamp(2, 100).to(dtype), "clamp")


def test_truth_values() -> None:
    for n in SIZES:
        g, h = torch.arange(n) % 3 == 0, torch.arange(n) % 2 == 0
        a, b = g.to(torch.int64), h.to(torch.int64)
        same(~g, a == 0, "not")
        for name in ("logical_and", "logical_or", "logical_xor"):
            same(getattr(torch, name)(g, h), getattr(torch, name)(a, b), name)


FLOAT_UNARY = "neg abs square sqrt rsqrt exp log sigmoid tanh relu nn.functional.gelu nn.functional.silu".split()
FLOAT_BINARY = "add sub mul div maximum minimum lt le gt ge eq ne".split()


def function(name: str):
    f = torch
    for part in name.split("."):
        f = getattr(f, part)
    return f


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_halves_as_float32(dtype: torch.dtype) -> None:
    special = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), float("nan"), 65504.0, 6e-8, -1e-5, 3e38])
    for n in SIZES:
        torch.manual_seed(n)
        x = torch.cat((torch.randn(n) * 3, special)).to(dtype)
        y = torch.cat((torch.randn(n), special.flip(0))).to(dtype)
        a, b = x.to(torch.float32), y.to(torch.float32)
        for name in FLOAT_UNARY:
            f = function(name)
            assert torch.equal(torch.nan_to_num(f(x), 7.0), torch.nan_to_num(f(a).to(dtype), 7.0)), name
        for name in FLOAT_BINARY:
            f = function(name)
            got, want = f(x, y), f(a, b)
            want = want if want.dtype is torch.bool else want.to(dtype)
            assert torch.equal(torch.nan_to_num(got, 7.0), torch.nan_to_num(want, 7.0)), name
        # 0.1 is no number of the type: it must not be rounded to one before the product
        assert torch.equal(torch.nan_to_num(x * 0.1, 7.0), torch.nan_to_num((a * 0.1).to(dtype), 7.0))
        assert torch.equal(torch.nan_to_num(x * 2.0, 7.0), torch.nan_to_num((a * 2.0).to(dtype), 7.0))
