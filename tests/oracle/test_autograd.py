"""The autograd protocol against live torch: every scenario runs in both packages and must leave the same traces."""

from __future__ import annotations

import gc
import warnings
import weakref

import pytest
import torch
from compare import call

import facula

SCENARIOS = {}


def scenario(function):
    """The function takes a package and returns plain values; exceptions count as values by their type."""
    SCENARIOS[function.__name__] = function
    return function


def attempt(function, *args, **kwargs):
    _, error = call(function, *args, **kwargs)
    known = (IndexError, TypeError, ValueError, AttributeError, RuntimeError)
    return "fine" if error is None else next(k.__name__ for k in known if isinstance(error, k))


def leaf(p, *values):
    return p.tensor(values or (1.0, 2.0, 3.0), dtype=p.float64, requires_grad=True)


def listed(tensors):
    return [None if t is None else t.tolist() for t in tensors]


@scenario
def retain_graph(p):
    x = leaf(p)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    first = x.grad.tolist()
    y.backward()
    return first, x.grad.tolist(), attempt(y.backward), x.grad.tolist()


@scenario
def released_graph_of_operations_that_save_nothing(p):
    x = leaf(p)
    y = (x + 1).sum()
    y.backward()
    return attempt(y.backward), x.grad.tolist()


@scenario
def saved_values_stay_after_failed_backward(p):
    x = leaf(p)
    y = x * x
    return attempt(y.backward), attempt(y.sum().backward), x.grad.tolist()


@scenario
def create_graph(p):
    x = leaf(p)
    y = (x**3).sum()
    (g,) = p.autograd.grad(y, x, create_graph=True)
    (h,) = p.autograd.grad(g.sum(), x, create_graph=True)
    (i,) = p.autograd.grad(h.sum(), x)
    return g.tolist(), g.requires_grad, h.tolist(), i.tolist(), i.requires_grad


@scenario
def backward_with_create_graph(p):
    x = leaf(p)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (x**3).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    g.sum().backward()
    return g.tolist(), g.requires_grad, x.grad.tolist()


@scenario
def double_backward_of_chain(p):
    x = leaf(p, 0.3, -0.7)
    y = (x.sin() * x.exp()).tanh().sum()
    (g,) = p.autograd.grad(y, x, create_graph=True)
    (g * g).sum().backward()
    return [round(v, 12) for v in x.grad.tolist()]


@scenario
def gradient_argument(p):
    x = leaf(p)
    y = x * 2
    y.backward(p.tensor([1.0, 0.5, 0.0], dtype=p.float64))
    return x.grad.tolist(), attempt((x * 2).backward), attempt((x * 2).backward, p.ones(2, dtype=p.float64))


@scenario
def inputs_of_backward(p):
    x, w = leaf(p), leaf(p)
    y = x * w
    (y * y).sum().backward(inputs=[x], retain_graph=True)
    first = x.grad.tolist(), w.grad
    (y * y).sum().backward(inputs=[y, w])
    return first, y.grad.tolist(), w.grad.tolist(), attempt((x * w).sum().backward, inputs=[])


@scenario
def grad_of_intermediate(p):
    x = leaf(p)
    y = x * 2
    z = (y * y).sum()
    return listed(p.autograd.grad(z, [y, x], retain_graph=True)), listed(p.autograd.grad(z, (x,))), x.grad


@scenario
def grad_of_output_itself(p):
    x = leaf(p)
    y = x.sum()
    return listed(p.autograd.grad(y, y, retain_graph=True)), listed(p.autograd.grad(y, [y, x]))


@scenario
def allow_unused(p):
    x, w = leaf(p), leaf(p)
    y = (x * 2).sum()
    return (
        attempt(p.autograd.grad, y, [x, w], retain_graph=True),
        listed(p.autograd.grad(y, [x, w], allow_unused=True, retain_graph=True)),
        listed(p.autograd.grad(y, [x, w], materialize_grads=True)),
    )


@scenario
def several_outputs(p):
    x = leaf(p)
    a, b = x * 2, x.sum()
    ones = p.ones(3, dtype=p.float64)
    grads = p.autograd.grad([a, b], x, [ones, None], retain_graph=True)
    p.autograd.backward([a, b], [ones, None])
    return listed(grads), x.grad.tolist()


@scenario
def accumulation(p):
    x = leaf(p)
    (x * 1).sum().backward()
    grad = x.grad
    (x * 2).sum().backward()
    same = x.grad is grad
    x.grad = None
    (x * 3).sum().backward()
    return same, grad.tolist(), x.grad.tolist()


