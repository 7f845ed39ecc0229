"""Binds Python definitions to the entries of the operation table. Nothing else: the parser itself is in core/python."""

from __future__ import annotations

from facula._C import native as _bind


def native(definition_or_entry):
    """Make the fast function of a table entry from a def that gives its parameters and documentation.

    Args:
        definition_or_entry: the def, bound to the entry of its own name; or the entry's name, for use as
            ``@native("entry")``. A def whose name ends in ``_`` is the in-place form of the entry.

    Raises:
        RuntimeError: the table has no such entry, or its number of parameters differs.
    """
    if isinstance(definition_or_entry, str):
        return lambda definition: _bind(definition, definition_or_entry)
    return _bind(definition_or_entry)
