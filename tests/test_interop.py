"""Tensors among other Python objects: NumPy, DLPack, buffers, pickle, copies, the number protocols, subclasses."""

from __future__ import annotations

import copy
import gc
import operator
import pickle
import weakref

import numpy as np
import pytest

import facula as torch

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "uint16",
    "uint32",
    "uint64",
]


# ---- NumPy, DLPack and buffers: one memory ----


@pytest.mark.parametrize("name", DTYPES)
def test_numpy_both_ways(name):
    array = np.array([[0, 1, 1], [1, 0, 1]], dtype=name)
    t = torch.from_numpy(array)
    assert t.dtype == getattr(torch, name) and t.shape == (2, 3) and t.tolist() == array.tolist()
    array[0, 0] = 1
    assert t[0, 0].item() == 1
    t[1, 1] = 1
    assert array[1, 1] == 1
    back = t.numpy()
    assert back.dtype == array.dtype and np.shares_memory(back, array)
    assert np.array_equal(torch.tensor(array).numpy(), array)
    assert not np.shares_memory(torch.tensor(array).numpy(), array)
    assert np.shares_memory(torch.as_tensor(array).numpy(), array)


def test_numpy_strides():
    array = np.arange(24.0).reshape(2, 3, 4)
    for view in (array.T, array[:, ::2], array[..., 1], array.transpose(1, 0, 2)):
        assert torch.from_numpy(view).tolist() == view.tolist()
    t = torch.arange(24.0).reshape(2, 3, 4)
    for make in (lambda x: x.swapaxes(0, 2), lambda x: x[:, 1:, ::2]):
        assert np.array_equal(make(t).numpy(), make(t.numpy()))
    with pytest.raises(ValueError, match="negative"):
        torch.from_numpy(array[::-1])


def test_numpy_keeps_memory_alive():
    array = torch.arange(1000.0).numpy()
    t = torch.from_numpy(np.arange(1000.0))
    gc.collect()
    [torch.zeros(1000) for _ in range(10)]
    assert array[999] == 999 and t[999].item() == 999


def test_numpy_refusals():
    with pytest.raises(RuntimeError, match="grad"):
        torch.ones(2, requires_grad=True).numpy()
    with pytest.raises(TypeError):
        torch.ones(2, dtype=torch.bfloat16).numpy()
    with pytest.raises(TypeError):
        torch.from_numpy([1, 2])
    with pytest.raises(TypeError):
        torch.from_numpy(np.array(["a"]))
    assert torch.ones(2, requires_grad=True).numpy(force=True).tolist() == [1, 1]


def test_array_protocol():
    t = torch.arange(6.0).reshape(2, 3)
    assert np.asarray(t).tolist() == t.tolist() and np.shares_memory(np.asarray(t), t.numpy())
    assert np.array(t, dtype=np.int64).dtype == np.int64
    assert np.add(t, 1.0).sum() == 21 and float(np.sum(t)) == 15
    assert np.array(t).tolist() == t.tolist() and not np.shares_memory(np.array(t), t.numpy())
    assert np.array([torch.tensor(1.0), torch.tensor(2.0)], dtype=float).tolist() == [1.0, 2.0]
    assert np.arange(5)[torch.tensor(2)] == 2 and np.arange(5)[torch.tensor([1, 3])].tolist() == [1, 3]
    assert torch.tensor(np.float32(1.5)).dtype == torch.float32 and torch.tensor(np.int16(3)).item() == 3
    assert (t * np.float64(2.0)).dtype == torch.float32


def test_dlpack_with_numpy():
    t = torch.arange(6.0).reshape(2, 3)
    array = np.from_dlpack(t)
    assert np.shares_memory(array, t.numpy()) and array.tolist() == t.tolist()
    source = np.arange(6, dtype=np.int32).reshape(2, 3)
    back = torch.from_dlpack(source)
    source[0, 0] = 9
    assert back[0, 0].item() == 9 and back.dtype == torch.int32
    assert torch.from_dlpack(t.t()).stride() == (1, 3) and t.__dlpack_device__() == (1, 0)
    with pytest.raises((RuntimeError, BufferError)):
        torch.ones(2, requires_grad=True).__dlpack__()


