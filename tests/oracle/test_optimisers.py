"""Every optimiser and schedule against live torch: parameters, state and rates over some steps; exchange of state."""

from __future__ import annotations

import warnings

import pytest
import torch

import facula

OPTIMISERS = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        {"lr": 0.1, "momentum": 0.5, "dampening": 0.3},
    ],
    "Adam": [{}, {"amsgrad": True, "weight_decay": 0.1}],
    "AdamW": [{}, {"amsgrad": True}],
    "Adamax": [{}, {"weight_decay": 0.1}],
    "NAdam": [{}, {"weight_decay": 0.1, "momentum_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True, "betas": (0.8, 0.9)}],
    "RMSprop": [{}, {"centered": True, "momentum": 0.9, "weight_decay": 0.1}],
    "Rprop": [{}, {"etas": (0.4, 1.5), "step_sizes": (1e-3, 0.05)}],
    "ASGD": [{}, {"t0": 3, "lambd": 0.1, "weight_decay": 0.1}],
    "Adagrad": [{}, {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2}],
    "Adadelta": [{}, {"weight_decay": 0.1}],
}
COMPOSED = {
    "Adafactor": [{}, {"weight_decay": 0.1, "d": 2.0, "eps": (1e-6, 1e-2)}],
    "Muon": [{"lr": 0.1}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}],
    "LBFGS": [{"max_iter": 4}, {"line_search_fn": "strong_wolfe", "max_iter": 6}, {"lr": 0.1, "history_size": 2}],
}
CASES = [(name, options) for name, list_ in {**OPTIMISERS, **COMPOSED}.items() for options in list_]
START = [[[0.5, -1.5, 2.0], [0.1, 0.7, -0.3]], [[1.0, -2.0], [0.3, 0.25], [-0.7, 0.6]]]


def weights(p, dtype):
    return [p.nn.Parameter(p.tensor(values, dtype=getattr(p, dtype))) for values in START]


def train(p, name, options, steps=8, dtype="float64", state=None):
    """The parameters after each step, and the optimiser."""
    params = weights(p, dtype)
    optimizer = getattr(p.optim, name)(params, **options)
    if state is not None:
        optimizer.load_state_dict(state)
    way = []

    def closure():
        optimizer.zero_grad()
        loss = sum(((q - 0.3) ** 2 * (1 + q.abs())).sum() + q.sin().prod() for q in params)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        way.append([q.detach().flatten().tolist() for q in params])
    return way, optimizer


