"""One line per operation: its public name and small arguments. Data only; tests/ops and tests/oracle do the rest."""

from __future__ import annotations

from sample import ALL, FLOATS, INTS, LOGIC, REAL, F, Fixed, Index, Mask, N, Sample
from samples_layers import LAYERS
from samples_linalg import LINALG
from samples_nn import NN
from samples_sort import SORT
from samples_special import COMPOSED, DRAWN, SPECIAL
from samples_tail import TAIL


def _unary(dtypes, names, low=-2.0, high=2.0, prefix="", **options):
    return [Sample(prefix + name, F(N, 4, low=low, high=high), dtypes=dtypes, **options) for name in names.split()]


def _binary(dtypes, names, low=-2.0, high=2.0, **options):
    return [
        Sample(name, F(N, 4, low=low, high=high), F(N, 4, low=low, high=high), dtypes=dtypes, **options)
        for name in names.split()
    ]


_X, _V, _P = F(N, 4), F(N), F(N, 4, low=0.2, high=2.0)

POINTWISE = [
    *_unary(REAL, "abs neg sign sgn floor ceil trunc square relu"),
    *_unary(REAL, "positive"),
    *_unary(FLOATS, "frac"),
    *_unary(REAL, "round"),
    *_unary(ALL, "exp exp2 expm1 sin cos tan sinh cosh tanh atan asinh erf erfc sigmoid sinc deg2rad rad2deg"),
    *_unary(REAL, "reciprocal sqrt rsqrt log log2 log10 log1p lgamma digamma", low=1.0, high=5.0),
    *_unary(FLOATS, "asin acos atanh erfinv", low=-0.9, high=0.9),
    *_unary(FLOATS, "acosh", low=1.2, high=4.0),
    *_unary(ALL, "logical_not isnan isinf isfinite isposinf isneginf signbit", grad=False),
    *_unary(LOGIC, "bitwise_not", grad=False),
    *_binary(ALL, "add mul maximum minimum fmax fmin"),
    *_binary(REAL, "sub"),
    Sample("rsub", _X, _X, dtypes=REAL),
    Sample("add", _X, _X, alpha=3, entries="add_alpha", dtypes=REAL, id="add_alpha"),
    Sample("sub", _X, _X, alpha=3, entries="sub_alpha", dtypes=REAL, id="sub_alpha"),
    *_binary(REAL, "div remainder fmod", low=1.0, high=5.0),
    *_binary(REAL, "floor_divide", low=1.0, high=5.0, grad=False),
    Sample("div", _X, F(N, 4, low=1), rounding_mode="floor", entries="div_floor", dtypes=REAL, id="div_floor"),
    Sample("div", _X, F(N, 4, low=1), rounding_mode="trunc", entries="div_trunc", dtypes=REAL, id="div_trunc"),
    *_binary(FLOATS, "logaddexp logaddexp2 hypot"),
    *_binary(ALL, "atan2 copysign"),
    *_binary(FLOATS, "nextafter", grad=False),
    *_binary(ALL, "eq ne lt le gt ge logical_and logical_or logical_xor", grad=False),
    Sample("heaviside", _X, _X, dtypes=REAL, grad=False),
    *_binary(LOGIC, "bitwise_and bitwise_or bitwise_xor", grad=False),
    *_binary(INTS, "bitwise_left_shift bitwise_right_shift gcd lcm", low=0, high=6, grad=False),
    Sample("pow", _P, _X, dtypes=FLOATS),
    Sample("pow", _X, 3, entries=(), dtypes=REAL, id="pow_scalar"),
    Sample("pow", 2.5, _X, entries=(), id="pow_of_number"),
    Sample("xlogy", _P, F(N, 4, low=0.2), dtypes=FLOATS),
    Sample("special.xlog1py", _P, F(N, 4, low=-0.5), dtypes=FLOATS),
    Sample("polygamma", 1, F(N, 4, low=0.5, high=4.0), dtypes=FLOATS),
    Sample("logit", F(N, 4, low=0.1, high=0.9), dtypes=FLOATS),
    Sample("logit", F(N, 4, low=0.0, high=1.0), 0.2, entries="logit_eps", dtypes=FLOATS, id="logit_eps"),
    Sample("lerp", _X, _X, F(N, 4, low=-1)),
    Sample("lerp", _X, _X, 0.3, entries=(), id="lerp_number"),
    Sample("addcmul", _X, _X, _X, value=2, dtypes=REAL),
    Sample("addcdiv", _X, _X, F(N, 4, low=0.5), value=2),
    Sample("clamp", _X, F(N, 4, low=-2, high=-1), F(N, 4, low=1), dtypes=REAL),
    Sample("clamp", _X, -1, 1, entries=(), dtypes=REAL, id="clamp_numbers"),
    Sample("clamp_min", _X, _X, dtypes=REAL),
    Sample("clamp_max", _X, _X, dtypes=REAL),
    Sample("clamp", _X, min=0.5, entries=(), dtypes=FLOATS, id="clamp_only_min"),
    Sample("nan_to_num", _X, 0.0, 1.0, -1.0, dtypes=REAL),
    Sample("where", Mask(N, 4), _X, _X, dtypes=ALL),
    Sample("where", Mask(N, 4), _X, 1.5, entries=(), id="where_number"),
    Sample("masked_fill", _X, Mask(N, 4), 2, entries=("masked_fill", "masked_fill_kernel"), dtypes=ALL),
    *_unary(FLOATS, "sigmoid tanh", prefix="nn.functional.", entries=()),
    *_unary(
        FLOATS, "logsigmoid selu silu mish softsign hardswish hardsigmoid tanhshrink gelu", -5, 5, "nn.functional."
    ),
    *_unary(REAL, "relu6", -5, 8, "nn.functional."),
    Sample("nn.functional.hardtanh", _X, -0.5, 0.75, dtypes=FLOATS),
    Sample("nn.functional.leaky_relu", _X, 0.2),
    Sample("nn.functional.prelu", F(2, 4, N), F(4), entries="prelu_kernel"),
    Sample("nn.functional.elu", _X, 0.7),
    Sample("nn.functional.celu", _X, 1.3),
    Sample("nn.functional.gelu", _X, approximate="tanh", entries="gelu_tanh", id="gelu_tanh"),
    Sample("nn.functional.softplus", F(N, 4, low=-8, high=8), 2.0, 3.0),
    Sample("nn.functional.hardshrink", _X, 0.3),
    Sample("nn.functional.softshrink", _X, 0.3),
    Sample("nn.functional.threshold", _X, 0.1, 3.0, dtypes=FLOATS),
    Sample("nn.functional.glu", F(N, 4), entries=()),
]

