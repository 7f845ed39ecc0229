# Large operations, where kernels, threads and memory decide: about a million elements, two threads. Refuses small
# tensors (overhead.py).
from __future__ import annotations

from typing import Any

import torch  # before facula: both bring a BLAS, and PyTorch insists on being first
from timing import Case, Group, compare_groups, finish, options

import facula

# (case, statement, target): those with a target are promised not to be slower than PyTorch's.
CASES = [
    ("add, 1 M", "a + b", 1.0),
    ("exp, 1 M", "m.exp(a)", 1.0),
    ("tanh, 1 M", "m.tanh(a)", 1.0),
    ("gelu, 1 M", "gelu(a)", 1.0),
    ("sum, 1 M", "a.sum()", 1.0),
    ("softmax, 1024 x 1024", "m.softmax(square, 1)", 1.0),
    ("matmul, 1024^3", "square @ other", 1.0),
    ("add a row, 1024 x 1024", "square + line", None),
    ("sum of columns, 1024 x 1024", "square.sum(0)", None),
    ("transposed copy, 1024 x 1024", "square.t().contiguous()", None),
    ("argmax of rows, 1024 x 1024", "square.argmax(1)", None),
    ("index_select, 1024 rows", "m.index_select(square, 0, rows)", None),
    ("comparison and where, 1 M", "m.where(a > b, a, b)", None),
    ("in-place a.add_(b), 1 M", "scratch.add_(b)", None),
    ("randn, 1 M", "m.randn(1048576)", None),
    ("cross entropy, 1024 x 1024", "cross_entropy(square, rows)", None),
    ("conv2d 16 -> 32, 3 x 3, 8 x 32 x 32", "conv(images)", None),
    ("max_pool2d 2, 8 x 16 x 32 x 32", "max_pool2d(images, 2)", None),
    ("sort, 200 k", "some.sort()", 0.5),
    ("sort of rows, 1024 x 1024", "square.sort(1)", 1.0),
    ("sort, 8", "few.sort()", 1.0),
    ("topk 10, 200 k", "some.topk(10)", 1.0),
    ("topk 2, 8", "few.topk(2)", 1.0),
    ("median, 200 k", "some.median()", 1.0),
    ("kthvalue, 200 k", "some.kthvalue(1000)", 1.0),
    ("unique, 200 k", "some.unique()", 1.0),
    ("searchsorted in 1024, 200 k", "m.searchsorted(ascending, some)", 1.0),
    ("histc, 200 k", "m.histc(some, 100)", 1.0),
    ("x[mask], 1 M", "a[mask]", 0.5),
    ("masked_select, 1 M", "a.masked_select(mask)", 0.5),
    ("nonzero, 1 M", "mask.nonzero()", 0.5),
    ("cumsum, 1 M", "a.cumsum(0)", 0.5),
    ("cummax, 1 M", "a.cummax(0)", 1.0),
    ("logcumsumexp, 1 M", "a.logcumsumexp(0)", 1.0),
    ("inverse, 4 x 4", "m.linalg.inv(small)", 1.0),
    ("solve, 4 x 4", "m.linalg.solve(small, small)", 1.0),
    ("cholesky, 4 x 4", "m.linalg.cholesky(small)", 1.0),
    ("eigh, 4 x 4", "m.linalg.eigh(small)", 1.0),
    ("inverse, 200 x 200", "m.linalg.inv(regular)", None),
    ("solve, 200 x 200", "m.linalg.solve(regular, regular)", None),
    ("cholesky, 200 x 200", "m.linalg.cholesky(regular)", None),
    ("eigh, 200 x 200", "m.linalg.eigh(regular)", None),
    ("svd, 200 x 200", "m.linalg.svd(regular)", None),
]


def names(m: Any) -> dict[str, Any]:
    """The operands of the cases in one library."""
    m.manual_seed(0)
    m.set_num_threads(2)
    functional = m.nn.functional
    return {
        "m": m, "a": m.randn(1048576), "b": m.randn(1048576), "scratch": m.zeros(1048576),
        "square": m.randn(1024, 1024),
        "other": m.randn(1024, 1024), "line": m.randn(1024), "rows": m.randperm(1024), "gelu": functional.gelu,
        "cross_entropy": functional.cross_entropy, "conv": m.nn.Conv2d(16, 32, 3), "images": m.randn(8, 16, 32, 32),
        "max_pool2d": functional.max_pool2d, "some": m.randn(200_000), "few": m.randn(8),
        "ascending": m.sort(m.randn(1024)).values, "mask": m.randn(1048576) > 0,
        "small": m.eye(4) + m.ones(4, 4), "regular": m.eye(200) * 200 + m.ones(200, 200),
    }  # fmt: skip


def main() -> None:
    """Times every case without recording a graph."""
    given = options(__doc__ or "large operations", 2.5)
    groups = [Group(names, [Case(*case) for case in CASES])]
    finish(compare_groups(groups, {"torch": torch, "facula": facula}, given.seconds), given.json)


if __name__ == "__main__":
    main()
