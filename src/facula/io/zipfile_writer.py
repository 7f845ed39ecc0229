"""Writes the zip container of a checkpoint as torch lays it out: records stored as they are, each beginning at a
multiple of 64 bytes, in one pass without seeking. It refuses to compress."""

from __future__ import annotations

import struct
import zlib

ALIGNMENT = 64
# The largest value of a 32-bit field; where it does not suffice, zip64 fields are used (zip specification 4.5.3).
LIMIT = 0xFFFFFFFF
_DESCRIPTOR, _UTF8 = 0x0008, 0x0800


class ZipWriter:
    """An archive under construction.

    Args:
        file: Anything with `write`.
        folder: The name of the folder inside the archive that holds every record.
    """

    def __init__(self, file, folder: str = "archive") -> None:
        self._file = file
        self._folder = folder
        self._at = 0
        self._directory: list[bytes] = []

    def _write(self, data) -> None:
        self._file.write(data)
        self._at += len(data)

    def add(self, name: str, data) -> None:
        """Append one record.

        Args:
            name: Its name below the folder.
            data: Its bytes: any flat buffer of bytes.
        """
        path = f"{self._folder}/{name}".encode()
        start, size, checksum = self._at, len(data), zlib.crc32(data)
        large = size >= LIMIT or start >= LIMIT
        extra = struct.pack("<HHQQ", 1, 16, 0, 0) if large else b""
        # "FB" is the id torch gives to the field that pads a record to its alignment.
        padding = -(start + 30 + len(path) + len(extra) + 4) % ALIGNMENT
        extra += struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        flags = _UTF8 | (_DESCRIPTOR if size else 0)
        hidden = LIMIT if large else 0
        header = (b"PK\x03\x04", 45 if large else 0, flags, 0, 0, 0, 0, hidden, hidden, len(path), len(extra))
        self._write(struct.pack("<4sHHHHHIIIHH", *header) + path + extra)
        self._write(data)
        if size:
            self._write(struct.pack("<4sIQQ" if large else "<4sIII", b"PK\x07\x08", checksum, size, size))
        self._directory.append(_directory_entry(path, flags, checksum, size, start))

    def finish(self) -> None:
        """Append the directory, which makes the archive complete."""
        start, count = self._at, len(self._directory)
        for entry in self._directory:
            self._write(entry)
        size, end = self._at - start, self._at
        if start >= LIMIT or size >= LIMIT or count >= 0xFFFF:
            self._write(struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start))
            self._write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        count, size, start = min(count, 0xFFFF), min(size, LIMIT), min(start, LIMIT)
        self._write(struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, size, start, 0))


def _directory_entry(path: bytes, flags: int, checksum: int, size: int, start: int) -> bytes:
    wide = [value for value in (size, size, start) if value >= LIMIT]
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    stored, place = min(size, LIMIT), min(start, LIMIT)
    fixed = (b"PK\x01\x02", 0, 45 if wide else 0, flags, 0, 0, 0, checksum, stored, stored, len(path), len(extra))
    return struct.pack("<4sHHHHHHIIIHHHHHII", *fixed, 0, 0, 0, 0, place) + path + extra
