"""The torch.special namespace: functions of torch.* under the names of SciPy, and a few compositions."""

from __future__ import annotations

from facula._C import Tensor
from facula.functional.arguments import write_out
from facula.functional.bessel import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    entr,
    erfcx,
    i0,
    i0e,
    i1,
    i1e,
    log_ndtr,
    modified_bessel_i0,
    modified_bessel_i1,
    modified_bessel_k0,
    modified_bessel_k1,
    ndtri,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
    spherical_bessel_j0,
    zeta,
)
from facula.functional.bessel import igamma as gammainc
from facula.functional.bessel import igammac as gammaincc
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
from facula.functional.polynomial import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from facula.functional.reduction import log_softmax, logsumexp, softmax
from facula.functional.rounding import round as _round_numbers
from facula.functional.trigonometry import sinc

psi = digamma

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "chebyshev_polynomial_u",
    "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2",
    "expit", "expm1", "gammainc", "gammaincc", "gammaln", "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e",
    "i1", "i1e", "laguerre_polynomial_l", "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit",
    "logsumexp", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1",
    "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round", "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w", "sinc", "softmax", "spherical_bessel_j0",
    "xlog1py", "xlogy", "zeta",
]  # fmt: skip

_SQRT_HALF = 0.7071067811865476  # sqrt(1/2): the normal distribution in terms of erf


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """``torch.round``, of floating point numbers only.

    Raises:
        NotImplementedError: another dtype.

    Example:
        >>> import facula as torch
        >>> torch.special.round(torch.tensor([0.5, 1.5]))
        tensor([0., 2.])
    """
    if not input.is_floating_point():
        raise NotImplementedError(
            f"\"round_vml_cpu\" not implemented for '{input.dtype._scalar_name}': torch.round takes whole numbers"
        )
    return _round_numbers(input, decimals=decimals, out=out)


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The normal distribution function: the share of values below ``input``.

    Example:
        >>> import facula as torch
        >>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
        tensor([0.5000, 0.8413])
    """
    if input.dtype.itemsize == 2:  # PyTorch's roundings; elsewhere the complement keeps the lower tail
        result = (1 + erf(input * _SQRT_HALF)) * 0.5
    else:
        result = erfc(input * -_SQRT_HALF) * 0.5
    return result if out is None else write_out(result, out)
