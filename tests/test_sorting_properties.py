"""Properties of sorting and selection that hold for every input; hypothesis looks for one where they do not."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facula as torch

numbers = st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(width=32)), max_size=300)
settings.register_profile("sorting", deadline=None, max_examples=60)
settings.load_profile("sorting")


def key(value):
    """PyTorch's order: NaN last, equal to itself."""
    return (value != value, 0.0 if value != value else value)


@given(numbers, st.booleans(), st.sampled_from(["float32", "float64"]))
def test_sort_is_the_stable_sort(values, descending, dtype):
    result = torch.sort(torch.tensor(values, dtype=getattr(torch, dtype)), descending=descending)
    sign = -1 if descending else 1
    expected = sorted(range(len(values)), key=lambda i: tuple(sign * part for part in key(values[i])))
    assert result.indices.tolist() == expected


@given(numbers.filter(bool), st.data())
def test_selection_agrees_with_sort(values, data):
    x = torch.tensor(values)
    k = data.draw(st.integers(1, len(values)))
    ordered = list(map(key, x.sort().values.tolist()))
    assert key(x.kthvalue(k).values.item()) == ordered[k - 1]
    top = x.topk(k)
    assert list(map(key, top.values.tolist())) == ordered[: -k - 1 : -1]
    assert list(map(key, x[top.indices].tolist())) == ordered[: -k - 1 : -1]
    assert key(x.topk(k, largest=False).values[-1].item()) == ordered[k - 1]


@given(st.lists(st.integers(-4, 4), max_size=200))
def test_unique_gives_back_its_input(values):
    x = torch.tensor(values, dtype=torch.int64)
    distinct, inverse, counts = torch.unique(x, return_inverse=True, return_counts=True)
    assert distinct.tolist() == sorted(set(values))
    assert distinct[inverse].tolist() == values
    assert counts.tolist() == [values.count(v) for v in sorted(set(values))]
    assert torch.unique_consecutive(x).tolist() == [v for v, _ in itertools.groupby(values)]


@given(st.lists(st.integers(-9, 9), max_size=60), st.lists(st.integers(-10, 10), max_size=60))
def test_search_counts_what_is_smaller(bounds, values):
    ordered = torch.tensor(sorted(bounds), dtype=torch.int64)
    wanted = torch.tensor(values, dtype=torch.int64)
    assert torch.searchsorted(ordered, wanted).tolist() == [sum(b < v for b in bounds) for v in values]
    assert torch.bucketize(wanted, ordered, right=True).tolist() == [sum(b <= v for b in bounds) for v in values]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_do_not_depend_on_threads(threads):
    before = torch.get_num_threads()
    torch.manual_seed(0)
    x = torch.randn(200_000)
    expected = x.sort().indices, x.cumsum(0)
    torch.set_num_threads(threads)
    try:
        assert torch.equal(x.sort().indices, expected[0]) and torch.equal(x.cumsum(0), expected[1])
    finally:
        torch.set_num_threads(before)
