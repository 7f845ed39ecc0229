"""torch.utils.benchmark: how long a statement takes, with enough repetitions to believe it. Re-exports only."""

from .compare import Compare
from .timing import Measurement, TaskSpec, Timer, select_unit, timer

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer", "select_unit", "timer"]