VIEWS = [
    Sample("Tensor.view", F(N, 4), 2, 6, dtypes=ALL),
    Sample("Tensor.view", F(N, 4), -1, entries=("_unsafe_view",), id="view_flat"),
    Sample("reshape", F(N, 4), (4, 3), dtypes=ALL),
    Sample("flatten", F(2, N, 4), 1, dtypes=ALL),
    Sample("unflatten", F(2, 12), 1, (N, 4), entries=()),
    Sample("permute", F(2, N, 4), (2, 0, 1), dtypes=ALL),
    Sample("movedim", F(2, N, 4), 0, 2),
    Sample("movedim", F(2, N, 4), (0, 1), (2, 0), entries=(), id="movedim_pairs"),
    Sample("transpose", F(2, N, 4), 0, -1, dtypes=ALL),
    Sample("swapaxes", F(2, N, 4), 0, 1, entries=()),
    Sample("t", F(N, 4), dtypes=ALL),
    Sample("squeeze", F(1, N, 1, 4), entries="_squeeze", dtypes=ALL),
    Sample("squeeze", F(1, N, 1, 4), 2, entries="squeeze_dims", id="squeeze_dim"),
    Sample("squeeze", F(1, N, 1, 4), (0, 2), entries=(), id="squeeze_dims"),
    Sample("unsqueeze", F(N, 4), 1, dtypes=ALL),
    Sample("Tensor.expand", F(N, 1), 2, -1, 4, dtypes=ALL),
    Sample("broadcast_to", F(N, 1), (2, N, 4), entries=()),
    Sample("select", F(N, 4), 1, -2, dtypes=ALL),
    Sample("narrow", F(N, 4), 1, 1, 2, dtypes=ALL),
    Sample("diagonal", F(2, N, 4), 1, 1, 2, dtypes=ALL),
    Sample("diag", F(N), 1, entries="_embed", second=True),
    Sample("diag_embed", F(2, N), -1, entries=()),
    Sample("Tensor.unfold", F(2, 7), 1, 3, 2, entries="_unfold"),
    Sample("as_strided", F(N, 4), (2, 2), (1, 2), 1, entries=("as_strided", "_as_strided_of")),
    Sample("split", F(N, 5), 2, 1, entries="_split"),
    Sample("split", F(N, 5), [1, 4], 1, entries="_split_with_sizes", id="split_sizes"),
    Sample("chunk", F(N, 5), 2, 1),
    Sample("tensor_split", F(N, 5), 2, 1, entries=()),
    Sample("tensor_split", F(N, 5), (1, 3), 1, entries=(), id="tensor_split_at"),
    Sample("unbind", F(N, 4), 1),
    Sample("detach", F(N, 4), grad=False),
    Sample("ravel", F(N, 4), entries=()),
    Sample("atleast_3d", F(N, 4), entries=()),
]

