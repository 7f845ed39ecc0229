"""Distributions against live torch: moments, densities, quantiles, the same samples for the same seed, gradients of
samples, divergences, transforms to constraints, and errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import facula

PACKAGES = (facula, torch)


def tensor(t, values, grad=False):
    return t.tensor(values, dtype=t.float64).requires_grad_(grad)


ROWS = [[0.3, 0.8, 1.0], [1.0, 2.0, 3.0]]
TWO, SCALES = [0.5, -1.0], [1.0, 2.0]
# name: (parameters, a value of the support)
PLAIN = {
    "Normal": ((TWO, SCALES), [0.3, 2.0]),
    "Laplace": ((TWO, SCALES), [0.3, 2.0]),
    "Cauchy": ((TWO, SCALES), [0.3, 2.0]),
    "Uniform": (([0.0, -1.0], SCALES), [0.3, 1.5]),
    "Exponential": (([0.5, 2.0],), [0.3, 1.5]),
    "Gamma": (([0.5, 2.0], [1.0, 3.0]), [0.3, 1.5]),
    "Chi2": (([1.5, 2.0],), [0.3, 1.5]),
    "Dirichlet": (([[0.5, 2.0, 1.0], [1.0, 2.0, 3.0]],), [0.3, 0.5, 0.2]),
    "Beta": (([0.5, 2.0], [1.0, 3.0]), [0.3, 0.5]),
    "Bernoulli": (([0.3, 0.8],), [1.0, 0.0]),
    "Geometric": (([0.3, 0.8],), [1.0, 3.0]),
    "Categorical": ((ROWS,), [1.0, 2.0]),
    "OneHotCategorical": ((ROWS,), [0.0, 1.0, 0.0]),
    "OneHotCategoricalStraightThrough": ((ROWS,), [0.0, 1.0, 0.0]),
    "Poisson": (([0.3, 8.0],), [1.0, 3.0]),
    "StudentT": (([1.5, 4.0], [0.0, 1.0], SCALES), [1.0, 3.0]),
    "FisherSnedecor": (([1.5, 4.0], [5.0, 6.0]), [1.0, 3.0]),
    "VonMises": ((TWO, [1.0, 4.0]), [0.3, 2.0]),
    "LogNormal": ((TWO, SCALES), [0.3, 2.0]),
    "HalfNormal": (([0.5, 1.0],), [0.3, 2.0]),
    "HalfCauchy": (([0.5, 1.0],), [0.3, 2.0]),
    "Gumbel": ((TWO, SCALES), [0.3, 2.0]),
    "Pareto": (([0.5, 1.0], [1.0, 3.0]), [0.7, 2.0]),
    "Weibull": (([0.5, 1.0], [1.0, 3.0]), [0.7, 2.0]),
    "InverseGamma": (([0.5, 3.0], [1.0, 3.0]), [0.7, 2.0]),
    "Kumaraswamy": (([1.5, 3.0], [1.0, 3.0]), [0.7, 0.2]),
    "ContinuousBernoulli": (([0.4, 0.5],), [0.7, 0.2]),
    "MultivariateNormal": ((TWO, [[1.0, 0.5], [0.5, 2.0]]), [0.3, 2.0]),
    "LowRankMultivariateNormal": ((TWO, [[1.0], [0.5]], SCALES), [0.3, 2.0]),
}


def plain(name):
    parameters, value = PLAIN[name]
    return lambda t: (getattr(t.distributions, name)(*[tensor(t, p) for p in parameters]), tensor(t, value))


def composed(build, value):
    return lambda t: (build(t.distributions, lambda v: tensor(t, v)), tensor(t, value))


CASES = {name: plain(name) for name in PLAIN} | {
    "logits": composed(lambda d, v: d.Bernoulli(logits=v([0.3, -0.8])), [1.0, 0.0]),
    "Binomial": composed(lambda d, v: d.Binomial(5, v([0.3, 0.8])), [1.0, 3.0]),
    "NegativeBinomial": composed(lambda d, v: d.NegativeBinomial(5, v([0.3, 0.8])), [1.0, 3.0]),
    "Multinomial": composed(lambda d, v: d.Multinomial(5, v(ROWS)), [1.0, 2.0, 2.0]),
    "Independent": composed(lambda d, v: d.Independent(d.Normal(v([TWO]), v([SCALES])), 1), [[0.3, 2.0]]),
    "precision": composed(
        lambda d, v: d.MultivariateNormal(v(TWO), precision_matrix=v([[1.0, 0.5], [0.5, 2.0]])), [0.3, 2.0]
    ),
    "RelaxedBernoulli": composed(lambda d, v: d.RelaxedBernoulli(v(0.7), v([0.4, 0.3])), [0.7, 0.2]),
    "RelaxedOneHotCategorical": composed(
        lambda d, v: d.RelaxedOneHotCategorical(v(0.7), v([0.4, 0.3, 0.3])), [0.7, 0.2, 0.1]
    ),
    "MixtureSameFamily": composed(
        lambda d, v: d.MixtureSameFamily(d.Categorical(v([0.4, 0.6])), d.Normal(v(TWO), v(SCALES))), 0.3
    ),
    "TransformedDistribution": composed(
        lambda d, v: d.TransformedDistribution(
            d.Normal(v(TWO), v(SCALES)), [d.SigmoidTransform(), d.AffineTransform(1.0, -2.0)]
        ),
        [0.3, 0.4],
    ),
    "StickBreaking": composed(
        lambda d, v: d.TransformedDistribution(d.Normal(v(TWO), v(SCALES)), [d.StickBreakingTransform()]),
        [0.3, 0.4, 0.3],
    ),
}


def outcome(function, t):
    """Values as an array, or the type of the error."""
    t.manual_seed(3)
    try:
        result = function(t)
    except Exception as error:
        return type(error).__name__
    return np.array(result.detach().double().tolist() if hasattr(result, "detach") else result, dtype=float)


def assert_same(function, rtol=1e-6):
    ours, theirs = (outcome(function, t) for t in PACKAGES)
    if isinstance(theirs, str) or isinstance(ours, str):
        assert isinstance(ours, str) == isinstance(theirs, str) and ours == theirs
        return
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-8)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("what", ["mean", "variance", "stddev", "mode", "has_rsample", "has_enumerate_support"])
def test_attributes(name, what):
    assert_same(lambda t: getattr(CASES[name](t)[0], what))


@pytest.mark.parametrize("name", CASES)
def test_shapes(name):
    ours, theirs = (CASES[name](t)[0] for t in PACKAGES)
    assert tuple(ours.batch_shape) == tuple(theirs.batch_shape)
    assert tuple(ours.event_shape) == tuple(theirs.event_shape)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("what", ["log_prob", "cdf"])
def test_functions_of_a_value(name, what):
    def function(t):
        distribution, value = CASES[name](t)
        return getattr(distribution, what)(value)

    assert_same(function)


@pytest.mark.parametrize("name", CASES)
def test_quantiles_entropy_and_support(name):
    assert_same(lambda t: CASES[name](t)[0].icdf(tensor(t, [0.3, 0.6])))
    assert_same(lambda t: CASES[name](t)[0].entropy())
    assert_same(lambda t: CASES[name](t)[0].enumerate_support())


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shape", [(), (5,), (3, 2)])
def test_same_samples_for_the_same_seed(name, shape):
    assert_same(lambda t: CASES[name](t)[0].sample(shape))
    assert facula.get_rng_state().tolist() == torch.get_rng_state().tolist()
    assert_same(lambda t: CASES[name](t)[0].rsample(shape))


@pytest.mark.parametrize("name", CASES)
def test_expand(name):
    def expanded(t):
        distribution, value = CASES[name](t)
        return distribution.expand((3, *distribution.batch_shape)), value

    assert_same(lambda t: expanded(t)[0].log_prob(expanded(t)[1]))
    assert_same(lambda t: expanded(t)[0].sample((2,)))


@pytest.mark.parametrize("name", CASES)
def test_a_value_outside_the_support(name):
    def function(t):
        distribution, value = CASES[name](t)
        return distribution.log_prob(value * 0 - 7.5)

    assert_same(function)


SMOOTH = ["Normal", "Laplace", "Gamma", "Beta", "Dirichlet", "Weibull", "LogNormal", "Gumbel", "MultivariateNormal"]


@pytest.mark.parametrize("name", [*SMOOTH, "Kumaraswamy", "ContinuousBernoulli", "Pareto", "Exponential"])
def test_gradient_of_samples(name):
    """PyTorch's own derivatives of gamma and Dirichlet draws are approximations to 1e-3."""

    def function(t):
        parameters = [tensor(t, p, grad=True) for p in PLAIN[name][0]]
        x = getattr(t.distributions, name)(*parameters).rsample((4,))
        weights = t.arange(1.0, x.numel() + 1, dtype=t.float64).reshape(x.shape)
        return t.cat([g.reshape(-1) for g in t.autograd.grad((x * weights).sum(), parameters)])

    assert_same(function, rtol=1e-3)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"Bernoulli", "logits"}))  # torch's fails for other shapes
