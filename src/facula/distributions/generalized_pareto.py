"""The generalised Pareto distribution: tails above a threshold."""

from __future__ import annotations

import facula
from facula import Tensor
from facula.distributions import constraints
from facula.distributions.distribution import Distribution
from facula.distributions.utils import broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Threshold ``loc``, ``scale``, and a ``concentration`` (shape): 0 is exponential, below 0 the support is bounded.

    Example:
        >>> import facula as torch
        >>> torch.distributions.GeneralizedPareto(0.0, 1.0, 0.5).mean
        tensor(2.)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True
    _parameters = ("loc", "scale", "concentration")

    def __init__(self, loc, scale, concentration, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        end = facula.where(self.concentration < 0, self.loc - self.scale / self.concentration, facula.inf)
        return constraints.interval(self.loc, end)

    def rsample(self, sample_shape=()) -> Tensor:
        return self.icdf(facula.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where the concentration counts as 0, and one that may be divided by."""
        zero = facula.isclose(self.concentration, facula.zeros_like(self.concentration))
        return zero, facula.where(zero, facula.ones_like(self.concentration), self.concentration)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, shape = self._shape()
        power = 1 / shape + facula.ones_like(z)
        tail = facula.where(power == 0, power, power * facula.log1p(shape * z))
        return -self.scale.log() - facula.where(zero, z, tail)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of more than ``value``."""
        z = (value - self.loc) / self.scale
        zero, shape = self._shape()
        return facula.where(zero, -z, -facula.log1p(shape * z) / shape)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of at most ``value``."""
        return facula.log1p(-facula.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return facula.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        zero, shape = self._shape()
        log_rest = facula.log1p(-value)
        power = self.loc + self.scale / shape * facula.expm1(-shape * log_rest)
        return facula.where(zero, self.loc - self.scale * log_rest, power)

    def _where(self, limit: float, moment) -> Tensor:
        """A moment that exists below a concentration, else NaN."""
        exists = self.concentration < limit
        return facula.where(exists, moment(facula.where(exists, self.concentration, limit / 2)), facula.nan)

    @property
    def mean(self) -> Tensor:
        return self._where(1.0, lambda c: self.loc + self.scale / (1 - c))

    @property
    def variance(self) -> Tensor:
        return self._where(0.5, lambda c: self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)))

    @property
    def mode(self) -> Tensor:
        return self.loc

    def entropy(self) -> Tensor:
        return facula.log(self.scale) + self.concentration + 1
