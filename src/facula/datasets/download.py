"""Fetches one file of known size and checksum over HTTP: resumes, verifies, and puts it in place in one step.

A file that does not match its checksum never gets the final name.
"""

from __future__ import annotations

import hashlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["DownloadError", "download", "sha256_of"]

_BLOCK = 1 << 16
_TIMEOUT = 30.0  # seconds without a byte


class DownloadError(RuntimeError):
    """No mirror gave the file."""


def sha256_of(path: str) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _progress(name: str, done: int, size: int) -> Any:
    """A tqdm bar on a terminal, where tqdm is installed, else None."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=size, initial=done, desc=name, unit="B", unit_scale=True, disable=None)


def _open(url: str, start: int) -> Any:
    from urllib.request import Request, urlopen

    request = Request(url, headers={"User-Agent": "facula"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    return urlopen(request, timeout=_TIMEOUT)


def _fetch(url: str, part: str, size: int) -> None:
    """Bring the partial file to its full size; what has come stays when the connection breaks."""
    start = os.path.getsize(part) if os.path.exists(part) else 0
    if start > size:
        os.remove(part)
        start = 0
    if start == size:
        return
    with _open(url, start) as response:
        # A server that does not know ranges answers 200 and sends everything.
        resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if response.status == 206 and not resumed:
            raise OSError("the server sent another range than asked for")
        done = start if resumed else 0
        bar = _progress(os.path.basename(part).removesuffix(".part"), done, size)
        try:
            with open(part, "ab" if resumed else "wb") as file:
                while block := response.read(_BLOCK):
                    done += len(block)
                    if done > size:
                        raise OSError(f"the server sent more than the expected {size} bytes")
                    file.write(block)
                    if bar is not None:
                        bar.update(len(block))
        finally:
            if bar is not None:
                bar.close()
    if done < size:
        raise OSError(f"the connection ended after {done} of {size} bytes")


def download(urls: list[str], path: str, size: int, sha256: str) -> None:
    """Fetch a file from the first mirror that has it.

    Args:
        urls (list of str): the mirrors, in order of preference.
        path (str): where the file goes; ``path + ".part"`` holds what has come until it is complete and checked.
        size (int): its length in bytes; no more is ever read.
        sha256 (str): its checksum in hexadecimal.

    Raises:
        DownloadError: no mirror gave a file of that size and checksum; says why for each.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError

    part = path + ".part"
    reasons = []
    for url in urls:
        try:
            try:
                _fetch(url, part, size)
            except HTTPError as error:
                error.close()
                if error.code != 416:  # the range cannot be served: begin again
                    raise
                os.remove(part)
                _fetch(url, part, size)
            found = sha256_of(part)
            if found != sha256:
                os.remove(part)
                raise OSError(f"wrong checksum: SHA-256 is {found}, expected {sha256}")
        except (OSError, HTTPException, ValueError) as error:
            reasons.append(f"  {url}: {error}")
            continue
        os.replace(part, path)
        return
    raise DownloadError(f"could not download {os.path.basename(path)}:\n" + "\n".join(reasons))