REDUCTIONS = [
    Sample("sum", F(2, N, 4), dtypes=ALL),
    Sample("sum", F(2, N, 4), (0, 2), True, entries=(), dtypes=ALL, id="sum_dims"),
    Sample("sum", F(2, N, 4), 1, dtype="torch.float64", entries=(), id="sum_dtype"),
    Sample("nansum", F(2, N, 4), 1, dtypes=REAL),
    Sample("mean", F(2, N, 4)),
    Sample("mean", F(2, N, 4), -1, entries=(), id="mean_dim"),
    Sample("prod", F(2, N, 4), entries="_prod", dtypes=ALL),
    Sample("prod", F(2, N, 4), 1, entries=(), dtypes=ALL, id="prod_dim"),
    Sample("Tensor.sum_to_size", F(2, N, 4), N, 1),
    Sample("any", F(2, N, 4), 1, dtypes=ALL, grad=False),
    Sample("all", F(2, N, 4), dtypes=ALL, grad=False),
    Sample("count_nonzero", F(2, N, 4), 1, entries="_count_nonzero", dtypes=ALL, grad=False),
    Sample("amax", F(2, N, 4), 1, dtypes=ALL),
    Sample("amin", F(2, N, 4), (0, 2), True, dtypes=ALL),
    Sample("max", F(2, N, 4), entries="_max_all", dtypes=ALL, id="max_all"),
    Sample("min", F(2, N, 4), entries="_min_all", dtypes=ALL, id="min_all"),
    Sample("max", F(2, N, 4), 1, entries="_max_dim", dtypes=FLOATS, id="max_dim"),
    Sample("min", F(2, N, 4), -1, True, entries="_min_dim", dtypes=FLOATS, id="min_dim"),
    Sample("max", F(2, N, 4), F(2, N, 4), entries=(), dtypes=ALL, id="max_pair"),
    Sample("aminmax", F(2, N, 4), dim=1, entries=(), dtypes=REAL),
    Sample("aminmax", F(2, N, 4), entries="_aminmax", dtypes=REAL, grad=False, id="aminmax_all"),
    Sample("argmax", F(2, N, 4), 1, grad=False),
    Sample("argmin", F(2, N, 4), grad=False),
    Sample("var", F(2, N, 4), entries="_var"),
    Sample("var", F(2, N, 4), 1, correction=0, keepdim=True, entries=(), id="var_dim"),
    Sample("std", F(2, N, 4), 1, entries="_std"),
    Sample("std", F(2, N, 4), (0, 2), unbiased=False, entries=(), id="std_dims"),
    Sample("var_mean", F(2, N, 4), 1, entries=()),
    Sample("std_mean", F(2, N, 4), 1, entries=()),
    Sample("norm", F(2, N, 4), entries=()),
    Sample("norm", F(2, N, 4), 1, 1, entries=(), id="norm_1"),
    Sample("linalg.vector_norm", F(2, N, 4), 2, 1, entries="_norm"),
    Sample("linalg.vector_norm", F(2, N, 4), 3, entries=(), id="norm_3"),
    Sample("linalg.vector_norm", F(2, N, 4), float("inf"), 2, entries=(), id="norm_inf"),
    Sample("linalg.vector_norm", F(2, N, 4), 0, 2, entries=(), id="norm_0"),
    Sample("dist", F(N, 4), F(N, 4), 2, entries=()),
    Sample("logsumexp", F(2, N, 4), 1),
    Sample("logsumexp", F(2, N, 4), (0, 2), True, entries=(), id="logsumexp_dims"),
    Sample("equal", F(N, 4), F(N, 4), grad=False, dtypes=ALL),
    Sample("nanmean", F(2, N, 4), 1, entries=()),
    Sample("cumsum", F(N, 4), 1, dtypes=ALL),
    Sample("cumprod", F(N, 4), 0, dtypes=ALL),
    Sample("logcumsumexp", F(N, 4), 1),
    Sample("cummax", F(N, 4), 1, entries="_cummax", dtypes=FLOATS),
    Sample("cummin", F(N, 4), 0, entries="_cummin", dtypes=FLOATS),
    Sample("softmax", F(2, N, 4), 1, entries=("_softmax", "_softmax_backward")),
    Sample("log_softmax", F(2, N, 4), 2, entries=("_log_softmax", "_log_softmax_backward")),
    Sample("trace", F(N, 4), entries=(), dtypes=REAL),
]

