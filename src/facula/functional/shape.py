"""Views of torch.*: other shapes, orders and parts of the same memory. Nothing is computed; reshape, flatten and
contiguous copy when no view exists."""

from __future__ import annotations

from itertools import pairwise

from facula._C import Size, Tensor, channels_last, channels_last_3d, contiguous_format, int64
from facula._C import dtype as dtype_type
from facula._native import composed, native
from facula.functional.arguments import write_out

__all__ = [
    "adjoint", "as_strided", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes",
    "broadcast_tensors", "broadcast_to", "chunk", "clone", "detach", "diag", "diag_embed", "diagflat", "diagonal",
    "dsplit", "flatten", "hsplit", "moveaxis", "movedim", "narrow", "permute", "ravel", "reshape", "select", "split",
    "split_with_sizes", "squeeze", "swapaxes", "swapdims", "t", "tensor_split", "transpose", "unbind", "unflatten",
    "unsqueeze", "vsplit",
]  # fmt: skip

METHODS = (
    "adjoint as_strided broadcast_to chunk clone contiguous detach diag diag_embed diagflat diagonal dsplit "
    "expand expand_as flatten hsplit moveaxis movedim narrow permute ravel reshape reshape_as select "
    "split_with_sizes squeeze swapaxes swapdims t tensor_split transpose unbind unflatten unfold unsqueeze view "
    "view_as vsplit"
)


@native("view")
def _view(input: Tensor, *size: int) -> Tensor:
    """The same memory in another shape."""


@native("view", falls_back=True)
def view(input: Tensor, *size, dtype: dtype_type | None = None) -> Tensor:
    """The same memory in another shape, one of whose sizes may be -1; or its bytes read as another dtype.

    Raises:
        RuntimeError: the shape has another number of elements, or would need a copy: use ``reshape``.

    Example:
        >>> import facula as torch
        >>> torch.arange(6).view(2, -1)
        tensor([[0, 1, 2],
                [3, 4, 5]])
        >>> torch.tensor([1.0]).view(torch.int32)
        tensor([1065353216], dtype=torch.int32)
    """
    if dtype is not None:
        return input._view_dtype(dtype)
    if len(size) == 1 and isinstance(size[0], dtype_type):
        return input._view_dtype(size[0])
    return _view(input, *size)


@native
def reshape(input: Tensor, *shape: int) -> Tensor:
    """The same elements in another shape, one of whose sizes may be -1: a view when possible, else a copy.

    Raises:
        RuntimeError: the shape has another number of elements.

    Example:
        >>> import facula as torch
        >>> torch.reshape(torch.arange(6), (2, -1))
        tensor([[0, 1, 2],
                [3, 4, 5]])
    """


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.view(other.shape)``.

    Example:
        >>> import facula as torch
        >>> torch.arange(4).view_as(torch.zeros(2, 2))
        tensor([[0, 1],
                [2, 3]])
    """
    return _view(input, other.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.reshape(other.shape)``.

    Example:
        >>> import facula as torch
        >>> torch.arange(4).reshape_as(torch.zeros(2, 2))
        tensor([[0, 1],
                [2, 3]])
    """
    return reshape(input, other.shape)


@native
def permute(input: Tensor, *dims: int) -> Tensor:
    """A view with the dimensions in the order ``dims``.

    Example:
        >>> import facula as torch
        >>> torch.permute(torch.zeros(2, 3, 5), (2, 0, 1)).shape
        torch.Size([5, 2, 3])
    """


@native
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions swapped.

    Example:
        >>> import facula as torch
        >>> torch.transpose(torch.tensor([[1, 2], [3, 4]]), 0, 1)
        tensor([[1, 3],
                [2, 4]])
    """


@native("transpose")
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """A view with two dimensions swapped: NumPy's name for ``transpose``.

    Example:
        >>> import facula as torch
        >>> torch.swapaxes(torch.zeros(2, 3), 0, 1).shape
        torch.Size([3, 2])
    """


swapdims = transpose


@native
def t(input: Tensor) -> Tensor:
    """A view of a matrix with rows and columns swapped; vectors and numbers are left as they are.

    Raises:
        RuntimeError: more than two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.t(torch.tensor([[1, 2], [3, 4]]))
        tensor([[1, 3],
                [2, 4]])
    """


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions swapped, conjugated when complex.

    Example:
        >>> import facula as torch
        >>> torch.adjoint(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[1., 3.],
                [2., 4.]])
    """
    return input.mT.conj() if input.is_complex() else input.mT


