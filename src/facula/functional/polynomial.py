"""Orthogonal polynomials of torch.special: formulas of the table, without derivatives, as in PyTorch."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import native
from facula.functional.arguments import Number

__all__ = [
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]  # fmt: skip


@native
def chebyshev_polynomial_t(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Chebyshev polynomial of the first kind of degree ``n``.

    Example:
        >>> import facula as torch
        >>> torch.special.chebyshev_polynomial_t(torch.tensor([0.5, 2.0]), 2)
        tensor([-0.5000,  7.0000])
    """


@native
def chebyshev_polynomial_u(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Chebyshev polynomial of the second kind of degree ``n``.

    Example:
        >>> import facula as torch
        >>> torch.special.chebyshev_polynomial_u(torch.tensor([0.5, 2.0]), 2)
        tensor([ 0., 15.])
    """


@native
def chebyshev_polynomial_v(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Chebyshev polynomial of the third kind of degree ``n``.

    Example:
        >>> import facula as torch
        >>> torch.special.chebyshev_polynomial_v(torch.tensor([0.5, 2.0]), 2)
        tensor([-1., 11.])
    """


@native
def chebyshev_polynomial_w(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Chebyshev polynomial of the fourth kind of degree ``n``.

    Example:
        >>> import facula as torch
        >>> torch.special.chebyshev_polynomial_w(torch.tensor([0.5, 2.0]), 2)
        tensor([ 1., 19.])
    """


@native
def hermite_polynomial_h(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The physicist's Hermite polynomial of degree ``n``.

    Example:
        >>> import facula as torch
        >>> torch.special.hermite_polynomial_h(torch.tensor([0.5, 2.0]), 2)
        tensor([-1., 14.])
    """


@native
def hermite_polynomial_he(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The probabilist's Hermite polynomial of degree ``n``.

    Example:
        >>> import facula as torch
        >>> torch.special.hermite_polynomial_he(torch.tensor([0.5, 2.0]), 2)
        tensor([-0.7500,  3.0000])
    """


@native
def laguerre_polynomial_l(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Laguerre polynomial of degree ``n``.

    Example:
        >>> import facula as torch
        >>> torch.special.laguerre_polynomial_l(torch.tensor([0.5, 2.0]), 2)
        tensor([ 0.1250, -1.0000])
    """


@native
def legendre_polynomial_p(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """The Legendre polynomial of degree ``n``.

    Example:
        >>> import facula as torch
        >>> torch.special.legendre_polynomial_p(torch.tensor([0.5, 2.0]), 2)
        tensor([-0.1250,  5.5000])
    """


@native
def shifted_chebyshev_polynomial_t(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``chebyshev_polynomial_t(2 * input - 1, n)``.

    Example:
        >>> import facula as torch
        >>> torch.special.shifted_chebyshev_polynomial_t(torch.tensor([0.5, 2.0]), 2)
        tensor([-1., 17.])
    """


@native
def shifted_chebyshev_polynomial_u(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``chebyshev_polynomial_u(2 * input - 1, n)``.

    Example:
        >>> import facula as torch
        >>> torch.special.shifted_chebyshev_polynomial_u(torch.tensor([0.5, 2.0]), 2)
        tensor([-1., 35.])
    """


@native
def shifted_chebyshev_polynomial_v(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``chebyshev_polynomial_v(2 * input - 1, n)``.

    Example:
        >>> import facula as torch
        >>> torch.special.shifted_chebyshev_polynomial_v(torch.tensor([0.5, 2.0]), 2)
        tensor([-1., 29.])
    """


@native
def shifted_chebyshev_polynomial_w(x: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``chebyshev_polynomial_w(2 * input - 1, n)``.

    Example:
        >>> import facula as torch
        >>> torch.special.shifted_chebyshev_polynomial_w(torch.tensor([0.5, 2.0]), 2)
        tensor([-1., 41.])
    """
