"""Trigonometric and hyperbolic functions of torch.*, elementwise with in-place forms. Angles are radians."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import native

__all__ = [
    "acos",
    "acos_",
    "acosh",
    "acosh_",
    "arccos",
    "arccos_",
    "arccosh",
    "arccosh_",
    "arcsin",
    "arcsin_",
    "arcsinh",
    "arcsinh_",
    "arctan",
    "arctan2",
    "arctan2_",
    "arctan_",
    "arctanh",
    "arctanh_",
    "asin",
    "asin_",
    "asinh",
    "asinh_",
    "atan",
    "atan2",
    "atan2_",
    "atan_",
    "atanh",
    "atanh_",
    "cos",
    "cos_",
    "cosh",
    "cosh_",
    "sin",
    "sin_",
    "sinc",
    "sinc_",
    "sinh",
    "sinh_",
    "tan",
    "tan_",
    "tanh",
    "tanh_",
]

METHODS = (
    "acos acos_ acosh acosh_ arccos arccos_ arccosh arccosh_ arcsin arcsin_ arcsinh arcsinh_ arctan arctan2 "
    "arctan2_ arctan_ arctanh arctanh_ asin asin_ asinh asinh_ atan atan2 atan2_ atan_ atanh atanh_ cos cos_ cosh "
    "cosh_ sin sin_ sinc sinc_ sinh sinh_ tan tan_ tanh tanh_"
)


@native
def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sine.

    Example:
        >>> import facula as torch
        >>> torch.sin(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8415])
    """


@native
def sin_(input: Tensor) -> Tensor:
    """In-place form of ``sin``."""


@native
def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The cosine.

    Example:
        >>> import facula as torch
        >>> torch.cos(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 0.5403])
    """


@native
def cos_(input: Tensor) -> Tensor:
    """In-place form of ``cos``."""


@native
def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The tangent.

    Example:
        >>> import facula as torch
        >>> torch.tan(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 1.5574])
    """


@native
def tan_(input: Tensor) -> Tensor:
    """In-place form of ``tan``."""


@native
def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``sin``, in [-pi/2, pi/2].

    Example:
        >>> import facula as torch
        >>> torch.asin(torch.tensor([0.0, 0.5]))
        tensor([0.0000, 0.5236])
    """


@native
def asin_(input: Tensor) -> Tensor:
    """In-place form of ``asin``."""


@native
def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``cos``, in [0, pi].

    Example:
        >>> import facula as torch
        >>> torch.acos(torch.tensor([0.0, 0.5]))
        tensor([1.5708, 1.0472])
    """


@native
def acos_(input: Tensor) -> Tensor:
    """In-place form of ``acos``."""


@native
def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``tan``, in (-pi/2, pi/2).

    Example:
        >>> import facula as torch
        >>> torch.atan(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7854])
    """


@native
def atan_(input: Tensor) -> Tensor:
    """In-place form of ``atan``."""


@native
def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point (``other``, ``input``), in (-pi, pi].

    Example:
        >>> import facula as torch
        >>> torch.atan2(torch.tensor([1.0, -1.0]), torch.tensor([-1.0, 1.0]))
        tensor([ 2.3562, -0.7854])
    """


@native
def atan2_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``atan2``."""


@native
def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic sine.

    Example:
        >>> import facula as torch
        >>> torch.sinh(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 1.1752])
    """


@native
def sinh_(input: Tensor) -> Tensor:
    """In-place form of ``sinh``."""


@native
def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic cosine.

    Example:
        >>> import facula as torch
        >>> torch.cosh(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 1.5431])
    """


@native
def cosh_(input: Tensor) -> Tensor:
    """In-place form of ``cosh``."""


@native
def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The hyperbolic tangent.

    Example:
        >>> import facula as torch
        >>> torch.tanh(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7616])
    """


@native
def tanh_(input: Tensor) -> Tensor:
    """In-place form of ``tanh``."""


@native
def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``sinh``.

    Example:
        >>> import facula as torch
        >>> torch.asinh(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8814])
    """


@native
def asinh_(input: Tensor) -> Tensor:
    """In-place form of ``asinh``."""


@native
def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``cosh``; NaN below 1.

    Example:
        >>> import facula as torch
        >>> torch.acosh(torch.tensor([1.0, 2.0]))
        tensor([0.0000, 1.3170])
    """


@native
def acosh_(input: Tensor) -> Tensor:
    """In-place form of ``acosh``."""


@native
def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of ``tanh``; NaN outside [-1, 1].

    Example:
        >>> import facula as torch
        >>> torch.atanh(torch.tensor([0.0, 0.5]))
        tensor([0.0000, 0.5493])
    """


@native
def atanh_(input: Tensor) -> Tensor:
    """In-place form of ``atanh``."""


@native
def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sin(pi * input) / (pi * input)``, 1 at 0.

    Example:
        >>> import facula as torch
        >>> torch.sinc(torch.tensor([0.0, 0.5]))
        tensor([1.0000, 0.6366])
    """


@native
def sinc_(input: Tensor) -> Tensor:
    """In-place form of ``sinc``."""


# PyTorch's second names.
arcsin = asin
arcsin_ = asin_
arccos = acos
arccos_ = acos_
arctan = atan
arctan_ = atan_
arctan2 = atan2
arctan2_ = atan2_
arcsinh = asinh
arcsinh_ = asinh_
arccosh = acosh
arccosh_ = acosh_
arctanh = atanh
arctanh_ = atanh_
