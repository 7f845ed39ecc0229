"""Resampling, lookups, sampling at places, CTC and convolutions of small images against PyTorch over drawn shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facula

torch = pytest.importorskip("torch")
BOTH = (torch, facula)
_FEW = settings(max_examples=60, deadline=None)
_LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}


def _numbers(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def _close(a, b, tolerance=1e-9):
    assert tuple(a.shape) == tuple(b.shape)
    np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), tolerance, tolerance)


def _both(function, *arrays, tolerance=1e-9):
    """Values and gradients of a function of (library, tensors), each array a leaf."""
    results = []
    for m in BOTH:
        leaves = [m.tensor(a.tolist(), dtype=m.float64).reshape(a.shape).requires_grad_() for a in arrays]
        value = function(m, *leaves)
        weight = (m.arange(value.numel(), dtype=m.float64) % 5 + 1).reshape(value.shape)
        results.append([value, *m.autograd.grad(value, leaves, weight)])
    for a, b in zip(*results):
        _close(a, b, tolerance)


@_FEW
@given(st.integers(3, 5), st.data())
def test_interpolate(ndim, data):
    sizes = [data.draw(st.integers(1, 9)) for _ in range(ndim - 2)]
    wanted = [data.draw(st.integers(1, 12)) for _ in range(ndim - 2)]
    modes = ["nearest", "nearest-exact", _LINEAR[ndim]] + ["bicubic"] * (ndim == 4)
    mode, align = data.draw(st.sampled_from(modes)), data.draw(st.booleans())
    options = {} if mode.startswith("nearest") else {"align_corners": align}
    x = _numbers((2, data.draw(st.integers(1, 5)), *sizes))
    _both(lambda m, t: m.nn.functional.interpolate(t, wanted, mode=mode, **options), x)


@_FEW
@given(*[st.integers(2, 40)] * 4, st.sampled_from(["bilinear", "bicubic"]), st.booleans(), st.booleans())
def test_interpolate_of_bytes_is_exact(h, w, oh, ow, mode, antialias, inside):
    # A side of one is left out: PyTorch's filter then reads wrong neighbours, or fails in an assertion of its own.
    values = (np.random.default_rng(h * w).random((1, 3, h, w)) * 256).astype(np.uint8)
    results = []
    for m in BOTH:
        x = m.from_numpy(values.copy())
        x = x.contiguous(memory_format=m.channels_last) if inside else x
        results.append(m.nn.functional.interpolate(x, (oh, ow), mode=mode, antialias=antialias))
    assert results[0].tolist() == results[1].tolist()


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_interpolate_keeps_channels_last(mode):
    strides = []
    for m in BOTH:
        x = m.zeros(2, 5, 4, 3).contiguous(memory_format=m.channels_last).requires_grad_()
        y = m.nn.functional.interpolate(x, scale_factor=2, mode=mode)
        strides.append((y.stride(), m.autograd.grad(y.sum(), x)[0].stride()))
    assert strides[0] == strides[1]


def test_interpolate_of_a_narrow_image_that_keeps_its_width():
    x = facula.arange(6.0).reshape(1, 1, 2, 3)
    assert facula.nn.functional.interpolate(x, (4, 3)).tolist()[0][0][1] == [0.0, 1.0, 2.0]


@_FEW
@given(st.sampled_from(["bilinear", "nearest", "bicubic"]), st.sampled_from(["zeros", "border", "reflection"]),
       st.booleans(), st.integers(1, 6), st.integers(1, 6))  # fmt: skip
def test_grid_sample(mode, padding, align, h, w):
    image, places = _numbers((2, 3, h, w)), _numbers((2, 5, 30, 2), 1) * 1.3
    _both(lambda m, x, g: m.nn.functional.grid_sample(x, g, mode, padding, align), image, places, tolerance=1e-7)


@_FEW
@given(st.data())
def test_embedding_bag(data):
    rows, width = data.draw(st.integers(1, 6)), data.draw(st.sampled_from([1, 3, 64, 70]))
    index = data.draw(st.lists(st.integers(0, rows - 1), max_size=9))
    starts = [0, *sorted(data.draw(st.lists(st.integers(0, len(index)), max_size=3)))]
    mode, padding = data.draw(st.sampled_from(["sum", "mean", "max"])), data.draw(st.sampled_from([None, 0, -1]))

    def bag(m, table):
        places, offsets = m.tensor(index, dtype=m.int64), m.tensor(starts, dtype=m.int64)
        return m.nn.functional.embedding_bag(places, table, offsets, mode=mode, padding_idx=padding)

    _both(bag, _numbers((rows, width)))


@_FEW
@given(st.data())
def test_ctc_loss(data):
    steps, batch, classes = (data.draw(st.integers(1, most)) for most in (14, 3, 6))
    classes += 1
    lengths = [data.draw(st.integers(0, 6)) for _ in range(batch)]
    inputs = [data.draw(st.integers(1, steps)) for _ in range(batch)]
    labels = np.random.default_rng(steps).integers(1, classes, (batch, 6)).tolist()
    infinite = data.draw(st.booleans())

    def loss(m, x):
        return m.nn.functional.ctc_loss(
            x.log_softmax(2), m.tensor(labels), inputs, lengths, reduction="none", zero_infinity=infinite
        )

    _both(loss, _numbers((steps, batch, classes)), tolerance=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(4, 4), (7, 8), (8, 8), (3, 5)]), st.sampled_from([16, 64]), st.sampled_from([48, 64]),
       st.sampled_from([1, 3]), st.sampled_from([1, 2]), st.integers(0, 1), st.sampled_from([1, 9]))  # fmt: skip
def test_convolution_of_small_images(size, channels, targets, kernel, stride, padding, batch):
    image = _numbers((batch, channels, *size)).astype(np.float32)
    weight = _numbers((targets, channels, kernel, kernel), 1).astype(np.float32)
    results = []
    for m in BOTH:
        x, w = (m.from_numpy(a.copy()).requires_grad_() for a in (image, weight))
        y = m.nn.functional.conv2d(x, w, stride=stride, padding=padding)
        results.append([y, *m.autograd.grad(y.square().sum(), (x, w))])
    for a, b in zip(*results):
        assert (a.detach().numpy() - b.detach().numpy()).__abs__().max() <= 3e-5 * a.detach().abs().max().item()


_TYPES = ["float64", "float32", "bfloat16", "int64", "uint8", "bool", "complex64", "complex128"]


@_FEW
@given(st.data())
def test_padding_with_a_constant(data):
    """Any number of sides, grown or cropped, of every dtype and layout; rows long and short of a chunk."""
    shape = data.draw(st.lists(st.sampled_from([0, 1, 2, 3, 5, 17]), min_size=1, max_size=5))
    if data.draw(st.booleans()):
        shape[-1] = data.draw(st.sampled_from([63, 64, 65, 200, 1500]))
    sides = 2 * data.draw(st.integers(0, len(shape)))
    pad = data.draw(st.lists(st.integers(-2, 4), min_size=sides, max_size=sides))
    kind = data.draw(st.sampled_from(_TYPES))
    value = data.draw(st.sampled_from([None, 0, 1, 2.5]))
    last = len(shape) == 4 and data.draw(st.booleans())
    turned = data.draw(st.booleans())
    source, outcomes = 10 * _numbers(shape), []
    for m in BOTH:
        x = m.tensor(source.tolist(), dtype=m.float64).reshape(shape).to(getattr(m, kind))
        if last:
            x = x.contiguous(memory_format=m.channels_last)
        elif turned:
            x = x.mT.contiguous().mT if x.dim() > 1 else x.flip(0)
        try:
            y = m.nn.functional.pad(x, pad, value=value)
        except RuntimeError:
            outcomes.append(None)
            continue
        plain = y.is_contiguous() if y.numel() else None
        outcomes.append((str(y.dtype).split(".")[-1], tuple(y.shape), plain, y.to(m.complex128).tolist()))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("pad", [(1, 2), (0, -1, 2, 0), (-1, 1, 1, 1)])
def test_padding_with_a_constant_has_derivatives_and_batches(pad):
    _both(lambda m, x: m.nn.functional.pad(x, pad, value=3.0).square(), _numbers((2, 3, 4, 5)))
    x = facula.tensor(_numbers((4, 2, 3, 5)))
    one_by_one = facula.stack([facula.nn.functional.pad(part, pad) for part in x])
    assert facula.equal(facula.vmap(lambda part: facula.nn.functional.pad(part, pad))(x), one_by_one)


@_FEW
@given(st.data())
def test_max_pool2d_and_its_indices(data):
    """Rows short and long of a vector, steps beyond two, wide windows, ties, NaN and windows of minus infinity."""
    shape = (2, 2, data.draw(st.integers(1, 12)), data.draw(st.integers(1, 90)))
    kernel, step = (tuple(data.draw(st.integers(1, most)) for _ in range(2)) for most in (6, 3))
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    dilation = (data.draw(st.integers(1, 2)), data.draw(st.sampled_from([1, 2, 12, 30])))
    kind, ceil = data.draw(st.sampled_from(["float32", "float64", "bfloat16"])), data.draw(st.booleans())
    image = _numbers(shape).round(1)
    image[np.random.default_rng(1).random(shape) < data.draw(st.sampled_from([0, 0.2]))] = np.nan
    image[np.random.default_rng(2).random(shape) < data.draw(st.sampled_from([0, 0.8]))] = -np.inf
    outcomes = []
    for m in BOTH:
        x = m.tensor(image.tolist(), dtype=getattr(m, kind))
        try:
            y, places = m.nn.functional.max_pool2d(x, kernel, step, padding, dilation, ceil, return_indices=True)
            outcomes.append((y.double().nan_to_num(7.5).tolist(), places.tolist()))
        except RuntimeError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]
