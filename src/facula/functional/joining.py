"""Joins and rearrangements of torch.*: cat, stack and their relatives, repeat, flip, roll, grids. All copy."""

from __future__ import annotations

from facula._C import Tensor, _tensor, int64
from facula._native import composed, native
from facula.functional.arguments import wrapped_dim
from facula.functional.creation import ones_like, zeros
from facula.functional.shape import atleast_1d, atleast_2d, atleast_3d, broadcast_tensors, reshape, transpose, unsqueeze

__all__ = [
    "block_diag", "cartesian_prod", "cat", "column_stack", "combinations", "concat", "concatenate", "dstack", "flip",
    "fliplr", "flipud", "hstack", "meshgrid", "repeat_interleave", "roll", "rot90", "row_stack", "stack", "tile",
    "tril", "triu", "vstack",
]  # fmt: skip

METHODS = "flip fliplr flipud repeat repeat_interleave roll rot90 tile tril tril_ triu triu_"


@native
def cat(tensors: tuple[Tensor, ...], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors joined along an existing dimension; all other sizes must agree.

    Example:
        >>> import facula as torch
        >>> torch.cat((torch.tensor([[1, 2]]), torch.tensor([[3, 4]])), 1)
        tensor([[1, 2, 3, 4]])
    """


concat = cat
concatenate = cat


@native
def stack(tensors: tuple[Tensor, ...], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    Example:
        >>> import facula as torch
        >>> torch.stack((torch.tensor([1, 2]), torch.tensor([3, 4])), dim=1)
        tensor([[1, 3],
                [2, 4]])
    """


def hstack(tensors: tuple[Tensor, ...], *, out: Tensor | None = None) -> Tensor:
    """Tensors joined side by side: along dimension 1, vectors along 0.

    Example:
        >>> import facula as torch
        >>> torch.hstack((torch.tensor([1, 2]), torch.tensor([3])))
        tensor([1, 2, 3])
    """
    if not len(tensors):
        raise RuntimeError("hstack expects a non-empty TensorList")
    rows = [atleast_1d(x) for x in tensors]
    return cat(rows, 0 if rows and rows[0].dim() == 1 else 1, out=out)


def vstack(tensors: tuple[Tensor, ...], *, out: Tensor | None = None) -> Tensor:
    """Tensors joined one below the other, vectors as rows.

    Example:
        >>> import facula as torch
        >>> torch.vstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
        tensor([[1, 2],
                [3, 4]])
    """
    if not len(tensors):
        raise RuntimeError("vstack expects a non-empty TensorList")
    return cat([atleast_2d(x) for x in tensors], 0, out=out)


row_stack = vstack


def dstack(tensors: tuple[Tensor, ...], *, out: Tensor | None = None) -> Tensor:
    """Tensors joined along dimension 2.

    Example:
        >>> import facula as torch
        >>> torch.dstack((torch.tensor([1, 2]), torch.tensor([3, 4])))
        tensor([[[1, 3],
                 [2, 4]]])
    """
    if not len(tensors):
        raise RuntimeError("dstack expects a non-empty TensorList")
    return cat([atleast_3d(x) for x in tensors], 2, out=out)


def column_stack(tensors: tuple[Tensor, ...], *, out: Tensor | None = None) -> Tensor:
    """Tensors joined side by side, numbers and vectors as columns.

    Example:
        >>> import facula as torch
        >>> torch.column_stack((torch.tensor([1, 2]), torch.tensor([3, 4])))
        tensor([[1, 3],
                [2, 4]])
    """
    return cat([reshape(x, x.numel(), 1) if x.dim() < 2 else x for x in tensors], 1, out=out)


@composed
def block_diag(*tensors: Tensor) -> Tensor:
    """Zeros with the given matrices one after the other on the diagonal.

    Example:
        >>> import facula as torch
        >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor([[3], [4]]))
        tensor([[1, 2, 0],
                [0, 0, 3],
                [0, 0, 4]])
    """
    for i, x in enumerate(tensors):
        if x.dim() > 2:
            raise RuntimeError(
                f"block_diag(): input tensors must have 2 or fewer dimensions, input {i} has {x.dim()}; "
                "use x.flatten(0, -2)"
            )
    blocks = [atleast_2d(x) for x in tensors]
    width = sum(x.size(1) for x in blocks)
    rows, at = [], 0
    for x in blocks:
        height, own = x.shape
        rows.append(cat((x.new_zeros(height, at), x, x.new_zeros(height, width - at - own)), 1))
        at += own
    return cat(rows, 0)


@native
def repeat(input: Tensor, *repeats: int) -> Tensor:
    """Copies of the tensor side by side, so many along each dimension; extra counts come in front.

    Example:
        >>> import facula as torch
        >>> torch.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
    """


@composed
def tile(input: Tensor, *dims) -> Tensor:
    """``repeat``, with missing counts in front taken as 1.

    Example:
        >>> import facula as torch
        >>> torch.tile(torch.tensor([[1, 2], [3, 4]]), (2,))
        tensor([[1, 2, 1, 2],
                [3, 4, 3, 4]])
    """
    counts = tuple(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return repeat(input, (1,) * (input.dim() - len(counts)) + tuple(counts))


@composed
def repeat_interleave(
    input: Tensor, repeats: int | Tensor | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Every element, or every index of ``dim``, repeated in place; counts alone give the indices.

    Args:
        repeats: one count for all, or one for each index.
        dim: None: the tensor is flattened.

    Raises:
        RuntimeError: a count is negative, or their number is not the size of ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.repeat_interleave(torch.tensor([1, 2]), 2)
        tensor([1, 1, 2, 2])
        >>> torch.repeat_interleave(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 2]), dim=0)
        tensor([[1, 2],
                [3, 4],
                [3, 4]])
    """
    if repeats is None:
        return _repeated_index(input)
    if dim is None:
        input, dim = reshape(input, -1), 0
    n = input.size(dim)
    if isinstance(repeats, Tensor) and repeats.numel() == 1:
        repeats = int(repeats.item())
    if not isinstance(repeats, Tensor):
        if repeats < 0:
            raise RuntimeError("repeats can not be negative")
        dim += input.ndim if dim < 0 else 0
        wide = unsqueeze(input, dim + 1)
        return wide.expand(*input.shape[: dim + 1], repeats, *input.shape[dim + 1 :]).clone().flatten(dim, dim + 1)
    if repeats.numel() != n:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {repeats.numel()} and "
            f"input.size({dim}) = {n}"
        )
    return input.index_select(dim, _repeated_index(repeats.reshape(-1)))


def _repeated_index(counts: Tensor) -> Tensor:
    """Index k counts[k] times: where an index begins the running number of beginnings grows."""
    if counts.numel() and counts.min().item() < 0:
        raise RuntimeError("repeats can not be negative")
    ends = counts.cumsum(0)
    total = int(ends[-1].item()) if ends.numel() else 0
    begins = zeros(total + 1, dtype=int64)
    return begins.index_add_(0, ends[:-1], ones_like(ends[:-1]))[:total].cumsum(0) if total else begins[:0]


@native
def flip(input: Tensor, *dims: int) -> Tensor:
    """The order of the elements along ``dims`` reversed.

    Example:
        >>> import facula as torch
        >>> torch.flip(torch.tensor([[1, 2], [3, 4]]), (0,))
        tensor([[3, 4],
                [1, 2]])
    """


@composed
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order.

    Example:
        >>> import facula as torch
        >>> torch.fliplr(torch.tensor([[1, 2], [3, 4]]))
        tensor([[2, 1],
                [4, 3]])
    """
    if input.dim() < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@composed
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order.

    Example:
        >>> import facula as torch
        >>> torch.flipud(torch.tensor([[1, 2], [3, 4]]))
        tensor([[3, 4],
                [1, 2]])
    """
    if input.dim() < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@native
def roll(input: Tensor, shifts: int | tuple[int, ...], dims: int | tuple[int, ...] = ()) -> Tensor:
    """Elements moved along ``dims``, those pushed out coming back in; without ``dims``, of the flattened tensor.

    Example:
        >>> import facula as torch
        >>> torch.roll(torch.tensor([1, 2, 3]), 1)
        tensor([3, 1, 2])
    """


@composed
def rot90(input: Tensor, k: int = 1, dims: tuple[int, int] = (0, 1)) -> Tensor:
    """A plane turned ``k`` times by 90 degrees, from the first of ``dims`` towards the second.

    Example:
        >>> import facula as torch
        >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
        tensor([[2, 4],
                [1, 3]])
    """
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.dim() < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.dim()}")
    first, second = (wrapped_dim(dim, input.dim()) for dim in dims)
    if first % input.dim() == second % input.dim():
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {first} and dim1 = {second}")
    k %= 4
    if k == 2:
        return flip(input, first, second)
    if k == 1:
        return transpose(flip(input, second), first, second)
    return flip(transpose(input, first, second), second) if k == 3 else input.clone()


@native
def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The lower triangle of matrices, zeros elsewhere; ``diagonal`` is the last one kept.

    Example:
        >>> import facula as torch
        >>> torch.tril(torch.tensor([[1, 2], [3, 4]]))
        tensor([[1, 0],
                [3, 4]])
    """


@native
def tril_(input: Tensor, diagonal: int = 0) -> Tensor:
    """In-place form of ``tril``."""


@native
def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The upper triangle of matrices, zeros elsewhere; ``diagonal`` is the first one kept.

    Example:
        >>> import facula as torch
        >>> torch.triu(torch.tensor([[1, 2], [3, 4]]))
        tensor([[1, 2],
                [0, 4]])
    """


@native
def triu_(input: Tensor, diagonal: int = 0) -> Tensor:
    """In-place form of ``triu``."""


@composed
def meshgrid(*tensors, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinates of a grid: each vector stretched over the dimensions of all others.

    Args:
        indexing: "ij", the default: dimension i belongs to vector i; "xy": the first two are swapped.

    Example:
        >>> import facula as torch
        >>> torch.meshgrid(torch.tensor([1, 2]), torch.tensor([3, 4]), indexing="ij")
        (tensor([[1, 1],
                [2, 2]]), tensor([[3, 4],
                [3, 4]]))
    """
    vectors = tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    if not vectors:
        raise ValueError("meshgrid expects a non-empty TensorList")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for x in vectors:
        if x.dim() > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x.dim()}D")
    if any(x.dtype != vectors[0].dtype for x in vectors):
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    swapped = indexing == "xy" and len(vectors) > 1
    if swapped:
        vectors = (vectors[1], vectors[0], *vectors[2:])
    n = len(vectors)
    grids = broadcast_tensors(
        *(reshape(x, *(x.numel() if k == i else 1 for k in range(n))) for i, x in enumerate(vectors))
    )
    if not swapped:
        return grids
    return (grids[1], grids[0], *grids[2:])


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All tuples of one element of each vector, as rows.

    Example:
        >>> import facula as torch
        >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3, 4]))
        tensor([[1, 3],
                [1, 4],
                [2, 3],
                [2, 4]])
    """
    for x in tensors:
        if x.dim() != 1:
            raise RuntimeError(f"cartesian_prod(): expected 1-d tensors, got shape {list(x.shape)}; use x.flatten()")
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(grid, -1) for grid in meshgrid(*tensors)], 1)


@composed
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of ``r`` elements of a vector, as rows.

    Example:
        >>> import facula as torch
        >>> torch.combinations(torch.tensor([1, 2, 3]))
        tensor([[1, 2],
                [1, 3],
                [2, 3]])
    """
    import itertools

    if input.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input.numel()), r))
    if not rows or r == 0:
        return input.new_empty(0) if r == 0 else input[:0].unsqueeze(1).expand(0, r)
    return input[_tensor(rows, int64)]
