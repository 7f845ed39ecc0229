"""Pruning: parameters times masks of 0 and 1. A forward pre-hook multiplies ``name_orig`` by ``name_mask``; what is
pruned again keeps its methods in a container, and only what is left is ranked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import facula
from facula import Tensor

from ..modules.module import Module
from .convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip


def _check_amount(amount) -> None:
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (isinstance(amount, float) and amount > 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _number(amount, size: int) -> int:
    """How many of ``size`` are to go."""
    if isinstance(amount, float):
        return round(amount * size)
    if amount > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return amount


def _own_hooks(module: Module, name: str) -> list:
    """(key, method) of the pruning of a parameter."""
    hooks = module._forward_pre_hooks.items()
    return [(k, hook) for k, hook in hooks if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]


class BasePruningMethod(ABC):
    """A way to choose what goes: a subclass says by ``compute_mask`` what stays, and in ``PRUNING_TYPE`` of what it
    speaks: "unstructured" (elements), "structured" (along ``self.dim``) or "global".

    Example:
        >>> import facula as torch
        >>> class Odd(torch.nn.utils.prune.BasePruningMethod):
        ...     PRUNING_TYPE = "unstructured"
        ...     def compute_mask(self, t, default_mask):
        ...         mask = default_mask.clone()
        ...         mask.view(-1)[1::2] = 0
        ...         return mask
        >>> _ = Odd.apply(layer := torch.nn.Linear(4, 1), "weight")
        >>> layer.weight_mask
        tensor([[1., 0., 1., 0.]])
    """

    _tensor_name: Any = None
    PRUNING_TYPE = "unstructured"

    def __call__(self, module: Module, inputs) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """What stays of ``t``: 1 or 0 for each element, 0 where ``default_mask`` has it already."""

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter with its mask applied."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        original = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(dtype=original.dtype) * original

    @classmethod
    def apply(cls, module: Module, name: str, *args, importance_scores: Tensor | None = None, **kwargs):
        """Prune a parameter of a module, in addition to what was pruned of it before.

        Args:
            module (Module): has the parameter.
            name (str): of the parameter.
            importance_scores (Tensor): what to rank by instead of the parameter; its shape. Optional.
            args, kwargs: of the method.

        Returns:
            the method, or the container of this one and earlier ones.
        """
        method = cls._with_earlier(module, name, *args, **kwargs)
        original = getattr(module, name)
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got {scores.shape} vs "
                f"{original.shape}"
            )
        again = isinstance(method, PruningContainer)
        if again:
            mask = getattr(module, name + "_mask").detach().clone(memory_format=facula.contiguous_format)
        else:
            module.register_parameter(name + "_orig", original)
            del module._parameters[name]
            mask = facula.ones_like(original)
        try:
            module.register_buffer(name + "_mask", method.compute_mask(scores, default_mask=mask))
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if not again:
                module.register_parameter(name, getattr(module, name + "_orig"))
                del module._parameters[name + "_orig"]
            raise
        return method

    @classmethod
    def _with_earlier(cls, module: Module, name: str, *args, **kwargs):
        earlier = _own_hooks(module, name)
        if len(earlier) > 1:
            raise AssertionError(
                f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a "
                "PruningContainer."
            )
        for key, _ in earlier:
            del module._forward_pre_hooks[key]
        method = cls(*args, **kwargs)
        method._tensor_name = name
        if not earlier:
            return method
        old = earlier[0][1]
        container = old if isinstance(old, PruningContainer) else PruningContainer(old)
        container.add_pruning_method(method)
        return container

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """A tensor pruned, without any module.

        Args:
            t (Tensor): what is pruned.
            default_mask (Tensor): what is left of it. Default: everything.
            importance_scores (Tensor): what to rank by. Default: ``t``.
        """
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {scores.shape} vs {t.shape}"
            )
        return t * self.compute_mask(scores, default_mask=facula.ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Make the pruned values the parameter itself, for good."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        name = self._tensor_name
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters[name + "_orig"]
        original.data = weight.data
        del module._parameters[name + "_orig"], module._buffers[name + "_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods in a row on one parameter.

    Args:
        args: methods.
    """

    def __init__(self, *args) -> None:
        self._pruning_methods: tuple = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method) -> None:
        """Append one.

        Raises:
            TypeError: it is no pruning method.
            ValueError: it is of another parameter.
        """
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer "
                f"{self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, idx):
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The last method's mask of what ``default_mask`` leaves."""
        method = self._pruning_methods[-1]
        left = self._left(method, t, default_mask)
        mask = default_mask.to(dtype=t.dtype)
        mask[left] = method.compute_mask(t[left], default_mask=default_mask[left]).to(dtype=mask.dtype)
        return mask

    @staticmethod
    def _left(method, t: Tensor, mask: Tensor):
        """The index of what can still go."""
        if method.PRUNING_TYPE == "unstructured":
            return mask == 1
        everything = [slice(None)] * t.dim()
        if method.PRUNING_TYPE == "global":
            return tuple(everything)
        if method.PRUNING_TYPE != "structured":
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        if not hasattr(method, "dim"):
            raise AttributeError(
                'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
            )
        dim = method.dim + t.dim() if method.dim < 0 else method.dim
        if dim < 0:
            raise IndexError(f"Index is out of bounds for tensor with dimensions {t.dim()}")
        everything[dim] = mask.sum(dim=[d for d in range(t.dim()) if d != dim]) != 0
        return tuple(everything)


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask and the hook."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask

    @classmethod
    def apply(cls, module: Module, name: str):  # type: ignore[override]
        return super().apply(module, name)


