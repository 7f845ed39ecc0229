"""Power-average pooling, fractional maximum pooling, and unpooling."""

from __future__ import annotations

import math

import facula
from facula import Tensor
from facula._native import autocasts, composed

from .pooling import _numbers, avg_pool1d, avg_pool2d
from .volume_pooling import avg_pool3d

__all__ = [
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_unpool1d", "max_unpool2d",
    "max_unpool3d",
]  # fmt: skip


def _lp_pool(n: int, input: Tensor, norm_type: float, kernel_size, stride, ceil_mode: bool) -> Tensor:
    pool = (avg_pool1d, avg_pool2d, avg_pool3d)[n - 1]
    mean = pool(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    count = math.prod(_numbers(kernel_size, n, "kernel_size", f"lp_pool{n}d"))
    return (mean.sign() * mean.abs().relu()).mul(count).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: int | float, kernel_size: int, stride=None, ceil_mode: bool = False) -> Tensor:
    """(sum of x ** p over the window) ** (1 / p), over a signal.

    Args:
        input (Tensor): (N, C, L) or (C, L).
        norm_type (float): p.
        kernel_size (int): length of the window.
        stride (int): Default: ``kernel_size``.
        ceil_mode (bool): keep a last, incomplete window. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.lp_pool1d(torch.tensor([[3.0, 4.0]]), 2, 2)
        tensor([[5.]])
    """
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: int | float, kernel_size, stride=None, ceil_mode: bool = False) -> Tensor:
    """(sum of x ** p over the window) ** (1 / p), over an image.

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W).
        norm_type, kernel_size, stride, ceil_mode: as for :func:`lp_pool1d`.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.lp_pool2d(torch.tensor([[[3.0, 4.0]]]), 2, (1, 2))
        tensor([[[5.]]])
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: int | float, kernel_size, stride=None, ceil_mode: bool = False) -> Tensor:
    """(sum of x ** p over the window) ** (1 / p), over a volume.

    Args:
        input (Tensor): (N, C, D, H, W) or (C, D, H, W).
        norm_type, kernel_size, stride, ceil_mode: as for :func:`lp_pool1d`.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.lp_pool3d(torch.tensor([[[[3.0, 4.0]]]]), 2, (1, 1, 2))
        tensor([[[[5.]]]])
    """
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


# ---- fractional maximum (Graham 2014) ----


def _starts(samples: Tensor, size: int, out: int, kernel: int) -> Tensor:
    """Where the windows of one dimension start: (..., out) for samples (...)."""
    if out == 1:
        return facula.full((*samples.shape, 1), size - kernel, dtype=facula.int64)
    alpha = facula.tensor(size - kernel, dtype=samples.dtype) / (out - 1)
    steps = facula.arange(out - 1, dtype=samples.dtype)
    sample = samples.unsqueeze(-1)
    first = ((steps + sample) * alpha).long() - (sample * alpha).long()
    return facula.cat([first, facula.full((*samples.shape, 1), size - kernel, dtype=facula.int64)], -1)


@autocasts("float32")
def _fractional(n: int, input: Tensor, kernel_size, output_size, output_ratio, samples) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if input.dim() not in (n + 1, n + 2):
        raise RuntimeError(f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(input.shape)}")
    space = input.shape[input.dim() - n :]
    if output_size is None:
        ratios = (output_ratio,) * n if isinstance(output_ratio, float) else tuple(output_ratio)
        if any(not 0 < r < 1 for r in ratios):
            raise ValueError(f"{name}: output_ratio must be between 0 and 1, but got {output_ratio}")
        output_size = [int(s * r) for s, r in zip(space, ratios)]
    out = _numbers(output_size, n, "output_size", name)
    kernel = _numbers(kernel_size, n, "kernel_size", name)
    for size, o, k in zip(space, out, kernel):
        if o + k - 1 > size:
            raise RuntimeError(
                f"{name}(): pool size {kernel} and output {out} too large relative to input {list(space)}"
            )
    batch = input if input.dim() == n + 2 else input.unsqueeze(0)
    if samples is None:
        samples = facula.rand(batch.shape[0], batch.shape[1], n, dtype=input.dtype)
    samples = samples[: batch.shape[0]]  # an unbatched input takes the first
    order = range(n) if n == 3 else (1, 0)  # PyTorch's samples for images are (width, height)
    lead, flat = tuple(batch.shape[:2]), None
    for d in range(n):
        line = _starts(samples[..., order[d]], space[d], out[d], kernel[d])
        line = line.unsqueeze(-1) + facula.arange(kernel[d])  # (N, C, out, kernel)
        line = line.reshape(*lead, *[out[d] if k == d else kernel[d] if k == n + d else 1 for k in range(2 * n)])
        flat = line if flat is None else flat * space[d] + line
    places = flat.reshape(*lead, math.prod(out), math.prod(kernel))  # type: ignore[union-attr]
    windows = batch.flatten(2).gather(2, places.flatten(2)).reshape(places.shape)
    values, chosen = windows.max(-1)
    index = places.gather(-1, chosen.unsqueeze(-1))
    shape = (*(lead if batch is input else lead[1:]), *out)
    return values.reshape(shape), index.reshape(shape)


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`fractional_max_pool2d` together with the position of each maximum in the flattened plane."""
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool2d(
    input: Tensor, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
):  # fmt: skip
    """Maximum over windows at random places, as many as asked for (Graham 2014).

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W).
        kernel_size (int or pair): size of the window.
        output_size (int or pair): of the result.
        output_ratio (float or pair): or its share of the input's size, in (0, 1).
        return_indices (bool): also return positions. Default: False.

    Raises:
        ValueError: neither size nor ratio, or a bad ratio.
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.fractional_max_pool2d(torch.arange(4.0).reshape(1, 2, 2), 2, output_size=1)
        tensor([[[3.]]])
    """
    pooled = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return pooled if return_indices else pooled[0]


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`fractional_max_pool3d` together with the position of each maximum in the flattened volume."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d(
    input: Tensor, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
):  # fmt: skip
    """Maximum over windows at random places of a volume (Graham 2014).

    Args:
        input (Tensor): (N, C, D, H, W) or (C, D, H, W).
        kernel_size, output_size, output_ratio, return_indices: as for :func:`fractional_max_pool2d`.

    Raises:
        ValueError: neither size nor ratio, or a bad ratio.
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.fractional_max_pool3d(torch.arange(8.0).reshape(1, 2, 2, 2), 2, output_size=1)
        tensor([[[[7.]]]])
    """
    pooled = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return pooled if return_indices else pooled[0]


