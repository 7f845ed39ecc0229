"""Complex tensors: derivatives of both orders, layouts, in-place forms and `out=` of every sample, and the rules of
views, conversions and errors. Values are compared with torch in tests/oracle."""

from __future__ import annotations

import inspect
import math

import pytest
from samples_complex import SAMPLES
from test_table import flat, in_place, tensors

import facula as torch


def arguments(sample, dtype=None, layout="contiguous", requires_grad=False):
    return sample.make(torch, dtype or sample.dtypes[-1], layout, requires_grad)


def run(sample, *rest):
    args, kwargs = arguments(sample, *rest)
    return sample.function(torch)(*args, **kwargs)


def parts(tensor):
    return torch.view_as_real(tensor).tolist() if tensor.is_complex() else tensor.tolist()


def as_function(sample):
    args, kwargs = arguments(sample, requires_grad=True)
    inputs = [leaf for leaf in flat(args) if isinstance(leaf, torch.Tensor) and leaf.requires_grad]

    def call(*values):
        given = iter(values)

        def fill(item):
            if isinstance(item, (list, tuple)):
                return type(item)(fill(part) for part in item)
            return next(given) if isinstance(item, torch.Tensor) and item.requires_grad else item

        return sample.function(torch)(*map(fill, args), **kwargs)

    return call, tuple(inputs)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiable], ids=repr)
def test_derivatives(sample):
    function, inputs = as_function(sample)
    assert torch.autograd.gradcheck(function, inputs)
    torch.manual_seed(0)
    assert torch.autograd.gradgradcheck(function, inputs, atol=1e-4)


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_layouts_and_precisions_agree(sample):
    expected = [parts(t) for t in tensors(run(sample))]
    for layout in ("transposed", "stepped"):
        if sample.name == "view_as_complex":
            continue  # speaks of memory
        found = [parts(t) for t in tensors(run(sample, None, layout))]
        assert all(torch.allclose(torch.tensor(a), torch.tensor(b)) for a, b in zip(found, expected, strict=True))
    for low, high in zip(tensors(run(sample, sample.dtypes[0])), tensors(run(sample)), strict=True):
        assert low.is_complex() == high.is_complex()
        torch.testing.assert_close(low, high.to(low.dtype), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if "." not in s.name], ids=repr)
def test_in_place_and_out(sample):
    expected = run(sample)
    args, kwargs = arguments(sample)
    if "out" in inspect.signature(sample.function(torch)).parameters:
        out = torch.empty(expected.shape, dtype=expected.dtype)
        assert sample.function(torch)(*args, **kwargs, out=out) is out and torch.equal(out, expected)
    method = in_place(sample)
    fits = isinstance(args[0], torch.Tensor) and (args[0].dtype, args[0].shape) == (expected.dtype, expected.shape)
    if method and fits:
        assert method(*args, **kwargs) is args[0]
        assert torch.equal(args[0], expected)


# ---- views of the parts ----


def test_parts_are_views_with_gradients():
    z = torch.tensor([1 + 2j, 3 - 4j], requires_grad=True)
    y = z * 1
    y.real.mul_(2)
    y.imag = torch.tensor([7.0, 8.0])
    assert y.tolist() == [2 + 7j, 6 + 8j]
    (y * (1 - 1j)).abs().pow(2).sum().backward()  # 2 |y|^2: the gradient of the real part is 4 y.real * 2
    assert z.grad.tolist() == [16 + 0j, 48 + 0j]


def test_complex_view_of_real_memory_is_written_through():
    x = torch.arange(4.0, dtype=torch.float64).reshape(2, 2).requires_grad_()
    y = x * 1
    z = torch.view_as_complex(y)
    z.mul_(2j)
    assert y.tolist() == [[-2, 0], [-6, 4]]
    y.sum().backward()
    assert x.grad.tolist() == [[2, -2], [2, -2]]


def test_view_is_renewed_after_its_base_changed():
    x = torch.tensor([1 + 1j, 2 + 2j], requires_grad=True)
    y = x * 1
    real = y.real
    y.mul_(3j)
    real.sum().backward()
    assert real.tolist() == [-3, -6] and x.grad.tolist() == [-3j, -3j]


def test_view_as_complex_checks_memory():
    for tensor, message in (
        (torch.zeros(3), "size 2"),
        (torch.zeros(2, 3).t(), "stride 1"),
        (torch.zeros(3, 3)[:, :2], "divisible by 2"),
        (torch.zeros(5)[1:].reshape(2, 2), "storage_offset"),
    ):
        with pytest.raises(RuntimeError, match=message):
            torch.view_as_complex(tensor)


# ---- gradients between real and complex ----


def test_real_operand_takes_the_real_part():
    x = torch.tensor([2.0], requires_grad=True)
    z = torch.tensor([1 + 3j], requires_grad=True)
    (x * z).backward(torch.tensor([1 - 1j]))
    assert x.grad.dtype == torch.float32 and x.grad.item() == -2.0
    assert z.grad.item() == 2 - 2j


def test_backward_of_a_complex_scalar_is_refused():
    with pytest.raises(RuntimeError, match="only for real scalar outputs but got ComplexFloat"):
        torch.tensor(1j, requires_grad=True).mul(2).backward()


def test_gradient_at_zero():
    z = torch.zeros(2, dtype=torch.complex128, requires_grad=True)
    (z.abs().sum() + z.angle().sum()).backward()
    assert z.grad.tolist() == [0, 0]


# ---- types, conversions, refusals ----


def test_conj_of_real_is_itself():
    x = torch.ones(2)
    assert x.conj() is x and torch.resolve_conj(x) is x and not x.is_conj()


def test_magnitude_does_not_overflow():
    big = torch.tensor([3e30 + 4e30j, complex(math.inf, math.nan)])
    assert big.abs().tolist() == torch.tensor([5e30, math.inf]).tolist()


@pytest.mark.parametrize("name", ["sign", "erf", "floor", "maximum", "softmax", "argmax", "lt", "relu", "cummax"])
def test_refused(name):
    z = torch.ones(2, dtype=torch.complex64)
    rest = {"maximum": (z,), "lt": (z,), "softmax": (0,), "cummax": (0,)}.get(name, ())
    with pytest.raises((RuntimeError, NotImplementedError)):
        getattr(torch, name)(z, *rest)


def test_in_place_results_that_do_not_fit():
    with pytest.raises(RuntimeError, match="In-place abs is not supported for complex"):
        torch.ones(2, dtype=torch.complex64).abs_()
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.ones(2).mul_(1j)