@scenario
def gradient_is_not_shared_with_another_leaf(p):
    x, w = leaf(p), leaf(p)
    (x + w).sum().backward()
    x.grad.mul_(5)
    (x + w).sum().backward()
    return x.grad.tolist(), w.grad.tolist()


@scenario
def broadcast_gradients(p):
    a = p.ones(2, 1, 3, dtype=p.float64, requires_grad=True)
    b = p.ones(4, 1, dtype=p.float64, requires_grad=True)
    c = p.ones((), dtype=p.float64, requires_grad=True)
    (a * b + c).sum().backward()
    return a.grad.tolist(), b.grad.tolist(), c.grad.tolist()


@scenario
def gradient_dtype_follows_input(p):
    x = p.ones(2, requires_grad=True)
    w = p.ones(2, dtype=p.float64, requires_grad=True)
    (x * w).sum().backward()
    return str(x.grad.dtype), str(w.grad.dtype)


@scenario
def diamond(p):
    x = leaf(p)
    y = x * 2
    (y * y + y.exp() * 0 + y).sum().backward()
    return x.grad.tolist()


@scenario
def tensor_hooks(p):
    trace = []
    x = leaf(p)
    y = x * 2
    first = y.register_hook(lambda g: trace.append(("y", g.tolist())))
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: trace.append(("y again", g.tolist())))
    x.register_hook(lambda g: g + 1)
    y.sum().backward(retain_graph=True)
    one = x.grad.tolist()
    first.remove()
    y.sum().backward()
    return trace, one, x.grad.tolist()


@scenario
def hook_errors(p):
    x = leaf(p)
    plain = p.ones(2)

    def fail(g):
        raise KeyError("from the hook")

    y = x * 2
    y.register_hook(fail)
    _, error = call(y.sum().backward)
    return attempt(plain.register_hook, print), type(error).__name__, x.grad, attempt(wrong_hook_shape, p)


def wrong_hook_shape(p):
    x = leaf(p)
    x.register_hook(lambda g: p.ones(7, dtype=p.float64))
    x.sum().backward()


@scenario
def hooks_and_retained_gradients(p):
    x = leaf(p)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 3)
    before = y.retains_grad
    y.sum().backward()
    return before, y.grad.tolist(), x.grad.tolist(), attempt(p.ones(2).retain_grad), x.retains_grad


@scenario
def post_accumulate_hook(p):
    trace = []
    x = leaf(p)
    handle = x.register_post_accumulate_grad_hook(lambda t: trace.append((t is x, t.grad.tolist())))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    return trace, x.grad.tolist(), attempt((x * 2).register_post_accumulate_grad_hook, print)


@scenario
def node_hooks(p):
    trace = []
    x = leaf(p)
    y = x * 2
    node = y.grad_fn
    node.register_prehook(lambda grads: trace.append(("pre", listed(grads))))
    handle = node.register_hook(lambda inputs, outputs: trace.append(("post", listed(inputs), listed(outputs))))
    y.sum().backward(retain_graph=True)
    handle.remove()
    node.register_prehook(lambda grads: (grads[0] * 2,))
    y.sum().backward()
    return trace, x.grad.tolist()


@scenario
def graph_structure(p):
    x = leaf(p)
    y = (x * 2 + x).sum()
    names, seen = [], [y.grad_fn]
    while seen:
        node = seen.pop(0)
        names.append(node.name().replace("torch::autograd::", ""))
        seen.extend(parent for parent, _ in node.next_functions if parent is not None)
    accumulate = (x + 1).grad_fn.next_functions[0][0]
    return (
        names, accumulate.variable is x, (x + 1).grad_fn.next_functions[1], x.grad_fn, y.is_leaf, x.is_leaf,
        [index for _, index in (x.unbind()[2] * 2).grad_fn.next_functions], x.unbind()[2].output_nr,
    )  # fmt: skip


@scenario
def grad_modes(p):
    x = leaf(p)

    @p.no_grad()
    def silent():
        return x * 2

    @p.enable_grad()
    def loud():
        return x * 2

    @p.inference_mode()
    def inference():
        return x * 2

    flags = [silent().requires_grad, p.is_grad_enabled()]
    with p.no_grad():
        flags += [p.is_grad_enabled(), loud().requires_grad, (x * 2).requires_grad]
        with p.set_grad_enabled(True):
            flags.append((x * 2).requires_grad)
        flags.append(p.is_grad_enabled())
    p.set_grad_enabled(False)
    flags.append((x * 2).requires_grad)
    p.set_grad_enabled(True)
    flags += [inference().is_inference(), p.is_inference_mode_enabled(), (x * 2).requires_grad]
    flags.append(attempt(raise_inside_no_grad, p) + str(p.is_grad_enabled()))
    flags.append(silent.__name__)
    return flags


