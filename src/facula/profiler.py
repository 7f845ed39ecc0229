"""torch.profiler: how long operations and named parts of a program take, measured on the CPU as they run in Python: the
operations of the table and ``record_function``; of ``backward()`` only the whole, where it is in a named part."""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from enum import Enum
from typing import Any

from facula.overrides import TorchFunctionMode

__all__ = [
    "DeviceType", "EventList", "FunctionEvent", "ProfilerAction", "ProfilerActivity", "kineto_available", "profile",
    "record_function", "schedule", "supported_activities", "tensorboard_trace_handler",
]  # fmt: skip


class ProfilerActivity(Enum):
    """What can be measured: here the CPU."""

    CPU = 0
    XPU = 1
    CUDA = 2
    MTIA = 3


class ProfilerAction(Enum):
    """What a schedule says about a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class DeviceType(Enum):
    """Where an event ran."""

    CPU = 0
    CUDA = 1


class FunctionEvent:
    """One call, or all calls of one name: times in microseconds.

    Attributes:
        key, name (str), count (int), cpu_time_total, self_cpu_time_total, cpu_time (float), input_shapes (list).
    """

    device_type = DeviceType.CPU
    device_time_total = self_device_time_total = device_time = 0.0

    def __init__(self, name: str, start: float, depth: int, input_shapes: list) -> None:
        self.key = self.name = name
        self.start, self.depth, self.input_shapes = start, depth, input_shapes
        self.count = 1
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.thread = threading.get_ident()

    @property
    def cpu_time(self) -> float:
        """The mean time of a call."""
        return self.cpu_time_total / self.count

    def __repr__(self) -> str:
        return f"<FunctionEvent name={self.name} cpu_time={_text_of(self.cpu_time)} count={self.count}>"


def _text_of(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


class EventList(list):
    """Events, with sums over names and a table."""

    def key_averages(self, group_by_input_shape: bool = False, **_: Any) -> EventList:
        """One event for each name (and shapes of the arguments): the sum of its calls."""
        sums: dict[Any, FunctionEvent] = {}
        for event in self:
            key = (event.key, str(event.input_shapes) if group_by_input_shape else "")
            if key not in sums:
                shapes = event.input_shapes if group_by_input_shape else []
                sums[key] = FunctionEvent(event.key, event.start, 0, shapes)
                sums[key].count = 0
            total = sums[key]
            total.count += event.count
            total.cpu_time_total += event.cpu_time_total
            total.self_cpu_time_total += event.self_cpu_time_total
        return EventList(sums.values())

    @property
    def self_cpu_time_total(self) -> float:
        """The sum over all events of the time that is nobody else's, in microseconds."""
        return sum(event.self_cpu_time_total for event in self)

    def total_average(self) -> FunctionEvent:
        """The sum of all events."""
        total = FunctionEvent("Total", 0.0, 0, [])
        total.count = max(1, sum(event.count for event in self))
        total.cpu_time_total = sum(event.cpu_time_total for event in self)
        total.self_cpu_time_total = self.self_cpu_time_total
        return total

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75,
        max_name_column_width: int = 55, max_shapes_column_width: int = 80, header: str | None = None,
        top_level_events_only: bool = False, **_: Any,
    ) -> str:  # fmt: skip
        """The events as text, those with the largest value of ``sort_by`` first.

        Args:
            sort_by (str): an attribute such as "cpu_time_total" or "self_cpu_time_total". Default: the given order.
            row_limit (int): how many; negative for all.
        """
        events = [event for event in self if not top_level_events_only or event.depth == 0]
        if sort_by is not None:
            attribute = sort_by.replace("cuda_", "device_").replace("xpu_", "device_")
            events.sort(key=lambda event: getattr(event, attribute), reverse=True)
        whole = self.self_cpu_time_total or 1.0
        titles = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls"]
        with_shapes = any(event.input_shapes for event in events)
        rows = [titles + ["Input Shapes"] * with_shapes]
        for event in events if row_limit < 0 else events[:row_limit]:
            rows.append([
                event.key[:max_name_column_width],
                f"{100 * event.self_cpu_time_total / whole:.2f}%", _text_of(event.self_cpu_time_total),
                f"{100 * event.cpu_time_total / whole:.2f}%", _text_of(event.cpu_time_total),
                _text_of(event.cpu_time), str(event.count),
            ] + [str(event.input_shapes)[:max_shapes_column_width]] * with_shapes)  # fmt: skip
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        rule = "  ".join("-" * width for width in widths)
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
        title = [header] if header else []
        footer = f"Self CPU time total: {_text_of(self.self_cpu_time_total)}\n"
        return "\n".join([*title, rule, lines[0], rule, *lines[1:], rule, footer])

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str) -> None:
        """Write the events as a file for chrome://tracing or Perfetto."""
        trace = [
            {"name": event.name, "ph": "X", "ts": event.start, "dur": event.cpu_time_total, "pid": os.getpid(),
             "tid": event.thread, "args": {"Input Dims": event.input_shapes}}
            for event in self
        ]  # fmt: skip
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": trace, "displayTimeUnit": "ms"}, file)


