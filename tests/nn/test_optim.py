"""Optimisers and schedules: against torch where it is installed, and on their own for errors, hooks and state."""

import copy
import math
import pickle
import random

import pytest

import facula

SHAPES = [(3, 4), (5,), (), (2, 3, 2)]

CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adam", {}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"maximize": True, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01, "amsgrad": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "weight_decay": 0.01}),
    ("RMSprop", {"centered": True, "maximize": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.01, "initial_accumulator_value": 0.5, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.01, "maximize": True}),
]


def identify(case):
    return f"{case[0]}-{'-'.join(case[1])}"


def numbers(shape, rng):
    """Nested lists of that shape, exact in float32."""
    if not shape:
        return rng.randrange(-64, 65) / 64
    return [numbers(shape[1:], rng) for _ in range(shape[0])]


def make_params(lib, dtype="float32", seed=0):
    rng = random.Random(seed)
    return [lib.tensor(numbers(shape, rng), dtype=getattr(lib, dtype), requires_grad=True) for shape in SHAPES]


def set_grads(lib, params, step, skip=None):
    """The same gradients for every library; one parameter may be left out."""
    rng = random.Random(1000 + step)
    for i, p in enumerate(params):
        grad = lib.tensor(numbers(tuple(p.shape), rng), dtype=p.dtype)
        p.grad = None if i == skip else grad


def flat(values):
    if isinstance(values, (list, tuple)):
        return [x for value in values for x in flat(value)]
    return [values]


def assert_same(ours, theirs, rel):
    for a, b in zip(ours, theirs, strict=True):
        assert flat(a.tolist()) == pytest.approx(flat(b.tolist()), rel=rel, abs=rel)


def convert(value, lib):
    """State of one library with the tensors of another."""
    if hasattr(value, "tolist"):
        return lib.tensor(value.tolist(), dtype=getattr(lib, str(value.dtype).split(".")[-1]))
    if isinstance(value, dict):
        return {k: convert(v, lib) for k, v in value.items()}
    if isinstance(value, list):
        return [convert(v, lib) for v in value]
    return value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=identify)
