"""Samples of special functions, random draws, windows and other pointwise stragglers. Data only, as samples.py."""

from __future__ import annotations

from sample import Array, F, Sample

N = 3
WIDE = ("float32", "float64")  # PyTorch has these in no half precision
DEGREES = Array((N, 4), 0, 5, "int64")


def unary(name, low, high, **options):
    return Sample(f"special.{name}", F(N, 4, low=low, high=high), entries=name, **options)


def polynomial(name):
    return Sample(
        f"special.{name}", F(N, 4, low=0.1, high=0.9, grad=False), DEGREES, entries=name, grad=False, dtypes=WIDE
    )


SPECIAL = [
    *[unary(name, 0.3, 4.0) for name in ("entr", "i0", "i0e", "i1", "i1e")],
    unary("erfcx", -1.0, 3.0, dtypes=WIDE),
    unary("log_ndtr", -3.0, 2.0, dtypes=WIDE),
    unary("ndtri", 0.1, 0.9, dtypes=WIDE),
    *[
        Sample(f"special.{name}", F(N, 4, low=0.3, high=6.0, grad=False), entries=name, grad=False, dtypes=WIDE)
        for name in (
            "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_i0", "modified_bessel_i1",
            "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1",
            "spherical_bessel_j0",
        )
    ],
    *[
        polynomial(prefix + "chebyshev_polynomial_" + kind) for prefix in ("", "shifted_") for kind in "tuvw"
    ],
    polynomial("hermite_polynomial_h"),
    polynomial("hermite_polynomial_he"),
    polynomial("laguerre_polynomial_l"),
    polynomial("legendre_polynomial_p"),
    Sample("igamma", F(N, 4, low=0.5, high=3.0, grad=False), F(N, 4, low=0.5, high=3.0)),
    Sample("igammac", F(N, 4, low=0.5, high=3.0, grad=False), F(N, 4, low=0.5, high=3.0)),
    Sample(
        "special.zeta", F(N, 4, low=1.5, high=4.0, grad=False), F(N, 4, low=0.5, high=3.0), entries="zeta", dtypes=WIDE
    ),
    Sample("i0", F(N, 4), entries=(), id="i0_method"),
]  # fmt: skip

DRAWN = [
    Sample("Tensor.cauchy_", F(N, 4, grad=False), 1, 2, grad=False),
    Sample("Tensor.geometric_", F(N, 4, grad=False), 0.4, grad=False),
    Sample("Tensor.log_normal_", F(N, 4, grad=False), 0.5, 0.25, grad=False),
    Sample("poisson", F(N, 4, low=0, high=20, grad=False), grad=False),
    Sample(
        "binomial", F(N, 4, low=1, high=40, grad=False), F(N, 4, low=0, high=1, grad=False), entries="_binomial",
        dtypes=WIDE, grad=False,
    ),
    Sample("dropout", F(N, 4), 0.4, True, entries=(), second=False, id="torch.dropout"),
    Sample("feature_dropout", F(N, 4), 0.4, True, entries=(), second=False, id="torch.feature_dropout"),
    Sample("alpha_dropout", F(N, 4), 0.4, True, entries=(), second=False, id="torch.alpha_dropout"),
    Sample("feature_alpha_dropout", F(N, 4), 0.4, True, entries=(), second=False, id="torch.feature_alpha_dropout"),
    Sample("rrelu", F(N, 4), training=True, entries=(), second=False, id="torch.rrelu"),
]  # fmt: skip

COMPOSED = [
    Sample("diff", F(N, 4), entries=()),
    Sample("trapezoid", F(N, 4), entries=()),
    Sample("cumulative_trapezoid", F(N, 4), F(N, 4), entries=()),
    Sample("gradient", F(N, 4), entries=(), spacing=2.0),
    Sample("renorm", F(N, 4), 2, 0, 1.5, entries=()),
    Sample("frexp", F(N, 4), entries="_frexp"),
    *[
        Sample(f"{name}_window", 6, entries=(), grad=False)
        for name in ("bartlett", "blackman", "hamming", "hann", "kaiser")
    ],
    *[
        Sample(f"signal.windows.{name}", 6, entries=(), grad=False)
        for name in (
            "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_hamming", "hamming", "hann", "kaiser",
            "nuttall",
        )
    ],
]  # fmt: skip
