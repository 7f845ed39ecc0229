"""Broadcast operands whose rows lie side by side or are one value each: what the operands give when written out."""

from __future__ import annotations

import pytest

import facula as torch

# Whole vectors, parts of one, rows that threads share, and rows too short or too many dimensions for one loop.
SHAPES = ((3, 7), (5, 8), (4, 33), (300, 129), (2, 70001), (3, 4, 5, 40), (9, 5, 3))
BINARY = ("add", "sub", "mul", "div", "maximum", "atan2")
DTYPES = (torch.float32, torch.float64, torch.int64)


def operand(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    return torch.randint(1, 1000, shape).to(dtype) / 8 if dtype.is_floating_point else torch.randint(1, 1000, shape)


def narrowed(shape: tuple[int, ...], kept: int) -> tuple[int, ...]:
    """The shape with 1 for every dimension whose bit of `kept` is 0."""
    return tuple(n if kept >> d & 1 else 1 for d, n in enumerate(shape))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_broadcast_rows(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    every = (1 << len(shape)) - 1
    for name in BINARY:
        f = getattr(torch, name)
        for left in range(every + 1):
            for right in {every, every ^ left, left >> 1, 0}:
                x, y = operand(narrowed(shape, left), dtype), operand(narrowed(shape, right), dtype)
                common = torch.broadcast_shapes(x.shape, y.shape)
                want = f(x.expand(common).contiguous(), y.expand(common).contiguous())
                assert torch.equal(f(x, y), want), (name, left, right)


def test_rows_of_views_and_in_place() -> None:
    torch.manual_seed(0)
    x, v = torch.randn(60, 200), torch.randn(60, 1)
    part, wide = x[:, 3:143], v.expand(60, 140).contiguous()
    assert torch.equal(part - v, part.contiguous() - wide)
    assert torch.equal(v / part, wide / part.contiguous())
    assert torch.equal(part + x[:, 60:], part.contiguous() + x[:, 60:].contiguous())
    want = x.clone()
    want[:, 3:143] = part.contiguous() * wide
    part.mul_(v)
    assert torch.equal(x, want)


def test_more_than_the_caches_hold() -> None:
    torch.manual_seed(0)
    x, v = torch.randn(1500, 1029), torch.randn(1500)
    wide = v[:, None].expand(1500, 1029).contiguous()
    assert torch.equal(x * v[:, None], x * wide)
    assert torch.equal(v[:, None] - x, wide - x)
    assert torch.equal(
        torch.outer(v, v), v[:, None].expand(1500, 1500).contiguous() * v.expand(1500, 1500).contiguous()
    )


@pytest.mark.parametrize("sides", [(3, 40), (40, 3), (20, 33), (5, 300)], ids=str)
def test_kron(sides: tuple[int, int]) -> None:
    p, q = sides
    for dtype in DTYPES:
        a, b = operand((p, p), dtype), operand((q, q), dtype)
        got = torch.kron(a, b)
        assert got.shape == (p * q, p * q)
        i, j = torch.arange(p * q) // q, torch.arange(p * q) % q
        assert torch.equal(got, a[i][:, i] * b[j][:, j])
