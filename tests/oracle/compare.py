"""How results of facula and of torch are compared: everything a program can see of a tensor. No test of its own."""

from __future__ import annotations

import numpy as np
import torch

import facula

# dtype: relative and absolute tolerance; a few units in the last place after a few operations.
TOLERANCE = {
    "float64": (1e-12, 1e-13),
    "float32": (2e-6, 2e-6),
    "float16": (2e-3, 2e-3),
    "bfloat16": (1.6e-2, 1.6e-2),
}


def flat(result):
    """The tensors and plain values of a result, nested sequences flattened."""
    if isinstance(result, (tuple, list)):
        return [leaf for item in result for leaf in flat(item)]
    return [result]


def numbers(tensor):
    """The values of a tensor of either package as float64 or complex128."""
    kind = facula if isinstance(tensor, facula.Tensor) else torch
    detached = tensor.detach()
    if kind is torch:
        detached = detached.clone()  # gives memory to gradients that torch holds as an unallocated zero
    if detached.dtype.is_complex:
        return np.array(detached.reshape(-1).tolist(), dtype=np.complex128).reshape(tuple(tensor.shape))
    if not (detached.dtype.is_floating_point or detached.dtype == kind.bool):
        return np.array(detached.reshape(-1).tolist(), dtype=np.int64).reshape(tuple(tensor.shape))
    return np.array(detached.to(kind.float64).reshape(-1).tolist(), dtype=np.float64).reshape(tuple(tensor.shape))


def short(dtype):
    return str(dtype).replace("torch.", "")


def node_name(tensor):
    return None if tensor.grad_fn is None else tensor.grad_fn.name().replace("torch::autograd::", "")


def assert_values(ours, theirs, dtype=None):
    rtol, atol = TOLERANCE.get(dtype or short(ours.dtype), (0, 0))
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=rtol, atol=atol)


def assert_same(ours, theirs, values=True, strides=False, dtype=None):
    """Value, dtype, shape, requires_grad; strides where they are promised."""
    if not isinstance(theirs, torch.Tensor):
        assert type(ours) is type(theirs) and ours == theirs
        return
    assert isinstance(ours, facula.Tensor), f"expected a tensor, got {ours!r}"
    assert tuple(ours.shape) == tuple(theirs.shape), f"shape {tuple(ours.shape)}, torch gives {tuple(theirs.shape)}"
    assert short(ours.dtype) == short(theirs.dtype), f"{ours.dtype}, torch gives {theirs.dtype}"
    assert ours.requires_grad == theirs.requires_grad, f"requires_grad: {ours.requires_grad}"
    if strides:
        assert ours.stride() == theirs.stride() and ours.storage_offset() == theirs.storage_offset(), (
            f"strides {ours.stride()}, torch gives {theirs.stride()}"
        )
    if values:
        assert_values(ours, theirs, dtype)


def call(function, *args, **kwargs):
    """The result, or the exception that PyTorch's own programs would see."""
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error
