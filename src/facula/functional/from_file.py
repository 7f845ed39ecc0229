"""torch.from_file: a tensor over a memory-mapped file. Reads raw elements; files with a format are read by ``load``."""

from __future__ import annotations

from facula._C import Tensor, get_default_dtype
from facula._C import dtype as dtype_type
from facula.functional.arguments import check_place

__all__ = ["from_file"]
METHODS = ""


def from_file(
    filename: str,
    shared: bool | None = None,
    size: int | None = 0,
    *,
    dtype: dtype_type | None = None,
    layout=None,
    device=None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of the first ``size`` elements of a file, over its mapped memory.

    Args:
        shared: writes go into the file, which is made or lengthened as needed; otherwise they stay in memory.

    Raises:
        RuntimeError: the file cannot be opened, or is too short.

    Example:
        >>> import facula as torch
        >>> x = torch.from_file("numbers.bin", shared=True, size=2).fill_(1.5)
        >>> torch.from_file("numbers.bin", size=2)
        tensor([1.5000, 1.5000])
    """
    import mmap
    import os

    check_place(device, layout, pin_memory)
    dtype = dtype or get_default_dtype()
    size = size or 0
    if size < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {size}: [{size}]")
    needed = size * dtype.itemsize
    try:
        file = os.open(filename, os.O_RDWR | os.O_CREAT if shared else os.O_RDONLY, 0o666)
    except OSError as error:
        raise RuntimeError(f"unable to open file <{filename}>: {error.strerror}") from error
    try:
        length = os.fstat(file).st_size
        if length < needed:
            if not shared:
                raise RuntimeError(f"file <{filename}> size <{length}> is smaller than the required <{needed}> bytes")
            os.ftruncate(file, needed)
        from facula.functional.creation import empty, frombuffer

        if needed == 0:
            return empty(0, dtype=dtype)
        access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
        return frombuffer(mmap.mmap(file, needed, access=access), dtype=dtype, count=size)
    finally:
        os.close(file)
