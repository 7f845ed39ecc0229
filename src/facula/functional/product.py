"""Products of vectors, matrices and tensors of torch.*: matmul and its relatives, einsum, tensordot."""

from __future__ import annotations

from facula._C import Tensor, float32, float64, promote_types
from facula._C import bool as bool_dtype
from facula._native import autocasts, composed, native
from facula.functional.arguments import Number, write_back, write_out
from facula.functional.creation import scalar_tensor
from facula.functional.shape import broadcast_shapes

__all__ = [
    "addbmm", "addmm", "addmv", "addmv_", "addr", "baddbmm", "bmm", "chain_matmul", "cross", "dot", "einsum", "ger",
    "inner", "kron", "matmul", "matrix_power", "mm", "mv", "outer", "tensordot", "trace", "vdot",
]  # fmt: skip

METHODS = (
    "addbmm addbmm_ addmm addmm_ addmv addmv_ addr addr_ baddbmm baddbmm_ bmm cross dot ger inner kron matmul "
    "matrix_power mm mv outer trace vdot"
)


@native
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product; vectors count as a row on the left and a column on the right, leading dimensions broadcast.

    Raises:
        RuntimeError: the inner sizes differ, or an operand is 0-d.

    Example:
        >>> import facula as torch
        >>> torch.matmul(torch.tensor([[1.0, 2.0]]), torch.tensor([3.0, 4.0]))
        tensor([11.])
    """


@native
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices.

    Example:
        >>> import facula as torch
        >>> torch.mm(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]))
        tensor([[11.]])
    """


@native
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of two batches of matrices, of shapes (B, N, M) and (B, M, K).

    Example:
        >>> import facula as torch
        >>> torch.bmm(torch.ones(2, 1, 3), torch.ones(2, 3, 1))
        tensor([[[3.]],
        <BLANKLINE>
                [[3.]]])
    """


@native
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of a matrix and a vector.

    Example:
        >>> import facula as torch
        >>> torch.mv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 1.0]))
        tensor([3., 7.])
    """


@native
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of two vectors.

    Example:
        >>> import facula as torch
        >>> torch.dot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
        tensor(11.)
    """


@composed
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``dot`` with the first vector conjugated.

    Example:
        >>> import facula as torch
        >>> torch.vdot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
        tensor(11.)
    """
    return dot(input.conj() if input.is_complex() else input, other, out=out)


@native
def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``; ``input`` broadcasts.

    Example:
        >>> import facula as torch
        >>> torch.addmm(torch.ones(1), torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]), alpha=2)
        tensor([[23.]])
    """


@native
def addmm_(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """In-place form of ``addmm``."""


@native
def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``.

    Example:
        >>> import facula as torch
        >>> torch.addmv(torch.ones(1), torch.tensor([[1.0, 2.0]]), torch.tensor([3.0, 4.0]))
        tensor([12.])
    """


def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """In-place form of ``addmv``."""
    return write_back(addmv(input, mat, vec, beta=beta, alpha=alpha), input)


@native
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """``beta * input + alpha * bmm(batch1, batch2)``; ``input`` broadcasts.

    Example:
        >>> import facula as torch
        >>> torch.baddbmm(torch.ones(1), torch.ones(1, 1, 2), torch.ones(1, 2, 1))
        tensor([[[3.]]])
    """


def baddbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """In-place form of ``baddbmm``."""
    return write_back(baddbmm(input, batch1, batch2, beta=beta, alpha=alpha), input)


def _weighted_sum(input: Tensor, beta: Number, product: Tensor, alpha: Number) -> Tensor:
    """``beta * input + alpha * product``; factors do not change the type of integers."""
    if product.dtype is bool_dtype:
        product = product & bool(alpha)
        return product if not beta else input | product
    for factor in (alpha, beta):
        scalar_tensor(factor, dtype=product.dtype)  # refuses what the type cannot hold
    if not (product.is_floating_point() or product.is_complex()):
        alpha, beta = int(alpha), int(beta)  # type: ignore[arg-type]
    product = product if alpha == 1 else product * alpha
    return product if beta == 0 else (input if beta == 1 else input * beta) + product


def _check_expands(name: str, input: Tensor, product: Tensor) -> None:
    """What is added to a product broadcasts to it, and never enlarges it."""
    if broadcast_shapes(input.shape, product.shape) != product.shape:
        raise RuntimeError(
            f"{name}(): The expanded size of the tensor {list(product.shape)} must match the existing size "
            f"{list(input.shape)} of the input"
        )


def _wide(x: Tensor) -> Tensor:
    """Half types as float32, so that what is composed rounds once."""
    return x.float() if x.is_floating_point() and x.dtype.itemsize == 2 else x


