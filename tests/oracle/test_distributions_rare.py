"""Wishart, LKJ, logistic-normal, generalised Pareto, exponential families, concatenated and correlation transforms."""

import warnings

import numpy as np
import pytest
import torch

import facula

BOTH = (facula, torch)
COVARIANCE = [[2.0, 0.5], [0.5, 1.0]]


def number(p, values):
    return p.tensor(values, dtype=p.float64)


def assert_same(function, rtol=1e-8):
    told = []
    for p in BOTH:
        p.manual_seed(3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told.append(function(p))
    if isinstance(told[1], torch.Tensor):
        assert tuple(told[0].shape) == tuple(told[1].shape)
        told = [np.array(t.detach().tolist()) for t in told]
        np.testing.assert_allclose(told[0], told[1], rtol=rtol, atol=1e-12)
    else:
        assert told[0] == told[1]


def wishart(p, batch, kind="covariance_matrix", df=3.0):
    matrix = number(p, [[1.0, 0.0], [0.3, 2.0]] if kind == "scale_tril" else COVARIANCE)
    return p.distributions.Wishart(number(p, [df, df + 1] if batch else df), **{kind: matrix})


def lkj(p, batch):
    return p.distributions.LKJCholesky(4, number(p, [0.5, 2.0] if batch else 1.5))


def logistic(p, batch):
    return p.distributions.LogisticNormal(number(p, [0.5, -1.0]), number(p, [1.0, 2.0]))


def pareto(p, batch):
    """In float32: torch's refuses float64."""
    tensors = [0.0, 1.0, 2.0, 0.0], [1.0, 2.0, 0.5, 1.0], [0.0, 0.4, -0.5, 2.0]
    return p.distributions.GeneralizedPareto(*map(p.tensor, tensors))


VALUES = {
    wishart: COVARIANCE,
    logistic: [0.2, 0.3, 0.5],
    pareto: [0.5, 3.0, 2.3, 1.0],
}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("make", [wishart, lkj, logistic, pareto])
def test_samples_and_shapes(make, batch):
    rtol = 1e-5 if make is pareto else 1e-8
    assert_same(lambda p: make(p, batch).sample(), rtol)
    assert_same(lambda p: make(p, batch).sample((3,)), rtol)
    assert_same(lambda p: make(p, batch).expand((2, *make(p, batch).batch_shape)).sample(), rtol)
    assert_same(lambda p: (tuple(make(p, batch).batch_shape), tuple(make(p, batch).event_shape)))
    assert_same(lambda p: make(p, batch).has_rsample)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("make", VALUES)
def test_densities(make, batch):
    value = lambda p: p.tensor(VALUES[make]) if make is pareto else number(p, VALUES[make])  # noqa: E731
    assert_same(lambda p: make(p, batch).log_prob(value(p)), 1e-5)


def test_lkj_density_and_draws():
    assert_same(lambda p: lkj(p, True).log_prob(lkj(p, True).sample((3,))))
    draws = lkj(facula, False).sample((100,))
    assert facula.allclose((draws @ draws.mT).diagonal(dim1=-2, dim2=-1), facula.ones(100, 4, dtype=facula.float64))


@pytest.mark.parametrize("kind", ["covariance_matrix", "precision_matrix", "scale_tril"])
@pytest.mark.parametrize("batch", [False, True])
def test_wishart(kind, batch):
    for name in ("mean", "variance", "mode", "covariance_matrix", "precision_matrix", "scale_tril"):
        assert_same(lambda p, name=name: getattr(wishart(p, batch, kind), name))
    assert_same(lambda p: wishart(p, batch, kind).entropy())
    assert_same(lambda p: p.distributions.ExponentialFamily.entropy(wishart(p, batch, kind)))
    assert_same(lambda p: p.distributions.kl_divergence(wishart(p, batch, kind), wishart(p, False, "scale_tril", 5.0)))


@pytest.mark.parametrize(
    "name", ["mean", "variance", "mode", "entropy", "cdf", "log_cdf", "log_survival_function", "icdf"]
)
def test_generalized_pareto(name):
    def function(p):
        found = getattr(pareto(p, False), name)
        values = [0.1, 0.5, 0.9, 0.3] if name == "icdf" else VALUES[pareto]
        return found if isinstance(found, p.Tensor) else found() if name == "entropy" else found(p.tensor(values))

    assert_same(function, 1e-5)


FAMILIES = {
    "Normal": ([0.5, 1.0], [1.0, 2.0]),
    "Gamma": ([0.5, 1.0], [1.0, 2.0]),
    "Exponential": ([1.0, 2.0],),
    "Bernoulli": ([0.2, 0.7],),
    "Beta": ([0.5, 1.0], [1.0, 2.0]),
    "Dirichlet": ([0.5, 1.0],),
    "Poisson": ([0.5, 1.0],),
}


def bregman(p, a, b):
    register = p.distributions.kl._REGISTER if p is facula else p.distributions.kl._KL_REGISTRY
    return register[p.distributions.ExponentialFamily, p.distributions.ExponentialFamily](a, b)


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name):
    def make(p, factor=1.0):
        return getattr(p.distributions, name)(*[number(p, x) * factor for x in FAMILIES[name]])

    assert_same(lambda p: bregman(p, make(p), make(p, 0.7)))
    if name in ("Normal", "Gamma", "Exponential", "Bernoulli"):
        assert_same(lambda p: p.distributions.ExponentialFamily.entropy(make(p)))
        assert_same(lambda p: p.distributions.ExponentialFamily.entropy(make(p)) - make(p).entropy())


