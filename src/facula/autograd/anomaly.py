"""Anomaly mode: backward refuses NaN gradients and shows the forward line of the operation that failed."""

from __future__ import annotations

from facula._C import _set_anomaly


class set_detect_anomaly:
    """Switches anomaly mode at once; as a context manager it restores what was before.

    Args:
        mode (bool): on or off.
        check_nan (bool): accepted for compatibility; NaN is always refused while the mode is on.
    """

    def __init__(self, mode: bool, check_nan: bool = True):
        self.before = _set_anomaly(mode)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _set_anomaly(self.before)


class detect_anomaly(set_detect_anomaly):
    """Anomaly mode for a ``with`` block. Slow: every operation remembers its stack.

    Example:
        >>> import facula as torch
        >>> with torch.autograd.detect_anomaly():
        ...     pass
    """

    def __init__(self, check_nan: bool = True):
        super().__init__(True, check_nan)
