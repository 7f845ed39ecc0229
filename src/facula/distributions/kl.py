"""Kullback-Leibler divergences, by a register of pairs of distributions: the most special pair that fits is taken."""

from __future__ import annotations

import math
from collections.abc import Callable

import facula
from facula import Tensor
from facula.distributions.bernoulli import Bernoulli
from facula.distributions.beta import Beta
from facula.distributions.binomial import Binomial
from facula.distributions.categorical import Categorical
from facula.distributions.cauchy import Cauchy
from facula.distributions.continuous_bernoulli import ContinuousBernoulli
from facula.distributions.dirichlet import Dirichlet
from facula.distributions.distribution import Distribution
from facula.distributions.exp_family import ExponentialFamily
from facula.distributions.exponential import Exponential
from facula.distributions.gamma import Gamma
from facula.distributions.geometric import Geometric
from facula.distributions.gumbel import Gumbel
from facula.distributions.half_normal import HalfNormal
from facula.distributions.independent import Independent
from facula.distributions.laplace import Laplace
from facula.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from facula.distributions.multivariate_normal import MultivariateNormal, _batch_mahalanobis
from facula.distributions.normal import Normal
from facula.distributions.one_hot_categorical import OneHotCategorical
from facula.distributions.pareto import Pareto
from facula.distributions.poisson import Poisson
from facula.distributions.transformed_distribution import TransformedDistribution
from facula.distributions.uniform import Uniform
from facula.distributions.utils import _sum_rightmost, euler_constant

__all__ = ["kl_divergence", "register_kl"]

_REGISTER: dict[tuple[type, type], Callable] = {}


def register_kl(type_p: type, type_q: type) -> Callable:
    """A decorator: the function computes the divergence of every ``type_p`` from every ``type_q``.

    Example:
        >>> import facula as torch
        >>> from facula.distributions import Normal, register_kl
        >>> callable(register_kl(Normal, Normal))
        True
    """
    if not isinstance(type_p, type) or not issubclass(type_p, Distribution):
        raise TypeError(f"Expected type_p to be a Distribution subclass but got {type_p}")
    if not isinstance(type_q, type) or not issubclass(type_q, Distribution):
        raise TypeError(f"Expected type_q to be a Distribution subclass but got {type_q}")

    def decorator(function: Callable) -> Callable:
        _REGISTER[type_p, type_q] = function
        return function

    return decorator


def _find(type_p: type, type_q: type) -> Callable:
    fits = [pair for pair in _REGISTER if issubclass(type_p, pair[0]) and issubclass(type_q, pair[1])]
    if not fits:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type_p.__name__} and q type {type_q.__name__}"
        )
    return _REGISTER[min(fits, key=lambda pair: type_p.__mro__.index(pair[0]) + type_q.__mro__.index(pair[1]))]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The Kullback-Leibler divergence of ``p`` from ``q``: the mean under p of ``log p - log q``.

    Raises:
        NotImplementedError: nobody registered this pair.

    Example:
        >>> import facula as torch
        >>> from facula.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
        tensor(0.5000)
    """
    return _find(type(p), type(q))(p, q)


def _infinite_like(tensor: Tensor) -> Tensor:
    return facula.full_like(tensor, math.inf)


# ---- the same family on both sides ----


@register_kl(ExponentialFamily, ExponentialFamily)
def _(p, q):
    """The Bregman divergence of the log normaliser."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman "
            f"divergences: {type(p).__name__} and {type(q).__name__}"
        )
    natural, normalizer, means = p._mean_parameters()
    others = q._natural_params
    result = q._log_normalizer(*others) - normalizer
    for own, other, mean in zip(natural, others, means):
        result = result - _sum_rightmost((other - own) * mean, len(q.event_shape))
    return result


