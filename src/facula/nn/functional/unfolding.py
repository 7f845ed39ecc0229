"""Sliding windows of images as columns, and columns added back into images."""

from __future__ import annotations

import facula
from facula import Tensor

from .padding import pad

__all__ = ["fold", "unfold"]


def _pair(value, name: str, function: str) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    value = tuple(value)
    if len(value) not in (1, 2):
        raise RuntimeError(f"{function}: expected {name} to be a single int or two, but got {value}")
    return (value[0], value[-1])


def _lines(function: str, sizes, kernel_size, dilation, padding, stride) -> list[tuple[list[int], int, int]]:
    """For height and width: the padded index of every (kernel element, window), the windows, the padding."""
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
    lines = []
    for size, k, d, p, s in zip(sizes, *numbers):
        count = (size + 2 * p - d * (k - 1) - 1) // s + 1
        lines.append(([e * d + w * s for e in range(k) for w in range(max(count, 0))], count, p))
    return lines


def _batch(function: str, input: Tensor, dims: int) -> Tensor:
    if input.dim() not in (dims - 1, dims) or 0 in input.shape[input.dim() - dims + 1 :]:
        raise RuntimeError(
            f"{function}: Expected {dims - 1}D or {dims}D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {list(input.shape)}"
        )
    return input if input.dim() == dims else input.unsqueeze(0)


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
    (rows, h, ph), (columns, w, pw) = _lines("unfold", batch.shape[2:], kernel_size, dilation, padding, stride)
    if h < 1 or w < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(batch.shape[2:])}, kernel_size={kernel_size}, dilation={dilation}, "
            f"padding={padding}, calculated shape of the array of sliding blocks as ({h}, {w}), but its components "
            "must be at least one."
        )
    if ph or pw:
        batch = pad(batch, (pw, pw, ph, ph))
    x = batch.index_select(2, facula.tensor(rows)).index_select(3, facula.tensor(columns))
    n, c = x.shape[:2]
    x = x.reshape(n, c, len(rows) // h, h, len(columns) // w, w).permute(0, 1, 2, 4, 3, 5)
    x = x.reshape(n, c * (len(rows) // h) * (len(columns) // w), h * w)
    return x if input.dim() == 4 else x.squeeze(0)


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
    (rows, h, ph), (columns, w, pw) = _lines("fold", size, kernel_size, dilation, padding, stride)
    kh, kw = _pair(kernel_size, "kernel_size", "fold")
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
    c = total // (kh * kw)
    x = batch.reshape(n, c, kh, kw, h, w).permute(0, 1, 2, 4, 3, 5).reshape(n, c, kh * h, kw * w)
    x = x.new_zeros(n, c, kh * h, size[1] + 2 * pw).index_add(3, facula.tensor(columns), x)
    x = x.new_zeros(n, c, size[0] + 2 * ph, size[1] + 2 * pw).index_add(2, facula.tensor(rows), x)
    x = x[:, :, ph : ph + size[0], pw : pw + size[1]].contiguous()
    return x if input.dim() == 3 else x.squeeze(0)
