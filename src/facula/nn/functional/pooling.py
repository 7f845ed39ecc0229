"""Maximum and average pooling over one and two dimensions, by window or by output size."""

from __future__ import annotations

from facula import Tensor
from facula._native import composed, native
from facula.functional.arguments import write_out_same

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d",
    "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices",
]  # fmt: skip


@native
def _max_pool2d_with_indices(
    input: Tensor,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    ceil_mode: bool,
) -> tuple[Tensor, Tensor]:
    """Maximum of each window of (N, C, H, W) and its index in the flattened H x W plane."""


@native
def _avg_pool2d(
    input: Tensor,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    """Mean of each window of (N, C, H, W)."""


@native
def _adaptive_avg_pool2d(input: Tensor, output_size: tuple[int, ...]) -> Tensor:
    """Mean over as many windows of (N, C, H, W) as the output has pixels."""


def _numbers(value, n: int, name: str, function: str) -> tuple:
    if isinstance(value, int):
        return (value,) * n
    value = tuple(value)
    if len(value) not in (1, n):
        what = "a single int" if n == 1 else "either be a single int, or a tuple of two ints"
        raise RuntimeError(f"{function}: {name} must {what}, but got {value}")
    return value if len(value) == n else value * n


def _check_dims(function: str, input: Tensor, n: int) -> None:
    if input.dim() not in (n + 1, n + 2):
        raise RuntimeError(
            f"{function}() Expected {n + 1}D or {n + 2}D input tensor, but got {input.dim()}D: {list(input.shape)}"
        )


def _windows(function: str, n: int, kernel_size, stride, **others) -> list[tuple]:
    """kernel_size, stride (default: kernel_size) and the others as tuples of two; a missing height is 1, padding 0."""
    kernel = _numbers(kernel_size, n, "kernel_size", function)
    no_stride = stride is None or (not isinstance(stride, int) and len(stride) == 0)
    tuples = [kernel, kernel if no_stride else _numbers(stride, n, "stride", function)]
    tuples += [_numbers(value, n, name, function) for name, value in others.items()]
    if n == 2:
        return tuples
    heights = [1, 1, *(0 if name == "padding" else 1 for name in others)]
    return [(height, *sizes) for height, sizes in zip(heights, tuples)]


def _as_images(input: Tensor, n: int) -> Tensor:
    """(N, C, 1, L) for signals, (N, C, H, W) for images; a missing N is added."""
    if n == 1:
        input = input.unsqueeze(-2)
    return input if input.dim() == 4 else input.unsqueeze(0)


def _max_pool(n: int, input: Tensor, kernel_size, stride, padding, dilation, ceil_mode: bool):
    function = f"max_pool{n}d"
    _check_dims(function, input, n)
    kernel, step, pad, gap = _windows(function, n, kernel_size, stride, padding=padding, dilation=dilation)
    results = _max_pool2d_with_indices(_as_images(input, n), kernel, step, pad, gap, ceil_mode)
    if n == 1:
        results = [r.squeeze(-2) for r in results]
    if input.dim() == n + 1:
        results = [r.squeeze(0) for r in results]
    return tuple(results)


def max_pool1d_with_indices(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool1d` together with the position of each maximum.

    Args:
        input, kernel_size, stride, padding, dilation, ceil_mode: as for :func:`max_pool1d`.
        return_indices (bool): ignored.

    Returns:
        tuple[Tensor, Tensor]: maxima, and their int64 indices along L.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.max_pool1d_with_indices(torch.tensor([[1.0, 3.0]]), 2)
        (tensor([[3.]]), tensor([[1]]))
    """
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)


@composed
def max_pool1d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False,
    return_indices: bool = False,
):  # fmt: skip
    """Maximum over windows of a signal.

    Args:
        input (Tensor): (N, C, L) or (C, L).
        kernel_size (int): length of the window.
        stride (int): Default: ``kernel_size``.
        padding (int): minus infinities at both ends, at most half the window. Default: 0.
        dilation (int): distance between window elements. Default: 1.
        ceil_mode (bool): keep a last, incomplete window. Default: False.
        return_indices (bool): also return positions. Default: False.

    Returns:
        Tensor: (N, C, L_out) or (C, L_out); with ``return_indices`` a pair.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
        tensor([[3., 2.]])
    """
    pooled = _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)
    return pooled if return_indices else pooled[0]


def max_pool2d_with_indices(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool2d` together with the position of each maximum.

    Args:
        input, kernel_size, stride, padding, dilation, ceil_mode: as for :func:`max_pool2d`.
        return_indices (bool): ignored.

    Returns:
        tuple[Tensor, Tensor]: maxima, and their int64 indices in the flattened plane.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.max_pool2d_with_indices(torch.tensor([[[1.0], [3.0]]]), (2, 1))
        (tensor([[[3.]]]), tensor([[[1]]]))
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)


@composed
def max_pool2d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False,
    return_indices: bool = False,
):  # fmt: skip
    """Maximum over windows of an image.

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W).
        kernel_size (int or pair): size of the window.
        stride (int or pair): Default: ``kernel_size``.
        padding (int or pair): minus infinities on both sides, at most half the window. Default: 0.
        dilation (int or pair): distance between window elements. Default: 1.
        ceil_mode (bool): keep last, incomplete windows. Default: False.
        return_indices (bool): also return positions. Default: False.

    Returns:
        Tensor: (N, C, H_out, W_out) or without N; with ``return_indices`` a pair.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.max_pool2d(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
        tensor([[[3.]]])
    """
    pooled = _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return pooled if return_indices else pooled[0]


