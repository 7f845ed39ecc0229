"""Functions of networks that torch.* has beside nn.functional, with its own argument lists: positional switches and
reductions as numbers. Each calls the one of nn.functional."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import autocasts, composed
from facula.functional.arguments import Number, write_out
from facula.nn import functional as F
from facula.nn.functional import (
    adaptive_avg_pool1d,
    avg_pool1d,
    bilinear,
    conv1d,
    conv2d,
    conv3d,
    conv_tbc,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    max_pool1d_with_indices,
    rms_norm,
)
from facula.nn.functional.padding import pad_with_number

__all__ = [
    "adaptive_avg_pool1d", "avg_pool1d", "batch_norm", "bilinear",
    "binary_cross_entropy_with_logits", "constant_pad_nd", "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "convolution", "embedding", "grid_sampler", "grid_sampler_2d",
    "grid_sampler_3d", "group_norm", "instance_norm", "kl_div", "layer_norm", "max_pool1d", "max_pool1d_with_indices",
    "max_pool2d", "native_batch_norm", "native_group_norm", "native_layer_norm", "rms_norm",
]  # fmt: skip


def _reduction(number: int) -> str:
    names = ("none", "mean", "sum")
    if not 0 <= number < len(names):
        raise ValueError(f"{number} is not a valid value for reduction: 0 is none, 1 mean, 2 sum")
    return names[number]


# ---- normalisation ----


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """``nn.functional.batch_norm``, with the affine parameters first.

    Example:
        >>> import facula as torch
        >>> torch.batch_norm(torch.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 1e-12, False)
        tensor([[-1.],
                [ 1.]])
    """
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """``nn.functional.instance_norm``, with the affine parameters first.

    Example:
        >>> import facula as torch
        >>> torch.instance_norm(torch.tensor([[[1.0, 3.0]]]), None, None, None, None, True, 0.1, 1e-12, False)
        tensor([[[-1.,  1.]]])
    """
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(
    input: Tensor,
    normalized_shape,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
    cudnn_enable: bool = True,
) -> Tensor:
    """``nn.functional.layer_norm``.

    Example:
        >>> import facula as torch
        >>> torch.layer_norm(torch.tensor([1.0, 3.0]), (2,), eps=1e-12)
        tensor([-1.,  1.])
    """
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def native_layer_norm(
    input: Tensor, normalized_shape, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``layer_norm``, with the means and the reciprocal deviations that it was computed with.

    Example:
        >>> import facula as torch
        >>> torch.native_layer_norm(torch.tensor([1.0, 3.0]), (2,), None, None, 1e-12)
        (tensor([-1.,  1.]), tensor([2.]), tensor([1.]))
    """
    dims = tuple(range(input.dim() - len(normalized_shape), input.dim()))
    result = F.layer_norm(input, normalized_shape, weight, bias, eps)
    if not dims:
        return result, input, input
    return result, *_moments(input.detach(), dims, eps, keepdim=True)


