"""Reads IDX files of bytes (LeCun's format of MNIST), plain or gzipped, with bounded memory.

The header is checked against what the caller expects before anything is allocated; a file that is shorter or longer
than its header says is refused.
"""

from __future__ import annotations

import gzip
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

__all__ = ["read_idx"]

_UNSIGNED_BYTE = 0x08  # the type code in the third byte of the magic number
_BLOCK = 1 << 20


def _read_exactly(file: BinaryIO, count: int, path: str, what: str) -> bytearray:
    data = bytearray()
    while len(data) < count:
        block = file.read(min(_BLOCK, count - len(data)))
        if not block:
            raise ValueError(f"{path} is truncated: {what} needs {count} bytes, found {len(data)}; fetch it again")
        data += block
    return data


def _parse(file: BinaryIO, path: str, dims: int, item_shape: tuple[int, ...], limit: int) -> tuple[Any, list[int]]:
    magic = bytes(_read_exactly(file, 4, path, "the magic number"))
    if magic != bytes((0, 0, _UNSIGNED_BYTE, dims)):
        raise ValueError(
            f"{path} is not an IDX file of {dims}-dimensional bytes: magic number {magic.hex()}, "
            f"expected 0000{_UNSIGNED_BYTE:02x}{dims:02x}"
        )
    header = _read_exactly(file, 4 * dims, path, "the header")
    shape = [int.from_bytes(header[i : i + 4], "big") for i in range(0, 4 * dims, 4)]
    if shape[0] > limit or tuple(shape[1:]) != item_shape:
        raise ValueError(f"{path}: shape {tuple(shape)} in the header, expected (at most {limit}, *{item_shape})")
    count = shape[0]
    for extent in item_shape:
        count *= extent
    data = _read_exactly(file, count, path, "the data")
    if file.read(1):
        raise ValueError(f"{path} is longer than its header says ({count} bytes of data); fetch it again")
    return data, shape


def read_idx(path: str, item_shape: tuple[int, ...] = (), limit: int = 100_000) -> tuple[bytearray, list[int]]:
    """Read an IDX file of unsigned bytes.

    Args:
        path (str): the file; gzipped when its first two bytes say so.
        item_shape (tuple of int): the expected shape of one item.
        limit (int): the largest number of items that is accepted. Default: 100 000.

    Returns:
        The bytes and their shape.

    Raises:
        ValueError: the file is no such IDX file, truncated, too long or damaged.
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                return _parse(file, path, 1 + len(item_shape), item_shape, limit)
            with gzip.open(file, "rb") as unpacked:
                return _parse(unpacked, path, 1 + len(item_shape), item_shape, limit)  # type: ignore[arg-type]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged: {error}; fetch it again") from error
