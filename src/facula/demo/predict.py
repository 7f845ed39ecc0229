"""Reads a digit from an image file with a trained network: finds the ink, and frames it as the data set does."""

from __future__ import annotations

import os

import facula
from facula.demo import report
from facula.demo.data import SHAPES, DemoError, build_model, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from facula import Tensor, nn

__all__ = ["predict"]

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM")  # what a drawing program writes; no parser beyond need
_MAX_PIXELS = 50_000_000
_INK = 64  # of 255: fainter than this is paper
_MNIST_BOX = 20  # MNIST scales a digit into 20 x 20 and centres its mass in 28 x 28
_DIGITS_FINE = 32  # the 8 x 8 digits are sums over 4 x 4 blocks of 32 x 32 bitmaps


def _open(path: str) -> Any:
    """The image in grey, ink bright on black."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise DemoError("reading images needs Pillow: pip install pillow") from None
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise DemoError(f"{path} is too large: {image.width} x {image.height} pixels")
            if "A" in image.getbands() or "transparency" in image.info:
                image = image.convert("RGBA")
                paper = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(paper, image)
            grey = image.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DemoError(f"cannot read the image {path}: {reason}") from None
    edge = [grey.getpixel((x, y)) for x in range(grey.width) for y in {0, grey.height - 1}]
    edge += [grey.getpixel((x, y)) for y in range(grey.height) for x in {0, grey.width - 1}]
    if sorted(edge)[len(edge) // 2] > 127:  # the median at the border tells the colour of the paper
        grey = ImageOps.invert(grey)
    return ImageOps.autocontrast(grey) if grey.getextrema()[1] - grey.getextrema()[0] >= _INK else grey


def _fit_into(grey: Any, side: int) -> Any:
    """The inked part, scaled to fit a square of that side, on black of the same aspect."""
    from PIL import Image

    box = grey.point(lambda value: 255 if value >= _INK else 0).getbbox()
    if box is None:
        raise DemoError("no digit found: the image is blank")
    ink = grey.crop(box)
    scale = side / max(ink.size)
    size = tuple(max(1, round(extent * scale)) for extent in ink.size)
    return ink.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)


def _centre_of_mass(image: Any) -> tuple[float, float]:
    total = x_sum = y_sum = 0
    for i, value in enumerate(image.tobytes()):
        total += value
        x_sum += value * (i % image.width)
        y_sum += value * (i // image.width)
    return (x_sum / total, y_sum / total) if total else (image.width / 2, image.height / 2)


def _frame(grey: Any, dataset: str) -> Any:
    """The image as the data set would hold it, values from 0 to 255."""
    from PIL import Image

    if dataset == "digits":
        ink = _fit_into(grey, _DIGITS_FINE)
        canvas = Image.new("L", (_DIGITS_FINE, _DIGITS_FINE))
        canvas.paste(ink, ((_DIGITS_FINE - ink.width) // 2, (_DIGITS_FINE - ink.height) // 2))
        return canvas.resize((8, 8), Image.Resampling.BOX)
    ink = _fit_into(grey, _MNIST_BOX)
    x, y = _centre_of_mass(ink)
    left = min(max(round(13.5 - x), 0), 28 - ink.width)
    top = min(max(round(13.5 - y), 0), 28 - ink.height)
    canvas = Image.new("L", (28, 28))
    canvas.paste(ink, (left, top))
    return canvas


def _load(path: str) -> tuple[str, nn.Sequential]:
    """The data set's name and the network of a checkpoint."""
    if not os.path.exists(path):
        raise DemoError(f"no trained network at {path}: run the demo without --predict first, or give --checkpoint")
    try:
        checkpoint = facula.load(path)
        dataset, hidden = checkpoint["dataset"], checkpoint["hidden"]
        if dataset not in SHAPES or not all(isinstance(size, int) and 1 <= size <= 100_000 for size in hidden):
            raise ValueError("unknown data set or layer sizes")
        model = build_model(dataset, hidden)
        model.load_state_dict(checkpoint["state_dict"])
    except Exception as error:  # a damaged file can fail in any way; the user needs one line
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DemoError(f"{path} is no checkpoint of this demo: {reason}") from None
    return dataset, model


def predict(path: str, checkpoint: str) -> None:
    """Print the digit in an image, with the probability of each digit.

    Args:
        path (str): the image; one digit, dark on light or light on dark.
        checkpoint (str): the trained network.

    Raises:
        DemoError: the image or the checkpoint cannot be read, or there is no digit in the image.
    """
    grey = _open(path)
    dataset, model = _load(checkpoint)
    side, largest, _, _ = SHAPES[dataset]
    frame = _frame(grey, dataset)
    pixels = facula.frombuffer(bytearray(frame.tobytes()), dtype=facula.uint8).reshape(1, side, side)
    image: Tensor = pixels.to(facula.float32) * (largest / 255.0)
    with facula.no_grad():
        shares = model(normalise(image, dataset)).softmax(1)[0].tolist()
    print("\n".join(report.digit_rows(pixels[0].tolist())))
    print()
    for digit, share in enumerate(shares):
        print(f"{digit}  {share:7.2%}  {report.bar(share)}".rstrip())
    print(f"\ndigit: {max(range(10), key=shares.__getitem__)}")
