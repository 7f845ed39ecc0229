# Whole training steps: five ways to fit a cubic to a sine, the 4-layer network, LeNet. Each step is forward, backward
# and update. Refuses to judge convergence; tests do.
from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch  # before facula: both bring a BLAS, and PyTorch insists on being first
from timing import Row, compare, finish, options, row

import facula

FIT_TARGET, NETWORK_TARGET = 0.25, 0.7
POINTS, BATCH = 2000, 64
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


def four_layers(m: Any) -> Step:
    """784-400-200-100-10 with ReLU, cross entropy and SGD with momentum."""
    nn = m.nn
    model = nn.Sequential(
        nn.Linear(784, 400),
        nn.ReLU(),
        nn.Linear(400, 200),
        nn.ReLU(),
        nn.Linear(200, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    optimizer = m.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return training_step(model, nn.CrossEntropyLoss(), optimizer, m.randn(BATCH, 784), m.randint(0, 10, (BATCH,)))


def lenet(m: Any) -> Step:
    """Two convolutions with pooling and three layers, 32 x 32 images."""
    nn = m.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    optimizer = m.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return training_step(model, nn.CrossEntropyLoss(), optimizer, m.randn(BATCH, 1, 32, 32), m.randint(0, 10, (BATCH,)))


CASES: list[tuple[str, Callable[[Any], Step], float]] = [
    ("cubic fit by hand", fit_by_hand, FIT_TARGET),
    ("cubic fit with autograd", fit_with_autograd, FIT_TARGET),
    ("cubic fit with a Function", fit_with_function, FIT_TARGET),
    ("cubic fit with nn.Sequential and RMSprop", fit_with_rmsprop, FIT_TARGET),
    ("cubic fit with a Module of varying depth (three steps)", fit_with_shared_weights, FIT_TARGET),
    ("4-layer network, batch 64", four_layers, NETWORK_TARGET),
    ("LeNet, batch 64", lenet, 1.0),
]


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


def main() -> None:
    """Times every training step, then looks for a leak."""
    given = options(__doc__ or "training steps", 5.0)
    rows = []
    for case, make, target in CASES:
        both = {}
        for who, m in (("torch", torch), ("facula", facula)):
            m.manual_seed(0)
            m.set_num_threads(2)
            both[who] = {"step": make(m)}
        rows.append(compare(case, "step()", both, given.seconds, target))
    rows.append(growth(fit_with_autograd(facula)))
    finish(rows, given.json)


if __name__ == "__main__":
    main()
