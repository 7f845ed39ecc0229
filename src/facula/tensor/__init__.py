"""The Tensor class with all its methods."""

from facula._C import Tensor

from facula.tensor.methods import attach

attach(Tensor)

__all__ = ["Tensor"]
