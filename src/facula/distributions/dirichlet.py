"""The Dirichlet distribution, differentiable by its concentrations."""

from __future__ import annotations

import facula
from facula import Tensor
from facula.autograd import Function
from facula.distributions import constraints
from facula.distributions.exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


class _Draw(Function):
    """A point of the simplex; its derivative holds the quantiles of the marginal beta distributions fixed."""

    @staticmethod
    def forward(ctx, concentration):
        x = facula._sample_dirichlet(concentration)
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    def backward(ctx, grad_output):
        x, concentration = ctx.saved_tensors
        total = concentration.sum(-1, True).expand(concentration.shape)
        slope = facula._dirichlet_grad(x, concentration, total)
        return slope * (grad_output - (x * grad_output).sum(-1, True))


class Dirichlet(ExponentialFamily):
    """The Dirichlet distribution over the simplex.

    Example:
        >>> import facula as torch
        >>> torch.distributions.Dirichlet(torch.tensor([1.0, 3.0])).mean
        tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    _parameters = ("concentration",)

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        excess = (self.concentration - 1).clamp(min=0.0)
        mode = excess / excess.sum(-1, True)
        flat = (self.concentration < 1).all(dim=-1)  # the density is largest at a corner
        corner = facula.nn.functional.one_hot(mode[flat].argmax(dim=-1), excess.shape[-1])
        mode[flat] = corner.to(mode.dtype)
        return mode

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape=()) -> Tensor:
        return _Draw.apply(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (
            facula.xlogy(self.concentration - 1.0, value).sum(-1)
            + facula.lgamma(self.concentration.sum(-1))
            - facula.lgamma(self.concentration).sum(-1)
        )

    def entropy(self) -> Tensor:
        k, total = self.concentration.size(-1), self.concentration.sum(-1)
        return (
            facula.lgamma(self.concentration).sum(-1)
            - facula.lgamma(total)
            - (k - total) * facula.digamma(total)
            - ((self.concentration - 1.0) * facula.digamma(self.concentration)).sum(-1)
        )

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.lgamma().sum(-1) - facula.lgamma(x.sum(-1))
