"""Initialisers: they fill a tensor in place, outside autograd, and draw the random numbers that PyTorch draws."""

from __future__ import annotations

import math

import facula
from facula import Tensor

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity's inputs should be scaled up to keep the variance.

    Args:
        nonlinearity (str): "linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"...
        param (float): the negative slope of "leaky_relu". Default: 0.01.

    Returns:
        float

    Raises:
        ValueError: an unknown name, or a slope that is not a number.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.calculate_gain("tanh")
        1.6666666666666667
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            slope = 0.01
        elif isinstance(param, (int, float)) and not isinstance(param, bool):
            slope = param
        else:
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4  # PyTorch's empirical value
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator=None) -> Tensor:
    """Fill with draws from the uniform distribution on [a, b).

    Args:
        tensor (Tensor): overwritten.
        a (float): Default: 0.0.
        b (float): Default: 1.0.
        generator (Generator): Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Example:
        >>> import facula as torch
        >>> bool((torch.nn.init.uniform_(torch.empty(5)) < 1).all())
        True
    """
    with facula.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator=None) -> Tensor:
    """Fill with draws from the normal distribution.

    Args:
        tensor (Tensor): overwritten.
        mean (float): Default: 0.0.
        std (float): Default: 1.0.
        generator (Generator): Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.normal_(torch.empty(2, 3)).shape
        torch.Size([2, 3])
    """
    with facula.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator=None
) -> Tensor:
    """Fill with draws from the normal distribution, redrawn until they lie in [a, b].

    Args:
        tensor (Tensor): overwritten.
        mean (float): Default: 0.0.
        std (float): Default: 1.0.
        a (float): Default: -2.0.
        b (float): Default: 2.0.
        generator (Generator): Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Example:
        >>> import facula as torch
        >>> bool((torch.nn.init.trunc_normal_(torch.empty(50)).abs() <= 2).all())
        True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        import warnings

        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )

    def below(x: float) -> float:
        return (1.0 + math.erf((x - mean) / std / math.sqrt(2.0))) / 2.0

    with facula.no_grad():
        # 0.3: where PyTorch changes from redrawing normals to accepting uniforms; both consume the generator alike.
        if below(b) - below(a) > 0.3:
            return _redraw_normal(tensor, mean, std, a, b, generator)
        return _accept_uniform(tensor, mean, std, a, b, generator)


def _redraw_normal(tensor: Tensor, mean: float, std: float, a: float, b: float, generator) -> Tensor:
    low, high = tensor.new_tensor(a).item(), tensor.new_tensor(b).item()  # the bounds as the dtype holds them
    values = tensor.normal_(mean, std, generator=generator)
    while True:
        outside = (values < low) | (values > high)
        if not outside.any():
            break
        values = facula.where(outside, facula.empty_like(values).normal_(mean, std, generator=generator), values)
    return tensor if values is tensor else tensor.copy_(values)


def _accept_uniform(tensor: Tensor, mean: float, std: float, a: float, b: float, generator) -> Tensor:
    """Rejection sampling: uniform candidates, accepted with probability density / peak density."""
    log_peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2

    def rejected(candidates: Tensor) -> Tensor:
        log_density = (candidates - mean).div_(std).pow_(2).mul_(-0.5).sub_(log_peak)
        return facula.empty_like(candidates).uniform_(generator=generator).log_().gt(log_density)

    values = tensor.uniform_(a, b, generator=generator)
    pending = rejected(values)
    while pending.any():
        candidates = facula.empty_like(tensor).uniform_(a, b, generator=generator)
        values = facula.where(pending, candidates, values)
        pending = facula.where(pending, rejected(candidates), pending)
    return tensor if values is tensor else tensor.copy_(values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value.

    Args:
        tensor (Tensor): overwritten.
        val (float): the value.

    Returns:
        Tensor: ``tensor``.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.constant_(torch.empty(2), 3.0)
        tensor([3., 3.])
    """
    with facula.no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    Args:
        tensor (Tensor): overwritten.

    Returns:
        Tensor: ``tensor``.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.ones_(torch.empty(2))
        tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    Args:
        tensor (Tensor): overwritten.

    Returns:
        Tensor: ``tensor``.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.zeros_(torch.empty(2))
        tensor([0., 0.])
    """
    with facula.no_grad():
        return tensor.zero_()


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity.

    Args:
        tensor (Tensor): two-dimensional, overwritten.

    Returns:
        Tensor: ``tensor``.

    Raises:
        ValueError: ``tensor`` has another number of dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.eye_(torch.empty(2, 2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with facula.no_grad():
        return tensor.copy_(facula.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution kernel so that it passes as many input channels through as it can.

    Args:
        tensor (Tensor): (O, C / groups, K...), overwritten.
        groups (int): Default: 1.

    Returns:
        Tensor: ``tensor``.

    Raises:
        ValueError: another number of dimensions, or ``groups`` does not divide O.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.dirac_(torch.empty(1, 1, 3))
        tensor([[[0., 1., 0.]]])
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    out_channels = tensor.shape[0]
    if out_channels % groups:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = out_channels // groups
    centre = tuple(size // 2 for size in tensor.shape[2:])
    with facula.no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(per_group, tensor.shape[1])):
                at = (group * per_group + channel, channel, *centre)
                tensor[at] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    shape = tensor.shape
    if len(shape) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    modes = ["fan_in", "fan_out"]
    mode = mode.lower()
    if mode not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode)]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator=None) -> Tensor:
    """Fill uniformly within +-gain * sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).

    Args:
        tensor (Tensor): two dimensions or more, overwritten.
        gain (float): Default: 1.0.
        generator (Generator): Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Raises:
        ValueError: fewer than two dimensions.

    Example:
        >>> import facula as torch
        >>> bool((torch.nn.init.xavier_uniform_(torch.empty(3, 3)).abs() <= 1).all())
        True
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator=None) -> Tensor:
    """Fill normally with standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010).

    Args:
        tensor (Tensor): two dimensions or more, overwritten.
        gain (float): Default: 1.0.
        generator (Generator): Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Raises:
        ValueError: fewer than two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.xavier_normal_(torch.empty(2, 3)).shape
        torch.Size([2, 3])
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """The standard deviation of He et al. 2015, or None for a tensor without elements."""
    if 0 in tensor.shape:
        import warnings

        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None
) -> Tensor:
    """Fill uniformly within +-gain * sqrt(3 / fan) (He et al. 2015).

    Args:
        tensor (Tensor): two dimensions or more, overwritten.
        a (float): negative slope, for "leaky_relu". Default: 0.
        mode (str): "fan_in" or "fan_out". Default: "fan_in".
        nonlinearity (str): a name that :func:`calculate_gain` knows. Default: "leaky_relu".
        generator (Generator): Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Raises:
        ValueError: fewer than two dimensions, an unknown mode or nonlinearity.

    Example:
        >>> import facula as torch
        >>> bool((torch.nn.init.kaiming_uniform_(torch.empty(2, 6)).abs() <= 1).all())
        True
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None
) -> Tensor:
    """Fill normally with standard deviation gain / sqrt(fan) (He et al. 2015).

    Args:
        tensor (Tensor): two dimensions or more, overwritten.
        a (float): negative slope, for "leaky_relu". Default: 0.
        mode (str): "fan_in" or "fan_out". Default: "fan_in".
        nonlinearity (str): a name that :func:`calculate_gain` knows. Default: "leaky_relu".
        generator (Generator): Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Raises:
        ValueError: fewer than two dimensions, an unknown mode or nonlinearity.

    Example:
        >>> import facula as torch
        >>> torch.nn.init.kaiming_normal_(torch.empty(2, 3)).shape
        torch.Size([2, 3])
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator=None) -> Tensor:
    """Fill with a (semi-)orthogonal matrix: the Q of a random matrix (Saxe et al. 2013).

    Args:
        tensor (Tensor): two dimensions or more, read as (shape[0], rest), overwritten.
        gain (float): Default: 1.
        generator (Generator): Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Raises:
        ValueError: fewer than two dimensions.

    Example:
        >>> import facula as torch
        >>> q = torch.nn.init.orthogonal_(torch.empty(3, 3))
        >>> torch.allclose(q @ q.T, torch.eye(3), atol=1e-5)
        True
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    with facula.no_grad():
        drawn = tensor.new_empty((rows, columns)).normal_(0, 1, generator=generator)
        q, r = facula.linalg.qr(drawn.t() if rows < columns else drawn)
        q = q * facula.diag(r, 0).sign()  # makes Q unique: uniform over orthogonal matrices (Mezzadri 2007)
        if rows < columns:
            q = q.t()
        return tensor.copy_(q.reshape(tensor.shape)).mul_(gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator=None) -> Tensor:
    """Fill a matrix with normal draws and set a share of every column to zero (Martens 2010).

    Args:
        tensor (Tensor): two-dimensional, overwritten.
        sparsity (float): the share, in [0, 1].
        std (float): Default: 0.01.
        generator (Generator): for the values; Default: the global one.

    Returns:
        Tensor: ``tensor``.

    Raises:
        ValueError: ``tensor`` has another number of dimensions.

    Example:
        >>> import facula as torch
        >>> int((torch.nn.init.sparse_(torch.empty(10, 2), 0.5) == 0).sum())
        10
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with facula.no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[facula.randperm(rows)[:zeros], column] = 0
    return tensor


def _deprecated(initialiser):
    old = initialiser.__name__[:-1]

    def deprecated_initialiser(*args, **kwargs):
        import warnings

        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{old}_`.", FutureWarning, stacklevel=2)
        return initialiser(*args, **kwargs)

    deprecated_initialiser.__name__ = old
    deprecated_initialiser.__doc__ = f"Deprecated name of :func:`{old}_`."
    return deprecated_initialiser


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
