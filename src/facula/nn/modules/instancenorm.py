"""InstanceNorm1d to InstanceNorm3d: normalisation of every channel of every sample by itself."""

from __future__ import annotations

from facula import Tensor

from .. import functional as F
from .batchnorm import _BatchNorm

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class _InstanceNorm(_BatchNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device=None,
        dtype=None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        spatial = self._input_dims[1] - 2
        channel_dim = input.dim() - spatial - 1
        if input.shape[channel_dim] != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={channel_dim} to match num_features ({self.num_features}), "
                    f"but got: {input.shape[channel_dim]}."
                )
            import warnings

            warnings.warn(
                f"input's size at dim={channel_dim} does not match num_features. You can silence this warning by not "
                "passing in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        batch = input if channel_dim == 1 else input.unsqueeze(0)
        result = F.instance_norm(
            batch,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )
        return result if channel_dim == 1 else result.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """(x - mean) / sqrt(var + eps) per sample and channel of (N, C, L), batched or not (Ulyanov et al. 2016).

    Args:
        num_features (int): C.
        eps (float): Default: 1e-5.
        momentum (float): weight of a batch in the running statistics. Default: 0.1.
        affine (bool): learn a weight and a bias. Default: False.
        track_running_stats (bool): keep running statistics, for evaluation. Default: False.
        device, dtype: of parameters and statistics. Optional.
        bias (bool): with ``affine``, learn a bias. Default: True.

    Example:
        >>> import facula as torch
        >>> torch.nn.InstanceNorm1d(3)
        InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)
    """

    _input_dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """(x - mean) / sqrt(var + eps) per sample and channel of (N, C, H, W), batched or not (Ulyanov et al. 2016).

    Args:
        num_features (int): C.
        eps (float): Default: 1e-5.
        momentum (float): weight of a batch in the running statistics. Default: 0.1.
        affine (bool): learn a weight and a bias. Default: False.
        track_running_stats (bool): keep running statistics, for evaluation. Default: False.
        device, dtype: of parameters and statistics. Optional.
        bias (bool): with ``affine``, learn a bias. Default: True.

    Example:
        >>> import facula as torch
        >>> torch.nn.InstanceNorm2d(3)
        InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)
    """

    _input_dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """(x - mean) / sqrt(var + eps) per sample and channel of (N, C, D, H, W), batched or not (Ulyanov et al. 2016).

    Args:
        num_features (int): C.
        eps (float): Default: 1e-5.
        momentum (float): weight of a batch in the running statistics. Default: 0.1.
        affine (bool): learn a weight and a bias. Default: False.
        track_running_stats (bool): keep running statistics, for evaluation. Default: False.
        device, dtype: of parameters and statistics. Optional.
        bias (bool): with ``affine``, learn a bias. Default: True.

    Example:
        >>> import facula as torch
        >>> torch.nn.InstanceNorm3d(3)
        InstanceNorm3d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)
    """

    _input_dims = (4, 5)
