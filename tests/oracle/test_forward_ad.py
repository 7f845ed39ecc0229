"""Forward mode: tangents of compositions beside live PyTorch, and what the level refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from compare import numbers

import facula

CASES = {
    "product": lambda t, d, x: d.sin() * d,
    "constant_part": lambda t, d, x: d * 2 + x,
    "matrix": lambda t, d, x: (d.outer(d) @ x).softmax(0),
    "itself": lambda t, d, x: d,
    "unrelated": lambda t, d, x: x * 2,
}


def levels(t):
    from importlib import import_module

    return import_module(f"{t.__name__}.autograd.forward_ad")


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", CASES)
def test_same_tangent(name):
    found = []
    for t in (facula, torch):
        fw = levels(t)
        x = t.tensor([0.5, -1.0, 2.0], dtype=t.float64)
        with fw.dual_level():
            dual = fw.make_dual(x, t.tensor([1.0, 2.0, -1.0], dtype=t.float64))
            found.append(fw.unpack_dual(CASES[name](t, dual, x)))
        assert fw.unpack_dual(dual).tangent is None
    for ours, theirs in zip(*found):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-12)


def test_same_errors():
    for t in (facula, torch):
        fw, x = levels(t), t.ones(2)
        with pytest.raises(RuntimeError, match="no level exists"):
            fw.make_dual(x, x)
        with fw.dual_level():
            with pytest.raises(RuntimeError, match="different size"):
                fw.make_dual(x, t.ones(3))
            with pytest.raises(RuntimeError, match="Nested forward mode"):
                fw.enter_dual_level()
            with pytest.raises(ValueError, match="floating point"):
                fw.make_dual(t.ones(2, dtype=t.int64), x)


def test_tangent_keeps_history():
    fw = levels(facula)
    w = facula.tensor([2.0, 3.0], requires_grad=True)
    with fw.dual_level():
        dual = fw.make_dual(facula.ones(2), facula.tensor([1.0, 2.0]))
        tangent = fw.unpack_dual(dual * w * w).tangent
    tangent.sum().backward()
    assert w.grad.tolist() == [4, 12]
