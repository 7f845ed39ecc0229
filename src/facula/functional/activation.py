"""Activation functions as the table has them. torch.* has few of them; the rest carry an underscore and are called by
torch.nn.functional, which checks arguments and chooses between them."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import autocasts, native

__all__ = [
    "_elu",
    "_elu_",
    "_gelu",
    "_gelu_",
    "_gelu_tanh",
    "_gelu_tanh_",
    "_hardshrink",
    "_hardshrink_",
    "_hardsigmoid",
    "_hardsigmoid_",
    "_hardswish",
    "_hardswish_",
    "_hardtanh",
    "_hardtanh_",
    "_leaky_relu",
    "_leaky_relu_",
    "_logsigmoid",
    "_logsigmoid_",
    "_mish",
    "_mish_",
    "_prelu_kernel",
    "_prelu_kernel_",
    "_relu6",
    "_relu6_",
    "_silu",
    "_silu_",
    "_softplus",
    "_softplus_",
    "_softshrink",
    "_softshrink_",
    "_softsign",
    "_softsign_",
    "_tanhshrink",
    "_tanhshrink_",
    "_threshold",
    "_threshold_",
    "celu",
    "celu_",
    "hardshrink",
    "prelu",
    "relu",
    "relu_",
    "selu",
    "selu_",
    "threshold",
    "threshold_",
]

METHODS = "celu_ hardshrink prelu relu relu_ selu_"


@native
def relu(input: Tensor) -> Tensor:
    """``max(input, 0)``.

    Example:
        >>> import facula as torch
        >>> torch.relu(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """


@native
def relu_(input: Tensor) -> Tensor:
    """In-place form of ``relu``."""


@native
def selu(input: Tensor) -> Tensor:
    """Self-normalising: ``scale * elu(input, alpha)`` with the constants of Klambauer et al. 2017.

    Example:
        >>> import facula as torch
        >>> torch.selu(torch.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])
    """


@native
def selu_(input: Tensor) -> Tensor:
    """In-place form of ``selu``."""


@native
def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``max(0, input) + min(0, alpha * (exp(input / alpha) - 1))``.

    Example:
        >>> import facula as torch
        >>> torch.celu(torch.tensor([-1.0, 2.0]), 0.5)
        tensor([-0.4323,  2.0000])
    """


@native
def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place form of ``celu``."""


@native("gelu")
def _gelu(input: Tensor) -> Tensor:
    """``input * Phi(input)``, Phi being the normal distribution's."""


@native("gelu_")
def _gelu_(input: Tensor) -> Tensor:
    """In-place form of ``_gelu``."""


@native("gelu_tanh")
def _gelu_tanh(input: Tensor) -> Tensor:
    """``gelu`` with Phi approximated by tanh."""


@native("gelu_tanh_")
def _gelu_tanh_(input: Tensor) -> Tensor:
    """In-place form of ``_gelu_tanh``."""


@native("silu")
def _silu(input: Tensor) -> Tensor:
    """``input * sigmoid(input)``."""


@native("silu_")
def _silu_(input: Tensor) -> Tensor:
    """In-place form of ``_silu``."""


@native("mish")
def _mish(input: Tensor) -> Tensor:
    """``input * tanh(softplus(input))``."""


@native("mish_")
def _mish_(input: Tensor) -> Tensor:
    """In-place form of ``_mish``."""


