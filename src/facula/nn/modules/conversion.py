"""Moving a module's tensors to another dtype, device or memory: to, float, double, half, cuda... All work in place."""

from __future__ import annotations

import facula
from facula import Tensor

from .traversal import TraversalMethods


def _parse_to(args: tuple, kwargs: dict):
    """Read ``to(device, dtype, non_blocking)``, ``to(dtype, non_blocking)`` and ``to(tensor, non_blocking)``."""
    unknown = set(kwargs) - {"device", "dtype", "tensor", "non_blocking", "copy", "memory_format"}
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    non_blocking = kwargs.get("non_blocking", False)
    rest = list(args)
    like = kwargs.get("tensor")
    if rest and isinstance(rest[0], Tensor):
        like = rest.pop(0)
    if like is not None:
        device, dtype = like.device, like.dtype
    elif rest and isinstance(rest[0], facula.dtype):
        dtype = rest.pop(0)
    elif rest and (
        rest[0] is None or (isinstance(rest[0], (str, int, facula.device)) and not isinstance(rest[0], bool))
    ):
        device = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], facula.dtype)):
            dtype = rest.pop(0)
    if rest and isinstance(rest[0], bool):
        non_blocking = rest.pop(0)
    if rest or unknown or not (args or kwargs):
        given = ", ".join([*(type(a).__name__ for a in args), *(f"{k}={type(v).__name__}" for k, v in kwargs.items())])
        raise TypeError(
            f"to() received an invalid combination of arguments - got ({given}), but expected one of: "
            "(torch.device device, torch.dtype dtype, bool non_blocking), (torch.dtype dtype, bool non_blocking), "
            "(Tensor tensor, bool non_blocking), each with an optional memory_format"
        )
    return device, dtype, non_blocking, kwargs.get("memory_format")


class ConversionMethods(TraversalMethods):
    """The part of Module that converts all its tensors."""

    def _apply(self, fn, recurse: bool = True):
        """Replace the data of every parameter, gradient and buffer by ``fn`` of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            grad = param.grad
            with facula.no_grad():
                for tensor in (param,) if grad is None else (param, grad):
                    converted = fn(tensor)
                    if converted is not tensor:
                        tensor.data = converted
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Move parameters and buffers to a device, a floating dtype or a memory format, in place.

        Args:
            device (device, str or int): where to. Optional.
            dtype (dtype): floating or complex; tensors of integers keep theirs. Optional.
            tensor (Tensor): take device and dtype from it. Optional.
            non_blocking (bool): Default: False.
            memory_format (memory_format): for tensors of four or five dimensions; keyword only.

        Returns:
            Module: self.

        Raises:
            TypeError: the dtype is neither floating nor complex, or the arguments fit no form.

        Example:
            >>> import facula as torch
            >>> torch.nn.Linear(1, 1).to(torch.float64).weight.dtype
            torch.float64
        """
        device, dtype, non_blocking, memory_format = _parse_to(args, kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(tensor):
            options = {}
            if device is not None:
                options["device"] = device
            if dtype is not None and (tensor.is_floating_point() or tensor.is_complex()):
                options["dtype"] = dtype
            if memory_format is not None and tensor.dim() in (4, 5):
                options["memory_format"] = memory_format
            return tensor.to(non_blocking=non_blocking, **options) if options else tensor

        return self._apply(convert)

    def _floating_to(self, dtype):
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self):
        """Convert floating-point parameters and buffers to float32, in place.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> torch.nn.Linear(1, 1).float().weight.dtype
            torch.float32
        """
        return self._floating_to(facula.float32)

    def double(self):
        """Convert floating-point parameters and buffers to float64, in place.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> torch.nn.Linear(1, 1).double().weight.dtype
            torch.float64
        """
        return self._floating_to(facula.float64)

    def half(self):
        """Convert floating-point parameters and buffers to float16, in place.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> torch.nn.Linear(1, 1).half().weight.dtype
            torch.float16
        """
        return self._floating_to(facula.float16)

    def bfloat16(self):
        """Convert floating-point parameters and buffers to bfloat16, in place.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> torch.nn.Linear(1, 1).bfloat16().weight.dtype
            torch.bfloat16
        """
        return self._floating_to(facula.bfloat16)

    def type(self, dst_type):
        """Convert all parameters and buffers to one dtype, in place.

        Args:
            dst_type (dtype or str): the dtype.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> torch.nn.Linear(1, 1).type(torch.float64).weight.dtype
            torch.float64
        """
        return self._apply(lambda t: t.type(dst_type))

    def cpu(self):
        """Move parameters and buffers to the CPU, in place.

        Returns:
            Module: self.

        Example:
            >>> import facula as torch
            >>> torch.nn.Linear(1, 1).cpu().weight.device.type
            'cpu'
        """
        return self._apply(lambda t: t.cpu())

    def cuda(self, device=None):
        """Move parameters and buffers to a CUDA device, in place.

        Args:
            device (int or device): Default: the current one.

        Returns:
            Module: self.
        """
        return self._apply(lambda t: t.cuda(device))

    def to_empty(self, *, device, recurse: bool = True):
        """Move parameters and buffers to a device without copying their values, in place.

        Args:
            device (device or str): where to.
            recurse (bool): also submodules. Default: True.

        Returns:
            Module: self.
        """
        return self._apply(lambda t: facula.empty_like(t, device=device), recurse=recurse)

    def share_memory(self):
        """Move parameters and buffers to memory shared with other processes.

        Returns:
            Module: self.
        """
        return self._apply(lambda t: t.share_memory_())
