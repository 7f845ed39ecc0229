# The twenty or so most used operations of each family, at a million elements and at a thousand: where is facula the
# slower one? Refuses whole models (models.py) and the cost of a call (overhead.py).
from __future__ import annotations

import functools
from typing import Any

import torch  # before facula: both bring a BLAS, and PyTorch insists on being first
from timing import Case, Group, compare_groups, finish, options

import facula

# Operands: x, y normal, p positive, u in (-1, 1), s, q square of the same number of elements, v a row of s; k, j
# integers; g, h truth values; i a permutation, r one of the rows; w a result to write to; c, d, t, z for linear
# algebra. Statements of a family stand between semicolons.
FLOATS = """x + y; x - y; x * y; x / y; -x; x.abs(); x * 2.0; 1.0 / p; x ** 2; m.pow(p, u); m.exp(x); m.log(p);
    m.sqrt(p); m.rsqrt(p); m.sin(x); m.cos(x); m.tan(x); m.tanh(x); m.sigmoid(x); m.relu(x); m.clamp(x, -1.0, 1.0);
    m.floor(x); m.round(x); m.maximum(x, y); m.lerp(x, y, 0.3); m.addcmul(x, y, p); m.where(g, x, y); w.add_(y);
    w.copy_(x)"""
SPECIAL = """m.exp2(x); m.expm1(x); m.log2(p); m.log10(p); m.log1p(p); m.asin(u); m.acos(u); m.atan(x);
    m.atan2(x, y); m.sinh(x); m.cosh(x); m.asinh(x); m.atanh(u); m.erf(x); m.erfc(x); m.erfinv(u); m.lgamma(p);
    m.digamma(p); m.hypot(x, y); m.fmod(x, p); m.remainder(x, p); m.logaddexp(x, y); m.xlogy(p, p); f.gelu(x);
    f.silu(x); f.softplus(x); f.elu(x); f.leaky_relu(x); f.hardswish(x); f.mish(x); m.sinc(x)"""
ALL = """x.sum(); x.mean(); x.std(); x.var(); x.amax(); x.amin(); x.argmax(); x.argmin(); x.prod(); x.norm();
    x.nansum(); x.count_nonzero(); x.logsumexp(0); x.max(); x.min(); m.aminmax(x); m.var_mean(x); g.any(); g.all();
    x.median(); k.sum(); m.softmax(s, 1); m.log_softmax(s, 1); m.softmax(s, 0)""".split(";")
