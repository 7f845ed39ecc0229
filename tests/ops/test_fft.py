"""Fourier transforms of every length: values against NumPy in float64, layouts, derivatives, refusals."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facula
from facula import fft

EPSILON = {"float64": 2.3e-16, "float32": 1.2e-7}
PRIMES = (2, 3, 5, 7, 11, 13, 17, 31, 53, 59, 61, 67, 97, 101, 499, 997, 1999)


def signal(*shape, kind="complex", dtype="float64"):
    generator = np.random.default_rng(sum(shape))
    x = generator.standard_normal(shape).astype(dtype)
    if kind == "real":
        return x
    return (x + 1j * generator.standard_normal(shape)).astype({"float64": "complex128", "float32": "complex64"}[dtype])


def assert_close(result, expected, dtype="float64"):
    """Within a few roundings of the largest number: the error of a transform grows with log n."""
    result = result.numpy()
    assert result.shape == expected.shape
    scale = np.abs(expected).max(initial=0) or 1
    bound = 3 * EPSILON[dtype] * (2 + np.log2(2 + expected.size))
    assert np.abs(result - expected).max(initial=0) <= bound * scale


def check_all(n, batch, dtype):
    shape = (batch, n) if batch else (n,)
    z, x = signal(*shape, dtype=dtype), signal(*shape, kind="real", dtype=dtype)
    zt, xt, wide = facula.from_numpy(z), facula.from_numpy(x), z.astype("complex128")
    half = z[..., : n // 2 + 1]
    assert_close(fft.fft(zt), np.fft.fft(wide), dtype)
    assert_close(fft.ifft(zt, norm="ortho"), np.fft.ifft(wide, norm="ortho"), dtype)
    assert_close(fft.rfft(xt), np.fft.rfft(x.astype("float64")), dtype)
    assert_close(fft.fft(xt), np.fft.fft(x.astype("float64")), dtype)
    assert_close(fft.irfft(facula.from_numpy(half.copy()), n), np.fft.irfft(half.astype("complex128"), n), dtype)


@given(n=st.integers(1, 2000), batch=st.sampled_from([0, 1, 3, 17, 40]), dtype=st.sampled_from(sorted(EPSILON)))
@settings(max_examples=60, deadline=None)
def test_lengths(n, batch, dtype):
    check_all(n, batch, dtype)


@pytest.mark.parametrize("n", [*range(1, 34), *PRIMES, 1024, 2048, 3600, 4096])
def test_chosen_lengths(n):
    for batch, dtype in ((0, "float64"), (20, "float64"), (0, "float32")):
        check_all(n, batch, dtype)


@pytest.mark.parametrize("n", [1 << 15, 1 << 17, 3**10, 65537, 100003, 2 * 50021])
def test_long(n):
    check_all(n, 0, "float64")


@given(
    shape=st.lists(st.integers(1, 21), min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
    name=st.sampled_from(["fftn", "ifftn", "rfftn", "irfftn", "fft", "rfft", "irfft", "ifft"]),
    norm=st.sampled_from(["forward", "backward", "ortho"]),
    dtype=st.sampled_from(sorted(EPSILON)),
)
@settings(max_examples=120, deadline=None)
def test_dimensions_strides_and_lengths(shape, order, name, norm, dtype):
    kind = "real" if name.startswith("r") else "complex"
    dims = list(range(len(shape)))
    order.shuffle(dims)
    stored = signal(*(shape[d] + order.randrange(3) for d in dims), kind=kind, dtype=dtype)
    back = np.argsort(dims)
    # Permuted, with gaps, a part of a larger tensor.
    x = np.transpose(stored, back)
    cut = tuple(slice(x.shape[d] - shape[d], None) for d in range(len(shape)))
    mine = facula.from_numpy(stored).permute([int(d) for d in back])[cut]
    wide = x[cut].astype("complex128" if kind == "complex" else "float64")
    if name.endswith("n"):
        along = tuple(order.sample(range(len(shape)), order.randint(1, len(shape))))
        lengths = tuple(max(1, shape[d] + order.randint(-2, 3)) for d in along)
        expected = getattr(np.fft, name)(wide, lengths, along, norm=norm)
        result = getattr(fft, name)(mine, lengths, along, norm)
    else:
        along, n = order.randrange(len(shape)), max(1, shape[0] + order.randint(-2, 3))
        expected = getattr(np.fft, name)(wide, n, along, norm)
        result = getattr(fft, name)(mine, n, along, norm)
    if name.startswith("i") and expected.dtype.kind == "f":
        expected = expected.real
    assert_close(result, expected, dtype)


@pytest.mark.parametrize(("n", "inner"), [(134, 5), (67, 20), (1024, 18), (500, 3), (20000, 2)])
def test_columns(n, inner):
    z = signal(2, n, inner)
    assert_close(fft.fft(facula.from_numpy(z), dim=1), np.fft.fft(z, axis=1))
    assert_close(fft.ifft2(facula.from_numpy(z), dim=(1, 2)), np.fft.ifft2(z, axes=(1, 2)))
    x = z.real.copy()
    assert_close(fft.rfft(facula.from_numpy(x), dim=1), np.fft.rfft(x, axis=1))
    assert_close(fft.irfft(facula.from_numpy(z), dim=1), np.fft.irfft(z, axis=1))


@pytest.mark.parametrize("n", [16, 45, 1009, 1 << 16])
def test_round_trips(n):
    z, x = facula.from_numpy(signal(3, n)), facula.from_numpy(signal(3, n, kind="real"))
    facula.testing.assert_close(fft.ifft(fft.fft(z)), z)
    facula.testing.assert_close(fft.irfft(fft.rfft(x), n), x)
    facula.testing.assert_close(fft.hfft(fft.ihfft(x), n), x)


def test_threads_do_not_show():
    x = facula.from_numpy(signal(1 << 16, dtype="float32"))
    before = facula.get_num_threads()
    try:
        facula.set_num_threads(1)
        alone = fft.fft(x), fft.fft2(x.view(256, 256), dim=(0, 1))
        facula.set_num_threads(3)
        assert all(facula.equal(a, b) for a, b in zip(alone, (fft.fft(x), fft.fft2(x.view(256, 256), dim=(0, 1)))))
    finally:
        facula.set_num_threads(before)


@pytest.mark.parametrize("n", [5, 6])
def test_derivatives(n):
    z = facula.from_numpy(signal(3, n)).requires_grad_()
    x = facula.from_numpy(signal(3, n, kind="real")).requires_grad_()
    for function, value in (
        (lambda v: fft.ifft2(v, norm="ortho"), z),
        (lambda v: fft.fft(v, dim=0), x),
        (lambda v: fft.rfft2(v), x),
        (lambda v: fft.irfft(v[:, : n // 2 + 1], n), z),
        (lambda v: fft.irfft2(v[:, : n // 2 + 1], (3, n), norm="forward"), z),
        (lambda v: fft.hfft(v, n + 2), z),
    ):
        assert facula.autograd.gradcheck(function, (value,))
        assert facula.autograd.gradgradcheck(function, (value,))
    assert fft.fft(z).grad_fn.name() == "FftC2CBackward0"
    assert fft.rfft(x).grad_fn.name() == "FftR2CBackward0"
    assert fft.irfft(z).grad_fn.name() == "FftC2RBackward0"


def test_vmap():
    z = facula.from_numpy(signal(4, 3, 6))
    facula.testing.assert_close(facula.vmap(lambda v: fft.fft2(v))(z), fft.fft2(z))
    facula.testing.assert_close(facula.vmap(lambda v: fft.irfft(v, 9, 0), 1)(z), fft.irfft(z.movedim(1, 0), 9, 1))


def test_the_table_refuses():
    z, x = facula.zeros(4, 3, dtype=facula.complex64), facula.zeros(4, 3)
    from facula.fft.transforms import complex_to_complex, complex_to_real, real_to_complex

    for call, message in (
        (lambda: complex_to_complex(x, (0,), 0, True), "complex input"),
        (lambda: real_to_complex(z, (0,), 0, True), "float32 or float64"),
        (lambda: complex_to_real(x, (0,), 0, 4), "complex input"),
        (lambda: complex_to_complex(z, (), 0, True), "at least one dimension"),
        (lambda: complex_to_complex(z, (1, -1), 0, True), "unique"),
        (lambda: complex_to_complex(z, (0,), 3, True), "normalization"),
        (lambda: complex_to_complex(z[:0], (0,), 0, True), "Invalid number of data points"),
        (lambda: complex_to_real(z, (1,), 0, 9), "expected n / 2"),
        (lambda: complex_to_real(z, (1,), 0, 0), "Invalid number of data points"),
    ):
        with pytest.raises(RuntimeError, match=message):
            call()
    with pytest.raises(IndexError):
        complex_to_complex(z, (2,), 0, True)


def test_empty_batches():
    assert fft.fft(facula.zeros(0, 4)).shape == (0, 4)
    assert fft.irfft(facula.zeros(0, 4, dtype=facula.complex64)).shape == (0, 6)


def test_needs_no_other_library():
    code = (
        "import sys; sys.modules['numpy'] = sys.modules['scipy'] = None; import facula as torch; x = torch.arange(8.0);"
        "y = torch.stft(x, 4, window=torch.ones(4), return_complex=True);"
        "assert torch.allclose(torch.istft(y, 4, window=torch.ones(4)), x) and torch.fft.fft(x)[0] == 28"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_frequencies(kind):
    for n, d in ((1, 1.0), (5, 0.3), (6, 2.0)):
        for name in ("fftfreq", "rfftfreq"):
            mine = getattr(fft, name)(n, d, dtype=getattr(facula, kind))
            np.testing.assert_allclose(mine.numpy(), getattr(np.fft, name)(n, d), rtol=2 * EPSILON[kind])
