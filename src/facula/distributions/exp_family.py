"""Exponential families: densities exp(<natural parameters, statistics> - log normaliser + carrier)."""

from __future__ import annotations

import facula
from facula import Tensor
from facula.distributions.distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A distribution that says its natural parameters, its log normaliser and the mean of its carrier measure; entropy
    and divergences follow from the normaliser's gradient (Nielsen and Nock 2010).

    Example:
        >>> import facula as torch
        >>> issubclass(torch.distributions.Normal, torch.distributions.ExponentialFamily)
        True
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self):
        raise NotImplementedError

    def _mean_parameters(self) -> tuple[list[Tensor], Tensor, tuple[Tensor, ...]]:
        """Natural parameters, their log normaliser, and its gradient: the mean of the statistics."""
        natural = [p.detach().requires_grad_() for p in self._natural_params]
        with facula.enable_grad():
            normalizer = self._log_normalizer(*natural)
            means = facula.autograd.grad(normalizer.sum(), natural, create_graph=True)
        return natural, normalizer, means

    def entropy(self) -> Tensor:
        result = -self._mean_carrier_measure
        natural, normalizer, means = self._mean_parameters()
        result = result + normalizer
        for parameter, mean in zip(natural, means):
            result = result - (parameter * mean).reshape((*self._batch_shape, -1)).sum(-1)
        return result
