"""The demo's data: a whole data set as normalised float tensors, and the network that fits it."""

from __future__ import annotations

import os

import facula
from facula import nn
from facula.utils.data import TensorDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from facula import Tensor

__all__ = ["SHAPES", "DemoError", "build_model", "load", "normalise"]

# data set -> side in pixels, largest pixel value, mean and standard deviation of the training pixels scaled to 0..1
SHAPES = {
    "digits": (8, 16.0, 0.3053, 0.3760),
    "mnist": (28, 255.0, 0.1307, 0.3081),
}


class DemoError(Exception):
    """Something the user can put right; the message is one line."""


def normalise(images: Tensor, dataset: str) -> Tensor:
    """Images (N, H, W) of pixels as stored, as rows (N, H * W) of mean 0 and standard deviation 1."""
    _, largest, mean, std = SHAPES[dataset]
    return (images.to(facula.float32).flatten(1) / largest - mean) / std


def build_model(dataset: str, hidden: list[int]) -> nn.Sequential:
    """Linear layers with ReLU between them, from the pixels of a data set to ten digits."""
    side = SHAPES[dataset][0]
    sizes = [side * side, *hidden]
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(sizes, hidden):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))


def _mnist_root(folder: str | None) -> str:
    root = folder or os.environ.get("FACULA_DATA") or "data"
    below = os.path.join(root, "mnist")
    return below if os.path.isdir(below) else root


def load(dataset: str, folder: str | None) -> tuple[TensorDataset, TensorDataset, Tensor]:
    """The training part, the test part, and the test images (N, H, W) as stored."""
    from facula.datasets import MNIST, Digits

    try:
        if dataset == "digits":
            parts: list = [Digits(train=True), Digits(train=False)]
        else:
            root = _mnist_root(folder)
            parts = [MNIST(root, train=True, download=True), MNIST(root, train=False)]
    except (RuntimeError, ValueError, OSError) as error:
        raise DemoError(str(error)) from None
    train, test = (TensorDataset(normalise(part.data, dataset), part.targets) for part in parts)
    return train, test, parts[1].data
