"""Binds Python definitions to the entries of the operation table. Nothing else: the parser itself is in core/python.
Compositions that autocast knows by name state here what it does to their arguments."""

from __future__ import annotations

from facula._C import _cast_function
from facula._C import native as _bind


def native(definition_or_entry, falls_back: bool = False):
    """Make the fast function of a table entry from a def that gives its parameters and documentation.

    Args:
        definition_or_entry: the def, bound to the entry of its own name; or the entry's name, for use as
            ``@native("entry")``. A def whose name ends in ``_`` is the in-place form of the entry.
        falls_back (bool): the def has a body, run for calls whose arguments the entry does not take, and may have
            keyword parameters of its own.

    Raises:
        RuntimeError: the table has no such entry, or its number of parameters differs.
    """
    if isinstance(definition_or_entry, str):
        return lambda definition: _bind(definition, definition_or_entry, falls_back)
    return _bind(definition_or_entry)


def autocasts(rule: str):
    """State what autocast does to the floating-point arguments of a composition, as PyTorch's list for the CPU has it.

    Args:
        rule (str): "lower" casts them to the autocast type, "float32" to float32, "promote" to the widest of them,
            "first" to that of the first of them; "off" casts nothing. The parts of the def are not cast again.

    Example:
        >>> from facula._native import autocasts
        >>> @autocasts("float32")
        ... def third_power(x):
        ...     return x * x * x
    """
    return lambda definition: _cast_function(definition, rule)


def composed(definition):
    """Mark a composition whose parts autocast decides about: an argument that should be a tensor and is none is
    reported as that, as by a native function. Costs nothing until something fails.

    Example:
        >>> from facula import Tensor
        >>> from facula._native import composed
        >>> @composed
        ... def sides(x: Tensor) -> int:
        ...     return x.dim()
        >>> sides(3)
        Traceback (most recent call last):
        TypeError: sides(): argument 'x' (position 1) must be Tensor, not int; torch.tensor(value) makes it a Tensor
    """
    return _cast_function(definition, "none")
