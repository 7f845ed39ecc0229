"""Handwritten digits of 8 by 8 pixels, embedded in the package: no download, no parsing library.

The file is the test part of the UCI "Optical Recognition of Handwritten Digits" data (Alpaydin and Kaynak, 1998) as
scikit-learn distributes it; its licence lies beside it.
"""

from __future__ import annotations

import gzip
import os

import facula
from facula.utils.data import Dataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Digits"]

_SIDE = 8
_COLUMNS = _SIDE * _SIDE + 1  # the pixels, then the digit
_TEST_EVERY = 5


def _read() -> tuple[list[bytes], list[int]]:
    path = os.path.join(os.path.dirname(__file__), "digits.csv.gz")
    with gzip.open(path, "rt", encoding="ascii") as file:
        rows = [bytes(map(int, line.split(","))) for line in file]
    if any(len(row) != _COLUMNS for row in rows):
        raise RuntimeError(f"{path} is damaged: expected {_COLUMNS} numbers a line; reinstall facula")
    return [row[:-1] for row in rows], [row[-1] for row in rows]


class Digits(Dataset):
    """1797 handwritten digits, 8 by 8 pixels with values from 0 to 16.

    The split is fixed and stratified: of the samples of each digit, in the order of the file, every fifth is a test
    sample. That gives 1442 for training and 355 for testing. (The file goes by writer, so its last 360 samples alone
    would test on writers never trained on.)

    Args:
        train (bool): the training part (default) or the test part.
        transform (callable): from the image, a uint8 tensor of shape (8, 8), to what a sample holds.
        target_transform (callable): from the digit, an int, to what a sample holds.

    Attributes: ``data`` (N, 8, 8) uint8; ``targets`` (N,) int64; ``classes`` the ten names.

    Example:
        >>> import facula as torch
        >>> digits = torch.datasets.Digits(train=False)
        >>> image, digit = digits[0]
        >>> tuple(image.shape), len(digits)
        ((8, 8), 355)
    """

    classes = [str(digit) for digit in range(10)]

    def __init__(
        self,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        pixels, labels = bytearray(), []
        seen = [0] * 10
        for image, label in zip(*_read()):
            seen[label] += 1
            if (seen[label] % _TEST_EVERY == 0) != train:
                pixels += image
                labels.append(label)
        self.data = facula.frombuffer(pixels, dtype=facula.uint8).reshape(-1, _SIDE, _SIDE)
        self.targets = facula.tensor(labels, dtype=facula.int64)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = self.data[index], int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        return len(self.targets)

    def __repr__(self) -> str:
        return f"Digits(train={self.train}): {len(self)} images of {_SIDE} x {_SIDE}"
