"""Shows what the demo's network learnt: confusion matrix, loss curve, digits; as a picture, or else in text."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from facula import Tensor

__all__ = ["bar", "confusion_matrix", "curve", "digit_rows", "picture"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_SHADES = " .:-=+*#%@"
_GRID = 24  # digits shown in the picture: the wrong ones first
_TEXT_GRID = 6


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def confusion_matrix(predictions: list[int], truth: list[int]) -> str:
    """A table of counts: a row for each digit, a column for what it was read as; zeros are dots."""
    counts = [[0] * 10 for _ in range(10)]
    for predicted, true in zip(predictions, truth):
        counts[true][predicted] += 1
    lines = [
        "confusion matrix (rows: digit, columns: read as)",
        "     " + "".join(f"{digit:6d}" for digit in range(10)),
    ]
    for digit, row in enumerate(counts):
        recall = row[digit] / sum(row) if sum(row) else 0.0
        lines.append(f"{digit:5d}" + "".join(f"{count or '.':>6}" for count in row) + f"   {recall:7.2%}")
    return "\n".join(lines) + "\n"


def curve(values: list[float], width: int = 60) -> str:
    """A curve of numbers in one line of text, from the first to the last."""
    width = min(width, len(values))
    means = []
    for i in range(width):
        part = values[i * len(values) // width : (i + 1) * len(values) // width]
        means.append(sum(part) / len(part))
    glyphs = _BLOCKS if _can_print(_BLOCKS) else "_.-=+*%#"
    low, high = min(means), max(means)
    scale = (len(glyphs) - 1) / (high - low) if high > low else 0.0
    return "".join(glyphs[round((value - low) * scale)] for value in means)


def bar(share: float, width: int = 40) -> str:
    """A bar of text as long as a share of the width."""
    return ("█" if _can_print("█") else "#") * round(share * width)


def digit_rows(image: list[list[int]]) -> list[str]:
    """An image as lines of text, two characters a pixel, darker characters for larger values."""
    largest = max(1, *(max(row) for row in image))
    return ["".join(_SHADES[value * (len(_SHADES) - 1) // largest] * 2 for value in row) for row in image]


def _chosen(predictions: list[int], truth: list[int], count: int) -> list[int]:
    """Which digits to show: at most half of them wrong ones, then right ones from the beginning."""
    wrong = [i for i, (p, t) in enumerate(zip(predictions, truth)) if p != t][: count // 2]
    right = [i for i, (p, t) in enumerate(zip(predictions, truth)) if p == t][: count - len(wrong)]
    return wrong + right


def _print_text(losses: list[float], images: Tensor, predictions: list[int], truth: list[int]) -> None:
    print(f"\nloss {losses[0]:.3f} {curve(losses)} {losses[-1]:.3f}")
    chosen = _chosen(predictions, truth, _TEXT_GRID)
    per_line = 2 if images.shape[1] > 8 else 3
    for start in range(0, len(chosen), per_line):
        line = chosen[start : start + per_line]
        print()
        captions = [f"{truth[i]} read as {predictions[i]}" for i in line]
        blocks = [digit_rows(images[i].tolist()) for i in line]
        print("   ".join(caption.ljust(len(block[0])) for caption, block in zip(captions, blocks)))
        for rows in zip(*blocks):
            print("   ".join(rows))


def picture(losses: list[float], images: Tensor, predictions: list[int], truth: list[int], path: str) -> None:
    """Write a PNG with the loss curve and digits; without matplotlib print the same as text.

    Args:
        losses (list of float): one for each batch.
        images (Tensor): the test images (N, H, W) as stored.
        predictions, truth (list of int): one for each image.
        path (str): where the picture goes.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        _print_text(losses, images, predictions, truth)
        print("\n(pip install matplotlib for a picture of this)")
        return
    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    halves: Any = figure.subfigures(2, 1, height_ratios=(1, 1.3))
    above, below = halves
    _draw_curve(above, losses)
    _draw_digits(below, images, predictions, truth)
    figure.savefig(path, dpi=100)
    print(f"picture: {path}")


def _draw_curve(figure: Any, losses: list[float]) -> None:
    axes = figure.subplots()
    axes.plot(losses, color="0.75", linewidth=0.8, label="each batch")
    window = max(1, len(losses) // 50)
    smooth = [sum(losses[i : i + window]) / window for i in range(len(losses) - window + 1)]
    axes.plot(range(window - 1, len(losses)), smooth, color="C0", label=f"mean of {window}")
    axes.set(xlabel="step", ylabel="training loss", yscale="log")
    axes.legend(frameon=False)


def _draw_digits(figure: Any, images: Tensor, predictions: list[int], truth: list[int]) -> None:
    columns = 12
    grid = figure.subplots(_GRID // columns, columns).flat
    for axes in grid:
        axes.set_axis_off()
    for axes, i in zip(figure.axes, _chosen(predictions, truth, _GRID)):
        right = predictions[i] == truth[i]
        axes.imshow(images[i].tolist(), cmap="gray_r")
        axes.set_title(f"{predictions[i]}" if right else f"{predictions[i]} not {truth[i]}", fontsize=9)
        axes.title.set_color("black" if right else "C3")
    figure.suptitle("read as (wrong ones in red)", fontsize=10)
