"""Dropout modules: active in training mode, the identity in evaluation mode."""

from __future__ import annotations

from facula import Tensor

from .. import functional as F
from ..functional.dropout import _dropout
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """In training, zero each element with probability ``p`` and divide the others by ``1 - p``.

    Args:
        p (float): probability, in [0, 1]. Default: 0.5.
        inplace (bool): overwrite the input. Default: False.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.Dropout(0.2).eval()(torch.ones(2))
        tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        if self.inplace:
            return F.dropout(input, self.p, self.training, True)
        return _dropout(input, self.p, self.training)


class Dropout1d(_DropoutNd):
    """In training, zero whole channels of (N, C, L) with probability ``p``.

    Args:
        p (float): probability, in [0, 1]. Default: 0.5.
        inplace (bool): overwrite the input. Default: False.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.Dropout1d().eval()(torch.ones(1, 1, 2))
        tensor([[[1., 1.]]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """In training, zero whole channels of (N, C, H, W) with probability ``p``.

    Args:
        p (float): probability, in [0, 1]. Default: 0.5.
        inplace (bool): overwrite the input. Default: False.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.Dropout2d()(torch.ones(1, 2, 3, 3)).shape
        torch.Size([1, 2, 3, 3])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """In training, zero whole channels of (N, C, D, H, W) with probability ``p``.

    Args:
        p (float): probability, in [0, 1]. Default: 0.5.
        inplace (bool): overwrite the input. Default: False.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.Dropout3d()(torch.ones(1, 2, 3, 3, 3)).shape
        torch.Size([1, 2, 3, 3, 3])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean and variance of SELU activations (Klambauer et al. 2017).

    Args:
        p (float): probability, in [0, 1]. Default: 0.5.
        inplace (bool): overwrite the input. Default: False.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.AlphaDropout().eval()(torch.ones(2))
        tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_DropoutNd):
    """:class:`AlphaDropout` of whole channels.

    Args:
        p (float): probability, in [0, 1]. Default: 0.5.
        inplace (bool): overwrite the input. Default: False.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.FeatureAlphaDropout().eval()(torch.ones(1, 2))
        tensor([[1., 1.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
