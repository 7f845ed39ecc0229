"""Pruning, the older spectral norm, orthogonal parametrizations and memory formats against torch."""

import warnings

import pytest
import torch

import facula

BOTH = (facula, torch)


def layers(p):
    p.manual_seed(0)
    return p.nn.Sequential(p.nn.Conv2d(2, 4, 3), p.nn.ReLU(), p.nn.Flatten(), p.nn.Linear(16, 3))


def state(model):
    return {name: t.tolist() for name, t in model.state_dict().items()}


PRUNINGS = {
    "identity": lambda prune, p, m: prune.identity(m[3], "bias"),
    "random_unstructured": lambda prune, p, m: prune.random_unstructured(m[3], "weight", amount=0.3),
    "l1_unstructured": lambda prune, p, m: prune.l1_unstructured(m[3], "weight", amount=7),
    "importance": lambda prune, p, m: prune.l1_unstructured(
        m[3], "weight", amount=7, importance_scores=p.arange(48.0).reshape(3, 16)
    ),
    "random_structured": lambda prune, p, m: prune.random_structured(m[0], "weight", amount=2, dim=0),
    "ln_structured": lambda prune, p, m: prune.ln_structured(m[0], "weight", amount=0.5, n=2, dim=1),
    "ln_structured inf": lambda prune, p, m: prune.ln_structured(m[3], "weight", amount=1, n=float("inf"), dim=0),
    "custom_from_mask": lambda prune, p, m: prune.custom_from_mask(m[3], "bias", p.tensor([1, 0, 1])),
    "global": lambda prune, p, m: prune.global_unstructured(
        [(m[0], "weight"), (m[3], "weight"), (m[3], "bias")], prune.L1Unstructured, amount=0.4
    ),
    "twice": lambda prune, p, m: [
        prune.random_unstructured(m[3], "weight", amount=0.5),
        prune.ln_structured(m[3], "weight", amount=1, n=1, dim=0),
        prune.l1_unstructured(m[3], "weight", amount=0.25),
    ],
    "removed": lambda prune, p, m: [prune.l1_unstructured(m[3], "weight", 5), prune.remove(m[3], "weight")],
    "nothing": lambda prune, p, m: prune.ln_structured(m[0], "weight", amount=0, n=2, dim=0),
}


@pytest.mark.parametrize("name", PRUNINGS)
def test_pruning(name):
    told = []
    for p in BOTH:
        from importlib import import_module

        prune = import_module(p.__name__ + ".nn.utils.prune")
        model = layers(p)
        PRUNINGS[name](prune, p, model)
        x = p.randn(2, 2, 4, 4)
        before = state(model)
        optimizer = p.optim.SGD(model.parameters(), lr=0.1)
        model(x).square().sum().backward()
        optimizer.step()
        told.append((before, state(model), prune.is_pruned(model), model(x).tolist()))
    assert list(told[0][0]) == list(told[1][0]) and told[0][2] == told[1][2]
    for ours, theirs in zip(told[0][:2], told[1][:2]):
        for key in ours:
            assert torch.allclose(torch.tensor(ours[key]), torch.tensor(theirs[key]), atol=1e-5), key
    assert torch.allclose(torch.tensor(told[0][3]), torch.tensor(told[1][3]), atol=1e-5)


MISTAKES = {
    "amount": lambda prune, m: prune.l1_unstructured(m[3], "weight", amount=1.5),
    "negative": lambda prune, m: prune.l1_unstructured(m[3], "weight", amount=-1),
    "type": lambda prune, m: prune.l1_unstructured(m[3], "weight", amount="all"),
    "too many": lambda prune, m: prune.l1_unstructured(m[3], "weight", amount=1000),
    "vector": lambda prune, m: prune.ln_structured(m[3], "bias", amount=1, n=2, dim=0),
    "dim": lambda prune, m: prune.ln_structured(m[3], "weight", amount=1, n=2, dim=4),
    "not pruned": lambda prune, m: prune.remove(m[3], "weight"),
    "global": lambda prune, m: prune.global_unstructured([(m[3], "weight")], prune.LnStructured, amount=1, n=2),
    "container": lambda prune, m: prune.PruningContainer().add_pruning_method(3),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_pruning_refuses(name):
    from importlib import import_module

    told = []
    for p in BOTH:
        model = layers(p)
        with pytest.raises(Exception) as caught:
            MISTAKES[name](import_module(p.__name__ + ".nn.utils.prune"), model)
        told.append((caught.type, str(caught.value)[:30], sorted(model.state_dict())))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.Linear(5, 3),
        lambda nn: nn.Conv2d(2, 3, 3),
        lambda nn: nn.ConvTranspose2d(5, 3, 2),
    ],
)
def test_spectral_norm(make):
    told = []
    for p in BOTH:
        p.manual_seed(0)
        layer = p.nn.utils.spectral_norm(make(p.nn).double(), n_power_iterations=2)
        x = p.randn(5, 5, 5, 5, dtype=p.float64) if layer.weight.dim() == 2 else None
        x = p.randn(2, layer.in_channels, 5, 5, dtype=p.float64) if x is None else x
        seen = [layer(x).sum().item() for _ in range(3)]
        layer(x).square().sum().backward()
        layer.eval()
        seen += [layer(x).sum().item(), layer(x).sum().item(), layer.weight_orig.grad.sum().item()]
        keys = list(layer.state_dict()), dict(layer.state_dict()._metadata[""])
        p.nn.utils.remove_spectral_norm(layer)
        told.append((keys, seen, list(layer.state_dict()), layer.weight.sum().item()))
    assert told[0][0] == told[1][0] and told[0][2] == told[1][2]
    assert told[0][1] == pytest.approx(told[1][1], rel=1e-10) and told[0][3] == pytest.approx(told[1][3], rel=1e-10)