def test_buffer_protocol():
    t = torch.arange(6, dtype=torch.int32).reshape(2, 3)
    view = memoryview(t)
    assert view.shape == (2, 3) and view.strides == (12, 4) and view.format == "i" and view.tolist() == t.tolist()
    assert memoryview(t.t()).strides == (4, 12)
    storage = bytearray(np.arange(4.0, dtype=np.float32).tobytes())
    shared = torch.frombuffer(storage, dtype=torch.float32)
    shared[0] = 7
    assert np.frombuffer(storage, np.float32)[0] == 7
    assert torch.frombuffer(storage, dtype=torch.float32, count=2, offset=4).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError):
        torch.frombuffer(storage, dtype=torch.float32, count=9)
    with pytest.raises(ValueError):
        torch.frombuffer(b"", dtype=torch.float32)


# ---- pickle and copies ----


@pytest.mark.parametrize("name", [*DTYPES, "bfloat16"])
def test_pickle(name):
    t = torch.tensor([[0, 1, 1], [1, 0, 1]], dtype=getattr(torch, name))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(t, protocol))
        assert again.dtype == t.dtype and again.tolist() == t.tolist() and again.shape == t.shape


def test_pickle_keeps_flags_views_and_attributes():
    base = torch.arange(6.0)
    first, second = pickle.loads(pickle.dumps((base[:3], base[3:])))
    assert first.tolist() + second.tolist() == base.tolist()
    x = torch.ones(2, requires_grad=True)
    assert pickle.loads(pickle.dumps(x)).requires_grad
    assert pickle.loads(pickle.dumps(torch.ones(2, 3).t())).stride() == (1, 3)
    parameter = pickle.loads(pickle.dumps(torch.nn.Parameter(torch.ones(2))))
    assert isinstance(parameter, torch.nn.Parameter) and parameter.requires_grad
    for value in (torch.float32, torch.device("cpu"), torch.Size([1, 2]), torch.strided):
        again = pickle.loads(pickle.dumps(value))
        assert again == value and type(again) is type(value)


def test_copy():
    x = torch.ones(2, requires_grad=True)
    assert copy.copy(x).data_ptr() == x.data_ptr()
    deep = copy.deepcopy(x)
    assert deep.requires_grad and deep.data_ptr() != x.data_ptr() and deep.is_leaf
    memo = {}
    assert copy.deepcopy([x, x], memo)[0] is copy.deepcopy(x, memo)
    views = copy.deepcopy([x.data, x.data[1:]])
    views[0][1] = 5
    assert views[1].tolist() == [5.0]
    with pytest.raises(RuntimeError, match=r"leaf|leaves|graph"):
        copy.deepcopy(x * 2)


# ---- numbers, sequences, identity ----


def test_conversions_to_numbers():
    assert int(torch.tensor(3.7)) == 3 and float(torch.tensor([[2]])) == 2.0 and complex(torch.tensor(1.5)) == 1.5
    assert bool(torch.tensor(0)) is False and bool(torch.tensor([2.0])) is True
    assert operator.index(torch.tensor(2)) == 2 and [10, 20, 30][torch.tensor(1)] == 20
    assert list(range(torch.tensor(3))) == [0, 1, 2]
    for bad in (torch.ones(2), torch.ones(0)):
        with pytest.raises((RuntimeError, ValueError)):
            bool(bad)
    with pytest.raises(TypeError):
        operator.index(torch.tensor(1.0))
    with pytest.raises(TypeError):
        operator.index(torch.tensor([1, 2]))


def test_format():
    assert f"{torch.tensor(3.14159):.2f}" == "3.14" and f"{torch.tensor(3)}" == "3" and f"{torch.tensor(255):x}" == "ff"
    assert f"{torch.tensor([1.0])}" == "tensor([1.])" and f"{torch.tensor(True)}" == "True"
    with pytest.raises(TypeError):
        format(torch.tensor([1.0, 2.0]), ".2f")


def test_sequence():
    x = torch.arange(6).reshape(3, 2)
    assert len(x) == 3 and [row.tolist() for row in x] == x.tolist()
    a, b, c = x
    assert c.tolist() == [4, 5] and [r.tolist() for r in reversed(x)] == x.tolist()[::-1]
    assert 3 in x and 9 not in x and torch.tensor(3) in x
    assert [v.item() for v in torch.arange(3)] == [0, 1, 2] and a is not b
    with pytest.raises(TypeError):
        iter(torch.tensor(1))
    with pytest.raises(TypeError):
        len(torch.tensor(1))


