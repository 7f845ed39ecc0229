"""The LKJ distribution over Cholesky factors of correlation matrices."""

from __future__ import annotations

import math

import facula
from facula import Size, Tensor
from facula.distributions import constraints
from facula.distributions.beta import Beta
from facula.distributions.distribution import Distribution
from facula.distributions.utils import broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Cholesky factors L of correlation matrices with density in det(L L^T)^(concentration - 1) (Lewandowski, Kurowicka
    and Joe 2009); drawn by their onion method.

    Args:
        dim (int): rows of the matrices, at least 2.
        concentration (float or Tensor): 1: all correlation matrices alike; more: nearer to the identity. Default: 1.

    Raises:
        ValueError: ``dim`` is below 2.

    Example:
        >>> import facula as torch
        >>> torch.distributions.LKJCholesky(3, 0.5).sample().shape
        torch.Size([3, 3])
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration=1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        dtype = self.concentration.dtype
        row = facula.cat([facula.zeros(1, dtype=dtype), facula.arange(dim - 1, dtype=dtype)])
        self._beta = Beta(row + 0.5, (self.concentration + 0.5 * (dim - 2)).unsqueeze(-1) - 0.5 * row)
        super().__init__(self.concentration.size(), Size((dim, dim)), validate_args)

    def _expand_into(self, new, batch_shape: Size) -> None:
        new.dim = self.dim
        new.concentration = self.concentration.expand(batch_shape)
        new._beta = self._beta.expand(Size((*batch_shape, self.dim)))

    def sample(self, sample_shape=()) -> Tensor:
        with facula.no_grad():
            y = self._beta.sample(sample_shape).unsqueeze(-1)
            normal = facula.randn(self._extended_shape(sample_shape), dtype=y.dtype).tril(-1)
            direction = normal / normal.norm(dim=-1, keepdim=True)
            direction[..., 0, :].fill_(0.0)  # the first row has nothing below the diagonal
            w = facula.sqrt(y) * direction
            rest = 1 - facula.sum(w**2, dim=-1)
            return w + facula.diag_embed(rest.clamp(min=facula.finfo(w.dtype).tiny).sqrt())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - facula.arange(2, self.dim + 1)
        n = self.dim - 1
        alpha = self.concentration + 0.5 * n
        constant = 0.5 * n * math.log(math.pi) + facula.mvlgamma(alpha - 0.5, n) - facula.lgamma(alpha) * n
        return facula.sum(order * diagonal.log(), dim=-1) - constant
