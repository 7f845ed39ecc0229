"""Draws of torch.* that few programs need: rare distributions, and dropout in the forms that torch.* itself has. The
same seed gives PyTorch's numbers."""

from __future__ import annotations

import math

from facula._C import Generator, Tensor, bfloat16, float16, float32, float64
from facula._native import native
from facula.functional.activation import _leaky_relu, _leaky_relu_
from facula.functional.arguments import finish
from facula.functional.creation import empty, empty_like, ones_like, tensor, zeros

METHODS = "cauchy_ geometric_ log_normal_"

__all__ = [
    "alpha_dropout", "alpha_dropout_", "binomial", "dropout", "dropout_", "feature_alpha_dropout",
    "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "poisson", "rrelu", "rrelu_",
]  # fmt: skip


@native
def cauchy_(input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with random numbers from a Cauchy distribution.

    Raises:
        RuntimeError: ``sigma`` is not positive, or the dtype holds integers.

    Example:
        >>> import facula as torch
        >>> torch.empty(3).cauchy_().shape
        torch.Size([3])
    """


@native
def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with how many trials of probability ``p`` it takes until the first success.

    Raises:
        RuntimeError: ``p`` is not inside (0, 1).

    Example:
        >>> import facula as torch
        >>> bool((torch.empty(9).geometric_(0.5) >= 1).all())
        True
    """


@native
def log_normal_(input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Overwrite with the exponentials of normal random numbers.

    Example:
        >>> import facula as torch
        >>> bool((torch.empty(9).log_normal_() > 0).all())
        True
    """


@native
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Random numbers from the Poisson distributions whose rates are the elements of ``input``.

    Raises:
        RuntimeError: a negative rate.

    Example:
        >>> import facula as torch
        >>> torch.poisson(torch.tensor([0.0, 0.0]))
        tensor([0., 0.])
    """


@native("_binomial")
def _binomial(count: Tensor, prob: Tensor, generator: Generator | None) -> Tensor:
    """Successes among ``count`` trials, element by element."""


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None, *, out: Tensor | None = None) -> Tensor:
    """How many of ``count`` trials of probability ``prob`` succeed, for each element.

    Raises:
        ValueError: an operand does not hold floating-point numbers.

    Example:
        >>> import facula as torch
        >>> torch.binomial(torch.tensor([4.0, 5.0]), torch.tensor([0.0, 1.0]))
        tensor([0., 5.])
    """
    count, prob = count.detach(), prob.detach()
    if count.shape != prob.shape:
        from facula.functional.shape import broadcast_tensors

        count, prob = broadcast_tensors(count, prob)
    return finish(_binomial(count, prob, generator), out, False)


@native
def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Random numbers from gamma distributions of rate 1, differentiable by the concentration."""


@native
def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Random points of the simplex; the last dimension holds the concentrations."""


@native
def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """How coordinates of such points move with their concentrations, over one minus the coordinate."""


# ---- dropout ----


def _masked(input: Tensor, p: float, training: bool, shape: tuple | None, inplace: bool, alpha: bool = False) -> Tensor:
    """Dropout by a noise tensor of ``shape`` that broadcasts against the input; None: one number for each element."""
    if p == 0 or not training or input.numel() == 0:
        return input
    multiply = input.mul_ if inplace else input.mul
    if p == 1:
        return multiply(zeros((), dtype=input.dtype, device=input.device))
    if shape is None:  # drawn in the order of the input's memory, as PyTorch does
        noise = empty_like(input.detach()).bernoulli_(1 - p)
    else:
        noise = empty(shape, dtype=input.dtype, device=input.device).bernoulli_(1 - p)
    if not alpha:
        return multiply(noise.div_(1 - p))
    slope = 1.7580993408473766  # -alpha * scale of SELU, Klambauer et al. 2017: its limit at minus infinity
    a = 1.0 / math.sqrt((slope * slope * p + 1) * (1 - p))
    b = (noise - 1).mul_(slope * a).add_(slope * a * p)
    return multiply(noise.mul_(a)).add_(b)


def _check(p: float) -> None:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")


def _feature_shape(input: Tensor) -> tuple[int, ...]:
    if input.dim() < 2:
        raise RuntimeError(f"Feature dropout requires at least 2 dimensions in the input, got {input.dim()}")
    return (*input.shape[:2], *[1] * (input.dim() - 2))


def _drop(input: Tensor, p: float, train: bool, inplace: bool, features: bool, alpha: bool) -> Tensor:
    _check(p)
    if p == 0 or not train or input.numel() == 0:
        return input
    if not input.is_floating_point() and not input.is_complex():
        raise RuntimeError(f"dropout needs a floating-point input: result type Float can't be cast to {input.dtype}")
    shape = _feature_shape(input) if features else None
    return _masked(input, p, train, shape, inplace, alpha)


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Zero each element with probability ``p`` and divide the others by ``1 - p``, if ``train``.

    Example:
        >>> import facula as torch
        >>> torch.dropout(torch.ones(2), 0.5, False)
        tensor([1., 1.])
    """
    return _drop(input, p, train, False, False, False)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of ``dropout``."""
    return _drop(input, p, train, True, False, False)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``dropout`` of whole channels, the second dimension.

    Example:
        >>> import facula as torch
        >>> torch.feature_dropout(torch.ones(1, 2, 2), 0.0, True).shape
        torch.Size([1, 2, 2])
    """
    return _drop(input, p, train, False, True, False)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of ``feature_dropout``."""
    return _drop(input, p, train, True, True, False)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout that keeps mean and variance of SELU activations (Klambauer et al. 2017).

    Example:
        >>> import facula as torch
        >>> torch.alpha_dropout(torch.ones(2), 0.5, False)
        tensor([1., 1.])
    """
    return _drop(input, p, train, False, False, True)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of ``alpha_dropout``."""
    return _drop(input, p, train, True, False, True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``alpha_dropout`` of whole channels.

    Example:
        >>> import facula as torch
        >>> torch.feature_alpha_dropout(torch.ones(1, 2), 0.5, False)
        tensor([[1., 1.]])
    """
    return _drop(input, p, train, False, True, True)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In-place form of ``feature_alpha_dropout``."""
    return _drop(input, p, train, True, True, True)


# ---- randomised leaky ReLU ----


def _rrelu(
    input: Tensor, lower: float, upper: float, training: bool, inplace: bool, generator: Generator | None = None
) -> Tensor:
    if lower > upper:
        raise RuntimeError(f"rrelu: Lower bound should be less than or equal to the upper bound, got {lower}, {upper}")
    if not training:
        slope = (lower + upper) / 2
        return _leaky_relu_(input, slope) if inplace else _leaky_relu(input, slope)
    negative = input <= 0
    # One double per negative element, in order: PyTorch's consumption of the generator.
    if input.dtype != float64:  # the bounds have the precision of the computation
        lower, upper = tensor([lower, upper], dtype=float32).tolist()
    drawn = empty(int(negative.sum()), dtype=float64).uniform_(generator=generator)
    drawn = drawn.mul_(upper - lower).add_(lower)
    slope = ones_like(input, requires_grad=False)
    slope[negative] = drawn.to(input.dtype)
    narrow = input.dtype in (float16, bfloat16)
    exact = input.detach()[negative].float() * drawn.float() if narrow else None
    result = input.mul_(slope) if inplace else input * slope
    if exact is not None:  # the slope is rounded to half precision for the gradient only
        result.detach()[negative] = exact.to(input.dtype)
    return result


def rrelu(
    input: Tensor, lower: float = 0.125, upper: float = 0.3333333333333333, training: bool = False,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Leaky ReLU whose slopes are drawn from [lower, upper) in training, and their mean otherwise.

    Example:
        >>> import facula as torch
        >>> torch.rrelu(torch.tensor([-1.0, 2.0]), 0.5, 0.5)
        tensor([-0.5000,  2.0000])
    """
    return _rrelu(input, lower, upper, training, False, generator)


def rrelu_(
    input: Tensor, lower: float = 0.125, upper: float = 0.3333333333333333, training: bool = False,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """In-place form of ``rrelu``."""
    return _rrelu(input, lower, upper, training, True, generator)
