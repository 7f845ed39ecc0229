# Whole training steps, forward, backward and update: the cubic fits of fits.py and the networks of zoo.py. Refuses to
# judge convergence; tests do.
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch  # before facula: both bring a BLAS, and PyTorch insists on being first
import zoo
from fits import FITS, fit_with_autograd
from timing import Row, compare, finish, geometric_mean, options, row
from zoo import Step

import facula

FIT_TARGET, NETWORK_TARGET = 0.25, 0.7
# Growth of resident memory over 10,000 steps that is still none: less than 0.1 byte for a byte-sized leak per step
# would be invisible, one leaked 8-float tensor (128 bytes and an object) per step would be 3 MB.
STEPS, GROWTH_TARGET_MB = 10_000, 1.0


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
