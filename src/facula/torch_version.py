"""torch.torch_version: the text of a version that compares by its numbers."""

from __future__ import annotations

__all__ = ["TorchVersion"]


def _numbers(version: object) -> tuple[int, ...]:
    """The release numbers of "2.13.0+local" or of a tuple, without zeros at the end."""
    if isinstance(version, (tuple, list)):
        version = ".".join(map(str, version))
    numbers = []
    for part in str(version).partition("+")[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits) if digits else 0)
        if digits != part:
            break
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


class TorchVersion(str):
    """A version: its text, which compares with texts and tuples number by number.

    Example:
        >>> import facula as torch
        >>> from facula.torch_version import TorchVersion
        >>> isinstance(torch.__version__, TorchVersion), torch.__version__ >= (2, 9), torch.__version__ > "2.9.1"
        (True, True, True)
    """

    def __lt__(self, other: object) -> bool:
        return _numbers(self) < _numbers(other)

    def __le__(self, other: object) -> bool:
        return _numbers(self) <= _numbers(other)

    def __gt__(self, other: object) -> bool:
        return _numbers(self) > _numbers(other)

    def __ge__(self, other: object) -> bool:
        return _numbers(self) >= _numbers(other)

    def __eq__(self, other: object) -> bool:
        return _numbers(self) == _numbers(other)

    __hash__ = str.__hash__
