"""Tables from CSV and Parquet files: columns of numbers as float32, columns of words as numbers of their categories."""

from __future__ import annotations

import os

import facula
from facula.utils.data import Dataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Table"]

_MISSING = ("", "na", "nan", "null", "none")


class Table(Dataset):
    """A table for models of numbers and categories; a sample is (numbers, categories, target).

    Args:
        path (str or path): a ``.csv`` file (the first line names the columns) or a ``.parquet`` file (read by pyarrow).
        target (str): the column to be predicted; a column of words gives class numbers. Default: none, and samples
            have no third part.
        columns (iterable of str): those to use. Default: all but the target.
        categories (dict): from column to list of words: the numbering of another part of the same data. A word that
            is not in it gets the number after the last.
        delimiter (str): of the CSV file. Default: a comma.

    Attributes: ``numbers`` (N, n) float32, missing values NaN; ``codes`` (N, c) int64; ``targets`` (N,) float32 or
    int64; ``number_columns``, ``code_columns``; ``categories``.

    Raises:
        ValueError: no rows, rows of different lengths, or an unknown column.
        ModuleNotFoundError: a Parquet file, but no pyarrow.

    Example:
        >>> import facula as torch
        >>> with open("pets.csv", "w") as file:
        ...     _ = file.write("kind,weight,age\\ncat,4.5,3\\ndog,20,7\\n")
        >>> pets = torch.datasets.Table("pets.csv", target="age")
        >>> pets[1]
        (tensor([20.]), tensor([1]), tensor(7.))
        >>> pets.categories
        {'kind': ['cat', 'dog']}
    """

    def __init__(
        self,
        path: str | os.PathLike,
        target: str | None = None,
        columns: Iterable[str] | None = None,
        categories: dict[str, list[str]] | None = None,
        delimiter: str = ",",
    ) -> None:
        self.path = os.path.expanduser(os.fspath(path))
        parquet = self.path.lower().endswith((".parquet", ".pq"))
        values = _read_parquet(self.path) if parquet else _read_csv(self.path, delimiter)
        wanted = [name for name in values if name != target] if columns is None else list(columns)
        for name in (*wanted, *([] if target is None else [target])):
            if name not in values:
                raise ValueError(f"{self.path} has no column {name!r}; it has {', '.join(map(repr, values))}")
        self.categories = dict(categories or {})
        numbers: list[Any] = []
        codes: list[Any] = []
        self.number_columns: list[str] = []
        self.code_columns: list[str] = []
        for name in wanted:
            column = self._column(name, values[name])
            kind, names = (codes, self.code_columns) if column.dtype is facula.int64 else (numbers, self.number_columns)
            kind.append(column)
            names.append(name)
        rows = len(next(iter(values.values())))
        self.numbers = facula.stack(numbers, 1) if numbers else facula.empty(rows, 0)
        self.codes = facula.stack(codes, 1) if codes else facula.empty(rows, 0, dtype=facula.int64)
        self.targets = None if target is None else self._column(target, values[target])

    def _column(self, name: str, values: list[Any]) -> Any:
        if name not in self.categories:
            numbers = _as_numbers(values)
            if numbers is not None:
                return facula.tensor(numbers, dtype=facula.float32)
            self.categories[name] = sorted({str(value) for value in values})
        number_of = {word: i for i, word in enumerate(self.categories[name])}
        return facula.tensor([number_of.get(str(value), len(number_of)) for value in values], dtype=facula.int64)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        row = (self.numbers[index], self.codes[index])
        return row if self.targets is None else (*row, self.targets[index])

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return (
            f"Table: {len(self)} rows, {len(self.number_columns)} columns of numbers and {len(self.code_columns)} of "
            f"categories from {self.path}"
        )


def _as_numbers(values: list[Any]) -> list[float] | None:
    """The values as numbers, missing ones as NaN; None when one is a word."""
    numbers = []
    for value in values:
        if value is None or (isinstance(value, str) and value.strip().lower() in _MISSING):
            numbers.append(float("nan"))
            continue
        try:
            numbers.append(float(value))
        except (TypeError, ValueError):
            return None
    return numbers


def _read_csv(path: str, delimiter: str) -> dict[str, list[Any]]:
    import csv

    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=delimiter)
        names = next(reader, [])
        rows = [row for row in reader if row]
    for i, row in enumerate(rows):
        if len(row) != len(names):
            raise ValueError(f"{path}: row {i + 1} has {len(row)} values for {len(names)} columns")
    if not rows or len(set(names)) != len(names):
        raise ValueError(f"{path} has no rows, or two columns of one name")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _read_parquet(path: str) -> dict[str, list[Any]]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ModuleNotFoundError("reading Parquet files needs pyarrow: pip install pyarrow") from None
    values = parquet.read_table(path).to_pydict()
    if not values or not next(iter(values.values())):
        raise ValueError(f"{path} has no rows")
    return values
