"""make_tensor: random tensors of any dtype and layout to test with, with PyTorch's ranges and random numbers."""

from __future__ import annotations

import facula


def _limits(dtype: facula.dtype) -> tuple:
    """Lowest value, exclusive highest value, default low, default high."""
    if dtype == facula.bool:
        return 0, 2, 0, 2
    if dtype.is_floating_point or dtype.is_complex:
        info = facula.finfo(dtype)
        return info.min, info.max, -9, 9
    info = facula.iinfo(dtype)
    # randint takes its bounds as int64, so the highest int64 can not be drawn.
    return info.min, info.max + (dtype != facula.int64), -9, 10


def _range(low, high, dtype: facula.dtype) -> tuple:
    lowest, highest, default_low, default_high = _limits(dtype)
    low = default_low if low is None else low
    high = default_high if high is None else high
    if low != low or high != high:
        raise ValueError(f"make_tensor(): low and high cannot be nan, got low={low}, high={high}")
    real = dtype.is_floating_point or dtype.is_complex
    if low > high or (low == high and not real):
        raise ValueError(f"make_tensor(): low must be less than high, got low={low}, high={high}")
    if high < lowest or low >= highest:
        raise ValueError(f"make_tensor(): {dtype} holds [{lowest}, {highest}), which [{low}, {high}) does not meet")
    low, high = max(low, lowest), min(high, highest)
    if real:
        return low, high
    return -int(-low // 1), -int(-high // 1)  # rounded up: both bounds keep exactly the integers inside [low, high)


def make_tensor(
    *shape,
    dtype: facula.dtype,
    device,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format=None,
) -> facula.Tensor:
    """Make a tensor of uniform random numbers in [low, high).

    Args:
        *shape: Sizes, or one sequence of them.
        dtype: The dtype of the result.
        device: The device of the result.
        low: Lowest value; limited to what `dtype` holds. Default -9; 0 for bool and unsigned integers.
        high: Highest value, not drawn. Default 9 for floats, 10 for integers, 2 for bool.
        requires_grad: Whether the result requires a gradient.
        noncontiguous: Leave gaps in memory between the elements (where there is more than one).
        exclude_zero: Put 1, or the smallest normal number of a float dtype, in the place of zeros.
        memory_format: The memory format of the result; not together with `noncontiguous`.

    Returns:
        A new tensor.

    Raises:
        ValueError: Bounds nan, empty or outside of the dtype; a gradient for integers; both layout arguments.

    Example:
        >>> import facula as torch
        >>> x = torch.testing.make_tensor((2, 3), dtype=torch.float32, device="cpu", low=0, high=1)
        >>> x.shape
        torch.Size([2, 3])
    """
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    real = dtype.is_floating_point or dtype.is_complex
    if noncontiguous and memory_format is not None:
        raise ValueError("make_tensor(): noncontiguous and memory_format exclude each other")
    if requires_grad and not real:
        raise ValueError(f"make_tensor(): requires_grad=True needs a float or complex dtype, got {dtype}")
    noncontiguous = noncontiguous and 0 not in shape and max(shape, default=1) > 1
    drawn = (*shape[:-1], 2 * shape[-1]) if noncontiguous else shape
    low, high = _range(low, high, dtype)
    if not real:
        result = facula.randint(low, high, drawn, device=device, dtype=dtype)
    else:
        result = facula.empty(drawn, device=device, dtype=dtype)
        parts = facula.view_as_real(result) if dtype.is_complex else result
        parts.uniform_(low, high)
    if noncontiguous:
        result = result[..., 1::2]  # from 1, so that the storage offset is not zero either
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = facula.finfo(dtype).tiny if real else 1
    return result.requires_grad_(requires_grad) if real else result
