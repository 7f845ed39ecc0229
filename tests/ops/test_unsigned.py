"""uint16, uint32 and uint64: numbers above those of int64, every sample of the table with them in place of int64, and
refusals that change nothing. What PyTorch has them for is compared in tests/oracle/test_unsigned_types.py."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from sample import Array
from samples import SAMPLES

import facula
from facula.io import safetensors

UNSIGNED = ("uint16", "uint32", "uint64")
M = 2**64 - 1
ERRORS = (RuntimeError, TypeError, ValueError, IndexError, ZeroDivisionError)


def some(dtype):
    """A vector with the smallest and the largest numbers."""
    largest = facula.iinfo(getattr(facula, dtype)).max
    return facula.tensor([3, largest, 0, largest // 2 + 1], dtype=getattr(facula, dtype))


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_numpy_shares_memory_both_ways(dtype):
    x = some(dtype)
    array = x.numpy()
    assert array.dtype == dtype and array.tolist() == x.tolist()
    array[0] = 7
    assert x[0].item() == 7
    back = facula.from_numpy(array)
    back[1] = 5
    assert array[1] == 5 and back.dtype is x.dtype and back.data_ptr() == x.data_ptr()
    assert facula.tensor(array).dtype is x.dtype and facula.tensor(array[0]).dtype is x.dtype
    assert np.from_dlpack(x).dtype == dtype and facula.from_dlpack(array).tolist() == x.tolist()


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_copies_of_any_kind(dtype, tmp_path):
    x = some(dtype)
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.clone(), x.view(x.dtype), x.cpu()):
        assert other.dtype is x.dtype and other.tolist() == x.tolist()
    assert pickle.loads(pickle.dumps(x.dtype)) is x.dtype
    safetensors.save_file({"x": x}, tmp_path / "x.safetensors")
    assert safetensors.load_file(tmp_path / "x.safetensors")["x"].tolist() == x.tolist()
    facula.save(facula.nn.Parameter(x, requires_grad=False), tmp_path / "x.pt")
    assert facula.load(tmp_path / "x.pt").tolist() == x.tolist()
    wide = facula.zeros(4, 3, dtype=x.dtype)
    wide[:, 1] = x
    assert wide.sum(1).tolist() == x.long().tolist() and wide.t().contiguous()[1].tolist() == x.tolist()


def test_numbers_above_int64():
    x = facula.tensor([M, 2**63, 1], dtype=facula.uint64)
    assert x.tolist() == [M, 2**63, 1] and x[0].item() == M and int(x[1]) == 2**63 and float(x[0]) == 2.0**64
    assert facula.full((1,), M, dtype=facula.uint64).item() == M
    assert facula.zeros((), dtype=facula.uint64).fill_(M).item() == M
    assert (x == M).tolist() == [True, False, False] and (x != 2**63).tolist() == [True, False, True]
    assert x.sort().values.tolist() == [1, 2**63, M] and x.unique().tolist() == [1, 2**63, M]
    assert x.double().tolist() == [2.0**64, 2.0**63, 1.0]
    assert (x * 3).tolist() == [M * 3 % 2**64, 2**63 * 3 % 2**64, 3]
    assert (x & M).tolist() == x.tolist() and (x ^ M).tolist() == [0, 2**63 - 1, M - 1]
    assert str(x[0]) == "tensor(18446744073709551615, dtype=torch.uint64)" and f"{x[1]}" == str(2**63)
    assert facula.iinfo(facula.uint64).max == M
    x[2] = M
    assert x.tolist() == [M, 2**63, M]
    with pytest.raises(ValueError, match="uint64 holds it"):
        facula.tensor([facula.tensor(M, dtype=facula.uint64)], dtype=facula.int64)
    with pytest.raises(RuntimeError, match="overflow"):
        facula.zeros(2, dtype=facula.int64).fill_(M)


def converted(description, value, dtype):
    """An argument with its tensors of the sample's own type in another one."""
    if isinstance(value, (list, tuple)):
        return type(value)(converted(d, v, dtype) for d, v in zip(description, value, strict=True))
    if isinstance(description, Array) and description.kind == "x" and value.dtype is facula.int64:
        return value.abs().to(dtype)
    return value


def run(sample, layout, dtype):
    args, kwargs = sample.make(facula, "int64", layout)
    args = [converted(d, v, dtype) for d, v in zip(sample.args, args, strict=True)]
    kwargs = {name: converted(sample.kwargs[name], value, dtype) for name, value in kwargs.items()}
    facula.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sample.function(facula)(*args, **kwargs)


def flat(result):
    return [leaf for item in result for leaf in flat(item)] if isinstance(result, (list, tuple)) else [result]


def assert_equal(ours, wide):
    """The same numbers as with int64; where that stays int64, this may be unsigned."""
    if not isinstance(wide, facula.Tensor):
        assert ours == wide
        return
    same = ours.dtype is wide.dtype or (wide.dtype is facula.int64 and str(ours.dtype)[6:] in UNSIGNED)
    assert same and ours.shape == wide.shape
    np.testing.assert_array_equal(np.array(ours.tolist()), np.array(wide.tolist()))