# ---- unpooling ----


@autocasts("float32")
def _unpool(n: int, input: Tensor, indices: Tensor, kernel_size, stride, padding, output_size) -> Tensor:
    name = f"max_unpool{n}d"
    kernel = _numbers(kernel_size, n, "kernel_size", name)
    step = kernel if stride is None else _numbers(stride, n, "stride", name)
    pad = _numbers(padding, n, "padding", name)
    space = input.shape[input.dim() - n :]
    default = [(s - 1) * t + k - 2 * p for s, t, k, p in zip(space, step, kernel, pad)]
    if output_size is None:
        size = default
    else:
        size = list(output_size)
        if len(size) == n + 2:
            size = size[2:]
        if len(size) != n:
            raise ValueError(
                f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of "
                f"'{len(output_size)}'"
            )
        for d in range(n):
            low, high = default[d] - step[d], default[d] + step[d]
            if not low < size[d] < high:
                raise ValueError(f'invalid output_size "{size}" (dim {d} must be between {low} and {high})')
    if indices.dtype != facula.int64:
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype}")
    if indices.shape != input.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but got indices "
            f"tensor with shape: {list(indices.shape)}"
        )
    lead, total = tuple(input.shape[: input.dim() - n]), math.prod(size)
    flat = indices.reshape(*lead, -1)
    if flat.numel() and not 0 <= int(flat.min()) <= int(flat.max()) < total:
        raise RuntimeError(f"Found an invalid max index: {int(flat.max())} (output volumes are of size {size})")
    result = input.new_zeros(*lead, total).scatter(-1, flat, input.reshape(*lead, -1))
    return result.reshape(*lead, *size)


def max_unpool1d(input: Tensor, indices: Tensor, kernel_size, stride=None, padding=0, output_size=None) -> Tensor:
    """Put maxima back where they came from; everything else is zero.

    Args:
        input (Tensor): (N, C, L) or (C, L), maxima.
        indices (Tensor): where they were, from :func:`max_pool1d`.
        kernel_size, stride, padding: of the pooling.
        output_size (sequence of int): the size before it, where several are possible. Optional.

    Raises:
        ValueError: ``output_size`` is not possible.
        RuntimeError: an index is out of range.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.max_unpool1d(torch.tensor([[3.0]]), torch.tensor([[1]]), 2)
        tensor([[0., 3.]])
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


@composed
def max_unpool2d(input: Tensor, indices: Tensor, kernel_size, stride=None, padding=0, output_size=None) -> Tensor:
    """Put maxima back where they came from; everything else is zero.

    Args:
        input (Tensor): (N, C, H, W) or (C, H, W), maxima.
        indices, kernel_size, stride, padding, output_size: as for :func:`max_unpool1d`.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.max_unpool2d(torch.tensor([[[3.0]]]), torch.tensor([[[1]]]), 2)
        tensor([[[0., 3.],
                 [0., 0.]]])
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


@composed
def max_unpool3d(input: Tensor, indices: Tensor, kernel_size, stride=None, padding=0, output_size=None) -> Tensor:
    """Put maxima back where they came from; everything else is zero.

    Args:
        input (Tensor): (N, C, D, H, W) or (C, D, H, W), maxima.
        indices, kernel_size, stride, padding, output_size: as for :func:`max_unpool1d`.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.max_unpool3d(torch.tensor([[[[3.0]]]]), torch.tensor([[[[1]]]]), (1, 1, 2)).flatten()
        tensor([0., 3.])
    """
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
