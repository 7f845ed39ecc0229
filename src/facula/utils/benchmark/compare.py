"""Compare prints measurements as a table: a row for each statement or sub-label, a column for each description."""

from __future__ import annotations

from collections.abc import Iterable

from .timing import Measurement, select_unit

__all__ = ["Compare"]


class Compare:
    """A table of measurements, one for each label.

    Args:
        results (list of Measurement)

    Example:
        >>> from facula.utils.benchmark import Compare, Measurement, TaskSpec
        >>> spec = TaskSpec("x + x", "pass", label="add", description="small")
        >>> print(Compare([Measurement(1, [2e-6], spec)]))
        [-- add ---]
                   |  small
        1 threads: --------
            x + x  |  2.0
        <BLANKLINE>
        Times are in microseconds (us).
        <BLANKLINE>
    """

    def __init__(self, results: list[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trim = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements."""
        results = list(results)
        if not all(isinstance(result, Measurement) for result in results):
            raise ValueError("Expected an instance of `Measurement`")
        self._results += results

    def trim_significant_figures(self) -> None:
        """Show no more digits than the spread of the times allows."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Without use: the table is plain text."""

    def highlight_warnings(self) -> None:
        """Without use: the table is plain text."""

    def print(self) -> None:
        """Print the table."""
        print(str(self))

    def __str__(self) -> str:
        merged = Measurement.merge(self._results)
        labels = list(dict.fromkeys(result.task_spec.label for result in merged))
        return "\n".join(self._table(label, [r for r in merged if r.task_spec.label == label]) for label in labels)

    def _cell(self, result: Measurement | None, size: float) -> str:
        if result is None:
            return ""
        value = result.median / size
        return f"{value:.0f}" if self._trim and value >= 100 else f"{value:.1f}"

    def _table(self, label: str | None, results: list[Measurement]) -> str:
        unit, size = select_unit(min(result.median for result in results))
        columns = list(dict.fromkeys(result.task_spec.description for result in results))
        found = {(r.task_spec.num_threads, r.as_row_name, r.task_spec.description): r for r in results}
        rows = list(dict.fromkeys((r.task_spec.num_threads, r.as_row_name) for r in results))
        rows.sort(key=lambda row: row[0])
        names = max(10, *(len(name) + 4 for _, name in rows)) if rows else 10
        cells = {row: [self._cell(found.get((*row, column)), size) for column in columns] for row in rows}
        widths = [
            max(5, len(str(column or "")), *(len(cells[row][i]) for row in rows)) for i, column in enumerate(columns)
        ]
        header = " " * (names + 1) + "".join(f"|  {(column or '')!s:<{w}}  " for column, w in zip(columns, widths))
        lines = [f"[{f' {label or chr(32)} ':-^{names}}]", header.rstrip()]
        threads = None
        for row in rows:
            if row[0] != threads:
                threads = row[0]
                start = f"{threads} threads: "
                lines.append(start + "-" * max(0, len(header) - len(start) - 2))
            values = "".join(f"|  {cell:>{len(cell)}}{' ' * (w - len(cell))}  " for cell, w in zip(cells[row], widths))
            lines.append(f"{f'    {row[1]}':<{names + 1}}{values}".rstrip())
        full = {"ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds"}[unit]
        return "\n".join([*lines, "", f"Times are in {full} ({unit}).", ""])
