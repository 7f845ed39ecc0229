"""hash_tensor: a hash by exclusive or. Composed: the elements of the reduced dimensions are folded, half upon half."""

from __future__ import annotations

from facula._C import Tensor, float64, int64, uint64
from facula.functional.arguments import check_tensors, wrapped_dims, write_out

__all__ = ["hash_tensor"]
METHODS = "hash_tensor"


def _reduced(input: Tensor, dim) -> list[int]:
    """The dimensions that ``dim`` names, from 0 on; all of them when it names none."""
    named = () if dim is None else (dim,) if isinstance(dim, int) else dim
    if not isinstance(named, (tuple, list)) or not all(isinstance(d, int) for d in named):
        raise TypeError(f"hash_tensor(): argument 'dim' (position 2) must be tuple of ints, not {type(dim).__name__}")
    dims = wrapped_dims(named, input.dim())
    if not dims and input.numel() == 0:
        raise RuntimeError(
            "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
            "with the 'dim' argument."
        )
    return sorted(dims) or list(range(max(input.dim(), 1)))


def hash_tensor(
    input: Tensor,
    dim: int | tuple[int, ...] = (),
    *,
    keepdim: bool = False,
    mode: int = 0,
    out: Tensor | None = None,
) -> Tensor:
    """The exclusive or of the bits of all elements, or of those along ``dim``, as 64-bit integers or floats.

    Args:
        input: Of a floating, integer or bool dtype.
        dim: The dimensions to reduce; none: all.
        keepdim: Whether they stay with size 1.
        mode: 0, the only one there is.
        out: Where the result goes, of dtype uint64.

    Raises:
        RuntimeError: another mode, or an ``out`` of another dtype.
        IndexError: a reduced dimension has no elements.

    Example:
        >>> import facula as torch
        >>> torch.hash_tensor(torch.tensor([[1, 2], [3, 5]]))
        tensor(5, dtype=torch.uint64)
        >>> torch.hash_tensor(torch.tensor([[1, 2], [3, 5]]), 1)
        tensor([3, 6], dtype=torch.uint64)
    """
    check_tensors("hash_tensor", input=input)
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    if out is not None and out.dtype is not uint64:
        raise RuntimeError(f"Expected result to be of dtype uint64, but got {out.dtype._scalar_name}")
    dims = _reduced(input, dim)
    sizes = list(input.shape) or [1]
    for d in dims:
        if sizes[d] == 0:
            raise IndexError(f"hash_tensor: Expected reduction dim {d} to have non-zero size.")
    if input.is_complex() or input.dtype._scalar_name.startswith("UInt"):
        raise NotImplementedError(f"\"xor_sum_cpu\" not implemented for '{input.dtype._scalar_name}'")
    x = input.detach().reshape(sizes)
    bits = x.to(float64).view(int64) if x.is_floating_point() else x.to(int64)
    others = [d for d in range(len(sizes)) if d not in dims]
    kept = [sizes[d] for d in others]
    bits = bits.permute(dims + others).reshape([-1, *kept]) if x.numel() else bits.new_zeros([1, *kept])
    while bits.size(0) > 1:
        half = bits.size(0) // 2
        folded = bits[:half] ^ bits[half : 2 * half]
        if bits.size(0) % 2:
            folded[0] ^= bits[-1]
        bits = folded
    shape = [1 if d in dims else size for d, size in enumerate(sizes)] if keepdim else kept
    result = bits[0].reshape(shape if input.dim() else ()).clone().view(uint64)
    return result if out is None else write_out(result, out)