class _Recorder(TorchFunctionMode):
    """Notes every call of an operation, and the named parts."""

    def __init__(self, record_shapes: bool) -> None:
        super().__init__()
        self.record_shapes = record_shapes
        self.events = EventList()
        self.inner = [0.0]  # for each open call: the time of the calls inside of it

    def begin(self, name: str, args: tuple) -> FunctionEvent:
        shapes = [list(arg.shape) if hasattr(arg, "shape") else [] for arg in args] if self.record_shapes else []
        event = FunctionEvent(name, time.perf_counter() * 1e6, len(self.inner) - 1, shapes)
        self.events.append(event)
        self.inner.append(0.0)
        return event

    def end(self, event: FunctionEvent) -> None:
        event.cpu_time_total = time.perf_counter() * 1e6 - event.start
        event.self_cpu_time_total = event.cpu_time_total - self.inner.pop()
        self.inner[-1] += event.cpu_time_total

    def __torch_function__(self, func, types, args=(), kwargs=None):
        event = self.begin(f"aten::{getattr(func, '__name__', str(func)).lstrip('_')}", args)
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.end(event)


_recorders: list[_Recorder] = []


class record_function:
    """Names a part of a program, as a context or a decorator, for the profilers that are on.

    Args:
        name (str); args (str): without use.

    Example:
        >>> import facula as torch
        >>> with torch.profiler.profile() as prof:
        ...     with torch.profiler.record_function("forward"):
        ...         y = torch.ones(3).exp()
        >>> [event.key for event in prof.key_averages()][:1]
        ['forward']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._open: list[tuple[_Recorder, FunctionEvent]] = []

    def __enter__(self) -> record_function:
        self._open = [(recorder, recorder.begin(self.name, ())) for recorder in _recorders]
        return self

    def __exit__(self, exc_type, exc_value, traceback) -> None:
        for recorder, event in self._open:
            recorder.end(event)

    def __call__(self, function):
        @functools.wraps(function)
        def run(*args, **kwargs):
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return run


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
):  # fmt: skip
    """A function from a step's number to what to do: wait, warm up, record, again and again.

    Example:
        >>> import facula as torch
        >>> plan = torch.profiler.schedule(wait=1, warmup=1, active=2)
        >>> [plan(step).name for step in range(4)]
        ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE']
    """

    def action(step: int) -> ProfilerAction:
        if step < skip_first:
            return ProfilerAction.NONE
        cycle = wait + warmup + active
        step -= skip_first
        if skip_first_wait:
            step += wait
        if repeat > 0 and step // cycle >= repeat:
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError("Invalid profiler schedule arguments")
    return action


class profile:
    """Measures what runs inside of it.

    Args:
        schedule (callable): from a step's number to a ProfilerAction; ``step()`` counts. Default: record everything.
        on_trace_ready (callable): called with the profiler when a recording is complete.
        record_shapes (bool): also note the shapes of arguments.
        activities, profile_memory, with_stack, with_flops, with_modules and the others: without use.

    Example:
        >>> import facula as torch
        >>> with torch.profiler.profile(record_shapes=True) as prof:
        ...     y = torch.ones(2, 3) @ torch.ones(3, 4)
        >>> table = prof.key_averages().table(sort_by="cpu_time_total", row_limit=5)
        >>> "aten::matmul" in table
        True
    """

    def __init__(
        self, *, activities=None, schedule=None, on_trace_ready=None, record_shapes: bool = False,
        profile_memory: bool = False, with_stack: bool = False, with_flops: bool = False, with_modules: bool = False,
        experimental_config=None, execution_trace_observer=None, acc_events: bool = False, use_cuda: bool | None = None,
        custom_trace_id_callback=None, post_processing_timeout_s: float | None = None,
    ) -> None:  # fmt: skip
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready, self.record_shapes = on_trace_ready, record_shapes
        self.step_num = 0
        self.current_action = ProfilerAction.NONE
        self._recorder: _Recorder | None = None
        self._events = EventList()

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, exc_type, exc_value, traceback) -> None:
        self.stop()

    def start(self) -> None:
        """Begin."""
        self.current_action = self.schedule(self.step_num)
        self._follow()

    def stop(self) -> None:
        """End; a recording that is not empty is complete."""
        was_recording = self._recorder is not None
        self._end_recording()
        if was_recording and self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def step(self) -> None:
        """Say that a step of the program ends and the next begins."""
        if self.current_action is ProfilerAction.RECORD_AND_SAVE:
            self.stop()
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        self._follow()

    def _follow(self) -> None:
        recording = self.current_action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if recording and self._recorder is None:
            self._recorder = _Recorder(self.record_shapes)
            self._events = self._recorder.events
            self._recorder.__enter__()
            _recorders.append(self._recorder)
        elif not recording:
            self._end_recording()

    def _end_recording(self) -> None:
        if self._recorder is not None:
            _recorders.remove(self._recorder)
            self._recorder.__exit__(None, None, None)
            self._recorder = None

    def events(self) -> EventList:
        """The calls in their order."""
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **_: Any) -> EventList:
        """The sums over names."""
        return self._events.key_averages(group_by_input_shape)

    def export_chrome_trace(self, path: str) -> None:
        """Write the calls as a file for chrome://tracing or Perfetto."""
        self._events.export_chrome_trace(path)

    def add_metadata(self, key: str, value: str) -> None:
        """Without use."""


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False, use_python_export: bool = False
):
    """A function for ``on_trace_ready`` that writes a trace into a folder."""

    def write(prof: profile) -> None:
        import socket

        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return write


def supported_activities() -> set[ProfilerActivity]:
    """What can be measured: the CPU."""
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """Whether PyTorch's tracing library is used: False."""
    return False
