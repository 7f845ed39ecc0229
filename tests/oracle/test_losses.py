"""Training from manual_seed(0): the loss of every one of 100 steps follows torch's to 1e-4 relative."""

from __future__ import annotations

import math
import random

import pytest
import torch

import facula

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


# ---- y = a + b x + c x^2 + d x^3 fitted to sin on 2000 points, five ways ----


def points(p):
    x = p.linspace(-math.pi, math.pi, 2000)
    return x, p.sin(x)


def fit_by_hand(p):
    x, y = points(p)
    a, b, c, d = (p.randn(()) for _ in range(4))
    for _ in range(STEPS):
        prediction = a + b * x + c * x**2 + d * x**3
        yield (prediction - y).pow(2).sum().item()
        grad = 2.0 * (prediction - y)
        a = a - 1e-6 * grad.sum()
        b = b - 1e-6 * (grad * x).sum()
        c = c - 1e-6 * (grad * x**2).sum()
        d = d - 1e-6 * (grad * x**3).sum()


def fit_with_autograd(p):
    x, y = points(p)
    weights = [p.randn((), requires_grad=True) for _ in range(4)]
    for _ in range(STEPS):
        a, b, c, d = weights
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        yield loss.item()
        loss.backward()
        with p.no_grad():
            for w in weights:
                w -= 1e-6 * w.grad
                w.grad = None


def fit_with_function(p):
    class LegendrePolynomial3(p.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return 0.5 * (5 * x**3 - 3 * x)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 1.5 * (5 * x**2 - 1)

    x, y = points(p)
    a, b, c, d = weights = [p.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3)]
    for _ in range(STEPS):
        loss = (a + b * LegendrePolynomial3.apply(c + d * x) - y).pow(2).sum()
        yield loss.item()
        loss.backward()
        with p.no_grad():
            for w in weights:
                w -= 5e-6 * w.grad
                w.grad = None


def fit_with_sequential(p):
    x, y = points(p)
    xx = x.unsqueeze(-1).pow(p.tensor([1, 2, 3]))
    model = p.nn.Sequential(p.nn.Linear(3, 1), p.nn.Flatten(0, 1))
    loss_fn = p.nn.MSELoss(reduction="sum")
    optimizer = p.optim.RMSprop(model.parameters(), lr=1e-3)
    for _ in range(STEPS):
        loss = loss_fn(model(xx), y)
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def fit_with_random_depth(p):
    class DynamicNet(p.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c, self.d, self.e = (p.nn.Parameter(p.randn(())) for _ in range(5))

        def forward(self, x):
            y = self.a + self.b * x + self.c * x**2 + self.d * x**3
            for exponent in range(4, random.randint(4, 6)):
                y = y + self.e * x**exponent
            return y

    x, y = points(p)
    model = DynamicNet()
    criterion = p.nn.MSELoss(reduction="sum")
    optimizer = p.optim.SGD(model.parameters(), lr=1e-8, momentum=0.9)
    for _ in range(STEPS):
        loss = criterion(model(x), y)
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(
    "fit", [fit_by_hand, fit_with_autograd, fit_with_function, fit_with_sequential, fit_with_random_depth]
)
def test_polynomial_fit(fit):
    follow(fit)
