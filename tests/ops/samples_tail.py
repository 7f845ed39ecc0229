"""Samples of the rarer functions: copying and scattering forms of views, put, index_reduce, distances. Data only."""

from __future__ import annotations

from sample import ALL, F, Fixed, N, Sample

_X, _M = F(N, 4), F(2, N, 4)

_COPIES = [
    Sample(name, _M, *args, entries=(), dtypes=ALL)
    for name, *args in (
        ("alias_copy",),
        ("diagonal_copy", 1, 0, 2),
        ("expand_copy", (5, 2, -1, 4)),
        ("narrow_copy", 2, 1, 2),
        ("permute_copy", (2, 0, 1)),
        ("select_copy", 2, -1),
        ("slice_copy", 2, 0, None, 2),
        ("split_copy", 3, 2),
        ("split_with_sizes_copy", (1, 3), 2),
        ("squeeze_copy", (0, 1)),
        ("transpose_copy", 0, 2),
        ("unbind_copy", 2),
        ("unfold_copy", 2, 2, 1),
        ("unsqueeze_copy", 1),
        ("unsafe_chunk", 2, 2),
        ("unsafe_split", 3, 2),
        ("unsafe_split_with_sizes", (1, 3), 2),
    )
]

TAIL = [
    *_COPIES,
    Sample("t_copy", _X, entries=(), dtypes=ALL),
    Sample("view_copy", F(2, 6), (3, 4), entries=(), dtypes=ALL),
    Sample("select_scatter", _M, F(2, N), 2, 1, entries=()),
    Sample("slice_scatter", _M, F(2, N, 2), 2, 0, None, 2, entries=()),
    Sample("diagonal_scatter", F(4, 5), F(4), 1, entries=()),
    Sample("put", _M, Fixed([0, -1, 5]), F(3), entries=()),
    Sample("put", _M, Fixed([0, -1, 0]), F(3), True, entries=(), id="put_add"),
    Sample("index_reduce", F(4, 3), 0, Fixed([0, 2, 0]), F(3, 3), "mean", entries=()),
    Sample("nonzero_static", F(N, 4, grad=False), size=3, entries=(), dtypes=ALL),
    Sample("unravel_index", Fixed([0, 7, 11]), (3, 4), entries=(), grad=False),
    Sample("cdist", F(4, 3), F(5, 3), entries=()),
    Sample("cdist", F(2, 4, 3), F(5, 3), 1.5, entries=(), id="cdist_p"),
    Sample("pdist", F(4, 3), 3.0, entries=()),
    Sample("cov", F(3, 5), entries=()),
    Sample("corrcoef", F(3, 5), entries=(), dtypes=("float64", "float32")),
]
