"""Sampling images at given places, and moving values between channels and space."""

from __future__ import annotations

import math

import facula
from facula import Tensor
from facula._native import autocasts

__all__ = [
    "affine_grid",
    "channel_shuffle",
    "grid_sample",
    "native_channel_shuffle",
    "pixel_shuffle",
    "pixel_unshuffle",
]


@autocasts("off")
def affine_grid(theta: Tensor, size, align_corners: bool | None = None) -> Tensor:
    """Where an affine map takes the places of an output image, for :func:`grid_sample`.

    Args:
        theta (Tensor): (N, 2, 3) or (N, 3, 4).
        size (sequence of int): (N, C, H, W) or (N, C, D, H, W), of the output.
        align_corners (bool): -1 and 1 are the centres of the corner pixels, not their edges. Default: False.

    Returns:
        Tensor: (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        ValueError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> theta = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
        >>> torch.nn.functional.affine_grid(theta, (1, 1, 1, 2), align_corners=False)
        tensor([[[[-0.5000,  0.0000],
                  [ 0.5000,  0.0000]]]])
    """
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {tuple(size)}."
        )
    if theta.dim() != 3 or tuple(theta.shape[-2:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {tuple(size)}. "
            f"Got {tuple(theta.shape)}."
        )
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    space = tuple(size[2:])
    columns = []
    for d in reversed(range(n)):
        length = space[d]
        line = facula.linspace(-1, 1, length, dtype=theta.dtype) if length > 1 else theta.new_zeros(1)
        if not align_corners:
            line = line * ((length - 1) / length)
        columns.append(line.reshape([-1 if k == d else 1 for k in range(n)]).expand(space))
    base = facula.stack([*columns, theta.new_ones(space)], -1).reshape(1, -1, n + 1)
    return (base @ theta.transpose(1, 2)).reshape(theta.shape[0], *space, n)


def _unnormalised(x: Tensor, size: int, align_corners: bool | None) -> Tensor:
    return (x + 1) / 2 * (size - 1) if align_corners else ((x + 1) * size - 1) / 2


def _reflected(x: Tensor, low2: int, high2: int) -> Tensor:
    """Mirrored at low2 / 2 and high2 / 2 as often as needed."""
    if low2 == high2:
        return x * 0
    low, span = low2 / 2, (high2 - low2) / 2
    x = (x - low).abs()
    extra = x - (x.detach() / span).floor() * span
    flips = (x.detach() / span).floor() % 2
    return facula.where(flips == 0, extra + low, span - extra + low)


def _placed(x: Tensor, size: int, padding_mode: str, align_corners: bool | None) -> Tensor:
    """A coordinate in pixels, brought inside by the padding mode."""
    if padding_mode == "reflection":
        x = _reflected(x, 0, 2 * (size - 1)) if align_corners else _reflected(x, -1, 2 * size - 1)
    return x if padding_mode == "zeros" else x.clamp(0, size - 1)


def _fetch(input: Tensor, places: list[Tensor]) -> Tensor:
    """Values at whole coordinates (N, points), zero outside: (N, C, points)."""
    flat, inside = None, None
    for x, size in zip(places, input.shape[2:]):
        ok = (x >= 0) & (x < size)
        inside = ok if inside is None else inside & ok
        index = x.clamp(0, size - 1).long()
        flat = index if flat is None else flat * size + index
    n, c = input.shape[:2]
    values = input.flatten(2).gather(2, flat.unsqueeze(1).expand(n, c, -1))  # type: ignore[union-attr]
    return values * inside.unsqueeze(1).to(values.dtype)  # type: ignore[union-attr]


def _sample_linear(input: Tensor, at: list[Tensor]) -> Tensor:
    """Weighted corners of the cell around each point."""
    low = [x.detach().floor() for x in at]
    total = None
    for corner in range(2 ** len(at)):
        weight, places = None, []
        for d, (x, first) in enumerate(zip(at, low)):
            upper = corner >> d & 1
            share = x - first if upper else first + 1 - x
            weight = share if weight is None else weight * share
            places.append(first + upper)
        term = _fetch(input, places) * weight.unsqueeze(1)  # type: ignore[union-attr]
        total = term if total is None else total + term
    return total  # type: ignore[return-value]


def _sample_cubic(input: Tensor, at: list[Tensor], padding_mode: str, align_corners: bool | None) -> Tensor:
    from .resampling import _cubic_weights

    low = [x.detach().floor() for x in at]
    weights = [_cubic_weights(x - first) for x, first in zip(at, low)]
    total = None
    for i in range(4):
        for j in range(4):
            places = [
                _placed(first + (k - 1), size, padding_mode, align_corners)
                for first, k, size in zip(low, (i, j), input.shape[2:])
            ]
            term = _fetch(input, places) * (weights[0][i] * weights[1][j]).unsqueeze(1)
            total = term if total is None else total + term
    return total  # type: ignore[return-value]


@autocasts("float32")
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Values of an image at given places.

    Args:
        input (Tensor): (N, C, H, W) or (N, C, D, H, W).
        grid (Tensor): (N, H_out, W_out, 2) or (N, D_out, H_out, W_out, 3), coordinates (x, y[, z]) in [-1, 1].
        mode (str): "bilinear", "nearest" or "bicubic" (images only). Default: "bilinear".
        padding_mode (str): beyond the border: "zeros", "border" or "reflection". Default: "zeros".
        align_corners (bool): -1 and 1 are the centres of the corner pixels, not their edges. Default: False.

    Returns:
        Tensor: (N, C, H_out, W_out) or (N, C, D_out, H_out, W_out).

    Raises:
        ValueError: an unknown mode.
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> image = torch.tensor([[[[1.0, 3.0]]]])
        >>> torch.nn.functional.grid_sample(image, torch.zeros(1, 1, 1, 2), align_corners=False)
        tensor([[[[2.]]]])
    """
    if grid.dtype is not input.dtype:
        raise RuntimeError(
            f"grid_sampler(): expected scalar type {input.dtype._scalar_name} but found {grid.dtype._scalar_name}: "
            "input and grid must have the same dtype"
        )
    if not input.is_floating_point():
        raise NotImplementedError(f"grid_sampler(): not implemented for '{input.dtype._scalar_name}'")
    if input.element_size() == 2:  # half types are rounded once, at the end
        return grid_sample(input.float(), grid.float(), mode, padding_mode, align_corners).to(input.dtype)
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    n = input.dim() - 2
    if n not in (2, 3) or grid.dim() != input.dim() or grid.shape[-1] != n or grid.shape[0] != input.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with the same batch size and number of dimensions, and "
            f"grid to have size {n} in last dimension, but got input with sizes {list(input.shape)} and grid with "
            f"sizes {list(grid.shape)}"
        )
    if min(input.shape[2:]) == 0:
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
            f"{list(input.shape)}"
        )
    if n == 3 and mode == "bicubic":
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    space = input.shape[2:]
    at = [_unnormalised(grid[..., n - 1 - d].reshape(grid.shape[0], -1), space[d], align_corners) for d in range(n)]
    if mode == "bicubic":
        result = _sample_cubic(input, at, padding_mode, align_corners)
    else:
        at = [_placed(x, size, padding_mode, align_corners) for x, size in zip(at, space)]
        result = _fetch(input, [x.detach().round() for x in at]) if mode == "nearest" else _sample_linear(input, at)
        if mode == "nearest" and grid.requires_grad:
            result = result + (grid * 0).sum()  # the place of a nearest pixel has a gradient, which is zero
    return result.reshape(*input.shape[:2], *grid.shape[1:-1])


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r^2, H, W) as (*, C, H r, W r) (Shi et al. 2016).

    Args:
        input (Tensor): at least three dimensions.
        upscale_factor (int): r.

    Raises:
        RuntimeError: the channels are not a multiple of r^2.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.pixel_shuffle(torch.arange(4.0).reshape(4, 1, 1), 2)
        tensor([[[0., 1.],
                 [2., 3.]]])
    """
    r = upscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={c} is not divisible by {r * r}"
        )
    k = len(lead)
    x = input.reshape(*lead, c // (r * r), r, r, h, w)
    return x.permute(*range(k), k, k + 3, k + 1, k + 4, k + 2).reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) as (*, C r^2, H, W), the inverse of :func:`pixel_shuffle`.

    Args:
        input (Tensor): at least three dimensions.
        downscale_factor (int): r.

    Raises:
        RuntimeError: height or width is not a multiple of r.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.pixel_unshuffle(torch.arange(4.0).reshape(1, 2, 2), 2).flatten()
        tensor([0., 1., 2., 3.])
    """
    r = downscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, c, h, w = input.shape
    for name, size in (("height", h), ("width", w)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but {size} is not divisible "
                f"by {r}"
            )
    k = len(lead)
    x = input.reshape(*lead, c, h // r, r, w // r, r)
    return x.permute(*range(k), k, k + 2, k + 4, k + 1, k + 3).reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave the channels of several groups (Zhang et al. 2018).

    Args:
        input (Tensor): (N, C, ...).
        groups (int): divides C.

    Raises:
        RuntimeError: it does not.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.channel_shuffle(torch.arange(4.0).reshape(1, 4, 1), 2).flatten()
        tensor([0., 2., 1., 3.])
    """
    if input.dim() < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    n, c, *rest = input.shape
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    if input.numel() == 0:
        return input.clone()
    return input.reshape(n, groups, c // groups, math.prod(rest)).transpose(1, 2).reshape(input.shape)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Another name of :func:`channel_shuffle`.

    Args:
        input, groups: as for :func:`channel_shuffle`.
    """
    return channel_shuffle(input, groups)
