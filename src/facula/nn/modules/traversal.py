"""Walking a tree of modules: parameters, buffers, children and paths such as "encoder.0.weight"."""

from __future__ import annotations


class TraversalMethods:
    """The part of Module that finds things in the tree."""

    _parameters: dict
    _buffers: dict
    _non_persistent_buffers_set: set[str]
    _modules: dict

    def _get_name(self) -> str:
        return self.__class__.__name__

    def parameters(self, recurse: bool = True):
        """Iterate over the parameters, each once.

        Args:
            recurse (bool): also those of submodules. Default: True.

        Returns:
            Iterator[Parameter]

        Example:
            >>> import facula as torch
            >>> sum(p.numel() for p in torch.nn.Linear(3, 2).parameters())
            8
        """
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        """Iterate over pairs of dotted name and parameter.

        Args:
            prefix (str): put before every name. Default: "".
            recurse (bool): also those of submodules. Default: True.
            remove_duplicate (bool): name a shared parameter once. Default: True.

        Returns:
            Iterator[tuple[str, Parameter]]

        Example:
            >>> import facula as torch
            >>> [name for name, _ in torch.nn.Linear(3, 2).named_parameters()]
            ['weight', 'bias']
        """
        return self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True):
        """Iterate over the buffers, each once.

        Args:
            recurse (bool): also those of submodules. Default: True.

        Returns:
            Iterator[Tensor]

        Example:
            >>> import facula as torch
            >>> len(list(torch.nn.BatchNorm1d(3).buffers()))
            3
        """
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        """Iterate over pairs of dotted name and buffer.

        Args:
            prefix (str): put before every name. Default: "".
            recurse (bool): also those of submodules. Default: True.
            remove_duplicate (bool): name a shared buffer once. Default: True.

        Returns:
            Iterator[tuple[str, Tensor]]

        Example:
            >>> import facula as torch
            >>> [name for name, _ in torch.nn.BatchNorm1d(3).named_buffers()]
            ['running_mean', 'running_var', 'num_batches_tracked']
        """
        return self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def _named_members(self, get_members_fn, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def children(self):
        """Iterate over the direct submodules, each once.

        Returns:
            Iterator[Module]

        Example:
            >>> import facula as torch
            >>> list(torch.nn.Sequential(torch.nn.ReLU()).children())
            [ReLU()]
        """
        for _, module in self.named_children():
            yield module

    def named_children(self):
        """Iterate over pairs of name and direct submodule, each submodule once.

        Returns:
            Iterator[tuple[str, Module]]

        Example:
            >>> import facula as torch
            >>> [name for name, _ in torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Tanh()).named_children()]
            ['0', '1']
        """
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self):
        """Iterate over this module and all submodules, each once.

        Returns:
            Iterator[Module]

        Example:
            >>> import facula as torch
            >>> len(list(torch.nn.Sequential(torch.nn.ReLU()).modules()))
            2
        """
        for _, module in self.named_modules():
            yield module

    def named_modules(self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True):
        """Iterate over pairs of dotted name and module, this module first.

        Args:
            memo (set): modules already seen; grows. Default: a new set.
            prefix (str): name of this module. Default: "".
            remove_duplicate (bool): name a shared module once. Default: True.

        Returns:
            Iterator[tuple[str, Module]]

        Example:
            >>> import facula as torch
            >>> [name for name, _ in torch.nn.Sequential(torch.nn.ReLU()).named_modules()]
            ['', '0']
        """
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def get_submodule(self, target: str):
        """The submodule at a dotted path.

        Args:
            target (str): such as "encoder.0"; "" is the module itself.

        Returns:
            Module

        Raises:
            AttributeError: a name on the path is missing or not a module.

        Example:
            >>> import facula as torch
            >>> torch.nn.Sequential(torch.nn.ReLU()).get_submodule("0")
            ReLU()
        """
        from .module import Module

        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module, strict: bool = False) -> None:
        """Put a module at a dotted path.

        Args:
            target (str): such as "encoder.0"; its parent must exist.
            module (Module): the new submodule.
            strict (bool): require that the path already holds a module. Default: False.

        Raises:
            ValueError: the path is empty, or ``module`` is not a Module.
            AttributeError: a name on the path is missing or not a module.
        """
        from .module import Module

        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def _member(self, target: str):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return module, name, getattr(module, name)

    def get_parameter(self, target: str):
        """The parameter at a dotted path.

        Args:
            target (str): such as "encoder.0.weight".

        Returns:
            Parameter

        Raises:
            AttributeError: the path is missing or not a parameter.

        Example:
            >>> import facula as torch
            >>> torch.nn.Sequential(torch.nn.Linear(3, 2)).get_parameter("0.bias").shape
            torch.Size([2])
        """
        from ..parameter import Parameter

        _, name, param = self._member(target)
        if not isinstance(param, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return param

    def get_buffer(self, target: str):
        """The buffer at a dotted path.

        Args:
            target (str): such as "norm.running_mean".

        Returns:
            Tensor

        Raises:
            AttributeError: the path is missing or not a buffer.

        Example:
            >>> import facula as torch
            >>> torch.nn.BatchNorm1d(3).get_buffer("running_mean")
            tensor([0., 0., 0.])
        """
        module, name, buffer = self._member(target)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer
