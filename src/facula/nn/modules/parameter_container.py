"""ParameterList and ParameterDict: containers that register the parameters they hold, and hold other values too."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from facula import Tensor

from ..parameter import Parameter
from .container import _position, _without_digits, pairs
from .module import Module, _typename

__all__ = ["ParameterDict", "ParameterList"]


def _describe(key, value, name_of_type) -> str:
    if not isinstance(value, Tensor):
        return f"  ({key}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    size = "x".join(map(str, value.shape))
    device = f" ({value.device})" if value.device.type == "cuda" else ""
    return f"  ({key}): {kind} containing: [{name_of_type(value)} of size {size}{device}]"


def _registered(value):
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class ParameterList(Module):
    """A list whose tensors are parameters; a plain tensor is made one when it is put in.

    Args:
        values (iterable): Default: none.

    Example:
        >>> import facula as torch
        >>> weights = torch.nn.ParameterList([torch.zeros(2), torch.ones(3)])
        >>> [p.numel() for p in weights.parameters()]
        [2, 3]
    """

    def __init__(self, values: Iterable | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return self._size

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return self.__class__([self[i] for i in range(*idx.indices(len(self)))])
        return getattr(self, str(_position(idx, len(self))))

    def __setitem__(self, idx: int, param) -> None:
        setattr(self, str(_position(idx, len(self))), _registered(param))

    def __iadd__(self, parameters: Iterable):
        return self.extend(parameters)

    def __dir__(self):
        return _without_digits(super().__dir__())

    def append(self, value):
        """Add a value at the end.

        Args:
            value (Any): a tensor becomes a Parameter.

        Returns:
            ParameterList: self.
        """
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable):
        """Add values at the end.

        Args:
            values (iterable): not a tensor itself.

        Returns:
            ParameterList: self.

        Raises:
            TypeError: ``values`` is a tensor or cannot be iterated over.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(_describe(i, value, lambda t: t.dtype) for i, value in enumerate(self))

    def __call__(self, *args, **kwargs):
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """A dict whose tensors are parameters; a plain tensor is made one when it is put in.

    Args:
        parameters (mapping or iterable of pairs): names and values; a plain dict is read in sorted order.

    Example:
        >>> import facula as torch
        >>> sides = torch.nn.ParameterDict({"left": torch.zeros(2), "right": torch.ones(2)})
        >>> [name for name, _ in sides.named_parameters()]
        ['left', 'right']
    """

    def __init__(self, parameters=None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _attribute(self, key: str) -> str:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string "
                f"(type is '{type(key).__name__}'); use str(key)"
            )
        return key

    def __getitem__(self, key: str):
        return getattr(self, self._attribute(key))

    def __setitem__(self, key: str, value) -> None:
        name = self._attribute(key)
        setattr(self, name, _registered(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(self._keys)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def keys(self):
        """The names, in order."""
        return self._keys.keys()

    def items(self):
        """Pairs of name and value, in order."""
        return ((key, self[key]) for key in self._keys)

    def values(self):
        """The values, in order."""
        return (self[key] for key in self._keys)

    def copy(self) -> ParameterDict:
        """A new ParameterDict with the same values."""
        return ParameterDict(OrderedDict(self.items()))

    def get(self, key: str, default=None):
        """The value of ``key``, or ``default`` where there is none."""
        return self[key] if key in self else default

    def setdefault(self, key: str, default=None):
        """The value of ``key``, which becomes ``default`` where there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Remove everything."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str):
        """Remove ``key`` and return its value.

        Raises:
            AttributeError: there is no such key.
        """
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        """Remove the last entry and return it as a pair.

        Raises:
            KeyError: the dict is empty.
        """
        if not self._keys:
            raise KeyError("popitem(): dictionary is empty")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def fromkeys(self, keys: Iterable, default=None) -> ParameterDict:
        """A new ParameterDict with these keys, all with the value ``default``."""
        return ParameterDict((key, default) for key in keys)

    def update(self, parameters) -> None:
        """Add values, overwriting those of the same name.

        Args:
            parameters (mapping or iterable of pairs): a plain dict is read in sorted order.

        Raises:
            TypeError: it cannot be iterated over, or an element is no pair.
            ValueError: an element has not two members.
        """
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            parameters = sorted(parameters.items())
        for key, value in pairs("ParameterDict", parameters):
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(_describe(key, value, _typename) for key, value in self.items())

    def __call__(self, input):
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other: ParameterDict) -> ParameterDict:
        merged = self.copy()
        merged.update(other)
        return merged

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        merged = other.copy()
        merged.update(self)
        return merged

    def __ior__(self, other: ParameterDict):
        self.update(other)
        return self