PRODUCTS = [
    Sample("mm", F(N, 4), F(4, 5), dtypes=REAL),
    Sample("bmm", F(2, N, 4), F(2, 4, 5), dtypes=REAL),
    Sample("mv", F(N, 4), F(4), dtypes=REAL),
    Sample("dot", F(4), F(4), dtypes=REAL),
    Sample("vdot", F(4), F(4), entries=()),
    Sample("inner", F(N, 4), F(2, 4), entries=()),
    Sample("outer", F(N), F(4), entries=(), dtypes=ALL),
    Sample("addmm", F(5), F(N, 4), F(4, 5), beta=2, alpha=3, dtypes=REAL),
    Sample("addmv", F(N), F(N, 4), F(4), beta=2, alpha=3, dtypes=REAL),
    Sample("addr", F(N, 4), F(N), F(4), entries=()),
    Sample("baddbmm", F(2, N, 5), F(2, N, 4), F(2, 4, 5), beta=2, alpha=3),
    Sample("addbmm", F(N, 5), F(2, N, 4), F(2, 4, 5), entries=()),
    Sample("matmul", F(N, 4), F(4, 5), dtypes=REAL),
    Sample("matmul", F(4), F(4), entries=(), id="matmul_11"),
    Sample("matmul", F(N, 4), F(4), entries=(), id="matmul_21"),
    Sample("matmul", F(4), F(4, 5), entries=(), id="matmul_12"),
    Sample("matmul", F(2, N, 4), F(4, 5), entries=(), id="matmul_32"),
    Sample("matmul", F(2, 1, N, 4), F(5, 4, 2), entries=(), id="matmul_43"),
    Sample("nn.functional.linear", F(2, N, 4), F(5, 4), F(5), entries=("linear", "_linear_bias")),
    Sample("nn.functional.linear", F(N, 4), F(5, 4), entries="_linear", id="linear_no_bias"),
    Sample("einsum", "bij,bjk->bik", F(2, N, 4), F(2, 4, 5), entries=()),
    Sample("einsum", "ii->i", F(4, 4), entries=(), id="einsum_diagonal"),
    Sample("einsum", "i,j->ij", F(N), F(4), entries=(), id="einsum_outer"),
    Sample("tensordot", F(2, N, 4), F(N, 4, 5), 2, entries=()),
    Sample("kron", F(2, 2), F(N, 2), entries=()),
    Sample("cross", F(2, 3), F(2, 3), 1, entries=()),
    Sample("matrix_power", F(3, 3), 3, entries=()),
]

