"""Arguments that samples of operators seldom have: other dtypes for one operand, further dimensions, no elements, NaN
for a number, values at the ends of the range. Found by exchanging one argument at a time in PyTorch's own samples."""

from __future__ import annotations

import pytest
import torch

import facula

# m is the library; f, h, d, i: two floats, halves, doubles, whole numbers; s a small matrix, b truth values.
STATEMENTS = """
m.ldexp(h, f); m.ldexp(h, i); m.ldexp(f, i); m.ldexp(i, i); m.ldexp(h, d); m.ldexp(h.bfloat16(), i); m.addr(s, h, f)
m.addr(s.half(), i, i); m.addr(s.double(), f, f); m.addr(s.to(m.uint8), i, i, beta=3); m.addr(s, i, f, alpha=0.5)
m.addr(s.half(), h, h); m.addr(s[None], f, f); m.addr(s, f[:1], f); m.addr(i, i, i, alpha=0.5); m.addmm(s[None], s, s)
m.addmm(f, s, s); m.addmm(m.zeros(3), s, s); m.addmm(m.zeros(()), s, s)
m.baddbmm(m.zeros(1, 1, 2, 2), s[None], s[None]); m.baddbmm(m.zeros(0), s[None], s[None], beta=0)
m.baddbmm(f, s[None], s[None]); m.addbmm(s, s[None].half(), s[None]); m.addbmm(s.double(), s[None], s[None])
m.addbmm(s[None], s[None], s[None]); m.addbmm(f, s[None], s[None])
m.addbmm(m.zeros(0, dtype=m.int64), i[None, None], i[None, :, None]); m.tensor(1.0).H; f.H; m.tensor(1.0).mH
m.ones(1, 2, 3).H; m.tensor(1.0).T; s.H; f.mT; m.tensor(1.0).mT; m.linalg.cholesky(m.tensor([[1.0, 0], [nan, 3.0]]))
m.linalg.cholesky(m.tensor([[nan, 0], [0, 3.0]])); m.linalg.cholesky_ex(m.tensor([[1.0, 0], [nan, 3.0]])).info
m.linalg.cholesky_ex(m.eye(3) * nan).info; m.nn.functional.linear(m.ones(3), m.ones(4, 3), m.ones(4, 1))
m.nn.functional.linear(m.ones(2, 3), m.ones(4, 3), m.ones(2, 4))
m.nn.functional.linear(m.ones(2, 3), m.ones(4, 3), m.ones(1, 4))
m.nn.functional.linear(m.ones(5, 2, 3), m.ones(4, 3), m.ones(2, 4))
m.nn.functional.linear(m.ones(2, 3), m.ones(4, 3), m.ones(()))
m.nn.functional.linear(m.ones(4, 3), m.ones(4, 3), m.ones(4, 1))
m.nn.functional.linear(m.ones(3), m.ones(4, 3), m.ones(1, 4))
m.nn.functional.linear(m.ones(2, 2, 3), m.ones(4, 3), m.ones(2, 2, 4))
m.nn.functional.linear(m.ones(2, 3), m.ones(4, 3), m.ones(3))
m.nn.functional.linear(m.ones(2, 3), m.ones(4, 3), m.ones(3, 2, 4)); m.meshgrid(h, f); m.meshgrid(f, f)
m.rot90(m.ones(2, 2, 2), 0, [2, 3]); m.rot90(f, 1, [0, 1]); m.rot90(m.ones(2, 2, 2), 1, [-4, 1])
m.squeeze(m.ones(1, 1), (0, 0)); m.squeeze(m.ones(1, 1), (0, -2)); m.sum(m.tensor(1.0), (0, 0))
m.amax(m.tensor(1.0), (0, 0)); m.logsumexp(m.tensor(1.0), (0, 0)); m.sum(m.tensor(1.0), (0,))
m.std(m.tensor([1.0, 2.0]), (0, 0)); m.take_along_dim(f[None], i[None] * 0, 2)
m.take_along_dim(f[None], i[None].int() * 0, 1); m.take_along_dim(f, i * 0, -1); m.index_fill(f, 0, i.int() * 0, 1.0)
m.tensor_split(f, i.int()); m.tensor_split(f, i); m.mvlgamma(b, 1); m.mvlgamma(f * 0.2, 2)
m.mvlgamma(m.tensor([0.5, 1.0]), 2); m.allclose(f, f, atol=nan); m.isclose(f, f, rtol=nan); m.round(f, decimals=1000)
m.nn.functional.nll_loss(m.ones(1, 3), m.tensor(0)); m.nn.functional.nll_loss(m.ones(3), m.tensor([0]))
m.nn.functional.cross_entropy(m.ones(1, 3), m.tensor(0)); m.nn.functional.prelu(d, m.tensor(0.1))
m.nn.functional.prelu(i, f[:1]); m.nn.functional.l1_loss(b, f); m.nn.functional.l1_loss(b, b)
m.cat([m.ones(0), m.ones(0)], dim=5); m.cat([m.ones(0), s], dim=5); m.diff(f, n=0, dim=0)
m.nn.functional.softmin(m.tensor([1, 2], dtype=m.uint8), 0, dtype=m.double); m.nn.functional.softmin(b, 0)
m.nn.functional.multi_margin_loss(s, i.int() - 2); m.nn.functional.multi_margin_loss(s, i[None] - 2)
m.nn.functional.multi_margin_loss(s, i - 2); m.tensor(3, dtype=m.int32).sum_to_size(())
m.tensor(True).sum_to_size(()); f.sum_to_size(2); m.nn.functional.max_pool3d(m.ones(0, 2, 3, 6, 5), 3, 2)
m.nn.functional.max_pool3d(m.ones(0, 2, 3, 6, 5), 3, 2, return_indices=True)
m.nn.functional.bilinear(f, f, m.ones(3, 2, 2), m.ones(3).half()); m.nn.functional.bilinear(f, f, m.ones(0, 2, 2))
m.nn.functional.bilinear(m.ones(0, 2), m.ones(0, 2), m.ones(3, 2, 2)); m.linalg.vector_norm(m.tensor([1e30]), 6)
m.linalg.vector_norm(m.tensor([[1e30], [1e30]]), 6, 1); m.linalg.vector_norm(m.tensor([[1e30]]), 2)
m.linalg.vector_norm(m.tensor(3.0), 0); m.linalg.vector_norm(m.tensor([[-3.0]]), -1, 0, True)
m.norm(m.tensor([1e-30]), 3); m.linalg.vector_norm(m.tensor([3 + 4j]), 3); (f * 1e30 + i * 1e30).std()
(f * 1e30 + i * 1e30).var(); (s * 1e30 + i * 1e30).std(0); (s * 1e30 + i * 1e29).std(1); (i * 1e-42).std()
(i * 1e-30).std(); (m.ones(50, 40) * 1e30).std(0)
m.arange(1, 2000.0).mul(1e-25).reshape(1999, 1).expand(1999, 3).contiguous().std(0); m.zeros(1000).std()
m.arange(6.0).reshape(2, 3).t().resize_(3, 2); m.arange(6.0).reshape(2, 3).t().resize_(2, 3)
s.t().resize_as_(m.zeros(2, 2)); m.nn.functional.hardshrink(f, nan); m.nn.functional.poisson_nll_loss(h, i)
m.nn.functional.poisson_nll_loss(f, i, full=True)
"""


