"""Histograms and quantiles of torch.*: composed of sorting, searching and scattering. Bounds of sorted order are in
sorting.py."""

from __future__ import annotations

from facula._C import Tensor, int64
from facula._native import autocasts, composed, native
from facula.functional import return_types
from facula.functional.arguments import write_out
from facula.functional.comparison import ge, isnan, le
from facula.functional.creation import linspace, tensor
from facula.functional.indexing import gather, where
from facula.functional.reduction import amax, amin
from facula.functional.shape import movedim
from facula.functional.sorting import searchsorted, sort

__all__ = ["histc", "histogram", "histogramdd", "nanquantile", "quantile"]

METHODS = "histc histogram nanquantile quantile"


# ---- quantiles ----

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile_input(name: str, input: Tensor, q, interpolation: str, out: Tensor | None) -> Tensor:
    """The checked quantiles as a tensor."""
    if input.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input.dtype._scalar_name not in ("Float", "Double"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype, got {input.dtype}")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}() out tensor must be same dtype as the input tensor: expected {input.dtype}, got {out.dtype}"
        )
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        return tensor(q, dtype=input.dtype)
    if q.dim() > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor, got shape {tuple(q.shape)}")
    if q.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor: {input.dtype}, got {q.dtype}")
    if not bool((ge(q, 0) & le(q, 1)).all()):
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    return q


def _quantile(name: str, input: Tensor, q, dim, keepdim: bool, interpolation: str, out, ignore_nan: bool) -> Tensor:
    q = _quantile_input(name, input, q, interpolation, out)
    if dim is None or input.dim() == 0:
        rows = input.reshape(-1)
        if dim is not None:
            input.size(dim)  # refuses a dimension that is not there
    else:
        rows = movedim(input, dim, -1)
    last = rows.size(-1) - 1
    rows = sort(rows).values
    if ignore_nan:
        ranks = q.reshape(-1) * ((~isnan(rows)).sum(-1, keepdim=True) - 1).to(q.dtype).clamp(min=0)
    else:
        ranks = where(isnan(rows[..., last:]), float(last), q.reshape(-1) * last)
    if interpolation in ("lower", "higher", "nearest"):
        ranks = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}[interpolation]()
    below = ranks.to(int64)
    result = gather(rows, -1, below)
    if interpolation in ("linear", "midpoint"):
        weights = ranks - below.to(ranks.dtype) if interpolation == "linear" else ranks.new_full(ranks.shape, 0.5)
        result = result.lerp(gather(rows, -1, ranks.ceil().to(int64)), weights)
    if keepdim and input.dim():
        if dim is None:
            result = result.reshape(*(1,) * input.dim(), q.numel())
        else:
            result = result.unsqueeze(dim % input.dim())
    result = result.squeeze(-1) if q.dim() == 0 else movedim(result, -1, 0)
    return result if out is None else write_out(result, out)


@autocasts("float32")
def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The value below which the share ``q`` of the elements lies, along ``dim`` or of all. NaN where there is a NaN.

    Args:
        q: a share from 0 to 1, or a 1-d tensor of them, which become the first dimension of the result.
        interpolation: what to take between two elements: "linear", "lower", "higher", "midpoint" or "nearest".

    Raises:
        RuntimeError: ``input`` is empty or not of type float or double; ``q`` is outside [0, 1] or of another type.

    Example:
        >>> import facula as torch
        >>> torch.quantile(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.5, 0.75]))
        tensor([2., 3.])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, out, False)


