"""The text of tensors: a table of texts that PyTorch printed, and the same comparison live where it is installed."""

import random
from math import inf, nan

import pytest

import facula as torch
from facula._tensor.printing import tensor_repr

# Expression, print options, and what PyTorch 2.13 prints.
GOLDEN = [
    ("torch.tensor(1.5)", {}, "tensor(1.5000)"),
    ("torch.tensor(3.0)", {}, "tensor(3.)"),
    ("torch.tensor(-0.0)", {}, "tensor(-0.)"),
    ("torch.tensor(7)", {}, "tensor(7)"),
    ("torch.tensor(True)", {}, "tensor(True)"),
    ("torch.tensor(1 + 2j)", {}, "tensor(1.+2.j)"),
    ("torch.tensor(inf)", {}, "tensor(inf)"),
    ("torch.tensor(nan)", {}, "tensor(nan)"),
    ("torch.tensor(1e-5)", {}, "tensor(1.0000e-05)"),
    ("torch.tensor(123456789.0)", {}, "tensor(1.2346e+08)"),
    ("torch.tensor([])", {}, "tensor([])"),
    ("torch.tensor([], dtype=torch.int64)", {}, "tensor([], dtype=torch.int64)"),
    ("torch.tensor([], dtype=torch.float64)", {}, "tensor([], dtype=torch.float64)"),
    ("torch.empty(0, 3)", {}, "tensor([], size=(0, 3))"),
    ("torch.empty(2, 0, 3, dtype=torch.int32)", {}, "tensor([], size=(2, 0, 3), dtype=torch.int32)"),
    ("torch.tensor([0.0, -0.0])", {}, "tensor([0., -0.])"),
    ("torch.tensor([1.0, 2.0, 3.0])", {}, "tensor([1., 2., 3.])"),
    ("torch.tensor([1.0, 2.5, -3.0])", {}, "tensor([ 1.0000,  2.5000, -3.0000])"),
    ("torch.tensor([1.0, inf, -inf, nan])", {}, "tensor([1., inf, -inf, nan])"),
    ("torch.tensor([1.5, inf, -inf, nan])", {}, "tensor([1.5000,    inf,   -inf,    nan])"),
    ("torch.tensor([inf, nan])", {}, "tensor([inf, nan])"),
    ("torch.tensor([0.1, 1000.0])", {}, "tensor([1.0000e-01, 1.0000e+03])"),
    ("torch.tensor([0.1, 10.0, 99.0])", {}, "tensor([ 0.1000, 10.0000, 99.0000])"),
    ("torch.tensor([1e-5, 1.0])", {}, "tensor([1.0000e-05, 1.0000e+00])"),
    ("torch.tensor([1e9, 1.0])", {}, "tensor([1.0000e+09, 1.0000e+00])"),
    ("torch.tensor([1e9, inf, 0.0, nan])", {}, "tensor([1.0000e+09,        inf, 0.0000e+00,        nan])"),
    ("torch.tensor([1.0, 1001.0])", {}, "tensor([1.0000e+00, 1.0010e+03])"),
    ("torch.tensor([1.0, 1000.0])", {}, "tensor([   1., 1000.])"),
    ("torch.tensor([1, -20, 300])", {}, "tensor([  1, -20, 300])"),
    ("torch.tensor([1, -20, 300], dtype=torch.int16)", {}, "tensor([  1, -20, 300], dtype=torch.int16)"),
    ("torch.tensor([255, 0], dtype=torch.uint8)", {}, "tensor([255,   0], dtype=torch.uint8)"),
    ("torch.tensor([True, False])", {}, "tensor([ True, False])"),
    ("torch.tensor([1.5, 2.25], dtype=torch.float16)", {}, "tensor([1.5000, 2.2500], dtype=torch.float16)"),
    ("torch.tensor([1.5, 2.25], dtype=torch.bfloat16)", {}, "tensor([1.5000, 2.2500], dtype=torch.bfloat16)"),
    ("torch.tensor([1.5, 2.25], dtype=torch.float64)", {}, "tensor([1.5000, 2.2500], dtype=torch.float64)"),
    ("torch.tensor([65504.0, 6e-8], dtype=torch.float16)", {}, "tensor([6.5504e+04, 5.9605e-08], dtype=torch.float16)"),
    (
        "torch.tensor([1e300, 1e-300], dtype=torch.float64)",
        {},
        "tensor([1.0000e+300, 1.0000e-300], dtype=torch.float64)",
    ),
    ("torch.tensor([1 + 2j, -1.5 - 0.25j])", {}, "tensor([ 1.0000+2.0000j, -1.5000-0.2500j])"),
    ("torch.tensor([1 + 2j, 3 - 4j])", {}, "tensor([1.+2.j, 3.-4.j])"),
    ("torch.tensor([1 + 2j], dtype=torch.complex128)", {}, "tensor([1.+2.j], dtype=torch.complex128)"),
    (
        "torch.tensor([[1.0, 2.0], [3.0, 4.5]])",
        {},
        """\
tensor([[1.0000, 2.0000],
        [3.0000, 4.5000]])""",
    ),
    (
        "torch.tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])",
        {},
        """\
tensor([[[1, 2],
         [3, 4]],

        [[5, 6],
         [7, 8]]])""",
    ),
    (
        "torch.tensor([[[[1.0]], [[2.0]]]])",
        {},
        """\
tensor([[[[1.]],

         [[2.]]]])""",
    ),
    (
        "torch.arange(30)",
        {},
        """\
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])""",
    ),
    (
        "torch.arange(30.0)",
        {},
        """\
tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,
        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,
        28., 29.])""",
    ),
    ("torch.arange(1001)", {}, "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    ("torch.arange(1001.0)", {}, "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])"),
    (
        "torch.arange(1000000.0).reshape(1000, 1000)",
        {},
        """\
tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.9700e+02, 9.9800e+02,
         9.9900e+02],
        [1.0000e+03, 1.0010e+03, 1.0020e+03,  ..., 1.9970e+03, 1.9980e+03,
         1.9990e+03],
        [2.0000e+03, 2.0010e+03, 2.0020e+03,  ..., 2.9970e+03, 2.9980e+03,
         2.9990e+03],
        ...,
        [9.9700e+05, 9.9700e+05, 9.9700e+05,  ..., 9.9800e+05, 9.9800e+05,
         9.9800e+05],
        [9.9800e+05, 9.9800e+05, 9.9800e+05,  ..., 9.9900e+05, 9.9900e+05,
         9.9900e+05],
        [9.9900e+05, 9.9900e+05, 9.9900e+05,  ..., 1.0000e+06, 1.0000e+06,
         1.0000e+06]])""",
    ),
    (
        "torch.arange(2002).reshape(2, 1001)",
        {},
        """\
tensor([[   0,    1,    2,  ...,  998,  999, 1000],
        [1001, 1002, 1003,  ..., 1999, 2000, 2001]])""",
    ),
    (
        "torch.arange(2002).reshape(1001, 2)",
        {},
        """\
tensor([[   0,    1],
        [   2,    3],
        [   4,    5],
        ...,
        [1996, 1997],
        [1998, 1999],
        [2000, 2001]])""",
    ),
    (
        "torch.arange(8 * 8 * 20.0).reshape(8, 8, 20)",
        {},
        """\
tensor([[[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.7000e+01,
          1.8000e+01, 1.9000e+01],
         [2.0000e+01, 2.1000e+01, 2.2000e+01,  ..., 3.7000e+01,
          3.8000e+01, 3.9000e+01],
         [4.0000e+01, 4.1000e+01, 4.2000e+01,  ..., 5.7000e+01,
          5.8000e+01, 5.9000e+01],
         ...,
         [1.0000e+02, 1.0100e+02, 1.0200e+02,  ..., 1.1700e+02,
          1.1800e+02, 1.1900e+02],
         [1.2000e+02, 1.2100e+02, 1.2200e+02,  ..., 1.3700e+02,
          1.3800e+02, 1.3900e+02],
         [1.4000e+02, 1.4100e+02, 1.4200e+02,  ..., 1.5700e+02,
          1.5800e+02, 1.5900e+02]],

        [[1.6000e+02, 1.6100e+02, 1.6200e+02,  ..., 1.7700e+02,
          1.7800e+02, 1.7900e+02],
         [1.8000e+02, 1.8100e+02, 1.8200e+02,  ..., 1.9700e+02,
          1.9800e+02, 1.9900e+02],
         [2.0000e+02, 2.0100e+02, 2.0200e+02,  ..., 2.1700e+02,
          2.1800e+02, 2.1900e+02],
         ...,
         [2.6000e+02, 2.6100e+02, 2.6200e+02,  ..., 2.7700e+02,
          2.7800e+02, 2.7900e+02],
         [2.8000e+02, 2.8100e+02, 2.8200e+02,  ..., 2.9700e+02,
          2.9800e+02, 2.9900e+02],
         [3.0000e+02, 3.0100e+02, 3.0200e+02,  ..., 3.1700e+02,
          3.1800e+02, 3.1900e+02]],

        [[3.2000e+02, 3.2100e+02, 3.2200e+02,  ..., 3.3700e+02,
          3.3800e+02, 3.3900e+02],
         [3.4000e+02, 3.4100e+02, 3.4200e+02,  ..., 3.5700e+02,
          3.5800e+02, 3.5900e+02],
         [3.6000e+02, 3.6100e+02, 3.6200e+02,  ..., 3.7700e+02,
          3.7800e+02, 3.7900e+02],
         ...,
         [4.2000e+02, 4.2100e+02, 4.2200e+02,  ..., 4.3700e+02,
          4.3800e+02, 4.3900e+02],
         [4.4000e+02, 4.4100e+02, 4.4200e+02,  ..., 4.5700e+02,
          4.5800e+02, 4.5900e+02],
         [4.6000e+02, 4.6100e+02, 4.6200e+02,  ..., 4.7700e+02,
          4.7800e+02, 4.7900e+02]],

        ...,

        [[8.0000e+02, 8.0100e+02, 8.0200e+02,  ..., 8.1700e+02,
          8.1800e+02, 8.1900e+02],
         [8.2000e+02, 8.2100e+02, 8.2200e+02,  ..., 8.3700e+02,
          8.3800e+02, 8.3900e+02],
         [8.4000e+02, 8.4100e+02, 8.4200e+02,  ..., 8.5700e+02,
          8.5800e+02, 8.5900e+02],
         ...,
         [9.0000e+02, 9.0100e+02, 9.0200e+02,  ..., 9.1700e+02,
          9.1800e+02, 9.1900e+02],
         [9.2000e+02, 9.2100e+02, 9.2200e+02,  ..., 9.3700e+02,
          9.3800e+02, 9.3900e+02],
         [9.4000e+02, 9.4100e+02, 9.4200e+02,  ..., 9.5700e+02,
          9.5800e+02, 9.5900e+02]],

        [[9.6000e+02, 9.6100e+02, 9.6200e+02,  ..., 9.7700e+02,
          9.7800e+02, 9.7900e+02],
         [9.8000e+02, 9.8100e+02, 9.8200e+02,  ..., 9.9700e+02,
          9.9800e+02, 9.9900e+02],
         [1.0000e+03, 1.0010e+03, 1.0020e+03,  ..., 1.0170e+03,
          1.0180e+03, 1.0190e+03],
         ...,
         [1.0600e+03, 1.0610e+03, 1.0620e+03,  ..., 1.0770e+03,
          1.0780e+03, 1.0790e+03],
         [1.0800e+03, 1.0810e+03, 1.0820e+03,  ..., 1.0970e+03,
          1.0980e+03, 1.0990e+03],
         [1.1000e+03, 1.1010e+03, 1.1020e+03,  ..., 1.1170e+03,
          1.1180e+03, 1.1190e+03]],

        [[1.1200e+03, 1.1210e+03, 1.1220e+03,  ..., 1.1370e+03,
          1.1380e+03, 1.1390e+03],
         [1.1400e+03, 1.1410e+03, 1.1420e+03,  ..., 1.1570e+03,
          1.1580e+03, 1.1590e+03],
         [1.1600e+03, 1.1610e+03, 1.1620e+03,  ..., 1.1770e+03,
          1.1780e+03, 1.1790e+03],
         ...,
         [1.2200e+03, 1.2210e+03, 1.2220e+03,  ..., 1.2370e+03,
          1.2380e+03, 1.2390e+03],
         [1.2400e+03, 1.2410e+03, 1.2420e+03,  ..., 1.2570e+03,
          1.2580e+03, 1.2590e+03],
         [1.2600e+03, 1.2610e+03, 1.2620e+03,  ..., 1.2770e+03,
          1.2780e+03, 1.2790e+03]]])""",
    ),
    (
        "torch.zeros(2, 2, requires_grad=True)",
        {},
        """\
tensor([[0., 0.],
        [0., 0.]], requires_grad=True)""",
    ),
    ("torch.ones(2, requires_grad=True).mean()", {}, "tensor(1., grad_fn=<MeanBackward0>)"),
    ("torch.ones(2, requires_grad=True) * 2", {}, "tensor([2., 2.], grad_fn=<MulBackward0>)"),
    (
        "torch.arange(12.0, requires_grad=True).exp()",
        {},
        """\
tensor([1.0000e+00, 2.7183e+00, 7.3891e+00, 2.0086e+01, 5.4598e+01, 1.4841e+02,
        4.0343e+02, 1.0966e+03, 2.9810e+03, 8.1031e+03, 2.2026e+04, 5.9874e+04],
       grad_fn=<ExpBackward0>)""",
    ),
    (
        "torch.ones(3, dtype=torch.float64, requires_grad=True).reshape(3, 1)",
        {},
        """\
tensor([[1.],
        [1.],
        [1.]], dtype=torch.float64, grad_fn=<ViewBackward0>)""",
    ),
    (
        "torch.arange(15, dtype=torch.int32)",
        {},
        """\
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14],
       dtype=torch.int32)""",
    ),
    (
        "torch.arange(25, dtype=torch.int32)",
        {},
        """\
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24], dtype=torch.int32)""",
    ),
    ("torch.tensor([1.23456789, 2.0])", {"precision": 2}, "tensor([1.23, 2.00])"),
    ("torch.tensor([1.23456789, 2.0])", {"precision": 8}, "tensor([1.23456788, 2.00000000])"),
    ("torch.tensor([1.5, 20.0])", {"sci_mode": True}, "tensor([1.5000e+00, 2.0000e+01])"),
    ("torch.tensor([1e-9, 1e9])", {"sci_mode": False}, "tensor([         0.0000, 1000000000.0000])"),
    ("torch.arange(10)", {"threshold": 5}, "tensor([0, 1, 2,  ..., 7, 8, 9])"),
    (
        "torch.arange(100).reshape(10, 10)",
        {"threshold": 5, "edgeitems": 1},
        """\
tensor([[ 0,  ...,  9],
        ...,
        [90,  ..., 99]])""",
    ),
    (
        "torch.arange(20)",
        {"linewidth": 30},
        """\
tensor([ 0,  1,  2,  3,  4,
         5,  6,  7,  8,  9,
        10, 11, 12, 13, 14,
        15, 16, 17, 18, 19])""",
    ),
    ("torch.arange(10)", {"threshold": 5, "edgeitems": 0}, "tensor([...], size=(10,))"),
    ("torch.arange(12.0)", {"profile": "short", "threshold": 3}, "tensor([ 0.,  1.,  ..., 10., 11.])"),
    ("torch.arange(1005)[:4]", {"profile": "full"}, "tensor([0, 1, 2, 3])"),
    (
        "torch.ones(3, dtype=torch.float64, requires_grad=True).exp()",
        {"linewidth": 40},
        """\
tensor([2.7183, 2.7183, 2.7183],
       dtype=torch.float64,
       grad_fn=<ExpBackward0>)""",
    ),
]


