"""facula: tensors and deep learning with PyTorch's API and PyTorch's numbers. ``import facula as torch``.

Re-exports only. What costs import time (nn, optim, io...) is imported when first used.
"""

from __future__ import annotations

import os as _os
import sys as _sys
from math import e, inf, nan, pi

from facula import _C
from facula._C import (
    Generator,
    Size,
    Tensor,
    bfloat16,
    bool,
    channels_last,
    channels_last_3d,
    complex64,
    complex128,
    contiguous_format,
    default_generator,
    device,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    get_num_threads,
    int8,
    int16,
    int32,
    int64,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    layout,
    memory_format,
    preserve_format,
    promote_types,
    set_default_dtype,
    set_num_threads,
    sparse_coo,
    strided,
    uint8,
    uint16,
    uint32,
    uint64,
)
from facula._tensor import methods as _methods
from facula.autograd.anomaly import set_detect_anomaly
from facula.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from facula.functional import *
from facula.functional import later as _later
from facula.functional import return_types

newaxis = None
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128

# Imported when first used: facula.nn, facula.optim, ...
_LAZY_MODULES = frozenset(
    (
        "__config__", "_dynamo", "accelerator", "amp", "autograd", "backends", "compiler", "cpu", "cuda", "datasets",
        "distributed", "distributions", "fft", "func", "hub", "io", "jit", "linalg", "masked", "mps", "mtia",
        "multiprocessing", "nn", "onnx", "optim", "overrides", "profiler", "serialization", "signal", "special",
        "storage", "testing", "torch_version", "types", "utils", "version", "xpu",
    )
)  # fmt: skip
_LAZY_NAMES = {
    "save": "facula.io",
    "compile": "facula.compiler",
    "OutOfMemoryError": "facula.cuda",
    "AcceleratorError": "facula.cuda",
    "load": "facula.io",
    "vmap": "facula.func",
    **dict.fromkeys(("TypedStorage", *_later.STORAGES), "facula._tensor.typed_storage"),
    **dict.fromkeys(
        (
            "adaptive_avg_pool1d avg_pool1d batch_norm bilinear binary_cross_entropy_with_logits constant_pad_nd "
            "conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution "
            "embedding group_norm instance_norm kl_div layer_norm max_pool1d max_pool1d_with_indices max_pool2d "
            "grid_sampler grid_sampler_2d grid_sampler_3d native_batch_norm native_group_norm native_layer_norm "
            "rms_norm "
        ).split(),
        "facula.nn.functional.positional",
    ),
    **dict.fromkeys(("autocast", "GradScaler"), "facula.amp"),
    **dict.fromkeys(
        (
            "autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache get_autocast_cpu_dtype "
            "get_autocast_dtype get_autocast_gpu_dtype is_autocast_cache_enabled is_autocast_cpu_enabled "
            "is_autocast_enabled set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled "
            "set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype"
        ).split(),
        "facula.amp.state",
    ),
    **dict.fromkeys(
        ("channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"), "facula.nn.functional.vision"
    ),
    "UntypedStorage": "facula._tensor.storage",
    "frombuffer": "facula.functional.creation",
    "to_dlpack": "facula.utils.dlpack",
    "set_printoptions": "facula._tensor.printing",
    "get_printoptions": "facula._tensor.printing",
    "printoptions": "facula._tensor.printing",
}


def __getattr__(name):
    from importlib import import_module

    if name == "__version__":
        value = import_module("facula.torch_version").TorchVersion(import_module("facula.version").__version__)
    elif name in _LAZY_MODULES:
        path = f"facula.functional.{name}" if name in ("linalg", "special") else f"facula.{name}"
        value = import_module(path)
    elif name in _later.MODULE_OF:
        value = getattr(_later.load(_later.MODULE_OF[name]), name)
    elif name in _LAZY_NAMES:
        value = getattr(import_module(_LAZY_NAMES[name]), name)
    else:
        raise AttributeError(f"module 'facula' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_LAZY_MODULES, *_LAZY_NAMES, *_later.MODULE_OF})


def _find_openblas() -> None:
    """Tell the core where the scipy-openblas32 wheel put its library; linear algebra loads it at first use."""
    for folder in (_os.path.dirname(_os.path.dirname(__file__)), *_sys.path):
        path = _os.path.join(folder, "scipy_openblas32", "lib", "libscipy_openblas.so")
        if _os.path.exists(path):
            _C._set_blas_path(path)
            return


_find_openblas()
