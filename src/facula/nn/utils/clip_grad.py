"""Limiting gradients, by their common norm or value by value. All work in place on ``.grad``."""

from __future__ import annotations

import facula
from facula import Tensor


def _as_list(tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(
    tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of several tensors taken as one vector.

    Args:
        tensors (Tensor or iterable of Tensors): any shapes.
        norm_type (float): order of the norm; may be inf. Default: 2.0.
        error_if_nonfinite (bool): raise when the norm is inf or nan. Default: False.
        foreach (bool): accepted for PyTorch's sake, without effect.

    Returns:
        Tensor: a scalar.

    Raises:
        RuntimeError: the norm is not finite and ``error_if_nonfinite``.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.get_total_norm([torch.tensor([3.0]), torch.tensor([4.0])])
        tensor(5.)
    """
    tensors = _as_list(tensors)
    if not tensors:
        return facula.tensor(0.0)
    norm_type = float(norm_type)
    vector_norm = facula.linalg.vector_norm
    with facula.no_grad():
        total = vector_norm(facula.stack([vector_norm(t, norm_type) for t in tensors]), norm_type)
    if error_if_nonfinite and not facula.isfinite(total).item():
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(parameters, max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """Scale gradients by ``max_norm / (total_norm + 1e-6)`` where that is below 1.

    Args:
        parameters (Tensor or iterable of Tensors): those without ``.grad`` are skipped.
        max_norm (float): largest norm allowed.
        total_norm (Tensor): from :func:`get_total_norm`.
        foreach (bool): accepted for PyTorch's sake, without effect.
    """
    grads = [p.grad for p in _as_list(parameters) if p.grad is not None]
    if not grads:
        return
    with facula.no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)  # 1e-6: PyTorch's guard against norm 0
        for grad in grads:
            grad.mul_(factor)


def clip_grad_norm_(
    parameters,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients together so that their common norm is at most ``max_norm``.

    Args:
        parameters (Tensor or iterable of Tensors): those without ``.grad`` are skipped.
        max_norm (float): largest norm allowed.
        norm_type (float): order of the norm; may be inf. Default: 2.0.
        error_if_nonfinite (bool): raise when the norm is inf or nan. Default: False.
        foreach (bool): accepted for PyTorch's sake, without effect.

    Returns:
        Tensor: the norm before scaling.

    Raises:
        RuntimeError: the norm is not finite and ``error_if_nonfinite``.

    Example:
        >>> import facula as torch
        >>> w = torch.nn.Parameter(torch.zeros(2))
        >>> w.grad = torch.tensor([3.0, 4.0])
        >>> torch.nn.utils.clip_grad_norm_([w], 1.0)
        tensor(5.)
        >>> w.grad
        tensor([0.6000, 0.8000])
    """
    is_iterator = not isinstance(parameters, Tensor) and iter(parameters) is parameters
    parameters = _as_list(parameters)
    if is_iterator and not parameters:
        import warnings

        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    grads = [p.grad for p in parameters if p.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_value_(parameters, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every gradient element to [-clip_value, clip_value].

    Args:
        parameters (Tensor or iterable of Tensors): those without ``.grad`` are skipped.
        clip_value (float): the limit.
        foreach (bool): accepted for PyTorch's sake, without effect.

    Example:
        >>> import facula as torch
        >>> w = torch.nn.Parameter(torch.zeros(2))
        >>> w.grad = torch.tensor([3.0, -4.0])
        >>> torch.nn.utils.clip_grad_value_(w, 1.0)
        >>> w.grad
        tensor([ 1., -1.])
    """
    clip_value = float(clip_value)
    with facula.no_grad():
        for param in _as_list(parameters):
            if param.grad is not None:
                param.grad.clamp_(-clip_value, clip_value)


def clip_grad_norm(
    parameters,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """``clip_grad_norm_`` under its older name, with a FutureWarning."""
    import warnings

    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)
