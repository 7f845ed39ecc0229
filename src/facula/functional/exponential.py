"""Powers, exponentials, logarithms and special functions of torch.*, elementwise with in-place forms."""

from __future__ import annotations

from facula._C import Tensor
from facula._C import bool as bool_dtype
from facula._native import composed, native
from facula.functional.arguments import Number, check_tensors, write_back, write_out

__all__ = [
    "digamma",
    "digamma_",
    "erf",
    "erf_",
    "erfc",
    "erfc_",
    "erfinv",
    "erfinv_",
    "exp",
    "exp2",
    "exp2_",
    "exp_",
    "expm1",
    "expm1_",
    "hypot",
    "hypot_",
    "ldexp",
    "ldexp_",
    "lgamma",
    "lgamma_",
    "log",
    "log1p",
    "log1p_",
    "log2",
    "log2_",
    "log10",
    "log10_",
    "log_",
    "logaddexp",
    "logaddexp2",
    "logit",
    "logit_",
    "mvlgamma",
    "polygamma",
    "polygamma_",
    "pow",
    "pow_",
    "rsqrt",
    "rsqrt_",
    "sigmoid",
    "sigmoid_",
    "sqrt",
    "sqrt_",
    "xlog1py",
    "xlogy",
    "xlogy_",
]

METHODS = (
    "digamma digamma_ erf erf_ erfc erfc_ erfinv erfinv_ exp exp2 exp2_ exp_ expm1 expm1_ hypot hypot_ ldexp "
    "ldexp_ lgamma lgamma_ log log10 log10_ log1p log1p_ log2 log2_ log_ logaddexp logaddexp2 logit logit_ "
    "mvlgamma polygamma_ pow pow_ rsqrt rsqrt_ sigmoid sigmoid_ sqrt sqrt_ xlogy xlogy_"
)


