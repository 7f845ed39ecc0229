"""Samples of linear algebra: well-conditioned matrices, so that every precision can be compared. What is determined
only up to a sign (eigenvectors, singular vectors), or reads one triangle, is in test_linalg.py. Data only."""

from __future__ import annotations

from sample import Array, F, Fixed, Sample

_TYPES = ("float32", "float64")


class _Given(Array):
    """Given numbers, without signs where the type has none."""

    def numbers(self, seed, shape, dtype):
        values = super().numbers(seed, shape, dtype)
        return abs(values) if dtype == "uint8" else values


def _values(numbers, grad=True):
    shape, part = [], numbers
    while isinstance(part, list):
        shape.append(len(part))
        part = part[0]
    return _Given(tuple(shape), values=numbers, grad=grad)


_A = _values(
    [[[4.0, 1.0, -1.0], [1.0, 3.0, 0.5], [-0.5, 1.0, 2.0]], [[3.0, -1.0, 0.25], [0.5, 2.0, 1.0], [1.0, 0.0, 4.0]]]
)
_S = _values([[4.0, 1.0, 0.5], [1.0, 3.0, -0.5], [0.5, -0.5, 2.0]])
_FIXED_S = _values(_S.values, grad=False)
_B = F(2, 3, 2)
_TALL = _values([[2.0, 1.0], [0.5, -3.0], [1.0, 1.0], [-1.0, 0.5]])
_PIVOTS = Fixed([[1, 2, 3], [1, 3, 3]], "int32")
_TAU = _values([1.2, 0.7])


def _sample(name, *args, entries=(), **kwargs):
    return Sample(name, *args, entries=entries, dtypes=_TYPES, **kwargs)


LINALG = [
    _sample("linalg.cholesky", _FIXED_S, entries="_linalg_cholesky_ex"),
    _sample("cholesky", _FIXED_S, entries="_cholesky"),
    _sample("cholesky_inverse", _FIXED_S, entries="cholesky_inverse"),
    _sample("cholesky_solve", F(3, 2), _FIXED_S, entries="cholesky_solve"),
    _sample("linalg.lu_factor", _A, entries="_linalg_lu_factor_ex"),
    _sample("linalg.lu", _TALL, entries="_linalg_lu"),
    _sample("lu_unpack", _A, _PIVOTS, entries="_lu_unpack"),
    _sample("linalg.ldl_factor", _FIXED_S, entries="_linalg_ldl_factor_ex"),
    _sample("linalg.ldl_solve", _values(_S.values, False), Fixed([1, 2, 3], "int32"), F(3, 2, grad=False),
            entries="_linalg_ldl_solve"),
    _sample("linalg.solve", _A, _B, entries="_linalg_solve_ex"),
    _sample("linalg.solve", _A, F(2, 2, 3), left=False, id="solve_right"),
    _sample("linalg.solve", _A, F(2, 3), id="solve_vectors"),
    _sample("linalg.inv", _A, entries="_linalg_inv_ex"),
    _sample("inverse", _A),
    _sample("linalg.det", _A, entries="_linalg_det"),
    _sample("linalg.slogdet", _A, entries="_linalg_slogdet"),
    _sample("logdet", _A),
    _sample("linalg.lu_solve", _A, _PIVOTS, _B, entries="_linalg_lu_solve"),
    _sample("linalg.lu_solve", _A, _PIVOTS, F(2, 2, 3), left=False, adjoint=True, id="lu_solve_adjoint"),
    _sample("linalg.solve_triangular", _A, _B, upper=True, entries="_linalg_solve_triangular"),
    _sample("triangular_solve", _B, _A, entries="_triangular_solve"),
    _sample("linalg.qr", _TALL, entries="_linalg_qr"),
    _sample("qr", _values([[3.0, 1.0, 2.0], [1.0, -2.0, 0.5]]), id="qr_wide"),
    _sample("geqrf", _values(_TALL.values, False), entries="geqrf"),
    _sample("linalg.householder_product", _TALL, _TAU, entries="_householder_product"),
    _sample("ormqr", _TALL, _TAU, F(4, 2), entries="ormqr"),
    _sample("linalg.lstsq", _TALL, F(4, 2), driver="gels", entries="_linalg_lstsq"),
    _sample("linalg.eigvalsh", _FIXED_S, entries="_linalg_eigh"),
    _sample("linalg.eigvals", _values(_S.values, False), entries="_linalg_eig", exact=False),
    _sample("linalg.svdvals", _TALL, entries="_linalg_svd"),
    _sample("linalg.pinv", _TALL, entries="_linalg_pinv"),
    _sample("pinverse", _TALL),
    _sample("linalg.matrix_rank", _TALL, grad=False),
    _sample("linalg.cond", _A),
    _sample("matrix_exp", _A, entries="matrix_exp"),
    _sample("linalg.matrix_norm", _A, 2, id="matrix_norm_2"),
    _sample("linalg.matrix_norm", _A, "nuc", id="matrix_norm_nuc"),
    _sample("linalg.matrix_norm", _A, 1, (0, 2), id="matrix_norm_1"),
    _sample("nuclear_norm", _TALL),
    _sample("linalg.multi_dot", [F(2), F(2, 3), F(3, 4)], id="multi_dot"),
    _sample("linalg.tensorinv", _values([[[2.0, 1.0]], [[0.5, -3.0]]])),
    _sample("linalg.tensorsolve", _values([[[2.0, 1.0]], [[0.5, -3.0]]]), F(2, 1)),
    _sample("linalg.vander", F(2, 3)),
    _sample("vander", F(3, grad=False), 4, True, id="vander_increasing"),
    _sample("linalg.vecdot", F(2, 3), F(2, 3)),
]  # fmt: skip
