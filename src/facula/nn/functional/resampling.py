"""interpolate: an image, signal or volume at another size. The work is one native operation."""

from __future__ import annotations

import math

from facula import Tensor
from facula._native import native

from .pooling import adaptive_avg_pool1d, adaptive_avg_pool2d

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_DIMS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
_MODES = {"nearest": 0, "nearest-exact": 1, "linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 3}
_FILTERED = {"bilinear": 4, "bicubic": 5}


@native
def _upsample(
    input: Tensor,
    output_size: tuple[int, ...],
    mode: int,
    align_corners: bool,
    first_factor: float | None,
    second_factor: float | None,
    third_factor: float | None,
) -> Tensor:
    """(N, C, *) at another size; the factors decide the positions, outermost dimension first."""


def _targets(input: Tensor, size, scale_factor, recompute) -> tuple[list[int], list[float] | list[None]]:
    """The sizes of the result, and the factors that decide the positions."""
    dims = input.dim() - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        sizes = list(size) if isinstance(size, (list, tuple)) else [size] * dims
        if len(sizes) != dims:
            raise ValueError(
                f"Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(input.shape[2:])} and output size of {size}. Please provide input tensor in "
                "(N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return [int(s) for s in sizes], [None] * dims
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    factors = list(scale_factor) if isinstance(scale_factor, (list, tuple)) else [scale_factor] * dims
    if len(factors) != dims:
        raise ValueError(
            f"Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {list(input.shape[2:])} and scale_factor of shape {scale_factor}. Please provide input "
            "tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    sizes = [math.floor(float(s) * float(f)) for s, f in zip(input.shape[2:], factors)]
    return sizes, [None] * dims if recompute else [float(f) for f in factors]


def _check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
                "trilinear"
            )
        wanted = None
    elif mode in _DIMS:
        wanted = _DIMS[mode]
    else:
        raise NotImplementedError(
            "Input Error: Only 3D, 4D and 5D input Tensors supported (got "
            f"{input.dim()}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact "
            f"(got {mode})"
        )
    if input.dim() not in (3, 4, 5) or (wanted and input.dim() != wanted):
        raise NotImplementedError(
            f"Got {input.dim()}D input, but {mode} mode needs {f'{wanted}D' if wanted else '3D, 4D or 5D'} input"
        )
    if antialias and not (mode in ("bilinear", "bicubic") and input.dim() == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input"
        )


def interpolate(
    input: Tensor,
    size=None,
    scale_factor=None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """An image, signal or volume at another size.

    Args:
        input (Tensor): (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size (int or tuple): of the result.
        scale_factor (float or tuple): or the factor.
        mode (str): "nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear" or "area".
            Default: "nearest".
        align_corners (bool): corners keep their places, instead of the outer edges. Default: False.
        recompute_scale_factor (bool): positions follow from the sizes, not from the factor. Default: False.
        antialias (bool): filter when shrinking; "bilinear" and "bicubic" only. Default: False.

    Raises:
        ValueError: size and factor do not fit, or an option the mode does not have.
        NotImplementedError: an unknown mode, or not for that many dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.interpolate(torch.tensor([[[1.0, 3.0]]]), scale_factor=2, mode="linear")
        tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    _check_mode(input, mode, align_corners, antialias)
    sizes, factors = _targets(input, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        space = list(input.shape[2:])
        if any(s <= 0 for s in (*sizes, *space)):
            raise RuntimeError(
                f"Input and output sizes should be greater than 0, but got input {space} and output {sizes}"
            )
        from .volume_pooling import adaptive_avg_pool3d

        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[len(sizes) - 1](input, sizes)
    number = _FILTERED[mode] if antialias else _MODES[mode]
    return _upsample(input, sizes, number, bool(align_corners), *factors, *(None,) * (3 - len(factors)))


def upsample(input: Tensor, size=None, scale_factor=None, mode: str = "nearest", align_corners: bool | None = None):
    """Another name of :func:`interpolate`, deprecated.

    Args:
        input, size, scale_factor, mode, align_corners: as for :func:`interpolate`.
    """
    _deprecated("upsample", "interpolate")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size=None, scale_factor=None) -> Tensor:
    """:func:`interpolate` with mode "nearest", deprecated.

    Args:
        input, size, scale_factor: as for :func:`interpolate`.
    """
    _deprecated("upsample_nearest", "interpolate")
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size=None, scale_factor=None) -> Tensor:
    """:func:`interpolate` with mode "bilinear" and aligned corners, deprecated.

    Args:
        input, size, scale_factor: as for :func:`interpolate`.
    """
    _deprecated("upsample_bilinear", "interpolate")
    return interpolate(input, size, scale_factor, "bilinear", True)


def _deprecated(name: str, other: str) -> None:
    import warnings

    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.{other}` instead.", stacklevel=3)
