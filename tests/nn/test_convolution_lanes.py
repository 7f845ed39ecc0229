# Convolutions in the sizes whose lanes are channels (core/cpu/conv_pixels.cpp) and of single channels by rows
# (core/cpu/conv_depthwise.cpp), against the kernels of float64, which are others: odd sizes, strides, dilations,
# windows deeper than a cache, slivers of every width, images that fill no tile, threads.
from __future__ import annotations

import pytest

import facula as torch

# (x, weight, arguments)
MANY_CHANNELS = [
    ((3, 17, 19, 23), (70, 17, 3, 3), {"stride": 2, "padding": 1}),
    ((33, 40, 5, 5), (33, 40, 3, 2), {"stride": (1, 2), "padding": (1, 0)}),
    ((2, 32, 24, 27), (48, 32, 3, 3), {"dilation": 2, "padding": 3}),
    ((4, 257, 12, 12), (65, 257, 3, 3), {"padding": 1}),
    ((1, 64, 70, 66), (130, 64, 3, 3), {"stride": 3}),
    ((20, 3, 16, 16), (35, 3, 7, 7), {"stride": 2, "padding": 3}),
    ((6, 64, 300), (64, 64, 5), {"padding": 2}),
    ((2, 16, 9, 10, 11), (32, 16, 3, 3, 3), {"stride": 2, "padding": 1}),
    ((8, 32, 13, 13), (64, 32, 2, 2), {"stride": 2}),
]
SINGLE_CHANNELS = [
    ((2, 5, 33, 29), (5, 1, 3, 3), {"padding": 1, "groups": 5}),
    ((2, 5, 33, 30), (5, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 5}),
    ((3, 4, 16, 17), (4, 1, 3, 3), {"stride": 2, "groups": 4}),
    ((1, 6, 14, 40), (12, 1, 5, 5), {"stride": 2, "padding": 2, "groups": 6}),
    ((1, 6, 7, 5), (6, 1, 3, 3), {"padding": 2, "groups": 6}),
    ((4, 3, 14, 14), (3, 1, 7, 7), {"padding": 3, "groups": 3}),
    ((1, 3, 21, 50), (3, 1, 5, 5), {"padding": (4, 4), "groups": 3}),
]


def results(case, dtype):
    x_sizes, weight_sizes, arguments = case
    generator = torch.Generator().manual_seed(sum(x_sizes))

    def operand(*sizes):
        return torch.randn(*sizes, generator=generator).to(dtype)

    x, weight, bias = operand(*x_sizes), operand(*weight_sizes), operand(weight_sizes[0])
    space = len(x_sizes) - 2
    convolve = getattr(torch.nn.functional, f"conv{space}d")
    leaves = [t.requires_grad_() for t in (x, weight, bias)]
    y = convolve(*leaves, **arguments)
    given = operand(*y.shape)
    transposed = getattr(torch.nn.functional, f"conv_transpose{space}d")
    back = transposed(given, weight.detach(), operand(x_sizes[1]), **arguments)
    return y, *torch.autograd.grad(y, leaves, given), back


@pytest.mark.parametrize("case", MANY_CHANNELS + SINGLE_CHANNELS, ids=str)
def test_values_and_gradients(case):
    for got, exact in zip(results(case, torch.float32), results(case, torch.float64)):
        assert (got.double() - exact).abs().max() <= 3e-6 * exact.abs().max()


@pytest.mark.parametrize("case", [MANY_CHANNELS[0], MANY_CHANNELS[3], SINGLE_CHANNELS[1]], ids=str)
def test_threads_do_not_show(case):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = results(case, torch.float32)
        torch.set_num_threads(3)
        three = results(case, torch.float32)
    finally:
        torch.set_num_threads(before)
    for a, b in zip(one, three):
        assert torch.equal(a, b)


@pytest.mark.parametrize("case", [MANY_CHANNELS[1], SINGLE_CHANNELS[0]], ids=str)
def test_an_image_does_not_depend_on_the_others(case):
    x_sizes, weight_sizes, arguments = case
    x, weight = torch.randn(*x_sizes), torch.randn(*weight_sizes)
    y = torch.nn.functional.conv2d(x, weight, **arguments)
    x[1] = float("nan")
    z = torch.nn.functional.conv2d(x, weight, **arguments)
    assert torch.equal(y[0], z[0]) and torch.equal(y[2:], z[2:])
    assert z[1].isnan().all()