def test_hundred_steps_as_torch(case, dtype):
    torch = pytest.importorskip("torch")
    name, options = case
    ours, theirs = make_params(facula, dtype), make_params(torch, dtype)
    our_optimizer = getattr(facula.optim, name)(ours, **options)
    their_optimizer = getattr(torch.optim, name)(theirs, **options)
    for step in range(100):
        skip = 1 if step % 7 == 3 else None  # a parameter without gradient falls behind in its step count
        for lib, params, optimizer in ((facula, ours, our_optimizer), (torch, theirs, their_optimizer)):
            set_grads(lib, params, step, skip)
            optimizer.step()
    assert_same(ours, theirs, 2e-5 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_state_goes_to_torch_and_back(case):
    torch = pytest.importorskip("torch")
    name, options = case
    ours, theirs = make_params(facula), make_params(torch)
    our_optimizer = getattr(facula.optim, name)(ours, **options)
    their_optimizer = getattr(torch.optim, name)(theirs, **options)
    for step in range(3):
        set_grads(torch, theirs, step)
        their_optimizer.step()
    for a, b in zip(ours, theirs, strict=True):
        a.data = facula.tensor(b.tolist(), dtype=a.dtype)
    our_optimizer.load_state_dict(convert(their_optimizer.state_dict(), facula))
    for lib, params, optimizer in ((facula, ours, our_optimizer), (torch, theirs, their_optimizer)):
        set_grads(lib, params, 3)
        optimizer.step()
    assert_same(ours, theirs, 1e-5)
    ours_saved, theirs_saved = our_optimizer.state_dict(), their_optimizer.state_dict()
    assert list(ours_saved["param_groups"][0]) == list(theirs_saved["param_groups"][0])
    assert ours_saved["param_groups"] == theirs_saved["param_groups"]
    assert {k: list(v) for k, v in ours_saved["state"].items()} == {
        k: list(v) for k, v in theirs_saved["state"].items()
    }
    for number, state in theirs_saved["state"].items():
        mine = ours_saved["state"][number]
        assert_same(list(mine.values()), list(state.values()), 1e-5)
        assert [str(v.dtype).split(".")[-1] for v in mine.values()] == [
            str(v.dtype).split(".")[-1] for v in state.values()
        ]
    their_optimizer.load_state_dict(convert(ours_saved, torch))


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_composed_path_is_the_same_rule(case):
    name, options = case
    fused, composed = make_params(facula, "float64"), make_params(facula, "float64")
    for p in composed:  # what is recorded may not change leaves that require a gradient
        p.requires_grad_(False)
    fast = getattr(facula.optim, name)(fused, **options)
    slow = getattr(facula.optim, name)(composed, differentiable=True, **options)
    for step in range(10):
        for params, optimizer in ((fused, fast), (composed, slow)):
            set_grads(facula, params, step)
            optimizer.step()
    assert_same(fused, composed, 1e-10)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"])
def test_half_precision_steps(name):
    p = facula.zeros(4, dtype=facula.bfloat16, requires_grad=True)
    p.grad = facula.ones(4, dtype=facula.bfloat16)
    getattr(facula.optim, name)([p], lr=0.5).step()
    assert p.dtype is facula.bfloat16
    assert all(value < 0 for value in p.tolist())


def test_mixed_dtypes_in_one_group():
    params = [facula.ones(2, dtype=dtype, requires_grad=True) for dtype in (facula.float32, facula.float64)]
    for p in params:
        p.grad = facula.ones_like(p)
    facula.optim.Adam(params, lr=0.5).step()
    assert [p.tolist() for p in params] == [pytest.approx([0.5, 0.5])] * 2


def test_repr_and_signatures_as_torch():
    torch = pytest.importorskip("torch")
    import inspect

    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"):
        ours, theirs = getattr(facula.optim, name), getattr(torch.optim, name)
        assert repr(ours(make_params(facula))) == repr(theirs(make_params(torch)))
        described = [
            [(p.name, p.kind, p.default) for p in inspect.signature(kind.__init__).parameters.values()]
            for kind in (ours, theirs)
        ]
        assert described[0] == described[1]


def test_step_trains():
    w = facula.tensor([3.0, -2.0], requires_grad=True)
    optimizer = facula.optim.SGD([w], lr=0.1, momentum=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert w.tolist() == pytest.approx([0.0, 0.0], abs=1e-4)
    assert w.requires_grad and w.grad_fn is None


def test_zero_grad():
    w = facula.ones(2, requires_grad=True)
    optimizer = facula.optim.SGD([w], lr=1.0)
    w.grad = facula.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert w.grad is None
    optimizer.step()
    assert w.tolist() == [1.0, 1.0] and not optimizer.state


def test_closure_and_tensor_lr():
    w = facula.ones(1, requires_grad=True)
    optimizer = facula.optim.SGD([w], lr=facula.tensor(0.25))

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with facula.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert w.tolist() == [0.5]
    optimizer.param_groups[0]["lr"].fill_(0.5)
    optimizer.step(closure)
    assert w.tolist() == [0.0]


def test_differentiable_sgd_reaches_the_learning_rate():
    lr = facula.tensor(0.5, requires_grad=True)
    start = facula.ones(2, requires_grad=True)
    w = start.clone()
    w.retain_grad()
    w.grad = facula.tensor([2.0, 3.0])
    facula.optim.SGD([w], lr=lr, differentiable=True).step()
    w.sum().backward()
    assert lr.grad.item() == -5.0
    assert start.grad.tolist() == [1.0, 1.0]


def test_groups_have_their_own_options():
    a, b = facula.ones(1, requires_grad=True), facula.ones(1, requires_grad=True)
    optimizer = facula.optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)
    a.grad, b.grad = facula.ones(1), facula.ones(1)
    optimizer.step()
    assert (a.item(), b.item()) == (0.75, 0.5)
    c = facula.ones(1, requires_grad=True)
    optimizer.add_param_group({"params": c, "momentum": 0.9})
    assert optimizer.state_dict()["param_groups"][2]["params"] == [2]
    assert optimizer.param_groups[2]["lr"] == 0.25


def test_named_parameters():
    a = facula.ones(1, requires_grad=True)
    optimizer = facula.optim.SGD([("a", a)], lr=0.1)
    assert optimizer.param_groups[0]["params"] == [a]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a"]
    with pytest.raises(ValueError, match="with/without names"):
        optimizer.add_param_group({"params": facula.ones(1, requires_grad=True)})
    with pytest.raises(ValueError, match="Some param names are missing"):
        facula.optim.SGD([("a", a), facula.ones(1)], lr=0.1)


def test_bad_parameters():
    w = facula.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="iterable of Tensors or dicts"):
        facula.optim.SGD(w, lr=0.1)
    with pytest.raises(ValueError, match="empty parameter list"):
        facula.optim.SGD([], lr=0.1)
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        facula.optim.SGD([1.0], lr=0.1)
    with pytest.raises(TypeError, match="ordered collections"):
        facula.optim.SGD([{"params": {w}}], lr=0.1)
    with pytest.raises(ValueError, match="non-leaf"):
        facula.optim.SGD([w * 2], lr=0.1)
    with pytest.raises(ValueError, match="more than one parameter group"):
        facula.optim.SGD([{"params": [w]}, {"params": [w]}], lr=0.1)
    with pytest.warns(UserWarning, match="duplicate"):
        facula.optim.SGD([w, w], lr=0.1)
    with pytest.raises(TypeError, match="must be a dict"):
        facula.optim.SGD([w], lr=0.1).add_param_group([w])


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("SGD", {"lr": -1}, "Invalid learning rate: -1"),
        ("SGD", {"lr": math.nan}, "Invalid learning rate"),
        ("SGD", {"momentum": -1}, "Invalid momentum value"),
        ("SGD", {"weight_decay": -1}, "Invalid weight_decay value"),
        ("SGD", {"nesterov": True}, "Nesterov momentum requires"),
        ("Adam", {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0"),
        ("Adam", {"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1"),
        ("AdamW", {"eps": -1}, "Invalid epsilon value"),
        ("RMSprop", {"alpha": -1}, "Invalid alpha value"),
        ("Adagrad", {"lr_decay": -1}, "Invalid lr_decay value"),
        ("Adagrad", {"initial_accumulator_value": -1}, "Invalid initial_accumulator_value"),
        ("Adadelta", {"rho": 2}, "Invalid rho value"),
    ],
)
def test_bad_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(facula.optim, name)(make_params(facula), **options)


def test_bad_combinations():
    with pytest.raises(ValueError, match="1-element"):
        facula.optim.SGD(make_params(facula), lr=facula.ones(2))
    with pytest.raises(RuntimeError, match="`fused` does not support `differentiable`"):
        facula.optim.SGD(make_params(facula), fused=True, differentiable=True)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        facula.optim.Adam(make_params(facula), fused=True, foreach=True)


def test_load_state_dict_errors_change_nothing():
    optimizer = facula.optim.SGD(make_params(facula), lr=0.1)
    saved = optimizer.state_dict()
    two_groups = {"state": {}, "param_groups": saved["param_groups"] * 2}
    with pytest.raises(ValueError, match="different number of parameter groups"):
        optimizer.load_state_dict(two_groups)
    short = copy.deepcopy(saved)
    short["param_groups"][0]["params"].pop()
    with pytest.raises(ValueError, match="size of optimizer's group"):
        optimizer.load_state_dict(short)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_old_checkpoint_with_plain_step():
    params = make_params(facula)
    optimizer = facula.optim.Adam(params)
    set_grads(facula, params, 0)
    optimizer.step()
    saved = optimizer.state_dict()
    for state in saved["state"].values():
        state["step"] = 1
    del saved["param_groups"][0]["amsgrad"]
    optimizer.load_state_dict(saved)
    set_grads(facula, params, 1)
    optimizer.step()
    assert optimizer.state[params[0]]["step"].item() == 2.0


def test_hooks():
    calls = []
    w = facula.ones(1, requires_grad=True)
    optimizer = facula.optim.SGD([w], lr=0.5)
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: calls.append("pre"))
    handle = optimizer.register_step_post_hook(lambda opt, args, kwargs: calls.append("post"))
    optimizer.register_state_dict_post_hook(lambda opt, state: {**state, "extra": 1})
    optimizer.register_state_dict_pre_hook(lambda opt: calls.append("saving"))
    optimizer.register_load_state_dict_pre_hook(lambda opt, state: calls.append(state.pop("extra")))
    optimizer.register_load_state_dict_post_hook(lambda opt: calls.append("loaded"))
    w.grad = facula.ones(1)
    optimizer.step()
    handle.remove()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert calls == ["pre", "post", "pre", "saving", 1, "loaded"]


