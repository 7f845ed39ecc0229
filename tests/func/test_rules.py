"""vmap over every sample of the table against a loop over the samples, and batched backward passes against single ones.
What a rule does wrong for one operation shows here; semantics of vmap itself are in test_vmap.py."""

from __future__ import annotations

import copy
import warnings

import pytest
from samples import RANDOM, SAMPLES

import facula as torch

COUNT = 2  # samples in a batch
# Their results have a shape that depends on values: refused, or right when the samples happen to agree.
DYNAMIC = ("nonzero", "masked_select", "argwhere", "bincount", "unique", "unique_consecutive")
CASES = [s for s in SAMPLES if s.exact and s not in RANDOM and any(True for _ in s.arrays())]
BY_LAYOUT = ("as_strided",)  # the result depends on the strides of the argument


def variants(sample, **options):
    """The arguments of the samples of a batch: same shapes and ranges, other numbers."""
    result = []
    for i in range(COUNT):
        one = copy.copy(sample)
        one.id = f"{sample.id}/{i}"
        result.append(one.make(torch, sample.dtype, **options))
    return result


def leaves(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, (list, tuple)) else []


def replaced(value, tensors):
    """The same arguments with other tensors in their places."""
    if isinstance(value, torch.Tensor):
        return next(tensors)
    if isinstance(value, dict):
        return {k: replaced(v, tensors) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([replaced(v, tensors) for v in value])
    return value


def assert_same(sample, found, expected):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    if found.dtype.is_floating_point:
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9, equal_nan=True)
    else:
        assert torch.equal(found, expected)


def patterns(count):
    yield [0] * count
    yield [-1] * count
    if count > 1:
        yield [0] + [None] * (count - 1)
        yield [None] * (count - 1) + [0]
        yield [0] * (count - 1) + [None]


@pytest.mark.parametrize("sample", CASES, ids=lambda s: s.id)
def test_vmap_equals_loop(sample):
    function = sample.function(torch)
    every = variants(sample)
    args, kwargs = every[0]
    flat = [leaves([a, k]) for a, k in every]

    def call(*tensors):
        a, k = replaced([args, kwargs], iter(tensors))
        return tuple(leaves([function(*a, **k)]))

    writes = sample.name.endswith("_")
    for dims in patterns(len(flat[0])):
        if (writes and dims[0] is None) or (-1 in dims and sample.name in BY_LAYOUT):
            continue
        mine = [[flat[i][j] if d is not None else flat[0][j] for j, d in enumerate(dims)] for i in range(COUNT)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = [call(*(t.clone() for t in one)) for one in mine]
        if not rows[0]:
            return  # gives a Python value
        stacked = [flat[0][j] if d is None else torch.stack([one[j] for one in mine], d) for j, d in enumerate(dims)]
        batched = torch.vmap(call, in_dims=tuple(dims))
        if any(a.shape != b.shape for a, b in zip(rows[0], rows[1])):
            with pytest.raises(RuntimeError, match="vmap"):
                batched(*(t.clone() for t in stacked))
            continue
        try:
            found = batched(*(t.clone() for t in stacked))
        except RuntimeError as refused:
            if (sample.entries and sample.name not in DYNAMIC) or "vmap" not in str(refused):
                raise
            pytest.skip("composed of steps that read values, which no batch has")
        for column, result in zip(zip(*rows), found):
            assert_same(sample, result, torch.stack(column))


@pytest.mark.parametrize(
    "sample", [s for s in CASES if s.differentiable and not s.name.endswith("_")], ids=lambda s: s.id
)
def test_batched_backward_equals_single(sample):
    function = sample.function(torch)
    args, kwargs = sample.make(torch, sample.dtype)
    tensors = leaves([args, kwargs])
    wanted = [i for i, a in enumerate(sample.arrays()) if a.differentiable]

    def call(*inputs):
        given = list(tensors)
        for i, x in zip(wanted, inputs):
            given[i] = x
        a, k = replaced([args, kwargs], iter(given))
        return tuple(y for y in leaves([function(*a, **k)]) if y.dtype.is_floating_point)

    outputs, pull = torch.func.vjp(call, *(tensors[i] for i in wanted))
    torch.manual_seed(0)
    seeds = [torch.rand(COUNT, *y.shape, dtype=y.dtype) for y in outputs]
    found = torch.vmap(lambda *one: pull(one))(*seeds)
    singles = [pull(tuple(seed[i] for seed in seeds)) for i in range(COUNT)]
    for result, column in zip(found, zip(*singles), strict=True):
        assert_same(sample, result, torch.stack(column))
