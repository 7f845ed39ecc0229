"""MNIST and the data sets in its format: 70 000 images of 28 by 28 pixels, from files on disk or downloaded."""

from __future__ import annotations

import os

import facula
from facula.datasets.download import DownloadError, download, sha256_of
from facula.datasets.idx import read_idx
from facula.utils.data import Dataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["KMNIST", "MNIST", "FashionMNIST"]

_SIDE = 28


class MNIST(Dataset):
    """The MNIST handwritten digits: 60 000 for training, 10 000 for testing, 28 by 28 pixels from 0 to 255.

    Args:
        root (str or path): the folder; the four files, gzipped or not, lie in it or in ``MNIST/raw`` below it (with the
            name of the class).
        train (bool): the training part (default) or the test part.
        transform (callable): from the image, a uint8 tensor of shape (28, 28), to what a sample holds.
        target_transform (callable): from the digit, an int, to what a sample holds.
        download (bool): fetch files that are missing into ``root/MNIST/raw``. Default: False.

    Attributes: ``data`` (N, 28, 28) uint8; ``targets`` (N,) int64; ``classes`` the ten names; ``mirrors`` the
    addresses that downloads try in turn.

    Raises:
        RuntimeError: files are missing, or the download failed; says which files are needed and where to put them.
        ValueError: a file is damaged or is not what its name says.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    mirrors = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ]
    # name, bytes, SHA-256 of the gzipped files as first published
    resources = [
        ("train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ]
    classes = [str(digit) for digit in range(10)]

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
        self.transform = transform
        self.target_transform = target_transform
        if download:
            self.download()
        prefix = "train" if train else "t10k"
        image_file, label_file = self._find(f"{prefix}-images-idx3-ubyte"), self._find(f"{prefix}-labels-idx1-ubyte")
        if image_file is None or label_file is None:
            raise RuntimeError(
                f"{type(self).__name__} files not found. " + self._instructions("Use download=True to fetch them, or p")
            )
        pixels, shape = read_idx(image_file, (_SIDE, _SIDE))
        labels, label_shape = read_idx(label_file)
        if shape[0] != label_shape[0]:
            raise ValueError(f"{image_file} has {shape[0]} images but {label_file} has {label_shape[0]} labels")
        if shape[0] == 0:
            raise ValueError(f"{image_file} holds no images")
        if max(labels) > 9:
            raise ValueError(f"{label_file} holds the label {max(labels)}, expected 0 to 9")
        self.data = facula.frombuffer(pixels, dtype=facula.uint8).reshape(shape)
        self.targets = facula.frombuffer(labels, dtype=facula.uint8).to(facula.int64)

    @property
    def raw_folder(self) -> str:
        """Where downloaded files go."""
        return os.path.join(self.root, type(self).__name__, "raw")

    def _find(self, name: str) -> str | None:
        """The path of a file, gzipped or not, or None."""
        for folder in (self.root, self.raw_folder):
            for candidate in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
                if os.path.isfile(candidate):
                    return candidate
        return None

    def _instructions(self, beginning: str) -> str:
        names = "\n".join(f"  {name}" for name, _, _ in self.resources)
        return (
            f"{beginning}ut these four files (gzipped or unpacked)\n{names}\n"
            f"into {self.root} or {self.raw_folder}; they are at {' and '.join(self.mirrors)}"
        )

    def download(self) -> None:
        """Fetch the files that are missing into ``root/MNIST/raw``.

        Raises:
            RuntimeError: no mirror could be reached or gave the right file; says what to do by hand.
        """
        for name, size, sha256 in self.resources:
            if self._find(name.removesuffix(".gz")) is not None:
                continue
            path = os.path.join(self.raw_folder, name)
            try:
                os.makedirs(self.raw_folder, exist_ok=True)
                download([mirror + name for mirror in self.mirrors], path, size, sha256)
            except DownloadError as error:
                by_hand = self._instructions("Without a network, p")
                raise RuntimeError(f"{error}\n{by_hand}") from None

    def verify(self) -> bool:
        """Whether the gzipped files that are present have the published checksums."""
        for name, _, sha256 in self.resources:
            path = self._find(name.removesuffix(".gz"))
            if path is None or (path.endswith(".gz") and sha256_of(path) != sha256):
                return False
        return True

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


class FashionMNIST(MNIST):
    """Fashion-MNIST: photographs of clothes in ten classes, in MNIST's format. Arguments as for :class:`MNIST`.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", 2017. Sizes and checksums: TensorFlow Datasets.
    """

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ("train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ("t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ("t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ]
    classes = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ]  # fmt: skip


class KMNIST(MNIST):
    """Kuzushiji-MNIST: cursive Japanese characters in ten classes, in MNIST's format. Arguments as for :class:`MNIST`.

    Source: Clanuwat et al., "Deep Learning for Classical Japanese Literature", 2018. Sizes and checksums: TensorFlow
    Datasets.
    """

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", 18165135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        ("train-labels-idx1-ubyte.gz", 29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        ("t10k-images-idx3-ubyte.gz", 3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        ("t10k-labels-idx1-ubyte.gz", 5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
