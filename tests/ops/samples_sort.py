"""Samples of sorting, selection, search, histograms and quantiles. Data only; samples.py has the form and the rest."""

from __future__ import annotations

from sample import ALL, FLOATS, INTS, F, Fixed, Index, N, Sample

REAL = FLOATS + INTS
WIDE = ("float32", "float64")
_SORTED = Fixed([-1.0, -0.25, 0.5, 1.5], "float64")

SORT = [
    Sample("sort", F(N, 4), entries="_sort", dtypes=ALL),
    Sample("sort", F(N, 4), 0, True, entries=(), dtypes=ALL, id="sort_descending"),
    Sample("sort", F(2, 40), stable=True, entries=(), dtypes=ALL, id="sort_stable"),
    Sample("argsort", F(N, 4), 0, entries=(), dtypes=ALL, grad=False),
    Sample("msort", F(N, 4), entries=(), dtypes=ALL),
    Sample("topk", F(N, 4), 2, entries="_topk", dtypes=REAL),
    Sample("topk", F(4, N), 2, 0, False, entries=(), dtypes=REAL, id="topk_smallest"),
    Sample("topk", F(2, 80), 1, entries=(), id="topk_heap"),
    Sample("kthvalue", F(N, 4), 2, entries="_kthvalue", dtypes=REAL),
    Sample("kthvalue", F(4, N), 3, 0, True, entries=(), id="kthvalue_keepdim"),
    Sample("median", F(N, 4), entries="_median_all", dtypes=REAL),
    Sample("median", F(N, 4), 1, entries="_median_dim", dtypes=REAL, id="median_dim"),
    Sample("nanmedian", F(N, 4), entries="_nanmedian_all", dtypes=REAL),
    Sample("nanmedian", F(N, 4), 1, True, entries="_nanmedian_dim", dtypes=REAL, id="nanmedian_dim"),
    Sample("mode", F(N, 4), entries="_mode", dtypes=ALL),
    Sample("unique", F(N, 4), True, True, True, entries="_unique", dtypes=ALL, grad=False),
    Sample("unique", F(3, 2), dim=0, return_inverse=True, entries="_sort_rows", grad=False, id="unique_dim"),
    Sample("unique_consecutive", F(N, 4), True, True, entries=(), dtypes=ALL, grad=False),
    Sample("unique_consecutive", F(3, 2), dim=1, entries=(), grad=False, id="unique_consecutive_dim"),
    Sample("searchsorted", _SORTED, F(N, 4), entries="_searchsorted", dtypes=("float64",), grad=False),
    Sample("bucketize", F(N, 4), Fixed([-1, 0, 1]), right=True, entries=(), dtypes=INTS, grad=False),
    Sample("isin", F(3, 4), F(2), entries=(), dtypes=REAL, grad=False),
    Sample("isin", F(3, 4), F(20), entries=(), dtypes=REAL, invert=True, grad=False, id="isin_many"),
    Sample("bincount", Index(8, below=5), grad=False),
    Sample("bincount", Index(8, below=5), F(8), 9, entries=(), dtypes=WIDE, grad=False, id="bincount_weights"),
    Sample("histc", F(N, 4), 5, -1, 1, entries="_histc", dtypes=FLOATS, grad=False),
    Sample("histogram", F(N, 4), 5, entries=(), dtypes=WIDE, grad=False),
    Sample("histogramdd", F(N, 2), [2, 3], entries=(), dtypes=WIDE, density=True, grad=False),
    Sample("quantile", F(N, 4), 0.3, entries=(), dtypes=WIDE),
    Sample(
        "quantile", F(N, 4), Fixed([0.1, 0.6], "float64"), 1, True, entries=(), dtypes=("float64",), id="quantile_q"
    ),
    Sample("nanquantile", F(N, 4), 0.4, 0, interpolation="midpoint", entries=(), dtypes=WIDE),
]
