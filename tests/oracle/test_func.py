"""torch.func beside live PyTorch: compositions of vmap and derivatives, per-sample gradients, error types."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from compare import numbers

import facula
import facula.func

PACKAGES = (facula, torch)
# Forward mode of PyTorch compiles decompositions with it.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning", "ignore:Attempted to insert")


class Data:
    """The same numbers in one of the packages."""

    def __init__(self, package):
        random = np.random.default_rng(0)

        def make(*shape):
            return package.tensor(random.standard_normal(shape).tolist(), dtype=package.float64)

        self.x, self.w, self.b, self.v = make(5, 4), make(3, 4), make(3), make(4)
        self.target = package.tensor([0, 1, 2, 0, 1])
        self.kernel, self.images = make(2, 1, 3, 3), make(4, 1, 1, 8, 8)


def wave(x):
    return (x.sin() * x.cumsum(0)).sum()


def soft(x):
    return x.softmax(0)


def pair(x, y):
    return x * y, x.sum()


def aux(x):
    return x * 2, x + 1


def written(t):
    def f(x):
        x = x.clone()
        x[1:3].mul_(2)
        x[0] = 7
        x[t.tensor([3])] = x.sum()
        return x

    return f


def classify(t):
    return lambda p, x, y: t.nn.functional.cross_entropy(x.tanh() @ p[0].T + p[1], y)


def pooled(t):
    F = t.nn.functional
    return lambda k, image: F.max_pool2d(F.conv2d(image, k, padding=1).relu(), 2).pow(2).sum()


def averaged(t):
    F = t.nn.functional
    return lambda k, image: F.avg_pool2d(F.conv2d(image, k, stride=2, padding=1).tanh(), 2).pow(2).sum()


def without_recording(t):
    def f(x):
        with t.no_grad():
            fixed = x * 2
        return (fixed * x).sum()

    return f


def under_no_grad(t, f):
    with t.no_grad():
        return f()


def captured(f, weight, v):
    return f.grad(lambda x: (x**3 * weight).sum())(v)


CASES = {
    "per_sample": lambda t, f, d: f.vmap(f.grad(classify(t)), (None, 0, 0))((d.w, d.b), d.x, d.target),
    "per_sample_conv": lambda t, f, d: f.vmap(f.grad(pooled(t)), (None, 0))(d.kernel, d.images),
    "per_sample_conv_stride": lambda t, f, d: f.vmap(f.grad(averaged(t)), (None, 0))(d.kernel, d.images),
    "hessian_conv": lambda t, f, d: f.hessian(lambda k: averaged(t)(k, d.images[0]))(d.kernel),
    "hessian": lambda t, f, d: f.hessian(wave)(d.v),
    "reverse_reverse": lambda t, f, d: f.jacrev(f.jacrev(wave))(d.v),
    "forward_forward": lambda t, f, d: f.jacfwd(f.jacfwd(wave))(d.v),
    "reverse_forward": lambda t, f, d: f.jacrev(f.jacfwd(wave))(d.v),
    "vmap_hessian": lambda t, f, d: f.vmap(f.hessian(wave))(d.x),
    "vmap_jacrev": lambda t, f, d: f.vmap(f.jacrev(soft))(d.x),
    "vmap_jacfwd": lambda t, f, d: f.vmap(f.jacfwd(soft))(d.x),
    "jacrev_vmap": lambda t, f, d: f.jacrev(f.vmap(soft))(d.x),
    "hessian_vmap": lambda t, f, d: f.hessian(lambda x: f.vmap(wave)(x).sum())(d.x),
    "jvp_vmap": lambda t, f, d: f.jvp(f.vmap(soft), (d.x,), (d.x.cos(),)),
    "vmap_jvp": lambda t, f, d: f.vmap(lambda x, u: f.jvp(lambda y: soft(y) * y.norm(), (x,), (u,)))(d.x, d.x.cos()),
    "jvp_grad": lambda t, f, d: f.jvp(f.grad(wave), (d.v,), (d.v,)),
    "grad_vmap": lambda t, f, d: f.grad(lambda x: f.vmap(lambda r: soft(r)[0])(x).sum())(d.x),
    "vmap_vmap": lambda t, f, d: f.vmap(f.vmap(t.dot, (None, 0)), (0, None))(d.x, d.w),
    "vmap_vmap_grad": lambda t, f, d: f.vmap(
        f.vmap(f.grad(lambda a, b: (a * b).sum() ** 2, argnums=(0, 1)), (None, 0)), (0, None)
    )(d.x, d.w),
    "third": lambda t, f, d: f.vmap(f.grad(f.grad(f.grad(lambda x: x**5))))(d.v),
    "mixed_levels": lambda t, f, d: f.grad(lambda x: f.grad(lambda y: (x * y**3).sum())(x).sum())(d.v),
    "nested_jacobian": lambda t, f, d: f.vmap(f.vmap(f.jacrev(lambda a: a.sin() * a.sum())))(d.x.view(5, 2, 2)),
    "index": lambda t, f, d: f.vmap(lambda x, i: x[i])(d.x, t.tensor([0, 1, 2, 3, 0])),
    "index_of_all": lambda t, f, d: f.vmap(lambda x, i: x[i], (None, 0))(d.x, t.tensor([[0, 1], [2, 3]])),
    "index_both": lambda t, f, d: f.vmap(lambda x, i: x[:, i])(d.x.view(5, 2, 2), d.target.clamp(max=1)),
    "in_place": lambda t, f, d: f.vmap(written(t))(d.x),
    "in_place_grad": lambda t, f, d: f.vmap(f.grad(lambda x: written(t)(x).pow(2).sum()))(d.x),
    "in_place_jacrev": lambda t, f, d: f.jacrev(written(t))(d.v),
    "in_place_jacfwd": lambda t, f, d: f.jacfwd(written(t))(d.v),
    "zeros_like": lambda t, f, d: f.vmap(lambda x: t.zeros_like(x).add_(x))(d.x),
    "new_zeros": lambda t, f, d: f.vmap(lambda x: x.new_zeros(4).add_(x))(d.x),
    "linear": lambda t, f, d: f.vmap(t.nn.functional.linear)(
        d.x.view(5, 1, 4), d.w.expand(5, 3, 4) + d.x[:, :1, None], d.b.expand(5, 3)
    ),
    "layer_norm": lambda t, f, d: f.jacrev(lambda x: t.nn.functional.layer_norm(x, (4,)))(d.v),
    "einsum": lambda t, f, d: f.vmap(lambda a, b: t.einsum("i,j->ij", a, b))(d.x, d.x),
    "transposed": lambda t, f, d: f.vmap(lambda x: x.T @ x)(d.x.view(5, 2, 2)),
    "iterated": lambda t, f, d: f.vmap(lambda x: [a * 2 for a in x][1])(d.x),
    "prod": lambda t, f, d: f.vmap(f.grad(lambda x: x.prod()))(d.x),
    "var": lambda t, f, d: f.vmap(f.hessian(lambda x: x.var()))(d.x),
    "max": lambda t, f, d: f.vmap(f.grad(lambda x: x.max()))(d.x),
    "type_of_0d": lambda t, f, d: f.vmap(lambda a, b: a + b)(d.x[:, 0], t.ones(5, 2, dtype=t.float32)),
    "constant": lambda t, f, d: f.jvp(lambda x: t.ones(3), (d.v,), (d.v,)),
    "pairs_reverse": lambda t, f, d: f.jacrev(pair, argnums=(0, 1))(d.v, d.v),
    "pairs_forward": lambda t, f, d: f.jacfwd(pair, argnums=(0, 1))(d.v, d.v),
    "pairs_hessian": lambda t, f, d: f.hessian(lambda x, y: (x * y**2).sum(), argnums=(0, 1))(d.v, d.v),
    "aux": lambda t, f, d: f.grad_and_value(lambda x: (wave(x), x * 2), has_aux=True)(d.v),
    "aux_vjp": lambda t, f, d: f.vjp(aux, d.v, has_aux=True)[2],
    "aux_jvp": lambda t, f, d: f.jvp(aux, (d.v,), (d.v,), has_aux=True),
    "aux_jacrev": lambda t, f, d: f.jacrev(aux, has_aux=True)(d.v),
    "aux_jacfwd": lambda t, f, d: f.jacfwd(aux, has_aux=True)(d.v),
    "chunks": lambda t, f, d: f.jacrev(lambda x: x.sin() * x.sum(), chunk_size=3)(d.v),
    "vmap_chunks": lambda t, f, d: f.vmap(lambda x: (x, x.sum()), chunk_size=2, out_dims=(1, 0))(d.x),
    "under_no_grad": lambda t, f, d: under_no_grad(t, lambda: f.grad(wave)(d.v)),
    "no_grad_inside": lambda t, f, d: f.grad(without_recording(t))(d.v),
    "keeps_history": lambda t, f, d: f.grad(lambda x: (x**3).sum())(d.v.clone().requires_grad_()),
    "captured_history": lambda t, f, d: captured(f, d.x[0].clone().requires_grad_(), d.v),
    "linearize": lambda t, f, d: f.vmap(f.linearize(lambda x: x.sin(), d.v)[1])(d.x),
    "dict": lambda t, f, d: f.vmap(
        lambda a: {"a": a["x"], "b": a["x"].sum()}, in_dims=({"x": 1},), out_dims={"a": 1, "b": 0}
    )({"x": d.x}),
    "keyword": lambda t, f, d: f.vmap(lambda x, y=None: x + y)(d.x, y=t.ones(3, 2, 1)),
    "is_grads_batched": lambda t, f, d: t.autograd.grad(
        *(lambda x: (x.sin() * x.sum(), x))(d.v.clone().requires_grad_()), d.w[:, :4], is_grads_batched=True
    ),
}


def leaves(result):
    if isinstance(result, dict):
        result = list(result.values())
    return [leaf for item in result for leaf in leaves(item)] if isinstance(result, (tuple, list)) else [result]


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    ours, theirs = (leaves(CASES[name](t, t.func, Data(t))) for t in PACKAGES)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert tuple(a.shape) == tuple(b.shape) and str(a.dtype) == str(b.dtype)
        assert a.requires_grad == b.requires_grad
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-9, atol=1e-11)


RANDOM = {
    "randn": lambda t, x: t.randn(3),
    "rand_like": lambda t, x: t.rand_like(x),
    "bernoulli": lambda t, x: t.bernoulli(x.sigmoid()),
    "randint": lambda t, x: t.randint(0, 9, (3,)),
}


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_same_random_numbers(name, randomness):
    results = []
    if (name, randomness) == ("bernoulli", "same"):
        pytest.skip("PyTorch refuses the same numbers for batched probabilities")
    for t in PACKAGES:
        t.manual_seed(3)
        results.append(t.vmap(lambda x, t=t: RANDOM[name](t, x), randomness=randomness)(Data(t).x))
    np.testing.assert_array_equal(numbers(results[0]), numbers(results[1]))


ERRORS = {
    "item": lambda t, f, x: f.vmap(lambda a: a.sum().item())(x),
    "bool": lambda t, f, x: f.vmap(lambda a: a if a.sum() > 0 else -a)(x),
    "mask": lambda t, f, x: f.vmap(lambda a: a[a > 0])(x),
    "no_inputs": lambda t, f, x: f.vmap(lambda: 1)(),
    "random": lambda t, f, x: f.vmap(lambda a: a + t.rand(4))(x),
    "randomness": lambda t, f, x: f.vmap(lambda a: a, randomness="x")(x),
    "in_dims": lambda t, f, x: f.vmap(lambda a: a, in_dims=(0, 0))(x),
    "in_dims_none": lambda t, f, x: f.vmap(lambda a: a, in_dims=None)(x),
    "in_dims_number": lambda t, f, x: f.vmap(lambda a, b: a, in_dims=(0, 0))(x, 3),
    "in_dims_float": lambda t, f, x: f.vmap(lambda a, b: a, in_dims=(0, 1.0))(x, x),
    "in_dims_range": lambda t, f, x: f.vmap(lambda a: a, in_dims=5)(x),
    "in_dims_sizes": lambda t, f, x: f.vmap(lambda a, b: a)(x, t.ones(4)),
    "out_number": lambda t, f, x: f.vmap(lambda a: 3)(x),
    "out_none": lambda t, f, x: f.vmap(lambda a: a, out_dims=None)(x),
    "out_dims": lambda t, f, x: f.vmap(lambda a: a, out_dims=(0, 1))(x),
    "out_dims_range": lambda t, f, x: f.vmap(lambda a: a, out_dims=5)(x),
    "in_place": lambda t, f, x: f.vmap(lambda a, b: b.add_(a), (0, None))(x, t.ones(4)),
    "chunk_size": lambda t, f, x: f.vmap(lambda a: a, chunk_size=0)(x),
    "batch_norm": lambda t, f, x: f.vmap(t.nn.BatchNorm1d(4))(x.view(1, 3, 4).float()),
    "out_argument": lambda t, f, x: f.vmap(lambda a: t.add(a, a, out=t.empty(4)))(x),
    "grad_shape": lambda t, f, x: f.grad(lambda a: a)(x),
    "grad_integer": lambda t, f, x: f.grad(lambda a: a.sum())(t.ones(2, dtype=t.int64)),
    "grad_tuple": lambda t, f, x: f.grad(lambda a: (a.sum(), 1))(x),
    "grad_aux": lambda t, f, x: f.grad(lambda a: a.sum(), has_aux=True)(x),
    "grad_leaf_written": lambda t, f, x: f.grad(lambda a: a.mul_(2).sum())(x),
    "argnums": lambda t, f, x: f.grad(lambda a: a.sum(), argnums=3)(x),
    "argnums_text": lambda t, f, x: f.grad(lambda a: a.sum(), argnums="a")(x),
    "argnums_empty": lambda t, f, x: f.grad(lambda a: a.sum(), argnums=())(x),
    "vjp_text": lambda t, f, x: f.vjp(lambda a: "a", x),
    "vjp_structure": lambda t, f, x: f.vjp(lambda a: (a, a * 2), x)[1](x),
    "vjp_shape": lambda t, f, x: f.vjp(lambda a: a * 2, x)[1](t.ones(2)),
    "jvp_no_tuple": lambda t, f, x: f.jvp(lambda a: a, x, x),
    "jvp_structure": lambda t, f, x: f.jvp(lambda a: a, (x,), ()),
    "jvp_shape": lambda t, f, x: f.jvp(lambda a: a, (x,), (t.ones(2),)),
    "jvp_empty": lambda t, f, x: f.jvp(lambda a: a, (), ()),
    "jacrev_empty": lambda t, f, x: f.jacrev(lambda a: ())(x),
    "linearize_shape": lambda t, f, x: f.linearize(lambda a: a.sin(), x)[1](t.ones(3)),
    "stack_nothing": lambda t, f, x: f.stack_module_state([]),
    "stack_classes": lambda t, f, x: f.stack_module_state([t.nn.Linear(2, 1), t.nn.Conv1d(1, 1, 1)]),
    "strict_call": lambda t, f, x: f.functional_call(t.nn.Linear(2, 1), {"a": t.ones(1)}, (t.ones(2),), strict=True),
    "twice_given": lambda t, f, x: f.functional_call(t.nn.Linear(2, 1), ({"bias": x}, {"bias": x}), (t.ones(2),)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_same_error(name):
    kinds = []
    for t in PACKAGES:
        with pytest.raises(Exception) as caught:
            ERRORS[name](t, t.func, t.ones(3, 4, dtype=t.float64))
        kinds.append(caught.type.__name__)
    assert kinds[0] == kinds[1]
