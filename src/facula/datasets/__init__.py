"""``facula.datasets``: small classic data sets, images in folders, tables, texts, transforms. Re-exports only."""

from facula.datasets import transforms
from facula.datasets.cifar import CIFAR10, CIFAR100
from facula.datasets.digits import Digits
from facula.datasets.folder import ImageFolder, read_image
from facula.datasets.mnist import KMNIST, MNIST, FashionMNIST
from facula.datasets.table import Table
from facula.datasets.text import Characters

__all__ = [
    "CIFAR10", "CIFAR100", "KMNIST", "MNIST", "Characters", "Digits", "FashionMNIST", "ImageFolder", "Table",
    "read_image", "transforms",
]  # fmt: skip
