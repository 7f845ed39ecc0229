"""Conv1d and Conv2d, with zero, reflecting, replicating and circular padding."""

from __future__ import annotations

import math

import facula
from facula import Tensor

from .. import init
from ..functional.conv import _convolution, convolve, same_padding, transpose_convolve
from ..functional.padding import pad
from ..parameter import Parameter
from .module import Module

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What the convolutions share; ``_dims`` is the number of spatial dimensions."""

    _dims: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        n = self._dims
        stride = _repeat(stride, n)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {_PADDING_MODES}, but got padding_mode='{padding_mode}'")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = _repeat(kernel_size, n)
        self.stride = stride
        self.padding = padding if isinstance(padding, str) else _repeat(padding, n)
        self.dilation = _repeat(dilation, n)
        self.output_padding = (0,) * n
        self.groups = groups
        self.padding_mode = padding_mode
        outer, inner = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(facula.empty((outer, inner // groups, *self.kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(facula.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights and biases, uniform within +-1 / sqrt(fan_in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def _sides(self) -> list[int]:
        """The padding as F.pad wants it: before and after, last dimension first."""
        if self.padding == "same":
            pairs = [same_padding(size, d) for size, d in zip(self.kernel_size, self.dilation)]
        elif isinstance(self.padding, str):
            pairs = [(0, 0)] * self._dims
        else:
            pairs = [(p, p) for p in self.padding]
        return [side for pair in reversed(pairs) for side in pair]

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        n = self._dims
        padding = self.padding
        if self.padding_mode != "zeros":
            input = pad(input, self._sides(), mode=self.padding_mode)
            padding = (0,) * n
        if input.dim() == n + 2 and type(padding) is tuple:
            return _convolution(input, weight, bias, self.stride, padding, self.dilation, self.groups)
        return convolve(n, input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


def _repeat(value, n: int) -> tuple:
    return (value,) * n if isinstance(value, int) else tuple(value)


class Conv1d(_ConvNd):
    """Cross-correlation of signals with learned kernels.

    Args:
        in_channels (int): C.
        out_channels (int): O.
        kernel_size (int): length of the kernels.
        stride (int): Default: 1.
        padding (int or str): on both ends, or "valid" (none) or "same" (keep the length). Default: 0.
        dilation (int): distance between kernel elements. Default: 1.
        groups (int): divides C and O. Default: 1.
        bias (bool): add a learned bias. Default: True.
        padding_mode (str): "zeros", "reflect", "replicate" or "circular". Default: "zeros".
        device, dtype: of the parameters. Optional.

    Raises:
        ValueError: ``groups`` does not fit, or an unknown padding.

    Example:
        >>> import facula as torch
        >>> torch.nn.Conv1d(2, 4, 3)(torch.randn(1, 2, 10)).shape
        torch.Size([1, 4, 8])
    """

    _dims = 1


class Conv2d(_ConvNd):
    """Cross-correlation of images with learned kernels.

    Args:
        in_channels (int): C.
        out_channels (int): O.
        kernel_size (int or pair): height and width of the kernels.
        stride (int or pair): Default: 1.
        padding (int, pair or str): on both sides, or "valid" (none) or "same" (keep the size). Default: 0.
        dilation (int or pair): distance between kernel elements. Default: 1.
        groups (int): divides C and O. Default: 1.
        bias (bool): add a learned bias. Default: True.
        padding_mode (str): "zeros", "reflect", "replicate" or "circular". Default: "zeros".
        device, dtype: of the parameters. Optional.

    Raises:
        ValueError: ``groups`` does not fit, or an unknown padding.

    Example:
        >>> import facula as torch
        >>> torch.nn.Conv2d(3, 8, 3, padding=1)(torch.randn(1, 3, 5, 5)).shape
        torch.Size([1, 8, 5, 5])
    """

    _dims = 2


class Conv3d(_ConvNd):
    """Cross-correlation of volumes with learned kernels.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype:
            as for :class:`Conv2d`, with up to three numbers for each size.

    Raises:
        ValueError: ``groups`` does not fit, or an unknown padding.

    Example:
        >>> import facula as torch
        >>> torch.nn.Conv3d(2, 4, 3)(torch.randn(1, 2, 4, 5, 6)).shape
        torch.Size([1, 4, 2, 3, 4])
    """

    _dims = 3


class _ConvTransposeNd(_ConvNd):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups: int = 1,
        bias: bool = True,
        dilation=1,
        padding_mode: str = "zeros",
        device=None,
        dtype=None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.output_padding = _repeat(output_padding, self._dims)

    def _output_padding(self, input: Tensor, output_size) -> tuple:
        """What the shape asked for adds to the smallest one that the stride gives."""
        n = self._dims
        if output_size is None:
            return self.output_padding
        size = list(output_size)
        batched = input.dim() == n + 2
        if len(size) == n + 1 + batched:
            size = size[1 + batched :]
        if len(size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or {n + 1 + batched} "
                f"elements (got {len(size)})"
            )
        least = [
            (input.shape[input.dim() - n + d] - 1) * self.stride[d]
            - 2 * self.padding[d]
            + self.dilation[d] * (self.kernel_size[d] - 1)
            + 1
            for d in range(n)
        ]
        most = [least[d] + self.stride[d] - 1 for d in range(n)]
        if any(not low <= wanted <= high for low, wanted, high in zip(least, size, most)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} to {most} "
                f"(for an input of {tuple(input.shape[2:])})"
            )
        return tuple(wanted - low for wanted, low in zip(size, least))

    def forward(self, input: Tensor, output_size=None) -> Tensor:
        extra = self.output_padding if output_size is None else self._output_padding(input, output_size)
        return transpose_convolve(
            self._dims, input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution of signals with learned kernels; ``forward`` takes an ``output_size`` too.

    Args:
        in_channels (int): C.
        out_channels (int): O.
        kernel_size (int or tuple): size of the kernels.
        stride (int or tuple): Default: 1.
        padding (int or tuple): taken off both sides of the result. Default: 0.
        output_padding (int or tuple): added to one side of the result. Default: 0.
        groups (int): divides C and O. Default: 1.
        bias (bool): add a learned bias. Default: True.
        dilation (int or tuple): distance between kernel elements. Default: 1.
        padding_mode (str): "zeros". Default: "zeros".
        device, dtype: of the parameters. Optional.

    Raises:
        ValueError: ``groups`` does not fit, or another padding mode.

    Example:
        >>> import facula as torch
        >>> torch.nn.ConvTranspose1d(2, 3, 4)(torch.randn(1, 2, 10)).shape
        torch.Size([1, 3, 13])
    """

    _dims = 1


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of images with learned kernels; ``forward`` takes an ``output_size`` too.

    Args:
        in_channels (int): C.
        out_channels (int): O.
        kernel_size (int or tuple): size of the kernels.
        stride (int or tuple): Default: 1.
        padding (int or tuple): taken off both sides of the result. Default: 0.
        output_padding (int or tuple): added to one side of the result. Default: 0.
        groups (int): divides C and O. Default: 1.
        bias (bool): add a learned bias. Default: True.
        dilation (int or tuple): distance between kernel elements. Default: 1.
        padding_mode (str): "zeros". Default: "zeros".
        device, dtype: of the parameters. Optional.

    Raises:
        ValueError: ``groups`` does not fit, or another padding mode.

    Example:
        >>> import facula as torch
        >>> torch.nn.ConvTranspose2d(2, 3, 4)(torch.randn(1, 2, 5, 5)).shape
        torch.Size([1, 3, 8, 8])
    """

    _dims = 2


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution of volumes with learned kernels; ``forward`` takes an ``output_size`` too.

    Args:
        in_channels (int): C.
        out_channels (int): O.
        kernel_size (int or tuple): size of the kernels.
        stride (int or tuple): Default: 1.
        padding (int or tuple): taken off both sides of the result. Default: 0.
        output_padding (int or tuple): added to one side of the result. Default: 0.
        groups (int): divides C and O. Default: 1.
        bias (bool): add a learned bias. Default: True.
        dilation (int or tuple): distance between kernel elements. Default: 1.
        padding_mode (str): "zeros". Default: "zeros".
        device, dtype: of the parameters. Optional.

    Raises:
        ValueError: ``groups`` does not fit, or another padding mode.

    Example:
        >>> import facula as torch
        >>> torch.nn.ConvTranspose3d(2, 3, 2)(torch.randn(1, 2, 2, 3, 4)).shape
        torch.Size([1, 3, 3, 4, 5])
    """

    _dims = 3
