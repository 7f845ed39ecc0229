"""Every module against PyTorch: text, signature, initial weights, results and gradients. Skipped without torch."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from module_samples import LOSSES, SAMPLES

import facula

torch = pytest.importorskip("torch")


def to_facula(tensor):
    dtype = facula.int64 if tensor.dtype == torch.int64 else facula.float32
    return facula.tensor(tensor.detach().tolist(), dtype=dtype).reshape(tuple(tensor.shape))


def to_torch(tensor):
    dtype = torch.int64 if tensor.dtype == facula.int64 else torch.float32
    return torch.tensor(tensor.detach().tolist(), dtype=dtype).reshape(tuple(tensor.shape))


def assert_same(ours, theirs, tolerance=2e-6):
    assert tuple(ours.shape) == tuple(theirs.shape)
    torch.testing.assert_close(to_torch(ours), theirs.detach(), rtol=tolerance, atol=tolerance, equal_nan=True)


def pair_of(sample):
    """Our module and PyTorch's with the same weights, which are not the initial ones."""
    torch.manual_seed(0)
    facula.manual_seed(0)
    ours, theirs = sample.build(facula.nn, facula), sample.build(torch.nn, torch)
    torch.manual_seed(1)
    state = {k: torch.randn_like(v) if v.is_floating_point() else v for k, v in theirs.state_dict().items()}
    state = {k: v.abs() if k.endswith("running_var") else v for k, v in state.items()}
    theirs.load_state_dict(state)
    ours.load_state_dict({k: to_facula(v) for k, v in state.items()})
    return ours, theirs


def leaves_of(output):
    return [leaf for item in output for leaf in leaves_of(item)] if isinstance(output, tuple) else [output]


def inputs_of(sample):
    torch.manual_seed(2)
    made = []
    for spec in sample.inputs:
        if isinstance(spec, str):
            _, high, shape = spec.split(":")
            made.append(torch.randint(int(high), tuple(map(int, shape.split(",")))))
        else:
            made.append(torch.randn(spec))
    return [to_facula(x) for x in made], made


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_text_signature_and_initial_state(sample):
    facula.manual_seed(3)
    ours = sample.build(facula.nn, facula)
    torch.manual_seed(3)
    theirs = sample.build(torch.nn, torch)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        assert_same(ours.state_dict()[key], value, 1e-7)
    assert dict(ours.state_dict()._metadata) == dict(theirs.state_dict()._metadata)
    if sample.class_name:
        ours_at, theirs_at = (
            {k: p.default for k, p in inspect.signature(type(m).__init__).parameters.items()} for m in (ours, theirs)
        )
        assert ours_at == theirs_at


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")  # PyTorch's own, as is the next
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")  # PyTorch's own
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")  # PyTorch's own
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_forward_and_gradients(sample, training):
    ours, theirs = (m.train(training) for m in pair_of(sample))
    our_inputs, their_inputs = inputs_of(sample)
    results = []
    for framework, module, inputs in ((facula, ours, our_inputs), (torch, theirs, their_inputs)):
        framework.manual_seed(4)
        leaves = [x.requires_grad_() if x.is_floating_point() else x for x in inputs]
        # The product keeps in-place modules off the leaves.
        output = module(*[x * 1 if x.is_floating_point() else x for x in leaves])
        outputs = leaves_of(output)
        (outputs[0] * outputs[0].detach().cos()).sum().backward()
        results.append((outputs, [x.grad for x in leaves if x.is_floating_point()], module))
    (out_a, grad_a, _), (out_b, grad_b, _) = results
    for a, b in zip(out_a, out_b, strict=True):
        assert_same(a, b)
    for a, b in zip(grad_a, grad_b, strict=True):
        assert_same(a, b, 2e-5)
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        if b.grad is not None:
            assert_same(a.grad, b.grad, 2e-5)
    for (_, a), (_, b) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert_same(a, b, 2e-5)


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_copies_compute_the_same(sample):
    module = sample.build(facula.nn, facula).eval()
    inputs, _ = inputs_of(sample)
    expected = module(*[x.clone() for x in inputs])
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), copy.copy(module)):
        assert repr(copied) == repr(module)
        assert copied.training is False
        again = copied(*[x.clone() for x in inputs])
        for a, b in zip(leaves_of(again), leaves_of(expected), strict=True):
            assert facula.allclose(a, b, atol=1e-6)  # renormalising twice may move a value by one ulp


