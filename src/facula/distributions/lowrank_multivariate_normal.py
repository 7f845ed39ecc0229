"""The multivariate normal distribution with a low-rank covariance."""

from __future__ import annotations

import math

import facula
from facula import Size, Tensor
from facula.distributions import constraints
from facula.distributions.distribution import Distribution
from facula.distributions.multivariate_normal import _batch_mahalanobis, _batch_mv
from facula.distributions.utils import _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """A normal distribution whose covariance is ``cov_factor @ cov_factor.T + diag(cov_diag)``.

    Example:
        >>> import facula as torch
        >>> torch.distributions.LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2)).variance
        tensor([2., 2.])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        batch_shape = facula.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        lead = tuple(batch_shape)
        self.loc, self.cov_diag = loc.expand((*lead, -1)), cov_diag.expand((*lead, -1))
        self.cov_factor = cov_factor.expand(lead + tuple(cov_factor.shape[-2:]))
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = self._capacitance(cov_factor, cov_diag)

    @staticmethod
    def _capacitance(w: Tensor, d: Tensor) -> Tensor:
        """The Cholesky factor of ``I + W^T D^-1 W`` (Woodbury's identity)."""
        inner = facula.matmul(w.mT / d.unsqueeze(-2), w)
        return facula.linalg.cholesky(inner + facula.eye(w.size(-1), dtype=w.dtype))

    def _expand_into(self, new, batch_shape: Size) -> None:
        lead = tuple(batch_shape)
        new.loc, new.cov_diag = (t.expand(lead + tuple(self.event_shape)) for t in (self.loc, self.cov_diag))
        new.cov_factor = self.cov_factor.expand(lead + tuple(self.cov_factor.shape[-2:]))
        for name in ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril"):
            setattr(new, name, getattr(self, name))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        squares = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return squares.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        w, d = self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag
        matrix = facula.matmul(w, w.mT) + facula.diag_embed(d)
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return facula.linalg.cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return facula.cholesky_inverse(self.scale_tril)

    def rsample(self, sample_shape=()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        eps_w = _standard_normal(tuple(shape[:-1]) + tuple(self.cov_factor.shape[-1:]), self.loc.dtype)
        eps_d = _standard_normal(shape, self.loc.dtype)
        scaled = self._unbroadcasted_cov_diag.sqrt() * eps_d
        return self.loc + _batch_mv(self._unbroadcasted_cov_factor, eps_w) + scaled

    def _log_det(self) -> Tensor:
        half = self._capacitance_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return 2 * half + self._unbroadcasted_cov_diag.log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        diff, w, d = value - self.loc, self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag
        whitened = _batch_mv(w.mT / d.unsqueeze(-2), diff)
        distance = (diff.pow(2) / d).sum(-1) - _batch_mahalanobis(self._capacitance_tril, whitened)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + distance)

    def entropy(self) -> Tensor:
        result = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det())
        return result.expand(self._batch_shape)