@composed
def avg_pool1d(
    input: Tensor, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True
) -> Tensor:
    """Mean over windows of a signal.

    Args:
        input (Tensor): (N, C, L) or (C, L).
        kernel_size (int): length of the window.
        stride (int): Default: ``kernel_size``.
        padding (int): zeros at both ends. Default: 0.
        ceil_mode (bool): keep a last, incomplete window. Default: False.
        count_include_pad (bool): count those zeros in the mean. Default: True.

    Returns:
        Tensor: (N, C, L_out) or (C, L_out).

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.avg_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
        tensor([[2., 1.]])
    """
    _check_dims("avg_pool1d", input, 1)
    kernel, step, pad = _windows("avg_pool1d", 1, kernel_size, stride, padding=padding)
    result = _avg_pool2d(_as_images(input, 1), kernel, step, pad, ceil_mode, count_include_pad, None).squeeze(-2)
    return result if input.dim() == 3 else result.squeeze(0)


def avg_pool2d(
    input: Tensor, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None, *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean over windows of an image.

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W).
        kernel_size (int or pair): size of the window.
        stride (int or pair): Default: ``kernel_size``.
        padding (int or pair): zeros on both sides. Default: 0.
        ceil_mode (bool): keep last, incomplete windows. Default: False.
        count_include_pad (bool): count those zeros in the mean. Default: True.
        divisor_override (int): divide the sums by this instead. Optional.
        out (Tensor): where to put the result. Optional.

    Returns:
        Tensor: (N, C, H_out, W_out) or without N.

    Raises:
        RuntimeError: the shapes do not fit, or the divisor is 0.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.avg_pool2d(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
        tensor([[[1.5000]]])
    """
    _check_dims("avg_pool2d", input, 2)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    kernel, step, pad = _windows("avg_pool2d", 2, kernel_size, stride, padding=padding)
    images = _as_images(input, 2)
    result = _avg_pool2d(images, kernel, step, pad, ceil_mode, count_include_pad, divisor_override)
    result = result if input.dim() == 4 else result.squeeze(0)
    return result if out is None else write_out_same(result, out)


def _check_output_size(input: Tensor, output_size) -> None:
    """A tuple of sizes as long as the input has dimensions is a ValueError; every other misfit is a RuntimeError."""
    if isinstance(output_size, (tuple, list)) and input.dim() <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")


def _adaptive_mean(input: Tensor, size: tuple[int, int]) -> Tensor:
    return input.mean((-2, -1), keepdim=True) if size == (1, 1) else _adaptive_avg_pool2d(input, size)


@composed
def adaptive_avg_pool1d(input: Tensor, output_size) -> Tensor:
    """Mean over as many windows as the output is long.

    Args:
        input (Tensor): (N, C, L) or (C, L).
        output_size (int): L_out.

    Returns:
        Tensor: (N, C, L_out) or (C, L_out).

    Raises:
        RuntimeError: the input has another number of dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.adaptive_avg_pool1d(torch.tensor([[1.0, 3.0, 2.0]]), 2)
        tensor([[2.0000, 2.5000]])
    """
    _check_dims("adaptive_avg_pool1d", input, 1)
    (out,) = _numbers(output_size, 1, "output_size", "adaptive_avg_pool1d")
    return _adaptive_mean(input.unsqueeze(-2), (1, out)).squeeze(-2)  # of a picture of one line


def adaptive_avg_pool2d(input: Tensor, output_size) -> Tensor:
    """Mean over as many windows as the output has pixels.

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W).
        output_size (int or pair): (H_out, W_out); None keeps a size.

    Returns:
        Tensor: (N, C, H_out, W_out) or without N.

    Raises:
        RuntimeError: the input has another number of dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 3, 4, 5), 1).shape
        torch.Size([1, 3, 1, 1])
    """
    _check_output_size(input, output_size)
    _check_dims("adaptive_avg_pool2d", input, 2)
    pair = (output_size,) * 2 if output_size is None or isinstance(output_size, int) else tuple(output_size)
    if len(pair) != 2:
        raise RuntimeError(f"adaptive_avg_pool2d: output_size must be 2, but got {pair}")
    height, width = (given if given is not None else size for given, size in zip(pair, input.shape[-2:]))
    return _adaptive_mean(input, (height, width))
