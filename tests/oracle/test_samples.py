"""Every sample of tests/ops against live torch: value, dtype, shape, strides, requires_grad, grad_fn and gradients."""

from __future__ import annotations

import warnings

import pytest
import torch
from compare import assert_same, assert_values, call, flat, node_name, numbers
from samples import ALL, RANDOM, SAMPLES, VIEWS

import facula

LAYOUTS = ("transposed", "stepped", "empty", "0-d")
# Where torch's own float64 is coarse (polygamma: 1e-9; constants in float32), compared as float32.
COARSE = dict.fromkeys(("polygamma", "digamma", "F.hardsigmoid", "F.celu"), "float32")
# PyTorch's name depends on its own decomposition; ours names the operation that was called.
OTHER_NODE = {}


def run(sample, dtype="float64", layout="contiguous", requires_grad=False):
    """The outcome in both packages: ((result, error, arguments) of ours, the same of torch)."""
    outcomes = []
    for package in (facula, torch):
        args, kwargs = sample.make(package, dtype, layout, requires_grad)
        package.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result, error = call(sample.function(package), *args, **kwargs)
        outcomes.append((result, error, (args, kwargs)))
    return outcomes


def compare(sample, dtype="float64", layout="contiguous"):
    (ours, our_error, _), (theirs, their_error, _) = run(sample, dtype, layout)
    if their_error is not None:
        assert our_error is not None, f"torch refuses: {their_error}"
        return
    if our_error is not None:
        raise our_error
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for left, right in zip(ours, theirs):
        coarse = COARSE.get(sample.id) if dtype == "float64" else None
        assert_same(left, right, sample.exact, strides=sample in VIEWS, dtype=coarse)


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_forward(sample):
    compare(sample)


@pytest.mark.parametrize("dtype", [d for d in ALL if d != "float64"])
@pytest.mark.parametrize("sample", [s for s in SAMPLES if any(True for _ in s.arrays())], ids=repr)
def test_dtypes(sample, dtype):
    compare(sample, dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sample", [s for s in SAMPLES if any(True for _ in s.arrays())], ids=repr)
def test_layouts(sample, layout):
    compare(sample, "float32", layout)


def leaves(package, arguments):
    args, kwargs = arguments
    return [t for t in flat([*args, *kwargs.values()]) if isinstance(t, package.Tensor) and t.requires_grad]


def gradients(package, result, arguments):
    """d sum(result * ramp), through every differentiable result."""
    outputs = [t for t in flat(result) if isinstance(t, package.Tensor) and t.requires_grad]
    loss = 0
    for t in outputs:
        ramp = package.arange(1, t.numel() + 1, dtype=t.dtype).reshape(t.shape)
        loss = loss + (t * ramp).sum()
    return package.autograd.grad(loss, leaves(package, arguments), allow_unused=True)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiable], ids=repr)
def test_gradient(sample):
    (ours, error, our_args), (theirs, their_error, their_args) = run(sample, requires_grad=True)
    assert their_error is None
    if error is not None:
        raise error
    for left, right in zip(flat(ours), flat(theirs)):
        assert_same(left, right, strides=sample in VIEWS, dtype=COARSE.get(sample.id))
    for left, right in zip(gradients(facula, ours, our_args), gradients(torch, theirs, their_args)):
        if left is None or right is None:  # an absent gradient is zero
            assert all(t is None or not t.any() for t in (left, right))
            continue
        assert left.dtype == facula.float64 and tuple(left.shape) == tuple(right.shape)
        assert_values(left, right, COARSE.get(sample.id))


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiable], ids=repr)
def test_node_name(sample):
    (ours, _, _), (theirs, _, _) = run(sample, requires_grad=True)
    for left, right in zip(flat(ours), flat(theirs)):
        if isinstance(right, torch.Tensor):
            assert node_name(left) == OTHER_NODE.get((sample.id, node_name(right)), node_name(right))


@pytest.mark.parametrize("sample", [s for s in VIEWS if s.id != "detach"], ids=repr)
def test_view_shares_memory(sample):
    """Whether a result is a view of its input, and writing through it."""
    (ours, _, (our_args, _)), (theirs, _, (their_args, _)) = run(sample)
    for left, right in zip(flat(ours), flat(theirs)):
        assert left._is_view() == right._is_view()
        if 0 in right.stride() or sample.id == "Tensor.unfold":
            continue  # elements share memory: writing is refused
        left.fill_(7.0)
        right.fill_(7.0)
    assert (numbers(our_args[0]) == numbers(their_args[0])).all()


@pytest.mark.parametrize("sample", RANDOM, ids=repr)
def test_generator_state(sample):
    """A random operation consumes as many numbers as torch's."""
    run(sample, "float32")
    assert facula.rand(3).tolist() == torch.rand(3).tolist()
