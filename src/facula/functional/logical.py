"""Logical and bitwise operations of torch.*, elementwise with in-place forms. Bitwise ones refuse floating types."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import native
from facula.functional.arguments import Number

__all__ = [
    "bitwise_and",
    "bitwise_and_",
    "bitwise_left_shift",
    "bitwise_left_shift_",
    "bitwise_not",
    "bitwise_not_",
    "bitwise_or",
    "bitwise_or_",
    "bitwise_right_shift",
    "bitwise_right_shift_",
    "bitwise_xor",
    "bitwise_xor_",
    "gcd",
    "gcd_",
    "lcm",
    "lcm_",
    "logical_and",
    "logical_and_",
    "logical_not",
    "logical_not_",
    "logical_or",
    "logical_or_",
    "logical_xor",
    "logical_xor_",
]

METHODS = (
    "bitwise_and bitwise_and_ bitwise_left_shift bitwise_left_shift_ bitwise_not bitwise_not_ bitwise_or "
    "bitwise_or_ bitwise_right_shift bitwise_right_shift_ bitwise_xor bitwise_xor_ gcd gcd_ lcm lcm_ logical_and "
    "logical_and_ logical_not logical_not_ logical_or logical_or_ logical_xor logical_xor_"
)


@native
def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether both are nonzero.

    Example:
        >>> import facula as torch
        >>> torch.logical_and(torch.tensor([1.0, 0.0]), torch.tensor([2.0, 3.0]))
        tensor([ True, False])
    """


@native
def logical_and_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``logical_and``."""


@native
def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether at least one is nonzero.

    Example:
        >>> import facula as torch
        >>> torch.logical_or(torch.tensor([1.0, 0.0]), torch.tensor([2.0, 0.0]))
        tensor([ True, False])
    """


@native
def logical_or_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``logical_or``."""


@native
def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether exactly one is nonzero.

    Example:
        >>> import facula as torch
        >>> torch.logical_xor(torch.tensor([True, False]), torch.tensor([True, True]))
        tensor([False,  True])
    """


@native
def logical_xor_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``logical_xor``."""


@native
def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Whether an element is zero.

    Example:
        >>> import facula as torch
        >>> torch.logical_not(torch.tensor([0.0, 1.5]))
        tensor([ True, False])
    """


@native
def logical_not_(input: Tensor) -> Tensor:
    """In-place form of ``logical_not``."""


@native
def bitwise_and(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input & other``.

    Example:
        >>> import facula as torch
        >>> torch.bitwise_and(torch.tensor([12, 5]), 6)
        tensor([4, 4])
    """


@native
def bitwise_and_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``bitwise_and``."""


@native
def bitwise_or(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input | other``.

    Example:
        >>> import facula as torch
        >>> torch.bitwise_or(torch.tensor([12, 5]), 6)
        tensor([14,  7])
    """


@native
def bitwise_or_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``bitwise_or``."""


@native
def bitwise_xor(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input ^ other``.

    Example:
        >>> import facula as torch
        >>> torch.bitwise_xor(torch.tensor([12, 5]), 6)
        tensor([10,  3])
    """


@native
def bitwise_xor_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``bitwise_xor``."""


@native
def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``~input``; the logical not of bool.

    Example:
        >>> import facula as torch
        >>> torch.bitwise_not(torch.tensor([0, 5]))
        tensor([-1, -6])
    """


@native
def bitwise_not_(input: Tensor) -> Tensor:
    """In-place form of ``bitwise_not``."""


@native
def bitwise_left_shift(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input << other``.

    Example:
        >>> import facula as torch
        >>> torch.bitwise_left_shift(torch.tensor([1, 3]), 2)
        tensor([ 4, 12])
    """


@native
def bitwise_left_shift_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``bitwise_left_shift``."""


@native
def bitwise_right_shift(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input >> other``, with the sign kept.

    Example:
        >>> import facula as torch
        >>> torch.bitwise_right_shift(torch.tensor([-8, 9]), 1)
        tensor([-4,  4])
    """


@native
def bitwise_right_shift_(input: Tensor, other: Tensor | Number) -> Tensor:
    """In-place form of ``bitwise_right_shift``."""


@native
def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor.

    Example:
        >>> import facula as torch
        >>> torch.gcd(torch.tensor([12, 7]), torch.tensor([18, 21]))
        tensor([6, 7])
    """


@native
def gcd_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``gcd``."""


@native
def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple.

    Example:
        >>> import facula as torch
        >>> torch.lcm(torch.tensor([4, 6]), torch.tensor([6, 8]))
        tensor([12, 24])
    """


@native
def lcm_(input: Tensor, other: Tensor) -> Tensor:
    """In-place form of ``lcm``."""
