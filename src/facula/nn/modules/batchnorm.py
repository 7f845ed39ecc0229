"""BatchNorm1d to BatchNorm3d and SyncBatchNorm: by the batch in training, by running statistics in evaluation."""

from __future__ import annotations

import facula
from facula import Tensor

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .module import Module

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"]


class _BatchNorm(Module):
    """What the batch normalisations share; ``_input_dims`` are the numbers of dimensions they accept."""

    _version = 2  # 2: num_batches_tracked became part of the state
    _input_dims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device=None,
        dtype=None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(
                name, Parameter(facula.empty(num_features, device=device, dtype=dtype)) if wanted else None
            )
        tracked = track_running_stats
        self.register_buffer(
            "running_mean", facula.zeros(num_features, device=device, dtype=dtype) if tracked else None
        )
        self.register_buffer("running_var", facula.ones(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer(
            "num_batches_tracked", facula.tensor(0, dtype=facula.int64, device=device) if tracked else None
        )
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget all batches: mean 0, variance 1, count 0."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget all batches, set the weight to 1 and the bias to 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in self._input_dims:
            expected = " or ".join(f"{n}D" for n in self._input_dims)
            raise ValueError(f"expected {expected} input (got {input.dim()}D input)")

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        training = self.training
        momentum = 0.0 if self.momentum is None else self.momentum
        mean, var = self.running_mean, self.running_var
        if training:
            if not self.track_running_stats:
                mean = var = None
            elif self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
                if self.momentum is None:  # the plain average over all batches
                    momentum = 1.0 / float(self.num_batches_tracked)
        use_batch = training or (mean is None and var is None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, use_batch, momentum, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ) -> None:
        version = local_metadata.get("version")
        if (version is None or version < 2) and self.track_running_stats:
            state_dict.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class BatchNorm1d(_BatchNorm):
    """(x - mean) / sqrt(var + eps) per channel of (N, C) or (N, C, L) (Ioffe and Szegedy 2015).

    Args:
        num_features (int): C.
        eps (float): Default: 1e-5.
        momentum (float): weight of a batch in the running statistics; None: plain average. Default: 0.1.
        affine (bool): learn a weight, starting at 1. Default: True.
        track_running_stats (bool): False: always use the batch. Default: True.
        device, dtype: of parameters and statistics. Optional.
        bias (bool): learn a bias, starting at 0. Default: True.

    Example:
        >>> import facula as torch
        >>> torch.nn.BatchNorm1d(3)(torch.randn(5, 3)).shape
        torch.Size([5, 3])
    """

    _input_dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """(x - mean) / sqrt(var + eps) per channel of (N, C, H, W) (Ioffe and Szegedy 2015).

    Args:
        num_features (int): C.
        eps (float): Default: 1e-5.
        momentum (float): weight of a batch in the running statistics; None: plain average. Default: 0.1.
        affine (bool): learn a weight, starting at 1. Default: True.
        track_running_stats (bool): False: always use the batch. Default: True.
        device, dtype: of parameters and statistics. Optional.
        bias (bool): learn a bias, starting at 0. Default: True.

    Example:
        >>> import facula as torch
        >>> torch.nn.BatchNorm2d(3)(torch.randn(2, 3, 4, 4)).shape
        torch.Size([2, 3, 4, 4])
    """

    _input_dims = (4,)


class BatchNorm3d(_BatchNorm):
    """(x - mean) / sqrt(var + eps) per channel of (N, C, D, H, W) (Ioffe and Szegedy 2015).

    Args:
        num_features, eps, momentum, affine, track_running_stats, device, dtype, bias: as for :class:`BatchNorm2d`.

    Example:
        >>> import facula as torch
        >>> torch.nn.BatchNorm3d(3)(torch.randn(2, 3, 4, 4, 4)).shape
        torch.Size([2, 3, 4, 4, 4])
    """

    _input_dims = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation whose statistics are those of all processes; with one process, those of its own batch.

    Args:
        num_features, eps, momentum, affine, track_running_stats, device, dtype, bias: as for :class:`BatchNorm2d`.
        process_group: which processes share. Optional.

    Example:
        >>> import facula as torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
        >>> type(torch.nn.SyncBatchNorm.convert_sync_batchnorm(net)[1]).__name__
        'SyncBatchNorm'
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group=None,
        device=None,
        dtype=None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group=None) -> Module:
        """Replace every BatchNorm layer of a module by a SyncBatchNorm with its parameters.

        Args:
            module (Module): searched through.
            process_group: for the new layers. Optional.

        Returns:
            Module: ``module``, or its replacement.
        """
        result = module
        if isinstance(module, _BatchNorm):
            result = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked", "training"):
                setattr(result, name, getattr(module, name))
        for name, child in module.named_children():
            result.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return result
