"""Every sample of tests/ops against live torch: value, dtype, shape, strides, requires_grad, grad_fn and gradients."""

from __future__ import annotations

import warnings

import pytest
import torch
from compare import assert_same, assert_values, call, flat, node_name, numbers
from sample import ALL
from samples import POINTWISE, RANDOM, SAMPLES, VIEWS
from samples_tail import TAIL

import facula

LAYOUTS = ("transposed", "stepped", "empty", "0-d")
# Where torch's own float64 is coarse (polygamma: 1e-9; constants in float32), compared as float32.
COARSE = dict.fromkeys(("polygamma", "digamma", "F.hardsigmoid", "F.celu"), "float32")
COARSE |= {f"special.bessel_{kind}": "float16" for kind in ("j0", "j1", "y0", "y1")}  # 1e-6 in float64
# Where our composition differs from torch's, the last step has another name.
OTHER_NODE = {
    "F.adaptive_max_pool1d": "AdaptiveMaxPool2DBackward0",
    "pow_of_number": "PowBackward0", "clamp_only_min": "ClampMinBackward0", "F.glu": "MulBackward0",
    "squeeze_dims": "SqueezeBackward1",
    "Tensor.unfold": "AsStridedBackward0", "tensor_split": "SplitWithSizesBackward0",
    "tensor_split_at": None, "aminmax": None, "var_mean": None, "std_mean": None,
    "dist": "LinalgVectorNormBackward0", "trace": "SumBackward0", "vdot": "DotBackward0",
    "addr": "AddBackward0", "addbmm": "AddBackward0", "matmul_12": "SqueezeBackward1",
    "matmul_32": "ViewBackward0", "matmul_43": "ViewBackward0", "einsum": "BmmBackward0",
    "einsum_diagonal": "DiagonalBackward0", "einsum_outer": "ViewBackward0", "kron": "ViewBackward0",
    "cross": "StackBackward0", "rot90": "TransposeBackward0", "repeat_interleave": "ViewBackward0",
    "block_diag": "CatBackward0", "scatter_number": "ScatterBackward0",
    "smooth_entropy": "NllLossBackward0", "attention": None, "gru": None, "lstm": None,
    "torch.rrelu": "MulBackward0", "trapezoid": None, "renorm": None,
    "cumulative_trapezoid": None, "multi_dot": "SqueezeBackward1", "linalg.tensorinv": "ViewBackward0",
    "sort_stable": None, "quantile": "SqueezeBackward1", "quantile_q": "PermuteBackward0",
    "nanquantile": "SqueezeBackward1",
    **{sample.id: None for sample in TAIL},  # composed of several
}  # fmt: skip


def run(sample, dtype="float64", layout="contiguous", requires_grad=False):
    """The outcome in both packages: ((result, error, arguments) of ours, the same of torch)."""
    outcomes = []
    for package in (facula, torch):
        args, kwargs = sample.make(package, dtype, layout, requires_grad)
        package.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result, error = call(sample.function(package), *args, **kwargs)
        outcomes.append((result, error, (args, kwargs)))
    return outcomes


# Deliberate: a mixture that torch refuses or computes by accident of its types.
OTHER_TYPES = {
    **{
        (name, dtype): "torch places and weighs in the image's own type, here both are done in float32"
        for name in ("F.grid_sample", "grid_sample_bicubic", "grid_sample_volume")
        for dtype in ("float16", "bfloat16")
    },
    ("matrix_exp", "float16"): "torch computes it wrong: exp of the identity is -20896",
    ("matrix_exp", "bfloat16"): "torch computes it wrong",
    ("square", "bool"): "torch computes a power, in int64",
    ("add_alpha", "bool"): "torch scales a truth value",
    ("addcmul", "bool"): "the value 2 makes the sum int64",
    ("clamp_numbers", "uint8"): "torch wraps the bound -1 to 255",
    ("index_add", "bool"): "alpha 2 makes the source int64",
    ("gru", "bfloat16"): "torch rounds every gate",
}


def compare(sample, dtype="float64", layout="contiguous"):
    (ours, our_error, _), (theirs, their_error, _) = run(sample, dtype, layout)
    if isinstance(their_error, NotImplementedError) and (
        sample not in POINTWISE or not sample.entries or sample.id.startswith("special.")
    ):
        return  # no kernel for that type in torch; ours may have one
    if their_error is not None:
        assert our_error is not None, f"torch refuses: {their_error}"
        return
    if our_error is not None:
        raise our_error
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for left, right in zip(ours, theirs, strict=True):
        coarse = COARSE.get(sample.id) if dtype == "float64" else None
        assert_same(left, right, sample.exact, strides=sample in VIEWS, dtype=coarse)


def compare_all(sample, cases):
    """Every case, and then the ones that failed."""
    failures = []
    for dtype, layout in cases:
        try:
            compare(sample, dtype, layout)
        except Exception as error:
            failures.append(f"{dtype} {layout}: {type(error).__name__}: {error}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_forward(sample):
    compare(sample)


WITH_TENSORS = [s for s in SAMPLES if any(True for _ in s.arrays())]


@pytest.mark.parametrize("sample", WITH_TENSORS, ids=repr)
def test_dtypes(sample):
    """Every dtype, declared by the sample or not: the same result, or refused as torch refuses."""
    compare_all(sample, [(d, "contiguous") for d in ALL if d != "float64" and (sample.id, d) not in OTHER_TYPES])


@pytest.mark.parametrize("sample", WITH_TENSORS, ids=repr)
def test_layouts(sample):
    compare_all(sample, [("float32", layout) for layout in LAYOUTS])


def leaves(package, arguments):
    args, kwargs = arguments
    return [t for t in flat([*args, *kwargs.values()]) if isinstance(t, package.Tensor) and t.requires_grad]


def gradients(package, result, arguments):
    """d sum(result * ramp), through every differentiable result."""
    outputs = [t for t in flat(result) if isinstance(t, package.Tensor) and t.requires_grad]
    loss = 0
    for t in outputs:
        ramp = package.arange(1, t.numel() + 1, dtype=t.dtype).reshape(t.shape)
        loss = loss + (t * ramp).sum()
    return package.autograd.grad(loss, leaves(package, arguments), allow_unused=True)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiable], ids=repr)
def test_gradient(sample):
    (ours, error, our_args), (theirs, their_error, their_args) = run(sample, requires_grad=True)
    assert their_error is None
    if error is not None:
        raise error
    for left, right in zip(flat(ours), flat(theirs), strict=True):
        assert_same(left, right, strides=sample in VIEWS, dtype=COARSE.get(sample.id))
    for left, right in zip(gradients(facula, ours, our_args), gradients(torch, theirs, their_args)):
        if left is None or right is None:  # an absent gradient is zero
            assert all(t is None or not t.any() for t in (left, right))
            continue
        assert left.dtype == facula.float64 and tuple(left.shape) == tuple(right.shape)
        assert_values(left, right, COARSE.get(sample.id))


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.differentiable], ids=repr)
def test_node_name(sample):
    (ours, _, _), (theirs, _, _) = run(sample, requires_grad=True)
    for left, right in zip(flat(ours), flat(theirs), strict=True):
        if isinstance(right, torch.Tensor):
            expected = OTHER_NODE.get(sample.id, node_name(right))
            assert expected is None or node_name(left) == expected
            assert left.grad_fn is None or type(left.grad_fn).__name__ == node_name(left)


@pytest.mark.parametrize("sample", [s for s in VIEWS if s.id != "detach"], ids=repr)
def test_view_shares_memory(sample):
    """Whether a result is a view of its input, and writing through it."""
    (ours, _, (our_args, _)), (theirs, _, (their_args, _)) = run(sample)
    for left, right in zip(flat(ours), flat(theirs), strict=True):
        assert left._is_view() == right._is_view()
        if 0 in right.stride() or sample.id == "Tensor.unfold":
            continue  # elements share memory: writing is refused
        left.fill_(7.0)
        right.fill_(7.0)
    assert (numbers(our_args[0]) == numbers(their_args[0])).all()


@pytest.mark.parametrize("sample", RANDOM, ids=repr)
def test_generator_state(sample):
    """A random operation consumes as many numbers as torch's."""
    run(sample, "float32")
    assert facula.rand(3).tolist() == torch.rand(3).tolist()
