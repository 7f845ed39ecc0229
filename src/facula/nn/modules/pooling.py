"""Pooling modules over one and two dimensions."""

from __future__ import annotations

from facula import Tensor

from .. import functional as F
from .conv import _repeat
from .module import Module

__all__ = ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"]


class _MaxPoolNd(Module):
    def __init__(
        self, kernel_size, stride=None, padding=0, dilation=1, return_indices: bool = False, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _options(self) -> tuple:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPoolNd):
    """Maximum over windows of (N, C, L) or (C, L).

    Args:
        kernel_size (int): length of the window.
        stride (int): Default: ``kernel_size``.
        padding (int): minus infinities at both ends. Default: 0.
        dilation (int): distance between window elements. Default: 1.
        return_indices (bool): also return positions. Default: False.
        ceil_mode (bool): keep a last, incomplete window. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.MaxPool1d(2)(torch.zeros(1, 3, 7)).shape
        torch.Size([1, 3, 3])
    """

    def forward(self, input: Tensor):
        return F.max_pool1d(input, *self._options())


class MaxPool2d(_MaxPoolNd):
    """Maximum over windows of (N, C, H, W) or (C, H, W).

    Args:
        kernel_size (int or pair): size of the window.
        stride (int or pair): Default: ``kernel_size``.
        padding (int or pair): minus infinities on both sides. Default: 0.
        dilation (int or pair): distance between window elements. Default: 1.
        return_indices (bool): also return positions. Default: False.
        ceil_mode (bool): keep last, incomplete windows. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.MaxPool2d(2)(torch.zeros(1, 3, 6, 8)).shape
        torch.Size([1, 3, 3, 4])
    """

    def forward(self, input: Tensor):
        return F.max_pool2d(input, *self._options())


class AvgPool1d(Module):
    """Mean over windows of (N, C, L) or (C, L).

    Args:
        kernel_size (int): length of the window.
        stride (int): Default: ``kernel_size``.
        padding (int): zeros at both ends. Default: 0.
        ceil_mode (bool): keep a last, incomplete window. Default: False.
        count_include_pad (bool): count those zeros in the mean. Default: True.

    Example:
        >>> import facula as torch
        >>> torch.nn.AvgPool1d(2)(torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
        tensor([[2., 1.]])
    """

    def __init__(
        self, kernel_size, stride=None, padding=0, ceil_mode: bool = False, count_include_pad: bool = True
    ) -> None:
        super().__init__()
        self.kernel_size = _repeat(kernel_size, 1)
        self.stride = _repeat(stride if stride is not None else kernel_size, 1)
        self.padding = _repeat(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPoolNd(Module):
    def __init__(
        self,
        kernel_size,
        stride=None,
        padding=0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _options(self) -> tuple:
        window = self.kernel_size, self.stride, self.padding, self.ceil_mode
        return *window, self.count_include_pad, self.divisor_override

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPoolNd):
    """Mean over windows of (N, C, H, W) or (C, H, W).

    Args:
        kernel_size (int or pair): size of the window.
        stride (int or pair): Default: ``kernel_size``.
        padding (int or pair): zeros on both sides. Default: 0.
        ceil_mode (bool): keep last, incomplete windows. Default: False.
        count_include_pad (bool): count those zeros in the mean. Default: True.
        divisor_override (int): divide the sums by this instead. Optional.

    Example:
        >>> import facula as torch
        >>> torch.nn.AvgPool2d(2)(torch.ones(1, 4, 6)).shape
        torch.Size([1, 2, 3])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(input, *self._options())


class _AdaptivePoolNd(Module):
    def __init__(self, output_size) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePoolNd):
    """Mean over as many windows of (N, C, L) or (C, L) as the output is long.

    Args:
        output_size (int): L_out.

    Example:
        >>> import facula as torch
        >>> torch.nn.AdaptiveAvgPool1d(2)(torch.tensor([[1.0, 3.0, 2.0]]))
        tensor([[2.0000, 2.5000]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePoolNd):
    """Mean over as many windows of (N, C, H, W) or (C, H, W) as the output has pixels.

    Args:
        output_size (int or pair): (H_out, W_out); None keeps a size.

    Example:
        >>> import facula as torch
        >>> torch.nn.AdaptiveAvgPool2d((1, None))(torch.zeros(2, 3, 6, 8)).shape
        torch.Size([2, 3, 1, 8])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)