class RandomUnstructured(BasePruningMethod):
    """Elements chosen by chance.

    Args:
        amount (int or float): how many, or which part of them.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without_smallest(self.amount, t, default_mask, lambda: facula.rand_like(t), largest=True)

    @classmethod
    def apply(cls, module: Module, name: str, amount):  # type: ignore[override]
        return super().apply(module, name, amount=amount)


class L1Unstructured(BasePruningMethod):
    """The elements of smallest magnitude.

    Args:
        amount (int or float): how many, or which part of them.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without_smallest(self.amount, t, default_mask, t.abs, largest=False)

    @classmethod
    def apply(cls, module: Module, name: str, amount, importance_scores: Tensor | None = None):  # type: ignore[override]
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


def _without_smallest(amount, t: Tensor, default_mask: Tensor, scores, largest: bool) -> Tensor:
    count = _number(amount, t.nelement())
    mask = default_mask.clone(memory_format=facula.contiguous_format)
    if count:
        mask.view(-1)[facula.topk(scores().view(-1), k=count, largest=largest).indices] = 0
    return mask


class _Structured(BasePruningMethod):
    """Whole indices of one dimension."""

    PRUNING_TYPE = "structured"
    amount: int | float
    dim: int

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                f"{t.shape} with {t.dim()} dims"
            )
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        count = _number(self.amount, size)
        if count == 0 and not self._ranks_anyway:
            return default_mask
        kept = self._kept(t, size, count)
        if count == 0:
            return default_mask
        mask = facula.zeros_like(t)
        index: list = [slice(None)] * t.dim()
        index[self.dim] = kept
        mask[tuple(index)] = 1
        return mask.mul_(default_mask.to(dtype=mask.dtype))

    _ranks_anyway = False

    def _kept(self, t: Tensor, size: int, count: int) -> Tensor:
        raise NotImplementedError