def hermitian_attribute(input: Tensor) -> Tensor:
    """``x.H``: the adjoint of a single matrix."""
    if input.dim() not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {input.dim()}-D tensor. For batches of "
            "matrices, consider using tensor.mH"
        )
    return adjoint(input)


@native
def movedim(input: Tensor, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Tensor:
    """A view with dimensions moved to other places, the rest keeping its order.

    Example:
        >>> import facula as torch
        >>> torch.movedim(torch.zeros(2, 3, 5), 0, -1).shape
        torch.Size([3, 5, 2])
    """


moveaxis = movedim


@native("_squeeze")
def _squeeze(input: Tensor) -> Tensor:
    """Without the dimensions of size 1."""


@native("squeeze_dims")
def _squeeze_dims(input: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Without those of the dimensions ``dim`` that have size 1."""


def squeeze(input: Tensor, dim: int | tuple[int, ...] | None = None, *, axis: int | None = None) -> Tensor:
    """A view without the dimensions of size 1, or without those of ``dim`` that have it.

    Example:
        >>> import facula as torch
        >>> x = torch.zeros(1, 2, 1)
        >>> x.squeeze().shape, x.squeeze(0).shape, x.squeeze(1).shape
        (torch.Size([2]), torch.Size([2, 1]), torch.Size([1, 2, 1]))
    """
    if axis is not None:
        dim = axis
    return _squeeze(input) if dim is None else _squeeze_dims(input, dim)


@native
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a dimension of size 1 put in at ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.unsqueeze(torch.tensor([1, 2]), 1)
        tensor([[1],
                [2]])
    """


@native
def expand(input: Tensor, *size: int) -> Tensor:
    """A view with dimensions of size 1 stretched, -1 keeping a size; new dimensions come in front.

    Example:
        >>> import facula as torch
        >>> torch.tensor([[1], [2]]).expand(2, 3)
        tensor([[1, 1, 1],
                [2, 2, 2]])
    """


@native("expand")
def broadcast_to(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """A view with dimensions of size 1 stretched to ``size``.

    Example:
        >>> import facula as torch
        >>> torch.broadcast_to(torch.tensor([1, 2]), (2, 2))
        tensor([[1, 2],
                [1, 2]])
    """


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.expand(other.shape)``.

    Example:
        >>> import facula as torch
        >>> torch.tensor([1, 2]).expand_as(torch.zeros(2, 2))
        tensor([[1, 2],
                [1, 2]])
    """
    return expand(input, other.shape)


def broadcast_shapes(*shapes: int | tuple[int, ...]) -> Size:
    """The shape that tensors of these shapes broadcast to.

    Raises:
        RuntimeError: two sizes differ and neither is 1.

    Example:
        >>> import facula as torch
        >>> torch.broadcast_shapes((2, 1), (3,))
        torch.Size([2, 3])
    """
    result: list[int] = []
    for shape in shapes:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        result = [1] * (len(shape) - len(result)) + result
        for i, size in enumerate(shape, len(result) - len(shape)):
            if size < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension ({size}): ({size})")
            if result[i] == 1:
                result[i] = size
            elif size not in (1, result[i]):
                raise RuntimeError(
                    "Shape mismatch: objects cannot be broadcast to a single shape: "
                    f"size {size} of {shape} meets {result[i]} at dimension {i}"
                )
    return Size(result)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Views of the tensors, stretched to their common shape.

    Example:
        >>> import facula as torch
        >>> a, b = torch.broadcast_tensors(torch.tensor([1, 2]), torch.tensor([[3], [4]]))
        >>> a, b
        (tensor([[1, 2],
                [1, 2]]), tensor([[3, 3],
                [4, 4]]))
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*(x.shape for x in tensors))
    return tuple(x if x.shape == shape else expand(x, shape) for x in tensors)


@native
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` made one; a view when possible.

    Example:
        >>> import facula as torch
        >>> torch.flatten(torch.zeros(2, 3, 5), 1).shape
        torch.Size([2, 15])
    """


@composed
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension, contiguous; a view of a contiguous tensor.

    Example:
        >>> import facula as torch
        >>> torch.ravel(torch.tensor([[1, 2], [3, 4]]))
        tensor([1, 2, 3, 4])
    """
    return reshape(input.contiguous(), -1)


def unflatten(input: Tensor, dim: int, sizes: tuple[int, ...]) -> Tensor:
    """A view with the dimension ``dim`` made several, one of whose sizes may be -1.

    Raises:
        RuntimeError: the product of ``sizes`` is not the size of ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.unflatten(torch.zeros(2, 6), 1, (3, -1)).shape
        torch.Size([2, 3, 2])
    """
    shape = list(input.shape)
    if not -len(shape) <= dim < len(shape):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-len(shape)}, {len(shape) - 1}], but got {dim})"
        )
    dim %= len(shape)
    parts = [sizes] if isinstance(sizes, int) else list(sizes)
    if not parts:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = 1
    for size in parts:
        known *= size if size != -1 else 1
    if parts.count(-1) == 1 and known > 0:
        parts[parts.index(-1)] = shape[dim] // known
        known *= shape[dim] // known
    if known != shape[dim]:
        raise RuntimeError(
            f"unflatten: Provided sizes {parts} don't multiply up to the size of dim {dim} ({shape[dim]}) in the "
            "input tensor"
        )
    return _view(input, *shape[:dim], *parts, *shape[dim + 1 :])


@native("narrow")
def _narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """``narrow`` from a number."""


def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """A view of ``length`` indices of ``dim`` from ``start``.

    Example:
        >>> import facula as torch
        >>> torch.narrow(torch.tensor([1, 2, 3, 4]), 0, 1, 2)
        tensor([2, 3])
    """
    if isinstance(start, Tensor) and (
        start.dim() or start.is_floating_point() or start.is_complex() or start.dtype._scalar_name == "Bool"
    ):
        raise RuntimeError(
            f"start must be an 0-dim integral Tensor. narrow() got one of shape {list(start.shape)}, {start.dtype}"
        )
    return _narrow(input, dim, start, length)


@native
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of one index of ``dim``, without that dimension.

    Example:
        >>> import facula as torch
        >>> torch.select(torch.tensor([[1, 2], [3, 4]]), 1, 0)
        tensor([1, 3])
    """


@native("_split")
def _split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of one size."""


@native("_split_with_sizes")
def split_with_sizes(input: Tensor, split_sizes: tuple[int, ...], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts of the given sizes along ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.split_with_sizes(torch.arange(5), (2, 3))
        (tensor([0, 1]), tensor([2, 3, 4]))
    """


def split(tensor: Tensor, split_size_or_sections: int | list[int], dim: int = 0, *, axis: int | None = None):
    """Views of consecutive parts along ``dim``: all of one size, the last maybe smaller, or of the given sizes.

    Raises:
        RuntimeError: the given sizes do not sum to the size of ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.split(torch.arange(5), 2)
        (tensor([0, 1]), tensor([2, 3]), tensor([4]))
        >>> torch.split(torch.arange(5), [1, 4])
        (tensor([0]), tensor([1, 2, 3, 4]))
    """
    if axis is not None:
        dim = axis
    if isinstance(split_size_or_sections, (list, tuple)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    return _split(tensor, split_size_or_sections, dim)


def _split_method(input: Tensor, split_size, dim: int = 0, *, axis: int | None = None):
    """``torch.split`` as a method, whose second parameter is called ``split_size``."""
    return split(input, split_size, dim, axis=axis)


@native
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most ``chunks`` parts of equal size along ``dim``, the last maybe smaller.

    Example:
        >>> import facula as torch
        >>> torch.chunk(torch.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
    """


@composed
def tensor_split(input: Tensor, indices_or_sections, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts along ``dim``: so many of nearly equal size, or cut before the given indices.

    Example:
        >>> import facula as torch
        >>> torch.tensor_split(torch.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
        >>> torch.tensor_split(torch.arange(5), (1, 3))
        (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    if isinstance(indices_or_sections, Tensor):
        if indices_or_sections.dtype is not int64:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                f"{indices_or_sections.dtype._scalar_name}"
            )
        indices_or_sections = indices_or_sections.tolist()
    if input.dim() == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    n = input.size(dim)
    if isinstance(indices_or_sections, int):
        sections = indices_or_sections
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        small, larger = divmod(n, sections)
        return split_with_sizes(input, [small + 1] * larger + [small] * (sections - larger), dim)
    edges = [0, *(slice(0, index).indices(n)[1] for index in indices_or_sections), n]
    return tuple(narrow(input, dim, start, end - start if end > start else 0) for start, end in pairwise(edges))


@composed
def hsplit(input: Tensor, *indices_or_sections) -> tuple[Tensor, ...]:
    """``tensor_split`` into columns: along dimension 1, or 0 of a vector.

    Example:
        >>> import facula as torch
        >>> torch.hsplit(torch.arange(4).reshape(2, 2), 2)
        (tensor([[0],
                [2]]), tensor([[1],
                [3]]))
    """
    if input.dim() < 1:
        raise RuntimeError(
            "torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!"
        )
    return _equal_split("hsplit", input, indices_or_sections, 0 if input.dim() == 1 else 1)


def vsplit(input: Tensor, *indices_or_sections) -> tuple[Tensor, ...]:
    """``tensor_split`` into rows: along dimension 0 of a matrix or more.

    Example:
        >>> import facula as torch
        >>> torch.vsplit(torch.arange(4).reshape(2, 2), 2)
        (tensor([[0, 1]]), tensor([[2, 3]]))
    """
    if input.dim() < 2:
        raise RuntimeError(
            f"torch.vsplit requires a tensor with at least 2 dimension, but got a tensor with {input.dim()} dimensions!"
        )
    return _equal_split("vsplit", input, indices_or_sections, 0)


def dsplit(input: Tensor, *indices_or_sections) -> tuple[Tensor, ...]:
    """``tensor_split`` along dimension 2.

    Example:
        >>> import facula as torch
        >>> [part.shape for part in torch.dsplit(torch.zeros(1, 2, 4), 2)]
        [torch.Size([1, 2, 2]), torch.Size([1, 2, 2])]
    """
    if input.dim() < 3:
        raise RuntimeError(
            f"torch.dsplit requires a tensor with at least 3 dimension, but got a tensor with {input.dim()} dimensions!"
        )
    return _equal_split("dsplit", input, indices_or_sections, 2)


def _equal_split(name: str, input: Tensor, given: tuple, dim: int) -> tuple[Tensor, ...]:
    where = given[0] if len(given) == 1 else given
    if isinstance(where, int) and (where <= 0 or input.size(dim) % where):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {input.size(dim)} "
            f"is not divisible by the split_size {where}!"
        )
    return tensor_split(input, where, dim)


@native
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of every index of ``dim``, without that dimension.

    Example:
        >>> import facula as torch
        >>> torch.unbind(torch.tensor([[1, 2], [3, 4]]))
        (tensor([1, 2]), tensor([3, 4]))
    """


@native
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of the diagonal of two dimensions, as the last dimension; ``offset`` above 0 moves it to the right.

    Example:
        >>> import facula as torch
        >>> torch.diagonal(torch.tensor([[1, 2], [3, 4]])), torch.diagonal(torch.tensor([[1, 2], [3, 4]]), 1)
        (tensor([1, 4]), tensor([2]))
    """


@native("_embed")
def _embed(input: Tensor, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Tensor:
    """Zeros of shape ``size`` with the input at these strides."""


@composed
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices of zeros with the last dimension of ``input`` on their diagonals.

    Example:
        >>> import facula as torch
        >>> torch.diag_embed(torch.tensor([1, 2]))
        tensor([[1, 0],
                [0, 2]])
    """
    *batch, length = input.shape
    side = length + abs(offset)
    strides = [side + 1]
    step = side * side
    for size in reversed(batch):
        strides.insert(0, step)
        step *= size
    result = _embed(input, (*batch, side, side), strides, offset if offset >= 0 else -offset * side)
    ndim = result.dim()
    for dim in (dim1, dim2):
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})"
            )
    dim1, dim2 = dim1 % ndim, dim2 % ndim
    if dim1 == dim2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return result if (dim1, dim2) == (ndim - 2, ndim - 1) else movedim(result, (-2, -1), (dim1, dim2))


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The diagonal of a matrix, as a copy; or the matrix with a vector on its diagonal.

    Example:
        >>> import facula as torch
        >>> torch.diag(torch.tensor([1, 2])), torch.diag(torch.tensor([[1, 2], [3, 4]]))
        (tensor([[1, 0],
                [0, 2]]), tensor([1, 4]))
    """
    if input.dim() not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.dim()}D")
    result = diag_embed(input, diagonal) if input.dim() == 1 else clone(_diagonal(input, diagonal))
    return result if out is None else write_out(result, out)


_diagonal = diagonal


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of ``input`` on its diagonal.

    Example:
        >>> import facula as torch
        >>> torch.diagflat(torch.tensor([[1], [2]]))
        tensor([[1, 0],
                [0, 2]])
    """
    return diag_embed(reshape(input, -1), offset)


@native
def as_strided(
    input: Tensor, size: tuple[int, ...], stride: tuple[int, ...], storage_offset: int | None = None
) -> Tensor:
    """A view of the storage with any sizes and strides, counted in elements.

    Raises:
        RuntimeError: an element would lie outside the storage.

    Example:
        >>> import facula as torch
        >>> torch.as_strided(torch.arange(4), (2, 2), (1, 1))
        tensor([[0, 1],
                [1, 2]])
    """


@native("_unfold")
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of ``size`` along ``dimension``, ``step`` apart, as a new last dimension.

    Example:
        >>> import facula as torch
        >>> torch.arange(5).unfold(0, 3, 2)
        tensor([[0, 1, 2],
                [2, 3, 4]])
    """


@native
def detach(input: Tensor) -> Tensor:
    """A view without history: no gradient flows through it.

    Example:
        >>> import facula as torch
        >>> torch.detach(torch.ones(1, requires_grad=True)).requires_grad
        False
    """


@native("alias")
def alias(input: Tensor) -> Tensor:
    """A view of all of the tensor."""


@native("clone", falls_back=True)
def clone(input: Tensor, *, memory_format=None) -> Tensor:
    """A copy, through which gradients flow.

    Example:
        >>> import facula as torch
        >>> torch.clone(torch.tensor([1.0, 2.0]))
        tensor([1., 2.])
    """
    if memory_format is channels_last or memory_format is channels_last_3d:
        return _with_channels_last(input, memory_format, lambda x: clone(x, memory_format=contiguous_format))
    if memory_format is contiguous_format and not input.is_contiguous():
        return contiguous(input)  # which is a copy then
    return clone(input)


@native("contiguous", falls_back=True)
def contiguous(input: Tensor, *, memory_format=None) -> Tensor:
    """The tensor itself when its elements lie in order, else a copy for which they do.

    Example:
        >>> import facula as torch
        >>> torch.zeros(2, 3).t().contiguous().stride()
        (2, 1)
    """
    if memory_format is channels_last or memory_format is channels_last_3d:
        return _with_channels_last(input, memory_format, contiguous)
    return contiguous(input)


def _with_channels_last(input: Tensor, memory_format, copy) -> Tensor:
    rank = 4 if memory_format is channels_last else 5
    if input.dim() != rank:
        raise RuntimeError(f"required rank {rank} tensor to use {str(memory_format).removeprefix('torch.')} format")
    inner = range(2, rank)
    return permute(copy(permute(input, 0, *inner, 1)), 0, rank - 1, *(d - 1 for d in inner))


def _at_least(tensors: tuple, grow):
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    grown = tuple(grow(x) for x in tensors)
    return grown[0] if len(grown) == 1 else grown


@composed
def atleast_1d(*tensors: Tensor):
    """Views with at least one dimension.

    Example:
        >>> import facula as torch
        >>> torch.atleast_1d(torch.tensor(1))
        tensor([1])
    """
    return _at_least(tensors, lambda x: reshape(x, 1) if x.dim() == 0 else x)


@composed
def atleast_2d(*tensors: Tensor):
    """Views with at least two dimensions, a vector becoming a row.

    Example:
        >>> import facula as torch
        >>> torch.atleast_2d(torch.tensor([1, 2]))
        tensor([[1, 2]])
    """
    return _at_least(tensors, lambda x: reshape(x, 1, 1) if x.dim() == 0 else unsqueeze(x, 0) if x.dim() == 1 else x)


def _three_dimensional(x: Tensor) -> Tensor:
    if x.dim() == 0:
        return reshape(x, 1, 1, 1)
    if x.dim() == 1:
        return unsqueeze(unsqueeze(x, 0), -1)
    return unsqueeze(x, -1) if x.dim() == 2 else x


@composed
def atleast_3d(*tensors: Tensor):
    """Views with at least three dimensions, new ones of size 1 around a vector and behind a matrix.

    Example:
        >>> import facula as torch
        >>> torch.atleast_3d(torch.tensor([1, 2])).shape
        torch.Size([1, 2, 1])
    """
    return _at_least(tensors, _three_dimensional)