@native("elu")
def _elu(input: Tensor, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Tensor:
    """``scale * (input if input > 0 else alpha * expm1(input_scale * input))``."""


@native("elu_")
def _elu_(input: Tensor, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Tensor:
    """In-place form of ``_elu``."""


@native("leaky_relu")
def _leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """``input if input > 0 else negative_slope * input``."""


@native("leaky_relu_")
def _leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place form of ``_leaky_relu``."""


@native("softplus")
def _softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta * input)) / beta``, and ``input`` where ``beta * input > threshold``."""


@native("softplus_")
def _softplus_(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """In-place form of ``_softplus``."""


@native("hardtanh")
def _hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``input`` kept within [min_val, max_val]."""


@native("hardtanh_")
def _hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place form of ``_hardtanh``."""


@native("hardswish")
def _hardswish(input: Tensor) -> Tensor:
    """``input * relu6(input + 3) / 6``."""


@native("hardswish_")
def _hardswish_(input: Tensor) -> Tensor:
    """In-place form of ``_hardswish``."""


@native("hardsigmoid")
def _hardsigmoid(input: Tensor) -> Tensor:
    """``relu6(input + 3) / 6``."""


@native("hardsigmoid_")
def _hardsigmoid_(input: Tensor) -> Tensor:
    """In-place form of ``_hardsigmoid``."""


@native("hardshrink")
def _hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where ``|input| <= lambd``."""


@native("hardshrink_")
def _hardshrink_(input: Tensor, lambd: float = 0.5) -> Tensor:
    """In-place form of ``_hardshrink``."""


@native("softshrink")
def _softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``input`` moved by ``lambd`` towards 0."""


@native("softshrink_")
def _softshrink_(input: Tensor, lambd: float = 0.5) -> Tensor:
    """In-place form of ``_softshrink``."""


@native("tanhshrink")
def _tanhshrink(input: Tensor) -> Tensor:
    """``input - tanh(input)``."""


@native("tanhshrink_")
def _tanhshrink_(input: Tensor) -> Tensor:
    """In-place form of ``_tanhshrink``."""


@native("logsigmoid")
def _logsigmoid(input: Tensor) -> Tensor:
    """``log(sigmoid(input))``."""


@native("logsigmoid_")
def _logsigmoid_(input: Tensor) -> Tensor:
    """In-place form of ``_logsigmoid``."""


@native("softsign")
def _softsign(input: Tensor) -> Tensor:
    """``input / (1 + |input|)``."""


@native("softsign_")
def _softsign_(input: Tensor) -> Tensor:
    """In-place form of ``_softsign``."""


@native("relu6")
def _relu6(input: Tensor) -> Tensor:
    """``min(max(input, 0), 6)``."""


@native("relu6_")
def _relu6_(input: Tensor) -> Tensor:
    """In-place form of ``_relu6``."""


@native("threshold")
def _threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """``input`` where it is above ``threshold``, else ``value``."""


@native("threshold_")
def _threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place form of ``_threshold``."""


@native("prelu_kernel")
def _prelu_kernel(input: Tensor, weight: Tensor) -> Tensor:
    """``input if input > 0 else weight * input``, ``weight`` broadcasting."""


@native("prelu_kernel_")
def _prelu_kernel_(input: Tensor, weight: Tensor) -> Tensor:
    """In-place form of ``_prelu_kernel``."""


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``input`` where it is above ``threshold``, else ``value``.

    Example:
        >>> import facula as torch
        >>> torch.threshold(torch.tensor([0.5, 2.0]), 1.0, -1.0)
        tensor([-1.,  2.])
    """
    return _threshold_(input, threshold, value) if inplace else _threshold(input, threshold, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place form of ``threshold``."""
    return _threshold_(input, threshold, value)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where ``|input| <= lambd``.

    Example:
        >>> import facula as torch
        >>> torch.hardshrink(torch.tensor([0.3, -2.0]))
        tensor([ 0., -2.])
    """
    return _hardshrink(input, lambd)


@autocasts("lower")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``input if input > 0 else weight * input``; a weight with several elements has one for each channel (dim 1).

    Example:
        >>> import facula as torch
        >>> torch.prelu(torch.tensor([-2.0, 3.0]), torch.tensor([0.1]))
        tensor([-0.2000,  3.0000])
    """
    if weight.numel() != 1:
        weight = weight.reshape([-1] + [1] * (input.dim() - 2))
    return _prelu_kernel(input, weight)
