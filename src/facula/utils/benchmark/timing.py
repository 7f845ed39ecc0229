"""Timer runs a statement many times with a chosen number of threads; Measurement holds the times and what they say."""

from __future__ import annotations

import textwrap
import timeit
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import facula

__all__ = ["Measurement", "TaskSpec", "Timer", "select_unit", "timer"]

timer = timeit.default_timer
# Times in a block are believed when the clock's own cost is below this part of them.
_OVERHEAD = 1e-4
# From a share of the spread above which a measurement is said to be noisy, as in PyTorch's reports.
_NOISY, _VERY_NOISY = 0.1, 0.25


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which seconds are best read, and its size.

    Example:
        >>> from facula.utils.benchmark import select_unit
        >>> select_unit(2e-6)
        ('us', 1e-06)
    """
    for unit, size in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)):
        if t < 1000 * size:
            return unit, size
    return "s", 1.0


class TaskSpec(NamedTuple):
    """What is measured: the arguments of a Timer."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or the statement."""
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        return self.stmt if "\n" not in self.stmt else f"stmt:\n{textwrap.indent(self.stmt, '  ')}"


class Measurement:
    """Times of a statement.

    Args:
        number_per_run (int): how often it ran in each time.
        raw_times (list of float): in seconds.
        task_spec (TaskSpec): what was measured.
        metadata (dict): anything.
    """

    def __init__(self, number_per_run: int, raw_times: list[float], task_spec: TaskSpec, metadata: dict | None = None):
        self.number_per_run, self.raw_times, self.task_spec, self.metadata = (
            number_per_run,
            raw_times,
            task_spec,
            metadata,
        )

    @property
    def times(self) -> list[float]:
        """The seconds of one run of the statement, for each time taken."""
        return [t / self.number_per_run for t in self.raw_times]

    def _quantile(self, q: float) -> float:
        ordered = sorted(self.times)
        place = q * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    @property
    def median(self) -> float:
        """The median of ``times``."""
        return self._quantile(0.5)

    @property
    def mean(self) -> float:
        """The mean of ``times``."""
        return sum(self.times) / len(self.times)

    @property
    def iqr(self) -> float:
        """The range that the middle half of ``times`` covers."""
        return self._quantile(0.75) - self._quantile(0.25)

    @property
    def has_warnings(self) -> bool:
        """Whether the times are few or differ much."""
        return len(self.raw_times) < 4 or self.iqr > _NOISY * self.median

    @property
    def title(self) -> str:
        """What was measured."""
        return self.task_spec.title

    @property
    def env(self) -> str:
        """The environment that the Timer was given."""
        return self.task_spec.env or "Unspecified env"

    @property
    def as_row_name(self) -> str:
        """The name of its row in a comparison."""
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in TaskSpec._fields:
            raise AttributeError(f"'Measurement' object has no attribute {name!r}")
        return getattr(self.task_spec, name)

    def __repr__(self) -> str:
        unit, size = select_unit(self.median)
        lines = [f"{object.__repr__(self)}", self.title]
        if self.task_spec.description:
            lines.append(self.task_spec.description)
        if self.task_spec.setup != "pass":
            lines.append(f"setup: {self.task_spec.setup}")
        if len(self.raw_times) > 1:
            low, high = self._quantile(0.25) / size, self._quantile(0.75) / size
            lines.append(f"  Median: {self.median / size:.2f} {unit}")
            lines.append(f"  IQR:    {self.iqr / size:.2f} {unit} ({low:.2f} to {high:.2f})")
        else:
            lines.append(f"  {self.median / size:.2f} {unit}")
        n, threads = len(self.raw_times), self.task_spec.num_threads
        lines.append(
            f"  {n} measurement{'s' * (n != 1)}, {self.number_per_run} runs "
            f"{'per measurement,' if n > 1 else ','} {threads} thread{'s' * (threads != 1)}"
        )
        if n >= 4 and self.iqr > _VERY_NOISY * self.median:
            lines.append("  WARNING: Interquartile range is large: this suggests significant environmental influence.")
        return "\n".join(lines)

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """One measurement for each task, with the times of all of its measurements."""
        groups: dict[TaskSpec, list[Measurement]] = {}
        for measurement in measurements:
            groups.setdefault(measurement.task_spec, []).append(measurement)
        return [Measurement(1, [t for m in group for t in m.times], spec) for spec, group in groups.items()]


