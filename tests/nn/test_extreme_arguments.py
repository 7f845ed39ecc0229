"""Sizes, strides and places that no program means: an error or the right numbers, never a crash or foreign memory."""

from __future__ import annotations

import math

import pytest

import facula as torch
from facula.nn import functional as F

PIXEL = torch.ones(1, 1, 1, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: F.unfold(PIXEL, 1, padding=2**20, stride=2**40),
        lambda: F.unfold(PIXEL, (2**32, 2**32), padding=2**32, stride=2**40),
        lambda: F.unfold(PIXEL, 1, padding=2**39),
        lambda: F.unfold(PIXEL, 2, dilation=2**37, padding=2**38, stride=2**40),
        lambda: F.fold(PIXEL[0], 1, 1, padding=2**20, stride=2**40),
        lambda: F.fold(PIXEL[0], (2**62, 1), 1, stride=2**62),
        lambda: F.conv2d(PIXEL, PIXEL, padding=2**20, stride=2**30),
        lambda: F.conv2d(PIXEL, PIXEL, padding=2**62),
        lambda: F.conv2d(PIXEL, PIXEL, padding=2**39, stride=2**40),
        lambda: F.conv_transpose2d(torch.ones(1, 1, 2, 2), PIXEL, stride=2**62),
        lambda: F.adaptive_max_pool2d(PIXEL, 2**40),
        lambda: F.interpolate(PIXEL, size=2**60),
        lambda: F.pad(PIXEL, (2**60, 0, 0, 0), mode="replicate"),
        lambda: F.pad(PIXEL, (2**31, 2**31, 2**31, 2**31), mode="replicate"),
    ],
)
def test_what_cannot_be_is_an_error(call):
    with pytest.raises((RuntimeError, MemoryError)):
        call()


@pytest.mark.parametrize("stride", [7, 2**20, 2**39])
@pytest.mark.parametrize("channels", [1, 64])
def test_a_stride_longer_than_the_image_takes_one_window(stride, channels):
    torch.manual_seed(0)
    x, w = torch.randn(2, channels, 5, 4), torch.randn(channels, channels, 3, 2)
    x.requires_grad_(), w.requires_grad_()
    y = F.conv2d(x, w, stride=stride, padding=1)
    window = F.pad(x, (1, 1, 1, 1))[:, :, :3, :2]
    expected = torch.einsum("nchw,ochw->no", window, w)
    torch.testing.assert_close(y.flatten(1), expected, rtol=1e-4, atol=1e-4)
    for got, wanted in zip(torch.autograd.grad(y.sum(), (x, w)), torch.autograd.grad(expected.sum(), (x, w))):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
    columns = F.unfold(x, (3, 2), stride=stride, padding=1)
    assert torch.equal(columns, window.reshape(2, -1, 1))
    assert torch.equal(F.fold(columns, (5, 4), (3, 2), stride=stride, padding=1)[:, :, :2, :1], x[:, :, :2, :1])


def places(mode: str, size: int, before: int, after: int) -> list[int]:
    """What each output of a padded dimension is, written as PyTorch's documentation says it."""
    if mode == "replicate":
        return [min(max(i, 0), size - 1) for i in range(-before, size + after)]
    if mode == "reflect":
        there_and_back = [*range(size), *range(size - 2, 0, -1)]
        return [there_and_back[i % len(there_and_back)] for i in range(-before, size + after)]
    kept = list(range(max(-before, 0), size + min(after, 0)))
    return [kept[i % len(kept)] for i in range(-max(before, 0), len(kept) + max(after, 0))]


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_takes_the_places_of_its_definition(mode):
    for size in (1, 2, 3, 5):
        for before in range(-size, size + 1):
            for after in range(-size, size + 1):
                empty = size + before + after <= 0 or (
                    mode == "circular" and size + min(before, 0) + min(after, 0) <= 0
                )
                if empty or (mode == "reflect" and max(before, after) >= size):
                    with pytest.raises(RuntimeError):
                        F.pad(torch.ones(1, 1, size), (before, after), mode=mode)
                    continue
                x = torch.arange(float(size)).reshape(1, 1, size).requires_grad_()
                y = F.pad(x, (before, after), mode=mode)
                wanted = places(mode, size, before, after)
                assert y.flatten().tolist() == wanted, (size, before, after)
                (g,) = torch.autograd.grad(y.sum(), x)
                assert g.flatten().tolist() == [wanted.count(i) for i in range(size)]


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("place", [math.nan, math.inf, -math.inf])
def test_a_place_that_is_no_number_gives_none(mode, place):
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    grid = torch.tensor([[[[place, 0.1], [0.2, 0.3]]]])
    result = F.grid_sample(image, grid, mode, "zeros", False).flatten()
    assert math.isnan(result[0]) and math.isfinite(result[1])
    if mode == "bilinear":
        assert F.grid_sample(image, grid, mode, "border", False).isfinite().all()


def test_bags_check_their_arguments_as_pytorch_does():
    table, index, start = torch.ones(4, 3), torch.tensor([0, 1]), torch.tensor([0])
    with pytest.raises(ValueError, match="scaling the gradient by the frequency"):
        F.embedding_bag(index, table, start, mode="max", scale_grad_by_freq=True)
    with pytest.raises(ValueError, match="sparse weights"):
        F.embedding_bag(index, table, start, mode="max", sparse=True)
    for row in (4, -5):
        with pytest.raises(RuntimeError, match="-4 through 3"):
            F.embedding_bag(index, table, start, padding_idx=row)
    with pytest.raises(RuntimeError, match="Long or Int"):
        F.embedding_bag(index, table, start.float())
    assert F.embedding_bag(index.to(torch.uint8), table, start, mode="sum").tolist() == [[2.0] * 3]