def test_divergence_of_one_family(name):
    def function(t):
        p = CASES[name](t)[0]
        return t.distributions.kl_divergence(p, p.expand((1, *p.batch_shape)))

    assert_same(function)


MIXED = "Bernoulli Poisson,Exponential Gamma,Exponential Normal,Gamma Exponential,Laplace Normal,Normal Laplace"
MIXED += ",Uniform Normal,Poisson Bernoulli,Normal Gamma,Cauchy Normal"


@pytest.mark.parametrize("pair", MIXED.split(","))
def test_divergence_of_two_families(pair):
    left, right = pair.split()
    assert_same(lambda t: t.distributions.kl_divergence(CASES[left](t)[0], CASES[right](t)[0]))


@pytest.mark.parametrize("register", ["transform_to", "biject_to"])
@pytest.mark.parametrize("name", "positive real unit_interval simplex lower_cholesky nonnegative real_vector".split())
def test_transforms_to_constraints(name, register):
    def function(t):
        d = t.distributions
        return getattr(d, register)(getattr(d.constraints, name))(tensor(t, [[0.5, 0.2], [0.1, 0.3]]))

    assert_same(function)


@pytest.mark.parametrize(
    "build",
    [
        lambda d, v: d.Normal(v(0.0), v(-1.0)),
        lambda d, v: d.Bernoulli(v(2.0)),
        lambda d, v: d.Bernoulli(),
        lambda d, v: d.Categorical(v([-1.0, 2.0])),
        lambda d, v: d.Categorical(v(1.0)),
        lambda d, v: d.Uniform(v(2.0), v(1.0)),
        lambda d, v: d.MultivariateNormal(v([0.0, 0.0]), v([[1.0, 2.0], [2.0, 1.0]])),
        lambda d, v: d.kl_divergence(d.Cauchy(v(0.0), v(1.0)), d.Normal(v(0.0), v(1.0))),
    ],
)
def test_errors(build):
    for t in PACKAGES:
        with pytest.raises((ValueError, NotImplementedError)):
            build(t.distributions, lambda v, t=t: tensor(t, v))
