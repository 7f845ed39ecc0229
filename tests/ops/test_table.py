"""Walks the operation table: every entry has a sample, documentation and a right derivative, and every sample works on
every layout, dtype, in place and into `out=`. Needs no other framework."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from samples import INTERNAL, POINTWISE, RANDOM, REDUCTIONS, SAMPLES, VIEWS

import facula
from facula import _C

TABLE = {name: node for name, _, node in _C.op_table()}
# Relative tolerance against the float64 result of the same (rounded) arguments.
TOLERANCE = {"float64": 1e-12, "float32": 1e-5, "float16": 4e-3, "bfloat16": 3e-2}
# Integers wrap, or the type decides the result: nothing to compare with float64.
BY_TYPE = {"square", "prod", "prod_dim", "cumprod", "mul", "signbit", "nextafter", "pow_scalar", "addcmul"}


def flat(result):
    if isinstance(result, (tuple, list)):
        return [leaf for item in result for leaf in flat(item)]
    return [result]


def tensors(result):
    return [t for t in flat(result) if isinstance(t, facula.Tensor)]


def run(sample, dtype=None, layout="contiguous", requires_grad=False):
    args, kwargs = sample.make(facula, dtype or sample.dtype, layout, requires_grad)
    facula.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own advice: an integer mean, a broadcast loss
        return sample.function(facula)(*args, **kwargs)


def values(tensor):
    return np.array(tensor.detach().to(facula.float64).tolist())


# ---- the table itself ----


def test_every_entry_has_a_sample():
    sampled = {entry for sample in SAMPLES for entry in sample.entries}
    assert sorted(set(TABLE) - sampled - set(INTERNAL)) == []
    assert sorted((sampled | set(INTERNAL)) - set(TABLE)) == [], "names of samples that the table does not have"
    assert sorted(sampled & set(INTERNAL)) == []


def test_sample_ids_are_unique():
    ids = [sample.id for sample in SAMPLES]
    assert sorted(i for i in ids if ids.count(i) > 1) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_documented(sample):
    function = sample.function(facula)
    assert inspect.getdoc(function), "no docstring"
    assert ">>> " in function.__doc__, "no example"


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiable and s.entries], ids=repr)
def test_has_a_derivative(sample):
    assert any(t.requires_grad for t in tensors(run(sample, requires_grad=True)))


# ---- forward ----


# as_strided and view speak of memory, not of elements.
@pytest.mark.parametrize(
    "sample",
    [s for s in SAMPLES if s not in RANDOM and s.exact and s.name not in ("as_strided", "Tensor.view")],
    ids=repr,
)
def test_layouts_agree(sample):
    """Transposed and stepped arguments give the result of contiguous ones."""
    expected = flat(run(sample))
    for layout in ("transposed", "stepped"):
        for left, right in zip(flat(run(sample, layout=layout)), expected, strict=True):
            if not isinstance(right, facula.Tensor):
                assert left == right
            else:
                np.testing.assert_allclose(values(left), values(right), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("sample", POINTWISE + REDUCTIONS, ids=repr)
def test_empty(sample):
    try:
        results = tensors(run(sample, layout="empty"))
    except (IndexError, RuntimeError) as error:  # extremes of nothing
        assert sample.name in (
            "max",
            "min",
            "argmax",
            "argmin",
            "amax",
            "amin",
            "aminmax",
            "linalg.vector_norm",
            "Tensor.sum_to_size",
        ), error
        return
    if sample in POINTWISE:
        assert all(t.numel() == 0 for t in results)


@pytest.mark.parametrize("sample", [s for s in POINTWISE if s.name != "nn.functional.glu"], ids=repr)
def test_0d(sample):
    if "prelu" in sample.name:
        pytest.skip("a weight per channel needs channels")
    assert all(t.dim() == 0 for t in tensors(run(sample, layout="0-d")))


@pytest.mark.parametrize("sample", [s for s in SAMPLES if list(s.arrays()) and s not in RANDOM and s.exact], ids=repr)
def test_dtypes(sample):
    """Every declared dtype gives what float64 gives for the same numbers, within the precision of the type."""
    for dtype in sample.dtypes:
        if sample.id in BY_TYPE and dtype not in TOLERANCE:
            run(sample, dtype)
            continue
        results = flat(run(sample, dtype))
        if dtype not in TOLERANCE or sample.id in BY_TYPE:
            continue
        args, kwargs = sample.make(facula, dtype)

        def widen(value):
            if isinstance(value, (list, tuple)):
                return type(value)(widen(item) for item in value)
            return value.double() if isinstance(value, facula.Tensor) and value.is_floating_point() else value

        wide = sample.function(facula)(*map(widen, args), **{k: widen(v) for k, v in kwargs.items()})
        for left, right in zip(results, flat(wide), strict=True):
            if isinstance(right, facula.Tensor):
                rtol = TOLERANCE[dtype]
                np.testing.assert_allclose(values(left), values(right), rtol=rtol, atol=rtol)


@pytest.mark.parametrize(
    "sample", [s for s in POINTWISE if len(list(s.arrays())) > 1 and "prelu" not in s.name], ids=repr
)
def test_broadcasting(sample):
    """A last operand of shape (1, 4) acts as if it were repeated."""
    args, kwargs = sample.make(facula, sample.dtype)
    place = max(i for i, a in enumerate(args) if isinstance(a, facula.Tensor))
    row = args[place][:1]
    args[place] = row
    narrow = sample.function(facula)(*args, **kwargs)
    args[place] = row.expand(3, 4).contiguous()
    assert facula.equal(narrow, sample.function(facula)(*args, **kwargs))


# ---- in place and out= ----


def in_place(sample):
    """The method name_ where it exists: for float64 arguments whose result has the shape and type of the first."""
    last = sample.name.rsplit(".", 1)[-1]
    if last.endswith("_") or not sample.args or not hasattr(sample.args[0], "build"):
        return None
    return getattr(facula.Tensor, last + "_", None)


# The in-place form of these changes the shape or the meaning of the first argument.
OTHER_IN_PLACE = {"squeeze", "unsqueeze", "transpose", "swapaxes", "t", "as_strided", "bernoulli", "detach"}


@pytest.mark.parametrize(
    "sample",
    [s for s in SAMPLES if s.name not in OTHER_IN_PLACE and in_place(s) and "functional" not in s.name and s.exact],
    ids=repr,
)
def test_in_place_equals_functional(sample):
    expected = run(sample)
    args, kwargs = sample.make(facula, sample.dtype)
    if not isinstance(expected, facula.Tensor) or expected.shape != args[0].shape:
        pytest.skip("the result has another shape")
    if "dtype" in kwargs:
        pytest.skip("the result has another type")
    pointer, version = args[0].data_ptr(), args[0]._version
    dtype = args[0].dtype
    if expected.dtype == facula.bool:
        expected = expected.to(dtype)  # comparisons in place write 0 and 1
    result = in_place(sample)(*args, **kwargs)
    assert result is args[0] and result.data_ptr() == pointer and result.dtype == dtype
    assert result._version == version + 1
    assert facula.equal(result, expected)


def takes_out(sample):
    return "out" in inspect.signature(sample.function(facula)).parameters


@pytest.mark.parametrize("sample", [s for s in SAMPLES if takes_out(s) and s not in RANDOM and s.exact], ids=repr)
def test_out_equals_functional(sample):
    expected = run(sample)
    if not isinstance(expected, facula.Tensor):
        pytest.skip("several results")
    args, kwargs = sample.make(facula, sample.dtype)
    out = facula.empty(expected.shape, dtype=expected.dtype)
    assert sample.function(facula)(*args, **kwargs, out=out) is out
    assert facula.equal(out, expected)
    wide = facula.zeros(*expected.shape, 2, dtype=expected.dtype)
    strided = wide[..., 0]
    assert sample.function(facula)(*args, **kwargs, out=strided) is strided
    assert facula.equal(strided, expected) and not wide[..., 1].any()


# ---- derivatives ----


def as_function(sample):
    """The sample as a function of its differentiable tensors, and those tensors."""
    args, kwargs = sample.make(facula, requires_grad=True)
    found = []

    def collect(value):
        if isinstance(value, (list, tuple)):
            return [collect(item) for item in value]
        if isinstance(value, facula.Tensor) and value.requires_grad:
            found.append(value)
            return len(found) - 1
        return lambda: value

    plan = [collect(a) for a in args], {name: collect(a) for name, a in kwargs.items()}

    def call(*inputs):
        def fill(item):
            if isinstance(item, list):
                return [fill(part) for part in item]
            return inputs[item] if isinstance(item, int) else item()

        facula.manual_seed(0)
        result = sample.function(facula)(*map(fill, plan[0]), **{name: fill(item) for name, item in plan[1].items()})
        return tuple(t for t in tensors(result) if t.is_floating_point())

    return call, tuple(found)


# Not what float64 differences can see: a conversion to float32, integers as outputs, a mask drawn anew.
NOT_NUMERICAL = {"Tensor.to", "F.dropout", "bernoulli"}
DIFFERENTIABLE = [s for s in SAMPLES if s.differentiable and s.id not in NOT_NUMERICAL]


@pytest.mark.parametrize("sample", DIFFERENTIABLE, ids=repr)
def test_first_derivative(sample):
    function, inputs = as_function(sample)
    assert facula.autograd.gradcheck(function, inputs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("sample", [s for s in DIFFERENTIABLE if s.second], ids=repr)
def test_second_derivative(sample):
    function, inputs = as_function(sample)
    facula.manual_seed(0)
    assert facula.autograd.gradgradcheck(function, inputs, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("sample", [s for s in VIEWS if s.differentiable], ids=repr)
def test_view_gradient_of_strided_input(sample):
    if sample.name in ("Tensor.view", "as_strided"):
        pytest.skip("these speak of memory")
    expected = [g.tolist() for g in input_gradients(sample, "contiguous")]
    assert [g.tolist() for g in input_gradients(sample, "transposed")] == expected


def input_gradients(sample, layout):
    args, kwargs = sample.make(facula, layout=layout, requires_grad=True)
    result = sample.function(facula)(*args, **kwargs)
    loss = sum((t * facula.arange(t.numel(), dtype=t.dtype).reshape(t.shape)).sum() for t in tensors(result))
    return facula.autograd.grad(loss, [a for a in args if isinstance(a, facula.Tensor) and a.requires_grad])
