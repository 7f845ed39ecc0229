"""interpolate: an image, signal or volume at another size, one dimension after the other."""

from __future__ import annotations

import math

import facula
from facula import Tensor

from .pooling import adaptive_avg_pool1d, adaptive_avg_pool2d

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_DIMS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
_CUBIC = -0.75  # Keys 1981, as PyTorch and OpenCV have it; antialiased, as Pillow has it
_CUBIC_ANTIALIAS = -0.5


def _scale(size: int, out: int, factor: float | None, align_corners: bool | None) -> float:
    """How far apart in the input two neighbours of the output are."""
    if align_corners:
        return (size - 1) / (out - 1) if out > 1 else 0.0
    return 1.0 / factor if factor is not None and factor > 0 else size / out


def _positions(out: int, scale: float, align_corners: bool | None, dtype) -> Tensor:
    at = facula.arange(out, dtype=dtype)
    scale = facula.tensor(scale, dtype=dtype)
    return at * scale if align_corners else (at + 0.5) * scale - 0.5


def _nearest(x: Tensor, dim: int, out: int, factor: float | None, exact: bool) -> Tensor:
    size = x.shape[dim]
    if size == out and factor in (None, 1.0):
        return x
    dtype = facula.float64 if x.dtype == facula.float64 else facula.float32
    at = facula.arange(out, dtype=dtype) + (0.5 if exact else 0.0)
    source = at * facula.tensor(_scale(size, out, factor, False), dtype=dtype)
    return x.index_select(dim, source.float().floor().long().clamp(max=size - 1))


def _along(values: Tensor, x: Tensor, dim: int) -> Tensor:
    """A value for each place of one dimension, in a shape that broadcasts against x."""
    return values.to(x.dtype).reshape([-1 if d == dim else 1 for d in range(x.dim())])


def _linear(x: Tensor, dim: int, out: int, factor: float | None, align_corners: bool | None) -> Tensor:
    size = x.shape[dim]
    if size == out and (align_corners or factor in (None, 1.0)):
        return x
    dtype = facula.float64 if x.dtype == facula.float64 else facula.float32
    at = _positions(out, _scale(size, out, factor, align_corners), align_corners, dtype).clamp(min=0)
    low = at.floor().long().clamp(max=size - 1)
    share = (at - low.to(dtype)).clamp(0, 1)
    first, second = x.index_select(dim, low), x.index_select(dim, (low + 1).clamp(max=size - 1))
    return first * _along(1 - share, x, dim) + second * _along(share, x, dim)


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Of the four neighbours of a place, t beyond the second (Keys 1981, equation 4)."""
    a = _CUBIC

    def near(x):
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _cubic(x: Tensor, dim: int, out: int, factor: float | None, align_corners: bool | None) -> Tensor:
    size = x.shape[dim]
    if size == out and (align_corners or factor in (None, 1.0)):
        return x
    dtype = facula.float64 if x.dtype == facula.float64 else facula.float32
    at = _positions(out, _scale(size, out, factor, align_corners), align_corners, dtype)
    low = at.floor()
    weights, base = _cubic_weights(at - low), low.long()
    total = None
    for k, weight in enumerate(weights):
        term = x.index_select(dim, (base + (k - 1)).clamp(0, size - 1)) * _along(weight, x, dim)
        total = term if total is None else total + term
    return total  # type: ignore[return-value]


def _triangle(x: float) -> float:
    return max(1.0 - abs(x), 0.0)


def _cubic_filter(x: float) -> float:
    a, x = _CUBIC_ANTIALIAS, abs(x)
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2.0 else 0.0


def _antialiased(x: Tensor, dim: int, out: int, factor: float | None, align_corners: bool | None, cubic: bool):
    """A filter as wide as the step between outputs, as Pillow's resize has it: a product with a banded matrix."""
    size = x.shape[dim]
    scale = _scale(size, out, factor, align_corners)
    filter, width = (_cubic_filter, 4) if cubic else (_triangle, 2)
    support = 0.5 * width * max(scale, 1.0)
    shrink = 1.0 / scale if scale >= 1.0 else 1.0
    rows = []
    for i in range(out):
        centre = scale * (i + 0.5)
        start = max(int(centre - support + 0.5), 0)
        end = min(int(centre + support + 0.5), size)
        weights = [filter((j - centre + 0.5) * shrink) for j in range(start, end)]
        total = sum(weights) or 1.0
        rows.append([0.0] * start + [w / total for w in weights] + [0.0] * (size - end))
    matrix = facula.tensor(rows, dtype=x.dtype)
    return (x.transpose(dim, -1) @ matrix.T).transpose(dim, -1)


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
    space = list(input.shape[2:])
    if any(s <= 0 for s in (*sizes, *space)):
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input {space} and output {sizes}")
    if mode == "area":
        from .volume_pooling import adaptive_avg_pool3d

        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[len(sizes) - 1](input, sizes)
    integer = input.dtype == facula.uint8 and mode in _DIMS
    # One rounding at the end, not one for each dimension.
    narrow = mode in _DIMS and input.dtype in (facula.bfloat16, facula.float16)
    result = input.float() if integer or narrow else input
    for dim in reversed(range(2, input.dim())):
        out, factor = sizes[dim - 2], factors[dim - 2]
        if mode in ("nearest", "nearest-exact"):
            result = _nearest(result, dim, out, factor, mode == "nearest-exact")
        elif antialias:
            result = _antialiased(result, dim, out, factor, align_corners, mode == "bicubic")
        elif mode == "bicubic":
            result = _cubic(result, dim, out, factor, align_corners)
        else:
            result = _linear(result, dim, out, factor, align_corners)
    if integer:
        result = result.round().clamp(0, 255).to(input.dtype)
    elif narrow:
        result = result.to(input.dtype)
    return result.clone() if result is input else result


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
