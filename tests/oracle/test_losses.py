"""Training from manual_seed(0): the loss of every one of 100 steps follows torch's to 1e-4 relative."""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import pytest
import torch

import facula

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from fits import FITS

STEPS = 100


def follow(train):
    """Run the same program in both packages; its losses, step by step."""
    curves = []
    for package in (facula, torch):
        package.manual_seed(0)
        random.seed(0)
        curves.append(list(train(package)))
    ours, theirs = curves
    assert len(ours) == len(theirs) == STEPS and all(map(math.isfinite, theirs))
    for step, (left, right) in enumerate(zip(ours, theirs)):
        assert left == pytest.approx(right, rel=1e-4), f"step {step}"


def classify(p, model, optimizer, make_batch):
    criterion = p.nn.CrossEntropyLoss()
    for _ in range(STEPS):
        inputs, targets = make_batch()
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        yield loss.item()


def noisy_batches(p, shape, features):
    """Random inputs whose class a fixed random projection decides, with a part of the labels drawn at random:
    learnable, but the loss stays well above 0."""
    teacher = p.randn(features, 10)

    def batch():
        inputs = p.randn(64, *shape)
        targets = (inputs.flatten(1)[:, :features] @ teacher).argmax(1)
        noise = p.randint(0, 10, (64,))
        return inputs, p.where(p.rand(64) < 0.2, noise, targets)

    return batch


def four_layers(p):
    nn = p.nn
    return nn.Sequential(
        nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 200), nn.ReLU(),
        nn.Linear(200, 100), nn.ReLU(), nn.Linear(100, 10),
    )  # fmt: skip


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p, w: p.optim.SGD(w, lr=0.01, momentum=0.9),
        pytest.param(lambda p, w: p.optim.Adam(w, lr=1e-3), marks=pytest.mark.slow),
        # At lr=1e-3 torch with one thread leaves torch with two by 2e-4: noise that the loss amplifies.
        pytest.param(lambda p, w: p.optim.AdamW(w, lr=1e-4, weight_decay=0.1), marks=pytest.mark.slow),
    ],
    ids=["sgd", "adam", "adamw"],
)
def test_four_layer_network(optimizer):
    def train(p):
        model = four_layers(p)
        return classify(p, model, optimizer(p, model.parameters()), noisy_batches(p, (784,), 20))

    follow(train)


@pytest.mark.slow
def test_lenet():
    def train(p):
        nn = p.nn
        model = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
        )  # fmt: skip
        return classify(
            p, model, p.optim.SGD(model.parameters(), lr=0.02, momentum=0.9), noisy_batches(p, (1, 32, 32), 8)
        )

    follow(train)


@pytest.mark.parametrize("fit", [fit for _, fit in FITS], ids=[name for name, _ in FITS])
def test_polynomial_fit(fit):
    def train(p):
        step = fit(p)
        return (step().item() for _ in range(STEPS))

    follow(train)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (3,)])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_a_mean_over_nothing_has_no_gradient(shape, name):
    for p in (facula, torch):
        x = p.ones(shape, dtype=p.float64, requires_grad=True)
        target = p.ones(shape[:1] + shape[2:] if len(shape) > 1 else (), dtype=p.long)
        loss = getattr(p.nn.functional, name)(x, target, ignore_index=1)
        (once,) = p.autograd.grad(loss, x, retain_graph=True)
        (recorded,) = p.autograd.grad(loss, x, create_graph=True)
        assert loss.isnan() and not once.any() and not recorded.any()


def test_weight_gradients_of_many_rows_keep_their_digits():
    x = torch.linspace(0.5, 1.5, 40000 * 3).reshape(-1, 3)
    exact = torch.ones(3, dtype=torch.float64, requires_grad=True)
    torch.nn.functional.rms_norm(x.double(), (3,), exact).sum().backward()
    weight = facula.ones(3, requires_grad=True)
    facula.nn.functional.rms_norm(facula.from_numpy(x.numpy()), (3,), weight).sum().backward()
    assert weight.grad.tolist() == pytest.approx(exact.grad.tolist(), rel=2e-7)
