"""Binds Python definitions to the entries of the operation table. Nothing else: the parser itself is in core/python."""

from __future__ import annotations

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
