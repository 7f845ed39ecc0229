"""Dropout and its relatives: random elements or channels become zero, the rest is scaled up."""

from __future__ import annotations

from facula import Tensor
from facula._native import native
from facula.functional.drawing import _masked

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


@native
def _dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Zero each element with probability ``p`` and divide the others by ``1 - p``, if ``train``."""


def _check(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability ``p`` and divide the others by ``1 - p`` (Hinton et al. 2012).

    Args:
        input (Tensor): any shape.
        p (float): probability, in [0, 1]. Default: 0.5.
        training (bool): otherwise return the input. Default: True.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.dropout(torch.ones(3), p=0.0)
        tensor([1., 1., 1.])
    """
    if p < 0.0 or p > 1.0:
        _check(p)
    if not inplace:
        return _dropout(input, p, training)
    return _masked(input, p, training, None, inplace=True)


def _channels(input: Tensor) -> tuple:
    return (*input.shape[:2], *[1] * (input.dim() - 2))


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of length L with probability ``p``.

    Args:
        input (Tensor): (N, C, L) or (C, L).
        p (float): probability, in [0, 1]. Default: 0.5.
        training (bool): otherwise return the input. Default: True.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        ValueError: ``p`` is outside [0, 1].
        RuntimeError: the input has neither 2 nor 3 dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.dropout1d(torch.ones(1, 2, 3), p=0.0).shape
        torch.Size([1, 2, 3])
    """
    _check(p)
    ndim = input.dim()
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension (i.e. 2D or 3D inputs)."
        )
    shape = _channels(input) if ndim == 3 else (input.shape[0], 1)
    return _masked(input, p, training, shape, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels with probability ``p``.

    Args:
        input (Tensor): (N, C, H, W); (N, C, L) is accepted with a warning.
        p (float): probability, in [0, 1]. Default: 0.5.
        training (bool): otherwise return the input. Default: True.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.dropout2d(torch.ones(1, 2, 3, 3), p=0.0).shape
        torch.Size([1, 2, 3, 3])
    """
    _check(p)
    ndim = input.dim()
    if ndim != 4:
        import warnings

        warnings.warn(
            f"dropout2d: Received a {ndim}-D input; channel-wise dropout on anything but (N, C, H, W) is deprecated: "
            "use dropout1d for (N, C, L) and dropout for single elements.",
            stacklevel=2,
        )
    return _masked(input, p, training, _channels(input), inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels with probability ``p``.

    Args:
        input (Tensor): (N, C, D, H, W) or (C, D, H, W).
        p (float): probability, in [0, 1]. Default: 0.5.
        training (bool): otherwise return the input. Default: True.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.dropout3d(torch.ones(1, 2, 3, 3, 3), p=0.0).shape
        torch.Size([1, 2, 3, 3, 3])
    """
    _check(p)
    ndim = input.dim()
    if ndim not in (4, 5):
        import warnings

        warnings.warn(
            f"dropout3d: Received a {ndim}-D input; channel-wise dropout on anything but (N, C, D, H, W) is "
            "deprecated: use dropout for single elements.",
            stacklevel=2,
        )
    shape = _channels(input) if ndim == 5 else (input.shape[0], *[1] * (ndim - 1))
    return _masked(input, p, training, shape, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance of SELU activations (Klambauer et al. 2017).

    Args:
        input (Tensor): any shape.
        p (float): probability, in [0, 1]. Default: 0.5.
        training (bool): otherwise return the input. Default: False.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.alpha_dropout(torch.ones(2))
        tensor([1., 1.])
    """
    _check(p)
    return _masked(input, p, training, None, inplace, alpha=True)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """:func:`alpha_dropout` of whole channels.

    Args:
        input (Tensor): (N, C, ...).
        p (float): probability, in [0, 1]. Default: 0.5.
        training (bool): otherwise return the input. Default: False.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.feature_alpha_dropout(torch.ones(1, 2))
        tensor([[1., 1.]])
    """
    _check(p)
    return _masked(input, p, training, _channels(input), inplace, alpha=True)