@pytest.mark.parametrize("dtype", UNSIGNED)
@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_samples_equal_those_of_int64_or_are_refused(sample, dtype):
    for layout in ("contiguous", "stepped", "0-d", "empty"):
        try:
            ours = run(sample, layout, getattr(facula, dtype))
        except ERRORS:
            continue
        wide = run(sample, layout, facula.int64)
        if sample.exact:
            for one, other in zip(flat(ours), flat(wide), strict=True):
                assert_equal(one, other)


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_refusals_are_not_implemented_and_change_nothing(dtype):
    x = some(dtype)
    before, version = x.tolist(), x._version
    for call in (
        lambda: x + 1, lambda: x - x, lambda: x < 2, lambda: x.max(), lambda: x.add_(1), lambda: x.cumsum_(0),
        lambda: x.masked_fill_(x == 3, 1), lambda: x.index_add_(0, facula.tensor([0]), x[:1]), lambda: x // 2,
        lambda: facula.arange(3, dtype=x.dtype), lambda: x.uniform_(), lambda: x.gather(0, facula.tensor([0])),
    ):  # fmt: skip
        with pytest.raises(NotImplementedError, match=f"UInt{dtype[4:]}"):
            call()
    with pytest.raises(RuntimeError, match="can't be cast"):
        x.mul_(1.5)
    with pytest.raises(RuntimeError, match="Promotion for uint16"):
        x * facula.ones(4, dtype=facula.int64)
    with pytest.raises(RuntimeError, match="Promotion for uint16"):
        facula.ones(4, dtype=facula.bool).eq_(x[0])
    with pytest.raises(IndexError):
        facula.ones(4)[x]
    assert x.tolist() == before and x._version == version


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_in_place_and_out(dtype):
    x = some(dtype)
    version = x._version
    assert x.mul_(2) is x and x._version > version and x[0].item() == 6
    out = facula.empty(0, dtype=x.dtype)
    assert facula.mul(x, 2, out=out) is out and out[0].item() == 12
    assert facula.eq(x, 6, out=out) is out and out.tolist() == [1, 0, 0, 0]
    view = x[:2]
    view.bitwise_or_(1)
    assert x[0].item() == 7 and x._version == view._version
    w = facula.ones(4)
    assert w.add_(x).dtype is facula.float32 and w[0].item() == 8
    with pytest.raises(RuntimeError, match="shape"):
        facula.ones(1, dtype=x.dtype).mul_(x)
    leaf = facula.zeros(4, requires_grad=True)
    for call in (lambda: facula.mul(x, x, out=leaf), lambda: facula.mul(x, leaf, out=facula.empty(4))):
        with pytest.raises(RuntimeError, match="automatic differentiation"):
            call()
    assert facula.mul(x, 0.5, out=facula.empty(0, dtype=facula.float64)).dtype is facula.float64


def test_vmap_and_autograd_pass_over_them():
    m = facula.arange(6).reshape(2, 3).to(facula.uint32)
    assert facula.func.vmap(lambda row: row * 2)(m).tolist() == [[0, 2, 4], [6, 8, 10]]
    assert facula.func.vmap(lambda row: row.sum())(m).tolist() == [3, 12]
    w = facula.ones(3, requires_grad=True)
    (w * m).sum().backward()
    assert w.grad.tolist() == [3.0, 5.0, 7.0]
    with pytest.raises(RuntimeError):
        m.requires_grad_()


HASHED = [facula.bool, facula.uint8, facula.int8, facula.int16, facula.int32, facula.int64]
HASHED += [facula.float16, facula.bfloat16, facula.float32, facula.float64]


@pytest.mark.parametrize("dtype", HASHED, ids=str)
def test_hash_is_the_exclusive_or_of_wide_bits(dtype):
    facula.manual_seed(0)
    x = (facula.randn(3, 4, 5) * 50).to(dtype)
    bits = (x.double().view(facula.int64) if dtype.is_floating_point else x.long()).numpy().view(np.uint64)
    for dims in (None, 0, -1, (0, 2), (2, 1)):
        expected = np.bitwise_xor.reduce(bits, axis=tuple(d % 3 for d in dims) if isinstance(dims, tuple) else dims)
        ours = facula.hash_tensor(x) if dims is None else facula.hash_tensor(x, dims)
        assert ours.dtype is facula.uint64 and ours.tolist() == expected.tolist()
    assert facula.hash_tensor(x.transpose(0, 2), 2).tolist() == facula.hash_tensor(x, 0).t().tolist()
    assert x.hash_tensor(1, keepdim=True).shape == (3, 1, 5)


def test_hash_refuses():
    x = facula.ones(2, 3)
    with pytest.raises(RuntimeError, match="mode"):
        facula.hash_tensor(x, mode=1)
    with pytest.raises(RuntimeError, match="uint64"):
        facula.hash_tensor(x, out=facula.empty(0))
    with pytest.raises(RuntimeError, match="multiple times"):
        facula.hash_tensor(x, (0, -2))
    with pytest.raises(IndexError):
        facula.hash_tensor(x, 2)
    with pytest.raises(IndexError, match="non-zero size"):
        facula.hash_tensor(facula.ones(0, 3), 0)
    assert facula.hash_tensor(facula.ones(0, 3), 1).shape == (0,)
    with pytest.raises(NotImplementedError):
        facula.hash_tensor(x.to(facula.uint16))