@autocasts("lower")
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``beta * input + alpha * bmm(batch1, batch2).sum(0)``.

    Example:
        >>> import facula as torch
        >>> torch.addbmm(torch.ones(1), torch.ones(3, 1, 2), torch.ones(3, 2, 1))
        tensor([[7.]])
    """
    product = bmm(_wide(batch1), _wide(batch2)).sum(0, dtype=_wide(batch1).dtype)
    for x in (input, batch2):
        if x.dtype != batch1.dtype:
            raise RuntimeError(f"addbmm(): expected one dtype, but got {batch1.dtype} and {x.dtype}")
    _check_expands("addbmm", input, product)
    result = _weighted_sum(_wide(input), beta, product, alpha).to(batch1.dtype)
    return result if out is None else write_out(result, out)


def addbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """In-place form of ``addbmm``."""
    return write_back(addbmm(input, batch1, batch2, beta=beta, alpha=alpha), input)


@composed
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix of all products of an element of one vector and one of another.

    Example:
        >>> import facula as torch
        >>> torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4]))
        tensor([[3, 4],
                [6, 8]])
    """
    if input.dim() != 1 or vec2.dim() != 1:
        raise RuntimeError(f"outer: Expected 1-D arguments, but got {input.dim()}-D and {vec2.dim()}-D")
    result = input.unsqueeze(1) * vec2
    return result if out is None else write_out(result, out)


ger = outer