@register_kl(Bernoulli, Bernoulli)
def _(p, q):
    softplus = facula.nn.functional.softplus
    hit = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    hit = facula.where(q.probs == 0, facula.inf, hit)
    hit = facula.where(p.probs == 0, 0.0, hit)
    miss = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    miss = facula.where(q.probs == 1, facula.inf, miss)
    return hit + facula.where(p.probs == 1, 0.0, miss)


@register_kl(Beta, Beta)
def _(p, q):
    sum_p, sum_q = p.concentration1 + p.concentration0, q.concentration1 + q.concentration0
    t1 = q.concentration1.lgamma() + q.concentration0.lgamma() + sum_p.lgamma()
    t2 = p.concentration1.lgamma() + p.concentration0.lgamma() + sum_q.lgamma()
    t3 = (p.concentration1 - q.concentration1) * facula.digamma(p.concentration1)
    t4 = (p.concentration0 - q.concentration0) * facula.digamma(p.concentration0)
    return t1 - t2 + t3 + t4 + (sum_q - sum_p) * facula.digamma(sum_p)


@register_kl(Binomial, Binomial)
def _(p, q):
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return facula.where(p.total_count > q.total_count, _infinite_like(kl), kl)


@register_kl(Categorical, Categorical)
def _(p, q):
    t = p.probs * (p.logits - q.logits)
    t = facula.where((q.probs == 0).expand_as(t), facula.inf, t)
    return facula.where((p.probs == 0).expand_as(t), 0.0, t).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p, q):
    return kl_divergence(p._categorical, q._categorical)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _(p, q):
    t1 = p.mean * (p.logits - q.logits)
    t2 = p._cont_bern_log_norm() + facula.log1p(-p.probs)
    return t1 + t2 - q._cont_bern_log_norm() - facula.log1p(-q.probs)


