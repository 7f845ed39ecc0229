"""Complex samples against live torch: value, dtype, grad_fn and gradients; functions at infinities and zeros."""

from __future__ import annotations

import cmath
import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from compare import call, flat, node_name, numbers, short
from samples_complex import SAMPLES

import facula

TOLERANCE = {"complex64": 1e-5, "float32": 1e-5, "complex128": 1e-11, "float64": 1e-11}
# Compositions of ours, or conj, which torch puts off.
OTHER_NODE = (
    "vdot baddbmm outer einsum tensordot matmul F.linear F.softsign nan_to_num square real imag rsub fft.hfft "
    "fft.hfftn "
    "fft.hfft2 fft.ihfft fft.ihfftn fft.ihfft2 fft.fftshift fft.ifftshift fft_real F.silu std var F.tanhshrink "
    "true_divide sgn pow_of_number F.l1_loss F.rms_norm F.conv2d F.conv_transpose1d".split()
)


def outcomes(sample, dtype, layout="contiguous", requires_grad=False):
    for package in (facula, torch):
        args, kwargs = sample.make(package, dtype, layout, requires_grad)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield *call(sample.function(package), *args, **kwargs), [*flat(args), *flat(list(kwargs.values()))]


def assert_close(ours, theirs):
    assert short(ours.dtype) == short(theirs.dtype) and tuple(ours.shape) == tuple(theirs.shape)
    tolerance = TOLERANCE.get(short(ours.dtype), 0)
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_forward(sample):
    for dtype, layout in itertools.product(sample.dtypes, ("contiguous", "transposed", "empty")):
        (ours, error, _), (theirs, their_error, _) = outcomes(sample, dtype, layout)
        if their_error is not None:  # torch refuses some that are empty
            assert layout == "empty" or error is not None, f"torch refuses: {their_error}"
            continue
        if error is not None:
            raise error
        for left, right in zip(flat(ours), flat(theirs), strict=True):
            assert_close(left, right)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiable], ids=repr)
def test_gradients(sample):
    found = []
    for (result, error, args), package in zip(outcomes(sample, sample.dtypes[-1], requires_grad=True), (facula, torch)):
        if error is not None or not result.requires_grad:
            pytest.skip("torch has no derivative")
        ramp = package.arange(1, result.numel() + 1, dtype=package.float64).reshape(result.shape).to(result.dtype)
        ramp = ramp * (1 - 2j) if result.dtype.is_complex else ramp
        wanted = [a for a in args if isinstance(a, package.Tensor) and a.requires_grad]
        result, error = call(package.autograd.grad, result, wanted, ramp)
        found.append((result, error))
    (ours, _), (theirs, their_error) = found
    if their_error is not None:
        pytest.skip("torch has no derivative")
    for left, right in zip(ours, theirs, strict=True):
        assert_close(left, right)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiable and s.id not in OTHER_NODE], ids=repr)
def test_node_name(sample):
    (ours, _, _), (theirs, _, _) = outcomes(sample, sample.dtypes[-1], requires_grad=True)
    assert node_name(ours) == node_name(theirs)


# torch's vectorised loops differ from its scalar ones at these values: compared with C99, by way of the C library.
VALUES = (0.0, -0.0, 0.5, -2.0, math.inf, -math.inf)
NUMBERS = [complex(re, im) for re in VALUES for im in VALUES]


@pytest.mark.parametrize("name", "sqrt exp log sin cos sinh cosh tanh asin acos atan asinh acosh atanh tan".split())
def test_special_values(name):
    ours = getattr(facula, name)(facula.tensor(NUMBERS, dtype=facula.complex128)).tolist()
    compared = 0
    for number, found in zip(NUMBERS, ours, strict=True):
        try:
            expected = getattr(cmath, name)(number)
        except (ValueError, OverflowError):
            continue  # Python raises where C sets a flag
        compared += 1
        for left, right in ((found.real, expected.real), (found.imag, expected.imag)):
            same = math.isnan(left) if math.isnan(right) else abs(left) == abs(right) or math.isclose(left, right)
            assert same, f"{name}({number}) = {found}, C99 has {expected}"
    assert compared >= len(NUMBERS) / 2


def test_messages():
    for package in (facula, torch):
        for function, message in (
            (lambda p: p.view_as_real(p.ones(2)), "view_as_real is only supported for complex tensors"),
            (lambda p: p.ones(2).imag, "imag is not implemented for tensors with non-complex dtypes"),
            (lambda p: p.sign(p.ones(2, dtype=p.complex64)), "torch.sign is not intended to support complex numbers"),
            (lambda p: p.fft.fft(p.ones(2), 0), "Invalid number of data points"),
            (lambda p: p.fft.fft(p.ones(2), norm="x"), "Invalid normalization mode"),
            (lambda p: p.fft.rfft(p.ones(2, dtype=p.complex64)), "expects a real input tensor"),
            (lambda p: p.fft.fftn(p.ones(2, 2), (2,), (0, 1)), "dim and shape arguments must have the same length"),
            (lambda p: p.fft.fftn(p.ones(2, 2), None, (0, 0)), "FFT dims must be unique"),
            (lambda p: p.fft.fftn(p.ones(2), (2, 2)), "Got shape with 2 values but input tensor only has 1"),
            (lambda p: p.fft.fft(p.ones(2, dtype=p.float16)), "Unsupported dtype Half"),
        ):
            with pytest.raises(RuntimeError, match=message):
                function(package)
