"""The Tensor class with all its methods."""

from facula._C import Tensor
from facula._tensor.methods import attach

attach(Tensor)

__all__ = ["Tensor"]
