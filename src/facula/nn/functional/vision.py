"""Sampling images at given places, and moving values between channels and space."""

from __future__ import annotations

import math

import facula
from facula import Tensor
from facula._native import autocasts, composed, native

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
    rows = []
    for d in reversed(range(n)):
        length = space[d]
        line = facula.linspace(-1, 1, length, dtype=theta.dtype) if length > 1 else theta.new_zeros(1)
        if not align_corners:
            line = line * ((length - 1) / length)
        rows.append(line.reshape([-1 if k == d else 1 for k in range(n)]).expand(space))
    base = facula.stack([*rows, theta.new_ones(()).expand(space)]).reshape(n + 1, -1)
    batch = theta.shape[0]
    maps = theta.permute(2, 0, 1).reshape(n + 1, batch * n)  # all in one product: one at a time has n columns only
    places = (base.t() @ maps).reshape(base.shape[1], batch, n).transpose(0, 1).contiguous()
    return places.reshape(batch, *space, n)


_SAMPLINGS = {"bilinear": 0, "nearest": 1, "bicubic": 2}
_PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


@native
def _grid_sample(input: Tensor, grid: Tensor, mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    """Values of (N, C, *) at places (N, ..., dimensions)."""


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
    if mode not in _SAMPLINGS:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in _PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    return _grid_sample(input, grid, _SAMPLINGS[mode], _PADDINGS[padding_mode], bool(align_corners))


@composed
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
    return (
        x.permute(*range(k), k, k + 3, k + 1, k + 4, k + 2)
        .clone(memory_format=facula.contiguous_format)
        .view(*lead, c // (r * r), h * r, w * r)
    )


@composed
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
    return (
        x.permute(*range(k), k, k + 2, k + 4, k + 1, k + 3)
        .clone(memory_format=facula.contiguous_format)
        .view(*lead, c * r * r, h // r, w // r)
    )


@composed
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
    return (
        input.reshape(n, groups, c // groups, math.prod(rest))
        .transpose(1, 2)
        .clone(memory_format=facula.contiguous_format)
        .view(input.shape)
    )


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Another name of :func:`channel_shuffle`.

    Args:
        input, groups: as for :func:`channel_shuffle`.
    """
    return channel_shuffle(input, groups)
