"""Arithmetic of torch.*: sums, products, quotients, signs, rounding. Elementwise, broadcasting, with in-place forms."""

from __future__ import annotations

from facula._C import Tensor, complex128, float64
from facula._C import bool as bool_dtype
from facula._native import composed, native
from facula.functional.arguments import Number, write_out_same

__all__ = [
    "abs",
    "abs_",
    "absolute",
    "absolute_",
    "add",
    "add_",
    "addcdiv",
    "addcdiv_",
    "addcmul",
    "addcmul_",
    "copysign",
    "copysign_",
    "deg2rad",
    "deg2rad_",
    "div",
    "div_",
    "divide",
    "divide_",
    "float_power",
    "floor_divide",
    "floor_divide_",
    "fmod",
    "fmod_",
    "heaviside",
    "heaviside_",
    "lerp",
    "lerp_",
    "mul",
    "mul_",
    "multiply",
    "multiply_",
    "neg",
    "neg_",
    "negative",
    "negative_",
    "nextafter",
    "nextafter_",
    "positive",
    "rad2deg",
    "rad2deg_",
    "reciprocal",
    "reciprocal_",
    "remainder",
    "remainder_",
    "rsub",
    "sgn",
    "sgn_",
    "sign",
    "sign_",
    "square",
    "square_",
    "sub",
    "sub_",
    "subtract",
    "subtract_",
    "true_divide",
    "true_divide_",
]

METHODS = (
    "abs abs_ absolute absolute_ add add_ addcdiv addcdiv_ addcmul addcmul_ copysign copysign_ deg2rad deg2rad_ "
    "div div_ divide divide_ float_power floor_divide floor_divide_ fmod fmod_ heaviside heaviside_ lerp lerp_ "
    "mul mul_ multiply multiply_ neg neg_ negative negative_ nextafter nextafter_ positive rad2deg rad2deg_ "
    "reciprocal reciprocal_ remainder remainder_ sgn sgn_ sign sign_ square square_ sub sub_ subtract subtract_ "
    "true_divide true_divide_"
)


