"""Pooling over three dimensions, and adaptive maxima over one to three: images first, then the dimensions left over."""

from __future__ import annotations

import math

import facula
from facula import Tensor
from facula._native import autocasts, native
from facula.functional.arguments import write_out_same

from .pooling import (
    _avg_pool2d,
    _check_dims,
    _check_output_size,
    _max_pool2d_with_indices,
    _numbers,
)

__all__ = [
    "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "avg_pool3d",
    "max_pool3d", "max_pool3d_with_indices",
]  # fmt: skip


@native
def _adaptive_avg_pool3d(input: Tensor, output_size: tuple[int, ...]) -> Tensor:
    """Mean over as many windows of (N, C, D, H, W) as the output has places."""


@native
def _adaptive_max_pool2d(input: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Maximum over as many windows as the output has places, and its index in the flattened image or signal."""


@native
def _adaptive_max_pool3d(input: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The same for volumes."""


def _sizes(function: str, kernel_size, stride, **others) -> list[tuple]:
    kernel = _numbers(kernel_size, 3, "kernel_size", function)
    no_stride = stride is None or (not isinstance(stride, int) and len(stride) == 0)
    step = kernel if no_stride else _numbers(stride, 3, "stride", function)
    return [kernel, step, *[_numbers(value, 3, name, function) for name, value in others.items()]]


@autocasts("float32")
def max_pool3d_with_indices(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool3d` together with the position of each maximum in the flattened volume.

    Args:
        input, kernel_size, stride, padding, dilation, ceil_mode: as for :func:`max_pool3d`.
        return_indices (bool): ignored.

    Example:
        >>> import facula as torch
        >>> values, places = torch.nn.functional.max_pool3d_with_indices(torch.arange(8.0).reshape(1, 2, 2, 2), 2)
        >>> places
        tensor([[[[7]]]])
    """
    _check_dims("max_pool3d", input, 3)
    kernel, step, pad, gap = _sizes("max_pool3d", kernel_size, stride, padding=padding, dilation=dilation)
    *lead, depth, height, width = input.shape
    if 0 in input.shape[input.dim() - 4 :]:
        raise RuntimeError(
            "max_pool3d(): Expected input's non-batch dimensions to have positive length, but input has a shape of "
            f"{list(input.shape)}"
        )
    planes = input.reshape(math.prod(lead), depth, height, width)
    # The maximum over a box is the maximum over its slices' maxima: over (H, W), then over D with (H, W) as one.
    values, places = _max_pool2d_with_indices(planes, kernel[1:], step[1:], pad[1:], gap[1:], ceil_mode)
    n, _, h, w = values.shape
    columns = values.reshape(n, 1, depth, h * w)
    values, rows = _max_pool2d_with_indices(columns, (kernel[0], 1), (step[0], 1), (pad[0], 0), (gap[0], 1), ceil_mode)
    rows = rows.reshape(n, rows.numel() // max(n, 1))
    inside = places.reshape(n, places.numel() // max(n, 1)).gather(1, rows)
    shape = (*lead, values.shape[2], h, w)
    return values.reshape(shape), (rows // max(h * w, 1) * (height * width) + inside).reshape(shape)


@autocasts("float32")
def max_pool3d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False,
    return_indices: bool = False,
):  # fmt: skip
    """Maximum over windows of a volume.

    Args:
        input (Tensor): (N, C, D, H, W) or (C, D, H, W).
        kernel_size (int or triple): size of the window.
        stride (int or triple): Default: ``kernel_size``.
        padding (int or triple): minus infinities on both sides, at most half the window. Default: 0.
        dilation (int or triple): distance between window elements. Default: 1.
        ceil_mode (bool): keep last, incomplete windows. Default: False.
        return_indices (bool): also return positions. Default: False.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.max_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 2)
        tensor([[[[7.]]]])
    """
    pooled = max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return pooled if return_indices else pooled[0]


def _counts(size: int, out: int, kernel: int, stride: int, pad: int, include_pad: bool) -> list[int]:
    """How many elements each window has along one dimension."""
    counts = []
    for i in range(out):
        start = i * stride - pad
        end = min(start + kernel, size + pad)
        counts.append(end - start if include_pad else min(end, size) - max(start, 0))
    return counts


def _quotient(sums: Tensor, counts) -> Tensor:
    """Integers keep their type, as the quotients of C do."""
    return sums / counts if sums.is_floating_point() else sums.div(counts, rounding_mode="trunc")


@autocasts("float32")
def avg_pool3d(
    input: Tensor, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None, *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean over windows of a volume.

    Args:
        input (Tensor): (N, C, D, H, W) or (C, D, H, W).
        kernel_size (int or triple): size of the window.
        stride (int or triple): Default: ``kernel_size``.
        padding (int or triple): zeros on both sides. Default: 0.
        ceil_mode (bool): keep last, incomplete windows. Default: False.
        count_include_pad (bool): count those zeros in the mean. Default: True.
        divisor_override (int): divide by this instead. Optional.
        out (Tensor): where to put the result. Optional.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.avg_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 2)
        tensor([[[[3.5000]]]])
    """
    _check_dims("avg_pool3d", input, 3)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    kernel, step, pad = _sizes("avg_pool3d", kernel_size, stride, padding=padding)
    *lead, depth, height, width = input.shape
    planes = input.reshape(-1, depth, height, width)
    # Sums over boxes, one dimension pair after the other; a divisor of 1 makes the mean a sum.
    sums = _avg_pool2d(planes, kernel[1:], step[1:], pad[1:], ceil_mode, True, 1)
    n, _, h, w = sums.shape
    whole = not ceil_mode and pad == (0, 0, 0) and divisor_override is None
    last = kernel[0] * kernel[1] * kernel[2] if whole else 1  # windows of one size: the second sum divides
    along = sums.reshape(n, 1, depth, h * w)
    sums = _avg_pool2d(along, (kernel[0], 1), (step[0], 1), (pad[0], 0), ceil_mode, True, last)
    sizes = (sums.shape[2], h, w)
    sums = sums.reshape(*lead, *sizes)
    if whole:
        result = sums
    elif divisor_override is not None:
        result = _quotient(sums, divisor_override)
    else:
        each = [
            facula.tensor(_counts(*numbers, count_include_pad), dtype=input.dtype)
            for numbers in zip((depth, height, width), sizes, kernel, step, pad)
        ]
        counts = each[0].reshape(-1, 1, 1) * each[1].reshape(-1, 1) * each[2]
        result = _quotient(sums, counts)
    return result if out is None else write_out_same(result, out)


def _output_sizes(function: str, n: int, input: Tensor, output_size) -> list[int]:
    if n > 1:
        _check_output_size(input, output_size)
    _check_dims(function, input, n)
    if output_size is None or isinstance(output_size, int):
        output_size = (output_size,) * n
    if len(output_size) != n:
        raise RuntimeError(f"{function}: internal error: output_size.size() must be {n}, but got {tuple(output_size)}")
    sizes = list(input.shape[input.dim() - n :])
    if 0 in sizes:
        raise RuntimeError(
            f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{list(input.shape)}"
        )
    if any(wanted is not None and wanted < 0 for wanted in output_size):
        raise RuntimeError(f"{function}(): sizes must not be negative, but got output_size={tuple(output_size)}")
    return [size if wanted is None else wanted for size, wanted in zip(sizes, output_size)]


@autocasts("float32")
def adaptive_avg_pool3d(input: Tensor, output_size) -> Tensor:
    """Mean over windows chosen so that the result has a given size.

    Args:
        input (Tensor): (N, C, D, H, W) or (C, D, H, W).
        output_size (int or triple): None keeps a size.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.adaptive_avg_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 1)
        tensor([[[[3.5000]]]])
    """
    d, h, w = _output_sizes("adaptive_avg_pool3d", 3, input, output_size)
    if (d, h, w) == (1, 1, 1):
        return input.mean((-3, -2, -1), keepdim=True)
    return _adaptive_avg_pool3d(input, (d, h, w))


def _adaptive_max(n: int, input: Tensor, output_size) -> tuple[Tensor, Tensor]:
    sizes = _output_sizes(f"adaptive_max_pool{n}d", n, input, output_size)
    return tuple((_adaptive_max_pool3d if n == 3 else _adaptive_max_pool2d)(input, sizes))


def _adaptive_family(n: int, shape: str, out: str):
    def with_indices(input: Tensor, output_size, return_indices: bool = False) -> tuple[Tensor, Tensor]:
        return _adaptive_max(n, input, output_size)

    def plain(input: Tensor, output_size, return_indices: bool = False):
        pooled = _adaptive_max(n, input, output_size)
        return pooled if return_indices else pooled[0]

    plain.__name__ = plain.__qualname__ = f"adaptive_max_pool{n}d"
    plain.__doc__ = f"""Maximum over windows chosen so that the result has a given size.

    Args:
        input (Tensor): {shape}, or without N.
        output_size (int or tuple): None keeps a size.
        return_indices (bool): also return positions in the flattened input. Default: False.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.adaptive_max_pool{n}d(torch.arange({2**n}.0).reshape(1, {", ".join(["2"] * n)}), 1)
        {out}
    """
    with_indices.__name__ = with_indices.__qualname__ = f"adaptive_max_pool{n}d_with_indices"
    with_indices.__doc__ = f":func:`adaptive_max_pool{n}d` together with the position of each maximum."
    if n == 3:  # the only one of them that autocast knows
        return autocasts("float32")(plain), autocasts("float32")(with_indices)
    return plain, with_indices


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_family(1, "(N, C, L)", "tensor([[1.]])")
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_family(2, "(N, C, H, W)", "tensor([[[3.]]])")
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_family(3, "(N, C, D, H, W)", "tensor([[[[7.]]]])")
