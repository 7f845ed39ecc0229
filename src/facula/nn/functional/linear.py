"""Linear and bilinear maps."""

from __future__ import annotations

import math

import facula
from facula import Tensor
from facula._native import autocasts, native

__all__ = ["bilinear", "linear"]


@native
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None, *, out: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias.

    Args:
        input (Tensor): (*, in_features).
        weight (Tensor): (out_features, in_features), or (in_features,).
        bias (Tensor): (out_features,). Optional.
        out (Tensor): where to put the result. Optional.

    Returns:
        Tensor: (*, out_features), or (*) for a one-dimensional weight.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.linear(torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 4.0]]))
        tensor([11.])
    """


@autocasts("off")
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x1^T W_k x2 + b_k for each output k.

    Args:
        input1 (Tensor): (*, in1_features).
        input2 (Tensor): (*, in2_features), the same leading dimensions.
        weight (Tensor): (out_features, in1_features, in2_features).
        bias (Tensor): (out_features,). Optional.

    Returns:
        Tensor: (*, out_features).

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(1, 2, 3))
        tensor([[6.]])
    """
    out, in1, in2 = weight.shape
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}; "
            "all but the last must be equal"
        )
    for name, x, size, at in (("input1", input1, in1, 1), ("input2", input2, in2, 2)):
        if x.shape[-1] != size:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got {x.shape[-1]} but expected {size} "
                f"(weight dimension {at})"
            )
    for x in (input2, weight) if bias is None else (input2, weight, bias):
        if x.dtype != input1.dtype:
            raise RuntimeError(f"All tensors must have the same dtype, got {input1.dtype} and {x.dtype}: bilinear()")
    if bias is not None and tuple(bias.shape) != (out,):
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {list(bias.shape)} but expected [{out}]"
        )
    batch = input1.shape[:-1]
    rows = math.prod(batch)
    x1, x2 = input1.reshape(rows, in1), input2.reshape(rows, in2)
    # (B, in1) @ (in1, out * in2) -> (B, out, in2), then a dot product with x2 over in2.
    left = (x1 @ weight.permute(1, 0, 2).reshape(in1, out * in2)).reshape(rows, out, in2)
    result = facula.matmul(left, x2.unsqueeze(-1)).squeeze(-1).reshape(*batch, out)
    return result if bias is None else result + bias