@autocasts("float32")
def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """``quantile`` of the elements that are not NaN.

    Example:
        >>> import facula as torch
        >>> torch.nanquantile(torch.tensor([1.0, float("nan"), 4.0]), 0.5)
        tensor(2.5000)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, out, True)


# ---- histograms ----

_range = range  # the parameter of that name hides it


def _outer_edges(name: str, input: Tensor, dim: int, low: float | None, high: float | None) -> tuple[float, float]:
    """The range of the bins: as given, or that of the elements; never empty."""
    if low is None or high is None:
        low, high = (amin(input).item(), amax(input).item()) if input.numel() else (0.0, 1.0)
    if low - low or high - high:  # infinite or NaN
        whose = "" if name == "torch.histc" else f"dimension {dim}'s "
        raise RuntimeError(f"{name}: {whose}range [{low}, {high}] is not finite")
    return (low, high) if low != high else (low - 0.5, high + 0.5)


def _positive_bins(bins: int, dim: int) -> int:
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {dim}")
    return bins


@native("_histc")
def _histc(input: Tensor, bins: int, low: float, high: float) -> Tensor:
    """How many elements lie in each bin."""


@composed
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Tensor | None = None) -> Tensor:
    """How many elements lie in each of ``bins`` equal parts of [``min``, ``max``]; elements outside count nowhere.

    Args:
        min, max: both 0 (or equal): the range of the elements.

    Example:
        >>> import facula as torch
        >>> torch.histc(torch.tensor([1.0, 2.0, 1.5]), bins=2, min=1, max=3)
        tensor([2., 1.])
    """
    if not input.is_floating_point():
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{input.dtype._scalar_name}'")
    _positive_bins(bins, 0)
    if min > max:
        raise RuntimeError(f"torch.histc: max must be larger than min, got min {min} and max {max}")
    low, high = _outer_edges("torch.histc", input, 0, *((None, None) if min == max else (min, max)))
    values = input.detach().reshape(-1)
    if input.dtype._scalar_name in ("Float", "Double"):
        counts = _histc(values, bins, low, high)
        return counts if out is None else write_out(counts, out)
    values = values[ge(values, low) & le(values, high)]
    place = ((values - low) * bins / (high - low)).to(int64).clamp(max=bins - 1)
    counts = place.new_zeros(bins).scatter_add_(0, place, place.new_full(place.shape, 1)).to(input.dtype)
    return counts if out is None else write_out(counts, out)


def _edges_of(input: Tensor, bins, range) -> list[Tensor]:
    """The edges of the bins in each dimension of the (elements, dimensions) matrix."""
    name, dims = "torch.histogramdd", input.size(1)
    if any(isinstance(b, Tensor) for b in bins):
        for d, edges in enumerate(bins):
            if edges.dim() != 1:
                raise RuntimeError(
                    f"{name}: bins tensor should have one dimension, but got {edges.dim()} dimensions in the bins "
                    f"tensor for dimension {d}"
                )
            if edges.numel() == 0:
                raise RuntimeError(
                    f"{name}: bins tensor should have at least 1 element, but got 0 elements in the bins tensor for "
                    f"dimension {d}"
                )
            if edges.dtype is not input.dtype:
                raise RuntimeError(
                    f"{name}: input tensor and bins tensors should have the same dtype, but got input with dtype "
                    f"{input.dtype} and bins for dimension {d} with dtype {edges.dtype}"
                )
            _positive_bins(edges.numel() - 1, d)
        return [edges.detach() for edges in bins]
    if range is not None and len(range) != 2 * dims:
        raise RuntimeError(
            f"{name}: for a {dims}-dimensional histogram range should have {2 * dims} elements, but got {len(range)}"
        )
    found = []
    for d, count in enumerate(bins):
        _positive_bins(count, d)
        low, high = None, None
        if range is not None:
            low, high = range[2 * d : 2 * d + 2]
            if low > high:
                raise RuntimeError(f"{name}: min should not exceed max, but got min {low} max {high} for dimension {d}")
        low, high = _outer_edges(name, input[:, d], d, low, high)
        found.append(linspace(low, high, count + 1, dtype=input.dtype))
    return found


def _histogram(input: Tensor, bins, range, weight: Tensor | None, density: bool) -> tuple[Tensor, list[Tensor]]:
    name = "torch.histogramdd"
    if input.dtype._scalar_name not in ("Float", "Double"):
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{input.dtype._scalar_name}'")
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but got "
            f"input({input.dtype}), and weight({weight.dtype})"
        )
    if weight is not None and weight.shape != input.shape[:-1]:
        raise RuntimeError(
            f"{name}: if weight tensor is provided it should have the same shape as the input tensor excluding its "
            f"innermost dimension, but got input with shape {list(input.shape)} and weight with shape "
            f"{list(weight.shape)}"
        )
    points = input.detach().reshape(-1, input.size(-1))
    edges = _edges_of(points, bins, range)
    weight = points.new_full((points.size(0),), 1) if weight is None else weight.detach().reshape(-1)
    shape = [e.numel() - 1 for e in edges]
    place, inside = points.new_zeros(points.size(0), dtype=int64), None
    for d, e in enumerate(edges):
        values = points[:, d].contiguous()
        within = ge(values, e[0]) & le(values, e[-1])
        inside = within if inside is None else inside & within
        place = place * shape[d] + (searchsorted(e, values, right=True) - 1).clamp(0, shape[d] - 1)
    if inside is None:  # no dimension: nothing lies anywhere
        return points.new_zeros(()), edges
    place, weight = place[inside], weight[inside]
    total = 1
    for size in shape:
        total *= size
    counts = points.new_zeros(total).scatter_add_(0, place, weight).reshape(shape)
    if density:
        counts = counts / counts.sum()
        for d, e in enumerate(edges):
            counts = counts / (e[1:] - e[:-1]).reshape(*(-1 if k == d else 1 for k in _range(len(shape))))
    return counts, edges


@composed
def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
    out=None,
):
    """How many elements, or how much weight, lies in each bin; the last bin holds its right edge.

    Args:
        bins: a number of equal bins over ``range``, or the ascending edges of the bins.
        range: least and largest edge; without it the range of the elements.
        density: divided by the total and by the width of the bin.

    Returns:
        (hist, bin_edges).

    Example:
        >>> import facula as torch
        >>> torch.histogram(torch.tensor([1.0, 2.0, 1.5]), bins=2, range=(1.0, 3.0)).hist
        tensor([2., 1.])
    """
    if isinstance(bins, Tensor) and range is not None:
        raise TypeError("histogram() received an invalid combination of arguments: range with edges given as bins")
    weight = weight if weight is None else weight.reshape(-1)
    hist, edges = _histogram(input.reshape(-1, 1), [bins], range, weight, density)
    if out is None:
        return return_types.histogram((hist, edges[0]))
    return return_types.histogram(write_out(part, to) for part, to in zip((hist, edges[0]), out))


@composed
def histogramdd(
    input: Tensor,
    bins,
    *,
    range=None,
    weight: Tensor | None = None,
    density: bool = False,
    out=None,
):
    """``histogram`` of points: the last dimension of ``input`` holds the coordinates of each.

    Args:
        bins: a number of bins, or one for each coordinate, or the edges for each coordinate.
        range: least and largest edge for each coordinate, in one sequence.

    Returns:
        (hist, bin_edges), bin_edges a tuple of tensors.

    Example:
        >>> import facula as torch
        >>> torch.histogramdd(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), bins=[2, 2]).hist
        tensor([[0., 1.],
                [1., 0.]])
    """
    if input.dim() < 2:
        raise RuntimeError(
            f"torch.histogramdd: input tensor should have at least 2 dimensions, got shape {tuple(input.shape)}"
        )
    bins = [bins] * input.size(-1) if isinstance(bins, int) else list(bins)
    if len(bins) != input.size(-1):
        raise RuntimeError(
            f"histogramdd: The size of bins must be equal to the innermost dimension of the input: {len(bins)} and "
            f"{input.size(-1)}"
        )
    hist, edges = _histogram(input, bins, range, weight, density)
    if out is not None:
        hist, edges = write_out(hist, out[0]), [write_out(part, to) for part, to in zip(edges, out[1])]
    return return_types.histogramdd((hist, tuple(edges)))