@pytest.fixture(autouse=True)
def default_options():
    torch.set_printoptions(profile="default")
    yield
    torch.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def oracle():
    real = pytest.importorskip("torch")
    real.set_printoptions(profile="default")
    yield real
    real.set_printoptions(profile="default")
    real.set_default_dtype(real.float32)


def evaluate(expression, package):
    return eval(expression, {"torch": package, "inf": inf, "nan": nan})


@pytest.mark.parametrize(("expression", "options", "text"), GOLDEN)
def test_golden(expression, options, text):
    torch.set_printoptions(**options)
    assert tensor_repr(evaluate(expression, torch)) == text


def test_repr_is_this_text():
    x = torch.tensor([1.0, 2.5])
    assert repr(x) == str(x) == tensor_repr(x)


@pytest.mark.parametrize(("expression", "options"), [row[:2] for row in GOLDEN])
def test_golden_live(expression, options, oracle):
    torch.set_printoptions(**options)
    oracle.set_printoptions(**options)
    for dtype in ("float32", "float64"):
        torch.set_default_dtype(getattr(torch, dtype))
        oracle.set_default_dtype(getattr(oracle, dtype))
        assert tensor_repr(evaluate(expression, torch)) == repr(evaluate(expression, oracle))


def random_number(rng, kind):
    if rng.random() < 0.1:
        return rng.choice([0.0, -0.0, inf, -inf, nan])
    value = rng.gauss(0, 1)
    if kind == "whole":
        return float(round(value * 100))
    if kind == "wide":
        return value * 10.0 ** rng.randint(-6, 9)
    return value


