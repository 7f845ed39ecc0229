"""F.pad in its four modes, each of them native operations."""

from __future__ import annotations

from facula import Tensor
from facula._native import autocasts, composed, native
from facula.functional.arguments import Number

__all__ = ["pad"]


@native
def _constant_pad(input: Tensor, pad: tuple[int, ...], value: Number) -> Tensor:
    """Sizes are (before, after) of the last dimension, then of the one before it."""


@native
def _reflection_pad1d(
    input: Tensor,
    mode: int,
    depth: tuple[int, ...] | None,
    height: tuple[int, ...] | None,
    width: tuple[int, ...] | None,
) -> Tensor:
    """Of each of the last three dimensions the sizes before and after; None keeps it."""


@native
def _reflection_pad2d(
    input: Tensor,
    mode: int,
    depth: tuple[int, ...] | None,
    height: tuple[int, ...] | None,
    width: tuple[int, ...] | None,
) -> Tensor:
    """Of each of the last three dimensions the sizes before and after; None keeps it."""


@native
def _reflection_pad3d(
    input: Tensor,
    mode: int,
    depth: tuple[int, ...] | None,
    height: tuple[int, ...] | None,
    width: tuple[int, ...] | None,
) -> Tensor:
    """Of each of the last three dimensions the sizes before and after; None keeps it."""


@native
def _replication_pad1d(
    input: Tensor,
    mode: int,
    depth: tuple[int, ...] | None,
    height: tuple[int, ...] | None,
    width: tuple[int, ...] | None,
) -> Tensor:
    """Of each of the last three dimensions the sizes before and after; None keeps it."""


@native
def _replication_pad2d(
    input: Tensor,
    mode: int,
    depth: tuple[int, ...] | None,
    height: tuple[int, ...] | None,
    width: tuple[int, ...] | None,
) -> Tensor:
    """Of each of the last three dimensions the sizes before and after; None keeps it."""


@native
def _replication_pad3d(
    input: Tensor,
    mode: int,
    depth: tuple[int, ...] | None,
    height: tuple[int, ...] | None,
    width: tuple[int, ...] | None,
) -> Tensor:
    """Of each of the last three dimensions the sizes before and after; None keeps it."""


@native
def _circular_pad(
    input: Tensor,
    mode: int,
    depth: tuple[int, ...] | None,
    height: tuple[int, ...] | None,
    width: tuple[int, ...] | None,
) -> Tensor:
    """Of each of the last three dimensions the sizes before and after; None keeps it."""


_MODES = {"reflect": 0, "replicate": 1, "circular": 2}
_ENTRIES = {
    "reflect": (_reflection_pad1d, _reflection_pad2d, _reflection_pad3d),
    "replicate": (_replication_pad1d, _replication_pad2d, _replication_pad3d),
}


def _checked_sizes(input: Tensor, pad) -> tuple[int, ...]:
    pad = tuple(pad)
    if len(pad) % 2:
        raise RuntimeError(
            f"Padding length must be divisible by 2, but got {len(pad)} sizes; give (before, after) pairs"
        )
    if len(pad) > 2 * input.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {input.dim()}"
        )
    return pad


def pad_with_number(input: Tensor, pad, value: Number) -> Tensor:
    """``pad`` of mode "constant" with a number as it is: ``pad`` itself takes a float."""
    return _constant_pad(input, _checked_sizes(input, pad), value)


@composed
def pad(input: Tensor, pad, mode: str = "constant", value: float | None = None) -> Tensor:
    """Grow (or, with negative sizes, crop) the last dimensions of a tensor.

    Args:
        input (Tensor): any shape for "constant"; the other modes pad the last 1 to 3 dimensions.
        pad (sequence of int): before and after sizes, last dimension first: (left, right, top, bottom, ...).
        mode (str): "constant", "reflect", "replicate" or "circular". Default: "constant".
        value (float): what "constant" fills in. Default: 0.

    Returns:
        Tensor: a new tensor.

    Raises:
        RuntimeError: the number of sizes does not fit, or a size is too large for the mode.
        NotImplementedError: an unknown mode.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.pad(torch.tensor([1, 2]), (1, 1))
        tensor([0, 1, 2, 0])
    """
    if mode == "constant":
        return pad_with_number(input, pad, 0 if value is None else float(value))
    pad = _checked_sizes(input, pad)
    ndim = input.dim()
    if mode not in _MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    pairs = [(ndim - 1 - i // 2, pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    if len(pairs) not in (ndim - 1, ndim - 2) or not 1 <= len(pairs) <= 3:
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now; "
            f"got {len(pad)} sizes for an input of dimension {ndim}"
        )
    widened = mode == "replicate" or (mode == "reflect" and len(pairs) < 3)
    gather = _gathered_in_float32 if widened else _gathered
    result = gather(input, pairs, mode)
    return result if result is not input else input.clone()


def _gathered(input: Tensor, pairs: list, mode: str) -> Tensor:
    sizes: list = [None, None, None]
    for dim, before, after in pairs:
        if before or after:
            _check_size(mode, input, dim, before, after)
            sizes[dim - input.dim()] = (before, after)
    if sizes == [None, None, None]:
        return input
    n = len(pairs)
    batch = input if input.dim() == n + 2 else input.unsqueeze(0)
    entry = _circular_pad if mode == "circular" else _ENTRIES[mode][n - 1]
    result = entry(batch, _MODES[mode], *sizes)
    return result if batch is input else result.squeeze(0)


_gathered_in_float32 = autocasts("float32")(_gathered)


def _check_size(mode: str, input: Tensor, dim: int, before: int, after: int) -> None:
    size = input.shape[dim]
    if mode == "reflect" and (before >= size or after >= size):
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at dimension {dim} of input {list(input.shape)}"
        )
    if mode == "circular" and (before > size or after > size):
        raise RuntimeError("Padding value causes wrapping around more than once.")
    if size + before + after >= 1 << 28:
        raise RuntimeError(f"Padding ({before}, {after}) makes dimension {dim} of input {list(input.shape)} too large")
    if size + before + after <= 0 or (mode == "circular" and size + min(before, 0) + min(after, 0) <= 0):
        raise RuntimeError(
            f"Padding ({before}, {after}) leaves nothing of dimension {dim} of input {list(input.shape)}"
        )