def raise_inside_no_grad(p):
    with p.no_grad():
        raise ValueError


@scenario
def no_grad_generator(p):
    x = leaf(p)

    @p.no_grad()
    def numbers():
        yield (x * 2).requires_grad
        yield (x * 2).requires_grad

    states = []
    for flag in numbers():
        states += [flag, p.is_grad_enabled()]
    return states


@scenario
def inference_tensors(p):
    x = leaf(p)
    with p.inference_mode():
        t = p.ones(3, dtype=p.float64)
        u = t * 2
        u.add_(1)
    return (
        t.is_inference(), u.tolist(), attempt(t.add_, 1), attempt(lambda: (x * t).sum().backward()),
        attempt(t.requires_grad_), (x + u).requires_grad, t.clone().is_inference(), attempt(lambda: t._version),
    )  # fmt: skip


def square_function(p, trace=None):
    class Square(p.autograd.Function):
        @staticmethod
        def forward(ctx, x, power=2):
            ctx.save_for_backward(x)
            ctx.power = power
            return x**power

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            if trace is not None:
                trace.append((ctx.needs_input_grad, grad.tolist()))
            return grad * ctx.power * x ** (ctx.power - 1), None

    return Square


@scenario
def custom_function(p):
    trace = []
    function = square_function(p, trace)
    x = leaf(p)
    y = function.apply(x, 3)
    y.sum().backward()
    return y.tolist(), x.grad.tolist(), trace, y.grad_fn.name(), function.apply(x.detach()).requires_grad


@scenario
def custom_function_twice(p):
    function = square_function(p)
    x = leaf(p)
    (g,) = p.autograd.grad(function.apply(x, 3).sum(), x, create_graph=True)
    (h,) = p.autograd.grad(g.sum(), x)
    return g.tolist(), h.tolist()


@scenario
def custom_function_errors(p):
    class Wrong(p.autograd.Function):
        @staticmethod
        def forward(ctx, x, count):
            ctx.count = count
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return (grad,) * ctx.count if ctx.count < 5 else grad[0:1].expand(7)

    x = leaf(p)
    saved = Wrong.apply(x, 1)
    attempt(saved.sum().backward)
    return (
        [attempt(Wrong.apply(x, count).sum().backward) for count in (1, 3, 5)], attempt(saved.sum().backward),
        attempt(lambda: p.autograd.Function.apply(x)),
    )  # fmt: skip


