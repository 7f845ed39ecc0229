"""Layer, batch, group and root-mean-square normalisation, and unit-length vectors, composed of tensor operations."""

from __future__ import annotations

import facula
from facula import Tensor

__all__ = ["batch_norm", "group_norm", "layer_norm", "normalize", "rms_norm"]


def _check_normalized_shape(name: str, input: Tensor, shape: list, weight, bias) -> None:
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            f"but got normalized_shape = {shape}"
        )
    for what, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and list(tensor.shape) != shape:
            raise RuntimeError(
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape "
                f"{list(tensor.shape)} and normalized_shape = {shape}"
            )
    if list(input.shape[-len(shape) :]) != shape:
        expected = ", ".join(["*", *map(str, shape)])
        raise RuntimeError(
            f"Given normalized_shape={shape}, expected input with shape [{expected}], "
            f"but got input of size{list(input.shape)}"
        )


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def layer_norm(
    input: Tensor, normalized_shape, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """(x - mean) / sqrt(var + eps) over the last dimensions, then an elementwise affine map (Ba et al. 2016).

    Args:
        input (Tensor): (*, *normalized_shape).
        normalized_shape (sequence of int): the dimensions averaged over.
        weight (Tensor): normalized_shape. Optional.
        bias (Tensor): normalized_shape. Optional.
        eps (float): Default: 1e-5.

    Returns:
        Tensor: same shape.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.layer_norm(torch.tensor([1.0, 3.0]), (2,))
        tensor([-1.0000,  1.0000])
    """
    shape = list(normalized_shape)
    _check_normalized_shape("layer_norm", input, shape, weight, bias)
    dims = tuple(range(-len(shape), 0))
    centred = input - input.mean(dims, keepdim=True)
    variance = (centred * centred).mean(dims, keepdim=True)
    return _affine(centred * (variance + eps).rsqrt(), weight, bias)


def rms_norm(input: Tensor, normalized_shape, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """x / sqrt(mean(x^2) + eps) over the last dimensions, times a weight (Zhang and Sennrich 2019).

    Args:
        input (Tensor): (*, *normalized_shape).
        normalized_shape (sequence of int): the dimensions averaged over.
        weight (Tensor): normalized_shape. Optional.
        eps (float): Default: the machine epsilon of the dtype.

    Returns:
        Tensor: same shape.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.rms_norm(torch.tensor([3.0, 4.0]), (2,))
        tensor([0.8485, 1.1314])
    """
    shape = list(normalized_shape)
    _check_normalized_shape("rms_norm", input, shape, weight, None)
    if eps is None:
        eps = facula.finfo(input.dtype).eps
    mean_square = (input * input).mean(tuple(range(-len(shape), 0)), keepdim=True)
    return _affine(input * (mean_square + eps).rsqrt(), weight, None)


def _channel_shape(input: Tensor) -> list[int]:
    return [1, input.shape[1], *[1] * (input.dim() - 2)]


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) per channel, then a per-channel affine map (Ioffe and Szegedy 2015).

    Args:
        input (Tensor): (N, C, ...).
        running_mean, running_var (Tensor): (C,); used in evaluation, updated in training. None: use the batch.
        weight (Tensor): (C,). Optional.
        bias (Tensor): (C,). Optional.
        training (bool): use the batch's mean and (biased) variance. Default: False.
        momentum (float): weight of the batch in the running statistics. Default: 0.1.
        eps (float): Default: 1e-5.

    Returns:
        Tensor: same shape.

    Raises:
        ValueError: one value per channel in training, or a bad ``eps``.
        RuntimeError: a statistic is missing, or the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.batch_norm(torch.tensor([[1.0], [3.0]]), None, None, training=True)
        tensor([[-1.0000],
                [ 1.0000]])
    """
    shape = _channel_shape(input)
    channels = shape[1]
    count = input.numel() // channels if channels else 0
    if training and count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    named = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, tensor in named.items():
        if tensor is not None and tensor.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {tensor.numel()}")
    if not training:
        if running_mean is None or running_var is None:
            missing = "running_mean" if running_mean is None else "running_var"
            raise RuntimeError(f"Expected {missing} to be defined when training=False")
        centred = input - running_mean.reshape(shape)
        scale = (running_var + eps).rsqrt().reshape(shape)
    else:
        dims = tuple(d for d in range(input.dim()) if d != 1)
        mean = input.mean(dims, keepdim=True)
        centred = input - mean
        variance = (centred * centred).mean(dims, keepdim=True)
        scale = (variance + eps).rsqrt()
        _update_running(running_mean, mean, momentum)
        _update_running(running_var, variance, momentum, count / max(count - 1, 1))
    weight = None if weight is None else weight.reshape(shape)
    return _affine(centred * scale, weight, None if bias is None else bias.reshape(shape))


def _update_running(running: Tensor | None, batch: Tensor, momentum: float, unbias: float = 1.0) -> None:
    if running is not None:
        with facula.no_grad():
            running.mul_(1 - momentum).add_(batch.reshape(running.shape), alpha=momentum * unbias)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """(x - mean) / sqrt(var + eps) per sample and group of channels, then a per-channel affine map (Wu and He 2018).

    Args:
        input (Tensor): (N, C, ...).
        num_groups (int): divides C.
        weight (Tensor): (C,). Optional.
        bias (Tensor): (C,). Optional.
        eps (float): Default: 1e-5.

    Returns:
        Tensor: same shape.

    Raises:
        RuntimeError: the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 3.0]]), 1)
        tensor([[-1.0000,  1.0000]])
    """
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    if input.shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    grouped = input.reshape(input.shape[0], num_groups, -1)
    centred = grouped - grouped.mean(-1, keepdim=True)
    variance = (centred * centred).mean(-1, keepdim=True)
    result = (centred * (variance + eps).rsqrt()).reshape(input.shape)
    shape = _channel_shape(input)
    weight = None if weight is None else weight.reshape(shape)
    return _affine(result, weight, None if bias is None else bias.reshape(shape))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """x / max(norm(x), eps) along a dimension.

    Args:
        input (Tensor): any shape.
        p (float): order of the norm. Default: 2.0.
        dim (int): Default: 1.
        eps (float): smallest divisor. Default: 1e-12.
        out (Tensor): where to put the result. Optional.

    Returns:
        Tensor: same shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """
    norm = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / norm if out is None else facula.div(input, norm, out=out)
