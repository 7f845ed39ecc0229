"""torch.utils.deterministic: the switch ``fill_uninitialized_memory``, which is remembered. No operation here reads
memory that it has not written, so nothing fills it."""

from __future__ import annotations

import sys
import types


class _Switches(types.ModuleType):
    """A module whose attribute is checked when it is set."""

    _fill = True

    @property
    def fill_uninitialized_memory(self) -> bool:
        return self._fill

    @fill_uninitialized_memory.setter
    def fill_uninitialized_memory(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise RuntimeError(f"fill_uninitialized_memory: expected a bool, but got {type(mode).__name__}")
        self._fill = mode


sys.modules[__name__].__class__ = _Switches