def correlation(p):
    return p.distributions.transforms.CorrCholeskyTransform()


def test_correlation_transform():
    x = [[0.1, -0.5, 2.0], [1.0, 0.0, -3.0]]
    assert_same(lambda p: correlation(p)(number(p, x)))
    assert_same(lambda p: correlation(p).inv(correlation(p)(number(p, x))))
    assert_same(lambda p: correlation(p).log_abs_det_jacobian(number(p, x), correlation(p)(number(p, x))))
    assert_same(lambda p: tuple(correlation(p).forward_shape((2, 6))))
    assert_same(lambda p: tuple(correlation(p).inverse_shape((2, 4, 4))))
    assert_same(lambda p: p.distributions.biject_to(p.distributions.constraints.corr_cholesky)(number(p, x)))

    def gradient(p):
        leaf = number(p, x).requires_grad_()
        (correlation(p)(leaf) ** 3).sum().backward()
        return leaf.grad

    assert_same(gradient)


@pytest.mark.parametrize("dim", [-1, 0])
def test_concatenated_transforms(dim):
    def make(p, **options):
        t = p.distributions.transforms
        return t.CatTransform(
            [t.ExpTransform(), t.AffineTransform(1.0, 2.0), t.identity_transform], dim, [2, 1, 2], **options
        )

    x = [[0.1 * i + j for i in range(5)] for j in range(5)]
    assert_same(lambda p: make(p)(number(p, x)))
    assert_same(lambda p: make(p, cache_size=1).inv(make(p)(number(p, x))))
    assert_same(lambda p: make(p).log_abs_det_jacobian(number(p, x), make(p)(number(p, x))))
    assert_same(lambda p: make(p).codomain.check(number(p, x)))
    assert_same(lambda p: (make(p).bijective, make(p).length, make(p).event_dim))


MISTAKES = {
    "two matrices": lambda p: p.distributions.Wishart(3.0, p.eye(2), p.eye(2)),
    "degrees": lambda p: p.distributions.Wishart(p.tensor(0.5), p.eye(2)),
    "vector": lambda p: p.distributions.Wishart(p.tensor(3.0), p.ones(2)),
    "dim": lambda p: p.distributions.LKJCholesky(1),
    "outside": lambda p: pareto(p, False).log_prob(p.tensor([-1.0] * 4)),
    "families": lambda p: p.distributions.kl_divergence(p.distributions.Normal(0.0, 1.0), p.distributions.Poisson(1.0)),
    "shape": lambda p: correlation(p).forward_shape((2, 5)),
    "lengths": lambda p: p.distributions.transforms.CatTransform(
        [p.distributions.transforms.ExpTransform()], 0, [1, 2]
    ),
    "size": lambda p: p.distributions.transforms.CatTransform([p.distributions.transforms.ExpTransform()])(p.ones(2)),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    kinds = []
    for p in BOTH:
        with pytest.raises(Exception) as caught:
            MISTAKES[name](p)
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]
