"""Containers of modules: Sequential, ModuleList, ModuleDict. Containers of parameters are in parameter_container."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from .module import Module, indent

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


def _position(index, size: int) -> int:
    """A list index as a number in [0, size)."""
    index = operator.index(index)
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of range")
    return index % size


def _without_digits(names: list[str]) -> list[str]:
    return [name for name in names if not name.isdigit()]


class Sequential(Module):
    """Modules called one after the other, each with the result of the one before.

    Args:
        *args (Module): the modules; or one OrderedDict of names and modules.

    Example:
        >>> import facula as torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        >>> model(torch.zeros(3, 4)).shape
        torch.Size([3, 2])
        >>> model[1]
        ReLU()
    """

    def __init__(self, *args) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            named = list(args[0].items())
        else:
            named = [(str(i), module) for i, module in enumerate(args)]
        for name, module in named:
            self.add_module(name, module)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input

    def _renumber(self, modules: Iterable) -> None:
        """Hold exactly these modules, named 0, 1, 2..."""
        modules = list(modules)
        self._modules.clear()
        self._modules.update((str(i), module) for i, module in enumerate(modules))

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return self.__class__(OrderedDict(list(self._modules.items())[idx]))
        return list(self._modules.values())[_position(idx, len(self))]

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, list(self._modules)[_position(idx, len(self))], module)

    def __delitem__(self, idx) -> None:
        names = list(self._modules)
        for name in names[idx] if isinstance(idx, slice) else [names[_position(idx, len(self))]]:
            delattr(self, name)
        self._renumber(self._modules.values())

    def pop(self, key):
        """Remove a module, or a slice of them.

        Args:
            key (int or slice): which.

        Returns:
            Module: what was removed.

        Example:
            >>> import facula as torch
            >>> torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Tanh()).pop(-1)
            Tanh()
        """
        removed = self[key]
        del self[key]
        return removed

    def __add__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return Sequential(*self, *other)

    def __iadd__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(list(other))

    def _check_factor(self, other) -> None:
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")

    def __mul__(self, other: int):
        self._check_factor(other)
        return Sequential(*list(self) * other)

    __rmul__ = __mul__

    def __imul__(self, other: int):
        self._check_factor(other)
        return self.extend(list(self) * (other - 1))

    def __dir__(self):
        return _without_digits(super().__dir__())

    def append(self, module: Module):
        """Add a module at the end.

        Args:
            module (Module): the module.

        Returns:
            Sequential: self.

        Example:
            >>> import facula as torch
            >>> len(torch.nn.Sequential(torch.nn.ReLU()).append(torch.nn.Tanh()))
            2
        """
        self.add_module(str(len(self)), module)
        return self

    def extend(self, sequential: Iterable):
        """Add modules at the end.

        Args:
            sequential (iterable of Modules): the modules.

        Returns:
            Sequential: self.

        Example:
            >>> import facula as torch
            >>> len(torch.nn.Sequential().extend([torch.nn.Tanh()]))
            1
        """
        for module in sequential:
            self.append(module)
        return self

    def insert(self, index: int, module: Module):
        """Put a module before a position; all are renumbered.

        Args:
            index (int): from -len to len.
            module (Module): the module.

        Returns:
            Sequential: self.

        Raises:
            AssertionError: ``module`` is not a Module.
            IndexError: ``index`` is out of range.

        Example:
            >>> import facula as torch
            >>> torch.nn.Sequential(torch.nn.ReLU()).insert(0, torch.nn.Tanh())[0]
            Tanh()
        """
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self


class ModuleList(Module):
    """A list whose modules are registered.

    Args:
        modules (iterable of Modules): Default: none.

    Example:
        >>> import facula as torch
        >>> layers = torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(3)])
        >>> len(layers), len(list(layers.parameters()))
        (3, 6)
    """

    def __init__(self, modules: Iterable | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return self.__class__(list(self._modules.values())[idx])
        return self._modules[str(_position(idx, len(self)))]

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, str(_position(idx, len(self))), module)

    def __delitem__(self, idx) -> None:
        for at in range(len(self))[idx] if isinstance(idx, slice) else [_position(idx, len(self))]:
            delattr(self, str(at))
        self._renumber(self._modules.values())

    def _renumber(self, modules: Iterable) -> None:
        modules = list(modules)
        self._modules.clear()
        self._modules.update((str(i), module) for i, module in enumerate(modules))

    def __iadd__(self, modules: Iterable):
        return self.extend(modules)

    def __add__(self, other: Iterable):
        return ModuleList([*self, *other])

    def __dir__(self):
        return _without_digits(super().__dir__())

    def __repr__(self) -> str:
        runs: list[list] = []  # [first, last, text] of neighbours that print alike
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        if not runs:
            return f"{self._get_name()}()"
        lines = [
            f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}"
            for first, last, text in runs
        ]
        body = "\n  ".join(indent(line) for line in lines)
        return f"{self._get_name()}(\n  {body}\n)"

    def append(self, module: Module):
        """Add a module at the end.

        Args:
            module (Module): the module.

        Returns:
            ModuleList: self.

        Example:
            >>> import facula as torch
            >>> len(torch.nn.ModuleList().append(torch.nn.ReLU()))
            1
        """
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable):
        """Add modules at the end.

        Args:
            modules (iterable of Modules): the modules.

        Returns:
            ModuleList: self.

        Raises:
            TypeError: ``modules`` cannot be iterated over.

        Example:
            >>> import facula as torch
            >>> len(torch.nn.ModuleList().extend([torch.nn.ReLU()]))
            1
        """
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put a module before a position.

        Args:
            index (int): as for a list.
            module (Module): the module.
        """
        modules = list(self)
        modules.insert(index, module)
        self.append(module)
        self._renumber(modules)

    def pop(self, key):
        """Remove a module, or a slice of them.

        Args:
            key (int or slice): which.

        Returns:
            Module: what was removed.

        Example:
            >>> import facula as torch
            >>> torch.nn.ModuleList([torch.nn.ReLU()]).pop(0)
            ReLU()
        """
        removed = self[key]
        del self[key]
        return removed


