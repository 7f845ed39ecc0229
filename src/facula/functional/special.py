"""The torch.special namespace: functions of torch.* under the names of SciPy, and a few compositions."""

from __future__ import annotations

from facula._C import Tensor
from facula.functional.exponential import (
    digamma,
    erf,
    erfc,
    erfinv,
    exp2,
    expm1,
    log1p,
    logit,
    polygamma,
    xlog1py,
    xlogy,
)
from facula.functional.exponential import lgamma as gammaln
from facula.functional.exponential import mvlgamma as multigammaln
from facula.functional.exponential import sigmoid as expit
from facula.functional.reduction import log_softmax, logsumexp, softmax
from facula.functional.rounding import round
from facula.functional.trigonometry import sinc

psi = digamma

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammaln", "log1p", "log_softmax",
    "logit", "logsumexp", "multigammaln", "ndtr", "polygamma", "psi", "round", "sinc", "softmax", "xlog1py",
    "xlogy",
]  # fmt: skip

_SQRT_HALF = 0.7071067811865476  # sqrt(1/2): the normal distribution in terms of erf


def entr(input: Tensor) -> Tensor:
    """``-input * log(input)``, 0 at 0, -inf below.

    Example:
        >>> import facula as torch
        >>> torch.special.entr(torch.tensor([0.0, 0.5, 1.0]))
        tensor([0.0000, 0.3466, -0.0000])
    """
    return (-xlogy(input, input)).masked_fill(input == 0, 0.0).masked_fill(input < 0, -float("inf"))


def ndtr(input: Tensor) -> Tensor:
    """The normal distribution function: the share of values below ``input``.

    Example:
        >>> import facula as torch
        >>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
        tensor([0.5000, 0.8413])
    """
    return erfc(input * -_SQRT_HALF) * 0.5
