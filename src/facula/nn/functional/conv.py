"""Convolutions over one and two spatial dimensions; the arithmetic is one native operation."""

from __future__ import annotations

from facula import Tensor
from facula._native import native

from .padding import pad

__all__ = ["conv1d", "conv2d"]


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


def _per_dimension(value, n: int, name: str, function: str) -> tuple:
    if isinstance(value, int):
        return (value,) * n
    value = tuple(value)
    if len(value) == n:
        return value
    if len(value) == 1:
        return value * n
    raise RuntimeError(f"{function}: expected {name} to be a single integer value or {n} of them, but got {value}")


def same_padding(size: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after one dimension that keep its size for kernel length ``size``; an odd one goes last."""
    total = dilation * (size - 1)
    return total // 2, total - total // 2


def convolve(n: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride, padding, dilation, groups) -> Tensor:
    """Convolution over ``n`` spatial dimensions with PyTorch's forms of arguments, batched or not."""
    name = f"conv{n}d"
    stride = _per_dimension(stride, n, "stride", name)
    dilation = _per_dimension(dilation, n, "dilation", name)
    ndim = input.dim()
    if ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, "
            f"but got input of size: {list(input.shape)}"
        )
    if isinstance(padding, str):
        input, padding = _named_padding(n, input, weight, stride, padding, dilation)
    else:
        padding = _per_dimension(padding, n, "padding", name)
    if ndim == n + 2:
        return _convolution(input, weight, bias, stride, padding, dilation, groups)
    return _convolution(input.unsqueeze(0), weight, bias, stride, padding, dilation, groups).squeeze(0)


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
