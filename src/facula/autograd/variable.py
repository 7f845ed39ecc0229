"""torch.autograd.variable: the older name of a tensor, under PyTorch's path. Re-exports only."""

from facula.functional.legacy import Variable

__all__ = ["Variable"]