SIDES = [  # over columns, over rows
    f"s.{name}(dim={dim})"
    for dim in (0, 1)
    for name in """sum mean std var amax amin argmax argmin prod norm logsumexp nansum count_nonzero max any
        median""".split()
]
FAMILIES = {
    "float32": FLOATS,
    "float64": FLOATS,
    "functions float32": SPECIAL,
    "functions float64": SPECIAL,
    "reduction": "; ".join(ALL + SIDES),
    "scan": """x.cumsum(0); x.cumprod(0); x.cummax(0); x.cummin(0); x.logcumsumexp(0); s.cumsum(1); s.cumprod(1);
        s.cummax(1); s.cummin(1); s.logcumsumexp(1); s.cumsum(0); s.cumprod(0); s.cummax(0); s.logcumsumexp(0);
        k.cumsum(0); g.cumsum(0); x.diff(); s.diff(dim=0); m.trapezoid(x); m.cumulative_trapezoid(x)""",
    "sort and select": """x.sort(); x.argsort(); x.sort(descending=True); x.sort(stable=True); s.sort(1);
        s.sort(0); k.sort(); x.topk(10); s.topk(5, 1); x.kthvalue(100); s.median(1); x.unique();
        k.unique(return_counts=True); m.searchsorted(v, x); m.bucketize(x, v); x.histc(100); k.bincount();
        m.isin(k, j[:100]); x.quantile(0.3); m.unique_consecutive(k)""",
    "index": """x[g]; x[i]; x.masked_select(g); g.nonzero(); x.masked_fill(g, 0.0); x.take(i);
        s.index_select(0, r); s.index_select(1, r); s[r]; s[:, r]; x.gather(0, i); s.gather(1, a);
        w.scatter_(0, i, x); w.scatter_add_(0, i, x); w.index_add_(0, i, x); w.index_copy_(0, i, x);
        w.index_fill_(0, i[:10], 1.0); w.index_put_((i,), x); f.embedding(r, s); f.one_hot(r); m.tril(s);
        m.triu(s); x.flip(0); s.flip(1); s.roll(3, 1); s.diagonal().clone()""",
    "join and copy": """m.cat([x, y]); m.cat([s, q], 1); m.stack([x, y]); m.stack([x, y], 1); x.clone();
        s.t().contiguous(); s.repeat(1, 2); x.repeat_interleave(2); v.expand_as(s).contiguous();
        s[:, ::2].contiguous(); s[::2].contiguous(); x.to(m.float64); x.to(m.float16); x.to(m.int64);
        k.to(m.float32); g.to(m.float32); m.zeros(n); m.ones(n); m.full((n,), 2.0); m.arange(n);
        m.linspace(0, 1, n); m.eye(e); f.pad(s, (1, 1)); m.zeros_like(x); s.split(e // 2, 1)[0].contiguous();
        s + v; s * v; s + v[:, None]; m.outer(v, v); s.tolist() if n < 2000 else s.reshape(-1)""",
    "linear algebra": """c @ d; c @ z; m.bmm(t, t); z.dot(z); m.addmm(c, c, d); m.einsum('ij,kj->ik', c, d);
        m.linalg.inv(d); m.linalg.solve(d, c); m.linalg.solve(d, z); m.linalg.det(d); m.linalg.slogdet(d);
        m.linalg.cholesky(d); m.cholesky_solve(c, d); m.linalg.lu_factor(d); m.linalg.qr(c); m.linalg.svd(c);
        m.linalg.svdvals(c); m.linalg.eigh(d); m.linalg.eigvalsh(d); m.linalg.eig(c); m.linalg.lstsq(d, c);
        m.linalg.pinv(c); m.linalg.matrix_exp(u2); m.linalg.solve_triangular(d, c, upper=True); m.linalg.norm(c);
        m.linalg.matrix_power(d, 3); m.linalg.inv(t); m.linalg.solve(t, t); m.cdist(c, d); m.trace(c);
        m.kron(c[:32, :32], d[:32, :32])""",
    "random": """m.rand(n); m.randn(n); m.randint(10, (n,)); m.randperm(n); m.bernoulli(pr); m.normal(x, p);
        w.normal_(); w.uniform_(); w.exponential_(); w.bernoulli_(0.3); w.log_normal_(); w.cauchy_();
        w.geometric_(0.3); w.random_(100); m.multinomial(pr[:1000], 100); m.poisson(p); f.dropout(x);
        m.rand_like(x); m.randn(n, dtype=m.float64); m.rand(n, dtype=m.float64)""",
    "fft": """m.fft.fft(x); m.fft.ifft(cx); m.fft.rfft(x); m.fft.irfft(cx); m.fft.fft(cx); m.fft.fft(s);
        m.fft.rfft(s); m.fft.fft2(s); m.fft.ifft2(cs); m.fft.rfft2(s); m.fft.irfft2(cs); m.fft.fftn(s);
        m.fft.ifftn(cs); m.fft.hfft(cx); m.fft.ihfft(x); m.fft.fftshift(s); m.fft.fftfreq(n); m.fft.rfft(x64);
        m.fft.fft(s, dim=0); cx * cx; cx.abs()""",
    "comparison and logic": """x < y; x <= y; x > 0.0; x == y; x != y; m.isnan(x); m.isinf(x); m.isfinite(x);
        g & h; g | h; g ^ h; ~g; m.logical_and(g, h); m.logical_or(x, y); m.logical_not(x); m.where(x > y, x, y);
        m.equal(x, x); m.allclose(x, x); m.isclose(x, y); m.sign(x); x.gt(y); k == j; k < 5; m.minimum(x, y);
        m.signbit(x)""",
    "int64": """k + j; k - j; k * j; k // j; k % j; k / j; k & j; k | j; k ^ j; ~k; k << 2; k >> 2; -k; k.abs();
        k ** 2; k + 1; m.maximum(k, j); m.clamp(k, 2, 7); m.gcd(k, j); k.sum(); k.max(); k.argmax(); k.prod();
        k.cumsum(0); k.sign()""",
    "int32, uint8": """k3 + j3; k3 * j3; k3 // j3; k3 % j3; k3 & j3; k3 << 2; k3.sum(); k3.max(); k3 == j3;
        k3.to(m.float32); m.maximum(k3, j3); k8 + j8; k8 * j8; k8 & j8; k8.sum(); k8.max(); k8 == j8;
        k8.to(m.float32); k8 // j8; k3.abs()""",
    "float16": """x2 + y2; x2 * y2; x2 / y2; x2 * 2.0; m.exp(x2); m.log(p2); m.sqrt(p2); m.tanh(x2); m.sigmoid(x2);
        m.relu(x2); f.gelu(x2); m.clamp(x2, -1.0, 1.0); x2.sum(); x2.mean(); x2.max(); s2.sum(1); s2.sum(0);
        m.softmax(s2, 1); x2 > y2; x2.to(m.float32); c2 @ c2; f.layer_norm(s2, (e,)); x2.cumsum(0);
        m.cat([x2, y2]); m.where(g, x2, y2)""",
    "bfloat16": "",
}
FAMILIES["bfloat16"] = FAMILIES["float16"]


def names(m: Any, family: str, n: int) -> dict[str, Any]:
    """The operands of a family in one library: n elements, or the square root of it a side."""
    m.manual_seed(0)
    m.set_num_threads(2)
    e, side = int(n**0.5), 200 if n > 2000 else 8
    dtype = m.float64 if "float64" in family else m.float32
    half = getattr(m, family, None) if family in ("float16", "bfloat16") else m.float16
    x, y = m.randn(n, dtype=dtype), m.randn(n, dtype=dtype)
    s, q = x[: e * e].reshape(e, e).clone(), y[: e * e].reshape(e, e).clone()
    p, u = y.abs() + 0.01, m.rand(n, dtype=dtype) * 1.98 - 0.99
    k, j = m.randint(0, 100, (n,)), m.randint(1, 50, (n,))
    c = m.randn(side, side)
    d = c @ c.t() + side * m.eye(side)
    cx = m.complex(x[: n // 2 + 1], y[: n // 2 + 1]) if family == "fft" else None
    return {
        "m": m, "f": m.nn.functional, "n": n, "e": e, "x": x, "y": y, "s": s, "q": q, "p": p, "u": u, "k": k, "j": j,
        "v": m.sort(x[:e].clone()).values, "g": x > 0, "h": y > 0, "i": m.randperm(n), "r": m.randperm(e),
        "w": m.zeros(n, dtype=dtype), "a": m.randint(0, e, (e, e)), "c": c, "d": d, "z": c[0].clone(), "u2": c / side,
        "t": m.randn(64, 16, 16) + 16 * m.eye(16) if n > 2000 else m.randn(4, 4, 4) + 4 * m.eye(4),
        "pr": m.rand(n, dtype=dtype), "x64": x.to(m.float64), "cx": cx,
        "cs": m.complex(s, q) if family == "fft" else None,
        "k3": k.to(m.int32), "j3": j.to(m.int32), "k8": k.to(m.uint8), "j8": j.to(m.uint8), "x2": x.to(half),
        "y2": y.to(half), "p2": p.to(half), "s2": s.to(half), "c2": c.to(half),
    }  # fmt: skip


def main() -> None:
    """Times every statement at both sizes without recording a graph."""
    given = options(__doc__ or "operations by family", 0.12)
    groups = []
    for family, statements in FAMILIES.items():
        for size, n in (("1 M", 1 << 20), ("1 k", 1 << 10)):
            codes = [statement.strip() for statement in statements.split(";")]
            cases = [Case(f"{family}: {code}, {size}", code, 1.0) for code in codes]
            groups.append(Group(functools.partial(names, family=family, n=n), cases))
    finish(compare_groups(groups, {"torch": torch, "facula": facula}, given.seconds), given.json)


if __name__ == "__main__":
    main()
