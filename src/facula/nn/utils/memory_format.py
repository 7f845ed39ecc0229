"""The memory format of the weights of convolutions."""

from __future__ import annotations

from ..modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from ..modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _convert(module: Module, kinds: tuple, memory_format) -> Module:
    for part in module.modules():
        if isinstance(part, kinds):
            part.weight.data = part.weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: Module, memory_format) -> Module:
    """Give the weights of all Conv2d and ConvTranspose2d inside of a module a memory format.

    Args:
        module (Module): changed in place, and returned.
        memory_format (memory_format): as ``torch.channels_last``.

    Example:
        >>> import facula as torch
        >>> conv = torch.nn.utils.convert_conv2d_weight_memory_format(torch.nn.Conv2d(2, 3, 4), torch.channels_last)
        >>> conv.weight.stride()
        (32, 1, 8, 2)
    """
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Module, memory_format) -> Module:
    """Give the weights of all Conv3d and ConvTranspose3d inside of a module a memory format.

    Args:
        module (Module): changed in place, and returned.
        memory_format (memory_format): as ``torch.channels_last_3d``.

    Example:
        >>> import facula as torch
        >>> conv = torch.nn.Conv3d(2, 3, 4)
        >>> torch.nn.utils.convert_conv3d_weight_memory_format(conv, torch.channels_last_3d).weight.stride()
        (128, 1, 32, 8, 2)
    """
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)