def test_spectral_norm_reads_a_state_without_v():
    told = []
    for p in BOTH:
        p.manual_seed(0)
        layer = p.nn.utils.spectral_norm(p.nn.Linear(4, 3).double())
        layer(p.randn(2, 4, dtype=p.float64))
        old = layer.state_dict()
        with p.no_grad():
            old["weight"] = layer.weight.detach().clone()
        del old["weight_v"]
        del old._metadata[""]["spectral_norm"]
        other = p.nn.utils.spectral_norm(p.nn.Linear(4, 3).double())
        other.load_state_dict(old)
        told.append(other.weight_v.tolist())
    assert told[0] == pytest.approx(told[1], rel=1e-9)


@pytest.mark.parametrize("map_name", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(map_name, shape, trivial):
    told = []
    for p in BOTH:
        p.manual_seed(0)
        layer = p.nn.Linear(*shape).double()
        p.nn.utils.parametrizations.orthogonal(layer, orthogonal_map=map_name, use_trivialization=trivial)
        optimizer = p.optim.SGD(layer.parameters(), lr=0.1)
        x = p.randn(6, shape[0], dtype=p.float64)
        weights = [layer.weight.flatten().tolist()]
        for _ in range(3):
            optimizer.zero_grad()
            layer(x).cos().sum().backward()
            optimizer.step()
            weights.append(layer.weight.flatten().tolist())
        told.append((list(layer.state_dict()), [w for row in weights for w in row], layer.weight))
    assert told[0][0] == told[1][0]
    assert told[0][1] == pytest.approx(told[1][1], rel=1e-8, abs=1e-10)
    w = told[0][2] if shape[0] >= shape[1] else told[0][2].mT
    w = w if w.shape[0] <= w.shape[1] else w.mT
    assert facula.allclose(w @ w.mT, facula.eye(w.shape[0], dtype=facula.float64), atol=1e-10)


def test_orthogonal_may_be_assigned():
    told = []
    for p in BOTH:
        p.manual_seed(0)
        layer = p.nn.utils.parametrizations.orthogonal(p.nn.Linear(3, 3).double())
        layer.weight = p.eye(3, dtype=p.float64).flip(0)
        told.append(layer.weight.detach().flatten().tolist())
    assert told[0] == pytest.approx(told[1], abs=1e-10)


def test_memory_formats_and_older_names():
    for p in BOTH:
        m = p.nn.Sequential(p.nn.Conv2d(2, 3, 4), p.nn.Sequential(p.nn.ConvTranspose2d(2, 3, 4), p.nn.Conv3d(2, 3, 2)))
        assert p.nn.utils.convert_conv2d_weight_memory_format(m, p.channels_last) is m
        p.nn.utils.convert_conv3d_weight_memory_format(m, p.channels_last_3d)
        assert m[0].weight.stride() == (32, 1, 8, 2) and m[1][0].weight.stride() == (48, 1, 12, 3)
        assert m[1][1].weight.is_contiguous(memory_format=p.channels_last_3d)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            m[0].weight.grad = p.ones_like(m[0].weight)
            p.nn.utils.clip_grad_norm([m[0].weight], 1.0)
        assert caught[0].category is FutureWarning


@pytest.mark.parametrize("name, shape", [("channels_last", (2, 3, 4, 5)), ("channels_last_3d", (2, 3, 4, 5, 2))])
def test_channels_last_of_copies(name, shape):
    told = []
    for p in BOTH:
        form = getattr(p, name)
        x = p.arange(float(p.Size(shape).numel())).reshape(shape)
        last = x.to(memory_format=form)
        both = last, x.clone(memory_format=form), x.contiguous(memory_format=form), p.empty(shape, memory_format=form)
        told.append([(t.stride(), t.is_contiguous(memory_format=form), t.is_contiguous()) for t in both])
        told[-1] += [last.clone().stride(), last.clone(memory_format=p.contiguous_format).stride(), p.equal(last, x)]
        with pytest.raises(RuntimeError, match="required rank"):
            p.ones(2).contiguous(memory_format=form)
    assert told[0] == told[1]
