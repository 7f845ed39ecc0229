"""Cases in which torch's operator database once found a difference, a test for each kind of it."""

from __future__ import annotations

import itertools

import opdb
import pytest
import torch
from compare import assert_same, assert_values, numbers
from opdb_translate import Mirror

import facula

BOTH = (facula, torch)


def ours(tensor):
    return Mirror(facula)(tensor)


@pytest.mark.parametrize("dim", [None, 0, (0, 2), -1])
@pytest.mark.parametrize("name", ["sum", "norm", "softmax", "cumprod"])
def test_which_results_of_a_masked_operation_have_an_element(name, dim):
    x, mask = torch.randn(2, 3, 4), torch.rand(3, 4) > 0.8
    arguments = (2.0, dim) if name == "norm" else (dim,)
    results = [
        p.masked._output_mask(getattr(p.masked, name), *m((x, *arguments)), mask=m(mask))
        for p, m in ((p, Mirror(p)) for p in BOTH)
    ]
    assert_same(*results)
    assert_same(facula.masked._input_mask(ours(x), mask=ours(mask)), torch.masked._input_mask(x, mask=mask))
    with pytest.raises(ValueError, match="explicit mask"):
        facula.masked._input_mask(ours(x))


def test_softplus_writes_into_out_of_its_dtype():
    x, out = facula.tensor([-1.0, 0.0, 30.0]), facula.empty(0)
    assert facula.nn.functional.softplus(x, 2, out=out) is out
    assert_values(out, torch.nn.functional.softplus(torch.tensor([-1.0, 0.0, 30.0]), 2))
    with pytest.raises(RuntimeError, match="dtype"):
        facula.nn.functional.softplus(x, out=facula.empty(3, dtype=facula.float64))


@pytest.mark.parametrize("training", [True, False])
def test_native_batch_norm_writes_three_results(training):
    x = torch.arange(12.0).reshape(4, 3) ** 2
    results = []
    for p in BOTH:
        m = Mirror(p)
        out = tuple(p.ones(size) for size in ((4, 3), (3,), (3,)))
        given = p.native_batch_norm(m(x), p.ones(3), p.zeros(3), p.zeros(3), p.ones(3), training, 0.1, 1e-5, out=out)
        assert all(a is b for a, b in zip(given, out, strict=True))
        results.append(out)
    for mine, other in zip(*results, strict=True):
        assert_same(mine, other)
    wrong = (facula.ones(4, 3), facula.ones(3), facula.ones(3, dtype=facula.int64))
    with pytest.raises(RuntimeError, match="expected scalar type Float but found Long"):
        facula.native_batch_norm(facula.ones(4, 3), None, None, None, None, True, 0.1, 1e-5, out=wrong)


def test_normal_around_a_tensor_draws_in_out():
    mean = torch.arange(12.0).reshape(4, 3)
    for shape, dtype in (((3,), "float32"), ((2, 4, 3), "float32"), ((4, 3), "float64")):
        results = []
        for p in BOTH:
            p.manual_seed(0)
            out = p.zeros(shape, dtype=getattr(p, dtype))
            with pytest.warns() if p is torch and shape == (3,) else _nothing():
                results.append(p.normal(Mirror(p)(mean), 2.5, out=out))
        assert_same(*results)
    with pytest.raises(RuntimeError, match="size"):
        facula.normal(ours(mean), 2.5, out=facula.empty(0))


def _nothing():
    import contextlib

    return contextlib.nullcontext()


def test_gradient_of_nextafter():
    values = [0.0, 1.0, float("nan"), float("inf")], [1.0, 1.0, 1.0, float("inf")]
    results = []
    for p in BOTH:
        x, y = (p.tensor(v, requires_grad=True) for v in values)
        results.append(p.autograd.grad(p.nextafter(x, y).sum(), (x, y)))
    for mine, other in zip(*results, strict=True):
        assert_same(mine, other)


REFUSED = (
    ((3,), (2, 4, 3), (2, 4), {}),
    ((2, 3), (4, 5), (2,), {}),
    ((2, 3), (3,), (2,), {}),
    ((2, 2, 3), (4, 3), (2, 2), {}),
    ((2, 3), (4, 3), (2,), {"linear_bias": (3,)}),
)


@pytest.mark.parametrize(("x", "weight", "target", "more"), REFUSED)
def test_linear_cross_entropy_refuses_shapes(x, weight, target, more):
    for p in BOTH:
        options = {key: p.ones(shape) for key, shape in more.items()}
        with pytest.raises(RuntimeError, match=r"expected|requires"):
            p.nn.functional.linear_cross_entropy(p.ones(x), p.ones(weight), p.ones(target), **options)


