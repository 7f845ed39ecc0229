"""Reductions over consecutive pieces of a dimension, whose lengths are given. Composed of scattering reductions."""

from __future__ import annotations

from facula._C import Tensor, int32, int64
from facula.functional.creation import arange, full
from facula.functional.indexing import where
from facula.functional.sorting import searchsorted

__all__ = ["segment_reduce"]
METHODS = ""

_INF = float("inf")
# The reduction that scatter_reduce knows, and what it begins with.
_REDUCTIONS = {
    "sum": ("sum", 0.0), "mean": ("sum", 0.0), "prod": ("prod", 1.0), "max": ("amax", -_INF), "min": ("amin", _INF),
}  # fmt: skip


def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: float | None = None,
) -> Tensor:
    """Reduce each of the pieces that follow one another along ``axis`` to one element.

    Args:
        data (Tensor): floating-point.
        reduce (str): "sum", "mean", "max", "min" or "prod".
        lengths (Tensor): (*data.shape[:axis], pieces), how long each piece is.
        indices: not supported, as in PyTorch.
        offsets (Tensor): (*data.shape[:axis], pieces + 1), where each piece begins, and the end; in place of lengths.
        axis (int): Default: 0.
        unsafe (bool): pieces need not fill the dimension; what is left over is not counted. Default: False.
        initial (float): what each piece begins with. Default: what changes no result; an empty mean is nan.

    Returns:
        Tensor: the shape of ``data`` with the number of pieces along ``axis``.

    Raises:
        RuntimeError: neither lengths nor offsets, or they do not fit.

    Example:
        >>> import facula as torch
        >>> torch.segment_reduce(torch.tensor([1.0, 2.0, 3.0]), "max", lengths=torch.tensor([2, 1]))
        tensor([2., 3.])
    """
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet; give lengths or offsets")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"segment_reduce(): expected reduce to be one of {list(_REDUCTIONS)}, but got {reduce!r}")
    if not data.is_floating_point():
        raise NotImplementedError(f"\"segment_reduce\" not implemented for '{data.dtype._scalar_name}'")
    if not -data.dim() <= axis < data.dim():
        raise IndexError(f"Dimension out of range (expected one of {data.dim()} dimensions, but got axis={axis})")
    axis %= data.dim()
    lengths = _lengths(data, axis, lengths, offsets, unsafe)
    pieces, size = lengths.shape[-1], data.shape[axis]
    places = arange(size).expand(*data.shape[:axis], size).contiguous()
    owner = searchsorted(lengths.cumsum(-1), places, right=True)  # of each element; `pieces` for what is left over
    rest = data.shape[axis + 1 :]
    owner = owner.reshape(*owner.shape, *[1] * len(rest)).expand(data.shape)
    kind, identity = _REDUCTIONS[reduce]
    start = identity if initial is None else initial
    result = full((*data.shape[:axis], pieces + 1, *rest), start, dtype=data.dtype)
    result = result.scatter_reduce(axis, owner, data, kind).narrow(axis, 0, pieces)
    if reduce != "mean":
        return result
    counts = lengths.reshape(*lengths.shape, *[1] * len(rest))
    result = result / counts.clamp(min=1).to(data.dtype)
    return result if initial is not None else where(counts == 0, full((), float("nan"), dtype=data.dtype), result)


def _lengths(data: Tensor, axis: int, lengths: Tensor | None, offsets: Tensor | None, unsafe: bool) -> Tensor:
    """The checked lengths, as int64."""
    name = "offsets" if lengths is None else "lengths"
    given: Tensor = offsets if lengths is None else lengths
    if given.dtype is not int64 and given.dtype is not int32:
        raise RuntimeError(f"segment_reduce(): expected {name} of dtype int64 or int32, but got {given.dtype}")
    if given.dim() != axis + 1 or given.shape[:-1] != data.shape[:axis]:
        raise RuntimeError(
            f"segment_reduce(): expected {name} of shape {(*data.shape[:axis], 'pieces')} beside data of shape "
            f"{tuple(data.shape)} and axis={axis}, but got {tuple(given.shape)}"
        )
    if lengths is None:
        if given.shape[-1] < 1:
            raise RuntimeError("segment_reduce(): expected offsets of at least one element in the last dimension")
        lengths = given.diff(dim=-1)
    if not unsafe and lengths.numel():
        if lengths.min().item() < 0:
            raise RuntimeError("segment_reduce(): lengths contains negative value!")
        if (lengths.sum(-1) != data.shape[axis]).any():
            raise RuntimeError(
                f"segment_reduce(): Expected all rows of lengths along axis to sum to data.size({axis}) = "
                f"{data.shape[axis]} when !unsafe."
            )
    return lengths.to(int64)