JOINING = [
    Sample("cat", [F(N, 2), F(N, 4)], 1, entries=("cat", "_cat_recorded"), dtypes=ALL),
    Sample("stack", [F(N, 4), F(N, 4)], 1, dtypes=ALL),
    Sample("hstack", [F(N, 2), F(N, 4)], entries=()),
    Sample("vstack", [F(4), F(4)], entries=()),
    Sample("dstack", [F(N, 4), F(N, 4)], entries=()),
    Sample("tril", F(N, 4), 1, dtypes=ALL),
    Sample("triu", F(2, N, 4), -1, dtypes=ALL),
    Sample("flip", F(2, N, 4), (0, 2), dtypes=ALL),
    Sample("roll", F(N, 4), (1, -1), (0, 1), dtypes=ALL),
    Sample("roll", F(N, 4), 5, entries=(), id="roll_flat"),
    Sample("rot90", F(N, 4), 1, (0, 1), entries=()),
    Sample("Tensor.repeat", F(N, 4), 2, 1, 3, dtypes=ALL),
    Sample("tile", F(N, 4), (2, 2), entries=()),
    Sample("repeat_interleave", F(N, 4), 2, 1, entries=()),
    Sample("meshgrid", F(N), F(4), indexing="ij", entries=()),
    Sample("block_diag", F(2, 2), F(N, 1), entries=()),
    Sample("cartesian_prod", F(N), F(2), entries=()),
    Sample("clone", F(N, 4), dtypes=ALL),
    Sample("Tensor.contiguous", F(N, 4), dtypes=ALL),
    Sample("Tensor.to", F(N, 4), "torch.float32", entries="to_dtype", second=False, dtypes=ALL),
    Sample("Tensor.copy_", F(N, 4, grad=False), F(4), dtypes=ALL),
    Sample("Tensor.fill_", F(N, 4, grad=False), 3, dtypes=ALL, grad=False),
    Sample("Tensor.zero_", F(N, 4, grad=False), dtypes=ALL, grad=False),
    Sample("flipud", F(N, 4), entries=()),
]

INDEXING = [
    Sample("Tensor.index_put", F(3, 4), (Fixed([0, 2]), Fixed([1, 3])), F(2), dtypes=ALL),
    Sample("Tensor.index_put", F(3, 4), (Fixed([0, 2, 0]),), F(3, 4), True, entries=(), id="index_put_accumulate"),
    Sample("nonzero", F(3, 4), dtypes=ALL, grad=False),
    Sample("masked_select", F(N, 4), Mask(N, 4), dtypes=ALL),
    Sample("masked_scatter", F(3, 4), Mask(3, 4), F(12), dtypes=ALL),
    Sample("index_select", F(3, 4), 1, Index(5, below=4), dtypes=ALL),
    Sample("index_add", F(5, 4), 0, Fixed([0, 2]), F(2, 4), alpha=2, dtypes=REAL),
    Sample("index_copy", F(3, 4), 0, Fixed([2, 0]), F(2, 4), dtypes=ALL),
    Sample("index_fill", F(3, 4), 1, Fixed([2, 0]), 3, dtypes=ALL),
    Sample("gather", F(3, 4), 1, Index(3, 2, below=4), dtypes=ALL),
    Sample("take_along_dim", F(3, 4), Index(3, 2, below=4), 1, entries=()),
    Sample("scatter", F(3, 4), 1, Fixed([[0, 2], [1, 3], [3, 0]]), F(3, 2), entries="_scatter", dtypes=ALL),
    Sample("scatter", F(3, 4), 1, Fixed([[0, 2], [1, 3], [3, 0]]), 2.0, entries=(), id="scatter_number"),
    Sample("scatter_add", F(3, 4), 0, Index(2, 4, below=3), F(2, 4), dtypes=REAL),
    *[
        Sample(
            "scatter_reduce", F(3, 4), 0, Index(2, 4, below=3), F(2, 4), reduce, id=f"scatter_{reduce}",
            entries=(f"_scatter_reduce_{reduce}", "_scatter_reduce"), second=reduce not in ("prod", "amax", "amin"),
        )
        for reduce in ("sum", "prod", "mean", "amax", "amin")
    ],
    Sample("take", F(3, 4), Index(2, 3, below=12), dtypes=ALL),
    Sample("nn.functional.embedding", Index(2, 3, below=5), F(5, 4), entries=("embedding", "_embedding_backward")),
]  # fmt: skip

