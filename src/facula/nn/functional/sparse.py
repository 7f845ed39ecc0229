"""Lookups by integer index: embedding and one_hot. Gradients are dense."""

from __future__ import annotations

import facula
from facula import Tensor
from facula._native import composed, native

__all__ = ["embedding", "embedding_bag", "one_hot"]


_BAG_MODES = {"sum": 0, "mean": 1, "max": 2}


@native("embedding")
def _embedding(weight: Tensor, indices: Tensor, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    """Rows of a table; ``padding_idx`` -1 means none."""


@native
def _embedding_bag(
    weight: Tensor,
    input: Tensor,
    offsets: Tensor | None,
    per_sample_weights: Tensor | None,
    mode: int,
    padding_idx: int,
    include_last_offset: bool,
    scale_grad_by_freq: bool,
) -> tuple[Tensor, Tensor]:
    """Bags of rows reduced to one row each, and where each maximum came from."""


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Look up rows of a table.

    Args:
        input (Tensor): integer indices, any shape.
        weight (Tensor): (V, D), the table.
        padding_idx (int): this row receives no gradient. Optional.
        max_norm (float): first scale the rows looked up, in place, to at most this norm. Optional.
        norm_type (float): order of that norm. Default: 2.0.
        scale_grad_by_freq (bool): divide gradients by how often the index occurs in ``input``. Default: False.
        sparse (bool): accepted; the gradient is dense all the same.

    Returns:
        Tensor: (*input.shape, D).

    Raises:
        IndexError: an index is outside [0, V).
        AssertionError: ``padding_idx`` is outside [-V, V).

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1.0], [2.0]]))
        tensor([[2.],
                [1.]])
    """
    if weight.dim() != 2:
        raise RuntimeError(
            f"'weight' must be 2-D: embedding() takes one row for each number, got shape {tuple(weight.shape)}"
        )
    if padding_idx is not None:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= weight.shape[0]
    if max_norm is not None:
        _renorm_rows(weight, input, max_norm, norm_type)
    return _embedding(weight, input, -1 if padding_idx is None else padding_idx, scale_grad_by_freq)


def _renorm_rows(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    with facula.no_grad():
        index = facula.tensor(sorted(set(input.reshape(-1).tolist())), dtype=facula.int64)
        rows = weight.index_select(0, index)
        norm = facula.linalg.vector_norm(rows, norm_type, -1, True)
        scaled = facula.where(norm > max_norm, rows * (max_norm / (norm + 1e-7)), rows)  # 1e-7: PyTorch's renorm
        weight.index_copy_(0, index, scaled)


@composed
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A row per index, 1 at that index and 0 elsewhere.

    Args:
        tensor (Tensor): int64 class indices, any shape.
        num_classes (int): length of the rows; -1 for the largest index plus one. Default: -1.

    Returns:
        Tensor: int64, (*tensor.shape, num_classes).

    Raises:
        RuntimeError: an index is negative or too large, or ``tensor`` is not int64.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
        tensor([[1, 0, 0],
                [0, 0, 1]])
    """
    if tensor.dtype != facula.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor, but got {tensor.dtype}; use tensor.long()"
        )
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return facula.empty(*tensor.shape, num_classes, dtype=facula.int64)
    if tensor.min().item() < 0:
        raise RuntimeError("Class values must be non-negative.")
    largest = tensor.max().item()
    if num_classes == -1:
        num_classes = largest + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif num_classes <= largest:
        raise RuntimeError(f"Class values must be smaller than num_classes, but got {largest} >= {num_classes}")
    result = facula.zeros(*tensor.shape, num_classes, dtype=facula.int64, device=tensor.device)
    return result.scatter_(-1, tensor.unsqueeze(-1), 1)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Look up bags of rows of a table, and reduce each bag to one row.

    Args:
        input (Tensor): (B, L), a bag for each row, or (L,) with ``offsets``.
        weight (Tensor): (V, D), the table.
        offsets (Tensor): (B,), where the bags of a one-dimensional input begin.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for :func:`embedding`.
        mode (str): "sum", "mean" or "max". Default: "mean".
        per_sample_weights (Tensor): shape of the input, factors; "sum" only. Optional.
        include_last_offset (bool): the offsets end with the length of the input. Default: False.
        padding_idx (int): this row does not count. Optional.

    Returns:
        Tensor: (B, D).

    Raises:
        ValueError: the shapes or the mode do not fit.

    Example:
        >>> import facula as torch
        >>> table = torch.tensor([[1.0], [2.0], [4.0]])
        >>> torch.nn.functional.embedding_bag(torch.tensor([[0, 2]]), table, mode="sum")
        tensor([[5.]])
    """
    _check_bags(input, offsets, per_sample_weights)
    if mode not in _BAG_MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and (scale_grad_by_freq or sparse):
        what = "scaling the gradient by the frequency" if scale_grad_by_freq else "sparse weights"
        raise ValueError(f"max mode does not support {what}")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}')"
        )
    if per_sample_weights is not None and per_sample_weights.dtype is not weight.dtype:
        raise RuntimeError(
            f"embedding_bag: expected 'weight' and 'per_sample_weights' of one dtype, but got {weight.dtype} and "
            f"{per_sample_weights.dtype}"
        )
    if padding_idx is not None:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise RuntimeError(
                f"padding_idx must be within the number of embeddings, {-weight.shape[0]} through "
                f"{weight.shape[0] - 1}, but got {padding_idx}"
            )
        padding_idx %= weight.shape[0]
    if max_norm is not None:
        _renorm_rows(weight, input, max_norm, norm_type)
    index_type = facula.promote_types(input.dtype, facula.int64 if offsets is None else offsets.dtype)
    padding = -1 if padding_idx is None else padding_idx
    number = _BAG_MODES[mode]
    return _embedding_bag(
        weight, input.to(index_type), offsets, per_sample_weights, number, padding, include_last_offset,
        scale_grad_by_freq,
    )[0]  # fmt: skip


def _check_bags(input: Tensor, offsets, per_sample_weights) -> None:
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({tuple(per_sample_weights.shape)}) is not None, then it must have "
            f"the same shape as the input ({tuple(input.shape)})"
        )
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
    elif input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    elif not isinstance(offsets, Tensor):
        raise ValueError("offsets has to be a 1D Tensor but got None")
    elif offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
