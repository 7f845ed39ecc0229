"""__torch_function__ of classes that are not tensors, of subclasses, and of modes."""

import pickle

import pytest

import facula as torch
from facula import overrides


class Seen:
    """Not a tensor; remembers the call."""

    def __init__(self):
        self.calls = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.calls.append((func, types, args, kwargs or {}))
        return "seen"


X = torch.ones(2)

CALLS = [
    (lambda d: torch.mean(d), torch.mean),
    (lambda d: torch.add(d, 2), torch.add),
    (lambda d: torch.add(X, d), torch.add),
    (lambda d: X.add(d), torch.Tensor.add),
    (lambda d: X.add_(d), torch.Tensor.add_),
    (lambda d: X.sum(dim=d), torch.Tensor.sum),
    (lambda d: X + d, torch.Tensor.add),
    (lambda d: d + X, torch.Tensor.add),
    (lambda d: X @ d, torch.Tensor.matmul),
    (lambda d: X == d, torch.Tensor.eq),
    (lambda d: X < d, torch.Tensor.lt),
    (lambda d: X[d], torch.Tensor.__getitem__),
    (lambda d: torch.cat([X, d]), torch.cat),
    (lambda d: torch.stack((d,)), torch.stack),
    (lambda d: torch.where(d, X, X), torch.where),
    (lambda d: X.view(d), torch.Tensor.view),
    (lambda d: torch.exp(X, out=d), torch.exp),
    (lambda d: torch.nn.functional.linear(X, d), torch.nn.functional.linear),
    (lambda d: torch.max(d), torch.max),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_an_object_that_is_no_tensor_sees_the_call(number):
    call, function = CALLS[number]
    d = Seen()
    assert call(d) == "seen"
    ((func, types, args, kwargs),) = d.calls
    assert func == function and types == (Seen,)
    held = [
        item for value in (*args, *kwargs.values()) for item in (value if isinstance(value, (list, tuple)) else [value])
    ]
    assert any(value is d for value in held)


def test_in_place_forms():
    d, x = Seen(), torch.ones(2)
    x[0] = d
    x += d
    assert x == "seen" and [call[0] for call in d.calls] == [torch.Tensor.__setitem__, torch.Tensor.add_]


def test_other_objects_are_refused_as_before():
    with pytest.raises(TypeError, match="must be Tensor"):
        torch.mean(object())
    with pytest.raises(TypeError):
        X + object()


def test_order_and_refusal():
    order = []

    class Base:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            order.append(cls.__name__)
            return NotImplemented

    class Derived(Base):
        pass

    class Other(Base):
        pass

    with pytest.raises(TypeError, match=r"no implementation found for .*where"):
        torch.where(Base(), Other(), Derived())
    assert order == ["Other", "Derived", "Base"]


def test_subclass_sees_indexing_and_in_place_operators():
    names = []

    class Tagged(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            names.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs)

    x = torch.ones(3).as_subclass(Tagged)
    names.clear()
    y = x[1:]
    x[0] = 5.0
    x += 1
    assert type(y) is Tagged and names == ["__getitem__", "__setitem__", "add_"]
    assert x.tolist() == [6.0, 2.0, 2.0]


def test_a_class_may_opt_out():
    class Plain(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    x = torch.ones(2).as_subclass(Plain)
    assert type(x + 1) is torch.Tensor and type(x[0]) is torch.Tensor


def test_modes_nest_and_end():
    log = []

    class Log(overrides.TorchFunctionMode):
        def __init__(self, name):
            self.name = name

        def __torch_function__(self, func, types, args=(), kwargs=None):
            log.append((self.name, func.__name__))
            return func(*args, **(kwargs or {}))

    with Log("outer"), Log("inner"):
        y = torch.exp(X) + 1
        assert torch.allclose(y, X.exp() + 1)
    count = len(log)
    assert log[:4] == [("inner", "exp"), ("outer", "exp"), ("inner", "add"), ("outer", "add")]
    torch.exp(X)
    assert len(log) == count


def test_the_module_says_who_dispatches():
    assert overrides.is_tensor_like(Seen()) and not overrides.is_tensor_like(3)
    assert overrides.has_torch_function((X, Seen())) and not overrides.has_torch_function_variadic(X, 3)
    functions = overrides.get_overridable_functions()
    assert torch.add in functions[torch] and torch.Tensor.add in functions[torch.Tensor]
    assert not overrides.get_ignored_functions() & set(functions[torch])
    assert overrides.resolve_name(torch.mean) == "torch.mean" and overrides.resolve_name(len) is None
    with pytest.raises(TypeError, match="relevant"):
        overrides.handle_torch_function(torch.mean, (X,), X)


def test_parameters_are_plain():
    assert not overrides.has_torch_function_unary(torch.nn.Parameter(X))
    assert pickle.loads(pickle.dumps(torch.mean)) is torch.mean
