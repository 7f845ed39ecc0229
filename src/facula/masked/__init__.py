"""The torch.masked namespace: operations that pass over what a mask leaves out. Functions of strided tensors; the class
MaskedTensor is left out. Re-exports only."""

from facula.masked.binary import logaddexp
from facula.masked.masks import _input_mask, _output_mask
from facula.masked.normalizations import cumprod, cumsum, log_softmax, normalize, softmax, softmin
from facula.masked.reductions import amax, amin, argmax, argmin, logsumexp, mean, median, norm, prod, std, sum, var

__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median",
    "norm", "normalize", "prod", "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip
