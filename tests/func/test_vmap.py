"""What vmap and the derivatives promise without PyTorch beside them: escapes, ensembles, no trace left."""

from __future__ import annotations

import pytest

import facula as torch
from facula import _C
from facula.func import functional_call, grad, hessian, jacfwd, jacrev, stack_module_state, vjp


def test_ensemble_equals_its_members():
    torch.manual_seed(0)
    models = [torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)) for _ in range(3)]
    parameters, buffers = stack_module_state(models)
    x = torch.randn(5, 3)
    together = torch.vmap(lambda p, b: functional_call(models[0], (p, b), (x,)))(parameters, buffers)
    torch.testing.assert_close(together, torch.stack([m(x) for m in models]))


def test_functional_call_leaves_the_module_alone():
    layer = torch.nn.Linear(2, 1)
    before = dict(layer.named_parameters())
    with pytest.raises(RuntimeError):
        functional_call(layer, {"weight": torch.ones(1, 3)}, torch.ones(2))
    assert all(value is before[name] for name, value in layer.named_parameters())


def test_tied_weights_are_replaced_together():
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Parameter(torch.ones(1))
            self.b = self.a

        def forward(self, x):
            return x * self.a + self.b

    net, two = Tied(), torch.tensor([2.0])
    assert functional_call(net, {"a": two}, torch.ones(1)).item() == 4
    assert functional_call(net, {"a": two}, torch.ones(1), tie_weights=False).item() == 3
    with pytest.raises(ValueError, match="tied"):
        functional_call(net, {"a": two, "b": torch.zeros(1)}, torch.ones(1))


def test_escaped_tensor_is_refused():
    kept = []
    torch.vmap(lambda x: kept.append(x) or x)(torch.ones(2, 3))
    with pytest.raises(RuntimeError, match="escaped"):
        kept[0] + 1


def test_error_inside_ends_the_vmap():
    with pytest.raises(ZeroDivisionError):
        torch.vmap(lambda x: 1 / 0)(torch.ones(2))
    assert _C._batch_depth() == 0
    assert torch.vmap(lambda x: x + 1)(torch.ones(2)).tolist() == [2, 2]


def test_reading_memory_is_refused():
    for read in ("tolist", "numpy", "data_ptr", "__dlpack__", "untyped_storage"):
        with pytest.raises(RuntimeError, match="vmap"):
            torch.vmap(lambda x, read=read: getattr(x, read)() or x)(torch.ones(2, 3))


def test_no_samples():
    x = torch.ones(0, 3)
    assert torch.vmap(lambda v: v.softmax(0))(x).shape == (0, 3)
    assert torch.vmap(lambda v: torch.diag(v))(x).shape == (0, 3, 3)


def test_backward_of_custom_function_is_batched():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    x = torch.tensor([1.0, 2.0])
    assert jacrev(Cube.apply)(x).tolist() == [[3, 0], [0, 12]]
    assert jacfwd(Cube.apply)(x).tolist() == [[3, 0], [0, 12]]
    assert hessian(lambda v: Cube.apply(v).sum())(x).tolist() == [[6, 0], [0, 12]]


def test_result_has_no_history_of_its_own():
    y, pull = vjp(lambda x: x * 2, torch.ones(2))
    assert not y.requires_grad
    assert not pull(torch.ones(2))[0].requires_grad
    assert not grad(lambda x: x**2)(torch.tensor(1.0)).requires_grad


def test_training_through_a_gradient():
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    penalty = grad(lambda x: (weight * x**2).sum())(torch.tensor([3.0, 4.0])).pow(2).sum()
    penalty.backward()
    assert weight.grad.tolist() == [72, 256]


def test_gradient_of_a_write_into_a_view_is_batched():
    def f(x):
        y = x * 1
        y[0].mul_(3)
        return y

    assert jacrev(f)(torch.ones(2)).tolist() == [[3, 0], [0, 1]]


def test_print_inside():
    seen = []
    torch.vmap(lambda x: seen.append(repr(x)) or x)(torch.tensor([1.0, 2.0]))
    assert seen[0].startswith("BatchedTensor(lvl=1, bdim=0, value=") and "[1., 2.]" in seen[0]


def test_named_results_keep_their_type():
    x = torch.randn(3, 4)
    result = torch.func.vmap(lambda row: torch.max(row, 0))(x)
    assert type(result) is torch.return_types.max
    assert torch.equal(result.values, x.amax(1)) and torch.equal(result.indices, x.argmax(1))
    assert torch.equal(torch.func.vmap(torch.aminmax)(x).min, x.amin(1))
