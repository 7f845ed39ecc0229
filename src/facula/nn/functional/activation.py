"""Activation functions of torch.nn.functional; the formulas live in the table of pointwise operations."""

from __future__ import annotations

import facula
from facula import Tensor
from facula._native import autocasts, composed, native
from facula.functional.arguments import write_out_same
from facula.functional.drawing import _rrelu

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu",
    "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus",
    "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip


@native
def _softmax(input: Tensor, dim: int, dtype: facula.dtype | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along ``dim``, shifted by the maximum."""


@native
def _log_softmax(input: Tensor, dim: int, dtype: facula.dtype | None = None) -> Tensor:
    """x - log(sum(exp(x))) along ``dim``, shifted by the maximum."""


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise.

    Args:
        input (Tensor): any shape.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return input.relu_() if inplace else facula.relu(input)


def relu_(input: Tensor) -> Tensor:
    """In-place :func:`relu`.

    Args:
        input (Tensor): overwritten.

    Returns:
        Tensor: ``input``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.relu_(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return input.relu_()


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6), elementwise.

    Args:
        input (Tensor): any shape.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.relu6(torch.tensor([-1.0, 8.0]))
        tensor([0., 6.])
    """
    return facula._relu6_(input) if inplace else facula._relu6(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, ``negative_slope * x`` elsewhere.

    Args:
        input (Tensor): any shape.
        negative_slope (float): Default: 0.01.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]), 0.5)
        tensor([-0.5000,  2.0000])
    """
    return facula._leaky_relu_(input, negative_slope) if inplace else facula._leaky_relu(input, negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place :func:`leaky_relu`.

    Args:
        input (Tensor): overwritten.
        negative_slope (float): Default: 0.01.

    Returns:
        Tensor: ``input``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.leaky_relu_(torch.tensor([-1.0, 2.0]))
        tensor([-0.0100,  2.0000])
    """
    return facula._leaky_relu_(input, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Args:
        input (Tensor): any shape.
        alpha (float): Default: 1.0.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.elu(torch.tensor([0.0, 2.0]))
        tensor([0., 2.])
    """
    return facula._elu_(input, alpha, 1.0, 1.0) if inplace else facula._elu(input, alpha, 1.0, 1.0)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place :func:`elu`.

    Args:
        input (Tensor): overwritten.
        alpha (float): Default: 1.0.

    Returns:
        Tensor: ``input``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.elu_(torch.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """
    return facula._elu_(input, alpha, 1.0, 1.0)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Scaled ELU with the self-normalising constants of Klambauer et al. 2017.

    Args:
        input (Tensor): any shape.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.selu(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 1.0507])
    """
    return facula.selu_(input) if inplace else facula.selu(input)


def selu_(input: Tensor) -> Tensor:
    """In-place :func:`selu`.

    Args:
        input (Tensor): overwritten.

    Returns:
        Tensor: ``input``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.selu_(torch.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])
    """
    return facula.selu_(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0), elementwise.

    Args:
        input (Tensor): any shape.
        alpha (float): not 0. Default: 1.0.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.celu(torch.tensor([0.0, 2.0]))
        tensor([0., 2.])
    """
    return facula.celu_(input, alpha) if inplace else facula.celu(input, alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place :func:`celu`.

    Args:
        input (Tensor): overwritten.
        alpha (float): not 0. Default: 1.0.

    Returns:
        Tensor: ``input``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.celu_(torch.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """
    return facula.celu_(input, alpha)


def gelu(input: Tensor, approximate: str = "none", *, out: Tensor | None = None) -> Tensor:
    """x * Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016).

    Args:
        input (Tensor): any shape.
        approximate (str): "none" for erf, "tanh" for the tanh approximation. Default: "none".
        out (Tensor): where to put the result. Optional.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        RuntimeError: another ``approximate``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.gelu(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8413])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, but got {approximate!r}.")
    result = facula._gelu(input) if approximate == "none" else facula._gelu_tanh(input)
    return result if out is None else write_out_same(result, out)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x), elementwise; also known as swish.

    Args:
        input (Tensor): any shape.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.silu(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7311])
    """
    return facula._silu_(input) if inplace else facula._silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x)), elementwise.

    Args:
        input (Tensor): any shape.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.mish(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.8651])
    """
    return facula._mish_(input) if inplace else facula._mish(input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), elementwise.

    Args:
        input (Tensor): any shape.

    Returns:
        Tensor: same shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.sigmoid(torch.tensor([0.0]))
        tensor([0.5000])
    """
    return facula.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent, elementwise.

    Args:
        input (Tensor): any shape.

    Returns:
        Tensor: same shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.tanh(torch.tensor([0.0]))
        tensor([0.])
    """
    return facula.tanh(input)


def _softmax_dim(name: str, ndim: int) -> int:
    """The dimension that PyTorch 0.3 chose when none was given."""
    import warnings

    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=4,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype=None) -> Tensor:
    """exp(x) / sum(exp(x)) along a dimension; the results are positive and sum to 1.

    Args:
        input (Tensor): any shape.
        dim (int): the dimension summed over; leaving it out is deprecated.
        dtype (dtype): convert ``input`` to it first. Optional.

    Returns:
        Tensor: same shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.softmax(torch.tensor([1.0, 1.0]), dim=0)
        tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _softmax_dim("softmax", input.dim())
    return _softmax(input if dtype is None else input.to(dtype), dim)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype=None) -> Tensor:
    """log(softmax(x)) along a dimension, computed stably.

    Args:
        input (Tensor): any shape.
        dim (int): the dimension summed over; leaving it out is deprecated.
        dtype (dtype): convert ``input`` to it first. Optional.

    Returns:
        Tensor: same shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.log_softmax(torch.tensor([1.0, 1.0]), dim=0)
        tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = _softmax_dim("log_softmax", input.dim())
    return _log_softmax(input if dtype is None else input.to(dtype), dim)


@composed
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype=None) -> Tensor:
    """softmax(-x) along a dimension.

    Args:
        input (Tensor): any shape.
        dim (int): the dimension summed over; leaving it out is deprecated.
        dtype (dtype): convert ``input`` to it first. Optional.

    Returns:
        Tensor: same shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.softmin(torch.tensor([1.0, 1.0]), dim=0)
        tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _softmax_dim("softmin", input.dim())
    return _softmax(-input if dtype is None else (-input).to(dtype), dim)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A differentiable sample from the categorical distribution with these logits (Jang et al. 2016).

    Args:
        logits (Tensor): unnormalised log probabilities.
        tau (float): temperature. Default: 1.
        hard (bool): return one-hot vectors, with the gradient of the soft ones. Default: False.
        eps (float): deprecated, without effect.
        dim (int): the dimension of the classes. Default: -1.

    Returns:
        Tensor: same shape, sums to 1 along ``dim``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.gumbel_softmax(torch.zeros(2, 5), hard=True).sum(-1)
        tensor([1., 1.])
    """
    if eps != 1e-10:
        import warnings

        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    gumbels = -facula.empty_like(logits).exponential_().log()
    soft = softmax((logits + gumbels) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    return facula.zeros_like(logits).scatter_(dim, index, 1.0) - soft.detach() + soft


def softplus(input: Tensor, beta: float = 1, threshold: float = 20, *, out: Tensor | None = None) -> Tensor:
    """log(1 + exp(beta * x)) / beta, and x itself where ``beta * x > threshold``.

    Args:
        input (Tensor): any shape.
        beta (float): Default: 1.
        threshold (float): Default: 20.
        out (Tensor): of the input's dtype. Optional.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        RuntimeError: ``out`` of another dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.softplus(torch.tensor([0.0, 30.0]))
        tensor([ 0.6931, 30.0000])
    """
    result = facula._softplus(input, beta, threshold)
    return result if out is None else write_out_same(result, out)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|), elementwise.

    Args:
        input (Tensor): any shape.

    Returns:
        Tensor: same shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.softsign(torch.tensor([1.0]))
        tensor([0.5000])
    """
    return facula._softsign(input)


def softshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x moved towards 0 by ``lambd``, and 0 within ``lambd`` of 0.

    Args:
        input (Tensor): any shape.
        lambd (float): not negative. Default: 0.5.
        out (Tensor): where to put the result. Optional.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        RuntimeError: ``lambd`` is negative.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.softshrink(torch.tensor([0.25, 2.0]))
        tensor([0.0000, 1.5000])
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    result = facula._softshrink(input, lambd)
    return result if out is None else write_out_same(result, out)


def hardshrink(input: Tensor, lambd: float = 0.5, *, out: Tensor | None = None) -> Tensor:
    """x, and 0 within ``lambd`` of 0.

    Args:
        input (Tensor): any shape.
        lambd (float): Default: 0.5.
        out (Tensor): where to put the result. Optional.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.hardshrink(torch.tensor([0.25, 2.0]))
        tensor([0., 2.])
    """
    result = facula._hardshrink(input, lambd)
    return result if out is None else write_out_same(result, out)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x limited to [min_val, max_val].

    Args:
        input (Tensor): any shape.
        min_val (float): Default: -1.0.
        max_val (float): Default: 1.0.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        ValueError: ``min_val > max_val``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5]))
        tensor([-1.0000,  0.5000])
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return facula._hardtanh_(input, min_val, max_val) if inplace else facula._hardtanh(input, min_val, max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place :func:`hardtanh`.

    Args:
        input (Tensor): overwritten.
        min_val (float): Default: -1.0.
        max_val (float): Default: 1.0.

    Returns:
        Tensor: ``input``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.hardtanh_(torch.tensor([-1.0, 2.0]))
        tensor([-1.,  1.])
    """
    return hardtanh(input, min_val, max_val, inplace=True)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6, elementwise.

    Args:
        input (Tensor): any shape.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.hardsigmoid(torch.tensor([-4.0, 0.0]))
        tensor([0.0000, 0.5000])
    """
    return facula._hardsigmoid_(input) if inplace else facula._hardsigmoid(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * hardsigmoid(x), elementwise (Howard et al. 2019).

    Args:
        input (Tensor): any shape.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.hardswish(torch.tensor([4.0, 0.0]))
        tensor([4., 0.])
    """
    return facula._hardswish_(input) if inplace else facula._hardswish(input)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x), elementwise.

    Args:
        input (Tensor): any shape.

    Returns:
        Tensor: same shape.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.tanhshrink(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.2384])
    """
    return facula._tanhshrink(input)


def logsigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """log(sigmoid(x)), elementwise, computed stably.

    Args:
        input (Tensor): any shape.
        out (Tensor): where to put the result. Optional.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.logsigmoid(torch.tensor([0.0]))
        tensor([-0.6931])
    """
    result = facula._logsigmoid(input)
    return result if out is None else write_out_same(result, out)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is above ``threshold``, ``value`` elsewhere.

    Args:
        input (Tensor): any shape.
        threshold (float): the limit.
        value (float): what replaces values at or below it.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.threshold(torch.tensor([1.0, 3.0]), 2.0, -1.0)
        tensor([-1.,  3.])
    """
    return facula._threshold_(input, threshold, value) if inplace else facula._threshold(input, threshold, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place :func:`threshold`.

    Args:
        input (Tensor): overwritten.
        threshold (float): the limit.
        value (float): what replaces values at or below it.

    Returns:
        Tensor: ``input``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.threshold_(torch.tensor([-1.0, 2.0]), 0.5, 7.0)
        tensor([7., 2.])
    """
    return facula._threshold_(input, threshold, value)


@autocasts("lower")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where positive, ``weight * x`` elsewhere, with a learned slope for all or for each channel.

    Args:
        input (Tensor): (N, C, ...) when there is more than one slope.
        weight (Tensor): one slope, or C of them.

    Returns:
        Tensor: same shape and dtype.

    Raises:
        RuntimeError: the number of slopes is neither 1 nor C.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.prelu(torch.tensor([-2.0, 3.0]), torch.tensor([0.25]))
        tensor([-0.5000,  3.0000])
    """
    slopes, ndim = weight.numel(), input.dim()
    if weight.dim() > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.dim()}")
    if weight.dtype != input.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}")
    if slopes != 1:
        if ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if ndim > 1 else 1
        if slopes != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. "
                f"Found parameter numbers = {slopes} and channel size = {channels}."
            )
    shape = [1] * ndim
    if ndim:
        shape[1 if ndim > 1 else 0] = slopes
    return facula._prelu_kernel(input, weight.reshape(shape))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), where a and b are the two halves of the input along ``dim``.

    Args:
        input (Tensor): its size along ``dim`` is even.
        dim (int): Default: -1.

    Returns:
        Tensor: half the size along ``dim``.

    Raises:
        RuntimeError: the size is odd, or the input has no dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.glu(torch.tensor([2.0, 0.0]))
        tensor([1.])
    """
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim % input.dim()} is size {size}")
    a, b = input.chunk(2, dim)
    return a * facula.sigmoid(b)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Leaky ReLU with a random slope per negative element in training, the mean slope in evaluation.

    Args:
        input (Tensor): any shape.
        lower (float): smallest slope. Default: 1/8.
        upper (float): largest slope. Default: 1/3.
        training (bool): draw slopes. Default: False.
        inplace (bool): overwrite ``input``. Default: False.

    Returns:
        Tensor: same shape and dtype.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.rrelu(torch.tensor([-1.0, 2.0]), 0.5, 0.5)
        tensor([-0.5000,  2.0000])
    """
    return _rrelu(input, lower, upper, training, inplace)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """In-place :func:`rrelu`.

    Args:
        input (Tensor): overwritten.
        lower (float): smallest slope. Default: 1/8.
        upper (float): largest slope. Default: 1/3.
        training (bool): draw slopes. Default: False.

    Returns:
        Tensor: ``input``.

    Example:
        >>> import facula as torch
        >>> torch.nn.functional.rrelu_(torch.tensor([-1.0, 2.0]), 0.5, 0.5)
        tensor([-0.5000,  2.0000])
    """
    return rrelu(input, lower, upper, training, inplace=True)
