"""Public functions take torch's parameters: names, order, defaults. What torch's Python cannot tell, its schemas do.
Whether an `out=` exists is for the operator database: many schemas have one that Python never sees."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest
import torch
import torch.masked

import facula

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
import registry_report as register

# Beginning of a schema's name in each namespace.
PREFIXES = {
    "torch": "",
    "torch.Tensor": "",
    "torch.nn.functional": "",
    "torch.linalg": "linalg_",
    "torch.special": "special_",
    "torch.fft": "fft_",
}
# Names that schemas of other layouts, devices and of TorchScript's own numbers and lists have.
FOREIGN = ("Dimname", "t[]", "Storage", "out_dtype", "reverse", "qtensor", "tensors, ", "generator=None) -> Scalar")
# {parameter: why it is left out or has another default}
EXCUSED = {
    "pin_memory": "False instead of None, or absent: nothing can be pinned",
    "dtype": "None stands for the default that torch writes out",
    "unbiased": "None tells the overloads with and without a correction apart",
    "memory_format": "None stands for preserve_format, or contiguous_format",
    "sparse_grad": "gradients are dense",
    "size": "also *sizes, whose keyword is the same",
    "layout": "strided only",
    "device": "the CPU only",
}
# Functions whose overloads differ in more than one signature can say; each takes the calls of all of them.
OVERLOADED = {
    *("max", "min", "add", "sub", "subtract", "rsub", "add_", "sub_", "subtract_", "normal", "histogram"),
    *("histogramdd", "scatter", "scatter_", "bernoulli", "as_tensor", "tensor", "result_type", "tensor_split", "isin"),
    *("copy_", "dequantize", "eq", "ne", "polygamma", "where", "to", "conv1d", "conv2d", "conv3d"),
    *("random_", "uniform_"),  # `from` is no name for a parameter of Python
    *("elu_", "rrelu_", "swapaxes_"),  # parameters of the schema that the documented function has not
}


def builtin_functions():
    """(namespace, name) of what is in both packages and has no Python signature in torch."""
    for namespace in PREFIXES:
        theirs, ours = register.owner_of(torch, namespace), register.owner_of(facula, namespace)
        for name in register.public_names(namespace, torch):
            value = getattr(theirs, name, None)
            if callable(value) and not isinstance(value, type) and name in dir(ours) and signature(value) is None:
                yield namespace, name


def signature(function):
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


def schemas(namespace, name):
    found = torch._C._jit_get_schemas_for_operator("aten::" + PREFIXES[namespace] + name)
    return [s for s in found if "Tensor" in str(s) and not any(word in str(s) for word in FOREIGN)]


def differences(schema, parameters):
    """What a call by the schema's names would not find."""
    rest = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters.values())
    for argument in schema.arguments:
        name = "input" if argument.name == "self" else argument.name
        if argument.is_out or name in EXCUSED or (name not in parameters and rest):
            continue
        if name not in parameters:
            if name != "input":  # methods and some functions have another name for the first
                yield f"no parameter {name}"
            continue
        parameter = parameters[name]
        if not argument.kwarg_only and parameter.kind is parameter.KEYWORD_ONLY:
            yield f"{name} is keyword-only"
        if argument.has_default_value() and parameter.default is parameter.empty and not rest:
            yield f"{name} has no default"
        allowed = (argument.default_value, None, parameter.empty)
        if isinstance(argument.default_value, (bool, int, float, str)) and parameter.default not in allowed:
            yield f"{name}={parameter.default!r}, torch has {argument.default_value!r}"


def test_builtin_functions():
    wrong, compared = [], 0
    for namespace, name in builtin_functions():
        ours = signature(getattr(register.owner_of(facula, namespace), name))
        if ours is None or name in OVERLOADED:
            continue
        for schema in schemas(namespace, name):
            compared += 1
            found = differences(schema, ours.parameters)
            wrong += [f"{namespace}.{name} ({schema.overload_name}): {text}" for text in found]
    assert compared > 800
    assert not wrong, "\n".join(wrong)


# Where torch's Python signature says less or other than its documentation, or where ours takes more.
OTHERWISE = {
    "enable_grad": "torch's is for its type checker",
    "no_grad": "torch's is for its type checker",
    "load": "positions are the same; pickle_module is ignored",
    "save": "pickle_module's default is the module pickle",
    "from_dlpack": "device and copy: the CPU only",
    "random_split": "the default generator by None",
    "is_storage": "torch's parameters are positional only",
    "is_tensor": "torch's parameters are positional only",
    "typename": "torch's parameters are positional only",
    "set_default_tensor_type": "torch's parameters are positional only",
    "einsum": "named here",
    "index": "internal",
    "storage": "the method's own name of self",
    "norm": "the method is the function, whose fifth parameter is out",
}


# Namespaces that the register leaves out.
FURTHER = ("torch.masked", "torch.overrides", "torch.autograd.forward_ad")


def python_functions():
    for namespace in (*register.NAMESPACES, *FURTHER):
        theirs, ours = register.owner_of(torch, namespace), register.owner_of(facula, namespace)
        for name in register.public_names(namespace, torch) if ours is not None else ():
            value = getattr(theirs, name, None)
            if callable(value) and name in dir(ours) and signature(value) and not name.endswith("Storage"):
                yield namespace, name


def called_alike(theirs, ours):
    """The first parameter of torch's that ours does not take in the same way, or None."""
    mine = list(ours.parameters.values())
    open_ended = any(p.kind is p.VAR_POSITIONAL for p in mine) and any(p.kind is p.VAR_KEYWORD for p in mine)
    for position, parameter in enumerate(theirs.parameters.values()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or parameter.name.startswith("_"):
            return None
        own = ours.parameters.get(parameter.name)
        if open_ended or (position == 0 and parameter.name == "self"):
            continue
        if own is None:
            return f"no parameter {parameter.name}"
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and (position >= len(mine) or mine[position] is not own):
            return f"{parameter.name} is at another position"
        plain = parameter.default is None or isinstance(parameter.default, (bool, int, float, str, tuple))
        if plain and own.default != parameter.default:
            return f"{parameter.name}={own.default!r}, torch has {parameter.default!r}"
    return None


def test_python_functions():
    wrong, compared = [], 0
    for namespace, name in python_functions():
        if name in OTHERWISE:
            continue
        owners = [register.owner_of(package, namespace) for package in (torch, facula)]
        theirs, ours = (signature(getattr(owner, name)) for owner in owners)
        if ours is None:  # a method in C: its parser has its own tests
            continue
        problem = called_alike(theirs, ours)
        compared += 1
        if problem:
            wrong.append(f"{namespace}.{name}: {problem}")
    assert compared > 450
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("namespace", register.NAMESPACES)
def test_the_register_sees_names(namespace):
    names = register.public_names(namespace, torch)
    assert len(names) > 3 and not any(name.startswith("_") for name in names)
