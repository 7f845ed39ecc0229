# Convolutions with 3 x 3 kernels in the sizes that the transformed domain takes (core/cpu/winograd.cpp), against the
# direct kernels in float64: odd sizes, all paddings, channels that fill no vector, several chunks of images, threads.
from __future__ import annotations

import pytest

import facula as torch

# (batch, channels, targets, height, width, padding)
SHAPES = [
    (2, 64, 64, 16, 16, 1), (3, 64, 71, 15, 22, 1), (1, 65, 64, 33, 31, 0), (2, 80, 64, 13, 50, 2),
    (5, 64, 96, 24, 100, (0, 2)), (33, 64, 64, 32, 32, 1), (1, 130, 70, 29, 30, (2, 1)),
]  # fmt: skip


def inputs(shape):
    batch, channels, targets, height, width, padding = shape
    generator = torch.Generator().manual_seed(sum(shape[:5]))
    x = torch.randn(batch, channels, height, width, generator=generator)
    weight = torch.randn(targets, channels, 3, 3, generator=generator) * 0.1
    return x, weight, torch.randn(targets, generator=generator), padding


def results(x, weight, bias, padding, dtype):
    x, weight, bias = (t.to(dtype).requires_grad_() for t in (x, weight, bias))
    y = torch.nn.functional.conv2d(x, weight, bias, padding=padding)
    generator = torch.Generator().manual_seed(1)
    return y, *torch.autograd.grad(y, (x, weight, bias), torch.randn(y.shape, generator=generator).to(dtype))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(shape):
    x, weight, bias, padding = inputs(shape)
    for got, exact in zip(
        results(x, weight, bias, padding, torch.float32), results(x, weight, bias, padding, torch.float64)
    ):
        assert (got.double() - exact).abs().max() <= 3e-6 * exact.abs().max()


def test_threads_do_not_show():
    x, weight, bias, padding = inputs((4, 64, 66, 25, 23, 1))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = results(x, weight, bias, padding, torch.float32)
        torch.set_num_threads(3)
        three = results(x, weight, bias, padding, torch.float32)
    finally:
        torch.set_num_threads(before)
    for a, b in zip(one, three):
        assert torch.equal(a, b)


def test_an_image_does_not_depend_on_the_others():
    x, weight, bias, padding = inputs((3, 64, 64, 20, 20, 1))
    y = torch.nn.functional.conv2d(x, weight, bias, padding=padding)
    x[1] = float("nan")
    z = torch.nn.functional.conv2d(x, weight, bias, padding=padding)
    assert torch.equal(y[0], z[0]) and torch.equal(y[2], z[2])
    assert z[1].isnan().all()


def test_a_transposed_convolution_takes_the_same_way():
    x, weight, _, _ = inputs((2, 64, 64, 18, 19, 1))
    transposed = torch.nn.functional.conv_transpose2d
    exact = transposed(x.double(), weight.double(), padding=1)
    got = transposed(x, weight, padding=1)
    assert (got.double() - exact).abs().max() <= 3e-6 * exact.abs().max()