def plain(value):
    """A state as Python values."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def assert_close(left, right, tolerance):
    if isinstance(right, dict):
        assert left.keys() == right.keys()
        for key in right:
            assert_close(left[key], right[key], tolerance)
    elif isinstance(right, list):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            assert_close(a, b, tolerance)
    elif isinstance(right, float):
        assert left == pytest.approx(right, rel=tolerance, abs=tolerance)
    else:
        assert left == right


@pytest.mark.parametrize("name, options", CASES, ids=lambda value: str(value))
def test_way_and_state(name, options):
    # Muon rounds to bfloat16, where a last bit is 2^-8.
    dtype, tolerance = ("float32", 5e-2) if name == "Muon" else ("float64", 1e-9)
    ours, mine = train(facula, name, options, dtype=dtype)
    theirs, their = train(torch, name, options, dtype=dtype)
    assert_close(ours, theirs, tolerance)
    assert_close(plain(mine.state_dict()), plain(their.state_dict()), max(tolerance, 1e-6))


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("extra", [{"maximize": True}, {"differentiable": True}], ids=str)
def test_composed_rule(name, extra):
    """The rule in tensor operations, and the sign."""
    options = {**OPTIMISERS[name][-1], **extra}
    steps = 1 if "differentiable" in extra else 5
    for p in (facula, torch):
        params = [q.detach().clone().requires_grad_() for q in weights(p, "float64")]
        leaves = [q * 1.0 for q in params] if "differentiable" in extra else params
        optimizer = getattr(p.optim, name)(leaves, **options)
        for step in range(steps):
            for q in leaves:
                q.grad = p.full_like(q, 0.5 - 0.2 * step)
            optimizer.step()
        results = [q.flatten().tolist() for q in leaves]
        if p is facula:
            ours = results
    # A differentiable step of torch corrects the moments in float32.
    assert_close(ours, results, 1e-7 if "differentiable" in extra else 1e-9)


@pytest.mark.parametrize("name", [n for n in OPTIMISERS if n != "SGD"])
def test_complex_parameters(name):
    ours = None
    for p in (facula, torch):
        w = p.nn.Parameter(p.tensor([0.5 + 1j, -0.25 - 0.5j], dtype=p.complex64))
        optimizer = getattr(p.optim, name)([w], **OPTIMISERS[name][0])
        for step in range(4):
            w.grad = p.tensor([0.1 - 0.3j * (step + 1), 1.0 + 0.2j], dtype=p.complex64)
            optimizer.step()
        values = p.view_as_real(w.detach()).flatten().tolist()
        ours = values if p is facula else ours
    assert ours == pytest.approx(values, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name, options", [c for c in CASES if c[0] not in ("LBFGS", "Muon")], ids=lambda v: str(v))
def test_state_goes_over(name, options):
    """torch trains, facula goes on, and the other way round."""
    expected, _ = train(torch, name, options, steps=2)
    for first, second in ((torch, facula), (facula, torch)):
        _, optimizer = train(first, name, options, steps=3)
        state = optimizer.state_dict()
        for entry in state["state"].values():
            for key, value in entry.items():
                if isinstance(value, first.Tensor):
                    entry[key] = second.tensor(value.tolist(), dtype=getattr(second, str(value.dtype).split(".")[1]))
        way, _ = train(second, name, options, steps=2, state=state)
        if second is facula:
            expected = way
    # Both went on from the same state and the same start.
    assert_close(way, expected, 1e-6)


SCHEDULES = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.9**epoch),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.9),
    "StepLR": lambda s, o: s.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5], 0.5),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.25, 3),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.25, 1.0, 4),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 6, 2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 4, 0.01),
    "warm restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=20),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, 4),
    "CyclicLR triangular2": lambda s, o: s.CyclicLR(o, 0.01, [0.2, 0.3], 3, mode="triangular2", cycle_momentum=False),
    "CyclicLR exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, mode="exp_range", gamma=0.9),
    "CyclicLR own": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, scale_fn=lambda x: 1 / x),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9), s.StepLR(o, 2)], milestones=[3, 7]
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)]),
    "SWALR": lambda s, o: s.SWALR(o, 0.05, 4, "linear"),
    "SWALR cos": lambda s, o: s.SWALR(o, [0.05, 0.5], 3),
}


def rates(p, make, reload_at=None):
    params = [p.nn.Parameter(p.zeros(1)) for _ in range(2)]
    optimizer = p.optim.SGD([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.3}], lr=0.1, momentum=0.9)
    names = {**vars(p.optim.lr_scheduler), "SWALR": p.optim.swa_utils.SWALR}
    schedulers = type("names", (), names)
    schedule = make(schedulers, optimizer)
    way = []
    for step in range(15):
        if step == reload_at:
            state = schedule.state_dict()
            schedule = make(schedulers, optimizer)
            schedule.load_state_dict(state)
            for group, (lr, momentum) in zip(optimizer.param_groups, way[-1]):
                group["lr"], group["momentum"] = lr, momentum
        optimizer.step()
        schedule.step()
        assert schedule.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        way.append([(group["lr"], group["momentum"]) for group in optimizer.param_groups])
    return way


@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
def test_schedule(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = rates(torch, make)
    for reload_at in (None, 6):
        for left, right in zip(rates(facula, make, reload_at), theirs):
            for a, b in zip(left, right, strict=True):
                assert a == pytest.approx(b, rel=1e-12)


@pytest.mark.parametrize(
    "average",
    [
        lambda u, model: u.AveragedModel(model),
        lambda u, model: u.AveragedModel(model, use_buffers=True),
        lambda u, model: u.AveragedModel(model, multi_avg_fn=u.get_ema_multi_avg_fn(0.9)),
        lambda u, model: u.AveragedModel(model, avg_fn=u.get_ema_avg_fn(0.9), use_buffers=True),
        lambda u, model: u.AveragedModel(model, avg_fn=u.get_swa_avg_fn()),
    ],
)
def test_averaged_model(average):
    results = []
    for p in (facula, torch):
        p.manual_seed(0)
        model = p.nn.Sequential(p.nn.Linear(3, 2), p.nn.BatchNorm1d(2))
        averaged = average(p.optim.swa_utils, model)
        batches = [p.randn(4, 3) for _ in range(3)]
        for batch in batches:
            model(batch)
            with p.no_grad():
                for q in model.parameters():
                    q.add_(0.1)
            averaged.update_parameters(model)
        before = [t.tolist() for t in averaged.state_dict().values()]
        p.optim.swa_utils.update_bn(batches, averaged)
        results.append((before, [t.tolist() for t in averaged.state_dict().values()], list(averaged.state_dict())))
    assert_close(list(results[0][:2]), list(results[1][:2]), 1e-5)
    assert results[0][2] == results[1][2]


@pytest.mark.parametrize(
    "make",
    [
        lambda o, w: o.Adamax([w], betas=(1.0, 0.9)),
        lambda o, w: o.NAdam([w], momentum_decay=-1),
        lambda o, w: o.RAdam([w], lr=-1),
        lambda o, w: o.Rprop([w], etas=(1.5, 2)),
        lambda o, w: o.Adafactor([w], d=0.5),
        lambda o, w: o.Muon([w]),
        lambda o, w: o.Muon([w.view(1, 1)], adjust_lr_fn="x"),
        lambda o, w: o.LBFGS([{"params": [w]}, {"params": [w.clone()]}]),
        lambda o, w: o.SparseAdam([w], eps=0),
        lambda o, w: o.lr_scheduler.CyclicLR(o.Adagrad([w]), 0.1, 0.2),
        lambda o, w: o.lr_scheduler.CyclicLR(o.SGD([w], lr=0.1), 0.1, 0.2, mode="x", cycle_momentum=False),
        lambda o, w: o.lr_scheduler.CosineAnnealingWarmRestarts(o.SGD([w], lr=0.1), 0),
        lambda o, w: o.lr_scheduler.SequentialLR(o.SGD([w], lr=0.1), [], []),
        lambda o, w: o.lr_scheduler.ChainedScheduler([3]),
        lambda o, w: o.swa_utils.SWALR(o.SGD([w], lr=0.1), 0.1, anneal_strategy="x"),
        lambda o, w: o.swa_utils.get_ema_avg_fn(2.0),
    ],
)
def test_refused_as_torch_refuses(make):
    with pytest.raises(Exception) as theirs:
        make(torch.optim, torch.ones(1))
    with pytest.raises(theirs.type):
        make(facula.optim, facula.ones(1))


def test_sparse_adam_refuses_dense_gradients():
    for p in (facula, torch):
        w = p.nn.Parameter(p.ones(2))
        optimizer = p.optim.SparseAdam([w])
        w.grad = p.ones(2)
        with pytest.raises(RuntimeError, match="dense gradients"):
            optimizer.step()
