"""Memory that several processes see: what is shared stays shared across fork, queues and spawn; failures come back."""

import os
import sys

import pytest

import facula
import facula.multiprocessing as mp
from facula import nn

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fork and descriptors")


def fill(index, tensor, fail=False):
    if fail:
        raise ValueError("on purpose")
    tensor[index] = index + 1


def die(index):
    os._exit(3)


def double(inbox, outbox):
    tensor = inbox.get()
    tensor.mul_(2)
    outbox.put(tensor.shape)


def in_child(function):
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    os.waitpid(child, 0)


def test_a_child_writes_what_the_parent_sees():
    whole = facula.arange(6.0)
    view, array = whole[2:], whole.view(2, 3).t()
    assert not whole.is_shared()
    assert whole.share_memory_() is whole and whole.is_shared() and view.is_shared()
    assert whole.tolist() == [0, 1, 2, 3, 4, 5]
    in_child(lambda: view.fill_(9))
    assert whole.tolist() == [0, 1, 9, 9, 9, 9] and array[0, 1] == 9
    assert whole.share_memory_().untyped_storage().is_shared()


def test_a_module_is_shared_and_still_trains():
    model = nn.Linear(2, 1).share_memory()
    assert all(p.is_shared() and p.requires_grad for p in model.parameters())

    def train():
        model(facula.ones(3, 2)).sum().backward()
        facula.optim.SGD(model.parameters(), lr=1.0).step()

    before = model.bias.item()
    in_child(train)
    assert model.bias.item() == pytest.approx(before - 3)


def test_empty_and_borrowed_memory():
    assert facula.empty(0).share_memory_().numel() == 0
    with pytest.raises(RuntimeError, match="clone"):
        facula.frombuffer(bytearray(8), dtype=facula.float32).share_memory_()


@pytest.mark.parametrize("make", [lambda: facula.arange(4.0), lambda: facula.zeros(4, 2).t()[1:]])
def test_a_queue_carries_the_memory(make):
    context = mp.get_context("fork")
    inbox, outbox = context.Queue(), context.Queue()
    child = context.Process(target=double, args=(inbox, outbox))
    child.start()
    tensor = make().add_(1)
    expected = (tensor * 2).tolist()
    inbox.put(tensor)
    shape = outbox.get(timeout=60)
    child.join(60)
    assert shape == tensor.shape and tensor.tolist() == expected and tensor.is_shared()


def test_spawn():
    tensor = facula.zeros(2).share_memory_()
    mp.spawn(fill, args=(tensor,), nprocs=2, start_method="fork")
    assert tensor.tolist() == [1, 2]


@pytest.mark.slow
def test_spawn_starts_new_interpreters():
    tensor = facula.zeros(2)
    mp.spawn(fill, args=(tensor,), nprocs=2)
    assert tensor.tolist() == [1, 2]


def test_spawn_reports_failures():
    with pytest.raises(mp.ProcessRaisedException, match="on purpose") as caught:
        mp.start_processes(fill, args=(facula.zeros(2), True), nprocs=2, start_method="fork")
    assert caught.value.error_index in (0, 1)
    with pytest.raises(mp.ProcessExitedException, match="exit code 3"):
        mp.start_processes(die, nprocs=1, start_method="fork")


def test_refuses_gradients_between_processes():
    from facula.multiprocessing.reductions import _reduce

    with pytest.raises(RuntimeError, match="non-leaf"):
        _reduce(facula.ones(1, requires_grad=True) * 2)
