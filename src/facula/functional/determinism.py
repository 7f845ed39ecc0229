"""Switches about determinism and repeated warnings. Every operation here gives the same bits each time, for any number
of threads, and a warning is repeated as Python's filters say: the switches are remembered, and change nothing."""

from __future__ import annotations

__all__ = [
    "are_deterministic_algorithms_enabled", "get_deterministic_debug_mode",
    "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled", "set_deterministic_debug_mode",
    "set_warn_always", "use_deterministic_algorithms",
]  # fmt: skip
METHODS = ""

_MODES = ("default", "warn", "error")
_enabled = _warn_only = _warn_always = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remember whether only deterministic algorithms shall run; there are no others here.

    Args:
        mode: whether they shall.
        warn_only: whether others would warn, not raise.

    Raises:
        TypeError: not a bool.

    Example:
        >>> import facula as torch
        >>> torch.use_deterministic_algorithms(True)
        >>> torch.are_deterministic_algorithms_enabled()
        True
        >>> torch.use_deterministic_algorithms(False)
    """
    global _enabled, _warn_only
    for name, value in (("mode", mode), ("warn_only", warn_only)):
        if not isinstance(value, bool):
            given = type(value).__name__
            raise TypeError(f"use_deterministic_algorithms(): argument '{name}' must be bool, not {given}")
    _enabled, _warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was told.

    Example:
        >>> import facula as torch
        >>> torch.are_deterministic_algorithms_enabled()
        False
    """
    return _enabled


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was told about warnings.

    Example:
        >>> import facula as torch
        >>> torch.is_deterministic_algorithms_warn_only_enabled()
        False
    """
    return _warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """``use_deterministic_algorithms`` by a number or a word: 0 "default", 1 "warn", 2 "error".

    Raises:
        RuntimeError: another number or word.
        TypeError: neither.

    Example:
        >>> import facula as torch
        >>> torch.set_deterministic_debug_mode("default")
    """
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got " + debug_mode
            )
        debug_mode = _MODES.index(debug_mode)
    if not 0 <= debug_mode <= 2:
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """0: any algorithm; 1: others than deterministic ones would warn; 2: they would raise.

    Example:
        >>> import facula as torch
        >>> torch.get_deterministic_debug_mode()
        0
    """
    if not _enabled:
        return 0
    return 1 if _warn_only else 2


def set_warn_always(b: bool) -> None:
    """Remember whether warnings shall be repeated; here Python's ``warnings.simplefilter`` decides that.

    Raises:
        RuntimeError: not a bool.

    Example:
        >>> import facula as torch
        >>> torch.set_warn_always(False)
    """
    global _warn_always
    if not isinstance(b, bool):
        raise RuntimeError(f"set_warn_always expects a bool, but got {type(b).__name__}")
    _warn_always = b


def is_warn_always_enabled() -> bool:
    """What ``set_warn_always`` was told.

    Example:
        >>> import facula as torch
        >>> torch.is_warn_always_enabled()
        False
    """
    return _warn_always