@native
def mul(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * other``.

    Example:
        >>> import facula as torch
        >>> torch.mul(torch.tensor([1, 2]), 3)
        tensor([3, 6])
    """


@native
def mul_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``mul``."""


@native
def remainder(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input`` modulo ``other``; the result has the sign of ``other``, as Python's ``%``.

    Example:
        >>> import facula as torch
        >>> torch.remainder(torch.tensor([-3.0, 5.0]), 2)
        tensor([1., 1.])
    """


@native
def remainder_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``remainder``."""


@native
def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input`` modulo ``other``; the result has the sign of ``input``, as C's ``fmod``.

    Example:
        >>> import facula as torch
        >>> torch.fmod(torch.tensor([-3.0, 5.0]), 2)
        tensor([-1.,  1.])
    """


@native
def fmod_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``fmod``."""


@native
def floor_divide(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``floor(input / other)``, in the type of the operands. Integer division by 0 raises RuntimeError.

    Example:
        >>> import facula as torch
        >>> torch.floor_divide(torch.tensor([-3, 5]), 2)
        tensor([-2,  2])
    """


@native
def floor_divide_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``floor_divide``."""


@native
def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``-input``.

    Example:
        >>> import facula as torch
        >>> torch.neg(torch.tensor([1.0, -2.0]))
        tensor([-1.,  2.])
    """


@native
def neg_(input: Tensor) -> Tensor:
    """In-place form of ``neg``."""


@native
def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The absolute value.

    Example:
        >>> import facula as torch
        >>> torch.abs(torch.tensor([-1.5, 2.0]))
        tensor([1.5000, 2.0000])
    """


@native
def abs_(input: Tensor) -> Tensor:
    """In-place form of ``abs``."""


@native
def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """-1, 0 or 1: the sign of each element.

    Example:
        >>> import facula as torch
        >>> torch.sign(torch.tensor([-1.5, 0.0, 2.0]))
        tensor([-1.,  0.,  1.])
    """


@native
def sign_(input: Tensor) -> Tensor:
    """In-place form of ``sign``."""


@native
def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sign of real elements, as ``sign``.

    Example:
        >>> import facula as torch
        >>> torch.sgn(torch.tensor([-1.5, 0.0, 2.0]))
        tensor([-1.,  0.,  1.])
    """


@native
def sgn_(input: Tensor) -> Tensor:
    """In-place form of ``sgn``."""


@native
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``input * input``.

    Example:
        >>> import facula as torch
        >>> torch.square(torch.tensor([-3, 2]))
        tensor([9, 4])
    """


@native
def square_(input: Tensor) -> Tensor:
    """In-place form of ``square``."""


@native
def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 / input``, floating also for integers.

    Example:
        >>> import facula as torch
        >>> torch.reciprocal(torch.tensor([2.0, -4.0]))
        tensor([ 0.5000, -0.2500])
    """


@native
def reciprocal_(input: Tensor) -> Tensor:
    """In-place form of ``reciprocal``."""


@native
def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees as radians.

    Example:
        >>> import facula as torch
        >>> torch.deg2rad(torch.tensor([180.0, 90.0]))
        tensor([3.1416, 1.5708])
    """


@native
def deg2rad_(input: Tensor) -> Tensor:
    """In-place form of ``deg2rad``."""


@native
def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians as degrees.

    Example:
        >>> import facula as torch
        >>> torch.rad2deg(torch.tensor([3.14159265]))
        tensor([180.])
    """


@native
def rad2deg_(input: Tensor) -> Tensor:
    """In-place form of ``rad2deg``."""


@native
def copysign(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The magnitude of ``input`` with the sign of ``other``, signed zeros included.

    Example:
        >>> import facula as torch
        >>> torch.copysign(torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 0.0]))
        tensor([-1.,  2.])
    """


@native
def copysign_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``copysign``."""


@native
def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next number of the type after ``input`` towards ``other``.

    Example:
        >>> import facula as torch
        >>> torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])) > 1
        tensor([True])
    """


@native
def nextafter_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``nextafter``."""


@native("add")
def _add(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input + other``."""


@native("add_alpha")
def _add_alpha(input: Tensor, other: Tensor | Number, alpha: Number, *, out: Tensor | None = None) -> Tensor:
    """``input + alpha * other``."""


@native("add_")
def _add_(input: Tensor, other: Tensor | Number) -> Tensor:
    """``input += other``."""


@native("add_alpha_")
def _add_alpha_(input: Tensor, other: Tensor | Number, alpha: Number) -> Tensor:
    """``input += alpha * other``."""


def add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """``input + alpha * other``.

    Example:
        >>> import facula as torch
        >>> torch.add(torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0]), alpha=0.5)
        tensor([ 6., 12.])
    """
    if alpha == 1:
        return _add(input, other) if out is None else _add(input, other, out=out)
    _check_alpha("add", input, other, alpha)
    return _add_alpha(input, other, alpha, out=out)


def add_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """In-place form of ``add``."""
    if alpha == 1:
        return _add_(input, other)
    _check_alpha("add", input, other, alpha)
    return _add_alpha_(input, other, alpha)


@native("sub")
def _sub(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input - other``."""


@native("sub_alpha")
def _sub_alpha(input: Tensor, other: Tensor | Number, alpha: Number, *, out: Tensor | None = None) -> Tensor:
    """``input - alpha * other``."""


@native("sub_")
def _sub_(input: Tensor, other: Tensor | Number) -> Tensor:
    """``input -= other``."""


@native("sub_alpha_")
def _sub_alpha_(input: Tensor, other: Tensor | Number, alpha: Number) -> Tensor:
    """``input -= alpha * other``."""


def sub(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """``input - alpha * other``.

    Raises:
        RuntimeError: both are bool; use ``logical_xor``.

    Example:
        >>> import facula as torch
        >>> torch.sub(torch.tensor([1.0, 2.0]), 3, alpha=2)
        tensor([-5., -4.])
    """
    _refuse_bool(input, other)
    if alpha == 1:
        return _sub(input, other) if out is None else _sub(input, other, out=out)
    _check_alpha("sub", input, other, alpha)
    return _sub_alpha(input, other, alpha, out=out)


def sub_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """In-place form of ``sub``."""
    _refuse_bool(input, other)
    if alpha == 1:
        return _sub_(input, other)
    _check_alpha("sub", input, other, alpha)
    return _sub_alpha_(input, other, alpha)


@native("rsub")
def _rsub(input: Tensor, other: Tensor | Number) -> Tensor:
    """``other - input``."""


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """``other - alpha * input``.

    Example:
        >>> import facula as torch
        >>> torch.rsub(torch.tensor([1.0, 2.0]), 10)
        tensor([9., 8.])
    """
    _refuse_bool(input, other)
    return _rsub(input, other) if alpha == 1 else sub(other, input, alpha=alpha)


def _check_alpha(name: str, input: Tensor | Number, other: Tensor | Number, alpha: Number) -> None:
    """A scale must not be of a higher kind than what it scales."""
    if isinstance(alpha, bool):
        both = (x.dtype is bool_dtype if isinstance(x, Tensor) else isinstance(x, bool) for x in (input, other))
        if not all(both):
            raise RuntimeError(f"{name}(): Boolean alpha only supported for Boolean results; use {int(alpha)}")
        return
    if not isinstance(alpha, (float, complex)):
        return
    operands = [operand for operand in (input, other) if isinstance(operand, Tensor)]
    floating = any(t.is_floating_point() or t.is_complex() for t in operands)
    if not floating and not isinstance(input, (float, complex)) and not isinstance(other, (float, complex)):
        raise RuntimeError(
            f"{name}(): For integral input tensors, argument alpha must not be a floating point number, but got "
            f"{alpha!r}; convert with x.float() first"
        )


def _refuse_bool(input: Tensor | Number, other: Tensor | Number) -> None:
    if isinstance(input, Tensor) and input.dtype is bool_dtype:
        if (other.dtype is bool_dtype) if isinstance(other, Tensor) else isinstance(other, bool):
            raise RuntimeError(
                "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
                "operator instead."
            )


@native("div")
def _div(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input / other``."""


@native("div_floor")
def _div_floor(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``floor(input / other)``."""


@native("div_trunc")
def _div_trunc(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``trunc(input / other)``."""


@native("div_")
def _div_(input: Tensor, other: Tensor | Number) -> Tensor:
    """``input /= other``."""


@native("div_floor_")
def _div_floor_(input: Tensor, other: Tensor | Number) -> Tensor:
    """``input = floor(input / other)``."""


@native("div_trunc_")
def _div_trunc_(input: Tensor, other: Tensor | Number) -> Tensor:
    """``input = trunc(input / other)``."""


_DIVISIONS = {None: _div, "floor": _div_floor, "trunc": _div_trunc}
_DIVISIONS_IN_PLACE = {None: _div_, "floor": _div_floor_, "trunc": _div_trunc_}


def _division(table: dict, rounding_mode: str | None):
    if rounding_mode not in table:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return table[rounding_mode]


def div(
    input: Tensor | Number,
    other: Tensor | Number,
    *,
    rounding_mode: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """``input / other``: floating, or rounded down ("floor") or towards 0 ("trunc") in the type of the operands.

    Raises:
        RuntimeError: another ``rounding_mode``; a rounded integer division by 0.

    Example:
        >>> import facula as torch
        >>> torch.div(torch.tensor([-7, 7]), 2), torch.div(torch.tensor([-7, 7]), 2, rounding_mode="floor")
        (tensor([-3.5000,  3.5000]), tensor([-4,  3]))
    """
    if rounding_mode is None and out is None:
        return _div(input, other)
    return _division(_DIVISIONS, rounding_mode)(input, other, out=out)


def div_(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """In-place form of ``div``."""
    return _division(_DIVISIONS_IN_PLACE, rounding_mode)(input, other)


@native
def addcmul(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``input + value * tensor1 * tensor2``.

    Example:
        >>> import facula as torch
        >>> torch.addcmul(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0]), value=0.5)
        tensor([4.])
    """


@native
def addcmul_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """In-place form of ``addcmul``."""


@native
def addcdiv(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    *,
    value: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``input + value * tensor1 / tensor2``.

    Example:
        >>> import facula as torch
        >>> torch.addcdiv(torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([4.0]), value=0.5)
        tensor([1.2500])
    """


@native
def addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """In-place form of ``addcdiv``."""


@native
def lerp(input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input + weight * (end - input)``: a point on the line between two.

    Example:
        >>> import facula as torch
        >>> torch.lerp(torch.tensor([0.0, 10.0]), torch.tensor([1.0, 20.0]), 0.25)
        tensor([ 0.2500, 12.5000])
    """


@native
def lerp_(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """In-place form of ``lerp``."""


@composed
def positive(input: Tensor) -> Tensor:
    """``+input``: the tensor itself.

    Raises:
        RuntimeError: the tensor is bool.

    Example:
        >>> import facula as torch
        >>> torch.positive(torch.tensor([1.0, -2.0]))
        tensor([ 1., -2.])
    """
    if input.dtype is bool_dtype:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def float_power(input: Tensor | Number, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input ** exponent`` computed in float64.

    Example:
        >>> import facula as torch
        >>> torch.float_power(torch.tensor([1, 2, 3]), 2)
        tensor([1., 4., 9.], dtype=torch.float64)
    """
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError("float_power(): one of input and exponent must be Tensor, got two numbers")
    is_complex = any(x.is_complex() if isinstance(x, Tensor) else isinstance(x, complex) for x in (input, exponent))
    wide = complex128 if is_complex else float64
    base, power = (x.to(wide) if isinstance(x, Tensor) else x for x in (input, exponent))
    result = base**power  # type: ignore[operator]
    return result if out is None else write_out_same(result, out)


@native
def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 below 0, 1 above, ``values`` at 0.

    Example:
        >>> import facula as torch
        >>> torch.heaviside(torch.tensor([-1.5, 0.0, 2.0]), torch.tensor([0.5]))
        tensor([0.0000, 0.5000, 1.0000])
    """


@native
def heaviside_(input: Tensor, values: Tensor) -> Tensor:
    """In-place form of ``heaviside``."""


# PyTorch's second names.
multiply = mul
multiply_ = mul_
subtract = sub
subtract_ = sub_
divide = div
divide_ = div_
true_divide = div
true_divide_ = div_
negative = neg
negative_ = neg_
absolute = abs
absolute_ = abs_
