"""Comparisons of torch.*: ordering, extremes of two, tests for special values, closeness. Results are bool."""

from __future__ import annotations

from facula._C import Tensor, float64
from facula._native import composed, native
from facula.functional.arguments import Number, check_tensors

__all__ = [
    "allclose",
    "eq",
    "eq_",
    "equal",
    "fmax",
    "fmin",
    "ge",
    "ge_",
    "greater",
    "greater_",
    "greater_equal",
    "greater_equal_",
    "gt",
    "gt_",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "le",
    "le_",
    "less",
    "less_",
    "less_equal",
    "less_equal_",
    "lt",
    "lt_",
    "maximum",
    "minimum",
    "ne",
    "ne_",
    "not_equal",
    "not_equal_",
    "signbit",
]

METHODS = (
    "allclose eq eq_ equal fmax fmin ge ge_ greater greater_ greater_equal greater_equal_ gt gt_ isclose isfinite "
    "isinf isnan isneginf isposinf isreal le le_ less less_ less_equal less_equal_ lt lt_ maximum minimum ne ne_ "
    "not_equal not_equal_ signbit"
)


@native
def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input == other``.

    Example:
        >>> import facula as torch
        >>> torch.eq(torch.tensor([1, 2]), 2)
        tensor([False,  True])
    """


@native
def eq_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``eq``."""


@native
def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input != other``.

    Example:
        >>> import facula as torch
        >>> torch.ne(torch.tensor([1, 2]), 2)
        tensor([ True, False])
    """


@native
def ne_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``ne``."""


@native
def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input < other``.

    Example:
        >>> import facula as torch
        >>> torch.lt(torch.tensor([1, 2]), 2)
        tensor([ True, False])
    """


@native
def lt_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``lt``."""


@native
def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input <= other``.

    Example:
        >>> import facula as torch
        >>> torch.le(torch.tensor([1, 2]), 1)
        tensor([ True, False])
    """


@native
def le_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``le``."""


@native
def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input > other``.

    Example:
        >>> import facula as torch
        >>> torch.gt(torch.tensor([1, 2]), 1)
        tensor([False,  True])
    """


@native
def gt_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``gt``."""


@native
def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Whether ``input >= other``.

    Example:
        >>> import facula as torch
        >>> torch.ge(torch.tensor([1, 2]), 2)
        tensor([False,  True])
    """


@native
def ge_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``ge``."""


@native
def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two; NaN wins.

    Example:
        >>> import facula as torch
        >>> torch.maximum(torch.tensor([1.0, 5.0]), torch.tensor([3.0, 2.0]))
        tensor([3., 5.])
    """


@native
def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two; NaN wins.

    Example:
        >>> import facula as torch
        >>> torch.minimum(torch.tensor([1.0, 5.0]), torch.tensor([3.0, 2.0]))
        tensor([1., 2.])
    """


@native
def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two; a number wins over NaN.

    Example:
        >>> import facula as torch
        >>> torch.fmax(torch.tensor([1.0, float('nan')]), torch.tensor([3.0, 2.0]))
        tensor([3., 2.])
    """


@native
def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two; a number wins over NaN.

    Example:
        >>> import facula as torch
        >>> torch.fmin(torch.tensor([1.0, float('nan')]), torch.tensor([3.0, 2.0]))
        tensor([1., 2.])
    """


@native
def isnan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether an element is NaN.

    Example:
        >>> import facula as torch
        >>> torch.isnan(torch.tensor([1.0, float('nan')]))
        tensor([False,  True])
    """


@native
def isinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether an element is infinite, of either sign.

    Example:
        >>> import facula as torch
        >>> torch.isinf(torch.tensor([1.0, -float('inf')]))
        tensor([False,  True])
    """


@native
def isfinite(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether an element is neither infinite nor NaN.

    Example:
        >>> import facula as torch
        >>> torch.isfinite(torch.tensor([1.0, float('nan')]))
        tensor([ True, False])
    """


@native
def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether an element is +infinity.

    Example:
        >>> import facula as torch
        >>> torch.isposinf(torch.tensor([-float('inf'), float('inf')]))
        tensor([False,  True])
    """


@native
def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether an element is -infinity.

    Example:
        >>> import facula as torch
        >>> torch.isneginf(torch.tensor([-float('inf'), float('inf')]))
        tensor([ True, False])
    """


@native
def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether the sign bit is set: also for -0.0.

    Example:
        >>> import facula as torch
        >>> torch.signbit(torch.tensor([-0.0, 1.0]))
        tensor([ True, False])
    """


@native
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements.

    Example:
        >>> import facula as torch
        >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
        True
    """


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether ``|input - other| <= atol + rtol * |other|``, elementwise; equal infinities are close.

    Args:
        equal_nan: whether two NaN are close.

    Raises:
        RuntimeError: the dtypes differ; a tolerance is negative.

    Example:
        >>> import facula as torch
        >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0 + 1e-7, 2.1]))
        tensor([ True, False])
    """
    check_tensors("isclose", input=input, other=other)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}: isclose() compares tensors of one dtype")
    if not (rtol >= 0 and atol >= 0):
        raise RuntimeError(f"rtol and atol must be greater than or equal to zero, but got rtol={rtol}, atol={atol}")
    input, other = input.detach(), other.detach()
    close = eq(input, other)
    if input.is_floating_point() or input.is_complex():
        if equal_nan:
            close = close | (isnan(input) & isnan(other))
    elif rtol == 0 and atol == 0:
        return close
    else:
        input, other = input.to(float64), other.to(float64)
    difference = (input - other).abs()
    return close | (isfinite(difference) & (difference <= other.abs() * rtol + atol))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, as ``isclose`` says.

    Example:
        >>> import facula as torch
        >>> torch.allclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))
        True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@composed
def isreal(input: Tensor) -> Tensor:
    """Whether the imaginary part is 0.

    Example:
        >>> import facula as torch
        >>> torch.isreal(torch.tensor([1.0, 2.0]))
        tensor([True, True])
    """
    return eq(input.imag, 0) if input.is_complex() else eq(input, input) | isnan(input)


# PyTorch's second names.
not_equal = ne
not_equal_ = ne_
less = lt
less_ = lt_
less_equal = le
less_equal_ = le_
greater = gt
greater_ = gt_
greater_equal = ge
greater_equal_ = ge_
