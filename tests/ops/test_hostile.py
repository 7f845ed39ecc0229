"""Calls that no person would write, for every native function: random shapes, strides, types, huge sizes, wrong kinds
of argument. Nothing crashes, errors are of PyTorch's types, and an error leaves every tensor as it was."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import random
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facula
from facula import _C

ERRORS = (
    RuntimeError,
    IndexError,
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
    AssertionError,  # what PyTorch raises for a device that it was not built for
)  # NotImplementedError is one of them
DTYPES = [
    getattr(facula, name)
    for name in (
        "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128 uint16 uint32 uint64"
    ).split()
]
# Sizes that fit, and sizes that no memory holds: what lies between would only fill the machine.
HUGE = (2**62, 2**63 - 1, -(2**63), 10**18, -(10**18), 2**60)
NUMBERS = (
    0,
    1,
    -1,
    2,
    0.5,
    -2.5,
    math.nan,
    math.inf,
    -math.inf,
    1e300,
    2**63 - 1,
    2**64 - 1,
    -(2**63),
    True,
    1 + 2j,
    300,
)
NATIVE = type(facula.exp)


def native_functions():
    """Every native function of the package, by the place where it is defined; one for each entry and form."""
    found = {}
    for module in pkgutil.walk_packages(facula.__path__, "facula."):
        if not module.name.startswith(("facula.functional", "facula.nn.functional")):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if type(value) is NATIVE and value.__module__ == module.name:
                found[f"{module.name.removeprefix('facula.')}.{name}"] = value
    return found


FUNCTIONS = native_functions()


def a_size(r):
    return r.choice(HUGE) if r.random() < 0.04 else r.choice((0, 1, 1, 2, 2, 3, 3, 4, 5, -1, -2))


def a_tensor(r, dtype=None, shape=None):
    """A small tensor of any type, contiguous or not, perhaps with overlapping elements, perhaps with a gradient."""
    dtype = dtype or r.choice(DTYPES)
    shape = (
        [r.choice((0, 1, 1, 2, 2, 3, 4)) for _ in range(r.choice((0, 1, 1, 2, 2, 3, 4)))] if shape is None else shape
    )
    values = [r.choice((0, 1, -1, 2, 3, -3, 100)) for _ in range(math.prod(shape))]
    x = facula.tensor(values, dtype=facula.float64).reshape(shape).to(dtype)
    if dtype.is_floating_point and x.numel() and r.random() < 0.2:
        x.view(-1)[r.randrange(x.numel())] = r.choice((math.nan, math.inf, -math.inf, 1e30))
    layout = r.random()
    if layout < 0.15 and x.dim() > 1:
        x = x.transpose(0, -1)
    elif layout < 0.25:
        x = x.unsqueeze(-1).expand(*shape, 2).select(-1, 1)
    elif layout < 0.35 and x.dim():
        x = x[..., ::2]
    elif layout < 0.45 and x.dim() and x.size(0):
        x = x[:1].expand(3, *x.shape[1:])
    if (dtype.is_floating_point or dtype.is_complex) and r.random() < 0.2:
        x = x.detach().requires_grad_()
        return x * 1 if r.random() < 0.5 else x
    return x


def an_argument(r, kind, shared):
    """Something for a parameter with that annotation; now and then something else."""
    if r.random() < 0.05:
        kind = r.choice(
            ("Tensor", "int", "float", "bool", "tuple[int, ...]", "str", "None", "tuple[Tensor, ...]", "object")
        )
    if "None" in kind and r.random() < 0.3:
        return None
    if kind.startswith(("tuple[Tensor", "list[Tensor")):
        if r.random() < 0.5:  # alike, so that joining them gets beyond the checks
            return [a_tensor(r, *shared) for _ in range(r.randrange(4))]
        return [a_tensor(r) for _ in range(r.randrange(4))]
    if "Tensor" in kind and not ("Number" in kind and r.random() < 0.4):
        return a_tensor(r, *(shared if r.random() < 0.5 else ()))
    if "Number" in kind:
        return r.choice(NUMBERS)
    if "tuple[int" in kind or "Size" in kind or "*int" in kind:
        return a_size(r) if "| int" in kind or kind.startswith("int |") else [a_size(r) for _ in range(r.randrange(5))]
    if kind.startswith("int"):
        return a_size(r)
    if kind.startswith("float"):
        return r.choice(NUMBERS[:11])
    if kind.startswith("bool"):
        return r.random() < 0.5
    if kind.startswith("dtype"):
        return r.choice(DTYPES)
    if kind.startswith("str"):
        return r.choice(("sum", "mean", "none", "amax", "", "trunc", "no such thing"))
    return r.choice((None, "text", object(), [], {}, a_size(r), b"bytes", [None], [[1], 2]))


def a_call(r, function):
    shared = (r.choice(DTYPES), [r.choice((0, 1, 2, 3)) for _ in range(r.choice((1, 2, 2, 3, 4)))])
    args, kwargs = [], {}
    for p in inspect.signature(function).parameters.values():
        kind = str(p.annotation) if p.annotation is not p.empty else "Number"
        if p.kind is p.VAR_POSITIONAL:
            args += [an_argument(r, kind, shared) for _ in range(r.randrange(4))]
        elif p.default is p.empty or r.random() < 0.5:
            value = an_argument(r, kind, shared)
            if p.kind is p.KEYWORD_ONLY or kwargs:
                kwargs[p.name] = value
            else:
                args.append(value)
        else:
            kwargs.setdefault(p.name, p.default)
    return args, kwargs


def tensors(value):
    if isinstance(value, facula.Tensor):
        return [value]
    return [t for item in value for t in tensors(item)] if isinstance(value, (list, tuple)) else []


def contents(given):
    return [(t._version, tuple(t.shape), t.stride(), t.dtype, repr(t.detach().tolist())) for t in given]


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=12, deadline=None, database=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_no_call_crashes(name, seed):
    args, kwargs = a_call(random.Random(seed), FUNCTIONS[name])
    given_tensors = tensors([*args, *kwargs.values()])
    before = contents(given_tensors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            results = tensors(FUNCTIONS[name](*args, **kwargs))
        except ERRORS:
            assert contents(given_tensors) == before, "changed by a call that was refused"
            return
        small = [t for t in results if math.prod(n or 1 for n in t.shape) < 10**5]
        for t in small:
            t.detach().tolist()
        differentiable = [t for t in small if t.requires_grad]
        if differentiable:
            try:
                facula.autograd.backward(differentiable, [facula.ones_like(t) for t in differentiable])
            except ERRORS:
                pass


def test_every_entry_is_reached():
    """Entries that no native function binds are inner parts, called by other entries alone."""
    bound = {name.rpartition(".")[2].strip("_") for name in FUNCTIONS}
    unreached = [name for name, _, _ in _C.op_table() if name.strip("_") not in bound]
    assert len(unreached) < len(bound) / 4, unreached
