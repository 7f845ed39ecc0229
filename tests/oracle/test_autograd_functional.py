"""torch.autograd.functional beside live PyTorch: values, zeros, strictness, exception types."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from compare import flat, numbers

import facula

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning", "ignore:Attempted to insert")


class Point:
    """Functions and numbers in one of the packages."""

    def __init__(self, package):
        def tensor(*values):
            return package.tensor(values, dtype=package.float64)

        self.x, self.y, self.v, self.one = tensor(1, 2, 3), tensor(0.5, 0.2, 0.1), tensor(1, -1, 2), tensor(1)[0]
        self.recorded = self.x.clone().requires_grad_()
        self.const = lambda x: package.ones(3, dtype=package.float64)


def f(x):
    return x.sin() * x.sum()


def pair(x, y):
    return x * y**2, x.sum()


def cubes(x):
    return (x**3).prod()


def mixed(x, y):
    return (x**2 * y**3).sum()


def first(x, y):
    return x * 2


def linear(x):
    return x.sum()


GRAPH = {
    "vjp": lambda A, p, **k: A.vjp(f, p.x, p.v, **k),
    "jvp": lambda A, p, **k: A.jvp(f, p.x, p.v, **k),
    "vjp_pair": lambda A, p, **k: A.vjp(pair, (p.x, p.y), (p.v, p.one), **k),
    "jvp_pair": lambda A, p, **k: A.jvp(pair, (p.x, p.y), (p.v, p.v), **k),
    "vhp": lambda A, p, **k: A.vhp(cubes, p.x, p.v, **k),
    "hvp": lambda A, p, **k: A.hvp(cubes, p.x, p.v, **k),
    "vhp_mixed": lambda A, p, **k: A.vhp(mixed, (p.x, p.y), (p.v, p.v), **k),
    "hvp_mixed": lambda A, p, **k: A.hvp(mixed, (p.x, p.y), (p.v, p.v), **k),
    "jacobian": lambda A, p, **k: A.jacobian(f, p.x, **k),
    "jacobian_recorded": lambda A, p, **k: A.jacobian(f, p.recorded, **k),
    "jacobian_vectorized": lambda A, p, **k: A.jacobian(f, p.x, vectorize=True, **k),
    "jacobian_pair": lambda A, p, **k: A.jacobian(pair, (p.x, p.y), **k),
    "hessian": lambda A, p, **k: A.hessian(cubes, p.x, **k),
    "hessian_mixed": lambda A, p, **k: A.hessian(mixed, (p.x, p.y), **k),
    "hessian_vectorized": lambda A, p, **k: A.hessian(mixed, (p.x, p.y), vectorize=True, **k),
}
VALUES = {
    "forward": lambda A, p: A.jacobian(f, p.x, vectorize=True, strategy="forward-mode"),
    "forward_pair": lambda A, p: A.jacobian(pair, (p.x, p.y), vectorize=True, strategy="forward-mode"),
    "hessian_forward": lambda A, p: A.hessian(cubes, p.x, vectorize=True, outer_jacobian_strategy="forward-mode"),
    "vjp_constant": lambda A, p: A.vjp(p.const, p.x, p.v),
    "jvp_constant": lambda A, p: A.jvp(p.const, p.x, p.v),
    "jacobian_constant": lambda A, p: A.jacobian(p.const, p.x),
    "hvp_linear": lambda A, p: A.hvp(linear, p.x, p.v),
}
ERRORS = {
    "no_vector": lambda A, p: A.vjp(f, p.x),
    "vector_shape": lambda A, p: A.vjp(f, p.x, p.v[:2]),
    "vector_count": lambda A, p: A.vjp(f, p.x, (p.v, p.v)),
    "number_out": lambda A, p: A.vjp(lambda x: 3, p.x, p.v),
    "number_in": lambda A, p: A.vjp(f, 3, p.v),
    "hessian_vector": lambda A, p: A.hessian(f, p.x),
    "hvp_pair": lambda A, p: A.hvp(pair, (p.x, p.y), (p.v, p.v)),
    "strategy": lambda A, p: A.jacobian(f, p.x, strategy="x"),
    "forward_loop": lambda A, p: A.jacobian(f, p.x, strategy="forward-mode"),
    "strict_constant": lambda A, p: A.vjp(p.const, p.x, p.v, strict=True),
    "strict_unused": lambda A, p: A.vjp(first, (p.x, p.y), p.v, strict=True),
    "strict_jvp": lambda A, p: A.jvp(first, (p.x, p.y), (p.v, p.v), strict=True),
    "strict_hvp": lambda A, p: A.hvp(linear, p.x, p.v, strict=True),
    "strict_vhp": lambda A, p: A.vhp(linear, p.x, p.v, strict=True),
    "strict_hessian": lambda A, p: A.hessian(linear, p.x, strict=True),
    "strict_jacobian": lambda A, p: A.jacobian(first, (p.x, p.y), strict=True),
    "strict_vectorized": lambda A, p: A.jacobian(f, p.x, strict=True, vectorize=True),
}


def assert_equal(call, history):
    ours, theirs = (flat(call(t.autograd.functional, Point(t))) for t in (facula, torch))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-10, atol=1e-12)
        if history:
            assert a.requires_grad == b.requires_grad


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", GRAPH)
def test_same(name, create_graph):
    assert_equal(lambda A, p: GRAPH[name](A, p, create_graph=create_graph), "pair" not in name)


@pytest.mark.parametrize("name", VALUES)
def test_same_value(name):
    assert_equal(VALUES[name], False)


@pytest.mark.parametrize("name", ERRORS)
def test_same_error(name):
    kinds = []
    for t in (facula, torch):
        with pytest.raises(Exception) as caught:
            ERRORS[name](t.autograd.functional, Point(t))
        kinds.append(caught.type.__name__)
    assert kinds[0] == kinds[1]
