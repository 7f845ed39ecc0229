"""The files of nn.modules that are imported when one of their names is first used. A table only."""

from __future__ import annotations

FILES = {
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "lazy": "LazyModuleMixin LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d "
    "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d "
    "LazyInstanceNorm3d LazyLinear",
    "rnn": "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase",
}

FILE_OF = {name: file for file, names in FILES.items() for name in names.split()}


def find(package: str, name: str):
    """The class of that name, or the file itself (``nn.modules.rnn``); AttributeError when there is neither."""
    from importlib import import_module

    if name in FILES:
        return import_module(f"facula.nn.modules.{name}")
    if name in FILE_OF:
        return getattr(import_module(f"facula.nn.modules.{FILE_OF[name]}"), name)
    raise AttributeError(f"module '{package}' has no attribute '{name}'")