def random_case(rng):
    """Numbers, shape and dtype of a random tensor, as plain Python values."""
    shape = [rng.choice([1, 2, 3, 7, 12]) for _ in range(rng.choice([0, 1, 1, 2, 2, 3]))]
    count = 1
    for size in shape:
        count *= size
    kind = rng.choice(["whole", "wide", "plain"])
    dtype = rng.choice(["bool", "uint8", "int64", "float16", "bfloat16", "float32", "float64", "complex64"])
    if dtype == "complex64":
        return [complex(random_number(rng, kind), random_number(rng, kind)) for _ in range(count)], shape, dtype
    if dtype in ("bool", "uint8", "int64"):
        return [rng.randint(0, 1 if dtype == "bool" else 255) for _ in range(count)], shape, dtype
    return [random_number(rng, kind) for _ in range(count)], shape, dtype


@pytest.mark.parametrize("seed", range(200))
def test_random_live(seed, oracle):
    rng = random.Random(seed)
    numbers, shape, dtype = random_case(rng)
    options = {
        "precision": rng.choice([None, 0, 2, 6]),
        "threshold": rng.choice([None, 0, 20]),
        "edgeitems": rng.choice([None, 1, 2]),
        "linewidth": rng.choice([None, 20, 120]),
        "sci_mode": rng.choice([None, None, True, False]),
    }
    texts = []
    for package, text in ((torch, tensor_repr), (oracle, repr)):
        package.set_printoptions(**options)
        x = package.tensor(numbers, dtype=getattr(package, dtype)).reshape(shape)
        if "float" in dtype and seed % 3 == 0:
            x = x.requires_grad_()
            x = x.neg() if seed % 2 else x
        texts.append(text(x))
    assert texts[0] == texts[1]


def test_options_round_trip():
    torch.set_printoptions(precision=7, sci_mode=True)
    before = torch.get_printoptions()
    with torch.printoptions(profile="short"):
        assert torch.get_printoptions() == {
            "precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80, "sci_mode": None
        }  # fmt: skip
    assert torch.get_printoptions() == before


def test_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="profile must be one of default, short, full"):
        torch.set_printoptions(profile="tiny")


def test_given_contents_and_subclass_name():
    class Image(torch.Tensor):
        pass

    x = torch.zeros(2, dtype=torch.float64).as_subclass(Image)
    assert tensor_repr(x, tensor_contents="...") == "Image(..., dtype=torch.float64)"


def test_printing_leaves_tensor_and_graph_alone():
    x = torch.ones(2000, requires_grad=True)
    version = x._version
    tensor_repr(x)
    assert x.grad_fn is None
    assert x._version == version
