"""Rounding and ranges of torch.*: floor, round, clamp, nan_to_num. Elementwise, with in-place forms."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import composed, native
from facula.functional.arguments import Number, write_back, write_out
from facula.functional.arithmetic import div, mul
from facula.functional.information import finfo

__all__ = [
    "ceil",
    "ceil_",
    "clamp",
    "clamp_",
    "clamp_max",
    "clamp_max_",
    "clamp_min",
    "clamp_min_",
    "clip",
    "clip_",
    "fix",
    "fix_",
    "floor",
    "floor_",
    "frac",
    "frac_",
    "nan_to_num",
    "nan_to_num_",
    "round",
    "round_",
    "trunc",
    "trunc_",
]

METHODS = (
    "ceil ceil_ clamp clamp_ clamp_max clamp_max_ clamp_min clamp_min_ clip clip_ fix fix_ floor floor_ frac "
    "frac_ nan_to_num nan_to_num_ round round_ trunc trunc_"
)


@native
def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The largest integer not above each element.

    Example:
        >>> import facula as torch
        >>> torch.floor(torch.tensor([-1.5, 2.5]))
        tensor([-2.,  2.])
    """


@native
def floor_(input: Tensor) -> Tensor:
    """In-place form of ``floor``."""


@native
def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smallest integer not below each element.

    Example:
        >>> import facula as torch
        >>> torch.ceil(torch.tensor([-1.5, 2.5]))
        tensor([-1.,  3.])
    """


@native
def ceil_(input: Tensor) -> Tensor:
    """In-place form of ``ceil``."""


@native
def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each element without its fraction: rounded towards 0.

    Example:
        >>> import facula as torch
        >>> torch.trunc(torch.tensor([-1.5, 2.5]))
        tensor([-1.,  2.])
    """


@native
def trunc_(input: Tensor) -> Tensor:
    """In-place form of ``trunc``."""


@native
def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The fraction of each element, with its sign.

    Example:
        >>> import facula as torch
        >>> torch.frac(torch.tensor([-1.5, 2.25]))
        tensor([-0.5000,  0.2500])
    """


@native
def frac_(input: Tensor) -> Tensor:
    """In-place form of ``frac``."""


@native("round")
def _round(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The nearest integer, halves to even."""


@native("round_")
def _round_(input: Tensor) -> Tensor:
    """In-place form of ``_round``."""


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """The nearest number with that many decimals; halves go to the even one.

    Example:
        >>> import facula as torch
        >>> torch.round(torch.tensor([0.5, 1.5, -2.7])), torch.round(torch.tensor([1.234]), decimals=2)
        (tensor([ 0.,  2., -3.]), tensor([1.2300]))
    """
    if decimals == 0:
        return _round(input) if out is None else _round(input, out=out)
    scale = 10.0 ** min(decimals if decimals > 0 else -decimals, 308)
    if decimals > 0:
        return div(_round(input * scale), scale, out=out)
    return mul(_round(input / scale), scale, out=out)


def round_(input: Tensor, *, decimals: int = 0) -> Tensor:
    """In-place form of ``round``."""
    return _round_(input) if decimals == 0 else input.copy_(round(input, decimals=decimals))


@native("clamp")
def _clamp(input: Tensor, min: Tensor | Number, max: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``min(max(input, min), max)``."""


@native("clamp_")
def _clamp_(input: Tensor, min: Tensor | Number, max: Tensor | Number) -> Tensor:
    """In-place form of ``_clamp``."""


@native
def clamp_min(input: Tensor, min: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Elements below ``min`` become ``min``.

    Example:
        >>> import facula as torch
        >>> torch.clamp_min(torch.tensor([-1.0, 2.0]), 0)
        tensor([0., 2.])
    """


@native
def clamp_min_(input: Tensor, min: Tensor | Number) -> Tensor:
    """In-place form of ``clamp_min``."""


@native
def clamp_max(input: Tensor, max: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Elements above ``max`` become ``max``.

    Example:
        >>> import facula as torch
        >>> torch.clamp_max(torch.tensor([-1.0, 2.0]), 0)
        tensor([-1.,  0.])
    """


@native
def clamp_max_(input: Tensor, max: Tensor | Number) -> Tensor:
    """In-place form of ``clamp_max``."""


def clamp(
    input: Tensor,
    min: Tensor | Number | None = None,
    max: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """Elements outside [``min``, ``max``] become the nearer bound; None: no bound on that side.

    Raises:
        RuntimeError: neither bound is given.

    Example:
        >>> import facula as torch
        >>> torch.clamp(torch.tensor([-2.0, 0.5, 3.0]), -1, 1)
        tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is not None and max is not None:
        return _clamp(input, min, max) if out is None else _clamp(input, min, max, out=out)
    if min is not None:
        return clamp_min(input, min, out=out)
    if max is not None:
        return clamp_max(input, max, out=out)
    raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")


def clamp_(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """In-place form of ``clamp``."""
    if min is not None and max is not None:
        return _clamp_(input, min, max)
    if min is not None:
        return clamp_min_(input, min)
    if max is not None:
        return clamp_max_(input, max)
    raise RuntimeError("torch.clamp_: At least one of 'min' or 'max' must not be None")


@native("nan_to_num")
def _nan_to_num(input: Tensor, nan: Number, posinf: Number, neginf: Number, *, out: Tensor | None = None) -> Tensor:
    """NaN and the infinities replaced."""


@composed
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """NaN replaced by ``nan`` (default 0), the infinities by the largest numbers of the type or the given ones.

    Example:
        >>> import facula as torch
        >>> torch.nan_to_num(torch.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
        tensor([0., 9., 1.])
    """
    if not (input.is_floating_point() or input.is_complex()):
        return input.clone() if out is None else write_out(input, out)
    largest = finfo(input.dtype).max
    return _nan_to_num(
        input,
        0.0 if nan is None else nan,
        largest if posinf is None else posinf,
        -largest if neginf is None else neginf,
        out=out,
    )


def nan_to_num_(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """In-place form of ``nan_to_num``."""
    return write_back(nan_to_num(input, nan, posinf, neginf), input)


# PyTorch's second names.
fix = trunc
fix_ = trunc_
clip = clamp
clip_ = clamp_
