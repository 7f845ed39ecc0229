"""``facula.datasets``: small classic data sets. Re-exports only."""

from facula.datasets.digits import Digits
from facula.datasets.mnist import MNIST

__all__ = ["MNIST", "Digits"]