class Timer:
    """Runs a statement.

    Args:
        stmt, setup, global_setup (str): Python; the last two run before the statement, untimed.
        timer (callable): a clock in seconds.
        globals (dict): the names that they see.
        label, sub_label, description, env (str): how a comparison names it.
        num_threads (int): the threads while it runs.
        language: Python.

    Example:
        >>> import facula as torch
        >>> import facula.utils.benchmark as benchmark
        >>> t = benchmark.Timer("x + x", globals={"x": torch.ones(4)}, label="add")
        >>> measured = t.timeit(100)
        >>> measured.number_per_run, 0 < measured.median < 0.1
        (100, True)
    """

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "",
        timer: Callable[[], float] = timer, globals: dict[str, Any] | None = None, label: str | None = None,
        sub_label: str | None = None, description: str | None = None, env: str | None = None, num_threads: int = 1,
        language: object = "python",
    ) -> None:  # fmt: skip
        if not isinstance(stmt, str):
            raise ValueError("Currently only a `str` stmt is supported.")
        if "py" not in str(getattr(language, "name", language)).lower():
            raise ValueError(f"Timer: language must be Python, got {language!r}: there is no C++ interface to measure")
        stmt, setup = textwrap.dedent(stmt).strip(), textwrap.dedent(setup).strip()
        names = {"torch": facula, **(globals or {})}
        self._timer = timeit.Timer(stmt, setup, timer, names)
        self._clock = timer
        self._task_spec = TaskSpec(stmt, setup, global_setup, label, sub_label, description, env, num_threads)

    def _run(self, number: int) -> float:
        before = facula.get_num_threads()
        facula.set_num_threads(self._task_spec.num_threads)
        try:
            return max(self._timer.timeit(number), 1e-9)
        finally:
            facula.set_num_threads(before)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One time of ``number`` runs, after some to warm up."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], self._task_spec)

    def autorange(self, callback: Callable[[int, float], Any] | None = None) -> Measurement:
        """One time of as many runs as take 0.2 seconds."""
        number, taken = 1, self._run(1)
        while taken < 0.2:
            number *= 2 if taken > 0.02 else 10
            taken = self._run(number)
            if callback is not None:
                callback(number, taken)
        return Measurement(number, [taken], self._task_spec)

    def repeat(self, repeat: int = -1, number: int = -1) -> list[float]:
        """Times of ``number`` runs, as the standard library's Timer."""
        return [self._run(max(number, 1)) for _ in range(max(repeat, 5) if repeat < 0 else repeat)]

    def _block(self, min_run_time: float) -> int:
        """How many runs make a block in which the clock's own cost is nothing."""
        overhead = min(timeit.repeat(self._clock, number=100, repeat=5)) / 100
        number = 1
        while True:
            taken = self._run(number)
            relative = overhead / taken
            if (relative <= _OVERHEAD and taken >= min_run_time / 1000) or taken > min_run_time:
                return number
            number *= 10

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Times of blocks of runs, for ``min_run_time`` seconds altogether."""
        number = self._block(min_run_time)
        times: list[float] = []
        while sum(times) < min_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return Measurement(number, times, self._task_spec)

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:  # fmt: skip
        """Times of blocks of runs until their spread is below ``threshold`` of the median, or the time is up."""
        number = self._block(min_run_time)
        times: list[float] = []
        while True:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
            result = Measurement(number, times, self._task_spec)
            settled = len(times) > 3 and sum(times) > min_run_time and result.iqr <= threshold * result.median
            if settled or sum(times) > max_run_time:
                return result
