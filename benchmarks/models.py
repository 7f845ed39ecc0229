# Whole training steps: five ways to fit a cubic to a sine, and the networks of zoo.py. Each step is forward, backward
# and update. Refuses to judge convergence; tests do.
from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch  # before facula: both bring a BLAS, and PyTorch insists on being first
import zoo
from timing import Row, compare, finish, geometric_mean, options, row

import facula

FIT_TARGET, NETWORK_TARGET = 0.25, 0.7
POINTS = 2000
# Growth of resident memory over 10,000 steps that is still none: less than 0.1 byte for a byte-sized leak per step
# would be invisible, one leaked 8-float tensor (128 bytes and an object) per step would be 3 MB.
STEPS, GROWTH_TARGET_MB = 10_000, 1.0
Step = Callable[[], object]


def sine(m: Any) -> tuple[Any, Any]:
    """The data of the five fits."""
    x = m.linspace(-math.pi, math.pi, POINTS)
    return x, m.sin(x)


def fit_by_hand(m: Any) -> Step:
    """Gradients written out."""
    x, y = sine(m)
    weights = [m.randn(()) for _ in range(4)]

    def step() -> None:
        a, b, c, d = weights
        prediction = a + b * x + c * x**2 + d * x**3
        g = 2.0 * (prediction - y)
        for w, slope in zip(weights, (g.sum(), (g * x).sum(), (g * x**2).sum(), (g * x**3).sum())):
            w -= 1e-6 * slope

    return step


def fit_with_autograd(m: Any) -> Step:
    """Leaves and backward()."""
    x, y = sine(m)
    weights = [m.randn((), requires_grad=True) for _ in range(4)]

    def step() -> None:
        a, b, c, d = weights
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        loss.backward()
        with m.no_grad():
            for w in weights:
                w -= 1e-6 * w.grad
                w.grad = None

    return step


