"""Names of older PyTorch programs: FloatTensor and its family, Variable. They make plain tensors and test for them."""

from __future__ import annotations

from facula._C import Tensor, _tensor
from facula.functional.conversion import TYPE_NAMES
from facula.functional.creation import _empty

__all__ = [
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor", "Variable",
]  # fmt: skip
METHODS = ""


class _TensorTypeMeta(type):
    """``isinstance`` asks for the dtype; calling makes a tensor of it."""

    dtype: object

    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __call__(cls, *args, device=None) -> Tensor:
        if len(args) == 1 and not isinstance(args[0], int):
            if type(args[0]).__name__ == "Size":
                return _empty(args[0], cls.dtype)
            return _tensor(args[0], cls.dtype)
        return _empty(args or (0,), cls.dtype)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def _tensor_type(name: str, dtype):
    """The class ``torch.<name>``."""
    documentation = f"""Sizes give uninitialised memory of {dtype}, a sequence a copy; isinstance() tests for the dtype.

    Example:
        >>> import facula as torch
        >>> torch.{name}([1, 0]).dtype, isinstance(torch.{name}(2), torch.{name})
        ({dtype}, True)
    """
    return _TensorTypeMeta(name, (), {"dtype": dtype, "__doc__": documentation, "__module__": "torch"})


FloatTensor = _tensor_type("FloatTensor", TYPE_NAMES["FloatTensor"])
DoubleTensor = _tensor_type("DoubleTensor", TYPE_NAMES["DoubleTensor"])
HalfTensor = _tensor_type("HalfTensor", TYPE_NAMES["HalfTensor"])
BFloat16Tensor = _tensor_type("BFloat16Tensor", TYPE_NAMES["BFloat16Tensor"])
ByteTensor = _tensor_type("ByteTensor", TYPE_NAMES["ByteTensor"])
CharTensor = _tensor_type("CharTensor", TYPE_NAMES["CharTensor"])
ShortTensor = _tensor_type("ShortTensor", TYPE_NAMES["ShortTensor"])
IntTensor = _tensor_type("IntTensor", TYPE_NAMES["IntTensor"])
LongTensor = _tensor_type("LongTensor", TYPE_NAMES["LongTensor"])
BoolTensor = _tensor_type("BoolTensor", TYPE_NAMES["BoolTensor"])


class _VariableMeta(type):
    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, Tensor)

    def __call__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:
        result = data.detach()
        return result.requires_grad_() if requires_grad else result


class Variable(metaclass=_VariableMeta):
    """A tensor over the same memory; since PyTorch 0.4 the same thing as a tensor.

    Example:
        >>> import facula as torch
        >>> torch.autograd.Variable(torch.zeros(1), requires_grad=True)
        tensor([0.], requires_grad=True)
    """
