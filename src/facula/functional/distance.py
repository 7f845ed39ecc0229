"""Distances between all rows of two tensors (cdist) or of one (pdist), in every p-norm. Composed; p=2 of many rows is a
matrix product."""

from __future__ import annotations

from math import inf

from facula._C import Tensor, is_grad_enabled
from facula._native import autocasts
from facula.functional.creation import ones_like
from facula.functional.indexing import triu_indices, where
from facula.functional.joining import cat
from facula.functional.product import matmul
from facula.functional.reduction import _norm, amax
from facula.functional.shape import broadcast_shapes, expand, unsqueeze

__all__ = ["cdist", "pdist"]
METHODS = ""

# Above so many rows PyTorch takes the product, which is less exact for near rows.
_FEW_ROWS = 25
# Elements of the differences held at once when no gradient is recorded.
_BLOCK = 1 << 20
_MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def _length(difference: Tensor, p: float) -> Tensor:
    """The p-norm over the last dimension. Its gradient is 0 at 0, and whole for each of equal maxima, as in PyTorch."""
    if p != inf:
        return _norm(difference, p, -1, False, None)
    if difference.size(-1) == 0:
        return difference.sum(-1)
    magnitude = difference.abs()
    result = amax(magnitude, -1)
    if magnitude.requires_grad:
        count = (magnitude == unsqueeze(result, -1)).sum(-1, keepdim=True)
        magnitude.register_hook(lambda grad: grad * count)  # amax shares its gradient among equals
    return result


def _by_product(x1: Tensor, x2: Tensor) -> Tensor:
    """Euclidean distances from |a|^2 - 2ab + |b|^2."""
    left = cat([x1 * -2, x1.square().sum(-1, keepdim=True), ones_like(x1[..., :1])], -1)
    right_norm = x2.square().sum(-1, keepdim=True)
    square = matmul(left, cat([x2, ones_like(right_norm), right_norm], -1).mT).clamp_min(0)
    zero = square == 0
    return where(zero, 0.0, where(zero, 1.0, square).sqrt())


def _check_pair(x1: Tensor, x2: Tensor, p: float, compute_mode: str) -> None:
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dim() < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.dim()}D")
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype._scalar_name}")
    if x1.size(-1) != x2.size(-1):
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.size(-1)} X2: {x2.size(-1)}")
    if x1.dtype is not x2.dtype:
        raise RuntimeError(f"expected scalar type {x1.dtype._scalar_name} but found {x2.dtype._scalar_name}")
    if not p >= 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    if compute_mode not in _MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode: it is one of {', '.join(_MODES)}")


@autocasts("float32")
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The ``p``-norm of the difference of every row of ``x1`` and every row of ``x2``.

    Args:
        x1: shape (*, P, M).
        x2: shape (*, R, M); the leading dimensions broadcast.
        p: 0 (how many components differ) to ``inf`` (the largest difference).
        compute_mode: whether ``p=2`` may use a matrix product: for more than 25 rows, always, or never
            ("donot_use_mm_for_euclid_dist").

    Returns:
        Shape (*, P, R). The gradient at distance 0 is 0.

    Raises:
        RuntimeError: a vector, an integer tensor, different dtypes or row lengths, or a negative ``p``.
        ValueError: an unknown ``compute_mode``.

    Example:
        >>> import facula as torch
        >>> torch.cdist(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[5., 1.]])
    """
    _check_pair(x1, x2, p, compute_mode)
    if x1.shape[:-2] != x2.shape[:-2]:
        batch = broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
        x1, x2 = expand(x1, *batch, *x1.shape[-2:]), expand(x2, *batch, *x2.shape[-2:])
    many = x1.size(-2) > _FEW_ROWS or x2.size(-2) > _FEW_ROWS
    if p == 2 and (compute_mode == _MODES[1] or (compute_mode == _MODES[0] and many)):
        return _by_product(x1, x2)
    right = unsqueeze(x2, -3)
    size = right.numel()
    rows = x1.size(-2)
    if size * rows <= _BLOCK or (is_grad_enabled() and (x1.requires_grad or x2.requires_grad)):
        return _length(unsqueeze(x1, -2) - right, p)
    step = max(1, _BLOCK // size)
    parts = [x1.narrow(-2, start, min(step, rows - start)) for start in range(0, rows, step)]
    return cat([_length(unsqueeze(part, -2) - right, p) for part in parts], -2)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The ``p``-norm of the difference of every pair of rows i < j, in one dimension.

    Raises:
        RuntimeError: not a floating matrix, or a negative ``p``.

    Example:
        >>> import facula as torch
        >>> torch.pdist(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
        tensor([5.0000, 1.0000, 4.2426])
    """
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    if not input.is_floating_point():
        raise RuntimeError("pdist only supports floating-point dtypes")
    if not p >= 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = triu_indices(input.size(0), input.size(0), 1)
    return _length(input[first] - input[second], p)
