"""What Module promises, shown as short programs whose outcome must be PyTorch's. Without torch they must only run."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections import OrderedDict

import pytest

import facula

try:
    import torch
except ImportError:
    torch = None


def outcome(program, framework):
    """What the program returns, or the type and text of what it raises, plus the warnings' texts."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        framework.manual_seed(0)
        try:
            result = program(framework, framework.nn)
        except Exception as error:
            result = (type(error).__mro__[-4:], str(error).split(". Did you mean")[0].replace("facula", "torch"))
    return result, [str(w.message) for w in caught]


def same_outcome(program):
    ours = outcome(program, facula)
    if torch is not None:
        assert ours == outcome(program, torch)
    return ours[0]


def net(t, nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(3, 4)
            self.act = nn.Sequential(nn.ReLU(), nn.Dropout(0.0))
            self.fc2 = nn.Linear(4, 2, bias=False)
            self.norm = nn.BatchNorm1d(2)
            self.scale = nn.Parameter(t.ones(2))
            self.register_buffer("offset", t.zeros(2))
            self.register_buffer("scratch", t.zeros(1), persistent=False)
            self.register_buffer("nothing", None)
            self.tied = self.fc1

        def forward(self, x, gain=1.0):
            return self.norm(self.fc2(self.act(self.fc1(x)))) * self.scale * gain + self.offset

    return Net()


def numbers(tensor, digits=4):
    return [round(v, digits) for v in tensor.detach().flatten().tolist()]


PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


@program
def walking(t, nn):
    m = net(t, nn)
    return (
        [n for n, _ in m.named_parameters()],
        [n for n, _ in m.named_parameters(remove_duplicate=False)],
        [n for n, _ in m.named_parameters(prefix="p", recurse=False)],
        [n for n, _ in m.named_buffers()],
        [n for n, _ in m.named_children()],
        [n for n, _ in m.named_modules()],
        [n for n, _ in m.named_modules(prefix="q", remove_duplicate=False)],
        len(list(m.parameters())), len(list(m.buffers())), len(list(m.children())), len(list(m.modules())),
    )  # fmt: skip


@program
def text(t, nn):
    class Odd(nn.Module):
        def extra_repr(self):
            return "first\nsecond"

    odd = Odd()
    odd.child = Odd()
    return repr(net(t, nn)), repr(odd), repr(nn.Module()), repr(nn.Sequential()), repr(nn.Sequential(odd, odd))


@program
def containers(t, nn):
    s = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    s.append(nn.Sigmoid())
    plain = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.SELU())
    plain.insert(1, nn.Linear(1, 1))
    doubled = plain * 2 + nn.Sequential(nn.GELU())
    del doubled[0]
    doubled[0] = nn.Identity()
    popped = doubled.pop(-1)
    plain *= 2
    plain += nn.Sequential(nn.ELU())
    layers = nn.ModuleList([nn.Linear(1, 1) for _ in range(3)] + [nn.ReLU()])
    layers.insert(1, nn.Tanh())
    layers += [nn.Tanh()]
    del layers[0]
    choices = nn.ModuleDict({"b": nn.ReLU(), "a": nn.Tanh()})
    choices["c"] = nn.Linear(1, 2)
    choices.update([("d", nn.ReLU())])
    gone, tail = choices.pop("b"), [nn.ReLU()]
    return [repr(x) for x in (s, s[1:], plain, doubled, popped, layers, layers[1:], layers + tail, layers.pop(0),
                              nn.ModuleList(), choices, gone)], list(choices), "a" in choices, len(layers)  # fmt: skip


