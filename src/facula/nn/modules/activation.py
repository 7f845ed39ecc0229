"""Activation modules: each calls the function of the same name in nn.functional."""

from __future__ import annotations

import facula
from facula import Tensor

from .. import functional as F
from ..functional.activation import _log_softmax, _softmax
from ..parameter import Parameter
from .module import Module

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]  # fmt: skip


class _Activation(Module):
    """An activation with the single option ``inplace``."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""

    def _with_inplace(self, text: str) -> str:
        return f"{text}, inplace=True" if self.inplace else text


class ReLU(_Activation):
    """max(x, 0), elementwise.

    Args:
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.relu_() if self.inplace else facula.relu(input)


class Hardtanh(_Activation):
    """x limited to [min_val, max_val].

    Args:
        min_val (float): Default: -1.0.
        max_val (float): Default: 1.0.
        inplace (bool): overwrite the input. Default: False.
        min_value, max_value (float): deprecated names of the limits.

    Raises:
        ValueError: the limits are not in order.

    Example:
        >>> import facula as torch
        >>> torch.nn.Hardtanh(-2, 2)(torch.tensor([-3.0, 1.0]))
        tensor([-2.,  1.])
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(inplace)
        if min_value is not None:
            min_val = _renamed("min_value", "min_val", min_value)
        if max_value is not None:
            max_val = _renamed("max_value", "max_val", max_value)
        self.min_val = min_val
        self.max_val = max_val
        if not max_val > min_val:
            raise ValueError(f"max_val must be larger than min_val, but got min_val={min_val} and max_val={max_val}")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return self._with_inplace(f"min_val={self.min_val}, max_val={self.max_val}")


def _renamed(old: str, new: str, value: float) -> float:
    import warnings

    warnings.warn(f"keyword argument `{old}` is deprecated and rename to `{new}`", FutureWarning, stacklevel=3)
    return value


class ReLU6(Hardtanh):
    """min(max(x, 0), 6), elementwise.

    Args:
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.ReLU6()(torch.tensor([-1.0, 8.0]))
        tensor([0., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.relu6(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class LeakyReLU(_Activation):
    """x where positive, ``negative_slope * x`` elsewhere.

    Args:
        negative_slope (float): Default: 0.01.
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.LeakyReLU(0.5)(torch.tensor([-1.0, 2.0]))
        tensor([-0.5000,  2.0000])
    """

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return self._with_inplace(f"negative_slope={self.negative_slope}")


class ELU(_Activation):
    """x where positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Args:
        alpha (float): Default: 1.0.
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.ELU()(torch.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return self._with_inplace(f"alpha={self.alpha}")


class CELU(_Activation):
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0), elementwise.

    Args:
        alpha (float): Default: 1.0.
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.CELU()(torch.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return self._with_inplace(f"alpha={self.alpha}")


class SELU(_Activation):
    """Scaled ELU with self-normalising constants (Klambauer et al. 2017).

    Args:
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.SELU()(torch.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class GELU(Module):
    """x * Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016).

    Args:
        approximate (str): "none" or "tanh". Default: "none".

    Example:
        >>> import facula as torch
        >>> torch.nn.GELU()(torch.tensor([-1.0, 2.0]))
        tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(_Activation):
    """x * sigmoid(x), elementwise.

    Args:
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.SiLU()(torch.tensor([-1.0, 2.0]))
        tensor([-0.2689,  1.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        return facula._silu_(input) if self.inplace else facula._silu(input)


class Mish(_Activation):
    """x * tanh(softplus(x)), elementwise.

    Args:
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.Mish()(torch.tensor([-1.0, 2.0]))
        tensor([-0.3034,  1.9440])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


class Hardsigmoid(_Activation):
    """min(max(x + 3, 0), 6) / 6, elementwise.

    Args:
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.Hardsigmoid()(torch.tensor([-1.0, 2.0]))
        tensor([0.3333, 0.8333])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        return ""  # as PyTorch prints it


class Hardswish(_Activation):
    """x * hardsigmoid(x), elementwise (Howard et al. 2019).

    Args:
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.Hardswish()(torch.tensor([-1.0, 2.0]))
        tensor([-0.3333,  1.6667])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        return ""  # as PyTorch prints it


class Threshold(_Activation):
    """x where it is above ``threshold``, ``value`` elsewhere.

    Args:
        threshold (float): the limit.
        value (float): what replaces values at or below it.
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.Threshold(0.5, 7.0)(torch.tensor([-1.0, 2.0]))
        tensor([7., 2.])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return self._with_inplace(f"threshold={self.threshold}, value={self.value}")


class RReLU(_Activation):
    """Leaky ReLU with random slopes in training and their mean in evaluation.

    Args:
        lower (float): smallest slope. Default: 1/8.
        upper (float): largest slope. Default: 1/3.
        inplace (bool): overwrite the input. Default: False.

    Example:
        >>> import facula as torch
        >>> torch.nn.RReLU(0.5, 0.5)(torch.tensor([-1.0, 2.0]))
        tensor([-0.5000,  2.0000])
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return self._with_inplace(f"lower={self.lower}, upper={self.upper}")


class Sigmoid(Module):
    """1 / (1 + exp(-x)), elementwise.

    Example:
        >>> import facula as torch
        >>> torch.nn.Sigmoid()(torch.tensor([-1.0, 2.0]))
        tensor([0.2689, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        return facula.sigmoid(input)


class Tanh(Module):
    """Hyperbolic tangent, elementwise.

    Example:
        >>> import facula as torch
        >>> torch.nn.Tanh()(torch.tensor([-1.0, 2.0]))
        tensor([-0.7616,  0.9640])
    """

    def forward(self, input: Tensor) -> Tensor:
        return facula.tanh(input)


class LogSigmoid(Module):
    """log(sigmoid(x)), elementwise.

    Example:
        >>> import facula as torch
        >>> torch.nn.LogSigmoid()(torch.tensor([-1.0, 2.0]))
        tensor([-1.3133, -0.1269])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|), elementwise.

    Example:
        >>> import facula as torch
        >>> torch.nn.Softsign()(torch.tensor([-1.0, 2.0]))
        tensor([-0.5000,  0.6667])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x), elementwise.

    Example:
        >>> import facula as torch
        >>> torch.nn.Tanhshrink()(torch.tensor([-1.0, 2.0]))
        tensor([-0.2384,  1.0360])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, and x itself where ``beta * x > threshold``.

    Args:
        beta (float): Default: 1.0.
        threshold (float): Default: 20.0.

    Example:
        >>> import facula as torch
        >>> torch.nn.Softplus()(torch.tensor([-1.0, 2.0]))
        tensor([0.3133, 2.1269])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softshrink(Module):
    """x moved towards 0 by ``lambd``, and 0 within ``lambd`` of 0.

    Args:
        lambd (float): not negative. Default: 0.5.

    Example:
        >>> import facula as torch
        >>> torch.nn.Softshrink()(torch.tensor([-1.0, 2.0]))
        tensor([-0.5000,  1.5000])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(Module):
    """x, and 0 within ``lambd`` of 0.

    Args:
        lambd (float): Default: 0.5.

    Example:
        >>> import facula as torch
        >>> torch.nn.Hardshrink()(torch.tensor([-1.0, 2.0]))
        tensor([-1.,  2.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class PReLU(Module):
    """x where positive, a learned multiple of x elsewhere (He et al. 2015).

    Args:
        num_parameters (int): 1, or the number of channels. Default: 1.
        init (float): start value of the slopes. Default: 0.25.
        device, dtype: of the parameter. Optional.

    Example:
        >>> import facula as torch
        >>> torch.nn.PReLU()(torch.tensor([-4.0])).item()
        -1.0
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device=None, dtype=None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(facula.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to ``init`` again."""
        with facula.no_grad():
            self.weight.fill_(self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class GLU(Module):
    """a * sigmoid(b), a and b the halves of the input along ``dim``.

    Args:
        dim (int): Default: -1.

    Example:
        >>> import facula as torch
        >>> torch.nn.GLU()(torch.tensor([2.0, 0.0]))
        tensor([1.])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(Module):
    """exp(x) / sum(exp(x)) along ``dim``.

    Args:
        dim (int): the dimension summed over; leaving it out is deprecated.

    Example:
        >>> import facula as torch
        >>> torch.nn.Softmax(dim=0)(torch.tensor([1.0, 1.0]))
        tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim) if self.dim is None else _softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """log(softmax(x)) along ``dim``.

    Args:
        dim (int): the dimension summed over; leaving it out is deprecated.

    Example:
        >>> import facula as torch
        >>> torch.nn.LogSoftmax(dim=0)(torch.tensor([1.0, 1.0]))
        tensor([-0.6931, -0.6931])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim) if self.dim is None else _log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Module):
    """softmax(-x) along ``dim``.

    Args:
        dim (int): the dimension summed over; leaving it out is deprecated.

    Example:
        >>> import facula as torch
        >>> torch.nn.Softmin(dim=0)(torch.tensor([1.0, 1.0]))
        tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax2d(Module):
    """softmax over the channels of (N, C, H, W) or (C, H, W).

    Raises:
        ValueError: the input has another number of dimensions.

    Example:
        >>> import facula as torch
        >>> torch.nn.Softmax2d()(torch.zeros(2, 1, 1)).flatten()
        tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return _softmax(input, -3)
