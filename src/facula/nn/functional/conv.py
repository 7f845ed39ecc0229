"""Convolutions and transposed convolutions over one to three spatial dimensions; each is one native operation."""

from __future__ import annotations

from facula import Tensor
from facula._native import autocasts, composed, native

from .padding import pad

__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
]  # fmt: skip


@native
def _convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> Tensor:
    """Cross-correlate (N, C, *) with (O, C / groups, *); one stride, padding and dilation per spatial dimension."""


@native("_conv_transpose2d")
def _conv_transpose(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    output_padding: tuple[int, ...],
) -> Tensor:
    """The gradient of :func:`_convolution` to its input, as a map of its own; in one to three dimensions."""


def _per_dimension(value, n: int, name: str, function: str) -> tuple:
    if isinstance(value, int):
        return (value,) * n
    value = tuple(value)
    if len(value) == n:
        return value
    if len(value) == 1:
        return value * n
    raise RuntimeError(f"{function}: expected {name} to be a single integer value or {n} of them, but got {value}")


def _batch(n: int, input: Tensor, function: str) -> Tensor:
    """The input with its batch dimension."""
    if input.dim() not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {function}, "
            f"but got input of size: {list(input.shape)}"
        )
    return input if input.dim() == n + 2 else input.unsqueeze(0)


def same_padding(size: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after one dimension that keep its size for kernel length ``size``; an odd one goes last."""
    total = dilation * (size - 1)
    return total // 2, total - total // 2


def convolve(n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride, padding, dilation, groups) -> Tensor:
    """Convolution over ``n`` spatial dimensions with PyTorch's forms of arguments, batched or not."""
    name = f"conv{n}d"
    stride = _per_dimension(stride, n, "stride", name)
    dilation = _per_dimension(dilation, n, "dilation", name)
    batch = _batch(n, input, name)
    if isinstance(padding, str):
        batch, padding = _named_padding(n, batch, weight, stride, padding, dilation)
    else:
        padding = _per_dimension(padding, n, "padding", name)
    result = _convolution(batch, weight, bias, stride, padding, dilation, groups)
    return result if input.dim() == n + 2 else result.squeeze(0)


def _named_padding(n: int, input: Tensor, weight: Tensor, stride: tuple, padding: str, dilation: tuple):
    """Turn "valid" and "same" into numbers; where "same" is lopsided, pad the input by the surplus first."""
    if padding == "valid":
        return input, (0,) * n
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}', should be one of 'valid', 'same'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    sides = [same_padding(size, d) for size, d in zip(weight.shape[2:], dilation)]
    surplus = [size for before, after in reversed(sides) for size in (0, after - before)]
    if any(surplus):
        input = pad(input, surplus)
    return input, tuple(before for before, _ in sides)


@composed
def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, dilation=1, groups: int = 1
) -> Tensor:
    """Cross-correlate signals with kernels.

    Args:
        input (Tensor): (N, C, L) or (C, L).
        weight (Tensor): (O, C / groups, K).
        bias (Tensor): (O,). Optional.
        stride (int): Default: 1.
        padding (int or str): zeros at both ends, or "valid" (none) or "same" (keep L). Default: 0.
        dilation (int): distance between kernel elements. Default: 1.
        groups (int): independent groups of channels. Default: 1.

    Returns:
        Tensor: (N, O, L_out) or (O, L_out), L_out = (L + 2 padding - dilation (K - 1) - 1) // stride + 1.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.conv1d(torch.ones(1, 1, 4), torch.ones(1, 1, 2))
        tensor([[[2., 2., 2.]]])
    """
    return convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, dilation=1, groups: int = 1
) -> Tensor:
    """Cross-correlate images with kernels.

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W).
        weight (Tensor): (O, C / groups, KH, KW).
        bias (Tensor): (O,). Optional.
        stride (int or pair): Default: 1.
        padding (int, pair or str): zeros on both sides, or "valid" (none) or "same" (keep H and W). Default: 0.
        dilation (int or pair): distance between kernel elements. Default: 1.
        groups (int): independent groups of channels. Default: 1.

    Returns:
        Tensor: (N, O, H_out, W_out) or without N; each size is (n + 2 padding - dilation (K - 1) - 1) // stride + 1.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.conv2d(torch.ones(1, 1, 2, 3), torch.ones(1, 1, 2, 2))
        tensor([[[[4., 4.]]]])
    """
    return convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, dilation=1, groups: int = 1
) -> Tensor:
    """Cross-correlate volumes (N, C, D, H, W) with kernels (O, C / groups, KD, KH, KW).

    Args:
        input, weight, bias, stride, padding, dilation, groups: as for :func:`conv2d`, with three numbers for each.

    Returns:
        Tensor: (N, O, D_out, H_out, W_out) or without N.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
        tensor([[[[[8.]]]]])
    """
    return convolve(3, input, weight, bias, stride, padding, dilation, groups)


