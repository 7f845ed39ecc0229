"""torch.autograd.forward_ad: tensors with a tangent. The tangent of a result is the derivative of its gradient's
product with a dummy (see docs/notes/transforms.md), so it needs recording: under no_grad there are no tangents."""

from __future__ import annotations

from collections import namedtuple

from facula._C import Tensor, _reaches_others, _set_grad_enabled, is_grad_enabled
from facula.autograd.backward import grad

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ("primal", "tangent"))

_levels: list[list[tuple[Tensor, Tensor]]] = []  # the dual tensors of the open level; at most one is open


def enter_dual_level() -> int:
    """Open the level that dual tensors belong to.

    Raises:
        RuntimeError: one is open.
    """
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append([])
    return 0


def exit_dual_level(*, level=None) -> None:
    """Close the level: its tensors have no tangents any more.

    Raises:
        RuntimeError: none is open, or another one.
    """
    if not _levels or level not in (None, 0):
        raise RuntimeError(
            f"Trying to exit a forward AD level that was not the last one that was created: {level}. Enter one first"
        )
    _levels.pop()


class dual_level:
    """A with block in which tensors may have tangents.

    Example:
        >>> import facula as torch
        >>> import facula.autograd.forward_ad as fwAD
        >>> with fwAD.dual_level():
        ...     x = fwAD.make_dual(torch.tensor(3.0), torch.tensor(1.0))
        ...     fwAD.unpack_dual(x * x)
        UnpackedDualTensor(primal=tensor(9.), tangent=tensor(6.))
    """

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *_):
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level=None) -> Tensor:
    """The tensor with a tangent, as a new tensor that shares its memory.

    Raises:
        RuntimeError: no level is open, or shapes differ.
        ValueError: one of the two is not floating.

    Example:
        >>> import facula as torch
        >>> import facula.autograd.forward_ad as fwAD
        >>> with fwAD.dual_level():
        ...     x = fwAD.make_dual(torch.tensor(0.0), torch.tensor(2.0))
        ...     fwAD.unpack_dual(x.sin()).tangent
        tensor(2.)
    """
    if not _levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for what, value in (("primal", tensor), ("tangent", tangent)):
        if not (value.is_floating_point() or value.is_complex()):
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {value.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            f"Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size "
            f"{list(tangent.shape)}."
        )
    keeps_history = tensor.requires_grad and is_grad_enabled()
    dual = tensor.view_as(tensor) if keeps_history else tensor.detach().requires_grad_()
    _levels[-1].append((dual, tangent))
    return dual


def unpack_dual(tensor: Tensor, *, level=None) -> UnpackedDualTensor:
    """The value and the tangent of a tensor; the tangent is None when it depends on no dual tensor.

    Example:
        >>> import facula as torch
        >>> import facula.autograd.forward_ad as fwAD
        >>> fwAD.unpack_dual(torch.tensor(1.0))
        UnpackedDualTensor(primal=tensor(1.), tangent=None)
    """
    duals = _levels[-1] if _levels else []
    if not tensor.requires_grad or not duals:
        return UnpackedDualTensor(tensor, None)
    before = _set_grad_enabled(True)
    try:
        inputs = [dual for dual, _ in duals]
        dummy = tensor.new_zeros(tensor.shape).requires_grad_()
        gradients = grad(tensor, inputs, dummy, retain_graph=True, create_graph=True, allow_unused=True)
        used = [(g, t) for g, (_, t) in zip(gradients, duals) if g is not None]
        if not used:
            return UnpackedDualTensor(tensor, None)
        outside = _reaches_others((tensor,), tuple(inputs)) or any(t.requires_grad for _, t in used)
        linear = [(g, t) for g, t in used if g.requires_grad]
        (tangent,) = grad(
            [g for g, _ in linear], dummy, [t for _, t in linear], retain_graph=True, create_graph=outside,
            allow_unused=True, materialize_grads=True,
        )  # fmt: skip
    finally:
        _set_grad_enabled(before)
    return UnpackedDualTensor(tensor if outside else tensor.detach(), tangent)