@scenario
def mark_dirty(p):
    class Double(p.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = leaf(p)
    y = x * 1
    z = Double.apply(y)
    z.sum().backward()
    return z is y, y.tolist(), y.grad_fn.name(), x.grad.tolist(), y._version, attempt(Double.apply, x)


def two_outputs(p, materialize, trace):
    class Two(p.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            trace.append(listed([a, b]))
            return (0 if a is None else a * 2) + (0 if b is None else b * 3)

    return Two


@scenario
def materialize_grads(p):
    trace = []
    for flag in (True, False):
        x = leaf(p)
        two_outputs(p, flag, trace).apply(x)[1].sum().backward()
        trace.append(x.grad.tolist())
    return trace


@scenario
def once_differentiable(p):
    class Once(p.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @p.autograd.function.once_differentiable
        def backward(ctx, grad):
            return 2 * ctx.saved_tensors[0] * grad

    x = leaf(p)
    (g,) = p.autograd.grad(Once.apply(x).sum(), x, create_graph=True)
    return g.tolist(), attempt(g.sum().backward)


@scenario
def non_differentiable_output(p):
    class Order(p.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            index = x.argmax().reshape(1)
            ctx.mark_non_differentiable(index)
            return x * 2, index

        @staticmethod
        def backward(ctx, grad, _):
            return grad * 2

    x = leaf(p)
    y, index = Order.apply(x)
    y.sum().backward()
    return y.requires_grad, index.requires_grad, x.grad.tolist()


@scenario
def setup_context(p):
    class Split(p.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0], output)

        @staticmethod
        def backward(ctx, grad):
            x, y = ctx.saved_tensors
            return grad * 2 * x + 0 * y

    x = leaf(p)
    Split.apply(x).sum().backward()
    return x.grad.tolist()


@scenario
def function_returning_input(p):
    class Same(p.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 7

    x = leaf(p)
    y = Same.apply(x)
    y.sum().backward()
    return y is x, x.grad.tolist(), y.requires_grad


@scenario
def function_graph_changed_in_place(p):
    x = leaf(p)
    y = x * 1
    z = square_function(p).apply(y)
    y.add_(1)
    return attempt(z.sum().backward)


@scenario
def version_errors(p):
    outcomes = []
    for change in (lambda y: y.add_(1), lambda y: y.__setitem__(0, 5.0), lambda y: y.zero_(), lambda y: y.copy_(y + 1)):
        x = leaf(p)
        y = x * 2
        z = (y * y).sum()
        change(y)
        outcomes.append(attempt(z.backward))
    x = leaf(p)
    y = x.exp()
    y.add_(1)
    outcomes.append(attempt(y.sum().backward))
    x = leaf(p)
    y = x.sin()
    y.add_(1)
    outcomes.append(attempt(y.sum().backward))
    return outcomes


@scenario
def leaf_changed_without_grad(p):
    x = leaf(p)
    y = (x * x).sum()
    with p.no_grad():
        x.add_(1)
    return attempt(y.backward), x.requires_grad, x.is_leaf


@scenario
def setting_requires_grad(p):
    x = p.ones(2)
    x.requires_grad = True
    y = x * 2
    z = x.detach()
    flags = [x.requires_grad, y.requires_grad, z.requires_grad, attempt(setattr, y, "requires_grad", False)]
    flags.append(attempt(setattr, p.ones(2, dtype=p.int64), "requires_grad", True))
    x.requires_grad_(False)
    return [*flags, x.requires_grad, (x * 2).requires_grad]


@scenario
def grad_attribute(p):
    x = leaf(p)
    x.grad = p.ones(3, dtype=p.float64)
    (x * 2).sum().backward()
    outcomes = [x.grad.tolist(), attempt(setattr, x, "grad", p.ones(2)), attempt(setattr, x, "grad", "a")]
    outcomes.append(attempt(setattr, x, "grad", p.ones(3)))
    del x.grad
    return [*outcomes, x.grad]


@scenario
def integer_results_have_no_gradient(p):
    x = leaf(p)
    return [
        t.requires_grad
        for t in (x.argmax(), x > 1, x.long(), x.round(), x.sign(), x.max(0).indices, x.max(0).values, x.floor())
    ]


@scenario
def backward_without_graph(p):
    return attempt(p.ones(()).backward), attempt(p.autograd.grad, p.ones(()), p.ones(()))


@scenario
def backward_inside_backward(p):
    class Nested(p.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            with p.enable_grad():
                ctx.x = x.detach().requires_grad_()
                ctx.y = (ctx.x**2).sum()
            return ctx.y.detach()

        @staticmethod
        def backward(ctx, grad):
            ctx.y.backward(grad)
            return ctx.x.grad

    x = leaf(p)
    (Nested.apply(x) * 3).backward()
    return x.grad.tolist()


@scenario
def error_in_backward(p):
    class Broken(p.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            raise KeyError("broken")

    x = leaf(p)
    _, error = call(Broken.apply(x * 1).sum().backward)
    (x * 2).sum().backward()
    return type(error).__name__, x.grad.tolist()


@scenario
def graph_is_freed(p):
    class Marker:
        pass

    x = leaf(p)
    y = x * 2
    y.marker = marker = Marker()
    gone = weakref.ref(marker)
    z = (y * y).sum()
    del y, marker
    kept = gone() is not None
    z.backward()
    del z
    gc.collect()
    return kept, gone() is None


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    assert SCENARIOS[name](facula) == SCENARIOS[name](torch)


def test_anomaly_mode_shows_the_forward_line():
    x = facula.tensor([-1.0], requires_grad=True)
    with (
        pytest.warns(UserWarning, match=r"(?s)Error detected in .*sqrt\(\)  # the culprit"),
        pytest.raises(RuntimeError, match="returned nan values"),
    ):
        with facula.autograd.detect_anomaly(check_nan=True):
            y = x.sqrt()  # the culprit
            y.sum().backward()
    assert not facula.is_anomaly_enabled()


def test_deep_graph_backward_and_freed():
    """A chain of 100,000 operations: no recursion, neither in backward nor when it is dropped."""
    x = facula.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    for _ in range(100_000):
        y = y * 1.0
    del y
    gc.collect()


def test_deep_custom_function_graph_is_freed():
    function = square_function(facula)
    y = facula.ones(2, requires_grad=True)
    before = facula._C._memory_stats()["in_use"]
    for _ in range(20_000):
        y = function.apply(y, 1)
    assert facula._C._memory_stats()["in_use"] - before > 20_000
    y.sum().backward()
    del y
    gc.collect()
    assert facula._C._memory_stats()["in_use"] - before < 20_000
