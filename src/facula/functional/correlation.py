"""Covariance and correlation of the rows of a matrix, with weights by frequency and by reliability. Composed."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import composed
from facula.functional.product import mm
from facula.functional.shape import squeeze, unsqueeze

__all__ = ["corrcoef", "cov"]
METHODS = "corrcoef cov"


def _checked_weights(name: str, weights: Tensor, observations: int, integral: bool) -> Tensor:
    kind = weights.dtype._scalar_name
    if weights.dim() > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.dim()} dimensions"
        )
    if integral and (weights.is_floating_point() or weights.is_complex()):
        raise RuntimeError(f"cov(): expected {name} to have integral dtype but got {name} with {kind} dtype")
    if not integral and not weights.is_floating_point():
        raise RuntimeError(f"cov(): expected {name} to have floating point dtype but got {name} with {kind} dtype")
    if weights.numel() != observations:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got "
            f"{weights.numel()} != {observations}"
        )
    if observations and weights.min() < 0:
        raise RuntimeError(f"cov(): {name} cannot be negative")
    return weights


@composed
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of the rows of a matrix, whose columns are the observations; the variance of a vector.

    Args:
        correction: subtracted from the number of observations.
        fweights: how often each observation counts, integers.
        aweights: how reliable each observation is, floats.

    Raises:
        RuntimeError: more than two dimensions, bool, or weights of another length, kind or sign.

    Example:
        >>> import facula as torch
        >>> torch.cov(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input.dim() > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.dim()} dimensions"
        )
    if input.dtype._scalar_name == "Bool":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.reshape(1, -1) if input.dim() < 2 else input
    observations = x.size(1)
    weights = None
    if fweights is not None:
        weights = _checked_weights("fweights", fweights, observations, True)
    if aweights is not None:
        reliability = _checked_weights("aweights", aweights, observations, False)
        weights = reliability if weights is None else weights * reliability
    total = observations if weights is None else weights.sum()
    if weights is not None and observations and total == 0:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    mean = (x if weights is None else x * weights).sum(1) / total
    if aweights is None or weights is None or correction == 0:
        freedom = total - correction
    else:
        freedom = total - correction * (weights * aweights).sum() / total
    if freedom <= 0:
        from warnings import warn

        warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
            stacklevel=2,
        )
        freedom = 0
    x = x - unsqueeze(mean, 1)
    return squeeze(mm(x, (x if weights is None else x * weights).t().conj()) / freedom)


def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlation coefficients of the rows of a matrix, whose columns are the observations.

    Raises:
        RuntimeError: more than two dimensions, or bool.

    Example:
        >>> import facula as torch
        >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input.dim() > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.dim()} dimensions"
        )
    c = cov(input)
    if c.dim() == 0:
        return c / c
    variance = c.diagonal().real if c.is_complex() else c.diagonal()
    deviation = variance.sqrt()
    c = c / unsqueeze(deviation, 1) / unsqueeze(deviation, 0)
    if not c.is_complex():
        return c.clamp(-1, 1)
    from facula.functional.creation import complex

    return complex(c.real.clamp(-1, 1), c.imag.clamp(-1, 1))