class RandomStructured(_Structured):
    """Indices of a dimension chosen by chance.

    Args:
        amount (int or float): how many, or which part of them.
        dim (int): Default: -1.
    """

    def __init__(self, amount, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def _kept(self, t: Tensor, size: int, count: int) -> Tensor:
        chance = facula.rand(size)
        return chance > facula.kthvalue(chance, k=count).values

    @classmethod
    def apply(cls, module: Module, name: str, amount, dim: int = -1):  # type: ignore[override]
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Structured):
    """The indices of a dimension whose values have the smallest norm.

    Args:
        amount (int or float): how many, or which part of them.
        n (int, float or str): order of the norm, as of :func:`torch.norm`.
        dim (int): Default: -1.
    """

    _ranks_anyway = True  # an order that has no norm is refused even when nothing goes

    def __init__(self, amount, n, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def _kept(self, t: Tensor, size: int, count: int) -> Tensor:
        dims = list(range(t.dim()))
        del dims[self.dim]
        return facula.topk(facula.norm(t, p=self.n, dim=dims), k=size - count, largest=True).indices

    @classmethod
    def apply(cls, module: Module, name: str, amount, n, dim: int, importance_scores: Tensor | None = None):  # type: ignore[override]
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """A mask that is given.

    Args:
        mask (Tensor): the shape of the parameter.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module: Module, name: str, mask: Tensor):  # type: ignore[override]
        return super().apply(module, name, mask=mask)


def identity(module: Module, name: str) -> Module:
    """Make mask and hook of a parameter without pruning anything.

    Args:
        module (Module): has the parameter.
        name (str): of the parameter.

    Example:
        >>> import facula as torch
        >>> layer = torch.nn.utils.prune.identity(torch.nn.Linear(2, 1), "weight")
        >>> layer.weight_mask
        tensor([[1., 1.]])
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount) -> Module:
    """Prune elements chosen by chance.

    Args:
        module (Module): has the parameter.
        name (str): of the parameter.
        amount (int or float): how many, or which part of them.

    Example:
        >>> import facula as torch
        >>> layer = torch.nn.utils.prune.random_unstructured(torch.nn.Linear(2, 2), "weight", amount=1)
        >>> layer.weight_mask.sum()
        tensor(3.)
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount, importance_scores: Tensor | None = None) -> Module:
    """Prune the elements of smallest magnitude.

    Args:
        module (Module): has the parameter.
        name (str): of the parameter.
        amount (int or float): how many, or which part of them.
        importance_scores (Tensor): what to rank by instead of the parameter. Optional.

    Example:
        >>> import facula as torch
        >>> layer = torch.nn.utils.prune.l1_unstructured(torch.nn.Linear(2, 2), "weight", amount=0.5)
        >>> int((layer.weight == 0).sum())
        2
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount, dim: int) -> Module:
    """Prune indices of a dimension chosen by chance.

    Args:
        module (Module): has the parameter.
        name (str): of the parameter.
        amount (int or float): how many, or which part of them.
        dim (int): the dimension.

    Example:
        >>> import facula as torch
        >>> layer = torch.nn.utils.prune.random_structured(torch.nn.Linear(2, 3), "weight", amount=1, dim=0)
        >>> layer.weight_mask.sum()
        tensor(4.)
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Module, name: str, amount, n, dim: int, importance_scores: Tensor | None = None) -> Module:
    """Prune the indices of a dimension whose values have the smallest norm.

    Args:
        module (Module): has the parameter.
        name (str): of the parameter.
        amount (int or float): how many, or which part of them.
        n (int, float or str): order of the norm.
        dim (int): the dimension.
        importance_scores (Tensor): what to rank by instead of the parameter. Optional.

    Example:
        >>> import facula as torch
        >>> layer = torch.nn.utils.prune.ln_structured(torch.nn.Linear(2, 3), "weight", amount=1, n=2, dim=0)
        >>> layer.weight_mask.sum()
        tensor(4.)
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune by a mask that is given.

    Args:
        module (Module): has the parameter.
        name (str): of the parameter.
        mask (Tensor): 1 where a value stays, else 0.

    Example:
        >>> import facula as torch
        >>> layer = torch.nn.utils.prune.custom_from_mask(torch.nn.Linear(2, 1), "bias", torch.tensor([0]))
        >>> layer.bias == 0
        tensor([True])
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores: dict | None = None, **kwargs) -> None:
    """Prune several parameters as if they were one.

    Args:
        parameters (iterable): pairs (module, name).
        pruning_method (type): an unstructured method.
        importance_scores (dict): what to rank by, from such pairs. Default: the parameters.
        kwargs: of the method, as ``amount``.

    Raises:
        TypeError: the method is not unstructured, or the arguments are of other types.

    Example:
        >>> import facula as torch
        >>> from facula.nn.utils import prune
        >>> a, b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        >>> prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=3)
        >>> int(a.weight_mask.sum() + b.weight_mask.sum())
        5
    """
    if not hasattr(parameters, "__iter__"):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    ranked = parameters_to_vector([scores.get(pair, getattr(*pair)) for pair in pairs])
    masks = [getattr(module, name + "_mask", None) for module, name in pairs]
    left = parameters_to_vector(
        [facula.ones_like(getattr(*pair)) if mask is None else mask for pair, mask in zip(pairs, masks)]
    )
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of '
            f"type {method.PRUNING_TYPE}"
        )
    mask = PruningContainer(method).compute_mask(ranked, left)
    sizes = [getattr(*pair).numel() for pair in pairs]
    for (module, name), part in zip(pairs, mask.split(sizes)):
        custom_from_mask(module, name, mask=part.view_as(getattr(module, name)))


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter what it is now, for good, and take the hook away.

    Args:
        module (Module): has the parameter.
        name (str): of the parameter.

    Raises:
        ValueError: it is not pruned.

    Example:
        >>> import facula as torch
        >>> layer = torch.nn.utils.prune.random_unstructured(torch.nn.Linear(2, 2), "weight", amount=1)
        >>> sorted(torch.nn.utils.prune.remove(layer, "weight").state_dict())
        ['bias', 'weight']
    """
    for key, hook in _own_hooks(module, name):
        hook.remove(module)
        del module._forward_pre_hooks[key]
        return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Whether a parameter of a module, or of one inside of it, is pruned.

    Example:
        >>> import facula as torch
        >>> torch.nn.utils.prune.is_pruned(torch.nn.Linear(2, 2))
        False
    """
    return any(isinstance(hook, BasePruningMethod) for m in module.modules() for hook in m._forward_pre_hooks.values())
