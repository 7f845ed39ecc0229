"""torch.autograd.profiler: the older door to torch.profiler."""

from __future__ import annotations

import facula.profiler as _profiler
from facula.profiler import EventList, FunctionEvent, record_function

__all__ = ["EventList", "FunctionEvent", "profile", "record_function"]


class profile(_profiler.profile):
    """Measures what runs inside of it, if enabled.

    Args:
        enabled (bool): else it does nothing.
        record_shapes (bool): also note the shapes of arguments.
        others: without use.

    Example:
        >>> import facula as torch
        >>> with torch.autograd.profiler.profile() as prof:
        ...     y = torch.ones(3).exp()
        >>> [event.name for event in prof.function_events]
        ['aten::ones', 'aten::exp']
    """

    def __init__(self, enabled: bool = True, *, record_shapes: bool = False, **_) -> None:
        super().__init__(record_shapes=record_shapes)
        self.enabled = enabled

    def start(self) -> None:
        """Begin, if enabled."""
        if self.enabled:
            super().start()

    def __str__(self) -> str:
        return self._events.table()

    @property
    def function_events(self) -> EventList:
        """The calls in their order."""
        return self._events

    def table(self, *args, **kwargs) -> str:
        """The calls as text; see ``EventList.table``."""
        return self._events.table(*args, **kwargs)

    def total_average(self) -> FunctionEvent:
        """The sum of all calls."""
        return self._events.total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all calls in microseconds."""
        return self._events.self_cpu_time_total
