# What one call costs from Python when the tensors are tiny: 8 floats, so that only overhead is left. Refuses to judge
# kernels (operations.py) and whole training steps (models.py).
from __future__ import annotations

from typing import Any

import numpy
import torch  # before facula: both bring a BLAS, and PyTorch insists on being first
from timing import compare, finish, geometric_mean, interleave, options, row

import facula

# The whole table: geometric mean at most 0.10 of PyTorch's time, no case above 0.30.
MEAN_TARGET, EACH_TARGET = 0.10, 0.30
CASES = {
    "a + b": "a + b",
    "a + b, recorded for autograd": "x + b",
    "a * 2.0": "a * 2.0",
    "a.view(2, 4)": "a.view(2, 4)",
    "a[1:3]": "a[1:3]",
    "relu(a)": "relu(a)",
    "where(c, a, b)": "where(c, a, b)",
    "cat((a, b))": "cat((a, b))",
    "x.sum().backward()": "x.sum().backward()",
    "(x * 2.0 + b).relu().sum().backward()": "(x * 2.0 + b).relu().sum().backward()",
    "nn.Linear(16, 16) on (4, 16)": "linear(batch)",
}


def names(m: Any) -> dict[str, Any]:
    """The operands of the cases in one library."""
    m.manual_seed(0)
    m.set_num_threads(2)
    a, b = m.randn(8), m.randn(8)
    return {
        "a": a, "b": b, "c": a > b, "x": m.randn(8, requires_grad=True), "relu": m.relu, "where": m.where, "cat": m.cat,
        "linear": m.nn.Linear(16, 16), "batch": m.randn(4, 16),
    }  # fmt: skip


def main() -> None:
    """Times every case and the mean, and `a + b` against NumPy."""
    given = options(__doc__ or "per-call overhead, 8 floats", 2.5)
    both = {"torch": names(torch), "facula": names(facula)}
    rows = [compare(case, code, both, given.seconds, EACH_TARGET) for case, code in CASES.items()]
    mean = row("geometric mean", None, 0.0, MEAN_TARGET, "")
    mean["ratio"] = geometric_mean(rows)
    mean["facula"] = None
    mean["met"] = mean["ratio"] <= MEAN_TARGET
    arrays = {"a": numpy.ones(8, numpy.float32), "b": numpy.ones(8, numpy.float32)}
    best = interleave({"numpy": ("a + b", arrays), "facula": ("a + b", both["facula"])}, given.seconds)
    rows += [mean, row("a + b, NumPy's time in place of PyTorch's", best["numpy"], best["facula"], 1.0, "s")]
    finish(rows, given.json)


if __name__ == "__main__":
    main()
