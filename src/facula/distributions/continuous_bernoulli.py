"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math

import facula
from facula import Size, Tensor
from facula.distributions import constraints
from facula.distributions.distribution import Distribution
from facula.distributions.utils import (
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)
from facula.nn.functional import binary_cross_entropy_with_logits

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(Distribution):
    """The continuous Bernoulli distribution on [0, 1] (Loaiza-Ganem and Cunningham 2019).

    Example:
        >>> import facula as torch
        >>> torch.distributions.ContinuousBernoulli(torch.tensor(0.5)).mean
        tensor(0.5000)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _parameters = ("probs", "logits")

    def __init__(
        self, probs=None, logits=None, lims: tuple[float, float] = (0.499, 0.501), validate_args: bool | None = None
    ) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
            if validate_args is not None and not bool(self.arg_constraints["probs"].check(self.probs).all()):
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        else:
            (self.logits,) = broadcast_all(logits)
        self._lims = lims
        super().__init__(self._param.size(), validate_args=validate_args)

    def _expand_into(self, new, batch_shape: Size) -> None:
        new._lims = self._lims
        super()._expand_into(new, batch_shape)

    def _outside_unstable_region(self) -> Tensor:
        return facula.le(self.probs, self._lims[0]) | facula.gt(self.probs, self._lims[1])

    def _cut_probs(self) -> Tensor:
        """The probabilities, away from 1/2 where the formulas divide 0 by 0."""
        return facula.where(self._outside_unstable_region(), self.probs, facula.full_like(self.probs, self._lims[0]))

    def _cont_bern_log_norm(self) -> Tensor:
        cut = self._cut_probs()
        below = facula.where(facula.le(cut, 0.5), cut, facula.zeros_like(cut))
        above = facula.where(facula.ge(cut, 0.5), cut, facula.ones_like(cut))
        log_norm = facula.log(facula.abs(facula.log1p(-cut) - facula.log(cut))) - facula.where(
            facula.le(cut, 0.5), facula.log1p(-2.0 * below), facula.log(2.0 * above - 1.0)
        )
        x = facula.pow(self.probs - 0.5, 2)
        taylor = math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x
        return facula.where(self._outside_unstable_region(), log_norm, taylor)

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return self._param.size()

    @property
    def _param(self) -> Tensor:
        return self.probs if "probs" in self.__dict__ else self.logits

    @property
    def mean(self) -> Tensor:
        cut = self._cut_probs()
        means = cut / (2.0 * cut - 1.0) + 1.0 / (facula.log1p(-cut) - facula.log(cut))
        x = self.probs - 0.5
        taylor = 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * facula.pow(x, 2)) * x
        return facula.where(self._outside_unstable_region(), means, taylor)

    @property
    def stddev(self) -> Tensor:
        return facula.sqrt(self.variance)

    @property
    def variance(self) -> Tensor:
        cut = self._cut_probs()
        odds = facula.pow(facula.log1p(-cut) - facula.log(cut), 2)
        variances = cut * (cut - 1.0) / facula.pow(1.0 - 2.0 * cut, 2) + 1.0 / odds
        x = facula.pow(self.probs - 0.5, 2)
        taylor = 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x
        return facula.where(self._outside_unstable_region(), variances, taylor)

    def sample(self, sample_shape=()) -> Tensor:
        u = facula.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype)
        with facula.no_grad():
            return self.icdf(u)

    def rsample(self, sample_shape=()) -> Tensor:
        return self.icdf(facula.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        cut = self._cut_probs()
        cdfs = (facula.pow(cut, value) * facula.pow(1.0 - cut, 1.0 - value) + cut - 1.0) / (2.0 * cut - 1.0)
        inside = facula.where(self._outside_unstable_region(), cdfs, value)
        upper = facula.where(facula.ge(value, 1.0), facula.ones_like(inside), inside)
        return facula.where(facula.le(value, 0.0), facula.zeros_like(inside), upper)

    def icdf(self, value: Tensor) -> Tensor:
        cut = self._cut_probs()
        quantile = (facula.log1p(-cut + value * (2.0 * cut - 1.0)) - facula.log1p(-cut)) / (
            facula.log(cut) - facula.log1p(-cut)
        )
        return facula.where(self._outside_unstable_region(), quantile, value)

    def entropy(self) -> Tensor:
        log_miss, log_hit = facula.log1p(-self.probs), facula.log(self.probs)
        return self.mean * (log_miss - log_hit) - self._cont_bern_log_norm() - log_miss
