"""The modules of torch.* that are imported when one of their names is first used, so that what few programs need costs
the others no start-up time. Tables only: each module's functions and, of those, the methods of Tensor."""

from __future__ import annotations

MODULES: dict[str, tuple[str, str]] = {
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
}

MODULE_OF = {name: module for module, (functions, _) in MODULES.items() for name in functions.split()}


def load(module_name: str):
    """Import one of them."""
    from importlib import import_module

    return import_module(f"facula.functional.{module_name}")