def test_hash_and_identity():
    x, y = torch.ones(2), torch.ones(2)
    assert hash(x) == hash(x) and len({x, y, x}) == 2 and {x: 1}[x] == 1
    assert (x == None) is False and (x != None) is True  # noqa: E711
    assert {torch.float32: 1}[torch.float32] == 1 and hash(torch.device("cpu")) == hash(torch.device("cpu"))
    assert torch.Size([1, 2]) == (1, 2) and isinstance(x.shape, tuple) and x.shape.numel() == 2
    assert isinstance((*x.shape, 3), tuple) and isinstance(x.shape[:1], torch.Size)


def test_weak_references_and_attributes():
    x = torch.ones(2)
    gone = []
    reference = weakref.ref(x, lambda _: gone.append(1))
    assert reference() is x and weakref.WeakValueDictionary({1: x})[1] is x
    x.note = "kept"
    assert x.note == "kept" and x.__dict__ == {"note": "kept"}
    del x.note
    with pytest.raises(AttributeError, match="note"):
        _ = x.note
    with pytest.raises(AttributeError):
        x.dtype = torch.float64
    del x
    assert reference() is None and gone == [1]


def test_python_operands():
    x = torch.tensor([1.0, 2.0])
    assert (1 + x).tolist() == [2, 3] and (3 - x).tolist() == [2, 1] and (2 / x).tolist() == [2, 1]
    assert (2**x).tolist() == [2, 4] and (5 // x).tolist() == [5, 2] and (5 % x).tolist() == [0, 1]
    assert (-x).tolist() == [-1, -2] and abs(-x).tolist() == [1, 2] and (+x).tolist() == [1, 2]
    assert (x > 1).tolist() == [False, True] and (2 >= x).tolist() == [True, True]
    y = torch.tensor([6, 3])
    assert (~y).tolist() == [-7, -4] and (y & 2).tolist() == [2, 2] and (y ^ y).tolist() == [0, 0]
    assert (y << 1).tolist() == [12, 6] and (1 | y).tolist() == [7, 3] and (y >> 1).tolist() == [3, 1]
    y += 1
    y *= 2
    y -= 4
    assert y.tolist() == [10, 4]
    with pytest.raises(TypeError):
        x + "a"
    with pytest.raises(TypeError):
        object() + x


# ---- subclasses ----


class Logged(torch.Tensor):
    """Counts the operations that see it."""

    calls: list[str] = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs)


def test_torch_function_sees_every_operation():
    x = torch.ones(2, 3).as_subclass(Logged)
    Logged.calls.clear()
    assert all(type(y) is Logged for y in (x + 1, torch.exp(x), x.sum(), x.t(), x[0], torch.cat([x, x]), x @ x.t()))
    assert all(type(part) is Logged for part in x.split(1)) and type(x.max(0).values) is Logged
    assert {"exp", "sum", "cat"} <= set(Logged.calls)
    assert type(1 + x) is Logged and type(torch.ones(3) * x) is Logged
    assert isinstance(x.tolist(), list) and x.shape == (2, 3)


def test_subclass_with_constructor_and_autograd():
    class Named(torch.Tensor):
        @staticmethod
        def __new__(cls, data, name):
            self = torch.as_tensor(data).as_subclass(cls)
            self.name_ = name
            return self

        def __init__(self, data, name):
            pass

    x = Named([1.0, 2.0], "weights").requires_grad_()
    (x * x).sum().backward()
    assert x.name_ == "weights" and x.grad.tolist() == [2.0, 4.0] and isinstance(x, torch.Tensor)


def test_parameter_is_a_tensor():
    p = torch.nn.Parameter(torch.ones(2))
    assert isinstance(p, torch.Tensor) and p.requires_grad and p.is_leaf and type(p * 2) is torch.Tensor
    assert type(p.data) is torch.Tensor and repr(p).startswith("Parameter containing:")
    assert isinstance(copy.deepcopy(p), torch.nn.Parameter) and type(p.detach()) is torch.Tensor
