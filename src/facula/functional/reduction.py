"""Reductions and scans of torch.*: sums, extremes, moments, norms, softmax, cumulative sums. ``axis`` and ``keepdims``
are understood as NumPy spells them."""

from __future__ import annotations

from facula._C import Tensor, dtype, is_grad_enabled
from facula._native import composed, native
from facula.functional import return_types
from facula.functional.arguments import write_out

__all__ = [
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "cummax", "cummin", "cumprod",
    "cumsum", "dist", "log_softmax", "logcumsumexp", "logsumexp", "max", "mean", "min", "nanmean", "nansum", "norm",
    "prod", "softmax", "std", "std_mean", "sum", "var", "var_mean",
]  # fmt: skip

METHODS = (
    "all amax amin aminmax any argmax argmin count_nonzero cummax cummin cumprod cumprod_ cumsum cumsum_ dist "
    "log_softmax logcumsumexp logsumexp max mean min nanmean nansum norm prod softmax std sum var"
)


@native
def sum(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The sum over ``dim``, or over everything; integers and bool give int64.

    Args:
        dtype: the input is converted to it first.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.sum(), x.sum(0), x.sum(-1, keepdim=True)
        (tensor(10.), tensor([4., 6.]), tensor([[3.],
                [7.]]))
    """


@native
def nansum(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The sum over ``dim``, or over everything, with NaN counted as 0.

    Example:
        >>> import facula as torch
        >>> torch.nansum(torch.tensor([1.0, float("nan"), 2.0]))
        tensor(3.)
    """


@native
def mean(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The mean over ``dim``, or over everything.

    Raises:
        RuntimeError: the input is of an integer type and no floating ``dtype`` is given.

    Example:
        >>> import facula as torch
        >>> torch.mean(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
        tensor([1.5000, 3.5000])
    """


@native("_prod")
def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """The product over ``dim``, or over everything; integers and bool give int64.

    Example:
        >>> import facula as torch
        >>> torch.prod(torch.tensor([[1, 2], [3, 4]]), 1)
        tensor([ 2, 12])
    """


@native
def any(
    input: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether some element is nonzero, along ``dim`` or of all.

    Example:
        >>> import facula as torch
        >>> torch.any(torch.tensor([[False, True], [False, False]]), 1)
        tensor([ True, False])
    """


@native
def all(
    input: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Whether every element is nonzero, along ``dim`` or of all.

    Example:
        >>> import facula as torch
        >>> torch.all(torch.tensor([[True, True], [False, True]]), 1)
        tensor([ True, False])
    """


@native("_count_nonzero")
def count_nonzero(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """How many elements are not 0, along ``dim`` or of all.

    Example:
        >>> import facula as torch
        >>> torch.count_nonzero(torch.tensor([[0, 1], [2, 3]]), dim=0)
        tensor([1, 2])
    """


@native
def amax(
    input: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The largest element along ``dim`` or of all; equal ones share the gradient.

    Example:
        >>> import facula as torch
        >>> torch.amax(torch.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
        tensor([5., 3.])
    """


@native
def amin(
    input: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The smallest element along ``dim`` or of all; equal ones share the gradient.

    Example:
        >>> import facula as torch
        >>> torch.amin(torch.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
        tensor([1., 2.])
    """


@native("_aminmax")
def _ends(input: Tensor, dim: int | tuple[int, ...] | None, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The smallest and the largest element in one pass; no gradient."""


def aminmax(
    input: Tensor,
    *,
    dim: int | None = None,
    keepdim: bool = False,
    out=None,
    axis: int | None = None,
    keepdims: bool = False,
):
    """The smallest and the largest element, along ``dim`` or of all.

    Example:
        >>> import facula as torch
        >>> torch.aminmax(torch.tensor([3.0, 1.0, 2.0]))
        torch.return_types.aminmax(
        min=tensor(1.),
        max=tensor(3.))
    """
    dim, keepdim = dim if axis is None else axis, keepdim or keepdims
    if dim is None and input.numel() == 0:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if is_grad_enabled() and input.requires_grad:
        pair = amin(input, dim, keepdim), amax(input, dim, keepdim)
    else:
        pair = _ends(input, dim, keepdim)
    for part, to in zip(pair, out or ()):
        if part.dtype is not to.dtype:
            raise RuntimeError(f"aminmax(): Expected out tensor to have dtype {part.dtype}, but got {to.dtype} instead")
    return _named_pair(return_types.aminmax, pair, out)


@native
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The index of the largest element along ``dim``, or in the flattened tensor; the first of equals.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([[1.0, 5.0], [3.0, 2.0]])
        >>> torch.argmax(x), torch.argmax(x, dim=1)
        (tensor(1), tensor([1, 0]))
    """


@native
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The index of the smallest element along ``dim``, or in the flattened tensor; the first of equals.

    Example:
        >>> import facula as torch
        >>> torch.argmin(torch.tensor([[1.0, 5.0], [3.0, 2.0]]), dim=1)
        tensor([0, 1])
    """


@native("_max_all")
def _max_all(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The largest element."""


@native("_min_all")
def _min_all(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smallest element."""


@native("_max_dim")
def _max_dim(input: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The largest elements along ``dim`` and their indices."""


@native("_min_dim")
def _min_dim(input: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest elements along ``dim`` and their indices."""


@native("maximum")
def _maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of two."""


@native("minimum")
def _minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of two."""


def max(
    input: Tensor,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out=None,
    axis: int | None = None,
    keepdims: bool = False,
):
    """The largest element of all; along ``dim``, with its index; or elementwise of two tensors.

    Returns:
        A 0-d tensor; or (values, indices); or a tensor of the broadcast shape.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([[1.0, 5.0], [3.0, 2.0]])
        >>> torch.max(x)
        tensor(5.)
        >>> torch.max(x, dim=1)
        torch.return_types.max(
        values=tensor([5., 3.]),
        indices=tensor([1, 0]))
        >>> torch.max(x, torch.tensor(2.5))
        tensor([[2.5000, 5.0000],
                [3.0000, 2.5000]])
    """
    return _extreme((_max_all, _max_dim, _maximum, return_types.max), input, dim, keepdim, other, out, axis, keepdims)


def min(
    input: Tensor,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: Tensor | None = None,
    out=None,
    axis: int | None = None,
    keepdims: bool = False,
):
    """The smallest element of all; along ``dim``, with its index; or elementwise of two tensors.

    Returns:
        A 0-d tensor; or (values, indices); or a tensor of the broadcast shape.

    Example:
        >>> import facula as torch
        >>> torch.min(torch.tensor([[1.0, 5.0], [3.0, 2.0]]), 0).values
        tensor([1., 2.])
    """
    return _extreme((_min_all, _min_dim, _minimum, return_types.min), input, dim, keepdim, other, out, axis, keepdims)


def _extreme(ways: tuple, input: Tensor, dim, keepdim: bool, other, out, axis, keepdims: bool):
    of_all, along, of_two, named = ways
    dim = dim if axis is None else axis
    if isinstance(dim, Tensor) and other is None:
        other, dim = dim, None
    if other is not None:
        return of_two(input, other, out=out)
    if dim is None:
        return of_all(input, out=out)
    return _named_pair(named, along(input, dim, keepdim or keepdims), out)


def _named_pair(named, pair: tuple[Tensor, Tensor], out):
    return named(pair if out is None else (write_out(part, to) for part, to in zip(pair, out)))


@native("_var")
def _var(input: Tensor, dim, keepdim: bool, correction: float, *, out: Tensor | None = None) -> Tensor:
    """The variance."""


@native("_std")
def _std(input: Tensor, dim, keepdim: bool, correction: float, *, out: Tensor | None = None) -> Tensor:
    """The standard deviation."""


def _moment_arguments(dim, unbiased, correction, axis):
    """Bring PyTorch's three ways of calling into one: (dim, correction)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return (dim if axis is None else axis), correction


def var(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The variance over ``dim``, or over everything: squared deviations divided by n - ``correction``.

    Args:
        unbiased: True is ``correction=1``, the default; False is ``correction=0``.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1.0, 2.0, 4.0])
        >>> torch.var(x), torch.var(x, correction=0)
        (tensor(2.3333), tensor(1.5556))
    """
    dim, correction = _moment_arguments(dim, unbiased, correction, axis)
    return _var(input, dim, keepdim or keepdims, correction, out=out)


def std(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Tensor | None = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The standard deviation over ``dim``, or over everything: the square root of ``var``.

    Example:
        >>> import facula as torch
        >>> torch.std(torch.tensor([[1.0, 2.0], [3.0, 7.0]]), dim=1)
        tensor([0.7071, 2.8284])
    """
    dim, correction = _moment_arguments(dim, unbiased, correction, axis)
    return _std(input, dim, keepdim or keepdims, correction, out=out)


def var_mean(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean over ``dim``, or over everything.

    Example:
        >>> import facula as torch
        >>> torch.var_mean(torch.tensor([1.0, 2.0, 6.0]))
        (tensor(7.), tensor(3.))
    """
    dim, correction = _moment_arguments(dim, unbiased, correction, axis)
    keepdim = keepdim or keepdims
    return _var(input, dim, keepdim, correction), mean(input, dim, keepdim)


def std_mean(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over ``dim``, or over everything.

    Example:
        >>> import facula as torch
        >>> torch.std_mean(torch.tensor([1.0, 2.0, 6.0]))
        (tensor(2.6458), tensor(3.))
    """
    dim, correction = _moment_arguments(dim, unbiased, correction, axis)
    keepdim = keepdim or keepdims
    return _std(input, dim, keepdim, correction), mean(input, dim, keepdim)


@composed
def nanmean(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
    out: Tensor | None = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The mean of the elements that are not NaN, over ``dim`` or over everything.

    Example:
        >>> import facula as torch
        >>> torch.nanmean(torch.tensor([1.0, float("nan"), 3.0]))
        tensor(2.)
    """
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype._scalar_name}"
        )
    dim, keepdim = dim if axis is None else axis, keepdim or keepdims
    known = (input == input).detach()
    result = nansum(input, dim, keepdim, dtype=dtype) / sum(known, dim, keepdim)
    return result if out is None else write_out(result, out)


@native("_norm")
def _norm(input: Tensor, p: float, dim, keepdim: bool, dtype: dtype | None, *, out: Tensor | None = None) -> Tensor:
    """The vector norm of order ``p``."""


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    *,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The vector norm of order ``p`` over ``dim``, or over everything; "fro" is order 2.

    Args:
        p: a number, ``inf`` and ``-inf`` (largest and smallest magnitude) and 0 (nonzero elements) included; "fro"; or
            "nuc", the sum of a matrix' singular values.

    Raises:
        RuntimeError: another word.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([[3.0, 4.0], [6.0, 8.0]])
        >>> torch.norm(x), torch.norm(x, 1, dim=1), torch.norm(x, float("inf"))
        (tensor(11.1803), tensor([ 7., 14.]), tensor(8.))
    """
    dim = dim if axis is None else axis
    if isinstance(p, str):
        if p == "nuc":
            from facula.functional.matrix import nuclear_norm

            input = input if dtype is None else input.to(dtype)
            return nuclear_norm(input, (-2, -1) if dim is None else dim, keepdim or keepdims, out=out)
        if p != "fro":
            raise RuntimeError(f"norm(): p must be a number, 'fro' or 'nuc', got {p!r}")
        p = 2.0
    return _norm(input, 2.0 if p is None else p, dim, keepdim or keepdims, dtype, out=out)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The ``p``-norm of ``input - other``.

    Example:
        >>> import facula as torch
        >>> torch.dist(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 6.0]))
        tensor(5.)
    """
    return _norm(input - other, p, None, False, None)


@native
def logsumexp(input: Tensor, dim: int | tuple[int, ...], keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """``log(sum(exp(input)))`` over ``dim``, without overflow.

    Example:
        >>> import facula as torch
        >>> torch.logsumexp(torch.tensor([1000.0, 1000.0]), 0)
        tensor(1000.6932)
    """


@native("_softmax")
def softmax(input: Tensor, dim: int, dtype: dtype | None = None, *, out: Tensor | None = None) -> Tensor:
    """``exp(input) / sum(exp(input))`` along ``dim``.

    Args:
        dtype: the input is converted to it first.

    Example:
        >>> import facula as torch
        >>> torch.softmax(torch.tensor([1.0, 2.0, 3.0]), dim=0)
        tensor([0.0900, 0.2447, 0.6652])
    """


@native("_log_softmax")
def log_softmax(input: Tensor, dim: int, dtype: dtype | None = None, *, out: Tensor | None = None) -> Tensor:
    """``log(softmax(input))`` along ``dim``, without overflow.

    Args:
        dtype: the input is converted to it first.

    Example:
        >>> import facula as torch
        >>> torch.log_softmax(torch.tensor([1.0, 2.0, 3.0]), dim=0)
        tensor([-2.4076, -1.4076, -0.4076])
    """


@native
def cumsum(input: Tensor, dim: int, *, dtype: dtype | None = None, out: Tensor | None = None) -> Tensor:
    """Sums of all elements up to each one, along ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
        tensor([1, 3, 6])
    """


@native
def cumsum_(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """In-place form of ``cumsum``."""


@native
def cumprod(input: Tensor, dim: int, *, dtype: dtype | None = None, out: Tensor | None = None) -> Tensor:
    """Products of all elements up to each one, along ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.cumprod(torch.tensor([1, 2, 3]), 0)
        tensor([1, 2, 6])
    """


@native
def cumprod_(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """In-place form of ``cumprod``."""


@native
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """``log(cumsum(exp(input)))`` along ``dim``, without overflow.

    Example:
        >>> import facula as torch
        >>> torch.logcumsumexp(torch.tensor([0.0, 0.0, 0.0]), 0)
        tensor([0.0000, 0.6931, 1.0986])
    """


@native("_cummax")
def _cummax(input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Running maxima and their indices."""


@native("_cummin")
def _cummin(input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Running minima and their indices."""


def cummax(input: Tensor, dim: int | None = None, *, out=None, axis: int | None = None):
    """The largest element up to each one along ``dim``, and where it is.

    Example:
        >>> import facula as torch
        >>> torch.cummax(torch.tensor([1.0, 3.0, 2.0]), 0)
        torch.return_types.cummax(
        values=tensor([1., 3., 3.]),
        indices=tensor([0, 1, 1]))
    """
    return _named_pair(return_types.cummax, _cummax(input, dim if axis is None else axis), out)


def cummin(input: Tensor, dim: int | None = None, *, out=None, axis: int | None = None):
    """The smallest element up to each one along ``dim``, and where it is.

    Example:
        >>> import facula as torch
        >>> torch.cummin(torch.tensor([3.0, 1.0, 2.0]), 0)
        torch.return_types.cummin(
        values=tensor([3., 1., 1.]),
        indices=tensor([0, 1, 1]))
    """
    return _named_pair(return_types.cummin, _cummin(input, dim if axis is None else axis), out)
