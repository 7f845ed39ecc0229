"""What torch's operator database holds, as facula understands it: tensors with the same bytes and strides, functions by
their public name, test lambdas with their global names exchanged. Compares nothing."""

from __future__ import annotations

import functools
import types

import torch
from torch.testing._utils import wrapper_set_seed

import facula

SPACES = (
    "",
    "Tensor",
    "nn.functional",
    "linalg",
    "special",
    "fft",
    "signal.windows",
    "masked",
    "func",
    "autograd.functional",
)


class Missing(Exception):
    """facula has nothing of this name."""


class OutOfScope(Exception):
    """A sample made of what facula leaves out on purpose: sparse or quantised tensors."""


def resolve(root, path):
    """``resolve(facula, "linalg.det")``, or Missing."""
    value = root
    for part in filter(None, path.split(".")):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise Missing(f"torch.{path}") from None
    return value


@functools.cache
def _paths() -> dict[int, str]:
    """Public path of every function of torch, by identity; the first namespace wins."""
    found: dict[int, str] = {}
    for space in SPACES:
        owner = resolve(torch, space)
        for name in dir(owner):
            value = getattr(owner, name, None)
            if callable(value) and not isinstance(value, type):
                found.setdefault(id(value), f"{space}.{name}" if space else name)
    return found


def seeded(function, *args, **kwargs):
    """facula's counterpart of the wrapper around random operations in the database."""
    facula.manual_seed(42)
    return function(*args, **kwargs)


def _names(code):
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
    yield from code.co_names


def _rewired(function):
    """A copy of a Python function of torch's tests whose global names mean facula's things."""
    variables = dict(function.__globals__)
    for name in set(_names(function.__code__)) & variables.keys():
        variables[name] = translate(variables[name])
    cells = tuple(types.CellType(translate(cell.cell_contents)) for cell in function.__closure__ or ())
    copy = types.FunctionType(
        function.__code__, variables, function.__name__, _each(function.__defaults__), cells or None
    )
    copy.__kwdefaults__ = _each(function.__kwdefaults__)
    return copy


def _each(values):
    if isinstance(values, dict):
        return {key: translate(value) for key, value in values.items()}
    return None if values is None else tuple(translate(value) for value in values)


def _function(function):
    if function is wrapper_set_seed:
        return seeded
    if id(function) in _paths():
        return resolve(facula, _paths()[id(function)])
    if isinstance(function, functools.partial):
        return functools.partial(translate(function.func), *_each(function.args), **_each(function.keywords))
    if isinstance(function, types.FunctionType) and function.__module__.startswith("torch.testing"):
        return _rewired(function)
    if isinstance(function, torch.nn.Module):  # the database has only modules without arguments or parameters
        return resolve(facula.nn, type(function).__name__)()
    owner = getattr(function, "__qualname__", "").split(".")[0]
    if owner in ("TensorBase", "Tensor"):
        return resolve(facula.Tensor, function.__name__)
    if type(function).__name__ in ("OpOverload", "OpOverloadPacket"):
        raise Missing(str(function))
    return function


def translate(value):
    """facula's counterpart of anything but a tensor."""
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
        return resolve(facula, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return facula.device(str(value))
    if value is torch.Tensor:
        return facula.Tensor
    if isinstance(value, types.ModuleType) and value.__name__.split(".")[0] == "torch":
        return value if "_" in value.__name__ else resolve(facula, value.__name__.removeprefix("torch").strip("."))
    return _function(value) if callable(value) and not isinstance(value, type) else value


class Mirror:
    """Copies values into one package. Two tensors on one storage become two tensors on one storage. `wider` maps dtypes
    to others, for what is computed again with more digits."""

    def __init__(self, package, wider=None):
        self.package, self.wider = package, wider or {}
        self.copies: dict[int, tuple] = {}  # id -> (original, kept alive; its copy)
        self._storages: dict[tuple, object] = {}

    def __call__(self, value):
        if isinstance(value, torch.Tensor):
            if id(value) not in self.copies:
                copy = self._tensor(value)
                self.copies[id(value)] = (value, copy.to(self.wider.get(value.dtype)) if self.wider else copy)
            return self.copies[id(value)][1]
        if isinstance(value, (list, tuple)):
            items = [self(item) for item in value]
            if isinstance(value, torch.Size):
                return self.package.Size(items)
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, slice):
            return slice(self(value.start), self(value.stop), self(value.step))
        if isinstance(value, torch.Generator):
            return self.package.Generator().manual_seed(value.initial_seed())
        if self.package is torch:
            return self.wider.get(value, value) if isinstance(value, torch.dtype) else value
        return translate(value)

    def _tensor(self, tensor):
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested or tensor.device.type != "cpu":
            raise OutOfScope(f"{tensor.layout}, {tensor.device}")
        plain = tensor.detach().resolve_conj().resolve_neg()
        dtype = plain.dtype if self.package is torch else translate(plain.dtype)
        if plain.untyped_storage().nbytes() == 0:
            copy = self.package.empty_strided(plain.shape, plain.stride(), dtype=dtype)
        else:
            copy = self._view(plain, dtype, tensor._is_view())
        return copy.requires_grad_() if tensor.requires_grad else copy

    def _view(self, plain, dtype, is_view):
        storage = plain.untyped_storage()
        key = (storage.data_ptr(), dtype)
        shared = key in self._storages
        if not shared:
            raw = torch.empty(0, dtype=torch.uint8).set_(storage).numpy().tobytes()
            usable = len(raw) - len(raw) % plain.element_size()
            self._storages[key] = self.package.frombuffer(bytearray(raw[:usable]), dtype=dtype)
        whole = self._storages[key]
        dense = plain.numel() == whole.numel() and plain.storage_offset() == 0
        if shared or is_view or not dense:
            return whole.as_strided(plain.shape, plain.stride(), plain.storage_offset())
        copy = self.package.empty_strided(plain.shape, plain.stride(), dtype=dtype)
        copy.as_strided(whole.shape, (1,)).copy_(whole)
        self._storages[key] = copy
        return copy


def to_torch(tensor):
    """A torch tensor on the memory of one of facula's."""
    plain = tensor.detach()
    plain = plain.resolve_conj() if hasattr(plain, "resolve_conj") else plain
    return torch.from_dlpack(plain) if plain.numel() else torch.empty(plain.shape, dtype=getattr(torch, name(plain)))


def name(tensor):
    """The dtype without the package."""
    return str(tensor.dtype).removeprefix("torch.")
