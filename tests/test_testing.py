"""assert_close and make_tensor."""

import pytest

import facula as torch
from facula.testing import assert_close, make_tensor

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]
INTEGERS = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize(
    ("dtype", "rtol"),
    [(torch.float16, 1e-3), (torch.bfloat16, 1.6e-2), (torch.float32, 1.3e-6), (torch.float64, 1e-7)],
)
def test_default_tolerance_follows_dtype(dtype, rtol):
    one = torch.tensor([100.0], dtype=torch.float64)
    assert_close((one * (1 + 0.4 * rtol)).to(dtype), one.to(dtype))
    with pytest.raises(AssertionError, match="not close"):
        assert_close((one * (1 + 3 * rtol)).to(dtype), one.to(dtype))


def test_message_counts_and_locates():
    expected = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    actual = torch.tensor([[1.0, 2.5, 3.0], [4.0, 5.0, 7.0]])
    with pytest.raises(AssertionError) as error:
        assert_close(actual, expected)
    assert str(error.value) == (
        "Tensor-likes are not close!\n\n"
        "Mismatched elements: 2 / 6 (33.3%)\n"
        "Greatest absolute difference: 1.0 at index (1, 2) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.25 at index (0, 1) (up to 1.3e-06 allowed)"
    )


def test_exact_comparison_says_equal():
    with pytest.raises(AssertionError, match="are not equal") as error:
        assert_close(torch.tensor([1, 2]), torch.tensor([1, 3]))
    assert "allowed" not in str(error.value)


def test_numbers():
    assert_close(1.0, 1.0 + 1e-9)
    assert_close(1.0, 1, check_dtype=False)
    with pytest.raises(AssertionError, match=r"Expected 2.0 but got 1.0"):
        assert_close(1.0, 2.0)
    with pytest.raises(AssertionError, match="types do not match"):
        assert_close(1.0, 1)


def test_zero_dimensional_tensors_compare_as_numbers():
    with pytest.raises(AssertionError, match=r"Scalars are not close!\n\nExpected 2.0 but got 1.0"):
        assert_close(torch.tensor(1.0), torch.tensor(2.0))


def test_nan():
    x = torch.tensor([1.0, float("nan")])
    with pytest.raises(AssertionError):
        assert_close(x, x)
    assert_close(x, x, equal_nan=True)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (torch.zeros(3, 2), "shape"),
        (torch.zeros(2, 3, dtype=torch.float64), "dtype"),
    ],
)
def test_attributes(other, name):
    with pytest.raises(AssertionError, match=f"attribute '{name}' do not match"):
        assert_close(torch.zeros(2, 3), other)


def test_stride_and_dtype_checks_are_optional():
    x = torch.zeros(3, 2)
    assert_close(x, torch.zeros(2, 3).t())
    with pytest.raises(AssertionError, match="stride"):
        assert_close(x, torch.zeros(2, 3).t(), check_stride=True)
    assert_close(x, x.double(), check_dtype=False)


def test_containers():
    x = torch.ones(2)
    assert_close([x, (1.0, None)], [x.clone(), (1.0, None)])
    assert_close({"a": x}, {"a": x.clone()})
    with pytest.raises(AssertionError, match=r"The failure occurred for item \['a'\]\[1\]"):
        assert_close({"a": [x, x]}, {"a": [x, x + 1]})
    with pytest.raises(AssertionError, match="length of the sequences mismatch: 1 != 2"):
        assert_close([x], [x, x])
    with pytest.raises(AssertionError, match="Missing keys in the actual mapping"):
        assert_close({"a": x}, {"a": x, "b": x})


def test_parameter_against_tensor():
    x = torch.ones(2)
    assert_close(torch.nn.Parameter(x), x)
    with pytest.raises(TypeError, match="cannot be compared"):
        assert_close(torch.nn.Parameter(x), x, allow_subclasses=False)


def test_bad_arguments():
    with pytest.raises(ValueError, match="only rtol is given"):
        assert_close(1.0, 1.0, rtol=0.1)
    with pytest.raises(TypeError, match="cannot be compared"):
        assert_close(object(), object())


def test_own_message():
    with pytest.raises(AssertionError, match=r"^mine$"):
        assert_close(1.0, 2.0, msg="mine")
    with pytest.raises(AssertionError, match=r"^head\nScalars"):
        assert_close(1.0, 2.0, msg=lambda text: "head\n" + text)


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
def test_make_tensor_range_and_layout(dtype):
    x = make_tensor((4, 5), dtype=dtype, device="cpu", low=0, high=2, noncontiguous=True)
    assert x.dtype == dtype
    assert tuple(x.shape) == (4, 5)
    assert not x.is_contiguous()
    values = torch.view_as_real(x).reshape(-1).tolist() if dtype.is_complex else x.reshape(-1).tolist()
    assert all(0 <= value <= 2 for value in values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_make_tensor_without_zeros(dtype):
    assert bool((make_tensor(1000, dtype=dtype, device="cpu", exclude_zero=True) != 0).all())


def test_make_tensor_gradient():
    assert make_tensor(2, dtype=torch.float32, device="cpu", requires_grad=True).requires_grad
    with pytest.raises(ValueError, match="requires_grad"):
        make_tensor(2, dtype=torch.int64, device="cpu", requires_grad=True)


@pytest.mark.parametrize(("low", "high"), [(2, 1), (float("nan"), 1), (300, 400)])
def test_make_tensor_bad_bounds(low, high):
    with pytest.raises(ValueError, match="make_tensor"):
        make_tensor(2, dtype=torch.uint8, device="cpu", low=low, high=high)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int64", "uint8", "bool"])
def test_make_tensor_draws_what_pytorch_draws(dtype):
    oracle = pytest.importorskip("torch")
    made = []
    for package, make in ((torch, make_tensor), (oracle, oracle.testing.make_tensor)):
        package.manual_seed(3)
        made.append(make((3, 40), dtype=getattr(package, dtype), device="cpu", noncontiguous=True).tolist())
    if torch._C._isa() == "baseline":  # PyTorch scales its draws with fused products, which this set does not have
        assert torch.allclose(torch.tensor(made[0]), torch.tensor(made[1]), rtol=1e-5)
    else:
        assert made[0] == made[1]
