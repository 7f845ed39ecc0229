"""Identity, Linear and Bilinear."""

from __future__ import annotations

import math

import facula
from facula import Tensor

from .. import init
from ..functional.linear import bilinear, linear
from ..parameter import Parameter
from .module import Module

__all__ = ["Bilinear", "Identity", "Linear"]


class Identity(Module):
    """Returns its input; takes and ignores any constructor arguments.

    Example:
        >>> import facula as torch
        >>> torch.nn.Identity(54, unused=True)(torch.tensor(1))
        tensor(1)
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """x @ weight.T + bias.

    Args:
        in_features (int): size of the last dimension of the input.
        out_features (int): size of the last dimension of the result.
        bias (bool): add a learned bias. Default: True.
        device, dtype: of the parameters. Optional.

    Attributes ``weight`` (out_features, in_features) and ``bias`` (out_features,) start uniform within
    +-1 / sqrt(in_features).

    Example:
        >>> import facula as torch
        >>> torch.nn.Linear(20, 30)(torch.randn(128, 20)).shape
        torch.Size([128, 30])
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(facula.empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(facula.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights and biases."""
        # a = sqrt(5) makes the bound of He et al. 2015 equal 1 / sqrt(in_features).
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        own = self._parameters
        try:
            weight, bias = own["weight"], own["bias"]
        except KeyError:  # replaced by something that is no parameter
            weight, bias = self.weight, self.bias
        return linear(input, weight, bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """x1^T W_k x2 + b_k for each output feature k.

    Args:
        in1_features (int): size of the last dimension of the first input.
        in2_features (int): size of the last dimension of the second input.
        out_features (int): size of the last dimension of the result.
        bias (bool): add a learned bias. Default: True.
        device, dtype: of the parameters. Optional.

    Raises:
        ValueError: ``in1_features`` is not positive.

    Example:
        >>> import facula as torch
        >>> torch.nn.Bilinear(2, 3, 4)(torch.ones(5, 2), torch.ones(5, 3)).shape
        torch.Size([5, 4])
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device=None, dtype=None
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = Parameter(facula.empty((out_features, in1_features, in2_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(facula.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights and biases, uniform within +-1 / sqrt(in1_features)."""
        bound = 1 / math.sqrt(self.weight.shape[1])
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class NonDynamicallyQuantizableLinear(Linear):
    """:class:`Linear` under the name that PyTorch's attention gives its last projection.

    Args:
        in_features, out_features, bias, device, dtype: as for :class:`Linear`.
    """
