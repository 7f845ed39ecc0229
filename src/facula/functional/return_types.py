"""The named results of torch.*: tuples whose elements also have names. PyTorch has them as torch.return_types."""

from __future__ import annotations

from operator import itemgetter


class _Named(tuple):
    """A tuple of the length of ``_fields``, made from one sequence."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    def __new__(cls, values):
        values = tuple(values)
        if len(values) != len(cls._fields):
            raise TypeError(
                f"torch.return_types.{cls.__name__}() takes a {len(cls._fields)}-sequence "
                f"({len(values)}-sequence given)"
            )
        return tuple.__new__(cls, values)

    def __repr__(self) -> str:
        rows = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self))
        return f"torch.return_types.{type(self).__name__}(\n{rows})"

    def __reduce__(self):
        return type(self), (tuple(self),)


def _named(name: str, *fields: str) -> type[_Named]:
    """A class of named tuples with those fields."""
    members = {"__slots__": (), "_fields": fields, "__module__": __name__, "n_fields": len(fields)}
    members.update({field: property(itemgetter(i)) for i, field in enumerate(fields)})
    return type(name, (_Named,), members)


aminmax = _named("aminmax", "min", "max")
cummax = _named("cummax", "values", "indices")
cummin = _named("cummin", "values", "indices")
frexp = _named("frexp", "mantissa", "exponent")
histogram = _named("histogram", "hist", "bin_edges")
histogramdd = _named("histogramdd", "hist", "bin_edges")
kthvalue = _named("kthvalue", "values", "indices")
max = _named("max", "values", "indices")
median = _named("median", "values", "indices")
min = _named("min", "values", "indices")
mode = _named("mode", "values", "indices")
nanmedian = _named("nanmedian", "values", "indices")
sort = _named("sort", "values", "indices")
topk = _named("topk", "values", "indices")

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "histogram", "histogramdd", "kthvalue",
    "max", "median", "min", "mode", "nanmedian", "sort", "topk",
]  # fmt: skip

# Made when first asked for: what few programs need.
_LATER = {
    "_lu_with_info": "LU pivots info",
    "geqrf": "a tau", "linalg_cholesky_ex": "L info", "linalg_eig": "eigenvalues eigenvectors",
    "linalg_eigh": "eigenvalues eigenvectors", "linalg_inv_ex": "inverse info", "linalg_ldl_factor": "LD pivots",
    "linalg_ldl_factor_ex": "LD pivots info", "linalg_lstsq": "solution residuals rank singular_values",
    "linalg_lu": "P L U", "linalg_lu_factor": "LU pivots", "linalg_lu_factor_ex": "LU pivots info",
    "linalg_qr": "Q R", "linalg_slogdet": "sign logabsdet", "linalg_solve_ex": "result info", "linalg_svd": "U S Vh",
    "lu_unpack": "P L U", "qr": "Q R", "slogdet": "sign logabsdet", "svd": "U S V",
    "triangular_solve": "solution cloned_coefficient",
}  # fmt: skip


def __getattr__(name: str):
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = kind = _named(name, *_LATER[name].split())
    return kind
