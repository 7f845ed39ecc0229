"""The modules of torch.* that are imported when one of their names is first used, so that what few programs need costs
the others no start-up time. Tables only: each module's functions and, of those, the methods of Tensor."""

from __future__ import annotations

MODULES: dict[str, tuple[str, str]] = {
    "facula.fft.short_time": ("istft stft", "istft stft"),
    "statistics": ("histc histogram histogramdd nanquantile quantile", "histc histogram nanquantile quantile"),
    "copies": (
        "alias_copy as_strided_copy detach_copy diagonal_copy expand_copy narrow_copy permute_copy "
        "select_copy slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy transpose_copy "
        "unbind_copy unfold_copy unsqueeze_copy view_as_complex_copy view_as_real_copy view_copy",
        "narrow_copy",
    ),
    "view_writes": (
        "as_strided_scatter diagonal_scatter select_scatter slice_inverse slice_scatter unsafe_chunk "
        "unsafe_split unsafe_split_with_sizes",
        "as_strided_scatter diagonal_scatter select_scatter slice_inverse slice_scatter unsafe_chunk "
        "unsafe_split unsafe_split_with_sizes",
    ),
    "indexed_writes": (
        "index_reduce nonzero_static put unravel_index",
        "index_reduce index_reduce_ nonzero_static put put_",
    ),
    "distance": (
        "cdist pdist",
        "",
    ),
    "correlation": (
        "corrcoef cov",
        "corrcoef cov",
    ),
    "relics": (
        "dequantize",
        "ccol_indices coalesce col_indices const_data_ptr crow_indices dense_dim dequantize dim_order eig "
        "index indices int_repr ipu is_coalesced is_set_to lstsq map2_ module_load mtia pin_memory "
        "q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qscheme "
        "record_stream reinforce resize resize_as resize_as_sparse_ row_indices smm solve sparse_dim "
        "sparse_mask sparse_resize_ sparse_resize_and_clear_ sspaddmm storage storage_type symeig to_dense "
        "to_mkldnn to_padded_tensor values xpu",
    ),
    "environment": (
        "get_float32_matmul_precision get_num_interop_threads has_lapack has_mkl has_openmp has_spectral "
        "init_num_threads is_distributed is_vulkan_available set_float32_matmul_precision set_flush_denormal "
        "set_num_interop_threads get_device_module _assert",
        "is_distributed",
    ),
    "sharing": ("", "is_shared share_memory_"),
    "segments": ("segment_reduce", ""),
    "hashing": ("hash_tensor", "hash_tensor"),
    "facula.autograd.lobpcg": ("lobpcg", ""),
    "determinism": (
        "are_deterministic_algorithms_enabled get_deterministic_debug_mode "
        "is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled set_deterministic_debug_mode "
        "set_warn_always use_deterministic_algorithms",
        "",
    ),
    "symbolic": (
        "cond sym_float sym_fresh_size sym_int sym_ite sym_max sym_min sym_not sym_sqrt sym_sum",
        "",
    ),
    "from_file": (
        "from_file",
        "",
    ),
    "norms": (
        "frobenius_norm norm_except_dim",
        "",
    ),
    "similarity": ("cosine_similarity pairwise_distance", ""),
    "recurrent": ("gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell", ""),
    "matrix": (
        "cholesky cholesky_inverse cholesky_solve det geqrf inverse logdet lu lu_solve lu_unpack "
        "matrix_exp nuclear_norm orgqr ormqr pca_lowrank pinverse qr slogdet svd svd_lowrank triangular_solve vander",
        "cholesky cholesky_inverse cholesky_solve det geqrf inverse logdet lu lu_solve matrix_exp orgqr ormqr pinverse "
        "qr slogdet svd triangular_solve",
    ),
    "calculus": (
        "cumulative_trapezoid diff frexp gradient renorm trapezoid trapz",
        "diff frexp renorm renorm_",
    ),
    "windows": ("bartlett_window blackman_window hamming_window hann_window kaiser_window", ""),
    "bessel": ("i0 i0_ igamma igammac", "i0 i0_ igamma igamma_ igammac igammac_ mvlgamma_"),
    "drawing": (
        "alpha_dropout alpha_dropout_ binomial dropout dropout_ feature_alpha_dropout feature_alpha_dropout_ "
        "feature_dropout feature_dropout_ poisson rrelu rrelu_ _dirichlet_grad _sample_dirichlet _standard_gamma",
        "cauchy_ geometric_ log_normal_",
    ),
}

# The classes of _tensor/typed_storage.py.
STORAGES = tuple(
    f"{kind}Storage"
    for kind in "BFloat16 Bool Byte Char ComplexDouble ComplexFloat Double Float Half Int Long Short".split()
)

MODULE_OF = {name: module for module, (functions, _) in MODULES.items() for name in functions.split()}


def load(module_name: str):
    """Import one of them."""
    from importlib import import_module

    return import_module(module_name if "." in module_name else f"facula.functional.{module_name}")
