"""Sorted order and what is chosen by it: sort, topk, kthvalue, median, mode, unique, searchsorted. NaN counts as larger
than every number. Histograms and quantiles are in statistics.py."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import composed, native
from facula.functional import return_types
from facula.functional.arguments import Number, write_out
from facula.functional.conversion import to
from facula.functional.creation import arange, tensor
from facula.functional.information import result_type
from facula.functional.joining import cat
from facula.functional.shape import movedim

__all__ = [
    "argsort", "bucketize", "isin", "kthvalue", "median", "mode", "msort", "nanmedian", "searchsorted", "sort", "topk",
    "unique", "unique_consecutive",
]  # fmt: skip

METHODS = "argsort isin kthvalue median mode msort nanmedian sort topk unique unique_consecutive"


def _named(named, pair: tuple[Tensor, Tensor], out):
    """The pair with names, or written into the two tensors ``out``, whose types must be those of the pair."""
    if out is None:
        return named(pair)
    for part, destination in zip(pair, out):
        if destination.dtype is not part.dtype:
            raise RuntimeError(
                f"{named.__name__}(): Expected out tensor to have dtype {part.dtype}, but got {destination.dtype} "
                "instead"
            )
    return named(write_out(part, destination) for part, destination in zip(pair, out))


def _share_memory(a: Tensor, b: Tensor) -> bool:
    """Whether the stretches of memory that two tensors span have a byte in common."""

    def end(x: Tensor) -> int:
        last = sum((size - 1) * stride for size, stride in zip(x.shape, x.stride()))
        return x.data_ptr() + (last + 1) * x.element_size()

    return a.numel() > 0 < b.numel() and a.data_ptr() < end(b) and b.data_ptr() < end(a)


@native("_sort")
def _sort(input: Tensor, dim: int, descending: bool) -> tuple[Tensor, Tensor]:
    """Sorted values and where they were."""


def sort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    *,
    stable: bool | None = False,
    out=None,
    axis: int | None = None,
):
    """The elements in ascending order along ``dim``, and where each of them was.

    Args:
        stable: no effect: equal elements always keep their order.

    Returns:
        (values, indices).

    Example:
        >>> import facula as torch
        >>> torch.sort(torch.tensor([3.0, 1.0, 2.0]))
        torch.return_types.sort(
        values=tensor([1., 2., 3.]),
        indices=tensor([1, 2, 0]))
    """
    return _named(return_types.sort, _sort(input, dim if axis is None else axis, descending), out)


def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False, axis: int | None = None
) -> Tensor:
    """Where the elements in ascending order along ``dim`` are; equal ones keep their order.

    Example:
        >>> import facula as torch
        >>> torch.argsort(torch.tensor([3.0, 1.0, 2.0]), descending=True)
        tensor([0, 2, 1])
    """
    return _sort(input, dim if axis is None else axis, descending)[1]


def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements in ascending order along the first dimension.

    Example:
        >>> import facula as torch
        >>> torch.msort(torch.tensor([[3, 1], [2, 4]]))
        tensor([[2, 1],
                [3, 4]])
    """
    values = _sort(input, 0, False)[0]
    return values if out is None else write_out(values, out)


@native("_topk")
def _topk(input: Tensor, k: int, dim: int, largest: bool, sorted: bool) -> tuple[Tensor, Tensor]:
    """The k largest or smallest elements and where they are."""


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out=None):
    """The ``k`` largest elements along ``dim``, or the smallest, and where they are.

    Args:
        sorted: the best one comes first; otherwise in any order.

    Returns:
        (values, indices).

    Raises:
        RuntimeError: ``k`` is negative or larger than the dimension.

    Example:
        >>> import facula as torch
        >>> torch.topk(torch.tensor([3.0, 1.0, 2.0]), 2)
        torch.return_types.topk(
        values=tensor([3., 2.]),
        indices=tensor([0, 2]))
    """
    return _named(return_types.topk, _topk(input, k, dim, largest, sorted), out)


