"""torch.autograd.graph against torch: hooks on saved tensors, on several gradients, edges, allowed writes."""

import pytest
import torch

import facula

BOTH = (facula, torch)


def network(p, hooks):
    """Gradients of a composition under hooks, and how the hooks were used."""
    p.manual_seed(0)
    model = p.nn.Sequential(p.nn.Conv2d(1, 2, 3), p.nn.ReLU(), p.nn.Flatten(), p.nn.Linear(8, 4), p.nn.Tanh())
    x = p.randn(2, 1, 4, 4)
    with hooks:
        loss = model(x).pow(2).logsumexp(0).mean()
    loss.backward()
    return [x for w in model.parameters() for x in w.grad.flatten().tolist()]


def test_gradients_are_the_same_through_hooks():
    for p in BOTH:
        hooks = p.autograd.graph.saved_tensors_hooks(lambda t: t.detach().numpy().copy(), p.from_numpy)
        plain = network(p, p.enable_grad())
        assert network(p, hooks) == pytest.approx(plain, rel=1e-5, abs=1e-7)
        assert network(p, p.autograd.graph.save_on_cpu()) == pytest.approx(plain, rel=1e-5, abs=1e-7)
        assert network(p, p.autograd.graph.save_on_cpu(pin_memory=True)) == pytest.approx(plain, rel=1e-5, abs=1e-7)


