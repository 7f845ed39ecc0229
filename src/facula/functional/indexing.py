"""Reading and writing by index or mask: gather, scatter, index_*, masked_*, where, nonzero. ``x[...]`` itself is C."""

from __future__ import annotations

from facula._C import Tensor, int64
from facula._C import bool as bool_dtype
from facula._native import composed, native
from facula.functional.arguments import Number, wrapped_dim, write_out_same
from facula.functional.shape import broadcast_to, unsqueeze

__all__ = [
    "argwhere", "bincount", "gather", "index_add", "index_copy", "index_fill", "index_put", "index_put_",
    "index_select", "masked_fill", "masked_scatter", "masked_select", "nonzero", "scatter", "scatter_add",
    "scatter_reduce", "take", "take_along_dim", "tril_indices", "triu_indices", "where",
]  # fmt: skip

METHODS = (
    "argwhere bincount gather index_add index_add_ index_copy index_copy_ index_fill index_fill_ index_put "
    "index_put_ index_select masked_fill masked_fill_ masked_scatter masked_scatter_ masked_select nonzero "
    "scatter scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_ take take_along_dim"
)


@native("where")
def _where(condition: Tensor, input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input`` where ``condition`` holds, else ``other``."""


@native("where", falls_back=True)
def where(
    condition: Tensor,
    input: Tensor | Number | None = None,
    other: Tensor | Number | None = None,
    *,
    out: Tensor | None = None,
):
    """``input`` where ``condition`` holds, else ``other``, broadcasting. ``condition`` alone: its nonzero indices.

    Raises:
        RuntimeError: ``condition`` is not bool.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([-1.0, 2.0])
        >>> torch.where(x > 0, x, 0.0)
        tensor([0., 2.])
        >>> torch.where(x > 0)
        (tensor([1]),)
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition.dtype is not bool_dtype and condition.dtype._scalar_name != "Byte":
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{condition.dtype._scalar_name}; compare it first, e.g. condition != 0"
        )
    return _where(condition, input, other) if out is None else _where(condition, input, other, out=out)


