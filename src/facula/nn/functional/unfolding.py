"""Sliding windows of images as columns, and columns added back into images."""

from __future__ import annotations

import facula
from facula import Tensor
from facula._native import composed, native

__all__ = ["fold", "unfold"]


@native
def _im2col(
    input: Tensor, kernel_size: tuple[int, ...], dilation: tuple[int, ...], padding: tuple[int, ...],
    stride: tuple[int, ...],
) -> Tensor:  # fmt: skip
    """Windows of (N, C, H, W) as columns."""


@native
def _col2im(
    input: Tensor, image: tuple[int, ...], kernel_size: tuple[int, ...], dilation: tuple[int, ...],
    padding: tuple[int, ...], stride: tuple[int, ...],
) -> Tensor:  # fmt: skip
    """Columns added back into images of the given sizes."""


def _pair(value, name: str, function: str) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    value = tuple(value)
    if len(value) not in (1, 2):
        raise RuntimeError(f"{function}: expected {name} to be a single int or two, but got {value}")
    return (value[0], value[-1])


def _numbers(function: str, sizes, kernel_size, dilation, padding, stride) -> tuple[list, int, int]:
    """Kernel, dilation, padding and stride as pairs, and how many windows there are down and across."""
    numbers = [
        _pair(value, name, function)
        for value, name in (
            (kernel_size, "kernel_size"), (dilation, "dilation"), (padding, "padding"), (stride, "stride"),
        )
    ]  # fmt: skip
    for values, name, least in zip(numbers, ("kernel size", "dilation", "padding", "stride"), (1, 1, 0, 1)):
        if min(values) < least:
            what = "greater than zero" if least else "non-negative"
            raise RuntimeError(f"{name} should be {what}, but got {values}")
    h, w = ((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, d, p, s in zip(sizes, *numbers))
    return numbers, h, w


def _batch(function: str, input: Tensor, dims: int) -> Tensor:
    if input.dim() not in (dims - 1, dims) or 0 in input.shape[input.dim() - dims + 1 :]:
        raise RuntimeError(
            f"{function}: Expected {dims - 1}D or {dims}D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {list(input.shape)}"
        )
    return input if input.dim() == dims else input.unsqueeze(0)


@composed
def unfold(input: Tensor, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """The windows of an image as columns.

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W).
        kernel_size, dilation, padding, stride (int or pair): as for :func:`conv2d`.

    Returns:
        Tensor: (N, C * KH * KW, windows), or without N.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.unfold(torch.arange(4.0).reshape(1, 2, 2), (1, 2))
        tensor([[0., 2.],
                [1., 3.]])
    """
    batch = _batch("im2col", input, 4)
    numbers, h, w = _numbers("unfold", batch.shape[2:], kernel_size, dilation, padding, stride)
    if h < 1 or w < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(batch.shape[2:])}, kernel_size={kernel_size}, dilation={dilation}, "
            f"padding={padding}, calculated shape of the array of sliding blocks as ({h}, {w}), but its components "
            "must be at least one."
        )
    x = _by_parts(lambda part: _im2col(part, *numbers), batch)
    return x if input.dim() == 4 else x.squeeze(0)


def _by_parts(function, x: Tensor) -> Tensor:
    """A linear function of real tensors, of a complex one."""
    return facula.complex(function(x.real), function(x.imag)) if x.is_complex() else function(x)


def fold(input: Tensor, output_size, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """Add the columns of windows back into an image: the adjoint of :func:`unfold`.

    Args:
        input (Tensor): (N, C * KH * KW, windows), or without N.
        output_size (int or pair): H and W.
        kernel_size, dilation, padding, stride (int or pair): as for :func:`unfold`.

    Returns:
        Tensor: (N, C, H, W) or (C, H, W).

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.fold(torch.ones(2, 2), (1, 3), (1, 2))
        tensor([[[1., 2., 1.]]])
    """
    batch = _batch("col2im", input, 3)
    size = _pair(output_size, "output_size", "fold")
    numbers, h, w = _numbers("fold", size, kernel_size, dilation, padding, stride)
    kh, kw = numbers[0]
    n, total, windows = batch.shape
    if total % (kh * kw):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={total} and kernel_size={(kh, kw)}."
        )
    if h < 1 or w < 1 or windows != h * w:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={(kh, kw)}, dilation={dilation}, padding={padding}, "
            f"stride={stride}, expected size of input's dimension 2 to match the calculated number of sliding blocks "
            f"{h} * {w} = {h * w}, but got input.size(2)={windows}."
        )
    shape = (n, total // (kh * kw), *size)
    x = _by_parts(lambda part: _col2im(part, shape, *numbers), batch)
    return x if input.dim() == 3 else x.squeeze(0)