FUNCTIONS = {
    "mul": lambda p, x: x * x,
    "exp": lambda p, x: x.exp(),
    "sin": lambda p, x: x.sin(),
    "add": lambda p, x: x + x,
    "matmul": lambda p, x: x @ x.detach(),
    "sum": lambda p, x: x.sum(0),
    "log_softmax": lambda p, x: x.log_softmax(0),
    "sigmoid": lambda p, x: x.sigmoid(),
    "relu": lambda p, x: x.relu(),
    "index": lambda p, x: x[p.tensor([0, 0])],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_packed(name):
    seen = []
    for p in BOTH:
        packed, unpacked = [], []

        def pack(t, packed=packed):
            packed.append((t.tolist(), t.requires_grad))
            return t

        def unpack(t, unpacked=unpacked):
            unpacked.append(t.tolist())
            return t

        x = p.linspace(-1, 1, 4).reshape(2, 2).requires_grad_()
        with p.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = FUNCTIONS[name](p, x)
        y.sum().backward()
        seen.append((packed, unpacked, x.grad.tolist()))
    assert [len(part) for part in seen[0]] == [len(part) for part in seen[1]]
    for ours, theirs in zip(seen[0][0], seen[1][0]):
        assert facula.allclose(facula.tensor(ours[0]).double(), facula.tensor(theirs[0]).double(), atol=1e-6)
        assert ours[1] == theirs[1]


def test_second_derivatives_through_hooks():
    for p in BOTH:
        x = p.tensor([0.5, 1.5], requires_grad=True, dtype=p.float64)
        with p.autograd.graph.saved_tensors_hooks(lambda t: [t], lambda packed: packed[0] * 1):
            y = (x.exp() * x).sum()
            (g,) = p.autograd.grad(y, x, create_graph=True)
            (h,) = p.autograd.grad(g.sum(), x)
        assert p.allclose(h, (x.exp() * (x + 2)).detach())


def test_custom_function_through_hooks():
    for p in BOTH:

        class Cube(p.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x * x * x
                ctx.save_for_backward(x, None, y)
                return y

            @staticmethod
            def backward(ctx, g, p=p):
                x, nothing, y = ctx.saved_tensors
                assert nothing is None and p.equal(y, x**3)
                return 3 * x * x * g

        count = []
        x = p.tensor([2.0, 3.0], requires_grad=True)
        with p.autograd.graph.saved_tensors_hooks(lambda t, c=count: c.append(1) or t.tolist(), p.tensor):
            Cube.apply(x).sum().backward()
        assert x.grad.tolist() == [12.0, 27.0] and len(count) == 2


def outcome(f):
    try:
        return f()
    except Exception as e:
        return type(e), str(e)[:60]


def mistakes(p):
    graph = p.autograd.graph
    x = p.ones(2, requires_grad=True)

    def backward_through(pack, unpack):
        with graph.saved_tensors_hooks(pack, unpack):
            y = x * x
        y.sum().backward()

    def disabled():
        with graph.disable_saved_tensors_hooks("outer"), graph.disable_saved_tensors_hooks("inner"):
            with graph.save_on_cpu():
                pass

    def nested():
        with graph.allow_mutation_on_saved_tensors(), graph.allow_mutation_on_saved_tensors():
            pass

    def outside():
        with graph.allow_mutation_on_saved_tensors():
            y = (x.clone() ** 2).sum()
        y.backward()

    yield outcome(lambda: backward_through(lambda t: t, lambda t: 3))
    yield outcome(lambda: backward_through(lambda t: t.add_(1), lambda t: t))
    yield outcome(lambda: backward_through(lambda t: 1 // 0, lambda t: t))
    yield outcome(lambda: backward_through(lambda t: t, lambda t: 1 // 0))
    yield outcome(disabled)
    yield outcome(nested)
    yield outcome(outside)
    yield outcome(lambda: graph.get_gradient_edge(p.ones(1)))
    yield outcome(lambda: graph.register_multi_grad_hook([x], print, mode="some"))
    yield outcome(lambda: backward_through(lambda t: t, lambda t: t))


def test_mistakes():
    assert list(mistakes(facula)) == list(mistakes(torch))


def multi(p, mode, inputs):
    a, b, c = (p.full((1,), float(i), requires_grad=True) for i in (1, 2, 3))
    middle = a * b
    told = []
    note = (lambda gs: told.append([None if g is None else g.tolist() for g in gs])) if mode == "all" else (
        lambda g: told.append(g.tolist()))  # fmt: skip
    handle = p.autograd.graph.register_multi_grad_hook([a, middle, b, c], note, mode=mode)
    loss = (middle * middle + b).sum()
    loss.backward(retain_graph=True, inputs=[(a, b, c)[i] for i in inputs] or None)
    loss.backward(retain_graph=True)
    handle.remove()
    loss.backward()
    return told


@pytest.mark.parametrize("mode", ["all", "any"])
@pytest.mark.parametrize("inputs", [(), (0,), (1,)])
def test_multi_grad_hook(mode, inputs):
    assert multi(facula, mode, inputs) == multi(torch, mode, inputs)


def edges(p):
    graph = p.autograd.graph
    x = p.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    z = y.sum()
    ex, ey, ez = map(graph.get_gradient_edge, (x, y, z))
    yield ex.node.name(), ey.node.name().replace("torch::autograd::", ""), ey.output_nr, ex.output_nr
    yield [g.tolist() for g in p.autograd.grad(z, [ex, ey], retain_graph=True)]
    yield [g.tolist() for g in p.autograd.grad(ez, x, retain_graph=True)]
    yield [g.tolist() for g in p.autograd.grad([ey], [x], [p.tensor([1.0, 10.0])], retain_graph=True)]
    p.autograd.backward(ez)
    yield x.grad.tolist()
    yield isinstance(y.grad_fn, graph.Node), isinstance(3, graph.Node)
    t = p.ones(2)
    graph.increment_version([t, t])
    yield t._version


def test_edges_and_versions():
    ours, theirs = list(edges(facula)), list(edges(torch))
    assert ours[1:] == theirs[1:] and ours[0][1:] == theirs[0][1:]


def writes(p):
    with p.autograd.graph.allow_mutation_on_saved_tensors() as context:
        a = p.tensor([1.0, 2.0], requires_grad=True)
        b = a.clone()
        view = b[:1]
        first, second = (b**2).sum(), (view * view).sum()
        b.sin_()
        third = (b * b).sum()
        b[0] = 7.0
        view.mul_(2)
        copies = len(context.cloned)
        (first + second + third).backward()
        told = [a.grad.tolist(), b.tolist(), copies > 0]
    return told


def test_allowed_writes():
    ours, theirs = writes(facula), writes(torch)
    assert ours[0] == pytest.approx(theirs[0]) and ours[1] == pytest.approx(theirs[1]) and ours[2] == theirs[2]
