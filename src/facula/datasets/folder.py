"""Images in folders, one folder for each class. Pillow decodes them."""

from __future__ import annotations

import os

import facula
from facula.utils.data import Dataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from facula import Tensor

__all__ = ["IMAGE_EXTENSIONS", "ImageFolder", "read_image"]

IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def read_image(path: str | os.PathLike, mode: str = "RGB") -> Tensor:
    """Read an image as a uint8 tensor of shape (channels, height, width).

    Args:
        path (str or path): the file.
        mode (str): what it is converted to: "RGB" or "L" (grey). Default: "RGB".

    Raises:
        ModuleNotFoundError: Pillow is not installed.
        OSError: the file is no image.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ModuleNotFoundError("reading images needs Pillow: pip install pillow") from None
    with Image.open(path) as file:
        image = file.convert(mode)
    return image_tensor(image)


def image_tensor(image: Any) -> Tensor:
    """A Pillow image as a uint8 tensor of shape (channels, height, width)."""
    channels = len(image.getbands())
    pixels = facula.frombuffer(bytearray(image.tobytes()), dtype=facula.uint8)
    return pixels.view(image.height, image.width, channels).permute(2, 0, 1).contiguous()


class ImageFolder(Dataset):
    """Images below a folder: ``root/class/name.png``; classes are numbered in the order of their names.

    Args:
        root (str or path): the folder.
        transform (callable): from the image, as ``loader`` gives it, to what a sample holds.
        target_transform (callable): from the class number, an int, to what a sample holds.
        loader (callable): from a path to an image. Default: :func:`read_image`.
        is_valid_file (callable): which paths count; default: by extension.
        allow_empty (bool): classes without images are no error. Default: False.

    Attributes: ``classes`` names; ``class_to_idx``; ``samples`` pairs of path and number; ``targets`` numbers.

    Raises:
        FileNotFoundError: no class folders, or one without images.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] = read_image,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        self.root = os.path.expanduser(os.fspath(root))
        self.transform, self.target_transform, self.loader = transform, target_transform, loader
        self.classes = sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir())
        if not self.classes:
            raise FileNotFoundError(
                f"Couldn't find any class folder in {self.root}; expected {self.root}/<class>/<image>"
            )
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        is_valid = is_valid_file or (lambda path: path.lower().endswith(IMAGE_EXTENSIONS))
        self.samples: list[tuple[str, int]] = []
        for name, number in self.class_to_idx.items():
            found = [
                os.path.join(folder, file)
                for folder, _, files in sorted(os.walk(os.path.join(self.root, name), followlinks=True))
                for file in sorted(files)
            ]
            found = [path for path in found if is_valid(path)]
            if not found and not allow_empty:
                raise FileNotFoundError(f"Found no valid file for the class {name} in {self.root}")
            self.samples += [(path, number) for path in found]
        self.targets = [number for _, number in self.samples]

    @property
    def imgs(self) -> list[tuple[str, int]]:
        """The same as ``samples``."""
        return self.samples

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        image = self.loader(path)
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"ImageFolder: {len(self)} images in {len(self.classes)} classes from {self.root}"
