"""What is done to images before a model sees them. Images are tensors (..., channels, height, width) or Pillow's."""

from __future__ import annotations

import facula
from facula.datasets.folder import image_tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from facula import Tensor

__all__ = [
    "CenterCrop", "Compose", "Lambda", "Normalize", "Pad", "RandomApply", "RandomCrop", "RandomHorizontalFlip",
    "RandomVerticalFlip", "Resize", "ToTensor",
]  # fmt: skip


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[-1])


class Compose:
    """Several transforms, one after the other.

    Example:
        >>> import facula as torch
        >>> from facula.datasets import transforms
        >>> prepare = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
        >>> prepare(torch.tensor([[0, 255]], dtype=torch.uint8))
        tensor([[[-1.,  1.]]])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        return "\n".join(["Compose(", *(f"    {transform!r}" for transform in self.transforms), ")"])


class _Transform:
    """A transform whose repr shows its settings."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


class ToTensor(_Transform):
    """Pillow images, arrays (height, width, channels) and uint8 tensors as float32 tensors from 0 to 1.

    A uint8 tensor (height, width) gets a channel.
    """

    def __call__(self, image: Any) -> Tensor:
        if hasattr(image, "getbands"):
            image = image_tensor(image)
        elif not isinstance(image, facula.Tensor):
            image = facula.from_numpy(image)
            image = image.permute(2, 0, 1).contiguous() if image.dim() == 3 else image
        if image.dim() == 2:
            image = image.unsqueeze(0)
        return image / 255.0 if image.dtype is facula.uint8 else image


class Normalize(_Transform):
    """``(image - mean) / std``, channel by channel.

    Args:
        mean, std (sequence of float): one for each channel, or one for all.
        inplace (bool): change the image itself. Default: False.

    Raises:
        TypeError: an image of integers.
        ValueError: a standard deviation of 0.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        if 0 in std:
            raise ValueError(f"Normalize: std must not be 0, got {std}")
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, image: Tensor) -> Tensor:
        if not image.is_floating_point():
            raise TypeError(f"Input tensor should be a float tensor. Got {image.dtype}; apply ToTensor() first")
        mean = facula.tensor(self.mean, dtype=image.dtype).view(-1, 1, 1)
        std = facula.tensor(self.std, dtype=image.dtype).view(-1, 1, 1)
        return image.sub_(mean).div_(std) if self.inplace else (image - mean) / std


class Resize(_Transform):
    """Change the size, bilinearly and with antialiasing.

    Args:
        size (int or pair): height and width; one number is that of the shorter side.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size

    def __call__(self, image: Any) -> Any:
        pillow = hasattr(image, "getbands")
        height, width = (image.height, image.width) if pillow else image.shape[-2:]
        if isinstance(self.size, int):
            scale = self.size / min(height, width)
            size = (self.size, int(width * scale)) if height <= width else (int(height * scale), self.size)
        else:
            size = _pair(self.size)
        if pillow:
            return image.resize((size[1], size[0]), 2)  # 2: bilinear
        x = image if image.dim() == 4 else image.unsqueeze(0)
        x = facula.nn.functional.interpolate(x.float(), size, mode="bilinear", antialias=True)
        x = x.round().clamp(0, 255).to(facula.uint8) if image.dtype is facula.uint8 else x.to(image.dtype)
        return x if image.dim() == 4 else x.squeeze(0)


class Pad(_Transform):
    """Add a border.

    Args:
        padding (int or sequence): on all sides; (left and right, top and bottom); or (left, top, right, bottom).
        fill (float): its value. Default: 0.
    """

    def __init__(self, padding: int | Sequence[int], fill: float = 0) -> None:
        self.padding, self.fill = padding, fill

    def __call__(self, image: Tensor) -> Tensor:
        p = (self.padding,) * 4 if isinstance(self.padding, int) else tuple(self.padding)
        left, top, right, bottom = p if len(p) == 4 else (p[0], p[-1], p[0], p[-1])
        return facula.nn.functional.pad(image, (left, right, top, bottom), value=self.fill)


def _crop(image: Tensor, top: int, left: int, size: tuple[int, int]) -> Tensor:
    return image[..., top : top + size[0], left : left + size[1]]


class CenterCrop(_Transform):
    """The middle of an image; smaller images get a border of zeros first."""

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = _pair(size)

    def __call__(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        more = max(self.size[0] - height, 0), max(self.size[1] - width, 0)
        if any(more):
            border = (more[1] // 2, more[0] // 2, (more[1] + 1) // 2, (more[0] + 1) // 2)
            return self(Pad(border)(image))
        return _crop(image, round((height - self.size[0]) / 2), round((width - self.size[1]) / 2), self.size)


class RandomCrop(_Transform):
    """A part of an image at a random place.

    Args:
        size (int or pair): height and width.
        padding (int or sequence): a border added first, see :class:`Pad`. Default: none.

    Raises:
        ValueError: the image is smaller than the part.
    """

    def __init__(self, size: int | Sequence[int], padding: int | Sequence[int] | None = None) -> None:
        self.size, self.padding = _pair(size), padding

    def __call__(self, image: Tensor) -> Tensor:
        if self.padding is not None:
            image = Pad(self.padding)(image)
        height, width = image.shape[-2:]
        if height < self.size[0] or width < self.size[1]:
            raise ValueError(f"Required crop size {self.size} is larger than input image size {(height, width)}")
        top = int(facula.randint(0, height - self.size[0] + 1, (1,)))
        left = int(facula.randint(0, width - self.size[1] + 1, (1,)))
        return _crop(image, top, left, self.size)


class RandomHorizontalFlip(_Transform):
    """The mirror image, with probability ``p``."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, image: Tensor) -> Tensor:
        return image.flip(-1) if float(facula.rand(1)) < self.p else image


class RandomVerticalFlip(_Transform):
    """Upside down, with probability ``p``."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, image: Tensor) -> Tensor:
        return image.flip(-2) if float(facula.rand(1)) < self.p else image


class RandomApply(_Transform):
    """Some transforms together, with probability ``p``."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        self.transforms, self.p = transforms, p

    def __call__(self, image: Any) -> Any:
        return Compose(self.transforms)(image) if float(facula.rand(1)) < self.p else image


class Lambda(_Transform):
    """Any function as a transform."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)