@native("_kthvalue")
def _kthvalue(input: Tensor, k: int, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The k-th smallest elements and where they are."""


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out=None):
    """The ``k``-th smallest element along ``dim``, counted from 1, and where it is.

    Raises:
        RuntimeError: ``k`` is not in the dimension.

    Example:
        >>> import facula as torch
        >>> torch.kthvalue(torch.tensor([3.0, 1.0, 2.0]), 2)
        torch.return_types.kthvalue(
        values=tensor(2.),
        indices=tensor(2))
    """
    if out is not None and _share_memory(input, out[0]):
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
            "memory location. Please clone() the tensor before performing the operation: kthvalue()"
        )
    return _named(return_types.kthvalue, _kthvalue(input, k, dim, keepdim), out)


@native("_median_all")
def _median_all(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The median of all elements."""


@native("_median_dim")
def _median_dim(input: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The medians along ``dim`` and where they are."""


@native("_nanmedian_all")
def _nanmedian_all(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The median of all elements that are not NaN."""


@native("_nanmedian_dim")
def _nanmedian_dim(input: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The medians along ``dim``, without NaN, and where they are."""


def _median(ways: tuple, input: Tensor, dim: int | None, keepdim: bool, out):
    of_all, along, named = ways
    if dim is not None:
        return _named(named, along(input, dim, keepdim), out)
    if keepdim:
        raise TypeError(f"{named.__name__}(): keepdim needs 'dim', the dimension to reduce")
    return of_all(input, out=out)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out=None, axis: int | None = None):
    """The lower median of all elements; along ``dim``, with its index. NaN where there is a NaN.

    Example:
        >>> import facula as torch
        >>> torch.median(torch.tensor([4.0, 1.0, 3.0, 2.0]))
        tensor(2.)
        >>> torch.median(torch.tensor([[3, 1, 2]]), dim=1).indices
        tensor([2])
    """
    ways = (_median_all, _median_dim, return_types.median)
    return _median(ways, input, dim if axis is None else axis, keepdim, out)


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out=None, axis: int | None = None):
    """``median`` of the elements that are not NaN.

    Example:
        >>> import facula as torch
        >>> torch.nanmedian(torch.tensor([4.0, float("nan"), 3.0]))
        tensor(3.)
    """
    ways = (_nanmedian_all, _nanmedian_dim, return_types.nanmedian)
    return _median(ways, input, dim if axis is None else axis, keepdim, out)


@native("_mode")
def _mode(input: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, Tensor]:
    """The most frequent elements and where they are."""


def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out=None):
    """The most frequent element along ``dim``, the smallest of several, and one place where it is.

    Example:
        >>> import facula as torch
        >>> torch.mode(torch.tensor([2, 1, 2, 3])).values
        tensor(2)
    """
    return _named(return_types.mode, _mode(input, dim, keepdim), out)


# ---- repetitions ----


@native("_unique")
def _unique(input: Tensor, consecutive: bool, return_inverse: bool, return_counts: bool) -> tuple[Tensor, ...]:
    """The distinct elements, and what else is wanted."""


@native("_sort_rows")
def _sort_rows(input: Tensor) -> Tensor:
    """Where the rows of a matrix are in lexicographic order."""


def _unique_along(input: Tensor, dim: int, consecutive: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The distinct slices of one dimension; for each slice the number of its equal; and how often each occurs."""
    if input.dim() == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    n = input.size(dim)
    if 0 in input.shape and (n or sum(size == 0 for size in input.shape) > 1):
        raise RuntimeError(
            f"unique(): There are 0 sized dimensions, and they aren't selected, so unique cannot be applied: "
            f"shape {tuple(input.shape)}, dim {dim}"
        )
    rows = movedim(input.detach(), dim, 0).reshape(n, input.numel() // n if n else 0)
    order = arange(n) if consecutive else _sort_rows(rows)
    rows = rows if consecutive else rows.index_select(0, order)
    is_new = (rows[1:] != rows[:-1]).any(1)
    is_new = cat((is_new.new_full((min(n, 1),), True), is_new))
    starts = is_new.nonzero().reshape(-1)
    inverse = order.new_empty(n).scatter_(0, order, is_new.cumsum(0) - 1)
    counts = cat((starts[1:], starts.new_full((min(n, 1),), n))) - starts
    return input.detach().index_select(dim, order.index_select(0, starts)), inverse, counts


def _unique_result(input: Tensor, dim, consecutive: bool, return_inverse: bool, return_counts: bool):
    if dim is None:
        result = _unique(input.detach(), consecutive, return_inverse, return_counts)
    else:
        values, inverse, counts = _unique_along(input, dim, consecutive)
        result = (values, *((inverse,) if return_inverse else ()), *((counts,) if return_counts else ()))
    return result if len(result) > 1 else result[0]


@composed
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
):
    """The distinct elements in ascending order, or the distinct slices of ``dim`` in lexicographic order.

    Args:
        sorted: no effect: the result is always sorted.
        return_inverse: also for each element its place in the result.
        return_counts: also how often each one occurs.

    Example:
        >>> import facula as torch
        >>> torch.unique(torch.tensor([3, 1, 3]), return_inverse=True, return_counts=True)
        (tensor([1, 3]), tensor([1, 0, 1]), tensor([1, 2]))
    """
    return _unique_result(input, dim, False, return_inverse, return_counts)


@composed
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
):
    """The elements, or the slices of ``dim``, without those that equal the one before.

    Example:
        >>> import facula as torch
        >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 1]), return_counts=True)
        (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    return _unique_result(input, dim, True, return_inverse, return_counts)


# ---- search ----


@native("_searchsorted")
def _searchsorted(
    sorted_sequence: Tensor, input: Tensor, out_int32: bool, right: bool, sorter: Tensor | None
) -> Tensor:
    """Where each value would be inserted."""


def _search(bounds: Tensor, values, out_int32: bool, right: bool, sorter: Tensor | None, out: Tensor | None) -> Tensor:
    if not isinstance(values, Tensor):
        values = tensor(values, dtype=result_type(bounds, values))
    if values.dtype is not bounds.dtype:
        common = result_type(bounds, values)
        bounds, values = to(bounds, common), to(values, common)
    if out is not None and out.dtype._scalar_name != ("Int" if out_int32 else "Long"):
        raise RuntimeError(
            "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending "
            f"on whether out_int32 flag is True, but we got output tensor's dtype {out.dtype._scalar_name} and "
            f"out_int32 flag is {out_int32}"
        )
    result = _searchsorted(bounds, values, out_int32, right, sorter)
    return result if out is None else write_out(result, out)


def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    out: Tensor | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where each value would have to be inserted into its row of ``sorted_sequence`` to keep it in order.

    Args:
        sorted_sequence: one row for all values, or one for each row of ``input``; ascending in the last dimension.
        right: behind equal elements instead of before them; the same as ``side="right"``.
        sorter: the order that sorts ``sorted_sequence``, when it is not sorted.

    Raises:
        RuntimeError: shapes that do not go together; ``side`` contradicts ``right``; a wrong ``sorter``.

    Example:
        >>> import facula as torch
        >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 4]))
        tensor([1, 2])
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    return _search(sorted_sequence, input, out_int32, right or side == "right", sorter, out)


def bucketize(
    input: Tensor | Number,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """For each value the number of the interval between ``boundaries`` that it lies in.

    Args:
        right: an interval holds its lower boundary instead of its upper one.

    Example:
        >>> import facula as torch
        >>> torch.bucketize(torch.tensor([0, 3, 9]), torch.tensor([1, 3, 5]))
        tensor([0, 1, 3])
    """
    if boundaries.dim() != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.dim()})")
    return _search(boundaries, input, out_int32, right, None, out)


def isin(
    elements: Tensor | Number,
    test_elements: Tensor | Number,
    *,
    assume_unique: bool = False,
    invert: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Whether each of ``elements`` is one of ``test_elements``; with ``invert``, whether it is none of them.

    Args:
        assume_unique: no effect.

    Raises:
        RuntimeError: a bool or complex tensor.

    Example:
        >>> import facula as torch
        >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 3]))
        tensor([False,  True,  True])
    """
    if not isinstance(elements, Tensor):
        if not isinstance(test_elements, Tensor):
            raise TypeError("isin(): one of elements and test_elements must be Tensor, got two numbers")
        elements = tensor(elements, dtype=result_type(test_elements, elements))
    candidates = test_elements if isinstance(test_elements, Tensor) else tensor(test_elements)
    for given in (elements, candidates):
        if given.is_complex() or given.dtype._scalar_name == "Bool":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {given.dtype._scalar_name}")
    candidates = candidates.detach().reshape(-1)
    few = 16  # fewer candidates are compared one by one
    if candidates.numel() <= few:
        found = (elements.unsqueeze(-1) == candidates).any(-1)
    else:
        common = result_type(elements, candidates)
        elements, ordered = to(elements.detach(), common), _sort(to(candidates, common), 0, False)[0]
        place = _search(ordered, elements, False, False, None, None).clamp(max=ordered.numel() - 1)
        found = elements == ordered.index_select(0, place.reshape(-1)).reshape(elements.shape)
    found = ~found if invert else found
    return found if out is None else write_out(found, out)
