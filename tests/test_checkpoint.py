"""Checkpointing: the same values and gradients as without it, less memory in between, the same random numbers."""

from __future__ import annotations

import gc
import weakref

import pytest

import facula as torch
from facula.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def gradients(run, x, net):
    net.zero_grad()
    x.grad = None
    torch.manual_seed(1)
    y = run(x)
    y.pow(2).sum().backward()
    return [y.detach(), x.grad, *(p.grad for p in net.parameters())]


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_same_gradients(use_reentrant):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    x = torch.randn(5, 3, requires_grad=True)
    plain = gradients(net, x, net)
    for run in (
        lambda v: checkpoint(net, v, use_reentrant=use_reentrant),
        lambda v: checkpoint_sequential(net, 2, v, use_reentrant=use_reentrant),
    ):
        for a, b in zip(gradients(run, x, net), plain):
            torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_parameters_without_recorded_input():
    net = torch.nn.Linear(2, 1)
    checkpoint(net, torch.ones(1, 2), use_reentrant=False).sum().backward()
    assert net.weight.grad.tolist() == [[1, 1]]
    with pytest.warns(UserWarning, match="None of the inputs"):
        assert not checkpoint(net, torch.ones(1, 2), use_reentrant=True).requires_grad


def test_runs_again_in_the_backward_pass_and_frees_the_first_run():
    calls, kept = [], []

    def f(x):
        inner = x.exp()
        calls.append(1)
        kept.append(weakref.ref(inner))
        return inner.sin().sum()

    x = torch.ones(3, requires_grad=True)
    y = checkpoint(f, x, use_reentrant=False)
    gc.collect()
    assert len(calls) == 1 and kept[0]() is None
    y.backward()
    assert len(calls) == 2


def test_structures_keywords_and_second_derivatives():
    def f(x, *, scale):
        return {"y": (x**3).sum() * scale["a"], "n": 7}

    x, a = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor(2.0, requires_grad=True)
    result = checkpoint(f, x, use_reentrant=False, scale={"a": a})
    assert result["n"] == 7
    gx, ga = torch.autograd.grad(result["y"], (x, a), create_graph=True)
    assert gx.tolist() == [6, 24] and ga.item() == 9
    assert torch.autograd.grad(gx.sum(), x)[0].tolist() == [12, 24]


def test_captured_result_of_outside_keeps_its_gradient():
    w = torch.tensor(2.0, requires_grad=True)
    outside = w * 3
    x = torch.tensor(1.0, requires_grad=True)
    checkpoint(lambda v: v * outside, x, use_reentrant=False).backward()
    assert w.grad.item() == 3 and x.grad.item() == 6


def test_wrong_use():
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="Unexpected keyword"):
        checkpoint(torch.exp, x, use_reentrant=True, k=1)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(torch.exp, x, use_reentrant=False, determinism_check="x")
    with pytest.warns(UserWarning, match="passed explicitly"):
        checkpoint(torch.exp, x)
    sizes = iter((1, 2))
    y = checkpoint(lambda v: v.repeat(next(sizes)), x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="metadata"):
        y.sum().backward()


def test_gradient_for_a_number_is_refused():
    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, n):
            return x * n

        @staticmethod
        def backward(ctx, g):
            return g, g

    y = Scale.apply(torch.ones(2, requires_grad=True), 2)
    with pytest.raises(RuntimeError, match=r"position 2.*not a Variable"):
        y.sum().backward()
