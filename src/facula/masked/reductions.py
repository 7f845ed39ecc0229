"""torch.masked, reductions: an element that the mask leaves out counts as the operation's identity, or is not counted.

Where a slice has no element left the result is the identity; mean, median, var and std give nan. The names hide the
builtins sum and so on, on purpose: they are torch's.
"""

from __future__ import annotations

import facula
from facula import Tensor
from facula.masked.masks import INF, dimensions, full_mask, highest, lowest, replaced

__all__ = [
    "amax", "amin", "argmax", "argmin", "logsumexp", "mean", "median", "norm", "prod", "std", "sum", "var",
]  # fmt: skip


def _sum_dtype(input: Tensor, dtype):
    """What sums and products are returned as: int64 for integers and bool."""
    return dtype or (input.dtype if input.is_floating_point() or input.is_complex() else facula.int64)


def sum(
    input: Tensor, dim: int | tuple[int, ...] | None = None, *, keepdim: bool | None = False, dtype=None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The sum over ``dim`` of the elements of ``mask``.

    Example:
        >>> import facula as torch
        >>> torch.masked.sum(torch.tensor([[1, 2], [3, 4]]), 1, mask=torch.tensor([[True, False], [False, False]]))
        tensor([1, 0])
    """
    dims = dimensions(dim, input.dim())
    return facula.sum(replaced(input, mask, 0), dims, bool(keepdim), dtype=_sum_dtype(input, dtype))


def prod(
    input: Tensor, dim: int | tuple[int, ...] | None = None, *, keepdim: bool | None = False, dtype=None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The product over ``dim`` of the elements of ``mask``.

    Example:
        >>> import facula as torch
        >>> torch.masked.prod(torch.tensor([[1, 2], [3, 4]]), 1, mask=torch.tensor([[True, True], [False, False]]))
        tensor([2, 1])
    """
    result = replaced(input, mask, 1).to(_sum_dtype(input, dtype))
    for d in reversed(dimensions(dim, input.dim())):
        result = result.prod(d, bool(keepdim))
    return result


def amax(
    input: Tensor, dim: int | tuple[int, ...] | None = None, *, keepdim: bool | None = False, dtype=None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The greatest element of ``mask`` over ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.masked.amax(torch.tensor([1.0, 9.0, 4.0]), mask=torch.tensor([True, False, True]))
        tensor(4.)
    """
    filled = input if mask is None else replaced(input, mask, lowest("amax", input))
    return facula.amax(filled, dimensions(dim, input.dim()), bool(keepdim)).to(dtype or input.dtype)


def amin(
    input: Tensor, dim: int | tuple[int, ...] | None = None, *, keepdim: bool | None = False, dtype=None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The least element of ``mask`` over ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.masked.amin(torch.tensor([5.0, 1.0, 4.0]), mask=torch.tensor([True, False, True]))
        tensor(4.)
    """
    filled = input if mask is None else replaced(input, mask, highest("amin", input))
    return facula.amin(filled, dimensions(dim, input.dim()), bool(keepdim)).to(dtype or input.dtype)


def argmax(
    input: Tensor, dim: int | None = None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None
) -> Tensor:
    """The position of the greatest element of ``mask`` along ``dim``, in the input's dtype unless ``dtype`` is given.

    Example:
        >>> import facula as torch
        >>> mask = torch.tensor([True, False, True])
        >>> torch.masked.argmax(torch.tensor([1.0, 9.0, 4.0]), 0, dtype=torch.int64, mask=mask)
        tensor(2)
    """
    filled = input if mask is None else replaced(input, mask, lowest("argmax", input))
    return facula.argmax(filled, dim, bool(keepdim)).to(dtype or input.dtype)


def argmin(
    input: Tensor, dim: int | None = None, *, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None
) -> Tensor:
    """The position of the least element of ``mask`` along ``dim``, in the input's dtype unless ``dtype`` is given.

    Example:
        >>> import facula as torch
        >>> mask = torch.tensor([True, False, True])
        >>> torch.masked.argmin(torch.tensor([5.0, 1.0, 4.0]), 0, dtype=torch.int64, mask=mask)
        tensor(2)
    """
    filled = input if mask is None else replaced(input, mask, highest("argmin", input))
    return facula.argmin(filled, dim, bool(keepdim)).to(dtype or input.dtype)


def _counted(input: Tensor, dim, keepdim: bool, dtype, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """How many elements a slice has, as an int64 tensor of the result's shape, and their sum."""
    if mask is None:
        mask = facula.ones(input.shape, dtype=facula.bool, device=input.device)
    count = mask.sum(dimensions(dim, input.dim()), keepdim)
    return count, sum(input, dim, keepdim=keepdim, dtype=dtype, mask=mask)


def mean(
    input: Tensor, dim: int | tuple[int, ...] | None = None, *, keepdim: bool | None = False, dtype=None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The mean over ``dim`` of the elements of ``mask``; nan where there is none.

    Raises:
        ValueError: the result would be of an integer type.

    Example:
        >>> import facula as torch
        >>> torch.masked.mean(torch.tensor([1.0, 9.0, 4.0]), mask=torch.tensor([True, False, True]))
        tensor(2.5000)
    """
    source, dtype = ("Optional", dtype) if dtype else ("Input", input.dtype)
    if not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or complex dtype. "
            f"Got: {dtype}"
        )
    inside = None if mask is None else full_mask(input, mask)
    count, total = _counted(input, dim, bool(keepdim), dtype, inside)
    return total / count


def median(input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype=None, mask: Tensor | None = None) -> Tensor:
    """The lower median along ``dim`` of the elements of ``mask`` that are not nan; nan where there is none.

    Raises:
        ValueError: an integer input with a slice that has no element.

    Example:
        >>> import facula as torch
        >>> torch.masked.median(torch.tensor([1.0, 9.0, 4.0, 5.0]), mask=torch.tensor([True, False, True, True]))
        tensor(4.)
    """
    axis = dimensions(dim, input.dim())[0]
    dtype = dtype or input.dtype
    real = input if input.is_floating_point() else input.to(facula.float32)
    result = facula.nanmedian(replaced(real, mask, float("nan")), axis, keepdim).values
    if input.is_floating_point():
        return result
    if result.isnan().any():
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return result.to(dtype)


def logsumexp(
    input: Tensor, dim: int | tuple[int, ...] | None = None, *, keepdim: bool = False, dtype=None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``log(sum(exp(x)))`` over ``dim`` of the elements of ``mask``.

    Example:
        >>> import facula as torch
        >>> torch.masked.logsumexp(torch.tensor([0.0, 9.0, 0.0]), mask=torch.tensor([True, False, True]))
        tensor(0.6931)
    """
    if mask is not None:
        input = replaced(input, mask, complex(-INF, 0) if input.is_complex() else lowest("logsumexp", input))
    return facula.logsumexp(input, dimensions(dim, input.dim()), keepdim=keepdim).to(dtype or input.dtype)


def norm(
    input: Tensor, ord: float | None = 2.0, dim: int | tuple[int, ...] | None = None, *, keepdim: bool | None = False,
    dtype=None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The vector norm of order ``ord`` over ``dim`` of the elements of ``mask``.

    Example:
        >>> import facula as torch
        >>> torch.masked.norm(torch.tensor([3.0, 9.0, 4.0]), mask=torch.tensor([True, False, True]))
        tensor(5.)
    """
    filled = replaced(input, mask, INF if ord == -INF else 0)
    dims = dimensions(dim, input.dim())
    return facula.linalg.vector_norm(filled, ord, dims, bool(keepdim), dtype=dtype or input.dtype)


def _variance(input: Tensor, dim, unbiased, correction, keepdim, dtype, mask) -> Tensor:
    """The mean square distance from the mean, over the count less the correction (at least 0)."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 1.0 if unbiased is None or unbiased else 0.0
    dtype = dtype or (input.dtype if input.is_floating_point() or input.is_complex() else facula.float32)
    compute = dtype if dtype.is_floating_point or dtype.is_complex else facula.float32
    inside = None if mask is None else full_mask(input, mask)
    count, total = _counted(input, dim, True, dtype, inside)
    away = input - total / count
    squares = sum(away * away.conj(), dim, keepdim=keepdim, dtype=compute, mask=inside)
    count = count.reshape(squares.shape)
    if correction != 0:
        count = count.to(compute.to_real() if compute.is_complex else compute) - float(correction)
        count = facula.maximum(count, count.new_zeros([]))
    return (squares / count).to(dtype)


def var(
    input: Tensor, dim: int | tuple[int, ...] | None = None, unbiased: bool | None = None, *,
    correction: float | None = None, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The variance over ``dim`` of the elements of ``mask``; nan where there is none.

    Args:
        correction: what is subtracted from the number of elements, 1 by default; ``unbiased=False`` means 0.

    Example:
        >>> import facula as torch
        >>> torch.masked.var(torch.tensor([1.0, 9.0, 3.0]), mask=torch.tensor([True, False, True]))
        tensor(2.)
    """
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(
    input: Tensor, dim: int | tuple[int, ...] | None = None, unbiased: bool | None = None, *,
    correction: int | None = None, keepdim: bool | None = False, dtype=None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The standard deviation over ``dim`` of the elements of ``mask``; nan where there is none.

    Args:
        correction: what is subtracted from the number of elements, 1 by default; ``unbiased=False`` means 0.

    Example:
        >>> import facula as torch
        >>> torch.masked.std(torch.tensor([1.0, 9.0, 3.0]), unbiased=False, mask=torch.tensor([True, False, True]))
        tensor(1.)
    """
    return facula.sqrt(_variance(input, dim, unbiased, correction, keepdim, dtype, mask))
