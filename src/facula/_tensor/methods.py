"""Puts the Python methods on the Tensor class. Most are functions of facula.functional, whose modules name them in
METHODS; the interpreter's protocols are in protocol.py. What costs too much as Python is in the C type already."""

from __future__ import annotations

from facula._tensor import protocol
from facula._tensor.storage import untyped_storage
from facula.functional import (
    MODULES,
    arithmetic,
    conversion,
    exponential,
    indexing,
    inplace,
    later,
    shape,
)

# Methods that differ from the function of their name, or have another name.
_OWN_NAME = {
    "__rdiv__": lambda self, other: self.reciprocal() * other,
    **conversion.CONVERTERS,
    "polygamma": lambda input, n: exponential.polygamma(n, input),
    "rsub": arithmetic.rsub,
    "split": shape._split_method,
    "swapaxes_": inplace.transpose_,
    "swapdims_": inplace.transpose_,
    "untyped_storage": untyped_storage,
    "where": indexing._where_method,
}

_PROTOCOLS = ("__array_wrap__", "__deepcopy__", "__format__", "__reduce_ex__", "__reversed__")

_ATTRIBUTES = {
    "H": property(shape.hermitian_attribute, doc="The transposed, conjugated matrix."),
    "mH": property(shape.adjoint, doc="The last two dimensions swapped, conjugated."),
    "imag": conversion.imag_attribute,
    "real": conversion.real_attribute,
    "grad_dtype": property(lambda self: self.dtype, doc="The dtype of the gradient: that of the tensor."),
    **dict.fromkeys(
        ("is_ipu", "is_maia", "is_mps", "is_mtia", "is_sparse_csr", "is_vulkan", "is_xla", "is_xpu", "volatile"), False
    ),
    "name": None,
    "names": property(lambda self: (None,) * self.dim(), doc="No dimension has a name."),
    "__array_priority__": 1000,  # NumPy's operators leave mixed operands to the tensor
}


def attach(kind: type) -> None:
    """Set all methods and attributes of the tables on the Tensor class."""
    for module in MODULES:
        for name in module.METHODS.split():
            setattr(kind, name, getattr(module, name))
    for module_name, (_, methods) in later.MODULES.items():
        for name in methods.split():
            setattr(kind, name, _LaterMethod(module_name, name))
    for name, function in _OWN_NAME.items():
        setattr(kind, name, function)
    for name in _PROTOCOLS:
        setattr(kind, name, getattr(protocol, name))
    for name, value in _ATTRIBUTES.items():
        setattr(kind, name, value)
    setattr(kind, "__torch_function__", classmethod(protocol.__torch_function__))  # noqa: B010
    setattr(kind, "__repr__", _repr)  # noqa: B010


class _LaterMethod:
    """Stands for a method until its first use imports its module."""

    def __init__(self, module_name: str, name: str):
        self._module_name, self._name = module_name, name

    def __get__(self, instance, owner):
        function = getattr(later.load(self._module_name), self._name)
        for kind in owner.__mro__:
            if vars(kind).get(self._name) is self:
                setattr(kind, self._name, function)
        return function.__get__(instance, owner)


def _repr(self, *, tensor_contents: str | None = None) -> str:
    """The tensor as text."""
    from facula._tensor.printing import tensor_repr

    return tensor_repr(self, tensor_contents=tensor_contents)
