"""The window functions of torch.*: computed in their dtype with PyTorch's steps, periodic unless asked otherwise."""

from __future__ import annotations

import math

from facula._C import Tensor, get_default_dtype
from facula.functional.arguments import check_place, finish
from facula.functional.creation import arange, empty, ones

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(name: str, steps, length: int, periodic: bool, dtype, layout, device, pin_memory, requires_grad) -> Tensor:
    """What all windows share: ``steps(n, N)`` fills n = 0 .. N-1; a periodic window is one longer, cut at the end."""
    check_place(device, layout, pin_memory)
    dtype = dtype or get_default_dtype()
    if isinstance(length, (float, complex, str)):
        raise TypeError(f"{name}(): argument 'window_length' must be int, not {type(length).__name__}")
    if not dtype.is_floating_point and not dtype.is_complex:
        raise RuntimeError(f"{name} expects floating point dtypes, got: dtype={dtype}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if dtype.is_complex:
        raise NotImplementedError(f"{name} is not implemented for {dtype}: give a floating point dtype")
    if length < 2:
        window = ones(length, dtype=dtype) if length else empty(0, dtype=dtype)
        return finish(window, None, requires_grad)
    points = length + 1 if periodic else length
    window = steps(arange(points, dtype=dtype), points)
    return finish(window[:length].clone() if periodic else window, None, requires_grad)


def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype=None, layout=None, device=None, pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A triangle: ``1 - |2n / (N - 1) - 1|``.

    Raises:
        RuntimeError: a negative length, or a dtype that is not floating point.

    Example:
        >>> import facula as torch
        >>> torch.bartlett_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """

    def steps(n: Tensor, points: int) -> Tensor:
        n.mul_(2.0 / (points - 1))
        n[(points - 1) // 2 + 1 :].mul_(-1).add_(2)
        return n

    return _window("bartlett_window", steps, window_length, periodic, dtype, layout, device, pin_memory, requires_grad)


def blackman_window(
    window_length: int, periodic: bool = True, *, dtype=None, layout=None, device=None, pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``0.42 - 0.5 cos(2 pi n / (N - 1)) + 0.08 cos(4 pi n / (N - 1))``.

    Raises:
        RuntimeError: a negative length, or a dtype that is not floating point.

    Example:
        >>> import facula as torch
        >>> torch.blackman_window(4)[1:]
        tensor([0.3400, 1.0000, 0.3400])
    """

    def steps(n: Tensor, points: int) -> Tensor:
        n.mul_(math.pi / (points - 1))
        return n.mul(4).cos_().mul_(0.08) - n.mul(2).cos_().mul_(0.5) + 0.42

    return _window("blackman_window", steps, window_length, periodic, dtype, layout, device, pin_memory, requires_grad)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype=None, layout=None,
    device=None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``alpha - beta cos(2 pi n / (N - 1))``.

    Raises:
        RuntimeError: a negative length, or a dtype that is not floating point.

    Example:
        >>> import facula as torch
        >>> torch.hamming_window(4)
        tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """

    def steps(n: Tensor, points: int) -> Tensor:
        return n.mul_(2 * math.pi / (points - 1)).cos_().mul_(-beta).add_(alpha)

    return _window("hamming_window", steps, window_length, periodic, dtype, layout, device, pin_memory, requires_grad)


def hann_window(
    window_length: int, periodic: bool = True, *, dtype=None, layout=None, device=None, pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``0.5 - 0.5 cos(2 pi n / (N - 1))``.

    Raises:
        RuntimeError: a negative length, or a dtype that is not floating point.

    Example:
        >>> import facula as torch
        >>> torch.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """

    def steps(n: Tensor, points: int) -> Tensor:
        return n.mul_(2 * math.pi / (points - 1)).cos_().mul_(-0.5).add_(0.5)

    return _window("hann_window", steps, window_length, periodic, dtype, layout, device, pin_memory, requires_grad)


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype=None, layout=None, device=None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``i0(beta sqrt(1 - (2n / (N - 1) - 1)^2)) / i0(beta)``.

    Raises:
        RuntimeError: a negative length, or a dtype that is not floating point.

    Example:
        >>> import facula as torch
        >>> torch.kaiser_window(4)
        tensor([5.2773e-05, 2.1567e-01, 1.0000e+00, 2.1567e-01])
    """

    def steps(n: Tensor, points: int) -> Tensor:
        from facula.functional.bessel import i0

        y = n.double().mul_(2.0 / (points - 1)).sub_(1)
        return i0((1 - y * y).clamp_(min=0).sqrt_().mul_(beta)).div_(i0(y.new_tensor(beta))).to(n.dtype)

    return _window("kaiser_window", steps, window_length, periodic, dtype, layout, device, pin_memory, requires_grad)