@register_kl(Dirichlet, Dirichlet)
def _(p, q):
    sum_p, sum_q = p.concentration.sum(-1), q.concentration.sum(-1)
    t1 = sum_p.lgamma() - sum_q.lgamma()
    t2 = (p.concentration.lgamma() - q.concentration.lgamma()).sum(-1)
    t3 = p.concentration - q.concentration
    return t1 - t2 + (t3 * (p.concentration.digamma() - sum_p.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _(p, q):
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _(p, q):
    t1 = q.concentration * (p.rate / q.rate).log()
    t2 = facula.lgamma(q.concentration) - facula.lgamma(p.concentration)
    t3 = (p.concentration - q.concentration) * facula.digamma(p.concentration)
    return t1 + t2 + t3 + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(Gumbel, Gumbel)
def _(p, q):
    ct1, ct2, ct3 = p.scale / q.scale, q.loc / q.scale, p.loc / q.scale
    t3 = facula.exp(ct2 + (1 + ct1).lgamma() - ct3)
    return -ct1.log() - ct2 + ct3 + ct1 * euler_constant + t3 - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _(p, q):
    return -p.entropy() - facula.log1p(-q.probs) / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _(p, q):
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _(p, q):
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * facula.exp(-distance / p.scale) - 1


@register_kl(MultivariateNormal, MultivariateNormal)
def _(p, q):
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be computed"
        )
    lower_p, lower_q = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    half = (lower_q.diagonal(dim1=-2, dim2=-1).log() - lower_p.diagonal(dim1=-2, dim2=-1).log()).sum(-1)
    ratio = facula.linalg.solve_triangular(lower_q, lower_p, upper=False)
    spread = ratio.pow(2).sum((-2, -1))
    distance = _batch_mahalanobis(lower_q, q.loc - p.loc)
    return half + 0.5 * (spread + distance - p.event_shape[0])


def _full(p) -> MultivariateNormal:
    """A low-rank normal distribution with its whole covariance."""
    if isinstance(p, MultivariateNormal):
        return p
    return MultivariateNormal(p.loc, scale_tril=p.scale_tril, validate_args=False)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _(p, q):
    return kl_divergence(_full(p), _full(q))


@register_kl(Normal, Normal)
def _(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _(p, q):
    ratio, alpha_ratio = p.scale / q.scale, q.alpha / p.alpha
    result = q.alpha * ratio.log() - alpha_ratio.log() + alpha_ratio - 1
    return facula.where(p.support.lower_bound < q.support.lower_bound, facula.inf, result)


@register_kl(Poisson, Poisson)
def _(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Cauchy, Cauchy)
def _(p, q):
    # Chyzak and Nielsen 2019
    t1 = ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log()
    return t1 - (4 * p.scale * q.scale).log()


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL between distributions seen through different transforms is not implemented")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Uniform, Uniform)
def _(p, q):
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return facula.where((q.low > p.low) | (q.high < p.high), facula.inf, result)


@register_kl(Independent, Independent)
def _(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL between Independents of different reinterpreted_batch_ndims is not implemented")
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# ---- two families ----


@register_kl(Bernoulli, Poisson)
def _(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Exponential, Gamma)
def _(p, q):
    ratio = q.rate / p.rate
    t1 = -q.concentration * facula.log(ratio)
    return t1 + ratio + q.concentration.lgamma() + q.concentration * euler_constant - (1 + euler_constant)


@register_kl(Exponential, Normal)
def _(p, q):
    var_normal = q.scale.pow(2)
    t1 = 0.5 * facula.log(p.rate.pow(2) * var_normal * 2 * math.pi)
    return t1 - 1 + (p.rate.pow(-2) - q.loc / p.rate + q.loc.pow(2) / 2) / var_normal


@register_kl(Gamma, Exponential)
def _(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Laplace, Normal)
def _(p, q):
    var_normal = q.scale.pow(2)
    ratio = p.scale.pow(2) / var_normal
    t1 = 0.5 * facula.log(2 * ratio / math.pi)
    return (
        -t1
        + ratio
        + 0.5 * p.loc.pow(2) / var_normal
        - p.loc * q.loc / var_normal
        + (0.5 * q.loc.pow(2) / var_normal - 1)
    )


@register_kl(Normal, Laplace)
def _(p, q):
    distance = p.loc - q.loc
    scaled = distance / p.scale
    t1 = facula.log(p.scale / q.scale)
    t2 = math.sqrt(2 / math.pi) * p.scale * facula.exp(-0.5 * scaled.pow(2))
    t3 = distance * facula.erf(math.sqrt(0.5) * scaled)
    return -t1 + (t2 + t3) / q.scale - (0.5 * (1 + math.log(0.5 * math.pi)))


@register_kl(Uniform, Normal)
def _(p, q):
    width = p.high - p.low
    t1 = (math.sqrt(math.pi * 2) * q.scale / width).log()
    t2 = width.pow(2) / 12
    return t1 + 0.5 * (t2 + ((p.high + p.low - 2 * q.loc) / 2).pow(2)) / q.scale.pow(2)


# ---- q has no mass where p has some ----

_BOUNDED = (Beta, ContinuousBernoulli, Pareto, Uniform)
_HALF_LINE = (Exponential, Gamma)
_NEVER = {
    (Beta, "concentration1"): (Pareto,),
    (ContinuousBernoulli, "probs"): (Pareto,),
    (Exponential, "rate"): _BOUNDED,
    (Gamma, "concentration"): _BOUNDED,
    (Gumbel, "loc"): _BOUNDED + _HALF_LINE,
    (Laplace, "loc"): _BOUNDED + _HALF_LINE,
    (Normal, "loc"): _BOUNDED + _HALF_LINE,
    (Pareto, "alpha"): (Beta, ContinuousBernoulli, Uniform),
    (Poisson, "rate"): (Bernoulli, Binomial),
}
for (_type_p, _parameter), _types_q in _NEVER.items():
    for _type_q in _types_q:
        register_kl(_type_p, _type_q)(lambda p, q, name=_parameter: _infinite_like(getattr(p, name)))
