"""torch.nn.utils: re-exports only. What few programs need is imported when first used."""

from . import rnn
from .clip_grad import clip_grad_norm, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .convert_parameters import parameters_to_vector, vector_to_parameters
from .spectral_norm import remove_spectral_norm, spectral_norm  # at once: the function has to hide the file of its name
from .weight_norm import remove_weight_norm, weight_norm

_LATER = {
    "fusion": "fuse_conv_bn_eval fuse_conv_bn_weights fuse_linear_bn_eval fuse_linear_bn_weights",
    "init": "skip_init",
    "memory_format": "convert_conv2d_weight_memory_format convert_conv3d_weight_memory_format",
    "parametrizations": "",
    "parametrize": "",
    "prune": "",
}


def __getattr__(name):
    from importlib import import_module

    for file, names in _LATER.items():
        if name in names.split():
            globals()[name] = value = getattr(import_module(f"{__name__}.{file}"), name)
            return value
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = import_module(f"{__name__}.{name}")
    return value


def __dir__():
    return sorted({*globals(), *_LATER, *" ".join(_LATER.values()).split()})