def test_linear_cross_entropy_refuses_an_ignored_class_of_probabilities():
    for p in BOTH:
        with pytest.raises(RuntimeError, match="ignore_index cannot be specified"):
            p.nn.functional.linear_cross_entropy(p.ones(2, 3), p.ones(4, 3), p.ones(2, 4), ignore_index=1)


def test_batch_norm_of_nothing():
    for training in (True, False):
        results = [p.nn.functional.batch_norm(p.ones(0), p.zeros(0), p.zeros(0), training=training) for p in BOTH]
        assert_same(*results)
    with pytest.raises(IndexError):
        facula.nn.functional.batch_norm(facula.ones(0), None, None, facula.ones(0), training=True)


def test_rdiv_of_a_number():
    for p in BOTH:
        with pytest.raises(AttributeError, match="reciprocal"):
            p.Tensor.__rdiv__(2, p.tensor([1, 2]))


# ------------------------------------------------------------------------------------------ half types are rounded once


def _once(function, *tensors):
    """A half-precision result beside the float32 one, rounded."""
    low = function(*tensors)
    assert low.dtype is tensors[0].dtype
    assert facula.equal(low, function(*(t.float() for t in tensors)).to(low.dtype))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample_rounds_once(mode, dtype):
    facula.manual_seed(0)
    image, grid = (facula.randn(shape).to(getattr(facula, dtype)) for shape in ((2, 3, 5, 7), (2, 4, 4, 2)))
    _once(lambda x, g: facula.nn.functional.grid_sample(x, g, mode, align_corners=False), image, grid)
    with pytest.raises(RuntimeError, match="expected scalar type"):
        facula.nn.functional.grid_sample(image, grid.float())


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_embedding_bag_rounds_once(mode):
    facula.manual_seed(0)
    table, factors = facula.randn(9, 5).bfloat16(), facula.randn(3, 6).bfloat16()
    index = facula.randint(0, 9, (3, 6))
    bag = facula.nn.functional.embedding_bag
    _once(lambda w: bag(index, w, mode=mode), table)
    if mode == "sum":
        _once(lambda w, s: bag(index, w, mode=mode, per_sample_weights=s), table, factors)
        with pytest.raises(RuntimeError, match="dtype"):
            bag(index, table, mode=mode, per_sample_weights=factors.float())


def test_attention_with_dropout_rounds_once():
    def attend(q, k, v):
        facula.manual_seed(0)
        return facula.nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=0.5)

    facula.manual_seed(1)
    _once(attend, *(facula.randn(2, 6, 8).bfloat16() for _ in range(3)))


def test_matrix_exp_of_small_matrices_rounds_once():
    facula.manual_seed(0)
    for dtype, wide in ((facula.float32, facula.float64), (facula.complex64, facula.complex128)):
        x = facula.randn(3, 6, 6, dtype=dtype) * 3
        assert_values(facula.matrix_exp(x), torch.matrix_exp(Mirror(torch)(torch.from_dlpack(x.to(wide)))), "float32")


# ------------------------------------------------------------------------------------------------- layout of transforms

TRANSFORMS = [f"{kind}fft{n}" for kind in ("", "i", "r", "ir", "h", "ih") for n in ("", "2", "n")]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transformed_dimensions_lie_innermost(name):
    if name[-1] in "2n":
        calls = [{"dim": d} for d in ((0, 1), (1, 0), (2, 0), (2, 1), (2, 1, 0))] + [{"dim": (0, 1), "s": (3, 8)}]
    else:
        calls = [{"dim": d} for d in (0, 1, 2)] + [{"dim": 1, "n": 9}]
    x = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(0))
    for kwargs, order in itertools.product(calls, ((0, 1, 2), (2, 0, 1), (0, 2, 1))):
        theirs = getattr(torch.fft, name)(x.permute(order), **kwargs)
        mine = getattr(facula.fft, name)(ours(x).permute(order), **kwargs)
        assert mine.stride() == theirs.stride(), (kwargs, order)
        assert_values(mine, theirs.resolve_conj(), "float16")  # a transform of float32 is good to 1e-5 of its largest


# ------------------------------------------------------------------------------------------------------- names of torch