_CLASSES = Index(N, below=4)
_PIXELS = Index(2, 3, 2, below=4)
_Y, _Z = F(N, 4, low=0.1, high=0.9), F(N, 4, low=0.1, high=0.9, grad=False)
NETWORKS = [
    Sample("nn.functional.mse_loss", F(N, 4), F(N, 4), entries="_mse_loss"),
    Sample("nn.functional.mse_loss", F(N, 4), F(N, 4), reduction="none", entries=(), id="mse_loss_none"),
    Sample("nn.functional.l1_loss", F(N, 4), F(N, 4), entries="_l1_loss"),
    Sample("nn.functional.smooth_l1_loss", F(N, 4), F(N, 4), beta=0.5, entries="_smooth_l1_loss"),
    Sample("nn.functional.huber_loss", F(N, 4), F(N, 4), delta=0.7, entries="_huber_loss"),
    Sample("nn.functional.binary_cross_entropy", _Y, _Z, entries="_binary_cross_entropy"),
    Sample(
        "nn.functional.binary_cross_entropy_with_logits", F(N, 4), _Z, pos_weight=F(4, low=0.5, grad=False),
        entries=("_binary_cross_entropy_with_logits", "_pair_loss_backward"),
    ),
    Sample("nn.functional.nll_loss", F(N, 4), _CLASSES, entries=("_nll_loss", "_nll_loss_kept", "_nll_loss_backward")),
    Sample("nn.functional.nll_loss", F(2, 4, 3, 2), _PIXELS, entries="_nll_loss2d_kept", id="nll_loss_2d"),
    Sample(
        "nn.functional.cross_entropy", F(N, 4), _CLASSES, weight=F(4, low=0.5, grad=False),
        entries=("_cross_entropy", "_cross_entropy_kept", "_cross_entropy_backward"),
    ),
    Sample("nn.functional.cross_entropy", F(N, 4), _CLASSES, label_smoothing=0.1, entries=(), id="smooth_entropy"),
    Sample("nn.functional.cross_entropy", F(N, 4), _Z, reduction="sum", entries=(), id="soft_entropy"),
    Sample("nn.functional.cross_entropy", F(2, 4, 3, 2), _PIXELS, entries="_cross_entropy2d_kept", id="entropy_2d"),
    Sample("nn.functional.kl_div", F(N, 4), _Z, reduction="batchmean", entries=()),
    Sample(
        "nn.functional.conv2d", F(2, 2, 5, 4), F(3, 2, 3, 2), F(3), stride=(2, 1), padding=1,
        entries=("_convolution", "_conv_grad_input", "_conv_grad_weight"),
    ),
    Sample("nn.functional.conv2d", F(1, 4, 5, 4), F(4, 2, 2, 2), groups=2, dilation=2, entries=(), id="conv2d_groups"),
    Sample("nn.functional.conv1d", F(2, 2, 6), F(3, 2, 3), F(3), padding=1, entries=()),
    Sample(
        "nn.functional.max_pool2d", F(2, 2, 5, 4), 2, 1, 1,
        entries=("_max_pool2d_with_indices", "_max_pool2d_backward"),
    ),
    Sample("nn.functional.max_pool1d", F(2, 2, 6), 2, entries=()),
    Sample("nn.functional.avg_pool2d", F(2, 2, 5, 4), 2, 1, 1, entries=("_avg_pool2d", "_avg_pool2d_backward")),
    Sample(
        "nn.functional.adaptive_avg_pool2d", F(2, 2, 5, 4), (2, 3),
        entries=("_adaptive_avg_pool2d", "_adaptive_avg_pool2d_backward"),
    ),
    Sample("nn.functional.layer_norm", F(N, 4), (4,), F(4), F(4), entries=()),
    Sample("nn.functional.pad", F(2, 2, N, 4), (1, 2, 0, 1), "constant", 1.5, entries="_constant_pad"),
    Sample("nn.functional.normalize", F(N, 4), entries=()),
    Sample("nn.functional.softmin", F(N, 4), 1, entries=()),
]  # fmt: skip

