"""Special functions of torch.* and torch.special that few programs need: formulas of the table, and their bindings."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import native
from facula.functional.arguments import Number, write_back

METHODS = "i0 i0_ igamma igamma_ igammac igammac_ mvlgamma_"

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "entr", "erfcx", "i0", "i0_", "i0e", "i1", "i1e",
    "igamma", "igammac", "log_ndtr", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0",
    "modified_bessel_k1", "ndtri", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
    "zeta",
]  # fmt: skip


@native
def airy_ai(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Airy function Ai.

    Example:
        >>> import facula as torch
        >>> torch.special.airy_ai(torch.tensor([0.0, 1.0]))
        tensor([0.3550, 0.1353])
    """


@native
def bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the first kind of order 0.

    Example:
        >>> import facula as torch
        >>> torch.special.bessel_j0(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 0.7652])
    """


@native
def bessel_j1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the first kind of order 1.

    Example:
        >>> import facula as torch
        >>> torch.special.bessel_j1(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.4401])
    """


@native
def bessel_y0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the second kind of order 0; NaN below 0.

    Example:
        >>> import facula as torch
        >>> torch.special.bessel_y0(torch.tensor([1.0, 2.0]))
        tensor([0.0883, 0.5104])
    """


@native
def bessel_y1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the second kind of order 1; NaN below 0.

    Example:
        >>> import facula as torch
        >>> torch.special.bessel_y1(torch.tensor([1.0, 2.0]))
        tensor([-0.7812, -0.1070])
    """


@native
def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``-input * log(input)``, 0 at 0, -inf below.

    Example:
        >>> import facula as torch
        >>> torch.special.entr(torch.tensor([0.0, 0.5]))
        tensor([0.0000, 0.3466])
    """


@native
def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(x ** 2) * erfc(x)``, without overflow or loss for large ``x``.

    Example:
        >>> import facula as torch
        >>> torch.special.erfcx(torch.tensor([0.0, 10.0]))
        tensor([1.0000, 0.0561])
    """


@native
def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 0.

    Example:
        >>> import facula as torch
        >>> torch.i0(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 1.2661])
    """


@native
def i0_(input: Tensor) -> Tensor:
    """In-place form of ``i0``."""


@native
def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(-|x|) * i0(x)``.

    Example:
        >>> import facula as torch
        >>> torch.special.i0e(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 0.4658])
    """


@native
def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 1.

    Example:
        >>> import facula as torch
        >>> torch.special.i1(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.5652])
    """


@native
def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(-|x|) * i1(x)``.

    Example:
        >>> import facula as torch
        >>> torch.special.i1e(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.2079])
    """


@native
def log_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the normal distribution function.

    Example:
        >>> import facula as torch
        >>> torch.special.log_ndtr(torch.tensor([0.0, -10.0]))
        tensor([ -0.6931, -53.2313])
    """


@native
def modified_bessel_i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 0.

    Example:
        >>> import facula as torch
        >>> torch.special.modified_bessel_i0(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 1.2661])
    """


@native
def modified_bessel_i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 1.

    Example:
        >>> import facula as torch
        >>> torch.special.modified_bessel_i1(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.5652])
    """


@native
def modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the second kind of order 0; NaN below 0.

    Example:
        >>> import facula as torch
        >>> torch.special.modified_bessel_k0(torch.tensor([1.0, 2.0]))
        tensor([0.4210, 0.1139])
    """


@native
def modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the second kind of order 1; NaN below 0.

    Example:
        >>> import facula as torch
        >>> torch.special.modified_bessel_k1(torch.tensor([1.0, 2.0]))
        tensor([0.6019, 0.1399])
    """


@native
def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The quantile function of the normal distribution: the inverse of ``ndtr``.

    Example:
        >>> import facula as torch
        >>> torch.special.ndtri(torch.tensor([0.5, 0.975]))
        tensor([0.0000, 1.9600])
    """


@native
def scaled_modified_bessel_k0(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(x) * modified_bessel_k0(x)``.

    Example:
        >>> import facula as torch
        >>> torch.special.scaled_modified_bessel_k0(torch.tensor([1.0, 2.0]))
        tensor([1.1445, 0.8416])
    """


@native
def scaled_modified_bessel_k1(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(x) * modified_bessel_k1(x)``.

    Example:
        >>> import facula as torch
        >>> torch.special.scaled_modified_bessel_k1(torch.tensor([1.0, 2.0]))
        tensor([1.6362, 1.0335])
    """


@native
def spherical_bessel_j0(x: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The spherical Bessel function of the first kind of order 0, ``sin(x) / x``.

    Example:
        >>> import facula as torch
        >>> torch.special.spherical_bessel_j0(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 0.8415])
    """


@native
def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularised lower incomplete gamma function P(input, other).

    The gradient by ``input`` exists here, which PyTorch's does not.

    Example:
        >>> import facula as torch
        >>> torch.igamma(torch.tensor([0.5, 2.0]), torch.tensor([1.0, 1.0]))
        tensor([0.8427, 0.2642])
    """


@native
def igamma_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``igamma``."""


@native
def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularised upper incomplete gamma function Q(input, other).

    The gradient by ``input`` exists here, which PyTorch's does not.

    Example:
        >>> import facula as torch
        >>> torch.igammac(torch.tensor([0.5, 2.0]), torch.tensor([1.0, 1.0]))
        tensor([0.1573, 0.7358])
    """


@native
def igammac_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``igammac``."""


@native
def zeta(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Hurwitz zeta function: the sum of ``(other + k) ** -input`` over k >= 0.

    Example:
        >>> import facula as torch
        >>> torch.special.zeta(torch.tensor([2.0, 4.0]), 1)
        tensor([1.6449, 1.0823])
    """


def mvlgamma_(input: Tensor, p: int) -> Tensor:
    """In-place form of ``mvlgamma``."""
    from facula.functional.exponential import mvlgamma

    return write_back(mvlgamma(input, p), input)
