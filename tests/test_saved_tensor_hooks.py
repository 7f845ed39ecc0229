"""Hooks on what the graph keeps, without torch at hand: memory, threads, exceptions."""

import gc
import threading
import weakref

import pytest

import facula as torch
from facula.autograd import graph


class Packed:
    def __init__(self, tensor):
        self.tensor = tensor


def test_what_was_packed_dies_with_the_graph():
    kept = []

    def pack(t):
        packed = Packed(t)
        kept.append(weakref.ref(packed))
        return packed

    x = torch.ones(3, requires_grad=True)
    with graph.saved_tensors_hooks(pack, lambda packed: packed.tensor):
        y = (x * 2).exp().sigmoid().sum()
    assert len(kept) == 2 and all(ref() for ref in kept)
    y.backward()
    del y
    gc.collect()
    assert not any(ref() for ref in kept)


def test_a_graph_that_its_own_packed_values_refer_to_is_collected():
    x = torch.ones(3, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x.exp()
    died = weakref.ref(y.grad_fn)
    del y
    gc.collect()
    assert died() is None


def test_of_this_thread_only():
    x = torch.ones(3, requires_grad=True)
    seen = []
    with graph.saved_tensors_hooks(lambda t: seen.append(1), lambda packed: torch.ones(3)):
        thread = threading.Thread(target=lambda: (x * x).sum().backward())
        thread.start()
        thread.join()
        assert not seen and x.grad.tolist() == [2.0, 2.0, 2.0]
        x * x
    assert len(seen) == 2


def test_an_exception_of_a_hook_leaves_everything_as_it_was():
    x = torch.ones(3, requires_grad=True)
    for function in (lambda: x * x, lambda: x.exp(), lambda: x.softmax(0), lambda: torch.cumprod(x, 0)):
        with pytest.raises(ZeroDivisionError), graph.saved_tensors_hooks(lambda t: 1 // 0, lambda packed: packed):
            function()
    assert x._version == 0
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_nested_regions_use_the_inner_one():
    seen = []
    x = torch.ones(3, requires_grad=True)
    outer = graph.saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t)
    inner = graph.saved_tensors_hooks(lambda t: seen.append("inner") or t, lambda t: t)
    with outer:
        x.exp()
        with inner:
            x.exp()
        x.exp()
    x.exp()
    assert seen == ["outer", "inner", "outer"]


def test_a_write_after_packing_is_not_noticed_but_one_before_unpacking_without_hooks_is():
    x = torch.ones(3, requires_grad=True)
    y = x.clone()
    z = (y * y).sum()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()
    y = x.clone()
    with graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        z = (y * y).sum()
    y.mul_(2)
    z.backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
