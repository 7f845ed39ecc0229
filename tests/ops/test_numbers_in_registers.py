"""Numbers among the operands give what tensors full of them give, in every length and in place."""

from __future__ import annotations

import pytest

import facula as torch

FORMULAS = {
    "clamp": lambda m, x, y, z, a, b: m.clamp(x, a, b),
    "lerp": lambda m, x, y, z, a, b: m.lerp(x, y, b),
    "addcmul": lambda m, x, y, z, a, b: x.clone().addcmul_(y, z, value=b),
    "mul": lambda m, x, y, z, a, b: x * b,
    "rdiv": lambda m, x, y, z, a, b: b / x,
    "sub in place": lambda m, x, y, z, a, b: x.clone().sub_(b),
}
TENSORS = {
    "clamp": lambda m, x, y, z, a, b: m.minimum(m.maximum(x, a), b),
    "lerp": lambda m, x, y, z, a, b: m.lerp(x, y, b),
    "addcmul": lambda m, x, y, z, a, b: x + b * y * z,
    "mul": lambda m, x, y, z, a, b: x * b,
    "rdiv": lambda m, x, y, z, a, b: b / x,
    "sub in place": lambda m, x, y, z, a, b: x - b,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", FORMULAS)
def test_numbers_as_tensors(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    for n in (1, 63, 64, 65, 130, 1000, 33_000, 270_001):
        x, y, z = (torch.randn(n, dtype=dtype) for _ in range(3))
        got = FORMULAS[name](torch, x, y, z, -0.5, 0.75)
        full = [torch.full((n,), number, dtype=dtype) for number in (-0.5, 0.75)]
        want = TENSORS[name](torch, x, y, z, *full)
        if name == "addcmul":  # products may be fused with sums in one of the two
            assert torch.allclose(got, want, rtol=1e-5, atol=1e-6)
        else:
            assert torch.equal(got, want)
