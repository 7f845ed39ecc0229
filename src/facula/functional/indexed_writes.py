"""The rarer writes and reads by index: put, index_reduce, nonzero_static, unravel_index. Composed."""

from __future__ import annotations

from facula._C import Tensor, int64
from facula._native import composed
from facula.functional.arguments import write_out
from facula.functional.indexing import _nonzero, index_put_, scatter_reduce, scatter_reduce_
from facula.functional.shape import broadcast_to, clone, reshape, unbind, unsqueeze, view

__all__ = ["index_reduce", "nonzero_static", "put", "unravel_index"]

METHODS = "index_reduce index_reduce_ nonzero_static put put_"


def _check_put(input: Tensor, index: Tensor, source: Tensor) -> Tensor:
    """The index, wrapped into the flattened tensor."""
    n = input.numel()
    if index.dtype is not int64:
        raise RuntimeError(
            f"put_(): Expected a long tensor for index, but got {index.dtype._scalar_name}; use index.long()"
        )
    if input.dtype is not source.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input.dtype._scalar_name} and source.dtype = {source.dtype._scalar_name}"
        )
    if index.numel() != source.numel():
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.numel()}, index.numel() = {index.numel()}"
        )
    if n == 0 and index.numel():
        raise IndexError("put_(): Tried to put elements into an empty tensor")
    flat = reshape(index, -1)
    if index.numel() and not -n <= int(flat.min()) <= int(flat.max()) < n:
        raise IndexError(f"put_(): an index is out of range for a tensor with {n} elements")
    return flat


def put_(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """In-place form of ``put``."""
    flat = _check_put(input, index, source)
    if input.dim() == 0:
        index_put_(view(input, 1), (flat,), reshape(source, -1), accumulate)
    elif input.is_contiguous():
        index_put_(view(input, -1), (flat,), reshape(source, -1), accumulate)
    else:
        index_put_(input, _places(flat, input.shape), reshape(source, -1), accumulate)
    return input


@composed
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False, *, out: Tensor | None = None) -> Tensor:
    """A copy with ``source`` written at ``index`` of the flattened tensor.

    Args:
        accumulate: add instead of writing; repeated places add up.

    Raises:
        RuntimeError: ``source`` has another dtype.
        IndexError: an index outside the tensor, or another number of them than of elements in ``source``.

    Example:
        >>> import facula as torch
        >>> torch.put(torch.zeros(2, 2), torch.tensor([0, 3]), torch.tensor([1.0, 2.0]))
        tensor([[1., 0.],
                [0., 2.]])
    """
    result = put_(clone(input), index, source, accumulate)
    return result if out is None else write_out(result, out)


def _places(flat: Tensor, shape) -> tuple[Tensor, ...]:
    """Indices into the flattened tensor as one index for each dimension: columns of one tensor."""
    steps = [1]
    for size in reversed(shape[1:]):
        steps.append(steps[-1] * size)
    steps, sizes = flat.new_tensor(steps[::-1] if shape else []), flat.new_tensor(list(shape))
    return unbind(unsqueeze(flat, -1).div(steps, rounding_mode="floor").remainder(sizes), -1)


def unravel_index(indices: Tensor, shape: int | tuple[int, ...]) -> tuple[Tensor, ...]:
    """Indices into the flattened tensor of a shape as one index for each dimension.

    Raises:
        TypeError: ``indices`` is no integer tensor, or ``shape`` no integers.
        ValueError: a size is negative.

    Example:
        >>> import facula as torch
        >>> torch.unravel_index(torch.tensor([1, 5]), (2, 3))
        (tensor([0, 1]), tensor([1, 2]))
    """
    if not isinstance(indices, Tensor):
        raise TypeError(f"expected 'indices' to be an integer tensor, but got {type(indices)}")
    if indices.is_floating_point() or indices.is_complex() or indices.dtype._scalar_name == "Bool":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else () if isinstance(shape, Tensor) else tuple(shape)
    if isinstance(shape, Tensor) or not all(isinstance(size, int) for size in sizes):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    return _places(indices, sizes)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """The first ``size`` rows of ``nonzero``, filled up with rows of ``fill_value``.

    Raises:
        RuntimeError: ``size`` is negative.

    Example:
        >>> import facula as torch
        >>> torch.nonzero_static(torch.tensor([0, 1]), size=2)
        tensor([[ 1],
                [-1]])
    """
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = _nonzero(input)[:size]
    result = found.new_full((size, input.dim()), fill_value)
    result[: found.size(0)] = found
    return result if out is None else write_out(result, out)


_WAYS = ("prod", "mean", "amax", "amin")


def _reduce_arguments(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str):
    """Check a call of index_reduce and bring it into the form of scatter_reduce: the target, the index, the source."""
    if reduce not in _WAYS:
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    if input.dtype is not source.dtype:
        raise RuntimeError(
            f"index_reduce(): self and source expected to have the same dtype, but got self.dtype = "
            f"{input.dtype._scalar_name} and source.dtype = {source.dtype._scalar_name}"
        )
    if index.dim() > 1:
        raise IndexError(f"index_reduce(): Index is supposed to be a vector, but got dim: {index.dim()}")
    if index.dtype._scalar_name not in ("Int", "Long"):
        raise RuntimeError("index_reduce(): Expected dtype int32/int64 for index")
    ndim = max(input.dim(), 1)
    if not -ndim <= dim < ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})")
    dim %= ndim
    others = [[n for i, n in enumerate(x.shape) if i != dim] for x in (input, source)]
    if source.dim() != input.dim() or others[0] != others[1]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(input.shape)} source.shape = {list(source.shape)}"
        )
    parts = source.shape[dim] if source.dim() else 1
    if index.numel() != parts:
        raise RuntimeError(
            f"index_reduce(): Number of indices ({index.numel()}) should be equal to source.size(dim) ({parts})"
        )
    size = input.shape[dim] if input.dim() else 1
    if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < size:
        raise IndexError(f"index_reduce(): an index is out of range for dimension {dim} of size {size}")
    flat = source if source.dim() else reshape(source, 1)
    places = reshape(index.long(), [-1 if i == dim else 1 for i in range(flat.dim())])
    return dim, broadcast_to(places, flat.shape), flat


@composed
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy in which the slices of ``source`` meet those at ``index`` of dimension ``dim`` by ``reduce``.

    Args:
        reduce: "prod", "mean", "amax" or "amin".
        include_self: whether what is there takes part.

    Raises:
        RuntimeError: another ``reduce``, or dtypes or shapes that do not fit.
        IndexError: an index outside the dimension.

    Example:
        >>> import facula as torch
        >>> torch.index_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([2.0, 3.0]), "prod")
        tensor([6., 1.])
    """
    dim, places, source = _reduce_arguments(input, dim, index, source, reduce)
    target = input if input.dim() else reshape(input, 1)
    result = reshape(scatter_reduce(target, dim, places, source, reduce, include_self=include_self), input.shape)
    return result if out is None else write_out(result, out)


def index_reduce_(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place form of ``index_reduce``."""
    dim, places, source = _reduce_arguments(input, dim, index, source, reduce)
    target = input if input.dim() else view(input, 1)
    scatter_reduce_(target, dim, places, source, reduce, include_self=include_self)
    return input