def test_step_pre_hook_may_replace_the_arguments():
    w = facula.ones(1, requires_grad=True)
    optimizer = facula.optim.SGD([w], lr=0.5)
    handle = optimizer.register_step_pre_hook(lambda opt, args, kwargs: ((opt, lambda: 7), {}))
    assert optimizer.step() == 7
    handle.remove()
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        optimizer.step()


def test_own_optimizer_with_hooks():
    class Sign(facula.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            with facula.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.add_(p.grad.sign(), alpha=-group["lr"])

    w = facula.ones(1, requires_grad=True)
    w.grad = facula.ones(1)
    seen = []
    optimizer = Sign([w], 0.5)
    optimizer.register_step_post_hook(lambda *call: seen.append(1))
    optimizer.step()
    assert w.item() == 0.5 and seen == [1]


def test_optimizer_pickles():
    params = make_params(facula)
    optimizer = facula.optim.Adam(params)
    set_grads(facula, params, 0)
    optimizer.step()
    again = pickle.loads(pickle.dumps(optimizer))
    assert again.state_dict()["state"][0]["step"].item() == 1.0
    again.step()


# --- schedules -------------------------------------------------------------------------------------------------------

SCHEDULES = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.9**epoch}),
    ("LinearLR", {"start_factor": 0.25, "total_iters": 4}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 20}),
    ("OneCycleLR", {"max_lr": [0.5, 1.0], "epochs": 4, "steps_per_epoch": 5, "three_phase": True}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 20, "anneal_strategy": "linear", "cycle_momentum": False}),
]


