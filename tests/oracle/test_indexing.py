"""Random index expressions, read and written, against live torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from compare import call
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import facula

SHAPES = ((5,), (3, 4), (2, 3, 4), (1, 3, 1, 2), (0, 3), ())
SETTINGS = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
bounds = st.one_of(st.none(), st.integers(-6, 6))


def slices():
    return st.builds(slice, bounds, bounds, st.one_of(st.none(), st.integers(1, 3)))


def integer_lists():
    return st.lists(st.integers(-2, 2), min_size=1, max_size=3)


class AsTensor:
    """An index that becomes a tensor of the package in use."""

    def __init__(self, values, dtype):
        self.values, self.dtype = values, dtype

    def __repr__(self):
        return f"{self.dtype}{np.asarray(self.values).tolist()}"


def masks(shape):
    return st.lists(st.booleans(), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))).map(
        lambda flags: AsTensor(np.array(flags, dtype=bool).reshape(shape), "bool")
    )


@st.composite
def indexed(draw):
    """A shape and an index that is mostly, but not always, legal for it."""
    shape = draw(st.sampled_from(SHAPES))
    index = []
    for dim in range(draw(st.integers(0, len(shape)))):
        index.append(
            draw(
                st.one_of(
                    st.integers(-3, 3), slices(), slices(), st.none(), integer_lists(),
                    integer_lists().map(lambda v: AsTensor(v, "int64")), masks((shape[dim],)), st.booleans(),
                    st.lists(integer_lists().filter(lambda v: len(v) == 2), min_size=2, max_size=2).map(
                        lambda v: AsTensor(v, "int64")
                    ),
                )
            )
        )  # fmt: skip
    if draw(st.booleans()):
        index.insert(draw(st.integers(0, len(index))), Ellipsis)
    whole = len(shape) and draw(st.integers(0, 9)) == 0
    if whole:
        return shape, draw(masks(shape))
    return shape, index[0] if len(index) == 1 and draw(st.booleans()) else tuple(index)


def convert(package, index):
    if isinstance(index, tuple):
        return tuple(convert(package, item) for item in index)
    if isinstance(index, AsTensor):
        return package.tensor(index.values.tolist() if hasattr(index.values, "tolist") else index.values,
                              dtype=getattr(package, index.dtype)).reshape(np.shape(index.values))  # fmt: skip
    return index


def source(package, shape):
    return package.arange(int(np.prod(shape)), dtype=package.float64).reshape(shape)


def agree(ours, theirs):
    (left, our_error), (right, their_error) = ours, theirs
    if their_error is not None:
        assert our_error is not None, f"torch refuses: {their_error!r}"
        known = (IndexError, TypeError, ValueError, RuntimeError)
        kind = next(k for k in known if isinstance(their_error, k))
        assert isinstance(our_error, kind), f"{our_error!r}, torch raises {their_error!r}"
        return None
    if our_error is not None:
        if isinstance(our_error, IndexError) and right.numel() == 0:
            return None  # torch does not look at indices that select nothing
        raise our_error
    assert tuple(left.shape) == tuple(right.shape)
    assert left.tolist() == right.tolist()
    return left, right


@SETTINGS
@given(indexed())
def test_read(case):
    shape, index = case
    results = [call(lambda p=p: source(p, shape)[convert(p, index)]) for p in (facula, torch)]
    both = agree(*results)
    if both and both[0].numel() and both[1]._is_view():
        assert both[0].stride() == both[1].stride() and both[0].storage_offset() == both[1].storage_offset()


@SETTINGS
@given(indexed(), st.sampled_from(["number", "0-d", "full", "row"]))
def test_write(case, kind):
    shape, index = case

    def write(package):
        x = source(package, shape)
        place = convert(package, index)
        value = -1.5
        if kind == "0-d":
            value = package.tensor(-2.0, dtype=package.float64)
        elif kind != "number":
            size = tuple(x[place].shape)
            size = size[-1:] if kind == "row" else size
            value = -1 - package.arange(int(np.prod(size)), dtype=package.float64).reshape(size)
        x[place] = value
        return x

    if repeats(index):  # which of several writes to one element wins is undefined
        return
    agree(call(write, facula), call(write, torch))


def repeats(index):
    items = index if isinstance(index, tuple) else (index,)
    for item in items:
        values = item.values if isinstance(item, AsTensor) and item.dtype == "int64" else item
        if isinstance(values, list) or (isinstance(item, AsTensor) and item.dtype == "int64"):
            return True
    return False


@pytest.mark.parametrize(
    "index",
    [([0, 2], [1, 3]), (slice(None), [3, 0, 1]), ([2, 0],), (None, [1, 0], slice(0, 4, 2)), ([[0], [2]], [1, 3])],
)
def test_write_with_lists(index):
    agree(*(call(written, package, index) for package in (facula, torch)))


def written(package, index):
    x = source(package, (3, 4))
    size = x[index].shape
    x[index] = -1 - package.arange(int(np.prod(tuple(size))), dtype=package.float64).reshape(size)
    return x


@SETTINGS
@given(indexed())
def test_gradient_of_read(case):
    shape, index = case

    def gradient(package):
        x = source(package, shape).requires_grad_()
        y = x[convert(package, index)]
        if y.numel() == 0:
            return y
        weights = package.arange(1, y.numel() + 1, dtype=package.float64).reshape(y.shape)
        return package.autograd.grad((y * weights).sum(), x)[0]

    agree(call(gradient, facula), call(gradient, torch))


@pytest.mark.parametrize("position", [-1, 4, 2**40, -(2**62)])
def test_gather_out_of_range(position):
    for package in (facula, torch):
        with pytest.raises(RuntimeError, match="out of bounds"):
            source(package, (3, 4)).gather(1, package.tensor([[position]]))
