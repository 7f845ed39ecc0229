"""A text by characters, cut into stretches of one length for language models."""

from __future__ import annotations

import os

import facula
from facula.utils.data import Dataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from facula import Tensor

__all__ = ["Characters"]


class Characters(Dataset):
    """A text as numbers of its characters; a sample is a stretch and the same stretch one character later.

    Args:
        text (str or path): the text itself, or a path object that names a file with it.
        length (int): characters in a stretch.
        vocabulary (str): the characters in the order of their numbers. Default: those of the text, sorted.

    Attributes: ``data`` (N,) int64; ``vocabulary``.

    Raises:
        ValueError: the text is not longer than a stretch, or has a character that the vocabulary lacks.

    Example:
        >>> import facula as torch
        >>> text = torch.datasets.Characters("abcab", length=3)
        >>> text[1]
        (tensor([1, 2, 0]), tensor([2, 0, 1]))
        >>> text.decode([2, 1])
        'cb'
    """

    def __init__(self, text: str | os.PathLike, length: int, vocabulary: str | None = None) -> None:
        if not isinstance(text, str):
            with open(text, encoding="utf-8") as file:
                text = file.read()
        if length < 1 or len(text) <= length:
            raise ValueError(f"a text of {len(text)} characters has no stretch of {length} with one to follow")
        self.length = length
        self.vocabulary = "".join(sorted(set(text))) if vocabulary is None else vocabulary
        self._number_of = {character: i for i, character in enumerate(self.vocabulary)}
        self.data = self.encode(text)

    def encode(self, text: str) -> Tensor:
        """The numbers of a text's characters."""
        try:
            return facula.tensor([self._number_of[character] for character in text], dtype=facula.int64)
        except KeyError as error:
            raise ValueError(f"the vocabulary of {len(self.vocabulary)} characters has no {error.args[0]!r}") from None

    def decode(self, numbers: Tensor | list[int]) -> str:
        """The text of some numbers."""
        return "".join(self.vocabulary[int(i)] for i in numbers)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} stretches")
        start = index % len(self)
        return self.data[start : start + self.length], self.data[start + 1 : start + 1 + self.length]

    def __len__(self) -> int:
        return len(self.data) - self.length

    def __repr__(self) -> str:
        return f"Characters: {len(self.data)} characters of {len(self.vocabulary)} kinds, {self.length} at a time"