def loss_data(kind):
    torch.manual_seed(5)
    x, y = torch.randn(6, 4), torch.randn(6, 4)
    return {
        "real": (x, y),
        "probability": (x.sigmoid(), y.sigmoid()),
        "logit": (x, y.sigmoid()),
        "log": (x.log_softmax(1), y.softmax(1)),
        "class": (x, torch.tensor([0, 3, 1, 1, 2, 0])),
        "distribution": (x, y.softmax(1)),
    }[kind]


HAS_WEIGHT = ("NLLLoss", "CrossEntropyLoss", "BCELoss", "BCEWithLogitsLoss")
WEIGHTED = [(*loss, False) for loss in LOSSES] + [(*loss, True) for loss in LOSSES if loss[0] in HAS_WEIGHT]


@pytest.mark.parametrize("name, options, kind, weighted", WEIGHTED, ids=str)
def test_losses(name, options, kind, weighted):
    weight = torch.tensor([0.5, 2.0, 1.0, 0.25])
    extra = {"pos_weight": weight.flip(0)} if weighted and name == "BCEWithLogitsLoss" else {}
    if weighted:
        extra["weight"] = weight
    theirs = getattr(torch.nn, name)(**options, **extra)
    ours = getattr(facula.nn, name)(**options, **{k: to_facula(v) for k, v in extra.items()})
    assert repr(ours) == repr(theirs)
    signatures = [
        {k: p.default for k, p in inspect.signature(type(m).__init__).parameters.items()} for m in (ours, theirs)
    ]
    assert signatures[0] == signatures[1]
    x, y = loss_data(kind)
    a, b = to_facula(x).requires_grad_(), x.clone().requires_grad_()
    out_a, out_b = ours(a, to_facula(y)), theirs(b, y)
    assert_same(out_a, out_b)
    out_a.sum().backward()
    out_b.sum().backward()
    assert_same(a.grad, b.grad)


@pytest.mark.parametrize("shape, target", [((5,), ()), ((2, 5, 3), (2, 3)), ((2, 5, 3, 4), (2, 3, 4))])
def test_cross_entropy_shapes(shape, target):
    torch.manual_seed(6)
    x, y = torch.randn(shape), torch.randint(5, target)
    ours, theirs = (f.nn.functional for f in (facula, torch))
    assert_same(ours.cross_entropy(to_facula(x), to_facula(y)), theirs.cross_entropy(x, y))
    assert_same(ours.nll_loss(to_facula(x), to_facula(y), reduction="none"), theirs.nll_loss(x, y, reduction="none"))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_weighted_regression_losses(name, reduction):
    torch.manual_seed(7)
    x, y, w = torch.randn(3, 4), torch.randn(3, 4), torch.rand(3, 4)
    ours = getattr(facula.nn.functional, name)(to_facula(x), to_facula(y), weight=to_facula(w), reduction=reduction)
    assert_same(ours, getattr(torch.nn.functional, name)(x, y, weight=w, reduction=reduction))


def public_functions(module):
    found = {}
    for name in dir(module):
        function = getattr(module, name)
        if not name.startswith("_") and inspect.isfunction(function):
            found[name] = function
    return found


@pytest.mark.parametrize("where", ["nn.functional", "nn.init", "nn.utils"])
def test_signatures_of_functions(where):
    ours, theirs = facula, torch
    for part in where.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    for name, function in public_functions(ours).items():
        other = getattr(theirs, name)
        if not inspect.isfunction(other) or "args" in inspect.signature(other).parameters:
            continue  # a builtin, or a dispatcher without a signature of its own
        expected = {k: p.default for k, p in inspect.signature(other).parameters.items()}
        assert {k: p.default for k, p in inspect.signature(function).parameters.items()} == expected, name


def test_one_hot_normalize_and_pad():
    torch.manual_seed(8)
    index, x = torch.randint(5, (3, 4)), torch.randn(2, 3, 4)
    ours, theirs = facula.nn.functional, torch.nn.functional
    assert_same(ours.one_hot(to_facula(index), 7), theirs.one_hot(index, 7))
    assert_same(ours.normalize(to_facula(x), p=3.0, dim=2), theirs.normalize(x, p=3.0, dim=2))
    for sizes in [(1, 2), (-1, 2, 1, 0), (0, 0, 0, 0, 1, 1)]:
        assert_same(ours.pad(to_facula(x), sizes, value=2.5), theirs.pad(x, sizes, value=2.5))


def test_gumbel_softmax_draws_what_pytorch_draws():
    x = torch.randn(4, 20)
    for hard in (False, True):
        facula.manual_seed(9)
        ours = facula.nn.functional.gumbel_softmax(to_facula(x), tau=0.7, hard=hard)
        torch.manual_seed(9)
        assert_same(ours, torch.nn.functional.gumbel_softmax(x, tau=0.7, hard=hard))