def fit_with_function(m: Any) -> Step:
    """A custom autograd.Function: the third Legendre polynomial."""

    class Legendre3(m.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return 0.5 * (5 * x**3 - 3 * x)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            (x,) = ctx.saved_tensors
            return gradient * 1.5 * (5 * x**2 - 1)

    x, y = sine(m)
    weights = [m.full((), value, requires_grad=True) for value in (0.0, -1.0, 0.0, 0.3)]

    def step() -> None:
        a, b, c, d = weights
        loss = (a + b * Legendre3.apply(c + d * x) - y).pow(2).sum()
        loss.backward()
        with m.no_grad():
            for w in weights:
                w -= 5e-6 * w.grad
                w.grad = None

    return step


def fit_with_rmsprop(m: Any) -> Step:
    """nn.Sequential on the powers of x, MSELoss, RMSprop."""
    x, y = sine(m)
    powers = x.unsqueeze(-1).pow(m.tensor([1, 2, 3]))
    model = m.nn.Sequential(m.nn.Linear(3, 1), m.nn.Flatten(0, 1))
    return training_step(model, m.nn.MSELoss(reduction="sum"), m.optim.RMSprop(model.parameters(), lr=1e-3), powers, y)


def fit_with_shared_weights(m: Any) -> Step:
    """A Module whose depth varies and whose last weight is used again and again; a step is one of each depth."""

    class Dynamic(m.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in "abcde":
                setattr(self, name, m.nn.Parameter(m.randn(())))

        def forward(self, x: Any, depth: int) -> Any:
            y = self.a + self.b * x + self.c * x**2 + self.d * x**3
            for power in range(4, depth):
                y = y + self.e * x**power
            return y

    x, y = sine(m)
    model = Dynamic()
    loss_of = m.nn.MSELoss(reduction="sum")
    optimizer = m.optim.SGD(model.parameters(), lr=1e-8, momentum=0.9)

    def step() -> None:
        for depth in (4, 5, 6):
            loss = loss_of(model(x, depth), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return step


def training_step(model: Any, loss_of: Any, optimizer: Any, inputs: Any, targets: Any) -> Step:
    """The usual five lines."""

    def step() -> None:
        optimizer.zero_grad()
        loss = loss_of(model(inputs), targets)
        loss.backward()
        optimizer.step()

    return step


def epoch(m: Any) -> Step:
    """A pass over 6,400 MNIST-like images through DataLoader(batch_size=64, shuffle=True), with updates."""
    data = m.utils.data.TensorDataset(m.rand(6400, 784), m.randint(0, 10, (6400,)))
    loader = m.utils.data.DataLoader(data, batch_size=64, shuffle=True)
    nn = m.nn
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = m.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    return step


FITS: list[tuple[str, Callable[[Any], Step]]] = [
    ("cubic fit by hand", fit_by_hand),
    ("cubic fit with autograd", fit_with_autograd),
    ("cubic fit with a Function", fit_with_function),
    ("cubic fit with nn.Sequential and RMSprop", fit_with_rmsprop),
    ("cubic fit with a Module of varying depth (three steps)", fit_with_shared_weights),
]
# None above 1; the geometric mean at most MODELS_TARGET.
MODELS: list[tuple[str, Callable[[Any], Step], float]] = [
    ("4-layer network, batch 64, SGD", zoo.mlp, NETWORK_TARGET),
    ("4-layer network, batch 64, Adam", lambda m: zoo.mlp(m, "Adam"), 1.0),
    ("LeNet, batch 1", lambda m: zoo.lenet(m, 1), 1.0),
    ("LeNet, batch 64", zoo.lenet, 1.0),
    ("two convolutions (MNIST), batch 64", zoo.two_convolutions, 1.0),
    ("LSTM, 32 x 28 x 64, hidden 128", zoo.lstm, 1.0),
    ("GRU, 32 x 28 x 64, hidden 128", zoo.gru, 1.0),
    ("Transformer encoder, 2 layers, 16 x 64 x 128", zoo.transformer, 1.0),
    ("character GPT, 4 layers, 128 wide, 12 x 64", zoo.gpt, 1.0),
    ("residual network, 7 convolutions of 64 channels at 32 x 32, batch 16", zoo.small_residual, 1.0),
    ("tabular with embeddings, batch 64", zoo.tabular, 1.0),
]
MODELS_TARGET = 0.6
EPOCH_TARGET = 1 / 3


def resident_megabytes() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def growth(step: Step) -> Row:
    """Resident memory that 10,000 steps add."""
    for _ in range(200):
        step()
    before = resident_megabytes()
    for _ in range(STEPS):
        step()
    grown = max(0.0, resident_megabytes() - before)
    return row(
        "growth of memory over 10,000 steps of the fit with autograd", None, grown, GROWTH_TARGET_MB, "MB", "value"
    )


def timed(case: str, make: Callable[[Any], Step], target: float, seconds: float) -> Row:
    """One training step in both packages, from the same seed."""
    both = {}
    for who, m in (("torch", torch), ("facula", facula)):
        m.manual_seed(0)
        m.set_num_threads(2)
        both[who] = {"step": make(m)}
    return compare(case, "step()", both, seconds, target)


def main() -> None:
    """Times every training step, then looks for a leak."""
    given = options(__doc__ or "training steps", 5.0)
    fits = [timed(case, make, FIT_TARGET, given.seconds) for case, make in FITS]
    models = [timed(case, make, target, given.seconds) for case, make, target in MODELS]
    mean = row("geometric mean of the networks", None, geometric_mean(models), MODELS_TARGET, "", "value")
    passes = timed("100 batches of 64 through DataLoader, trained", epoch, EPOCH_TARGET, given.seconds)
    rows = [*fits, *models, mean, passes, growth(fit_with_autograd(facula))]
    finish(rows, given.json)


if __name__ == "__main__":
    main()
