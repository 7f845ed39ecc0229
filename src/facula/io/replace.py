"""Writes a file so that its name shows either the old contents or the complete new ones, never a part: into a file
beside it first, which takes over the name when everything is on the disk."""

from __future__ import annotations

import os
import stat


class replacing:
    """A `with` block whose file becomes `path` at its end, and vanishes if the block fails.

    Args:
        path: The file to write; a link is followed; what is not a plain file, a pipe say, is written directly.

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "notes")
        >>> with replacing(path) as file:
        ...     _ = file.write(b"all")
        >>> with open(path, "rb") as file:
        ...     file.read()
        b'all'
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self._path = os.path.realpath(os.fspath(path))

    def __enter__(self):
        try:
            before = os.stat(self._path)
        except FileNotFoundError:
            before = None
        if before is not None and not stat.S_ISREG(before.st_mode):
            self._draft, self._file = None, open(self._path, "wb")
            return self._file
        folder, name = os.path.split(self._path)
        self._draft = os.path.join(folder, f".{name[:100]}.{os.getpid()}-{os.urandom(4).hex()}.part")
        self._file = open(self._draft, "xb")
        if before is not None:
            os.chmod(self._draft, stat.S_IMODE(before.st_mode))
        return self._file

    def __exit__(self, kind, error, traceback) -> None:
        try:
            with self._file:
                if kind is None and self._draft is not None:
                    self._file.flush()
                    os.fsync(self._file.fileno())
            if kind is None and self._draft is not None:
                os.replace(self._draft, self._path)
                self._draft = None
        finally:
            if self._draft is not None:
                os.unlink(self._draft)
