"""Samples of resampling, padding, adaptive pooling, bags of embeddings, sampling at places, and CTC. Data only."""

from __future__ import annotations

from sample import F, Fixed, N, Sample

_WHOLE = ("float32", "float64")
_SIGNAL, _IMAGE, _VOLUME = F(N, 2, 5), F(N, 2, 4, 5), F(N, 2, 2, 4, 2)
_UPSAMPLE = ("_upsample", "_upsample_backward")


def _resized(x, mode, entries, *args, id, dtypes=("float32", "float64", "float16", "bfloat16"), **options):
    return Sample(
        "nn.functional.interpolate",
        x,
        *args,
        mode=mode,
        entries=entries,
        dtypes=dtypes,
        id=f"interpolate_{id}",
        **options,
    )


def _padded(x, pad, mode, entries, id, **options):
    return Sample("nn.functional.pad", x, pad, mode, entries=entries, id=f"pad_{id}", **options)


def _largest(n, x, size, entries=()):
    return Sample(f"nn.functional.adaptive_max_pool{n}d", x, size, entries=entries)


_BAG = Fixed([1, 4, 1, 0, 2])
_STARTS = Fixed([0, 2, 2])
_BAGS = ("_embedding_bag", "_embedding_bag_backward")
_LABELS = Fixed([[1, 2], [4, 4]])

LAYERS = [
    _resized(_SIGNAL, "nearest", ("_upsample_nearest1d", *_UPSAMPLE), 7, id="nearest1d"),
    _resized(_IMAGE, "nearest", "_upsample_nearest2d", scale_factor=2, id="nearest2d"),
    _resized(_VOLUME, "nearest", "_upsample_nearest3d", scale_factor=1.5, id="nearest3d"),
    _resized(_SIGNAL, "nearest-exact", "_upsample_nearest_exact1d", 2, id="nearest_exact1d"),
    _resized(_IMAGE, "nearest-exact", "_upsample_nearest_exact2d", (2, 7), id="nearest_exact2d"),
    _resized(_VOLUME, "nearest-exact", "_upsample_nearest_exact3d", scale_factor=2, id="nearest_exact3d"),
    _resized(_SIGNAL, "linear", "_upsample_linear1d", 8, id="linear", align_corners=True),
    _resized(_IMAGE, "bilinear", "_upsample_bilinear2d", scale_factor=(1.7, 0.5), id="bilinear"),
    _resized(_VOLUME, "trilinear", "_upsample_trilinear3d", scale_factor=2, id="trilinear"),
    _resized(_IMAGE, "bicubic", "_upsample_bicubic2d", scale_factor=1.6, id="bicubic"),
    _resized(
        _IMAGE, "bilinear", "_upsample_bilinear2d_aa", (2, 4), id="bilinear_aa", antialias=True, dtypes=_WHOLE,
    ),
    _resized(
        _IMAGE, "bicubic", "_upsample_bicubic2d_aa", (2, 7), id="bicubic_aa", antialias=True, dtypes=_WHOLE,
    ),
    _padded(_SIGNAL, (2, 1), "reflect", ("_reflection_pad1d", "_pad_backward"), "reflect1d"),
    _padded(_IMAGE, (1, 3, 2, 0), "reflect", "_reflection_pad2d", "reflect2d"),
    _padded(_VOLUME, (1, 0, 2, 1, 0, 1), "reflect", "_reflection_pad3d", "reflect3d"),
    _padded(_SIGNAL, (3, 1), "replicate", "_replication_pad1d", "replicate1d"),
    _padded(_IMAGE, (3, -1, 2, 1), "replicate", "_replication_pad2d", "replicate2d"),
    _padded(_VOLUME, (1, 1, 0, 2, 1, 1), "replicate", "_replication_pad3d", "replicate3d"),
    _padded(_IMAGE, (2, 1, 1, 0), "circular", "_circular_pad", "circular"),
    _largest(1, _SIGNAL, 2),
    _largest(2, _IMAGE, (2, 4), "_adaptive_max_pool2d"),
    _largest(3, _VOLUME, (1, 2, 2), "_adaptive_max_pool3d"),
    Sample(
        "nn.functional.adaptive_avg_pool3d", _VOLUME, (1, 2, 2),
        entries=("_adaptive_avg_pool3d", "_adaptive_avg_pool3d_backward"),
    ),
    Sample("nn.functional.unfold", _IMAGE, (2, 3), dilation=(1, 2), padding=1, stride=(2, 1), entries="_im2col"),
    Sample("nn.functional.fold", F(N, 12, 15), (4, 5), (2, 3), padding=(0, 1), stride=1, entries="_col2im"),
    Sample("nn.functional.embedding_bag", _BAG, F(6, 4), _STARTS, entries=_BAGS),
    Sample(
        "nn.functional.embedding_bag", _BAG, F(6, 4), _STARTS, mode="sum", per_sample_weights=F(5),
        entries="_embedding_bag_factor_backward", id="embedding_bag_weighted",
    ),
    Sample(
        "nn.functional.embedding_bag", Fixed([[1, 4], [0, 1]]), F(6, 4), mode="max", padding_idx=1, entries=(),
        id="embedding_bag_max",
    ),
    Sample(
        "nn.functional.grid_sample", F(2, 2, 4, 5), F(2, 4, 2, 2, low=-1.2, high=1.2), second=False,
        entries=("_grid_sample", "_grid_sample2d", "_grid_sample_input_backward", "_grid_sample_grid_backward"),
        align_corners=False,
    ),
    Sample(
        "nn.functional.grid_sample", F(1, 2, 4, 5), F(1, 4, 2, 2, low=-1.2, high=1.2), "bicubic", "reflection",
        align_corners=True, second=False, entries=(), id="grid_sample_bicubic",
    ),
    Sample(
        "nn.functional.grid_sample", F(1, 2, 4, 2, 5), F(1, 2, 2, 2, 3, low=-1.2, high=1.2), padding_mode="border",
        align_corners=False, second=False, entries="_grid_sample3d", id="grid_sample_volume",
    ),
    Sample(
        "nn.functional.ctc_loss", F(6, 2, 5), _LABELS, (6, 5), (2, 2), entries=("_ctc_loss", "_ctc_loss_backward"),
        dtypes=_WHOLE, second=False, grad=False,
    ),
]  # fmt: skip
