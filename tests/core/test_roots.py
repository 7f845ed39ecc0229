"""Square roots are rounded correctly, whichever way computes them: as the processor's instruction does."""

from __future__ import annotations

import math

import pytest

import facula as torch


def numbers_with_hard_roots() -> list[float]:
    """Doubles x in [1, 4) whose roots lie next to the middle m of two doubles: m * m = x + k * 2^-106, |k| small. With
    M = 2^53 m, solutions of M * M = k modulo 2^54 (x < 2) or 2^55, by Hensel's lemma one bit at a time."""
    hard = []
    for bits in (54, 55):
        for k in range(-63, 64, 8):  # squares of odd numbers are 1 modulo 8
            solutions = [1, 3, 5, 7]
            for b in range(3, bits):
                bit = 1 << b
                solutions = [m for s in solutions for m in (s, s + bit) if (m * m - k) % (2 * bit) == 0]
                solutions = sorted(set(solutions))
            for m in solutions:
                x = (m * m - k) >> bits
                if 1 << 53 < m < 1 << 54 and 1 << 52 <= x < 1 << 53:
                    hard.append(math.ldexp(x, bits - 106))
    return hard


def test_doubles_whose_roots_are_hardest_to_round() -> None:
    x = numbers_with_hard_roots()
    assert len(x) > 16
    # Both halves of two vectors, which may be computed differently.
    for shift in (0, 8):
        padded = [1.0] * shift + x * 2 + [1.0] * 16
        assert torch.tensor(padded, dtype=torch.float64).sqrt().tolist() == [math.sqrt(a) for a in padded]


@pytest.mark.parametrize("special", [math.inf, 0.0, 5e-324, 2.0**-961, 1.7976931348623157e308])
def test_doubles_beside_special_ones(special: float) -> None:
    x = [2.0 + i / 7 for i in range(64)]
    x[11] = special
    assert torch.tensor(x, dtype=torch.float64).sqrt().tolist() == [math.sqrt(a) for a in x]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_every_number_of_16_bits(dtype: torch.dtype) -> None:
    x = torch.arange(65536).to(torch.int16).view(dtype)
    x = x[~x.isnan()]
    y, want = x.sqrt(), x.to(torch.float32).sqrt().to(dtype)
    assert torch.equal(y.isnan(), x < 0)
    assert torch.equal(y[x >= 0].view(torch.int16), want[x >= 0].view(torch.int16))
