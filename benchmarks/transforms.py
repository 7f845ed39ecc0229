# Function transforms, torch.func, on small and middling shapes: what batching and differentiating cost as a whole.
# Refuses to judge single operations (operations.py).
from __future__ import annotations

from typing import Any

import torch  # before facula: both bring a BLAS, and PyTorch insists on being first
from timing import compare, finish, options

import facula

TARGET = 1.0  # never slower
CASES = {
    "vmap of a * b + 1, sin, sum on (64, 32)": "pointwise(x, x)",
    "vmap of linear and tanh on (64, 32)": "layer(x)",
    "vmap of vmap of a * 2 + 1 on (64, 32)": "nested(x)",
    "per-sample gradients of a linear classifier, 64 x 32": "per_sample((w, b), x, y)",
    "grad on 32": "gradient(v)",
    "jacrev of linear and tanh, 32 to 16": "reverse(v)",
    "jacfwd of linear and tanh, 32 to 16": "forward(v)",
    "hessian on 32": "hessian(v)",
}


def names(m: Any) -> dict[str, Any]:
    """The functions of the cases in one library."""
    m.manual_seed(0)
    m.set_num_threads(2)
    F, f = m.nn.functional, m.func
    x, w, b, y = m.randn(64, 32), m.randn(16, 32), m.randn(16), m.randint(0, 16, (64,))

    def layer(v: Any) -> Any:
        return F.linear(v, w, b).tanh()

    def wave(v: Any) -> Any:
        return (v.sin() * v.cumsum(0)).sum()

    def loss(p: Any, v: Any, c: Any) -> Any:
        return F.cross_entropy(F.linear(v, p[0], p[1]).tanh(), c)

    return {
        "x": x, "w": w, "b": b, "y": y, "v": x[0], "layer": f.vmap(layer), "reverse": f.jacrev(layer),
        "pointwise": f.vmap(lambda a, c: (a * c + 1).sin().sum()), "nested": f.vmap(f.vmap(lambda a: a * 2 + 1)),
        "per_sample": f.vmap(f.grad(loss), (None, 0, 0)), "gradient": f.grad(wave), "forward": f.jacfwd(layer),
        "hessian": f.hessian(wave),
    }  # fmt: skip


def main() -> None:
    """Times every case."""
    given = options(__doc__ or "function transforms", 2.5)
    both = {"torch": names(torch), "facula": names(facula)}
    finish([compare(case, code, both, given.seconds, TARGET) for case, code in CASES.items()], given.json)


if __name__ == "__main__":
    main()