def outcome(m, statement):
    """(dtypes, shapes, values), or the type of the error."""
    names = {
        "m": m,
        "nan": float("nan"),
        "f": m.ones(2),
        "h": m.ones(2, dtype=m.float16),
        "d": m.ones(2, dtype=m.float64),
        "i": m.tensor([2, 3]),
        "s": m.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "b": m.tensor([True, False]),
    }
    try:
        result = eval(statement, names)
    except (RuntimeError, IndexError, ValueError, TypeError) as error:  # NotImplementedError is a RuntimeError
        return (
            next(kind for kind in (RuntimeError, IndexError, ValueError, TypeError) if isinstance(error, kind)),
            [],
            [],
        )
    tensors = result if isinstance(result, (tuple, list)) else [result]
    shown = [(str(t.dtype), tuple(t.shape), tuple(t.stride())) if isinstance(t, m.Tensor) else t for t in tensors]
    values = [t.detach().to(m.complex128).tolist() for t in tensors if isinstance(t, m.Tensor)]
    return None, shown, values


@pytest.mark.parametrize(
    "statement", [s.strip() for line in STATEMENTS.split("\n") for s in line.split(";") if s.strip()]
)
@pytest.mark.filterwarnings("ignore")
def test_rare_arguments(statement):
    (error, shown, values), (their_error, their_shown, their_values) = (outcome(m, statement) for m in (facula, torch))
    assert error == their_error
    assert shown == their_shown
    for mine, other in zip(values, their_values, strict=True):
        a, b = (torch.tensor(x, dtype=torch.complex128) for x in (mine, other))
        torch.testing.assert_close(a, b, rtol=1e-5, atol=0, equal_nan=True)


# Compositions, and what else they are given.
COMPOSED = {
    "fft.rfft": "", "fft.ifftn": "", "trace": "", "diff": "", "cov": "", "rot90": "", "linalg.cond": "",
    "linalg.tensorinv": "", "kron": "s", "addr": "f f", "outer": "f", "cdist": "s",
    "nn.functional.prelu": "f", "nn.functional.bilinear": "s t", "nn.functional.poisson_nll_loss": "f",
}  # fmt: skip


@pytest.mark.parametrize("path", COMPOSED)
@pytest.mark.parametrize("value", [None, 2, "x"])
def test_what_is_no_tensor_is_reported_as_that(path, value):
    for m in (facula, torch):
        function = m
        for part in path.split("."):
            function = getattr(function, part)
        others = {"f": m.ones(2), "s": m.ones(2, 2), "t": m.ones(2, 2, 2)}
        with pytest.raises(TypeError):
            function(value, *(others[name] for name in COMPOSED[path].split()))
