# Five ways to fit y = a + b x + c x^2 + d x^3 to a sine, for any package with PyTorch's API: make(m) gives a step that
# trains once and returns the loss. models.py times the steps, tests/oracle/test_losses.py compares the losses.
from __future__ import annotations

import math
import random
from typing import Any

from zoo import Step, training

POINTS = 2000


def sine(m: Any) -> tuple[Any, Any]:
    """The data of the five fits."""
    x = m.linspace(-math.pi, math.pi, POINTS)
    return x, m.sin(x)


def fit_by_hand(m: Any) -> Step:
    """Gradients written out."""
    x, y = sine(m)
    weights = [m.randn(()) for _ in range(4)]

    def step() -> Any:
        a, b, c, d = weights
        error = a + b * x + c * x**2 + d * x**3 - y
        g = 2.0 * error
        for w, slope in zip(weights, (g.sum(), (g * x).sum(), (g * x**2).sum(), (g * x**3).sum())):
            w -= 1e-6 * slope
        return error.pow(2).sum()

    return step


def descent(m: Any, weights: list, loss_of: Any, rate: float) -> Step:
    """Leaves, backward() and an update of one's own."""

    def step() -> Any:
        loss = loss_of(*weights)
        loss.backward()
        with m.no_grad():
            for w in weights:
                w -= rate * w.grad
                w.grad = None
        return loss

    return step


def fit_with_autograd(m: Any) -> Step:
    """The gradients from the graph."""
    x, y = sine(m)
    weights = [m.randn((), requires_grad=True) for _ in range(4)]
    return descent(m, weights, lambda a, b, c, d: (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum(), 1e-6)


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
    return descent(m, weights, lambda a, b, c, d: (a + b * Legendre3.apply(c + d * x) - y).pow(2).sum(), 5e-6)


def fit_with_rmsprop(m: Any) -> Step:
    """nn.Sequential on the powers of x, MSELoss, RMSprop."""
    x, y = sine(m)
    powers = x.unsqueeze(-1).pow(m.tensor([1, 2, 3]))
    model = m.nn.Sequential(m.nn.Linear(3, 1), m.nn.Flatten(0, 1))
    loss = m.nn.MSELoss(reduction="sum")
    optimizer = m.optim.RMSprop(model.parameters(), lr=1e-3)
    return training(model, lambda model, x, y: loss(model(x), y), optimizer, [(powers, y)])


def fit_with_shared_weights(m: Any) -> Step:
    """A Module of random depth whose last weight is used again and again; a step is one of each depth, in any order."""

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

    def step() -> Any:
        for depth in random.sample((4, 5, 6), 3):
            loss = loss_of(model(x, depth), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss

    return step


FITS = [
    ("cubic fit by hand", fit_by_hand),
    ("cubic fit with autograd", fit_with_autograd),
    ("cubic fit with a Function", fit_with_function),
    ("cubic fit with nn.Sequential and RMSprop", fit_with_rmsprop),
    ("cubic fit with a Module of varying depth (three steps)", fit_with_shared_weights),
]
