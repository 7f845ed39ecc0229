"""Reads the zip container of a checkpoint: records stored as they are, checked against the size of the file.
It refuses compressed, encrypted, overlapping or duplicate records, so nothing grows beyond the file."""

from __future__ import annotations

import mmap
import struct
import zipfile
import zlib

# Local header of a record, zip specification section 4.3.7: signature, ..., length of the name, length of the extra.
_LOCAL = struct.Struct("<4s22xHH")
# Read and checked in pieces that stay in the second-level cache between the two.
_CHUNK = 1 << 18


class ZipReader:
    """The records of one archive, by their name without the archive's folder.

    Args:
        file: A seekable binary file.
        size: The number of bytes it has.

    Raises:
        RuntimeError: The container is damaged or of a kind that is not read.
    """

    def __init__(self, file, size: int) -> None:
        self._file = file
        self._size = size
        try:
            entries = zipfile.ZipFile(file).infolist()
        except (zipfile.BadZipFile, ValueError, struct.error, UnicodeError, NotImplementedError, OSError) as error:
            raise RuntimeError(f"load(): the file is not a complete zip archive: {error}") from None
        self._entries: dict = {}
        if sum(entry.file_size for entry in entries) > size:
            raise RuntimeError("load(): the records of the archive are together larger than the file")
        for entry in entries:
            name = entry.filename.partition("/")[2]
            if name in self._entries:
                raise RuntimeError(f"load(): the archive holds the record {entry.filename!r} twice")
            self._entries[name] = entry

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __iter__(self):
        return iter(self._entries)

    def size(self, name: str) -> int:
        """Give the number of bytes of a record."""
        return self._entry(name).file_size

    def _entry(self, name: str) -> zipfile.ZipInfo:
        if name not in self._entries:
            raise RuntimeError(f"load(): the archive has no record {name!r}")
        return self._entries[name]

    def offset(self, name: str) -> int:
        """Give the place of a record's first byte in the file.

        Raises:
            RuntimeError: The record is missing, compressed, encrypted or not inside of the file.
        """
        entry = self._entry(name)
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise RuntimeError(f"load(): the record {name!r} is compressed; checkpoints are stored as they are")
        if entry.flag_bits & 1:
            raise RuntimeError(f"load(): the record {name!r} is encrypted")
        if not 0 <= entry.header_offset <= self._size - _LOCAL.size:
            raise RuntimeError(f"load(): the record {name!r} begins outside of the file")
        self._file.seek(entry.header_offset)
        header = self._file.read(_LOCAL.size)
        signature, name_length, extra_length = _LOCAL.unpack(header) if len(header) == _LOCAL.size else (b"", 0, 0)
        start = entry.header_offset + _LOCAL.size + name_length + extra_length
        if signature != b"PK\x03\x04" or start + entry.file_size > self._size:
            raise RuntimeError(f"load(): the record {name!r} is damaged or goes beyond the end of the file")
        return start

    def read(self, name: str) -> bytearray | memoryview:
        """Read one record.

        Returns:
            Its bytes, in new memory that may be written to.

        Raises:
            RuntimeError: As :meth:`offset`; or the bytes do not match the record's checksum.
        """
        self._file.seek(self.offset(name))
        data = _new_memory(self.size(name))
        view, checksum, filled = memoryview(data), 0, 0
        while filled < len(data):
            part = view[filled : filled + _CHUNK]
            count = self._file.readinto(part)
            if not count:
                raise RuntimeError(f"load(): the file ends inside of the record {name!r}")
            checksum = zlib.crc32(part[:count], checksum)
            filled += count
        if checksum != self._entry(name).CRC:
            raise RuntimeError(f"load(): the record {name!r} is damaged: its checksum does not match")
        return data


def _new_memory(size: int):
    """Writable memory; large pieces straight from the system, which unlike bytearray does not fill them first."""
    if size < _CHUNK or not hasattr(mmap, "MAP_ANONYMOUS"):
        return bytearray(size)
    return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
