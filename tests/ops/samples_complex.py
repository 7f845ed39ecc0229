"""Operations on complex tensors: samples like those of samples.py, whose dtype is complex. Data only."""

from __future__ import annotations

from sample import F, Fixed, Index, Mask, N, Sample

COMPLEX_TYPES = ("complex64", "complex128")


def C(name, *args, dtypes=COMPLEX_TYPES, id=None, **options):
    return Sample(name, *args, dtypes=dtypes, id=id or name.replace("nn.functional", "F"), **options)


def each(names, *arrays, **options):
    return [C(name, *arrays, **options) for name in names.split()]


_HOLOMORPHIC = (
    "sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sinc "
    "sigmoid reciprocal square neg positive nn.functional.tanhshrink nn.functional.silu"
)
_OTHER = "abs angle sgn conj_physical conj real imag view_as_real nan_to_num nn.functional.softsign"
_PREDICATES = "isnan isinf isfinite isreal logical_not"
_REAL = {"dtypes": ("float32", "float64")}

SAMPLES = [
    *each(_HOLOMORPHIC, F(N, 4)),
    *each(_OTHER, F(N, 4)),
    *each(_PREDICATES, F(N, 4), grad=False),
    *each("add sub mul div pow logaddexp rsub true_divide", F(N, 4), F(N, 4)),
    *each("eq ne logical_and logical_or logical_xor isclose", F(N, 4), F(N, 4), grad=False),
    C("add", F(N, 4), F(N, 4), alpha=2 - 1j, id="add_alpha"),
    C("pow", F(N, 4), 3, id="pow_number"),
    C("pow", 2 - 1j, F(N, 4), id="pow_of_number"),
    C("mul", F(N, 4), F(4), id="mul_broadcast"),
    C("addcmul", F(N, 4), F(N, 4), F(N, 4), value=0.5 + 1j),
    C("addcdiv", F(N, 4), F(N, 4), F(N, 4), value=2),
    C("lerp", F(N, 4), F(N, 4), F(N, 4)),
    C("where", Mask(N, 4), F(N, 4), F(N, 4)),
    C("masked_fill", F(N, 4), Mask(N, 4), 1 + 2j),
    C("masked_select", F(N, 4), Mask(N, 4)),
    *each("sum mean prod std var", F(N, 4)),
    C("sum", F(N, 4), 1, id="sum_dim"),
    C("prod", F(N, 4), 0, id="prod_dim"),
    C("std", F(N, 4), 1, keepdim=True, id="std_dim"),
    C("cumsum", F(N, 4), 1),
    C("cumprod", F(N, 4), 1),
    C("logcumsumexp", F(N, 4), 1),
    C("logsumexp", F(N, 4), 1),
    C("norm", F(N, 4)),
    C("norm", F(N, 4), 1, id="norm_1"),
    C("norm", F(N, 4), 3, dim=1, id="norm_3"),
    C("norm", F(N, 4), float("inf"), id="norm_inf"),
    C("any", F(N, 4), grad=False),
    C("count_nonzero", F(N, 4), grad=False),
    C("mm", F(N, 4), F(4, 2)),
    C("bmm", F(2, 3, 4), F(2, 4, 2)),
    C("mv", F(N, 4), F(4)),
    C("dot", F(4), F(4)),
    C("vdot", F(4), F(4)),
    C("outer", F(4), F(3)),
    C("addmm", F(2), F(N, 4), F(4, 2), beta=0.5, alpha=2 + 1j),
    C("baddbmm", F(2, 3, 2), F(2, 3, 4), F(2, 4, 2), beta=0.5j, alpha=2),
    C("matmul", F(2, 1, 3, 4), F(2, 4, 2)),
    C("einsum", "ij,kj->ik", F(N, 4), F(2, 4)),
    C("tensordot", F(N, 4), F(4, 2), 1),
    C("nn.functional.linear", F(N, 4), F(2, 4), F(2)),
    C("nn.functional.conv2d", F(2, 2, 5, 4), F(4, 1, 3, 2), F(4), stride=(2, 1), padding=1, groups=2),
    C("nn.functional.conv_transpose1d", F(2, 2, 4), F(2, 3, 3), F(3), stride=2),
    C("nn.functional.l1_loss", F(N, 4), F(N, 4)),
    C("nn.functional.rms_norm", F(N, 4), (4,), F(4), 0.5),
    C("cat", [F(N, 4), F(2, 4)]),
    C("stack", [F(N, 4), F(N, 4)]),
    C("flip", F(N, 4), (0,)),
    C("gather", F(N, 4), 1, Index(N, 2, below=4)),
    C("scatter", F(N, 4), 1, Fixed([[0, 1], [3, 2], [1, 3]]), F(N, 2)),
    C("scatter_add", F(N, 4), 1, Index(N, 2, below=4), F(N, 2)),
    C("index_select", F(N, 4), 1, Index(3, below=4)),
    C("index_add", F(N, 4), 1, Index(2, below=4), F(N, 2), alpha=2),
    C("index_put", F(N, 4), (Fixed([2, 0]),), F(2, 4)),
    C("view_as_complex", F(N, 2), **_REAL),
    C("complex", F(N, 4), F(N, 4), **_REAL),
    C("polar", F(N, 4, low=0.5), F(N, 4), **_REAL),
    C("fft.fft", F(N, 4)),
    C("fft.ifft", F(N, 4), 5, norm="ortho"),
    C("fft.fft", F(N, 4), 3, **_REAL, id="fft_real"),
    C("fft.rfft", F(N, 5), norm="forward", **_REAL),
    C("fft.irfft", F(N, 4)),
    C("fft.irfft", F(N, 4), 7, 1, id="irfft_odd"),
    C("fft.hfft", F(N, 4), 5),
    C("fft.ihfft", F(N, 5), **_REAL),
    C("fft.fft2", F(2, N, 4), (2, 5)),
    C("fft.ifftn", F(2, N, 4), norm="ortho"),
    C("fft.rfft2", F(2, N, 4), **_REAL),
    C("fft.rfftn", F(2, N, 4), (3, -1), (0, 2), **_REAL),
    C("fft.irfftn", F(2, N, 4)),
    C("fft.irfft2", F(2, N, 4), norm="forward"),
    C("fft.hfftn", F(2, N, 3)),
    C("fft.hfft2", F(2, N, 3), norm="ortho"),
    C("fft.ihfftn", F(2, N, 4), **_REAL),
    C("fft.ihfft2", F(2, N, 4), **_REAL),
    C("fft.fftshift", F(N, 5)),
    C("fft.ifftshift", F(N, 5), 1),
]  # fmt: skip
