"""Ten whole models (and three more) from manual_seed(0): the loss over 50 steps follows torch's to 1e-3 relative."""

import math
import sys
from pathlib import Path

import pytest
import torch

import facula

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
import zoo

STEPS = 50
QUICK = ["mlp", "lstm", "gru", "vae", "tabular", "lenet"]
SLOW = ["resnet18", "vgg", "unet", "transformer", "gpt", "two_convolutions", "small_residual"]


def losses(package, name, steps=STEPS):
    package.manual_seed(0)
    step = getattr(zoo, name)(package)
    return [step().item() for _ in range(steps)]


def test_gradients_of_a_deep_network_in_float64():
    """In float32 one ReLU that flips at rounding distance from 0 changes the gradients of ResNet-18 by 2e-3."""
    results = []
    for package in (facula, torch):
        package.set_default_dtype(package.float64)
        try:
            results.append(losses(package, "resnet18", 3))
        finally:
            package.set_default_dtype(package.float32)
    assert results[0] == pytest.approx(results[1], rel=1e-12)


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_loss(name):
    ours, theirs = losses(facula, name), losses(torch, name)
    assert all(map(math.isfinite, theirs))
    for step, (left, right) in enumerate(zip(ours, theirs, strict=True)):
        assert left == pytest.approx(right, rel=1e-3), f"step {step}"
