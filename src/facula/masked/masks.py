"""What masked operations put in the place of an element that is left out, and how a mask takes its input's shape.

An operation's identity is the value that changes no result: 0 of a sum, 1 of a product, -inf of a maximum. Refuses a
mask with more dimensions than its input.
"""

from __future__ import annotations

import facula
from facula import Tensor

INF = float("inf")


def full_mask(input: Tensor, mask: Tensor) -> Tensor:
    """``mask`` as bool, in the shape of ``input``."""
    if mask.dim() > input.dim():
        raise IndexError(
            f"mask has {mask.dim()} dimensions, more than the input's {input.dim()}; expected a mask broadcastable to "
            f"the input's shape {tuple(input.shape)}"
        )
    if mask.shape != input.shape:
        mask = mask.broadcast_to(input.shape)
    return mask.to(facula.bool)


def _input_mask(input: Tensor, *args, mask: Tensor | None = None, **kwargs) -> Tensor:
    """The mask of a call as it applies to ``input``; private in PyTorch too, where tests and packages call it."""
    if mask is None:
        raise ValueError("_input_mask requires explicit mask")
    return full_mask(input, mask)


_REDUCTIONS = ("sum", "prod", "amax", "amin", "argmax", "argmin", "mean", "median", "norm", "var", "std", "logsumexp")
_NORMALIZATIONS = ("softmax", "log_softmax", "softmin", "normalize", "cumsum", "cumprod")


def _output_mask(op, input: Tensor, *args, **kwargs) -> Tensor:
    """Which elements of ``op(input, *args, **kwargs)`` come from at least one element of the mask."""
    name = getattr(op, "__name__", type(op).__name__)
    inside = _input_mask(input, mask=kwargs.get("mask"))
    if name in _NORMALIZATIONS:
        return inside
    if name not in _REDUCTIONS:
        raise ValueError(f"_output_mask expected masked operation (got {name})")
    args = args[1:] if name == "norm" else args  # norm takes its order before dim
    dim = args[0] if args else kwargs.get("dim")
    return inside.any(dimensions(dim, input.dim()), keepdim=bool(kwargs.get("keepdim")))


def lowest(operation: str, input: Tensor) -> float | int:
    """The least value of the input's dtype: the identity of a maximum."""
    return -INF if input.is_floating_point() else _integer_limits(operation, input).min


def highest(operation: str, input: Tensor) -> float | int:
    """The greatest value of the input's dtype: the identity of a minimum."""
    return INF if input.is_floating_point() else _integer_limits(operation, input).max


def _integer_limits(operation: str, input: Tensor):
    if input.is_complex() or input.dtype is facula.bool:
        raise NotImplementedError(
            f"masked {operation}: {input.dtype} has no identity of this operation; expected a real number type. "
            "Convert the input with .to()"
        )
    return facula.iinfo(input.dtype)


def replaced(input: Tensor, mask: Tensor | None, identity: complex) -> Tensor:
    """``input`` with ``identity`` in the place of every element that ``mask`` leaves out."""
    if mask is None:
        return input
    fill = facula.tensor(identity, dtype=input.dtype, device=input.device)
    return facula.where(full_mask(input, mask), input, fill)


def dimensions(dim: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """``dim`` as non-negative numbers in ascending order; None and () are all of them."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    size = max(ndim, 1)
    found: list[int] = []
    for d in (dim,) if isinstance(dim, int) else dim:
        if not -size <= d < size:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {d})")
        if d % size in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        found.append(d % size)
    return tuple(sorted(found))