@composed
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``.

    Example:
        >>> import facula as torch
        >>> torch.addr(torch.zeros(2, 2), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
        tensor([[3., 4.],
                [6., 8.]])
    """
    if all(not (x.is_floating_point() or x.is_complex()) for x in (input, vec1, vec2)):
        for name, factor in (("alpha", alpha), ("beta", beta)):
            if isinstance(factor, (float, complex)):
                raise RuntimeError(
                    f"For integral input tensors, argument {name} must not be a floating point number, got {factor!r}"
                )
    product = outer(_wide(vec1), _wide(vec2))
    _check_expands("addr", input, product)
    result = _weighted_sum(_wide(input), beta, product, alpha)
    result = result.to(promote_types(input.dtype, promote_types(vec1.dtype, vec2.dtype)))
    return result if out is None else write_out(result, out)


def addr_(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """In-place form of ``addr``."""
    return write_back(addr(input, vec1, vec2, beta=beta, alpha=alpha), input)


@composed
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last dimensions of both; with a number, the product.

    Example:
        >>> import facula as torch
        >>> torch.inner(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
        tensor(11.)
    """
    if input.dim() == 0 or other.dim() == 0:
        result = input * other
    else:
        if input.size(-1) != other.size(-1):
            raise RuntimeError(
                f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
                f"{list(other.shape)}"
            )
        result = tensordot(input, other, ([-1], [-1]))
    return result if out is None else write_out(result, out)


def _product(sizes) -> int:
    n = 1
    for size in sizes:
        n *= size
    return n


@autocasts("off")
def _scalar_product(row: Tensor, column: Tensor) -> Tensor:
    return mm(row, column)


@composed
def tensordot(a: Tensor, b: Tensor, dims=2, out: Tensor | None = None) -> Tensor:
    """Sums of products over pairs of dimensions.

    Args:
        dims: how many, the last of ``a`` with the first of ``b``; or a list of dimensions of ``a`` and one of ``b``.

    Raises:
        RuntimeError: paired sizes differ and neither is 1.

    Example:
        >>> import facula as torch
        >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 2), 1)
        tensor([[3., 3.],
                [3., 3.]])
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        own, others = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        own, others = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(own) != len(others):
        raise RuntimeError(f"tensordot: both dimension lists should have same length, got {len(own)} and {len(others)}")
    own, others = [d % a.dim() for d in own], [d % b.dim() for d in others]
    for i, k in zip(own, others):
        if a.size(i) != b.size(k):
            if 1 not in (a.size(i), b.size(k)):
                raise RuntimeError(
                    f"contracted dimensions need to match, but first has size {a.size(i)} in dim {i} and second has "
                    f"size {b.size(k)} in dim {k}"
                )
            a = a.sum(i, keepdim=True) if b.size(k) == 1 else a
            b = b.sum(k, keepdim=True) if a.size(i) == 1 else b
    left = [d for d in range(a.dim()) if d not in own]
    right = [d for d in range(b.dim()) if d not in others]
    shape = [a.size(d) for d in left] + [b.size(d) for d in right]
    inner_size = _product(a.size(d) for d in own)
    rows = a.permute((*left, *own)).reshape(_product(a.size(d) for d in left), inner_size)
    columns = b.permute((*others, *right)).reshape(inner_size, _product(b.size(d) for d in right))
    result = (mm(rows, columns) if shape else _scalar_product(rows, columns)).reshape(shape)
    return result if out is None else write_out(result, out)


@composed
def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Kronecker product: every element of ``input`` times all of ``other``, as blocks.

    Example:
        >>> import facula as torch
        >>> torch.kron(torch.tensor([[1, 2]]), torch.tensor([[1, 1]]))
        tensor([[1, 1, 2, 2]])
    """
    n = max(input.dim(), other.dim())
    a_shape, b_shape = [1] * (n - input.dim()) + [*input.shape], [1] * (n - other.dim()) + [*other.shape]
    # Whole rows make longer loops, but have to be written out first; rows of floats need not be as long.
    longest = 32 if input.dtype == other.dtype and input.dtype in (float32, float64) else 256
    rows = n > 1 and b_shape[-1] < longest and input.numel() * other.numel() > 1 << 10
    heads = n - rows
    a_heads, b_heads = [1] * (2 * heads), [1] * (2 * heads)
    a_heads[::2], b_heads[1::2] = a_shape[:heads], b_shape[:heads]
    if rows:
        p, q = a_shape[-1], b_shape[-1]
        a = input.reshape([*a_shape, 1]).expand(*a_shape, q).reshape([*a_heads, p * q])
        b = other.reshape([*b_shape[:-1], 1, q]).expand(*b_shape[:-1], p, q).reshape([*b_heads, p * q])
    else:
        a, b = input.reshape(a_heads), other.reshape(b_heads)
    result = (a * b).reshape([x * y for x, y in zip(a_shape, b_shape)])
    return result if out is None else write_out(result, out)


@autocasts("float32")
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix.

    Example:
        >>> import facula as torch
        >>> torch.trace(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(5.)
    """
    if input.dim() != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.dim()}")
    return input.diagonal().sum()


def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The cross product of vectors of three elements along ``dim``, by default the first dimension of size 3.

    Example:
        >>> import facula as torch
        >>> torch.cross(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), dim=0)
        tensor([0., 0., 1.])
    """
    if dim is None:
        dim = next((d for d, size in enumerate(input.shape) if size == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    if input.size(dim) != 3 or other.size(dim) != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.size(dim)} and {other.size(dim)}"
        )
    a, b = input.unbind(dim), other.unbind(dim)
    parts = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    result = _stack(parts, dim if dim >= 0 else dim + parts[0].dim() + 1)
    return result if out is None else write_out(result, out)


@native("stack")
def _stack(tensors, dim: int, *, out: Tensor | None = None) -> Tensor:
    """Tensors joined along a new dimension."""


@composed
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """Square matrices multiplied ``n`` times by themselves; the identity for 0, the inverse's power for ``n < 0``.

    Example:
        >>> import facula as torch
        >>> torch.matrix_power(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
        tensor([[1., 3.],
                [0., 1.]])
    """
    if input.dim() < 2 or input.size(-1) != input.size(-2):
        raise RuntimeError(
            f"linalg.matrix_power: A must be batches of square matrices, but its shape is {list(input.shape)}"
        )
    if n < 0:
        from facula.functional.equations import inv

        input, n = inv(input), -n
    result, square = None, input
    if n == 3:  # as PyTorch: threads read the rows that they have just computed
        result, n = matmul(matmul(input, input), input), 0
    while n:
        if n & 1:
            result = square if result is None else matmul(result, square)
        n >>= 1
        square = matmul(square, square) if n else square
    if result is None:
        result = input.clone().copy_(input.detach().new_ones(input.size(-1)).diag())
    return (result.clone() if result is input else result) if out is None else write_out(result, out)


def _best_order(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to cut each product i..k for the fewest multiplications (matrix chain ordering)."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cut: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            k = i + length
            cut[i, k] = min(
                range(i, k), key=lambda j: cost[i, j] + cost[j + 1, k] + sizes[i] * sizes[j + 1] * sizes[k + 1]
            )
            j = cut[i, k]
            cost[i, k] = cost[i, j] + cost[j + 1, k] + sizes[i] * sizes[j + 1] * sizes[k + 1]
    return cut


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of several matrices, in the order of evaluation with the fewest multiplications.

    Example:
        >>> import facula as torch
        >>> torch.linalg.multi_dot((torch.ones(1, 2), torch.ones(2, 3), torch.ones(3, 1)))
        tensor([[6.]])
    """
    if len(matrices) == 1 and isinstance(matrices[0], (tuple, list)):
        matrices = tuple(matrices[0])
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    cut = _best_order([matrices[0].size(0), *(m.size(1) for m in matrices)])

    def product(i: int, k: int) -> Tensor:
        return matrices[i] if i == k else mm(product(i, cut[i, k]), product(cut[i, k] + 1, k))

    result = product(0, len(matrices) - 1)
    return result if out is None else write_out(result, out)


def einsum(equation, *operands) -> Tensor:
    """Sums of products by Einstein's convention, operands contracted from left to right.

    Args:
        equation: e.g. "bij,bjk->bik": a letter for each dimension, "..." for any leading ones. Letters absent from
            the result are summed over; without "->", those that occur once are the result, in alphabetical order.

    Raises:
        RuntimeError: the number of letters or operands does not fit, or a letter has two sizes.

    Example:
        >>> import facula as torch
        >>> a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> torch.einsum("ij,jk->ik", a, a), torch.einsum("ii", a)
        (tensor([[ 7., 10.],
                [15., 22.]]), tensor(5.))
    """
    from facula.functional.einsum import contract

    return contract(equation, operands)
