"""Type promotion against live torch: every pair of dtypes, as tensors, 0-d tensors and Python numbers."""

from __future__ import annotations

import operator

import pytest
import torch
from compare import call, short

import facula

DTYPES = (
    "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128 uint16 uint32 uint64"
).split()
NUMBERS = (True, 2, 1.5, 1 + 2j)
OPERATIONS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "floor": operator.floordiv,
    "pow": operator.pow, "eq": operator.eq, "lt": operator.lt, "and": operator.and_,
}  # fmt: skip


def outcome(function, *args):
    result, error = call(function, *args)
    return "refused" if error is not None else short(result.dtype)


def complex_is_known(name, *kinds):
    """Complex tensors have + - * / and equality so far; there is no complex32; bool ** True is a copy in torch."""
    if "float16" in kinds and any("complex" in str(kind) for kind in kinds):
        return False
    if name == "pow" and kinds == ("bool", bool):
        return False
    return name in ("add", "sub", "mul", "div", "eq") or not any("complex" in str(kind) for kind in kinds)


def ones(package, dtype, shape):
    return package.ones(shape, dtype=getattr(package, dtype))


@pytest.mark.parametrize("shapes", [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())], ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_tensors(name, shapes):
    wrong = []
    for left in DTYPES:
        for right in DTYPES:
            if not complex_is_known(name, left, right):
                continue
            ours, theirs = (
                outcome(OPERATIONS[name], ones(package, left, shapes[0]), ones(package, right, shapes[1]))
                for package in (facula, torch)
            )
            if ours != theirs:
                wrong.append(f"{left} {name} {right}: {ours}, torch gives {theirs}")
    assert not wrong


@pytest.mark.parametrize("shape", [(2,), ()], ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_numbers(name, shape):
    wrong = []
    for dtype in DTYPES:
        for number in NUMBERS:
            if not complex_is_known(name, dtype, type(number)):
                continue
            for function in (OPERATIONS[name], lambda a, b: OPERATIONS[name](b, a)):
                ours, theirs = (outcome(function, ones(package, dtype, shape), number) for package in (facula, torch))
                if ours != theirs:
                    wrong.append(f"{dtype} {name} {number!r}: {ours}, torch gives {theirs}")
    assert not wrong


def common_type(package, left, right):
    """The dtype that two have in common; "none" where they have not."""
    result, error = call(package.promote_types, getattr(package, left), getattr(package, right))
    return "none" if error is not None else short(result)


def test_promote_types():
    for left in DTYPES:
        for right in DTYPES:
            assert common_type(facula, left, right) == common_type(torch, left, right), (left, right)


def outcome_type(package, left, right):
    result, error = call(package.result_type, left, right)
    return "none" if error is not None else short(result)


def test_result_type_and_can_cast():
    for left in DTYPES:
        for right in DTYPES:
            ours, theirs = (
                (
                    outcome_type(package, ones(package, left, (2,)), ones(package, right, ())),
                    package.can_cast(getattr(package, left), getattr(package, right)),
                )
                for package in (facula, torch)
            )
            assert ours == theirs or "complex32" in theirs, (left, right)


def test_default_dtype_decides_numbers():
    try:
        for package in (facula, torch):
            package.set_default_dtype(package.float64)
        for make in (lambda p: p.tensor(1.5), lambda p: p.tensor(1) / 2, lambda p: p.ones(2, dtype=p.int32) * 1.5):
            assert short(make(facula).dtype) == short(make(torch).dtype)
    finally:
        for package in (facula, torch):
            package.set_default_dtype(package.float32)