CREATION = [
    Sample("arange", 1, 10, 2, entries=("_arange", "_iota"), grad=False),
    Sample("arange", 0.5, 2.0, 0.25, dtype="torch.float64", entries=(), grad=False, id="arange_float"),
    Sample("linspace", -1.0, 2.0, 7, dtype="torch.float64", entries="_linspace", grad=False),
    Sample("logspace", -1.0, 2.0, 7, dtype="torch.float64", entries="_logspace", grad=False),
    Sample("fft.fftfreq", 7, 0.3, dtype="torch.float64", entries="_frequencies", grad=False),
    Sample("eye", 3, 4, entries="_eye", grad=False),
    Sample("empty", 2, 3, entries="empty", grad=False, exact=False),
    Sample("zeros", 2, 3, grad=False),
    Sample("ones", (2, 3), grad=False),
    Sample("empty_strided", (2, 3), (1, 2), entries="_empty_strided", grad=False, exact=False),
    Sample("full", (2, 3), 1.5, entries="_full", grad=False),
    Sample("full_like", F(N, 4, grad=False), 2, entries="_full_like", grad=False, dtypes=ALL),
    Sample("empty_like", F(N, 4, grad=False), entries="_empty_like", grad=False, dtypes=ALL, exact=False),
    Sample("tril_indices", 3, 4, entries=(), grad=False),
]

# Drawn from the generator: both packages are seeded before the call.
RANDOM = [
    Sample("rand", 3, 4, entries="rand", grad=False),
    Sample("randn", 3, 6, entries="randn", grad=False),
    Sample("randint", 2, 9, (3, 4), entries="_randint", grad=False),
    Sample("randperm", 9, entries="_randperm", grad=False),
    Sample("bernoulli", F(N, 4, low=0.1, high=0.9), entries="_bernoulli", grad=False),
    Sample("multinomial", F(3, 4, low=0.1, high=1, grad=False), 2, grad=False),
    Sample("Tensor.uniform_", F(N, 4, grad=False), 1, 2, grad=False),
    Sample("Tensor.normal_", F(N, 4, grad=False), 1, 2, grad=False),
    Sample("Tensor.exponential_", F(N, 4, grad=False), 2, grad=False),
    Sample("Tensor.bernoulli_", F(N, 4, grad=False), 0.3, grad=False, dtypes=ALL),
    Sample("Tensor.random_", F(N, 4, grad=False), 0, 9, entries="_random_", grad=False),
    Sample("nn.functional.dropout", F(N, 4), 0.4, entries="_dropout", second=False),
]

POINTWISE += SPECIAL
RANDOM += DRAWN
SAMPLES = [
    *(*POINTWISE, *VIEWS, *REDUCTIONS, *PRODUCTS, *JOINING, *INDEXING, *NETWORKS, *CREATION, *RANDOM),
    *LINALG,
    *SORT,
    *COMPOSED,
    *TAIL,
    *NN,
    *LAYERS,
]

# Entries without a public function of their own, and what reaches them.
INTERNAL = {
    "_reverse_dims": "Tensor.T",
    "slice": "Tensor.__getitem__",
    "index": "Tensor.__getitem__",
    "_index_backward": "the derivative of index",
    "_nonzero_columns": "nonzero(as_tuple=True)",
    "alias": "Tensor.view_as",
    "_index_add": "index_add",
    "_gather_batch": "utils.data.DataLoader",
    "_sgd_step": "optim.SGD",
    "_adam_step": "optim.Adam",
    "_rmsprop_step": "optim.RMSprop",
    "_adagrad_step": "optim.Adagrad",
    "_adadelta_step": "optim.Adadelta",
    "_adamax_step": "optim.Adamax",
    "_asgd_step": "optim.ASGD",
    "_nadam_step": "optim.NAdam",
    "_radam_step": "optim.RAdam",
    "_rprop_step": "optim.Rprop",
    "_complex_sign": "sign of a complex tensor, which is an error",
    # those of complex numbers are in samples_complex.py
    **dict.fromkeys(
        "_conj _complex_abs _complex_acosh _complex_sgn _complex_softsign _complex_nan_to_num angle complex "
        "conj_physical imag polar real view_as_complex view_as_real _fft_c2c _fft_r2c _fft_c2r".split(),
        "samples_complex.py",
    ),
    "_standard_gamma": "distributions.Gamma",
    "_standard_gamma_grad": "distributions.Gamma's derivative",
    "_sample_dirichlet": "distributions.Dirichlet",
    "_dirichlet_grad": "distributions.Dirichlet's derivative",
}