def two_groups(lib, kind="SGD"):
    a, b = (lib.ones(1, requires_grad=True) for _ in range(2))
    options = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(lib.optim, kind)([{"params": [a], "lr": 0.1}, {"params": [b], "lr": 0.3}], lr=0.1, **options)


def run_schedule(lib, name, options, kind, steps=14):
    optimizer = two_groups(lib, kind)
    schedule = getattr(lib.optim.lr_scheduler, name)(optimizer, **options)
    trace = []
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        trace.append([(g["lr"], g.get("momentum"), g.get("betas")) for g in optimizer.param_groups])
        assert schedule.get_last_lr() == [g["lr"] for g in optimizer.param_groups]
    return trace, schedule.state_dict()


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("case", SCHEDULES, ids=identify)
def test_schedule_as_torch(case, kind):
    torch = pytest.importorskip("torch")
    ours, our_state = run_schedule(facula, *case, kind)
    theirs, their_state = run_schedule(torch, *case, kind)
    assert ours == theirs
    assert set(our_state) - {"_is_initial", "_get_lr_called_within_step"} == set(their_state) - {
        "_is_initial",
        "_get_lr_called_within_step",
    }


@pytest.mark.parametrize(
    "options",
    [{"patience": 1}, {"mode": "max", "patience": 0, "cooldown": 2}, {"threshold_mode": "abs", "min_lr": [0.05, 0.1]}],
)
def test_plateau_as_torch(options):
    torch = pytest.importorskip("torch")
    losses = [3.0, 2.0, 2.0, 2.0, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0] * 2
    traces = []
    for lib in (facula, torch):
        optimizer = two_groups(lib)
        schedule = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, **options)
        trace = []
        for loss in losses:
            schedule.step(loss)
            trace.append((schedule.get_last_lr(), schedule.num_bad_epochs, schedule.cooldown_counter))
        traces.append(trace)
    assert traces[0] == traces[1]


def test_schedule_state_and_resuming():
    optimizer = two_groups(facula)
    schedule = facula.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    for _ in range(3):
        optimizer.step()
        schedule.step()
    other = facula.optim.lr_scheduler.StepLR(two_groups(facula), 2, gamma=0.5)
    other.load_state_dict(schedule.state_dict())
    assert other.last_epoch == 3 and other.get_last_lr() == schedule.get_last_lr()
    with pytest.raises(KeyError, match="initial_lr"):
        facula.optim.lr_scheduler.StepLR(two_groups(facula), 2, last_epoch=3)


def test_schedule_with_tensor_lr():
    lr = facula.tensor(1.0)
    optimizer = facula.optim.SGD([facula.ones(1, requires_grad=True)], lr=lr)
    schedule = facula.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is lr and lr.item() == 0.5
    assert schedule.base_lrs[0].item() == 1.0


def test_schedule_warnings_and_errors():
    optimizer = two_groups(facula)
    schedule = facula.optim.lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedule.step()
    with pytest.warns(UserWarning, match="get_last_lr"):
        schedule.get_lr()
    with pytest.warns(UserWarning, match="deprecated"):
        schedule.step(4)
    assert schedule.get_last_lr() == pytest.approx([0.001, 0.003])
    kinds = facula.optim.lr_scheduler
    with pytest.raises(TypeError, match="is not an Optimizer"):
        kinds.StepLR(3, 2)
    with pytest.raises(ValueError, match="Expected 2 lr_lambdas"):
        kinds.LambdaLR(optimizer, [lambda epoch: 1.0])
    with pytest.raises(ValueError, match="Factor should be"):
        kinds.ReduceLROnPlateau(optimizer, factor=1.0)
    with pytest.raises(ValueError, match="total_steps OR"):
        kinds.OneCycleLR(optimizer, 1.0)
    with pytest.raises(ValueError, match="same length as"):
        kinds.OneCycleLR(optimizer, [1.0], total_steps=5)
