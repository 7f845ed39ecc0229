"""What whole programs met: numbers that do not fit, what a tensor is made of, warnings, groups of optimisers, NumPy."""

import warnings

import numpy as np
import pytest
import torch

import facula

INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
NUMBERS = (
    *(-1, 255, 256, -200, -255, -256, 300, 127.5, -128.5, 255.5, -0.5, 2**31, 2**63, 2**64, 1e5, 70000.0, 1e30, -1.5),
    *(True, float("nan"), float("inf")),
)
WRITES = {
    "tensor": lambda t, v, d: t.tensor([v], dtype=d),
    "scalar": lambda t, v, d: t.tensor(v, dtype=d),
    "new_tensor": lambda t, v, d: t.zeros(1).new_tensor([v], dtype=d),
    "as_tensor": lambda t, v, d: t.as_tensor([v], dtype=d),
    "fill_": lambda t, v, d: t.zeros(1, dtype=d).fill_(v),
    "setitem": lambda t, v, d: written(t.zeros(2, dtype=d), v),
    "masked_fill": lambda t, v, d: t.zeros(1, dtype=d).masked_fill(t.tensor([True]), v),
}


def written(x, value):
    x[0] = value
    return x


def outcome(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = run()
        except Exception as error:
            return type(error).__name__
    return str(result.dtype).rpartition(".")[2], result.tolist()


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("write", WRITES)
def test_numbers_must_fit(write, dtype):
    for value in NUMBERS:
        if write not in ("tensor", "scalar", "new_tensor", "as_tensor") and abs(value) >= 2**63:
            continue  # refused on both sides, by different words
        theirs, ours = (outcome(lambda t=t, v=value: WRITES[write](t, v, getattr(t, dtype))) for t in (torch, facula))
        assert ours == theirs, value


@pytest.mark.parametrize("dtype", ["bool", "float16", "bfloat16", "float32", "float64"])
def test_large_integers_become_floats(dtype):
    for value in (2**63, 2**64, 2**53 + 1, 16777217, -(2**63), True):
        theirs, ours = (outcome(lambda t=t, v=value: t.tensor([v], dtype=getattr(t, dtype))) for t in (torch, facula))
        assert ours == theirs, value


@pytest.mark.parametrize(
    "text",
    [
        "{'a': 1}", "object()", "None", "'a'", "b'ab'", "bytearray(b'ab')", "memoryview(b'ab')", "{1, 2}", "range(3)",
        "[None]", "[1, 'a']", "['a']", "[[1], 2]", "[1, [2]]", "[object()]", "type", "array.array('i', [1, 2])",
        "np.float16(3)", "[np.float32(1)]", "np.arange(3, dtype='i2')", "(i for i in range(2))",
    ],
)  # fmt: skip
def test_what_a_tensor_is_made_of(text):
    import array

    names = {"np": np, "array": array}
    assert outcome(lambda: facula.tensor(eval(text, names))) == outcome(lambda: torch.tensor(eval(text, names)))


@pytest.mark.parametrize(
    "text",
    [
        "t.tensor(t.ones(2))",
        "(t.ones(2, requires_grad=True) * 2).grad",
        "t.ones(2, requires_grad=True).grad",
        "t.ones(2).grad",
        "t.ones(2, requires_grad=True).detach().grad",
    ],
)
def test_warnings(text):
    said = []
    for package in (torch, facula):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            eval(text, {"t": package})
        said.append([(str(w.message)[:150], w.category, w.filename) for w in caught])
    assert [entry[:2] for entry in said[1]] == [entry[:2] for entry in said[0]]


def test_retained_gradients_do_not_warn():
    x = facula.ones(2, requires_grad=True) * 2
    x.retain_grad()
    assert x.grad is None
    x.sum().backward()
    assert x.grad.tolist() == [1, 1]


@pytest.mark.parametrize(
    "name",
    ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD", "LBFGS",
     "Adafactor", "SparseAdam", "Muon"],
)  # fmt: skip
def test_groups_list_the_same_in_the_same_order(name):
    texts = []
    for package in (torch, facula):
        parameters = [package.nn.Parameter(package.ones(2, 2)) for _ in range(2)]
        groups = [{"params": [p]} for p in parameters] if name != "LBFGS" else parameters
        optimiser = getattr(package.optim, name)(groups, lr=0.1)
        texts.append((list(optimiser.param_groups[0]), list(optimiser.defaults), repr(optimiser)))
    assert texts[1] == texts[0]


def test_linspace_has_the_same_bits():
    for start, end in ((-1, 1), (0, 1), (0, 10), (-3, 7), (0.1, 0.7)):
        for steps in (1, 2, 3, 8, 16, 28, 31, 64, 100, 1000):
            theirs, ours = (t.linspace(start, end, steps).numpy() for t in (torch, facula))
            assert (theirs == ours).all(), (start, end, steps)


def test_numpy_functions_give_tensors():
    for package in (torch, facula):
        x = package.arange(3.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert type(np.add(x, 1)) is package.Tensor and np.sin(x).dtype is package.float32
            assert np.greater(x, 1).dtype is package.uint8
