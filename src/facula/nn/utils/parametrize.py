"""Parametrizations: a parameter computed by modules from the tensors that are trained in its place."""

from __future__ import annotations

import copy
from contextlib import contextmanager

import facula
from facula import Tensor

from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip

_cache_depth = 0
_cache: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached():
    """Within this context every parametrized tensor is computed once.

    Example:
        >>> import facula as torch
        >>> import facula.nn.utils.parametrize as P
        >>> with P.cached():
        ...     pass
    """
    global _cache_depth
    _cache_depth += 1
    try:
        yield
    finally:
        _cache_depth -= 1
        if not _cache_depth:
            _cache.clear()


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, and the original tensor (or tensors) they start from.

    Args:
        modules (sequence of Module): applied in order; with ``right_inverse`` they can be assigned through.
        original (Tensor): a parameter or buffer.
        unsafe (bool): do not check shapes and dtypes. Default: False.

    Raises:
        ValueError: no modules, or a right inverse of the wrong shape or dtype.
    """

    def __init__(self, modules, original: Tensor, unsafe: bool = False) -> None:
        modules = list(modules)
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with facula.no_grad():
            new = original
            for module in reversed(self):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:
                        pass
        if not isinstance(new, Tensor) and not isinstance(new, (list, tuple)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if original.dtype != new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            with facula.no_grad():
                original.data = new.detach()
            _register(self, "original", original)
        else:
            for i, tensor in enumerate(new):
                if isinstance(original, Parameter):
                    tensor = Parameter(tensor, original.requires_grad)
                tensor.requires_grad_(original.requires_grad)
                _register(self, f"original{i}", tensor)
        if not unsafe:
            result = self()
            if not isinstance(result, Tensor):
                raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
            if result.dtype != dtype or result.shape != shape:
                raise ValueError(
                    "Registering a parametrization may not change the dtype or the shape of the tensor, unless the "
                    "`unsafe` flag is enabled.\n"
                    f"before: {dtype}, {tuple(shape)}; after: {result.dtype}, {tuple(result.shape)}"
                )

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized tensor becomes ``value``.

        Args:
            value (Tensor): any.

        Raises:
            RuntimeError: a parametrization has no ``right_inverse``.
        """
        with facula.no_grad():
            for module in reversed(self):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
                if value.dtype != self.original.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {value.dtype} while `original` has dtype "
                        f"{self.original.dtype}"
                    )
                self.original.data = value.detach().clone()
            else:
                for i, tensor in enumerate(value):
                    getattr(self, f"original{i}").data = tensor.detach().clone()

    def forward(self) -> Tensor:
        if self.is_tensor:
            x = self[0](self.original)
        else:
            x = self[0](*[getattr(self, f"original{i}") for i in range(self.ntensors)])
        for i in range(1, len(self)):
            x = self[i](x)
        return x


def _inject_new_class(module: Module) -> None:
    cls = type(module)

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        replica = memo[id(self)] = self.__new__(type(self))
        replica.__dict__ = copy.deepcopy(self.__dict__, memo)
        return replica

    def __getstate__(self):
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(). See:\n"
            "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
            "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
        )

    members = {"__getstate__": __getstate__, "_original_class": cls}
    if not hasattr(cls, "__deepcopy__"):
        members["__deepcopy__"] = __deepcopy__
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), members)


def _inject_property(module: Module, name: str) -> None:
    def compute(self) -> Tensor:
        parametrization = self.parametrizations[name]
        if not _cache_depth:
            return parametrization()
        key = (id(module), name)
        if key not in _cache:
            _cache[key] = parametrization()
        return _cache[key]

    def assign(self, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(compute, assign))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute a parameter or buffer of a module by another module from now on.

    Args:
        module (Module): its class becomes ``ParametrizedX``.
        tensor_name (str): a parameter or buffer.
        parametrization (Module): takes the original, gives the tensor.
        unsafe (bool): shape and dtype may change. Default: False.

    Returns:
        Module: ``module``.

    Raises:
        ValueError: no such tensor, or shape or dtype would change.

    Example:
        >>> import facula as torch
        >>> class Double(torch.nn.Module):
        ...     def forward(self, x):
        ...         return 2 * x
        >>> m = torch.nn.Linear(1, 1)
        >>> _ = torch.nn.utils.parametrize.register_parametrization(m, "weight", Double())
        >>> bool(m.weight == 2 * m.parametrizations.weight.original)
        True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        if not unsafe:
            before = getattr(module, tensor_name)
            after = parametrization(before)
            if not isinstance(after, Tensor):
                raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
            if after.dtype != before.dtype or after.shape != before.shape:
                raise ValueError(
                    "Registering a parametrization may not change the dtype or the shape of the tensor, unless the "
                    f"`unsafe` flag is enabled: {before.dtype}, {tuple(before.shape)} became {after.dtype}, "
                    f"{tuple(after.shape)}"
                )
        value = getattr(module, tensor_name).detach()
        chain.append(parametrization)
        chain.unsafe |= unsafe
        if hasattr(parametrization, "right_inverse"):
            chain.right_inverse(value)
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        chain = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _inject_new_class(module)
            module.parametrizations = ModuleDict()
        _inject_property(module, tensor_name)
        module.parametrizations[tensor_name] = chain
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Tell whether a module, or one of its tensors, is parametrized.

    Args:
        module (Module): any.
        tensor_name (str): Optional.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.parametrize.is_parametrized(torch.nn.Linear(1, 1))
        False
    """
    chains = getattr(module, "parametrizations", None)
    if chains is None or not isinstance(chains, ModuleDict):
        return False
    return len(chains) > 0 if tensor_name is None else tensor_name in chains


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrized tensor an ordinary one again.

    Args:
        module (Module): has it.
        tensor_name (str): which.
        leave_parametrized (bool): with its present value, otherwise with the original's. Default: True.

    Returns:
        Module: ``module``.

    Raises:
        ValueError: it is not parametrized, or its original is several tensors.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    chain = module.parametrizations[tensor_name]
    if chain.is_tensor:
        original = chain.original
        if leave_parametrized:
            with facula.no_grad():
                original.data = getattr(module, tensor_name).detach().clone()
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = getattr(type(module), "_original_class")  # noqa: B009
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class of a module without its parametrizations.

    Args:
        module (Module): any.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.parametrize.type_before_parametrizations(torch.nn.Linear(1, 1)).__name__
        'Linear'
    """
    return getattr(type(module), "_original_class") if is_parametrized(module) else type(module)  # noqa: B009


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give one module the parametrizations of another, and their originals.

    Args:
        from_module (Module): parametrized.
        to_module (Module): its tensors are replaced.
        tensor_name (str): only this one. Optional.

    Returns:
        Module: ``to_module``.
    """
    if not is_parametrized(from_module):
        return to_module
    for name in [tensor_name] if tensor_name is not None else list(from_module.parametrizations):
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for parametrization in from_module.parametrizations[name]:
            register_parametrization(to_module, name, parametrization)
        ours, theirs = to_module.parametrizations[name], from_module.parametrizations[name]
        for key in ["original"] if ours.is_tensor else [f"original{i}" for i in range(ours.ntensors)]:
            setattr(ours, key, getattr(theirs, key))
    return to_module