@pytest.mark.parametrize("name", ["_segment_reduce.lengths", "_segment_reduce.offsets"])
def test_segment_reduce(name):
    for sample in opdb.operators()[name].sample_inputs("cpu", torch.float64, requires_grad=True):
        for kwargs in (sample.kwargs, {k: v for k, v in sample.kwargs.items() if k != "initial"}):
            m = Mirror(facula)
            theirs = torch.segment_reduce(sample.input, *sample.args, **kwargs)
            mine = facula.segment_reduce(m(sample.input), *m(sample.args), **m(kwargs))
            assert_same(mine, theirs)
            if not theirs.isfinite().all():
                continue
            g = torch.randn_like(theirs)
            assert_same(
                facula.autograd.grad(mine, m(sample.input), m(g))[0], torch.autograd.grad(theirs, sample.input, g)[0]
            )


def test_segment_reduce_refuses():
    x = facula.ones(4)
    for kwargs in (
        {},
        {"lengths": facula.tensor([1, 2])},
        {"lengths": facula.tensor([-1, 5])},
        {"lengths": facula.tensor([[4]])},
        {"indices": facula.tensor([0])},
    ):
        with pytest.raises(RuntimeError, match="segment_reduce"):
            facula.segment_reduce(x, "sum", **kwargs)
        with pytest.raises(RuntimeError):
            torch.segment_reduce(torch.ones(4), "sum", **Mirror(torch)(_theirs(kwargs)))


def _theirs(kwargs):
    return {key: torch.tensor(value.tolist()) for key, value in kwargs.items()}


PATTERNS = (
    ("a b c -> c a b", {}), ("... c -> c ...", {}), ("a ... -> a (...)", {}), ("a b c -> a b c 1", {}),
    ("a b c -> a () b c", {}), ("(a1 a2) b c -> a1 b (a2 c)", {"a1": 2}), ("a b (c d) -> (c a) b d", {"d": 2}),
    ("... -> (...)", {}), ("a (b1 b2) ... -> (a b2) ... b1", {"b1": 3}), ("a  b c->a b c", {}),
    ("a b c", {}), ("a b -> a b", {}), ("a b c -> a c", {}), ("a a b -> a b", {}), ("a b c -> a b c d", {}),
    ("a b c -> a b c", {"d": 3}), ("a b c -> (a (b c))", {}), ("(a b c -> a b c", {}), ("a (...) b -> a b", {}),
    ("a b c -> a ... b c", {}), ("_a b c -> b c _a", {}), ("a 3 c -> a c", {}), ("a, b c -> a b c", {}),
)  # fmt: skip


@pytest.mark.parametrize(("pattern", "lengths"), PATTERNS)
def test_rearrange(pattern, lengths):
    x = torch.arange(24.0).reshape(2, 3, 4)
    try:
        theirs = torch.func.rearrange(x, pattern, **lengths)
    except ValueError:
        with pytest.raises(ValueError):
            facula.func.rearrange(ours(x), pattern, **lengths)
    else:
        assert_same(facula.func.rearrange(ours(x), pattern, **lengths), theirs)


def test_switches_of_determinism_are_remembered_as_in_torch():
    def state(p):
        return (
            p.are_deterministic_algorithms_enabled(),
            p.is_deterministic_algorithms_warn_only_enabled(),
            p.get_deterministic_debug_mode(),
            p.is_warn_always_enabled(),
        )

    steps = (
        lambda p: p.use_deterministic_algorithms(True),
        lambda p: p.use_deterministic_algorithms(True, warn_only=True),
        lambda p: p.set_deterministic_debug_mode("error"),
        lambda p: p.set_deterministic_debug_mode(1),
        lambda p: p.set_deterministic_debug_mode(3),
        lambda p: p.set_deterministic_debug_mode("never"),
        lambda p: p.use_deterministic_algorithms(1),
        lambda p: p.set_warn_always(True),
        lambda p: p.set_warn_always(0),
        lambda p: p.use_deterministic_algorithms(False),
        lambda p: setattr(p.utils.deterministic, "fill_uninitialized_memory", 3),
    )
    try:
        for step in steps:
            raised = []
            for p in BOTH:
                try:
                    step(p)
                    raised.append(None)
                except Exception as error:
                    raised.append(type(error))
            assert raised[0] is raised[1]
            assert state(facula) == state(torch)
    finally:
        for p in BOTH:
            p.use_deterministic_algorithms(False)
            p.set_warn_always(False)


def test_channel_shuffles_in_the_main_namespace():
    x = torch.arange(64.0).reshape(1, 4, 4, 4)
    for name in ("channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"):
        assert_same(getattr(facula, name)(ours(x), 2), getattr(torch, name)(x, 2))
    assert numbers(facula.from_dlpack(facula.to_dlpack(ours(x)))).tolist() == x.tolist()
