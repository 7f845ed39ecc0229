"""The protocol buffers of SummaryWriter against torch's, where the tensorboard package is installed."""

import numpy as np
import pytest
import torch

import facula

CALLS = {
    "scalar": lambda s, p: s.scalar("a", p.tensor([2.5])),
    "scalar new": lambda s, p: s.scalar("a", 2.5, new_style=True),
    "scalar double": lambda s, p: s.scalar("a", 2.5, new_style=True, double_precision=True),
    "tensor": lambda s, p: s.tensor_proto("a", p.arange(6.0).reshape(2, 3)),
    "tensor of integers": lambda s, p: s.tensor_proto("a", p.arange(6)),
    "histogram": lambda s, p: s.histogram("a", p.arange(50.0) / 8 - 2, 10),
    "histogram of limits": lambda s, p: s.histogram("a", p.arange(50.0) / 8, [-2.0, -1, 0, 1, 2, 4, 8]),
    "histogram joined": lambda s, p: s.histogram("a", p.arange(50.0) / 8, 11, max_bins=4),
    "image": lambda s, p: s.image("a", p.linspace(0, 1, 60).reshape(3, 4, 5), dataformats="CHW"),
    "image of bytes": lambda s, p: s.image("a", p.arange(60, dtype=p.uint8).reshape(4, 5, 3), dataformats="HWC"),
    "image grey": lambda s, p: s.image("a", p.linspace(0, 1, 20).reshape(4, 5), dataformats="HW"),
    "images": lambda s, p: s.image("a", p.linspace(0, 1, 600).reshape(10, 3, 4, 5)),
    "audio": lambda s, p: s.audio("a", p.linspace(-1, 1, 100)),
    "text": lambda s, p: s.text("a", "words"),
    "pr_curve": lambda s, p: s.pr_curve("a", np.arange(20) % 2, np.linspace(0, 1, 20)),
    "custom_scalars": lambda s, p: s.custom_scalars(
        {"c": {"t": ["Multiline", ["a", "b"]], "m": ["Margin", list("xyz")]}}
    ),
    "mesh": lambda s, p: s.mesh("a", p.arange(12.0).reshape(1, 4, 3), None, p.ones(1, 2, 3), {"k": 1}),
}


@pytest.fixture
def both():
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import summary as theirs

    from facula.utils.tensorboard import summary as ours

    return ours, theirs


@pytest.mark.parametrize("name", CALLS)
def test_same_bytes(name, both):
    ours, theirs = both
    assert CALLS[name](ours, facula) == CALLS[name](theirs, torch)


def test_hyperparameters(both):
    ours, theirs = both
    given = {"lr": 0.1, "name": "adam", "none": None, "n": 3}, {"accuracy": 0.5}, {"n": [1, 3]}
    assert ours.hparams(*given) == theirs.hparams(*given)
