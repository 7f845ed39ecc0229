"""Mixtures of one family."""

from __future__ import annotations

import facula
from facula import Size, Tensor
from facula.distributions import constraints
from facula.distributions.categorical import Categorical
from facula.distributions.distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """One of the last batch dimension of components, chosen by a ``Categorical``.

    Example:
        >>> import facula as torch
        >>> from facula.distributions import Categorical, MixtureSameFamily, Normal
        >>> MixtureSameFamily(Categorical(torch.ones(2)), Normal(torch.tensor([0.0, 2.0]), 1.0)).mean
        tensor(1.)
    """

    arg_constraints: dict = {}
    has_rsample = False

    def __init__(self, mixture_distribution, component_distribution, validate_args: bool | None = None) -> None:
        mixture, component = mixture_distribution, component_distribution
        if not isinstance(mixture, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component, Distribution):
            raise ValueError("The Component distribution need to be an instance of torch.distributions.Distribution")
        for left, right in zip(reversed(mixture.batch_shape), reversed(component.batch_shape[:-1])):
            if left != 1 and right != 1 and left != right:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture.batch_shape}) is not compatible with "
                    f"`component_distribution.batch_shape` ({component.batch_shape})"
                )
        count = component.batch_shape[-1] if len(component.batch_shape) else None
        if mixture.logits.shape[-1] != count:
            raise ValueError(
                f"`mixture_distribution component` ({mixture.logits.shape[-1]}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({count})"
            )
        self._mixture_distribution, self._component_distribution = mixture, component
        self._num_component, self._event_ndims = count, len(component.event_shape)
        super().__init__(component.batch_shape[:-1], component.event_shape, validate_args=validate_args)

    def _expand_into(self, new, batch_shape: Size) -> None:
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._component_distribution = self._component_distribution.expand((*batch_shape, self._num_component))
        new._num_component, new._event_ndims = self._num_component, self._event_ndims

    @constraints.dependent_property
    def support(self):
        return self._component_distribution.support

    @property
    def mixture_distribution(self) -> Categorical:
        """Which component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _weights(self) -> Tensor:
        probs = self.mixture_distribution.probs
        return probs.reshape(tuple(probs.shape) + (1,) * self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return facula.sum(self._weights() * self.component_distribution.mean, dim=-1 - self._event_ndims)

    @property
    def variance(self) -> Tensor:
        """The law of total variance: the mean of the variances and the variance of the means."""
        dim, weights, component = -1 - self._event_ndims, self._weights(), self.component_distribution
        within = facula.sum(weights * component.variance, dim=dim)
        between = facula.sum(weights * (component.mean - self.mean.unsqueeze(dim)).pow(2.0), dim=dim)
        return within + between

    def cdf(self, x: Tensor) -> Tensor:
        cdf_x = self.component_distribution.cdf(x.unsqueeze(-1 - self._event_ndims))
        return facula.sum(cdf_x * self.mixture_distribution.probs, dim=-1)

    def log_prob(self, x: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(x)
        log_prob = self.component_distribution.log_prob(x.unsqueeze(-1 - self._event_ndims))
        log_mix = facula.log_softmax(self.mixture_distribution.logits, dim=-1)
        return facula.logsumexp(log_prob + log_mix, dim=-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"

    def sample(self, sample_shape=()) -> Tensor:
        with facula.no_grad():
            lead, dim = len(Size(sample_shape)) + len(self.batch_shape), -1 - self._event_ndims
            chosen = self.mixture_distribution.sample(sample_shape)
            drawn = self.component_distribution.sample(sample_shape)
            chosen = chosen.reshape(tuple(chosen.shape) + (1,) * (self._event_ndims + 1))
            chosen = chosen.expand((*tuple(drawn.shape[:lead]), 1, *tuple(self.event_shape)))
            return facula.gather(drawn, drawn.dim() + dim, chosen).squeeze(drawn.dim() + dim)