def _where_method(input: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """``input`` where ``condition`` holds, else ``other``."""
    return where(condition, input, other)


@native("nonzero")
def _nonzero(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The indices of the nonzero elements, as rows."""


@native("_nonzero_columns")
def _nonzero_columns(input: Tensor) -> tuple[Tensor, ...]:
    """The indices of the nonzero elements, one tensor for each dimension."""


def nonzero(input: Tensor, *, out: Tensor | None = None, as_tuple: bool = False):
    """The indices of the nonzero elements: as rows, or as one tensor for each dimension.

    Example:
        >>> import facula as torch
        >>> torch.nonzero(torch.tensor([[0, 1], [2, 0]]))
        tensor([[0, 1],
                [1, 0]])
        >>> torch.nonzero(torch.tensor([0, 1, 2]), as_tuple=True)
        (tensor([1, 2]),)
    """
    if as_tuple:
        if out is not None:
            raise TypeError("nonzero(): argument 'out' must be Tensor, not tuple: as_tuple=True gives several tensors")
        return _nonzero_columns(input if input.dim() else unsqueeze(input, 0))
    return _nonzero(input, out=out)


def argwhere(input: Tensor) -> Tensor:
    """The indices of the nonzero elements, as rows.

    Example:
        >>> import facula as torch
        >>> torch.argwhere(torch.tensor([0, 1, 2]))
        tensor([[1],
                [2]])
    """
    return _nonzero(input)


@native
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """A copy with ``value`` where ``mask`` holds; ``mask`` broadcasts.

    Example:
        >>> import facula as torch
        >>> torch.masked_fill(torch.tensor([1.0, 2.0]), torch.tensor([True, False]), -1)
        tensor([-1.,  2.])
    """


@native
def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """In-place form of ``masked_fill``."""


@native
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements where ``mask`` holds, in one dimension.

    Example:
        >>> import facula as torch
        >>> torch.masked_select(torch.tensor([1, 2, 3]), torch.tensor([True, False, True]))
        tensor([1, 3])
    """


@native
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy with the elements of ``source``, in order, where ``mask`` holds.

    Example:
        >>> import facula as torch
        >>> torch.masked_scatter(torch.zeros(3), torch.tensor([True, False, True]), torch.tensor([1.0, 2.0]))
        tensor([1., 0., 2.])
    """


@native
def masked_scatter_(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """In-place form of ``masked_scatter``."""


@native
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The indices ``index`` of dimension ``dim``, in that order.

    Example:
        >>> import facula as torch
        >>> torch.index_select(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([1, 0, 1]))
        tensor([[2, 1, 2],
                [4, 3, 4]])
    """


@native
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """A copy with ``alpha * source`` added at the indices ``index`` of dimension ``dim``; repeated ones add up.

    Example:
        >>> import facula as torch
        >>> torch.index_add(torch.zeros(3), 0, torch.tensor([0, 2, 0]), torch.tensor([1.0, 2.0, 3.0]))
        tensor([4., 0., 2.])
    """


@native
def index_add_(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """In-place form of ``index_add``."""


@native
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy with ``source`` at the indices ``index`` of dimension ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.index_copy(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([1.0, 2.0]))
        tensor([2., 0., 1.])
    """


@native
def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """In-place form of ``index_copy``."""


@native
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy with ``value`` at the indices ``index`` of dimension ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.index_fill(torch.zeros(3), 0, torch.tensor([2, 0]), 5.0)
        tensor([5., 0., 5.])
    """


@native
def index_fill_(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """In-place form of ``index_fill``."""


@native
def index_put(input: Tensor, indices: tuple[Tensor, ...], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy with ``copy[indices] = values``, or ``+=`` with ``accumulate``, where repeated places add up.

    Example:
        >>> import facula as torch
        >>> torch.index_put(torch.zeros(3), (torch.tensor([0, 0]),), torch.tensor([1.0, 2.0]), accumulate=True)
        tensor([3., 0., 0.])
    """


@native
def index_put_(input: Tensor, indices: tuple[Tensor, ...], values: Tensor, accumulate: bool = False) -> Tensor:
    """In-place form of ``index_put``."""


@native
def gather(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``result[i][j] = input[index[i][j]][j]`` for ``dim=0``: along ``dim``, each element of ``index`` chooses one.

    Example:
        >>> import facula as torch
        >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
        tensor([[1, 1],
                [4, 3]])
    """


@native("_scatter")
def _scatter(input: Tensor, dim: int, index: Tensor, src: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """A copy with ``src`` scattered into it."""


@native("_scatter_")
def _scatter_(input: Tensor, dim: int, index: Tensor, src: Tensor | Number) -> Tensor:
    """In-place form of ``_scatter``."""


@native
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A copy with ``src`` added where ``scatter`` would write it; repeated places add up.

    Example:
        >>> import facula as torch
        >>> torch.scatter_add(torch.zeros(3), 0, torch.tensor([0, 2, 0]), torch.tensor([1.0, 2.0, 3.0]))
        tensor([4., 0., 2.])
    """


@native
def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """In-place form of ``scatter_add``."""


def _reducer(name: str, in_place: bool):
    """The native of one way of scatter_reduce."""
    suffix = "_" if in_place else ""

    @native(f"_scatter_reduce_{name}{suffix}")
    def reduce(input: Tensor, dim: int, index: Tensor, src: Tensor, include_self: bool = True) -> Tensor:
        """Scattered values combined with what is there."""

    return reduce


_WAYS = ("sum", "prod", "mean", "amax", "amin")
_REDUCERS = {name: _reducer(name, False) for name in _WAYS}
_REDUCERS_IN_PLACE = {name: _reducer(name, True) for name in _WAYS}


def _choose(table: dict, reduce: str):
    if reduce not in table:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    return table[reduce]


def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """A copy in which values that ``scatter`` would write to one place meet by ``reduce``.

    Args:
        reduce: "sum", "prod", "mean", "amax" or "amin".
        include_self: whether what is there takes part.

    Example:
        >>> import facula as torch
        >>> torch.scatter_reduce(torch.ones(2), 0, torch.tensor([0, 0]), torch.tensor([2.0, 3.0]), "prod")
        tensor([6., 1.])
    """
    result = _choose(_REDUCERS, reduce)(input, dim, index, src, include_self)
    return result if out is None else write_out_same(result, out)


def scatter_reduce_(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """In-place form of ``scatter_reduce``."""
    return _choose(_REDUCERS_IN_PLACE, reduce)(input, dim, index, src, include_self)


def _scatter_call(write, reducers: dict, input: Tensor, dim: int, index: Tensor, src, value, reduce) -> Tensor:
    if value is not None:
        src = value
    if src is None:
        raise TypeError('scatter() missing 1 required positional arguments: "src"')
    if reduce is None:
        return write(input, dim, index, src)
    ways = {"add": "sum", "multiply": "prod"}
    if reduce not in ways:
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce}.")
    if not isinstance(src, Tensor):
        src = input.new_full(index.shape, src)
    return reducers[ways[reduce]](input, dim, index, src)


def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """A copy with ``copy[index[i][j]][j] = src[i][j]`` for ``dim=0``: the opposite of ``gather``.

    Args:
        src: a tensor at least as large as ``index``, or a number, also given as ``value``.
        reduce: "add" or "multiply" instead of writing.

    Example:
        >>> import facula as torch
        >>> torch.scatter(torch.zeros(2, 3), 1, torch.tensor([[0], [2]]), 1.0)
        tensor([[1., 0., 0.],
                [0., 0., 1.]])
    """
    result = _scatter_call(_scatter, _REDUCERS, input, dim, index, src, value, reduce)
    return result if out is None else write_out_same(result, out)


def scatter_(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """In-place form of ``scatter``."""
    return _scatter_call(_scatter_, _REDUCERS_IN_PLACE, input, dim, index, src, value, reduce)


@native
def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The elements at ``index`` of the flattened tensor.

    Example:
        >>> import facula as torch
        >>> torch.take(torch.tensor([[1, 2], [3, 4]]), torch.tensor([0, 3]))
        tensor([1, 4])
    """


@composed
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """``gather`` whose tensors broadcast in all dimensions but ``dim``; without ``dim``, of the flattened tensors.

    Example:
        >>> import facula as torch
        >>> torch.take_along_dim(torch.tensor([[1, 2], [3, 4]]), torch.tensor([[1], [0]]), dim=1)
        tensor([[2],
                [3]])
    """
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1), out=out)
    if input.dim() != indices.dim():
        raise RuntimeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{input.dim()} dimensions for input, and {indices.dim()} dimensions for indices"
        )
    if indices.dtype is not int64:
        raise RuntimeError(
            f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype._scalar_name}"
        )
    dim = wrapped_dim(dim, input.dim())
    shape = [a if b == 1 else b for a, b in zip(input.shape, indices.shape)]
    own, wanted = list(shape), list(shape)
    own[dim], wanted[dim] = input.size(dim), indices.size(dim)
    indices = indices % input.size(dim) if input.size(dim) else indices
    return gather(broadcast_to(input, own), dim, broadcast_to(indices, wanted), out=out)


@native
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 occurs, or the sum of its weights.

    Raises:
        RuntimeError: a negative element, more than one dimension, or weights of another length.
        NotImplementedError: ``input`` is floating, complex or bool.

    Example:
        >>> import facula as torch
        >>> torch.bincount(torch.tensor([0, 2, 2]))
        tensor([1, 0, 2])
    """


def _triangle_indices(input: Tensor, dtype) -> Tensor:
    return _nonzero(input).t().contiguous().to(dtype or int64)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype=None, device=None, layout=None) -> Tensor:
    """The row and column numbers of the lower triangle of a matrix.

    Example:
        >>> import facula as torch
        >>> torch.tril_indices(2, 2)
        tensor([[0, 1, 1],
                [0, 0, 1]])
    """
    return _triangle_indices(_full((row, col), 1, bool_dtype).tril(offset), dtype)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype=None, device=None, layout=None) -> Tensor:
    """The row and column numbers of the upper triangle of a matrix.

    Example:
        >>> import facula as torch
        >>> torch.triu_indices(2, 2)
        tensor([[0, 0, 1],
                [0, 1, 1]])
    """
    return _triangle_indices(_full((row, col), 1, bool_dtype).triu(offset), dtype)


@native("_full")
def _full(size: tuple[int, ...], fill_value: Number, dtype) -> Tensor:
    """A tensor with one value everywhere."""
