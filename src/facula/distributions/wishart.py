"""The Wishart distribution over positive definite matrices."""

from __future__ import annotations

import math
import warnings

import facula
from facula import Size, Tensor
from facula.distributions import constraints
from facula.distributions.chi2 import Chi2
from facula.distributions.exp_family import ExponentialFamily
from facula.distributions.multivariate_normal import _lower_of_precision
from facula.distributions.utils import lazy_property

__all__ = ["Wishart"]

_LOG_2 = math.log(2)


def _mvdigamma(x: Tensor, p: int) -> Tensor:
    """The derivative of the multivariate log gamma function."""
    return facula.digamma(x.unsqueeze(-1) - facula.arange(p, dtype=x.dtype) / 2).sum(-1)


class Wishart(ExponentialFamily):
    """The scatter matrix of ``df`` normal vectors, of which one of three matrices gives the covariance.

    Args:
        df (float or Tensor): degrees of freedom, above p - 1.
        covariance_matrix, precision_matrix, scale_tril (Tensor): (..., p, p); exactly one of them.

    Raises:
        AssertionError: not exactly one matrix.
        ValueError: too few degrees of freedom, or no matrix.

    Example:
        >>> import facula as torch
        >>> torch.distributions.Wishart(2.0, covariance_matrix=torch.eye(2)).mean
        tensor([[2., 0.],
                [0., 2.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    @property
    def arg_constraints(self):  # type: ignore[override]
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def __init__(
        self,
        df,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        named: list[tuple[str, Tensor]] = [(name, matrix) for name, matrix in given.items() if matrix is not None]
        if len(named) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = named
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        if isinstance(df, Tensor):
            batch_shape = facula.broadcast_shapes(matrix.shape[:-2], df.shape)
            self.df = df.expand(batch_shape)
        else:
            batch_shape = matrix.shape[:-2]
            self.df = facula.tensor(df, dtype=matrix.dtype)
        p = matrix.shape[-1]
        if bool(self.df.le(p - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {p - 1}.")
        setattr(self, name, matrix.expand((*batch_shape, -1, -1)))
        if bool(self.df.lt(p).any()):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        if scale_tril is not None:
            self._unbroadcasted_scale_tril = scale_tril
        elif covariance_matrix is not None:
            self._unbroadcasted_scale_tril = facula.linalg.cholesky(covariance_matrix)
        else:
            self._unbroadcasted_scale_tril = _lower_of_precision(precision_matrix)
        self._dist_chi2 = self._diagonal_squares(batch_shape)

    def _diagonal_squares(self, batch_shape) -> Chi2:
        p = self._event_shape[-1]
        steps = facula.arange(p, dtype=self._unbroadcasted_scale_tril.dtype).expand((*batch_shape, -1))
        return Chi2(df=self.df.unsqueeze(-1) - steps)

    def _expand_into(self, new, batch_shape: Size) -> None:
        shape = (*batch_shape, *self._event_shape)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril.expand(shape)
        new.df = self.df.expand(batch_shape)
        for name in ("covariance_matrix", "scale_tril", "precision_matrix"):
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(shape))
        new._event_shape = self._event_shape
        new._dist_chi2 = new._diagonal_squares(batch_shape)

    def _matrix(self, value: Tensor) -> Tensor:
        return value.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return self._matrix(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self._matrix(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        eye = facula.eye(self._event_shape[-1], dtype=self._unbroadcasted_scale_tril.dtype)
        return self._matrix(facula.cholesky_solve(eye, self._unbroadcasted_scale_tril))

    def _times_covariance(self, factor: Tensor) -> Tensor:
        return factor.reshape((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def mean(self) -> Tensor:
        return self._times_covariance(self.df)

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._event_shape[-1] - 1
        return self._times_covariance(facula.where(factor <= 0, facula.nan, factor))

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df.reshape((*self._batch_shape, 1, 1)) * (v.pow(2) + products)

    def _bartlett_sampling(self, sample_shape) -> Tensor:
        """Bartlett's decomposition: chi variables on the diagonal, normal ones below, times the factor."""
        p = self._event_shape[-1]
        chi = self._dist_chi2.rsample(sample_shape).sqrt()
        noise = chi.clamp(min=facula.finfo(chi.dtype).eps).diag_embed(dim1=-2, dim2=-1)
        rows, columns = facula.tril_indices(p, p, offset=-1)
        shape = (*sample_shape, *self._batch_shape, p * (p - 1) // 2)
        noise[..., rows, columns] = facula.randn(shape, dtype=noise.dtype)
        lower = self._unbroadcasted_scale_tril @ noise
        return lower @ lower.mT

    def _any_of_batch(self, mark: Tensor) -> Tensor:
        return mark.amax(tuple(-1 - i for i in range(len(self._batch_shape)))) if self._batch_shape else mark

    def rsample(self, sample_shape=(), max_try_correction: int | None = None) -> Tensor:
        sample_shape = Size(sample_shape)
        sample = self._bartlett_sampling(sample_shape)
        # PyTorch draws again where the first draw is positive definite; so the same seed gives the same samples.
        again = self._any_of_batch(self.support.check(sample))
        for _ in range(10 if max_try_correction is None else max_try_correction):
            if not bool(again.any()):
                break
            fresh = self._bartlett_sampling(again[again].shape)
            sample[again] = fresh
            again[again.clone()] = self._any_of_batch(~self.support.check(fresh))
        if not bool(self.support.check(sample).all()):
            warnings.warn("Singular sample detected.", stacklevel=2)
        return sample

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        nu, p = self.df, self._event_shape[-1]
        return (
            -nu * (p * _LOG_2 / 2 + self._log_root_determinant())
            - facula.mvlgamma(nu / 2, p=p)
            + (nu - p - 1) / 2 * facula.linalg.slogdet(value)[1]
            - facula.cholesky_solve(value, self._unbroadcasted_scale_tril).diagonal(dim1=-2, dim2=-1).sum(dim=-1) / 2
        )

    def _log_root_determinant(self) -> Tensor:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def entropy(self) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        return (
            (p + 1) * (p * _LOG_2 / 2 + self._log_root_determinant())
            + facula.mvlgamma(nu / 2, p=p)
            - (nu - p - 1) / 2 * _mvdigamma(nu / 2, p)
            + nu * p / 2
        )

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        return half * (-facula.linalg.slogdet(-2 * x)[1] + _LOG_2 * p) + facula.mvlgamma(half, p=p)
