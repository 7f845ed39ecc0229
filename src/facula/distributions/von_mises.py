"""The von Mises distribution."""

from __future__ import annotations

import math

import facula
from facula import Tensor
from facula.distributions import constraints
from facula.distributions.distribution import Distribution
from facula.distributions.utils import broadcast_all, lazy_property

__all__ = ["VonMises"]


def _log_scaled_bessel(order: int, x: Tensor) -> Tensor:
    """The logarithm of the modified Bessel function of order 0 or 1."""
    scaled = facula.special.i0e(x) if order == 0 else facula.special.i1e(x)
    return scaled.log() + x


class VonMises(Distribution):
    """The circular normal distribution around ``loc``, in radians.

    Example:
        >>> import facula as torch
        >>> torch.distributions.VonMises(0.0, 1.0).mean
        tensor(0.)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    _parameters = ("loc", "concentration")

    def __init__(self, loc, concentration, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @lazy_property
    def _proposal_r(self) -> Tensor:
        kappa = self.concentration.double()
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        exact = (1 + rho**2) / (2 * rho)
        return facula.where(kappa < 1e-5, 1 / kappa + kappa, exact)  # the series, where rho cancels

    def sample(self, sample_shape=()) -> Tensor:
        """By the rejection method of D. J. Best and N. I. Fisher (1979)."""
        shape = self._extended_shape(sample_shape)
        with facula.no_grad():
            loc, kappa = self.loc.double(), self.concentration.double()
            x = facula.empty(shape, dtype=facula.float64)
            done = facula.zeros(shape, dtype=facula.bool)
            while not bool(done.all()):
                u1, u2, u3 = facula.rand((3, *shape), dtype=facula.float64).unbind()
                z = facula.cos(math.pi * u1)
                f = (1 + self._proposal_r * z) / (self._proposal_r + z)
                c = kappa * (self._proposal_r - f)
                accept = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
                if bool(accept.any()):
                    x = facula.where(accept, (u3 - 0.5).sign() * f.acos(), x)
                    done = done | accept
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        cosine = self.concentration * facula.cos(value - self.loc)
        return cosine - math.log(2 * math.pi) - _log_scaled_bessel(0, self.concentration)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        ratio = _log_scaled_bessel(1, self.concentration) - _log_scaled_bessel(0, self.concentration)
        return 1 - ratio.exp()
