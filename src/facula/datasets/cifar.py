"""CIFAR-10 and CIFAR-100: 60 000 colour images of 32 by 32 pixels, from the binary files on disk or downloaded.

The binary form is read, not the pickled one: a record is the labels, one byte each, and the pixels of three planes.
"""

from __future__ import annotations

import os

import facula
from facula.datasets.download import DownloadError, download
from facula.utils.data import Dataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from facula import Tensor

__all__ = ["CIFAR10", "CIFAR100"]

_SIDE, _PIXELS = 32, 3 * 32 * 32


class CIFAR10(Dataset):
    """CIFAR-10: 50 000 images for training and 10 000 for testing, in ten classes.

    Args:
        root (str or path): the folder with the archive or with the folder that is in it.
        train (bool): the training part (default) or the test part.
        transform (callable): from the image, a uint8 tensor of shape (3, 32, 32), to what a sample holds.
        target_transform (callable): from the class number, an int, to what a sample holds.
        download (bool): fetch and unpack the archive when it is missing. Default: False.

    Attributes: ``data`` (N, 3, 32, 32) uint8; ``targets`` (N,) int64; ``classes`` the names.

    Raises:
        RuntimeError: files are missing, or the download failed; says what to put where.
        ValueError: a file is damaged.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Sizes and checksums: TensorFlow
    Datasets.
    """

    mirrors = ["https://www.cs.toronto.edu/~kriz/"]
    archive = (
        "cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    )  # fmt: skip
    folder = "cifar-10-batches-bin"
    train_files = [f"data_batch_{i}.bin" for i in range(1, 6)]
    test_files = ["test_batch.bin"]
    labels_in_record = 1
    classes: list[str] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

    def __init__(
        self,
        root: str | os.PathLike,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root = os.path.expanduser(os.fspath(root))
        self.train = train
        self.transform, self.target_transform = transform, target_transform
        if download:
            self.download()
        parts = [self._read(name) for name in (self.train_files if train else self.test_files)]
        self.data = facula.cat([pixels for pixels, _ in parts])
        self.targets = facula.cat([labels for _, labels in parts])

    def _path(self, name: str) -> str:
        return os.path.join(self.root, self.folder, name)

    def _instructions(self) -> str:
        return (
            f"unpack {self.archive[0]} into {self.root}, so that {self.folder} lies there; it is at "
            f"{' and '.join(self.mirrors)}"
        )

    def _read(self, name: str) -> tuple[Tensor, Tensor]:
        path, record = self._path(name), self.labels_in_record + _PIXELS
        if not os.path.isfile(path):
            raise RuntimeError(
                f"{type(self).__name__} file {path} not found. Use download=True to fetch it, or {self._instructions()}"
            )
        with open(path, "rb") as file:
            raw = bytearray(file.read(60_000 * record + 1))
        if not raw or len(raw) % record:
            raise ValueError(f"{path} is damaged: its size is no multiple of a record's {record} bytes; fetch it again")
        rows = facula.frombuffer(raw, dtype=facula.uint8).view(-1, record)
        labels = rows[:, self.labels_in_record - 1].long()
        if int(labels.max()) >= len(self.classes):
            raise ValueError(f"{path} holds the label {int(labels.max())}, expected 0 to {len(self.classes) - 1}")
        return rows[:, self.labels_in_record :].reshape(-1, 3, _SIDE, _SIDE), labels

    def download(self) -> None:
        """Fetch and unpack the archive, unless its files are there.

        Raises:
            RuntimeError: no mirror could be reached or gave the right file; says what to do by hand.
        """
        import tarfile

        names = [*self.train_files, *self.test_files]
        if all(os.path.isfile(self._path(name)) for name in names):
            return
        os.makedirs(os.path.join(self.root, self.folder), exist_ok=True)
        name, size, sha256 = self.archive
        path = os.path.join(self.root, name)
        if not os.path.isfile(path):
            try:
                download([mirror + name for mirror in self.mirrors], path, size, sha256)
            except DownloadError as error:
                raise RuntimeError(f"{error}\nWithout a network, {self._instructions()}") from None
        with tarfile.open(path) as archive:
            for wanted in names:  # by name, each as a plain file: nothing else of the archive is written
                member = archive.extractfile(f"{self.folder}/{wanted}")
                if member is None:
                    raise ValueError(f"{path} holds no {wanted}; fetch it again")
                part = self._path(wanted) + ".part"
                with open(part, "wb") as file:
                    while block := member.read(1 << 20):
                        file.write(block)
                os.replace(part, self._path(wanted))

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
        return f"{type(self).__name__}(train={self.train}): {len(self)} images of {_SIDE} x {_SIDE} from {self.root}"


class CIFAR100(CIFAR10):
    """CIFAR-100: the same in a hundred classes. Arguments as for :class:`CIFAR10`."""

    archive = (
        "cifar-100-binary.tar.gz", 168513733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    )  # fmt: skip
    folder = "cifar-100-binary"
    train_files = ["train.bin"]
    test_files = ["test.bin"]
    labels_in_record = 2  # the coarse one, then the fine one
    classes = [str(i) for i in range(100)]
