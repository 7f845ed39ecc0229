"""Pooling modules over three dimensions, adaptive maxima, power averages, fractional maxima and unpooling."""

from __future__ import annotations

from facula import Tensor

from .. import functional as F
from .conv import _repeat
from .module import Module
from .pooling import _AdaptivePoolNd, _AvgPoolNd, _MaxPoolNd

__all__ = [
    "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool3d",
    "FractionalMaxPool2d", "FractionalMaxPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool3d", "MaxUnpool1d",
    "MaxUnpool2d", "MaxUnpool3d",
]  # fmt: skip


class MaxPool3d(_MaxPoolNd):
    """Maximum over windows of (N, C, D, H, W) or (C, D, H, W).

    Args:
        kernel_size, stride, padding, dilation, return_indices, ceil_mode: as for :class:`MaxPool2d`.

    Example:
        >>> import facula as torch
        >>> torch.nn.MaxPool3d(2)(torch.zeros(1, 3, 4, 6, 8)).shape
        torch.Size([1, 3, 2, 3, 4])
    """

    def forward(self, input: Tensor):
        return F.max_pool3d(input, *self._options())


class AvgPool3d(_AvgPoolNd):
    """Mean over windows of (N, C, D, H, W) or (C, D, H, W).

    Args:
        kernel_size (int or triple): size of the window.
        stride (int or triple): Default: ``kernel_size``.
        padding (int or triple): zeros on both sides. Default: 0.
        ceil_mode (bool): keep last, incomplete windows. Default: False.
        count_include_pad (bool): count those zeros in the mean. Default: True.
        divisor_override (int): divide by this instead. Optional.

    Example:
        >>> import facula as torch
        >>> torch.nn.AvgPool3d(2)(torch.zeros(1, 3, 4, 6, 8)).shape
        torch.Size([1, 3, 2, 3, 4])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool3d(input, *self._options())


class AdaptiveAvgPool3d(_AdaptivePoolNd):
    """Mean over windows chosen so that the result is (N, C, D_out, H_out, W_out).

    Args:
        output_size (int or triple): None keeps a size.

    Example:
        >>> import facula as torch
        >>> torch.nn.AdaptiveAvgPool3d(2)(torch.zeros(1, 3, 4, 5, 6)).shape
        torch.Size([1, 3, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPoolNd(_AdaptivePoolNd):
    _dims: int

    def __init__(self, output_size, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor):
        return getattr(F, f"adaptive_max_pool{self._dims}d")(input, self.output_size, self.return_indices)


class _LPPoolNd(Module):
    _dims: int

    def __init__(self, norm_type: float, kernel_size, stride=None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        function = getattr(F, f"lp_pool{self._dims}d")
        return function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _MaxUnpoolNd(Module):
    _dims: int

    def __init__(self, kernel_size, stride=None, padding=0) -> None:
        super().__init__()
        n = self._dims
        self.kernel_size = _repeat(kernel_size, n)
        self.stride = _repeat(stride if stride is not None else kernel_size, n)
        self.padding = _repeat(padding, n)

    def forward(self, input: Tensor, indices: Tensor, output_size: list[int] | None = None) -> Tensor:
        function = getattr(F, f"max_unpool{self._dims}d")
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _FractionalMaxPoolNd(Module):
    _dims: int

    def __init__(
        self, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False, _random_samples=None
    ) -> None:
        super().__init__()
        n, name = self._dims, type(self).__name__
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        self.kernel_size = _repeat(kernel_size, n)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else _repeat(output_size, n)
        self.output_ratio = (output_ratio,) * n if isinstance(output_ratio, float) else output_ratio
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor):
        function = getattr(F, f"fractional_max_pool{self._dims}d")
        return function(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


def _family(name: str, base: type, first: int, what: str, arguments: str) -> list[type]:
    """The classes of one kind for ``first`` to three dimensions."""
    classes = []
    for dims in range(first, 4):
        shape = ("(N, C, L)", "(N, C, H, W)", "(N, C, D, H, W)")[dims - 1]
        doc = f"""{what} of {shape}, or without N.

    Args:
        {arguments}
    """
        classes.append(type(f"{name}{dims}d", (base,), {"_dims": dims, "__doc__": doc, "__module__": __name__}))
    return classes


AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d = _family(
    "AdaptiveMaxPool", _AdaptiveMaxPoolNd, 1, "Maximum over windows chosen so that the result has a given size,",
    "output_size, return_indices: as for :func:`torch.nn.functional.adaptive_max_pool2d`.",
)  # fmt: skip
LPPool1d, LPPool2d, LPPool3d = _family(
    "LPPool", _LPPoolNd, 1, "(sum of x ** p) ** (1 / p) over windows",
    "norm_type, kernel_size, stride, ceil_mode: as for :func:`torch.nn.functional.lp_pool1d`.",
)  # fmt: skip
MaxUnpool1d, MaxUnpool2d, MaxUnpool3d = _family(
    "MaxUnpool", _MaxUnpoolNd, 1, "The inverse of maximum pooling, zero but for the maxima,",
    "kernel_size, stride, padding: those of the pooling.",
)  # fmt: skip
FractionalMaxPool2d, FractionalMaxPool3d = _family(
    "FractionalMaxPool", _FractionalMaxPoolNd, 2, "Maximum over windows at random places",
    "kernel_size, output_size, output_ratio, return_indices: as for :func:`torch.nn.functional.fractional_max_pool2d`.",
)  # fmt: skip