def _moments(input: Tensor, dims: tuple[int, ...], eps: float, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """Means and reciprocal deviations."""
    return input.mean(dims, keepdim=keepdim), (input.var(dims, correction=0, keepdim=keepdim) + eps).rsqrt()


@composed
def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``group_norm``, with the means and the reciprocal deviations that it was computed with.

    Args:
        N, C, HxW: the sizes of the batch, the channels and the rest.

    Example:
        >>> import facula as torch
        >>> torch.native_group_norm(torch.tensor([[1.0, 3.0]]), None, None, 1, 2, 1, 1, 1e-12)
        (tensor([[-1.,  1.]]), tensor([[2.]]), tensor([[1.]]))
    """
    result = F.group_norm(input, group, weight, bias, eps)
    return result, *_moments(input.reshape(N, group, C * HxW // group), (2,), eps)


@composed
def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    *,
    out: tuple[Tensor, Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """``batch_norm``, with the means and the reciprocal deviations of the batch; empty when not training.

    Args:
        out: where the three go, of exactly their dtypes; when not training, the last two stay as they are.

    Example:
        >>> import facula as torch
        >>> torch.native_batch_norm(torch.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 1e-12)
        (tensor([[-1.],
                [ 1.]]), tensor([2.]), tensor([1.]))
    """
    result = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    plain = input.detach()
    if not training:
        moments = plain.new_empty(0), plain.new_empty(0)
    else:
        if weight is not None and weight.dtype is not plain.dtype:  # half precision beside float32 parameters
            plain = plain.to(weight.dtype)
        moments = _moments(plain, (0, *range(2, plain.dim())), eps)
    if out is None:
        return result, *moments
    for value, place in zip((result, *moments), out, strict=True):
        if value.dtype is not place.dtype:
            raise RuntimeError(
                f"expected scalar type {value.dtype._scalar_name} but found {place.dtype._scalar_name} (out= of "
                "native_batch_norm)"
            )
    for value, place in zip((result, *moments) if training else (result,), out):
        write_out(value, place)
    return out


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
    cudnn_enabled: bool = True,
) -> Tensor:
    """``nn.functional.group_norm``.

    Example:
        >>> import facula as torch
        >>> torch.group_norm(torch.tensor([[1.0, 3.0]]), 1, eps=1e-12)
        tensor([[-1.,  1.]])
    """
    return F.group_norm(input, num_groups, weight, bias, eps)


# ---- convolution, padding, pooling ----

_CONVOLUTIONS: tuple = (conv1d, conv2d, conv3d), (conv_transpose1d, conv_transpose2d, conv_transpose3d)


@autocasts("off")
def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride,
    padding,
    dilation,
    transposed: bool,
    output_padding,
    groups: int,
) -> Tensor:
    """The convolution, plain or transposed, of as many dimensions as ``weight`` has beside its channels.

    Raises:
        RuntimeError: none of 1, 2, 3 dimensions.

    Example:
        >>> import facula as torch
        >>> torch.convolution(torch.ones(1, 1, 3), torch.ones(1, 1, 2), None, [1], [0], [1], False, [0], 1)
        tensor([[[2., 2.]]])
    """
    dimensions = weight.dim() - 2
    if not 1 <= dimensions <= 3:
        raise RuntimeError(f"convolution() needs a weight of 3 to 5 dimensions, but got {weight.dim()}")
    function = _CONVOLUTIONS[transposed][dimensions - 1]
    if transposed:
        return function(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return function(input, weight, bias, stride, padding, dilation, groups)


@composed
def constant_pad_nd(input: Tensor, pad, value: Number = 0) -> Tensor:
    """``nn.functional.pad(input, pad, "constant", value)``.

    Example:
        >>> import facula as torch
        >>> torch.constant_pad_nd(torch.ones(1), (1, 2))
        tensor([0., 1., 0., 0.])
    """
    return pad_with_number(input, pad, value)


def max_pool1d(input: Tensor, kernel_size, stride=(), padding=0, dilation=1, ceil_mode: bool = False) -> Tensor:
    """``nn.functional.max_pool1d``.

    Example:
        >>> import facula as torch
        >>> torch.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
        tensor([[3., 2.]])
    """
    return F.max_pool1d(input, kernel_size, stride if stride != () else None, padding, dilation, ceil_mode)


def max_pool2d(input: Tensor, kernel_size, stride=(), padding=0, dilation=1, ceil_mode: bool = False) -> Tensor:
    """``nn.functional.max_pool2d``.

    Example:
        >>> import facula as torch
        >>> torch.max_pool2d(torch.tensor([[[1.0, 3.0], [2.0, 0.0]]]), 2)
        tensor([[[3.]]])
    """
    return F.max_pool2d(input, kernel_size, stride if stride != () else None, padding, dilation, ceil_mode)


# ---- the rest ----


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """``nn.functional.embedding``, with the table first; ``padding_idx=-1`` means none.

    Example:
        >>> import facula as torch
        >>> torch.embedding(torch.tensor([[1.0], [2.0]]), torch.tensor([1, 0]))
        tensor([[2.],
                [1.]])
    """
    padding = None if padding_idx < 0 else padding_idx
    return F.embedding(indices, weight, padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:
    """``nn.functional.binary_cross_entropy_with_logits``.

    Args:
        reduction: 0 none, 1 mean, 2 sum.

    Example:
        >>> import facula as torch
        >>> torch.binary_cross_entropy_with_logits(torch.zeros(2), torch.ones(2))
        tensor(0.6931)
    """
    return F.binary_cross_entropy_with_logits(
        input, target, weight, reduction=_reduction(reduction), pos_weight=pos_weight
    )


def kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False) -> Tensor:
    """``nn.functional.kl_div``.

    Args:
        reduction: 0 none, 1 mean, 2 sum.

    Example:
        >>> import facula as torch
        >>> torch.kl_div(torch.zeros(2), torch.ones(2), 2)
        tensor(0.)
    """
    from warnings import catch_warnings, simplefilter

    with catch_warnings():  # nn.functional warns about the mean, which this form has no other name for
        simplefilter("ignore")
        return F.kl_div(input, target, reduction=_reduction(reduction), log_target=log_target)


# ---- sampling ----


def _mode(names: tuple[str, ...], number: int, argument: str) -> str:
    if not 0 <= number < len(names):
        meaning = ", ".join(f"{i} is {name}" for i, name in enumerate(names))
        raise RuntimeError(f"grid_sampler(): {number} is not a valid value for {argument}: {meaning}")
    return names[number]


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``nn.functional.grid_sample``, with modes as numbers.

    Args:
        interpolation_mode: 0 is "bilinear", 1 "nearest", 2 "bicubic".
        padding_mode: 0 is "zeros", 1 "border", 2 "reflection".

    Example:
        >>> import facula as torch
        >>> torch.grid_sampler(torch.tensor([[[[1.0, 3.0]]]]), torch.zeros(1, 1, 1, 2), 0, 0, False)
        tensor([[[[2.]]]])
    """
    mode = _mode(("bilinear", "nearest", "bicubic"), interpolation_mode, "interpolation_mode")
    padding = _mode(("zeros", "border", "reflection"), padding_mode, "padding_mode")
    return F.grid_sample(input, grid, mode, padding, align_corners)


@composed
def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``grid_sampler`` of images.

    Example:
        >>> import facula as torch
        >>> torch.grid_sampler_2d(torch.tensor([[[[1.0, 3.0]]]]), torch.zeros(1, 1, 1, 2), 0, 0, False)
        tensor([[[[2.]]]])
    """
    if input.dim() != 4:
        raise RuntimeError(f"grid_sampler_2d(): expected 4D input (N, C, H, W), but got {list(input.shape)}")
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


@composed
def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``grid_sampler`` of volumes.

    Example:
        >>> import facula as torch
        >>> torch.grid_sampler_3d(torch.tensor([[[[[1.0, 3.0]]]]]), torch.zeros(1, 1, 1, 1, 3), 0, 0, False)
        tensor([[[[[2.]]]]])
    """
    if input.dim() != 5:
        raise RuntimeError(f"grid_sampler_3d(): expected 5D input (N, C, D, H, W), but got {list(input.shape)}")
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)