@program
def parameter_containers(t, nn):
    values = nn.ParameterList([t.zeros(2, 3), nn.Parameter(t.ones(1)), "text"])
    values.append(t.zeros(()))
    named = nn.ParameterDict({"b": t.zeros(2), "a": t.ones(3), "n": 5})
    named |= nn.ParameterDict({"z": t.zeros(1)})
    return (
        repr(values), repr(values[1:]), repr(named).replace("facula", "torch"), list(values.state_dict()),
        list(named.state_dict()), named.pop("n"), list(named.keys()), named.popitem()[0], named.get("x", 3), len(named),
        named.setdefault("s", 4), list(named.fromkeys(["u", "v"])),
    )  # fmt: skip


@program
def state_round_trip(t, nn):
    a, b = net(t, nn), net(t, nn)
    a(t.randn(5, 3))
    result = b.load_state_dict(a.state_dict())
    same = all(t.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
    state = a.state_dict(prefix="m.", keep_vars=True)
    metadata = dict(a.state_dict()._metadata)
    return repr(result), same, list(state), state["m.scale"] is a.scale, metadata, type(state) is OrderedDict


@program
def state_errors(t, nn):
    m = net(t, nn)
    state = m.state_dict()
    del state["fc2.weight"]
    state["fc1.weight"] = t.zeros(2, 2)
    state["fc1.bias"] = 3
    state["extra"] = t.zeros(1)
    state["act.0.extra"] = t.zeros(1)
    m.load_state_dict(state)


@program
def state_not_strict(t, nn):
    m = net(t, nn)
    state = m.state_dict()
    del state["fc2.weight"]
    state["extra"] = t.zeros(1)
    return repr(m.load_state_dict(state, strict=False)), tuple(m.load_state_dict(state, strict=False))


@program
def state_of_the_wrong_type(t, nn):
    nn.Linear(1, 1).load_state_dict([1])


@program
def state_assigned(t, nn):
    m = nn.Linear(2, 1)
    weight = t.ones(1, 2)
    m.load_state_dict({"weight": weight, "bias": t.zeros(1)}, assign=True)
    return m.weight.data_ptr() == weight.data_ptr(), m.weight.requires_grad, type(m.weight) is nn.Parameter


@program
def state_of_an_old_batch_norm(t, nn):
    state = {k: v for k, v in nn.BatchNorm1d(2).state_dict().items() if k != "num_batches_tracked"}
    return repr(nn.BatchNorm1d(2).load_state_dict(state))


@program
def extra_state(t, nn):
    class Counting(nn.Module):
        count = 3

        def get_extra_state(self):
            return self.count

        def set_extra_state(self, state):
            self.count = state

    a, b = nn.Sequential(Counting()), nn.Sequential(Counting())
    a[0].count = 7
    b.load_state_dict(a.state_dict())
    return dict(a.state_dict()), b[0].count, repr(outcome(lambda t, nn: b.load_state_dict({}), t)[0])


@program
def state_hooks(t, nn):
    log = []
    m = nn.Sequential(nn.Linear(1, 1))
    m.register_state_dict_pre_hook(lambda module, prefix, keep: log.append(("pre", prefix, keep)))
    m.register_state_dict_post_hook(lambda module, state, prefix, meta: state.pop("0.bias") is None)
    return_nothing = m._register_state_dict_hook(lambda module, state, prefix, meta: log.append(("post", list(state))))
    m.register_load_state_dict_pre_hook(lambda module, state, *rest: state.update({"0.bias": t.zeros(1)}))
    m.register_load_state_dict_post_hook(lambda module, keys: log.append((list(keys.missing_keys), module is m)))
    log.append(repr(outcome(lambda t, nn: m.state_dict(), t)[0]))
    return_nothing.remove()
    log.append(repr(m.load_state_dict({"0.weight": t.ones(1, 1)})))
    log.append(m[0].bias.item())
    return log


@program
def paths(t, nn):
    m = net(t, nn)
    m.set_submodule("act.1", nn.Tanh())
    found = [repr(m.get_submodule(p)) for p in ("", "act", "act.1")]
    return found, m.get_parameter("fc1.bias") is m.fc1.bias, m.get_buffer("norm.running_mean") is m.norm.running_mean


@program
def attributes(t, nn):
    m = net(t, nn)
    m.plain = 3
    m.fc1 = None
    m.scale = None
    m.offset = t.ones(2)
    m.act = nn.Tanh()
    m.plain = nn.Parameter(t.zeros(1))  # moves from the plain attributes to the parameters
    m.stats = nn.Buffer(t.zeros(1), persistent=False)
    del m.norm
    names = [n for n in dir(m) if n in ("plain", "fc1", "scale", "offset", "stats", "norm", "fc2")]
    return (
        list(m._parameters),
        list(m._buffers),
        list(m._modules),
        m._non_persistent_buffers_set,
        names,
        hasattr(m, "no"),
    )


@program
def modes(t, nn):
    m = net(t, nn)
    m.eval()
    off = [x.training for x in m.modules()]
    m.act.train()
    m.requires_grad_(False)
    seen = []
    m.apply(lambda x: seen.append(type(x).__name__))
    return off, [x.training for x in m.modules()], [p.requires_grad for p in m.parameters()], seen


@program
def zero_grad(t, nn):
    m = nn.Linear(2, 1)
    m(t.ones(1, 2)).sum().backward()
    m.zero_grad(set_to_none=False)
    kept = m.weight.grad.tolist()
    m.zero_grad()
    return kept, m.weight.grad


@program
def conversions(t, nn):
    m = net(t, nn)
    weight = m.fc1.weight
    found = []
    for convert in (
        lambda: m.double(), lambda: m.float(), lambda: m.half(), lambda: m.bfloat16(), lambda: m.to(t.float64),
        lambda: m.to("cpu", t.float32), lambda: m.to(t.zeros(1, dtype=t.float64)), lambda: m.to(dtype=t.float32),
        lambda: m.cpu(), lambda: m.to(device="cpu"), lambda: m.to(t.device("cpu"), non_blocking=True),
    ):  # fmt: skip
        assert convert() is m
        found.append([str(v.dtype) for v in m.state_dict().values()])
    return found, m.fc1.weight is weight, m.fc1.weight.is_leaf


@program
def gradients_follow_conversions(t, nn):
    m = nn.Linear(2, 1)
    m(t.ones(1, 2)).sum().backward()
    m.double()
    return str(m.weight.grad.dtype), m.weight.grad.tolist()


@program
def forward_hooks(t, nn):
    log = []
    m = nn.Linear(2, 1)
    m.register_forward_pre_hook(lambda module, args: log.append("second"))
    m.register_forward_pre_hook(lambda module, args: log.append("first") or args[0] * 0, prepend=True)
    after = m.register_forward_hook(lambda module, args, out: out + 1)
    m.register_forward_hook(lambda module, args, kwargs, out: log.append(sorted(kwargs)), with_kwargs=True)
    one = numbers(m(t.ones(1, 2)) - m.bias)
    after.remove()
    after.remove()
    return one, numbers(m(t.ones(1, 2)) - m.bias), log


@program
def hooks_with_keywords(t, nn):
    m = net(t, nn).eval()
    with m.register_forward_pre_hook(lambda module, args, kwargs: (args, {"gain": 0.0}), with_kwargs=True):
        inside = numbers(m(t.ones(1, 3), gain=2.0))
    m.register_forward_pre_hook(lambda module, args, kwargs: 3, with_kwargs=True)
    return inside, repr(outcome(lambda t, nn: m(t.ones(1, 3)), t)[0])


@program
def hook_always_called(t, nn):
    log = []
    m = nn.Linear(2, 1)
    m.register_forward_hook(lambda module, args, out: log.append(out), always_call=True)
    return type(outcome(lambda t, nn: m("no tensor"), t)[0]).__name__, log


@program
def global_hooks(t, nn):
    log = []
    module = nn.modules.module
    handles = [
        module.register_module_forward_pre_hook(lambda m, args: log.append(("pre", type(m).__name__))),
        module.register_module_forward_hook(lambda m, args, out: log.append(("post", type(m).__name__))),
    ]
    model = nn.Sequential(nn.ReLU())
    model(t.ones(1))
    for handle in handles:
        handle.remove()
    model(t.ones(1))
    return log


@program
def backward_hooks(t, nn):
    log = []
    m = nn.Linear(2, 2)
    m.weight.data.fill_(2.0)
    m.register_full_backward_pre_hook(lambda module, out: log.append(numbers(out[0])) or (out[0] * 3,))
    m.register_full_backward_hook(lambda module, i, o: log.append((numbers(i[0]), numbers(o[0]))) or (i[0] * 10,))
    x = t.ones(1, 2, requires_grad=True)
    m(x).sum().backward()
    return log, numbers(x.grad), numbers(m.weight.grad)


@program
def backward_hooks_on_tuples(t, nn):
    class Pair(nn.Module):
        def forward(self, a, b, scale):
            return a * scale, (b * 2).detach(), a * b

    log = []
    m = Pair()
    m.register_full_backward_hook(
        lambda module, i, o: log.append(([g is None for g in i], [g is None for g in o], numbers(i[0])))
    )
    a, b = t.ones(2, requires_grad=True), t.ones(2, requires_grad=True)
    first, second, third = m(a, b, 4.0)
    (first + third).sum().backward()
    return log, numbers(a.grad), numbers(b.grad), second.requires_grad


@program
def backward_hook_without_input_gradients(t, nn):
    log = []
    m = nn.Linear(2, 1)
    m.register_full_backward_hook(lambda module, i, o: log.append((i, numbers(o[0]))))
    m(t.ones(1, 2)).sum().backward()
    return log


@program
def wrong_number_of_gradients(t, nn):
    m = nn.Linear(2, 1)
    m.register_full_backward_hook(lambda module, i, o: (i[0], i[0]))
    m(t.ones(1, 2, requires_grad=True)).sum().backward()


@program
def copies(t, nn):
    m = net(t, nn)
    x = t.randn(4, 3)
    m.eval()
    deep = copy.deepcopy(m)
    with t.no_grad():
        m.scale.fill_(0.0)
    return (
        numbers(deep(x)) != numbers(m(x)),
        deep.tied is deep.fc1,
        deep.scale.requires_grad,
        type(deep.scale) is nn.Parameter,
    )


@program
def hooks_survive_copies(t, nn):
    m = nn.Linear(2, 1)
    m.register_forward_hook(plus_one)
    again = [copy.deepcopy(m), pickle.loads(pickle.dumps(m))]
    x = t.ones(1, 2)
    return [numbers(c(x)) == numbers(m(x)) != numbers(m.forward(x)) for c in again]


def plus_one(module, args, out):
    return out + 1


@program
def parameters_of_their_own(t, nn):
    data = t.zeros(2)
    p = nn.Parameter(data)
    frozen = nn.Parameter(data, requires_grad=False)
    deep = copy.deepcopy(frozen)
    p.tag = "kept"
    unpickled = pickle.loads(pickle.dumps(p))
    stream = io.BytesIO()
    pickle.dump(frozen, stream)
    return (
        repr(p), repr(frozen), p.data_ptr() == data.data_ptr(), p.is_leaf, type(p * 2) is t.Tensor, deep.requires_grad,
        type(deep) is nn.Parameter, type(unpickled) is nn.Parameter, unpickled.requires_grad, unpickled.tag,
        nn.Parameter().numel(), isinstance(nn.Buffer(data), nn.Buffer), isinstance(data, nn.Parameter),
    )  # fmt: skip


ERRORS = {
    "missing attribute": lambda t, nn: nn.Linear(1, 1).wrong,
    "missing forward": lambda t, nn: nn.Module()(1),
    "constructor keyword": lambda t, nn: nn.Sigmoid(wrong=1),
    "constructor argument": lambda t, nn: nn.Sigmoid(1, 2),
    "tensor to parameter": lambda t, nn: setattr(nn.Linear(1, 1), "weight", t.zeros(1, 1)),
    "number to parameter": lambda t, nn: setattr(nn.Linear(1, 1), "weight", 3),
    "number to module": lambda t, nn: setattr(nn.Sequential(nn.ReLU()), "0", 3),
    "number to buffer": lambda t, nn: setattr(nn.BatchNorm1d(1), "running_mean", 3),
    "parameter before init": lambda t, nn: setattr(early(nn), "w", nn.Parameter(t.zeros(1))),
    "module before init": lambda t, nn: setattr(early(nn), "w", nn.ReLU()),
    "register parameter early": lambda t, nn: early(nn).register_parameter("w", None),
    "register buffer early": lambda t, nn: early(nn).register_buffer("w", None),
    "parameter name": lambda t, nn: nn.Module().register_parameter("a.b", None),
    "empty parameter name": lambda t, nn: nn.Module().register_parameter("", None),
    "parameter name type": lambda t, nn: nn.Module().register_parameter(3, None),
    "parameter taken": lambda t, nn: nn.Module().register_parameter("forward", None),
    "parameter taken by buffer": lambda t, nn: nn.BatchNorm1d(1).register_parameter("running_mean", None),
    "parameter type": lambda t, nn: nn.Module().register_parameter("a", t.zeros(1)),
    "parameter no leaf": lambda t, nn: nn.Module().register_parameter("a", no_leaf(t, nn)),
    "buffer name": lambda t, nn: nn.Module().register_buffer("a.b", None),
    "buffer taken": lambda t, nn: nn.Linear(1, 1).register_buffer("weight", None),
    "buffer type": lambda t, nn: nn.Module().register_buffer("a", 3),
    "module name": lambda t, nn: nn.Module().add_module("a.b", None),
    "empty module name": lambda t, nn: nn.Module().add_module("", None),
    "module type": lambda t, nn: nn.Module().add_module("a", 3),
    "module taken": lambda t, nn: nn.Linear(1, 1).add_module("weight", nn.ReLU()),
    "submodule missing": lambda t, nn: nn.Linear(1, 1).get_submodule("a.b"),
    "submodule is parameter": lambda t, nn: nn.Linear(1, 1).get_submodule("weight"),
    "parameter missing": lambda t, nn: nn.Linear(1, 1).get_parameter("wrong"),
    "parameter is module": lambda t, nn: nn.Sequential(nn.ReLU()).get_parameter("0"),
    "buffer is parameter": lambda t, nn: nn.Linear(1, 1).get_buffer("weight"),
    "set nothing": lambda t, nn: nn.Module().set_submodule("", nn.ReLU()),
    "set no module": lambda t, nn: nn.Module().set_submodule("a", 3),
    "set strictly": lambda t, nn: nn.Module().set_submodule("a", nn.ReLU(), strict=True),
    "train": lambda t, nn: nn.ReLU().train(1),
    "to integers": lambda t, nn: nn.Linear(1, 1).to(t.int64),
    "sequential index": lambda t, nn: nn.Sequential(nn.ReLU())[1],
    "sequential type": lambda t, nn: nn.Sequential(3),
    "sequential times": lambda t, nn: nn.Sequential(nn.ReLU()) * 0,
    "sequential times text": lambda t, nn: nn.Sequential(nn.ReLU()) * "a",
    "sequential plus": lambda t, nn: nn.Sequential(nn.ReLU()) + list("a"),
    "sequential insert": lambda t, nn: nn.Sequential(nn.ReLU()).insert(9, nn.ReLU()),
    "list index": lambda t, nn: nn.ModuleList([nn.ReLU()])[5],
    "list extend": lambda t, nn: nn.ModuleList(3),
    "dict update": lambda t, nn: nn.ModuleDict(3),
    "dict key": lambda t, nn: nn.ModuleDict()["a"],
    "dict length": lambda t, nn: nn.ModuleDict([("a", nn.ReLU(), 3)]),
    "parameter list call": lambda t, nn: nn.ParameterList()(1),
    "parameter list extend": lambda t, nn: nn.ParameterList(t.zeros(2)),
    "dropout": lambda t, nn: nn.Dropout(1.5),
    "conv groups": lambda t, nn: nn.Conv2d(3, 4, 1, groups=2),
    "conv same": lambda t, nn: nn.Conv2d(3, 4, 1, stride=2, padding="same"),
    "conv input": lambda t, nn: nn.Conv2d(3, 4, 1)(t.zeros(2, 3)),
    "batch norm input": lambda t, nn: nn.BatchNorm2d(3)(t.zeros(2, 3)),
    "batch norm one value": lambda t, nn: nn.BatchNorm1d(3)(t.zeros(1, 3)),
    "group norm": lambda t, nn: nn.GroupNorm(2, 3),
    "layer norm": lambda t, nn: nn.LayerNorm(4)(t.zeros(2, 3)),
    "embedding padding": lambda t, nn: nn.Embedding(3, 2, padding_idx=3),
    "softmax2d": lambda t, nn: nn.Softmax2d()(t.zeros(2)),
    "prelu": lambda t, nn: nn.PReLU(3)(t.zeros(2, 4)),
    "glu": lambda t, nn: nn.GLU()(t.zeros(2, 3)),
    "reduction": lambda t, nn: nn.MSELoss(reduction="wrong")(t.zeros(2), t.zeros(2)),
    "old reduction": lambda t, nn: nn.MSELoss(size_average=False).reduction,
    "broadcast loss": lambda t, nn: nn.MSELoss()(t.zeros(2), t.zeros(1)).item(),
    "bce sizes": lambda t, nn: nn.BCELoss()(t.zeros(2), t.zeros(3)),
    "bce logits sizes": lambda t, nn: nn.BCEWithLogitsLoss()(t.zeros(2), t.zeros(3)),
    "softmax without dim": lambda t, nn: nn.Softmax()(t.zeros(2, 2)).tolist(),
    "one_hot range": lambda t, nn: nn.functional.one_hot(t.tensor([-1])),
    "parameter of a list": lambda t, nn: nn.Parameter([1.0]),
}
# Ours say more than PyTorch's; type and beginning agree.
LONGER = {"parameter of a list": "'list' object has no attribute 'detach'"}


def early(nn):
    return nn.Module.__new__(nn.Module)


def no_leaf(t, nn):
    return nn.Parameter(t.zeros(1), requires_grad=False).add_(t.zeros(1, requires_grad=True))


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_program(name):
    result = same_outcome(PROGRAMS[name])
    may_raise = ("state_errors", "state_of_the_wrong_type", "wrong_number_of_gradients")
    raised = isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], tuple) and Exception in result[0]
    assert raised == (name in may_raise), result


@pytest.mark.parametrize("name", list(ERRORS))
def test_error_or_warning(name):
    if name not in LONGER:
        same_outcome(ERRORS[name])
        return
    result, _ = outcome(ERRORS[name], facula)
    assert result[1].startswith(LONGER[name])


def test_missing_attribute_suggests_the_nearest_name():
    model = net(facula, facula.nn)
    with pytest.raises(AttributeError, match=r"'Net' object has no attribute 'fc3'. Did you mean: 'fc[12]'\?"):
        model.fc3  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'entirely_else'$"):
        model.entirely_else  # noqa: B018


def test_a_module_without_hooks_makes_one_frame_around_forward():
    import sys

    class Depth(facula.nn.Module):
        def forward(self):
            return sys._getframe().f_back.f_back is caller

    caller = sys._getframe()
    assert Depth()()
