"""The base of all distributions: shapes, checks of parameters and values, and what follows from others."""

from __future__ import annotations

import facula
from facula import Size, Tensor
from facula.distributions import constraints
from facula.distributions.utils import lazy_property

__all__ = ["Distribution"]


def _missing(distribution: Distribution, what: str) -> NotImplementedError:
    """The error of what a distribution does not define: not every one has a mean, or a density in closed form."""
    return NotImplementedError(f"{type(distribution).__name__} does not implement {what}")


class Distribution:
    """A batch of distributions over values of shape ``event_shape``.

    Args:
        validate_args: check parameters, and values given to ``log_prob`` and others. Default: yes.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    arg_constraints: dict = {}

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check what they are given, unless they are told otherwise.

        Example:
            >>> import facula as torch
            >>> torch.distributions.Distribution.set_default_validate_args(True)
        """
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(self, batch_shape=(), event_shape=(), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        for param, constraint in self.arg_constraints.items():
            if constraints.is_dependent(constraint):
                continue
            if param not in self.__dict__ and isinstance(getattr(type(self), param), lazy_property):
                continue
            value = getattr(self, param)
            valid = constraint.check(value)
            if not bool(valid.all()):
                raise ValueError(
                    f"Expected parameter {param} ({type(value).__name__} of shape {tuple(value.shape)}) of "
                    f"distribution {self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n"
                    f"{value}"
                )

    def expand(self, batch_shape, _instance=None):
        """The same distributions, repeated to a larger ``batch_shape``."""
        new = self._get_checked_instance(self._expands_as, _instance)
        batch_shape = Size(batch_shape)
        self._expand_into(new, batch_shape)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    _expands_as: type | None = None  # the class whose __init__ `expand` knows how to stand in for
    _parameters: tuple[str, ...] = ()  # tensors of batch_shape + event_shape-like tails, which expand repeats

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        if "_parameters" in vars(cls) or "_expand_into" in vars(cls):
            cls._expands_as = cls

    def _expand_into(self, new, batch_shape: Size) -> None:
        for name in self._parameters:
            if name in self.__dict__:
                value = self.__dict__[name]
                tail = value.shape[len(self._batch_shape) :]
                setattr(new, name, value.expand(batch_shape + tail))

    def _get_checked_instance(self, cls, _instance=None):
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method must also "
                "define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one value."""
        return self._event_shape

    @property
    def support(self):
        """The constraint that values satisfy."""
        raise _missing(self, "support")

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise _missing(self, "mean")

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise _missing(self, "mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise _missing(self, "variance")

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape=()) -> Tensor:
        """Random values of shape ``sample_shape + batch_shape + event_shape``, without a gradient."""
        with facula.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=()) -> Tensor:
        """Random values that carry the gradient to the parameters."""
        raise _missing(self, "rsample")

    def sample_n(self, n: int) -> Tensor:
        """``sample((n,))``."""
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at ``value``."""
        raise _missing(self, "log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of values up to ``value``."""
        raise _missing(self, "cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The quantile of a probability: the inverse of ``cdf``."""
        raise _missing(self, "icdf")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along the first dimension."""
        raise _missing(self, "enumerate_support")

    def entropy(self) -> Tensor:
        """The entropy, in nats."""
        raise _missing(self, "entropy")

    def perplexity(self) -> Tensor:
        """``exp(entropy())``."""
        return facula.exp(self.entropy())

    def _extended_shape(self, sample_shape=()) -> Size:
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_sample(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        start = len(value.shape) - len(self._event_shape)
        if value.shape[start:] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{tuple(value.shape)} vs {tuple(self._event_shape)}."
            )
        for i, j in zip(reversed(value.shape), reversed(self._batch_shape + self._event_shape)):
            if i != 1 and j != 1 and i != j:
                raise ValueError(
                    "Value is not broadcastable with batch_shape+event_shape: "
                    f"{tuple(value.shape)} vs {tuple(self._batch_shape + self._event_shape)}."
                )
        try:
            support = self.support
        except NotImplementedError:
            return
        valid = support.check(value)
        if not bool(valid.all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be within the "
                f"support ({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        names = [k for k in self.arg_constraints if k in self.__dict__]
        values = [
            f"{p}: {self.__dict__[p] if self.__dict__[p].numel() == 1 else self.__dict__[p].size()}" for p in names
        ]
        return type(self).__name__ + "(" + ", ".join(values) + ")"
