"""torch.signal.windows: symmetric unless asked otherwise, recorded when a gradient is asked for; float32 or float64."""

from __future__ import annotations

import math
from collections.abc import Iterable

import facula
from facula import Tensor

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming",
    "hann", "kaiser", "nuttall",
]  # fmt: skip


def _points(name: str, M: int, dtype, layout, device, requires_grad, grid) -> Tensor:
    """The window for M = 0 and 1; otherwise ``linspace`` from and to what ``grid()`` gives."""
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not facula.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (facula.float32, facula.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    if M < 2:
        make = facula.ones if M else facula.empty
        return make((M,), dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)
    start, end = grid()
    return facula.linspace(start, end, M, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype=None, layout=facula.strided,
    device=None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``exp(-|n - center| / tau)``.

    Raises:
        ValueError: a negative length, another dtype, ``tau`` not positive, a centre of a symmetric window.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.exponential(3)
        tensor([0.3679, 1.0000, 0.3679])
    """
    dtype = dtype or facula.get_default_dtype()
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = (M if not sym and M > 1 else M - 1) / 2.0 if center is None else center
    k = _points(
        "exponential", M, dtype, layout, device, requires_grad, lambda: (-middle / tau, (-middle + (M - 1)) / tau)
    )
    return facula.exp(-facula.abs(k)) if M > 1 else k


def cosine(
    M: int, *, sym: bool = True, dtype=None, layout=facula.strided, device=None, requires_grad: bool = False
) -> Tensor:
    """``sin(pi (n + 0.5) / M)``.

    Raises:
        ValueError: a negative length or another dtype.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.cosine(3)
        tensor([0.5000, 1.0000, 0.5000])
    """
    dtype = dtype or facula.get_default_dtype()

    def grid() -> tuple[float, float]:
        step = math.pi / (M + 1 if not sym else M)
        return 0.5 * step, (0.5 + (M - 1)) * step

    k = _points("cosine", M, dtype, layout, device, requires_grad, grid)
    return facula.sin(k) if M > 1 else k


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, dtype=None, layout=facula.strided, device=None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``exp(-(n - centre)^2 / (2 std^2))``.

    Raises:
        ValueError: a negative length, another dtype, or ``std`` not positive.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.gaussian(3)
        tensor([0.6065, 1.0000, 0.6065])
    """
    dtype = dtype or facula.get_default_dtype()
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")

    def grid() -> tuple[float, float]:
        start = -(M if not sym else M - 1) / 2.0
        step = 1 / (std * math.sqrt(2))
        return start * step, (start + (M - 1)) * step

    k = _points("gaussian", M, dtype, layout, device, requires_grad, grid)
    return facula.exp(-(k**2)) if M > 1 else k


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, dtype=None, layout=facula.strided, device=None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``i0(beta sqrt(1 - ((n - centre) / centre)^2)) / i0(beta)``.

    Raises:
        ValueError: a negative length, another dtype, or ``beta`` negative.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.kaiser(3)
        tensor([5.2773e-05, 1.0000e+00, 5.2773e-05])
    """
    dtype = dtype or facula.get_default_dtype()
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")

    def grid() -> tuple[float, float]:
        step = 2.0 * beta / (M if not sym else M - 1)
        return -beta, min(beta, -beta + (M - 1) * step)

    k = _points("kaiser", M, dtype, layout, device, requires_grad, grid)
    if M < 2:
        return k
    top = facula.tensor(beta, dtype=dtype)
    return facula.i0(facula.sqrt(top * top - facula.pow(k, 2))) / facula.i0(top)


def general_cosine(
    M, *, a: Iterable, sym: bool = True, dtype=None, layout=facula.strided, device=None, requires_grad: bool = False
) -> Tensor:
    """The sum over i of ``(-1)^i a[i] cos(2 pi i n / (M - 1))``.

    Raises:
        ValueError: a negative length, another dtype, or no coefficients.
        TypeError: ``a`` is no sequence.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.general_cosine(3, a=[0.5, 0.5])
        tensor([0., 1., 0.])
    """
    dtype = dtype or facula.get_default_dtype()
    k = _points(
        "general_cosine", M, dtype, layout, device, requires_grad,
        lambda: (0, (M - 1) * (2 * math.pi / (M if not sym else M - 1))),
    )  # fmt: skip
    if M < 2:
        return k
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    weights = facula.tensor([(-1) ** i * w for i, w in enumerate(a)], dtype=dtype, requires_grad=requires_grad)
    i = facula.arange(weights.shape[0], dtype=dtype)
    return (weights.unsqueeze(-1) * facula.cos(i.unsqueeze(-1) * k)).sum(0)


def general_hamming(
    M, *, alpha: float = 0.54, sym: bool = True, dtype=None, layout=facula.strided, device=None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``alpha - (1 - alpha) cos(2 pi n / (M - 1))``.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.general_hamming(3, alpha=0.5)
        tensor([0., 1., 0.])
    """
    return general_cosine(
        M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def hamming(
    M: int, *, sym: bool = True, dtype=None, layout=facula.strided, device=None, requires_grad: bool = False
) -> Tensor:
    """``0.54 - 0.46 cos(2 pi n / (M - 1))``.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.hamming(3)
        tensor([0.0800, 1.0000, 0.0800])
    """
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(
    M: int, *, sym: bool = True, dtype=None, layout=facula.strided, device=None, requires_grad: bool = False
) -> Tensor:
    """``0.5 - 0.5 cos(2 pi n / (M - 1))``.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.hann(3)
        tensor([0., 1., 0.])
    """
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def blackman(
    M: int, *, sym: bool = True, dtype=None, layout=facula.strided, device=None, requires_grad: bool = False
) -> Tensor:
    """``0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))``.

    Raises:
        ValueError: a negative length or another dtype.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.blackman(5)[1:4]
        tensor([0.3400, 1.0000, 0.3400])
    """
    dtype = dtype or facula.get_default_dtype()
    _points("blackman", min(M, 0), dtype, layout, device, False, None)  # the name in the messages
    return general_cosine(
        M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def bartlett(
    M: int, *, sym: bool = True, dtype=None, layout=facula.strided, device=None, requires_grad: bool = False
) -> Tensor:
    """``1 - |2n / (M - 1) - 1|``.

    Raises:
        ValueError: a negative length or another dtype.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.bartlett(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    dtype = dtype or facula.get_default_dtype()

    def grid() -> tuple[float, float]:
        step = 2 / (M if not sym else M - 1)
        return -1, -1 + (M - 1) * step

    k = _points("bartlett", M, dtype, layout, device, requires_grad, grid)
    return 1 - facula.abs(k) if M > 1 else k


def nuttall(
    M: int, *, sym: bool = True, dtype=None, layout=facula.strided, device=None, requires_grad: bool = False
) -> Tensor:
    """The four-term cosine window of Nuttall (1981) with a continuous first derivative.

    Example:
        >>> import facula as torch
        >>> torch.signal.windows.nuttall(5)[1:4]
        tensor([0.2270, 1.0000, 0.2270])
    """
    return general_cosine(
        M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, dtype=dtype, layout=layout, device=device,
        requires_grad=requires_grad,
    )  # fmt: skip