@autocasts("lower")
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolve sequences laid out as (T, B, C) with kernels (K, C, O).

    Args:
        input (Tensor): (T, B, C).
        weight (Tensor): (K, C, O).
        bias (Tensor): (O,).
        pad (int): zeros at both ends of T. Default: 0.

    Returns:
        Tensor: (T + 2 pad - K + 1, B, O).

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.conv_tbc(torch.ones(3, 1, 1), torch.ones(2, 1, 1), torch.zeros(1)).flatten()
        tensor([2., 2.])
    """
    if input.dim() != 3 or weight.dim() != 3 or bias.dim() != 1:
        raise RuntimeError(
            f"Input must have 3 dims (time, batch, in_channel), weight 3 and bias 1, but got {input.dim()}, "
            f"{weight.dim()} and {bias.dim()}"
        )
    return _convolution(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, (1,), (pad,), (1,), 1).permute(2, 0, 1)


def transpose_convolve(n: int, input, weight, bias, stride, padding, output_padding, groups, dilation) -> Tensor:
    """Transposed convolution over ``n`` spatial dimensions with PyTorch's forms of arguments, batched or not."""
    name = f"conv_transpose{n}d"
    numbers = [
        _per_dimension(value, n, what, name)
        for value, what in (
            (stride, "stride"),
            (padding, "padding"),
            (dilation, "dilation"),
            (output_padding, "output_padding"),
        )
    ]
    batch = _batch(n, input, name)
    result = _conv_transpose(batch, weight, bias, numbers[0], numbers[1], numbers[2], groups, numbers[3])
    return result if batch is input else result.squeeze(0)


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, output_padding=0, groups: int = 1,
    dilation=1,
) -> Tensor:  # fmt: skip
    """Transposed convolution of signals (N, C, L) with kernels (C, O / groups, K).

    Args:
        input, weight, bias, stride, groups, dilation: as for :func:`conv1d`.
        padding (int or tuple): takes that much off both sides of the result. Default: 0.
        output_padding (int or tuple): adds that much to one side of the result. Default: 0.

    Returns:
        Tensor: each size is (n - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.conv_transpose1d(torch.ones(1, 1, 2), torch.ones(1, 1, 2))
        tensor([[[1., 2., 1.]]])
    """
    return transpose_convolve(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@composed
def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, output_padding=0, groups: int = 1,
    dilation=1,
) -> Tensor:  # fmt: skip
    """Transposed convolution of images (N, C, H, W) with kernels (C, O / groups, KH, KW).

    Args:
        input, weight, bias, stride, groups, dilation: as for :func:`conv2d`.
        padding (int or tuple): takes that much off both sides of the result. Default: 0.
        output_padding (int or tuple): adds that much to one side of the result. Default: 0.

    Returns:
        Tensor: each size is (n - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 1, 2))
        tensor([[[[1., 2., 1.]]]])
    """
    return transpose_convolve(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@composed
def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, padding=0, output_padding=0, groups: int = 1,
    dilation=1,
) -> Tensor:  # fmt: skip
    """Transposed convolution of volumes (N, C, D, H, W) with kernels (C, O / groups, KD, KH, KW).

    Args:
        input, weight, bias, stride, groups, dilation: as for :func:`conv3d`.
        padding (int or tuple): takes that much off both sides of the result. Default: 0.
        output_padding (int or tuple): adds that much to one side of the result. Default: 0.

    Returns:
        Tensor: each size is (n - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.conv_transpose3d(torch.ones(1, 1, 1, 1, 2), torch.ones(1, 1, 1, 1, 2))
        tensor([[[[[1., 2., 1.]]]]])
    """
    return transpose_convolve(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
