"""Lookups by integer index: embedding and one_hot. Gradients are dense."""

from __future__ import annotations

import facula
from facula import Tensor

__all__ = ["embedding", "one_hot"]


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
    if padding_idx is not None:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= weight.shape[0]
    if max_norm is not None:
        _renorm_rows(weight, input, max_norm, norm_type)
    flat = input.reshape(-1)
    rows = weight.index_select(0, flat)
    if facula.is_grad_enabled() and weight.requires_grad:
        if padding_idx is not None:
            rows = facula.where((flat == padding_idx).unsqueeze(-1), rows.detach(), rows)
        if scale_grad_by_freq and flat.numel():
            counts = facula.bincount(flat, minlength=weight.shape[0]).index_select(0, flat)
            fixed = rows.detach()
            rows = fixed + (rows - fixed) / counts.to(rows.dtype).unsqueeze(-1)  # same values, scaled gradient
    return rows.reshape(*input.shape, weight.shape[1])


def _renorm_rows(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    with facula.no_grad():
        index = facula.tensor(sorted(set(input.reshape(-1).tolist())), dtype=facula.int64)
        rows = weight.index_select(0, index)
        norm = facula.linalg.vector_norm(rows, norm_type, -1, True)
        scaled = facula.where(norm > max_norm, rows * (max_norm / (norm + 1e-7)), rows)  # 1e-7: PyTorch's renorm
        weight.index_copy_(0, index, scaled)


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
