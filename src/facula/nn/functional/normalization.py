"""Layer, batch, group, instance, local-response and root-mean-square normalisation, and unit-length vectors."""

from __future__ import annotations

import facula
from facula import Tensor
from facula._native import autocasts, composed, native

from .padding import pad
from .pooling import avg_pool2d

__all__ = [
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm",
]  # fmt: skip


@native
def _layer_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, normalized_shape: tuple[int, ...], eps: float
) -> tuple[Tensor, Tensor]:
    """Normalise over the last dimensions; also gives means and inverse deviations."""


@native
def _rms_norm(
    input: Tensor, weight: Tensor | None, normalized_shape: tuple[int, ...], eps: float
) -> tuple[Tensor, Tensor]:
    """Divide by the root mean square over the last dimensions."""


@native
def _group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, num_groups: int, eps: float
) -> tuple[Tensor, Tensor]:
    """Normalise over groups of channels of each sample."""


@native
def _batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor]:
    """Normalise each channel over the batch, or by given statistics; updates the running ones in training."""


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
    return _layer_norm(input, weight, bias, normalized_shape, eps)[0]


@composed
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
    if eps is None:  # of the type that half types are computed in
        eps = facula.finfo(facula.float64 if input.dtype == facula.float64 else facula.float32).eps
    if input.is_complex():  # the squares, as PyTorch has it, not those of the magnitudes
        dims = tuple(range(-len(normalized_shape), 0))
        result = input * (input.square().mean(dims, keepdim=True) + eps).rsqrt()
        return result if weight is None else result * weight
    return _rms_norm(input, weight, normalized_shape, eps)[0]


@composed
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
    if training and input.dim() > 1 and input.shape[1] and input.numel() == input.shape[1]:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    if input.dim() == 1 and not input.numel():  # PyTorch asks nothing of an input without elements
        result = input.clone()
        result = result if weight is None else result * weight[0]
        return result if bias is None else result + bias[0]
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return _batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]


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
    if input.dim() >= 2 and num_groups > 0 and input.numel() == input.shape[1] and input.shape[1] == num_groups:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(input.shape)}")
    return _group_norm(input, weight, bias, num_groups, eps)[0]


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / sqrt(var + eps) per sample and channel, then a per-channel affine map (Ulyanov et al. 2016).

    Args:
        input (Tensor): (N, C, ...).
        running_mean, running_var (Tensor): (C,); updated with the batch's averages. Optional.
        weight, bias (Tensor): (C,). Optional.
        use_input_stats (bool): False: use the running statistics. Default: True.
        momentum (float): weight of the batch in the running statistics. Default: 0.1.
        eps (float): Default: 1e-5.

    Returns:
        Tensor: same shape.

    Raises:
        ValueError: one value per channel.
        RuntimeError: a statistic is missing, or the shapes do not fit.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.instance_norm(torch.tensor([[[1.0, 3.0]]]))
        tensor([[[-1.0000,  1.0000]]])
    """
    if use_input_stats and input.numel() == input.shape[0] * input.shape[1]:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    n, c, *rest = input.shape

    def repeated(t):
        return None if t is None else t.repeat(n)

    means, variances = repeated(running_mean), repeated(running_var)
    result = _batch_norm(
        input.reshape(1, n * c, *rest),
        repeated(weight),
        repeated(bias),
        means,
        variances,
        use_input_stats,
        momentum,
        eps,
    )[0]
    if use_input_stats and n:
        for running, batch in ((running_mean, means), (running_var, variances)):
            if running is not None:
                with facula.no_grad():
                    running.copy_(batch.reshape(n, c).mean(0))
    return result.reshape(input.shape)


# Of images, PyTorch takes this average with avg_pool3d, which autocast knows.
@autocasts("float32")
def _average_in_float32(input: Tensor, kernel_size, stride) -> Tensor:
    return avg_pool2d(input, kernel_size, stride)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + alpha * mean of x^2 over neighbouring channels) ** beta (Krizhevsky et al. 2012).

    Args:
        input (Tensor): (N, C, ...), at least three dimensions.
        size (int): channels of a neighbourhood.
        alpha, beta, k (float): Default: 1e-4, 0.75, 1.0.

    Returns:
        Tensor: same shape.

    Raises:
        ValueError: less than three dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.local_response_norm(torch.ones(1, 1, 1), 1, alpha=3.0, beta=0.5)
        tensor([[[0.5000]]])
    """
    if input.dim() < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)")
    if input.numel() == 0:
        return input
    squares = input.mul(input).reshape(input.shape[0], 1, input.shape[1], -1)
    padded = pad(squares, (0, 0, size // 2, (size - 1) // 2))
    average = avg_pool2d if input.dim() == 3 else _average_in_float32
    mean = average(padded, (size, 1), stride=1).reshape(input.shape)
    return input / (mean * alpha + k) ** beta


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
