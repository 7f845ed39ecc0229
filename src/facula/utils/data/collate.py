"""How single samples become a batch: tensors are stacked, containers go element by element, the rest as PyTorch does.

NumPy values are recognised without importing NumPy.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import facula

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["collate", "default_collate", "default_convert"]


def _is_numpy(value: Any) -> bool:
    # str_ and bytes_ are Python strings as well: those stay as they are.
    return any(kind.__module__ == "numpy" for kind in type(value).__mro__) and not isinstance(value, (str, bytes))


def _from_numpy(value: Any) -> Any:
    return facula.as_tensor(sys.modules["numpy"].asarray(value))


def _rebuild(like: Any, values: list) -> Any:
    """A sequence of the type of ``like``; a list where that type cannot be built from its elements (``range``)."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)  # a copy keeps what a subclass adds
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _rebuild_mapping(like: Mapping, values: dict) -> Any:
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(values)
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def default_convert(data: Any) -> Any:
    """Turn NumPy values inside nested containers into tensors; the conversion of a loader that makes no batches.

    Args:
        data: a sample.

    Returns:
        The same structure; tensors, strings and unknown objects are unchanged.
    """
    if isinstance(data, (facula.Tensor, str, bytes)):
        return data
    if _is_numpy(data):
        kind = getattr(data, "dtype", None)
        return data if kind is not None and kind.kind in "SUO" else _from_numpy(data)
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple):
        values = [default_convert(item) for item in data]
        return type(data)(*values) if hasattr(data, "_fields") else values
    if isinstance(data, Sequence):
        return _rebuild(data, [default_convert(item) for item in data])
    return data


def _collate_tensors(batch: Any, *, collate_fn_map: dict | None = None) -> Any:
    return facula.stack(list(batch), 0)


def _collate_floats(batch: Any, *, collate_fn_map: dict | None = None) -> Any:
    return facula.tensor(batch, dtype=facula.float64)


def _collate_ints(batch: Any, *, collate_fn_map: dict | None = None) -> Any:
    return facula.tensor(batch)


def _collate_strings(batch: Any, *, collate_fn_map: dict | None = None) -> Any:
    return batch


def _collate_numpy(batch: Any, collate_fn_map: dict) -> Any:
    first = batch[0]
    if first.dtype.kind in "SUO":
        raise _no_rule(first.dtype)
    if first.ndim == 0:
        return _from_numpy(list(batch))
    return collate([_from_numpy(item) for item in batch], collate_fn_map=collate_fn_map)


def _no_rule(found: Any) -> TypeError:
    return TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {found}; give the DataLoader a collate_fn for other types"
    )


default_collate_fn_map: dict[Any, Callable] = {
    facula.Tensor: _collate_tensors,
    float: _collate_floats,
    int: _collate_ints,
    str: _collate_strings,
    bytes: _collate_strings,
}


def collate(batch: Any, *, collate_fn_map: dict | None = None) -> Any:
    """Put samples together with rules of one's own.

    Args:
        batch (sequence): the samples, all of the same structure.
        collate_fn_map (dict): type, or tuple of types -> ``function(batch, *, collate_fn_map)``. The exact type
            comes first, then the first entry of which the sample is an instance.

    Returns:
        The batch.

    Raises:
        RuntimeError: sequences of different lengths.
        TypeError: a type without rule.
    """
    first = batch[0]
    rules = collate_fn_map or {}
    rule = rules.get(type(first))
    if rule is None:
        if _is_numpy(first):
            return _collate_numpy(batch, rules)
        rule = next((rules[kind] for kind in rules if isinstance(first, kind)), None)
    if rule is not None:
        return rule(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        values = {key: collate([item[key] for item in batch], collate_fn_map=rules) for key in first}
        return _rebuild_mapping(first, values)
    if isinstance(first, Sequence):
        lengths = {len(item) for item in batch}
        if len(lengths) != 1:
            raise RuntimeError(f"each element in list of batch should be of equal size, found lengths {lengths}")
        columns = [collate(column, collate_fn_map=rules) for column in zip(*batch)]
        if isinstance(first, tuple):
            return type(first)(*columns) if hasattr(first, "_fields") else columns
        return _rebuild(first, columns)
    raise _no_rule(type(first))


def default_collate(batch: Any) -> Any:
    """Put samples together: the rule of a loader that makes batches.

    Args:
        batch (sequence): the samples, all of the same structure.

    Returns:
        Tensors and NumPy arrays are stacked; numbers become a tensor (floats float64, ints int64); strings stay in a
        list; dicts, named tuples and sequences are collated element by element (tuples become lists).

    Raises:
        RuntimeError: sequences of different lengths.
        TypeError: a type without rule.

    Example:
        >>> import facula as torch
        >>> batch = torch.utils.data.default_collate([{"x": 1, "name": "a"}, {"x": 2, "name": "b"}])
        >>> batch["x"].tolist(), batch["name"]
        ([1, 2], ['a', 'b'])
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
