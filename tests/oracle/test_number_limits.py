"""Python numbers at and beyond the limits of a type: what PyTorch refuses is refused, what it wraps is the same."""

from __future__ import annotations

import pytest
import torch

import facula

DTYPES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
NUMBERS = [
    300, -1, -129, -300, -32769, 65505, 65519.0, 65520.0, 70000.0, 1e6, -(2**31) - 1, 2**40, 2.5,
    3.4028235677973366e38, 1e60, -1e60, float("inf"),
]  # fmt: skip


def given(x, v):
    x[0] = v
    return x


# m is the library, o ones, z zeros, k a mask, e an empty tensor of the type d.
STATEMENTS = {
    "fill_": lambda m, d, o, z, k, v: z.fill_(v),
    "full": lambda m, d, o, z, k, v: m.full((2,), v, dtype=d),
    "full_like": lambda m, d, o, z, k, v: m.full_like(z, v),
    "new_full": lambda m, d, o, z, k, v: z.new_full((2,), v),
    "scalar_tensor": lambda m, d, o, z, k, v: m.scalar_tensor(v, dtype=d),
    "tensor": lambda m, d, o, z, k, v: m.tensor([v, 0], dtype=d),
    "setitem": lambda m, d, o, z, k, v: given(z, v),
    "masked_fill": lambda m, d, o, z, k, v: z.masked_fill(k, v),
    "index_fill": lambda m, d, o, z, k, v: z.index_fill(0, m.tensor([0]), v),
    "scatter": lambda m, d, o, z, k, v: z.scatter(0, m.tensor([0]), v),
    "fill_diagonal_": lambda m, d, o, z, k, v: m.zeros(2, 2, dtype=d).fill_diagonal_(v),
    "pad": lambda m, d, o, z, k, v: m.nn.functional.pad(z, (1, 1), value=v),
    "constant_pad_nd": lambda m, d, o, z, k, v: m.constant_pad_nd(z, (1, 1), v),
    "where": lambda m, d, o, z, k, v: m.where(k, z, v),
    "where, number first": lambda m, d, o, z, k, v: m.where(k, v, z),
    "where of numbers": lambda m, d, o, z, k, v: m.where(k, v, 1),
    "clamp": lambda m, d, o, z, k, v: z.clamp(v, v),
    "clamp, min": lambda m, d, o, z, k, v: z.clamp(min=v),
    "clamp_, max": lambda m, d, o, z, k, v: z.clamp_(max=v),
    "hardtanh": lambda m, d, o, z, k, v: m.nn.functional.hardtanh(o, v, v),
    "threshold": lambda m, d, o, z, k, v: m.nn.functional.threshold(z, 1, v),
    "threshold of": lambda m, d, o, z, k, v: m.nn.functional.threshold(z, v, 1),
    "leaky_relu": lambda m, d, o, z, k, v: m.nn.functional.leaky_relu(o, v),
    "elu": lambda m, d, o, z, k, v: m.nn.functional.elu(o, v),
    "hardshrink": lambda m, d, o, z, k, v: m.nn.functional.hardshrink(o, v),
    "add": lambda m, d, o, z, k, v: o.add(o, alpha=v),
    "add a number": lambda m, d, o, z, k, v: o.add(1, alpha=v),
    "sub_": lambda m, d, o, z, k, v: o.sub_(z, alpha=v),
    "rsub": lambda m, d, o, z, k, v: m.rsub(z, o, alpha=v),
    "addcmul": lambda m, d, o, z, k, v: o.addcmul(o, o, value=v),
    "addcdiv": lambda m, d, o, z, k, v: o.addcdiv(o, o, value=v),
    "lerp": lambda m, d, o, z, k, v: o.lerp(z, v),
    "addmm": lambda m, d, o, z, k, v: m.addmm(o.expand(2, 2), o.expand(2, 2), o.expand(2, 2), alpha=v),
    "addmv": lambda m, d, o, z, k, v: m.addmv(o, o.expand(2, 2), o, beta=v),
    "index_add": lambda m, d, o, z, k, v: z.index_add(0, m.tensor([0]), o[:1], alpha=v),
    "pow": lambda m, d, o, z, k, v: o.pow(v),
    "remainder": lambda m, d, o, z, k, v: o.remainder(v),
    "fmod": lambda m, d, o, z, k, v: o.fmod(v),
    "floor_divide": lambda m, d, o, z, k, v: o.floor_divide(v),
    "bitwise_and": lambda m, d, o, z, k, v: o.bitwise_and(v),
    "shift": lambda m, d, o, z, k, v: o.bitwise_left_shift(v),
    "mul": lambda m, d, o, z, k, v: o.mul(v),
    "arange": lambda m, d, o, z, k, v: m.arange(v, v + 2, dtype=d),
    "linspace": lambda m, d, o, z, k, v: m.linspace(v, v, 2, dtype=d),
    "normal_": lambda m, d, o, z, k, v: z.normal_(v, 0.0),
    "uniform_": lambda m, d, o, z, k, v: z.uniform_(v, v),
}
# Powers and products of 16-bit floats take their numbers as float.
LOOSE = {(name, dtype) for name in ("pow", "addmv") for dtype in ("float16", "bfloat16")}


def outcome(m, statement, dtype, number):
    """The values, or the type of the error."""
    d = getattr(m, dtype)
    mask = m.tensor([True, False])
    try:
        return statement(m, d, m.ones(2, dtype=d), m.zeros(2, dtype=d), mask, number).tolist()
    except (RuntimeError, NotImplementedError, TypeError, ValueError, OverflowError) as error:
        return type(error).__name__


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.filterwarnings("ignore:An output with one or more elements")
def test_numbers_at_the_limits(name):
    for dtype in DTYPES:
        for number in NUMBERS:
            expected, got = (outcome(m, STATEMENTS[name], dtype, number) for m in (torch, facula))
            if (name, dtype) in LOOSE and expected == "RuntimeError":
                continue
            assert repr(got) == repr(expected), f"{name}, {dtype}, {number}"


@pytest.mark.parametrize("name", ["clamp, min", "clamp_, max", "remainder", "floor_divide", "add", "mul", "where"])
def test_long_and_short_tensors_take_numbers_alike(name):
    """Kernels over stored types and the general way give the same; the first element stands for all."""
    for dtype in DTYPES:
        for number in NUMBERS:
            results = []
            for n in (2, 5000):
                ones, zeros = (
                    facula.ones(n, dtype=getattr(facula, dtype)),
                    facula.zeros(n, dtype=getattr(facula, dtype)),
                )
                mask = facula.zeros(n, dtype=facula.bool)
                try:
                    value = STATEMENTS[name](facula, ones.dtype, ones, zeros, mask, number)
                    results.append((value.dtype, repr(value[0].item()), bool((value == value[0]).all())))
                except (RuntimeError, NotImplementedError) as error:
                    results.append(str(error))
            assert results[0] == results[1], f"{name}, {dtype}, {number}"