@native
def pow(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input`` to the power ``exponent``.

    Example:
        >>> import facula as torch
        >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
        tensor([1., 4., 9.])
        >>> torch.pow(2, torch.tensor([1, 2, 3]))
        tensor([2, 4, 8])
    """


@native
def pow_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """In-place form of ``pow``."""


@native
def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The square root; NaN below 0.

    Example:
        >>> import facula as torch
        >>> torch.sqrt(torch.tensor([4.0, 2.0]))
        tensor([2.0000, 1.4142])
    """


@native
def sqrt_(input: Tensor) -> Tensor:
    """In-place form of ``sqrt``."""


@native
def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 / sqrt(input)``.

    Example:
        >>> import facula as torch
        >>> torch.rsqrt(torch.tensor([4.0, 2.0]))
        tensor([0.5000, 0.7071])
    """


@native
def rsqrt_(input: Tensor) -> Tensor:
    """In-place form of ``rsqrt``."""


@native
def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e to the power of each element.

    Example:
        >>> import facula as torch
        >>> torch.exp(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 2.7183])
    """


@native
def exp_(input: Tensor) -> Tensor:
    """In-place form of ``exp``."""


@native
def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2 to the power of each element.

    Example:
        >>> import facula as torch
        >>> torch.exp2(torch.tensor([3.0, 0.5]))
        tensor([8.0000, 1.4142])
    """


@native
def exp2_(input: Tensor) -> Tensor:
    """In-place form of ``exp2``."""


@native
def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(input) - 1``, exact near 0.

    Example:
        >>> import facula as torch
        >>> torch.expm1(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 1.7183])
    """


@native
def expm1_(input: Tensor) -> Tensor:
    """In-place form of ``expm1``."""


@native
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The natural logarithm.

    Example:
        >>> import facula as torch
        >>> torch.log(torch.tensor([1.0, 10.0]))
        tensor([0.0000, 2.3026])
    """


@native
def log_(input: Tensor) -> Tensor:
    """In-place form of ``log``."""


@native
def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 2.

    Example:
        >>> import facula as torch
        >>> torch.log2(torch.tensor([8.0, 10.0]))
        tensor([3.0000, 3.3219])
    """


@native
def log2_(input: Tensor) -> Tensor:
    """In-place form of ``log2``."""


@native
def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 10.

    Example:
        >>> import facula as torch
        >>> torch.log10(torch.tensor([1000.0, 2.0]))
        tensor([3.0000, 0.3010])
    """


@native
def log10_(input: Tensor) -> Tensor:
    """In-place form of ``log10``."""


@native
def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(1 + input)``, exact near 0.

    Example:
        >>> import facula as torch
        >>> torch.log1p(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.6931])
    """


@native
def log1p_(input: Tensor) -> Tensor:
    """In-place form of ``log1p``."""


@native
def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(exp(input) + exp(other))`` without overflow.

    Example:
        >>> import facula as torch
        >>> torch.logaddexp(torch.tensor([1000.0]), torch.tensor([1000.0]))
        tensor([1000.6932])
    """


@native
def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log2(2 ** input + 2 ** other)`` without overflow.

    Example:
        >>> import facula as torch
        >>> torch.logaddexp2(torch.tensor([3.0]), torch.tensor([3.0]))
        tensor([4.])
    """


@native
def xlogy(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * log(other)``; 0 where ``input`` is 0.

    Example:
        >>> import facula as torch
        >>> torch.xlogy(torch.tensor([0.0, 2.0]), torch.tensor([0.0, 3.0]))
        tensor([0.0000, 2.1972])
    """


@native
def xlogy_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``xlogy``."""


@native
def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sqrt(input ** 2 + other ** 2)`` without overflow.

    Example:
        >>> import facula as torch
        >>> torch.hypot(torch.tensor([3.0]), torch.tensor([4.0]))
        tensor([5.])
    """


@native
def hypot_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``hypot``."""


@native
def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The error function.

    Example:
        >>> import facula as torch
        >>> torch.erf(torch.tensor([0.0, 0.5]))
        tensor([0.0000, 0.5205])
    """


@native
def erf_(input: Tensor) -> Tensor:
    """In-place form of ``erf``."""


@native
def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 - erf(input)``, exact for large values.

    Example:
        >>> import facula as torch
        >>> torch.erfc(torch.tensor([0.0, 0.5]))
        tensor([1.0000, 0.4795])
    """


@native
def erfc_(input: Tensor) -> Tensor:
    """In-place form of ``erfc``."""


@native
def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``erf``.

    Example:
        >>> import facula as torch
        >>> torch.erfinv(torch.tensor([0.0, 0.5]))
        tensor([0.0000, 0.4769])
    """


@native
def erfinv_(input: Tensor) -> Tensor:
    """In-place form of ``erfinv``."""


@native
def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function.

    Example:
        >>> import facula as torch
        >>> torch.lgamma(torch.tensor([0.5, 5.0]))
        tensor([0.5724, 3.1781])
    """


@native
def lgamma_(input: Tensor) -> Tensor:
    """In-place form of ``lgamma``."""


@native
def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The derivative of ``lgamma``.

    Example:
        >>> import facula as torch
        >>> torch.digamma(torch.tensor([1.0, 0.5]))
        tensor([-0.5772, -1.9635])
    """


@native
def digamma_(input: Tensor) -> Tensor:
    """In-place form of ``digamma``."""


@native
def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 / (1 + exp(-input))``.

    Example:
        >>> import facula as torch
        >>> torch.sigmoid(torch.tensor([0.0, 2.0]))
        tensor([0.5000, 0.8808])
    """


@native
def sigmoid_(input: Tensor) -> Tensor:
    """In-place form of ``sigmoid``."""


@native("xlog1py")
def xlog1py(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * log1p(other)``; 0 where ``input`` is 0. PyTorch has it as ``torch.special.xlog1py``.

    Example:
        >>> import facula as torch
        >>> torch.special.xlog1py(torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 3.0]))
        tensor([0.0000, 2.7726])
    """


@native("logit")
def _logit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``log(input / (1 - input))``."""


@native("logit_eps")
def _logit_eps(input: Tensor, eps: float, *, out: Tensor | None = None) -> Tensor:
    """``_logit`` of the input brought into [eps, 1 - eps]."""


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """``log(input / (1 - input))``, the inverse of ``sigmoid``; ``eps`` first brings the input into [eps, 1 - eps].

    Example:
        >>> import facula as torch
        >>> torch.logit(torch.tensor([0.25, 0.5]))
        tensor([-1.0986,  0.0000])
    """
    return _logit(input, out=out) if eps is None else _logit_eps(input, eps, out=out)


def logit_(input: Tensor, eps: float | None = None) -> Tensor:
    """In-place form of ``logit``."""
    return write_back(logit(input, eps), input)


@native("polygamma")
def _polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The ``n``-th derivative of ``digamma``."""


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The ``n``-th derivative of ``digamma``.

    Example:
        >>> import facula as torch
        >>> torch.polygamma(1, torch.tensor([1.0, 0.5]))
        tensor([1.6449, 4.9348])
    """
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got n={n}")
    return _polygamma(n, input, out=out)


def polygamma_(input: Tensor, n: int) -> Tensor:
    """In-place form of ``polygamma``; the tensor comes first."""
    return write_back(polygamma(n, input), input)


def _power_of_two(input: Tensor, other: Tensor) -> Tensor:
    """``2 ** other``, for whole numbers of the type of a 16-bit float that it is for."""
    power = pow(2.0, other)
    if not (other.is_floating_point() or other.is_complex()) and input.is_floating_point() and input.itemsize == 2:
        power = power.to(input.dtype)
    return power


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * 2 ** other``.

    Example:
        >>> import facula as torch
        >>> torch.ldexp(torch.tensor([1.0, 3.0]), torch.tensor([2, -1]))
        tensor([4.0000, 1.5000])
    """
    check_tensors("ldexp", input=input, other=other)
    result = input * _power_of_two(input, other)
    return result if out is None else write_out(result, out)


def ldexp_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``ldexp``."""
    return input.mul_(_power_of_two(input, other))


@composed
def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``.

    Raises:
        RuntimeError: ``p`` is below 1, or truth values.

    Example:
        >>> import facula as torch
        >>> torch.mvlgamma(torch.tensor([3.0]), 2)
        tensor([1.5502])
    """
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    if input.dtype is bool_dtype:
        raise RuntimeError("The input tensor may not be a boolean tensor: mvlgamma()")
    constant = p * (p - 1) / 4 * 1.1447298858494002  # log(pi)
    result = lgamma(input) + constant
    for j in range(1, p):
        result = result + lgamma(input - j / 2)
    return result if out is None else write_out(result, out)
