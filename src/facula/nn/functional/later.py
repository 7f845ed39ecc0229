"""The files of nn.functional that are imported when one of their names is first used. A table only."""

from __future__ import annotations

FILES = {
    "attention": "multi_head_attention_forward scaled_dot_product_attention",
    "unfolding": "fold unfold",
    "margin_loss": "cosine_embedding_loss ctc_loss gaussian_nll_loss hinge_embedding_loss linear_cross_entropy "
    "margin_ranking_loss multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss poisson_nll_loss "
    "soft_margin_loss triplet_margin_loss triplet_margin_with_distance_loss",
    "other_pooling": "fractional_max_pool2d fractional_max_pool2d_with_indices fractional_max_pool3d "
    "fractional_max_pool3d_with_indices lp_pool1d lp_pool2d lp_pool3d max_unpool1d max_unpool2d max_unpool3d",
    "resampling": "interpolate upsample upsample_bilinear upsample_nearest",
    "vision": "affine_grid channel_shuffle grid_sample native_channel_shuffle pixel_shuffle pixel_unshuffle",
    "volume_pooling": "adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool1d_with_indices adaptive_max_pool2d "
    "adaptive_max_pool2d_with_indices adaptive_max_pool3d adaptive_max_pool3d_with_indices avg_pool3d max_pool3d "
    "max_pool3d_with_indices",
}

_OF_TORCH = ("cosine_similarity", "pairwise_distance", "pdist")  # the same functions

FILE_OF = {name: file for file, names in FILES.items() for name in names.split()}


def find(name: str):
    """The function of that name, or the file itself; AttributeError when there is neither."""
    from importlib import import_module

    if name in _OF_TORCH:
        return getattr(import_module("facula"), name)
    if name in FILES:
        return import_module(f"facula.nn.functional.{name}")
    if name in FILE_OF:
        return getattr(import_module(f"facula.nn.functional.{FILE_OF[name]}"), name)
    raise AttributeError(f"module 'facula.nn.functional' has no attribute '{name}'")
