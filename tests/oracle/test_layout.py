"""The order of a new tensor's dimensions in memory is torch's, whatever views the operands are."""

from __future__ import annotations

import random

import pytest
import torch

import facula


def operand(package, base, rng):
    """A view of the shape ``base``: permuted, cut, with steps, or broadcast."""
    n = len(base)
    order = rng.sample(range(n), n)
    view = package.zeros([base[d] * rng.choice((1, 1, 2)) for d in order]).permute([order.index(d) for d in range(n)])
    for d, size in enumerate(base):
        if view.shape[d] > size:
            view = view.narrow(d, 0, size) if rng.random() < 0.5 else view[(slice(None),) * d + (slice(None, None, 2),)]
    if rng.random() < 0.3:
        d = rng.randrange(n)
        view = view.narrow(d, 0, 1)
        view = view.expand(base) if rng.random() < 0.5 else view
    return view


OPERATIONS = {
    "add": lambda p, x, y: x + y,
    "number": lambda p, x, y: x * 2,
    "compare": lambda p, x, y: y > 1,
    "where": lambda p, x, y: p.where(x > 0, x, 2.0),
    "clone": lambda p, x, y: x.clone(),
    "convert": lambda p, x, y: x.to(p.float64),
    "zeros_like": lambda p, x, y: p.zeros_like(x),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_results_lie_as_their_operands(name):
    rng = random.Random(0)
    for _ in range(300):
        base = [rng.randint(1, 4) for _ in range(rng.randint(1, 4))]
        state, results, shapes = rng.getstate(), [], []
        for package in (facula, torch):
            rng.setstate(state)
            x, y = operand(package, base, rng), operand(package, base, rng)
            shapes.append(((tuple(x.shape), x.stride()), (tuple(y.shape), y.stride())))
            results.append(OPERATIONS[name](package, x, y))
        strides = [
            [stride for stride, size in zip(result.stride(), result.shape, strict=True) if size > 1]
            for result in results
        ]
        assert strides[0] == strides[1], shapes[0]
