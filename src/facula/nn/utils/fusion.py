"""Batch normalisation in evaluation folded into the convolution or linear map before it."""

from __future__ import annotations

import copy

import facula
from facula import Tensor

from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def fuse_conv_bn_eval(conv, bn, transpose: bool = False):
    """A convolution that computes ``bn(conv(x))``; both are in evaluation.

    Args:
        conv (Module): a convolution.
        bn (Module): a BatchNorm.
        transpose (bool): the convolution is a transposed one. Default: False.

    Raises:
        AssertionError: a module is in training.

    Example:
        >>> import facula as torch
        >>> conv, bn = torch.nn.Conv2d(1, 2, 1).eval(), torch.nn.BatchNorm2d(2).eval()
        >>> x = torch.ones(1, 1, 2, 2)
        >>> torch.allclose(torch.nn.utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)))
        True
    """
    if conv.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None,
    bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """Weight and bias of :func:`fuse_conv_bn_eval`.

    Args:
        conv_w, conv_b: of the convolution.
        bn_rm, bn_rv, bn_eps, bn_w, bn_b: of the normalisation.
        transpose (bool): the convolution is a transposed one. Default: False.
    """
    bias = facula.zeros_like(bn_rm) if conv_b is None else conv_b
    scale = (bn_rv + bn_eps).rsqrt() * (1 if bn_w is None else bn_w)
    shape = [1, -1] if transpose else [-1, 1]
    weight = conv_w * scale.reshape(shape + [1] * (conv_w.dim() - 2))
    bias = (bias - bn_rm) * scale + (0 if bn_b is None else bn_b)
    return (
        Parameter(weight.to(conv_w.dtype).detach(), conv_w.requires_grad),
        Parameter(bias.to(conv_w.dtype).detach(), True if conv_b is None else conv_b.requires_grad),
    )


def fuse_linear_bn_eval(linear, bn):
    """A linear map that computes ``bn(linear(x))``; both are in evaluation.

    Args:
        linear (Module): a Linear.
        bn (Module): a BatchNorm.

    Raises:
        AssertionError: a module is in training, or the sizes do not fit.
    """
    if linear.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor, bn_b: Tensor
) -> tuple[Parameter, Parameter]:
    """Weight and bias of :func:`fuse_linear_bn_eval`.

    Args:
        linear_w, linear_b: of the linear map.
        bn_rm, bn_rv, bn_eps, bn_w, bn_b: of the normalisation.
    """
    bias = facula.zeros_like(bn_rm) if linear_b is None else linear_b
    scale = bn_w * (bn_rv + bn_eps).rsqrt()
    weight = linear_w * scale.unsqueeze(-1)
    bias = (bias - bn_rm) * scale + bn_b
    return (
        Parameter(weight.to(linear_w.dtype).detach(), linear_w.requires_grad),
        Parameter(bias.to(linear_w.dtype).detach(), True if linear_b is None else linear_b.requires_grad),
    )
