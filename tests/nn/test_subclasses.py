"""Tensors of a subclass, and calls under a mode, go through every module and give what plain tensors give."""

import module_samples
import pytest

import facula
from facula import nn
from facula.overrides import TorchFunctionMode

PLAIN = [s for s in module_samples.SAMPLES if all(isinstance(shape, tuple) for shape in s.inputs)]


class Tagged(facula.Tensor):
    """Sees every operation and changes nothing."""


class Watch(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def first(result):
    while isinstance(result, (tuple, list)):
        result = result[0]
    return result


@pytest.mark.parametrize("sample", PLAIN, ids=repr)
def test_module(sample):
    facula.manual_seed(0)
    module = sample.build(nn, facula)
    inputs = [facula.rand(shape) for shape in sample.inputs]
    results = []
    for kind in (facula.Tensor, Tagged, None):
        facula.manual_seed(1)
        if kind is None:
            with Watch():
                results.append(first(module(*[x.clone() for x in inputs])))
        else:
            results.append(first(module(*[x.clone().as_subclass(kind) for x in inputs])))
    assert all(facula.equal(result.as_subclass(facula.Tensor), results[0]) for result in results[1:])
