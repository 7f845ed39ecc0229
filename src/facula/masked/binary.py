"""torch.masked, two inputs with a mask each: logaddexp."""

from __future__ import annotations

import facula
from facula import Tensor
from facula.masked.masks import lowest, replaced

__all__ = ["logaddexp"]


def logaddexp(
    input: Tensor, other: Tensor, *, dtype=None, input_mask: Tensor | None = None, other_mask: Tensor | None = None
) -> Tensor:
    """``log(exp(input) + exp(other))``, where an element that a mask leaves out counts as -inf.

    Example:
        >>> import facula as torch
        >>> mask = torch.tensor([True, False])
        >>> torch.masked.logaddexp(torch.tensor([0.0, 5.0]), torch.zeros(2), input_mask=mask)
        tensor([0.6931, 0.0000])
    """
    dtype = dtype or input.dtype
    if input_mask is not None:
        input = replaced(input, input_mask, lowest("logaddexp", input))
    if other_mask is not None:
        other = replaced(other, other_mask, lowest("logaddexp", other))
    return facula.logaddexp(input, other).to(dtype)