class ModuleDict(Module):
    """A dict whose modules are registered; it keeps the order of insertion.

    Args:
        modules (mapping or iterable of pairs): names and Modules. Default: none.

    Example:
        >>> import facula as torch
        >>> choices = torch.nn.ModuleDict({"relu": torch.nn.ReLU(), "tanh": torch.nn.Tanh()})
        >>> choices["tanh"]
        Tanh()
    """

    def __init__(self, modules: Mapping | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Remove a module.

        Args:
            key (str): its name.

        Returns:
            Module: what was removed.
        """
        return self._modules.pop(key)

    def keys(self):
        """The names, in order."""
        return self._modules.keys()

    def items(self):
        """Pairs of name and module, in order."""
        return self._modules.items()

    def values(self):
        """The modules, in order."""
        return self._modules.values()

    def update(self, modules) -> None:
        """Add modules, overwriting those of the same name.

        Args:
            modules (mapping or iterable of pairs): names and Modules.

        Raises:
            TypeError: it cannot be iterated over, or an element is no pair.
            ValueError: an element has not two members.
        """
        for name, module in pairs("ModuleDict", modules):
            self[name] = module


def pairs(owner: str, source):
    """The pairs of a mapping or an iterable of pairs, checked as PyTorch checks them."""
    if not isinstance(source, Iterable):
        raise TypeError(
            f"{owner}.update should be called with an iterable of key/value pairs, but got {type(source).__name__}"
        )
    if isinstance(source, Mapping) or (isinstance(source, Module) and hasattr(source, "items")):
        yield from source.items()
        return
    for at, pair in enumerate(source):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{owner} update sequence element #{at} should be Iterable; is {type(pair).__name__}")
        pair = tuple(pair)
        if len(pair) != 2:
            raise ValueError(f"{owner} update sequence element #{at} has length {len(pair)}; 2 is required")
        yield pair
