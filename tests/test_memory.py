"""What is allocated, and that it is given back: operations, loops, cycles. Sizes only, no timings."""

from __future__ import annotations

import gc
import weakref

import pytest

import facula as torch
from facula import _C


def live_bytes():
    return _C._memory_stats()["in_use"]


def test_an_operation_allocates_its_result_and_nothing_else():
    x = torch.rand(1024, 1024)
    row = torch.rand(1024)
    size = x.numel() * 4
    operations = [
        lambda: x + x, lambda: x + row, lambda: x * 2.0, lambda: x.exp(), lambda: torch.nn.functional.gelu(x),
        lambda: torch.softmax(x, 1), lambda: x @ x, lambda: x.t() + 1.0, lambda: torch.where(x > 2, x, row),
        lambda: x.cumsum(1), lambda: torch.cat([x[:512], x[512:]]), lambda: x.clone(),
    ]  # fmt: skip
    for number, operation in enumerate(operations):
        before = live_bytes()
        result = operation()
        # Sizes are rounded up to classes an eighth apart.
        assert size <= live_bytes() - before <= size * 9 // 8 + 4096, f"operation {number}"
        del result
        assert live_bytes() - before <= 4096, f"operation {number}"


def test_views_and_in_place_allocate_nothing():
    x = torch.rand(1024, 1024)
    before = live_bytes()
    kept = [x.t(), x[::2, 5:], x.view(-1), x.expand(3, 1024, 1024), x.detach(), x.unsqueeze(0)]
    x.mul_(2.0).add_(1.0).exp_()
    torch.add(x, 1.0, out=x)
    assert live_bytes() - before <= 4096
    del kept


def test_reductions_allocate_their_result():
    x = torch.rand(1024, 1024)
    before = live_bytes()
    kept = [x.sum(), x.mean(0), x.amax(1), x.argmax(1), x.norm()]
    assert live_bytes() - before <= 32768
    del kept


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def training_loop(steps):
    """Yields after every step of a small network, hooks and a saved-tensor Function included."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(16, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    inputs, targets = torch.randn(32, 8), torch.randint(0, 4, (32,))
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), targets)
        loss.register_hook(lambda g: g)
        loss.backward()
        optimizer.step()
        yield loss.item()


def grows(steps):
    loop = training_loop(steps)
    for _ in range(steps // 10):
        next(loop)
    gc.collect()
    live, resident = live_bytes(), resident_bytes()
    for _ in loop:
        pass
    gc.collect()
    return live_bytes() - live, resident_bytes() - resident


cached = pytest.mark.skipif(_C._sanitized, reason="with the sanitizers every block is the system's own")


@cached
def test_training_loop_does_not_grow():
    live, resident = grows(1000)
    assert live <= 0 and resident < 2**20


@cached
@pytest.mark.slow
def test_long_training_loop_does_not_grow():
    live, resident = grows(10_000)
    assert live <= 0 and resident < 2**20


class Marker:
    pass


def test_cycles_are_collected():
    def through_attribute():
        x = torch.ones(3)
        x.myself = x
        return x

    def through_hook():
        x = torch.ones(3, requires_grad=True)
        y = x * 2
        y.register_hook(lambda g: g * y.detach())
        return y

    def through_leaf_hook():
        x = torch.ones(3, requires_grad=True)
        x.register_hook(lambda g: g * x.detach())
        return x

    def through_context():
        class Keep(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                result = x * 2
                ctx.box = [result]
                return result

            @staticmethod
            def backward(ctx, g):
                return g

        result = Keep.apply(torch.ones(3, requires_grad=True))
        result.grad_fn.metadata["result"] = result
        return result

    def through_gradient():
        x = torch.ones(3, requires_grad=True)
        (x * x).sum().backward()
        x.grad.owner = x
        return x

    def through_module():
        module = torch.nn.Linear(2, 2)
        module.weight.module = module
        return module.weight

    for make in (through_attribute, through_hook, through_leaf_hook, through_context, through_gradient, through_module):
        gc.collect()
        before = live_bytes()
        tensor = make()
        tensor.marker = marker = Marker()
        gone = weakref.ref(marker)
        del tensor, marker
        gc.collect()
        assert gone() is None, make.__name__
        assert live_bytes() <= before, make.__name__


def test_graph_is_freed_without_backward_and_after():
    x = torch.ones(1000, requires_grad=True)
    x.grad = torch.zeros(1000)
    before = live_bytes()
    y = (x * x).exp().sum()
    assert live_bytes() > before
    del y
    assert live_bytes() <= before
    y = (x * x).exp().sum()
    y.backward()
    del y
    assert live_bytes() <= before


def test_errors_free_what_they_had():
    x = torch.ones(1000, requires_grad=True)
    before = live_bytes()
    for _ in range(10):
        with pytest.raises(RuntimeError):
            (x * 2) @ torch.ones(3)
        with pytest.raises(RuntimeError):
            torch.ones(1000) + torch.ones(999)
    gc.collect()
    assert live_bytes() <= before


@cached
def test_empty_cache():
    x = torch.ones(1 << 10)
    del x
    assert _C._memory_stats()["cached"] > 0
    _C._empty_cache()
    assert _C._memory_stats()["cached"] == 0
