"""torch.hub: weights from the web, and models from a folder with a hubconf.py. Code is never fetched."""

from __future__ import annotations

import builtins
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir",
]  # fmt: skip

_BLOCK = 1 << 16
_SECONDS = 30.0  # without a byte
# The first digits of the checksum, as PyTorch's model files carry them in their names.
_HASH = re.compile(r"-([a-f0-9]*)\.")
_dir: str | None = None


def get_dir() -> str:
    """The folder of downloads: set_dir's, else $TORCH_HOME/hub, else $XDG_CACHE_HOME/torch/hub or ~/.cache/torch/hub.

    Example:
        >>> import facula.hub
        >>> facula.hub.get_dir().endswith("hub")
        True
    """
    if _dir is not None:
        return _dir
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    return os.path.join(os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch"))), "hub")


def set_dir(d: str | os.PathLike) -> None:
    """Choose the folder of downloads."""
    global _dir
    _dir = os.path.expanduser(os.fspath(d))


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Fetch a file; it appears under its name complete and checked, or not at all.

    Args:
        hash_prefix (str): how its SHA-256 in hexadecimal must begin.

    Raises:
        RuntimeError: the file has another checksum.
        OSError: it cannot be fetched.
    """
    import hashlib
    from urllib.request import Request, urlopen

    from facula.io.replace import replacing

    digest = hashlib.sha256()
    with urlopen(Request(url, headers={"User-Agent": "torch.hub"}), timeout=_SECONDS) as response:
        bar = _bar(int(response.headers.get("Content-Length") or 0)) if progress else None
        with replacing(os.path.expanduser(dst)) as file:
            while block := response.read(_BLOCK):
                file.write(block)
                digest.update(block)
                if bar is not None:
                    bar.update(len(block))
            found = digest.hexdigest()
            if hash_prefix and found[: len(hash_prefix)] != hash_prefix:
                raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{found}")')
        if bar is not None:
            bar.close()


def _bar(size: int):
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=size or None, unit="B", unit_scale=True, unit_divisor=1024)


def load_state_dict_from_url(
    url: str, model_dir: str | None = None, map_location=None, progress: bool = True, check_hash: bool = False,
    file_name: str | None = None, weights_only: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Load a state dict, from the folder of downloads when it is there.

    Args:
        check_hash (bool): the file's name ends in the first digits of its SHA-256: "resnet18-f37072fd.pth".
        weights_only (bool): without use; files are always read as data.
    """
    from urllib.parse import urlparse

    import facula

    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        sys.stderr.write(f'Downloading: "{url}" to {path}\n')
        match = _HASH.search(name) if check_hash else None
        download_url_to_file(url, path, match.group(1) if match else None, progress=progress)
    return facula.load(path, map_location=map_location, weights_only=weights_only)  # type: ignore[return-value]


def _hubconf(folder: str, source: str):
    """The module hubconf.py of a folder."""
    import importlib.util

    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "github":
        raise RuntimeError(
            f"torch.hub: facula fetches no code; clone {folder!r}, change its imports of torch to facula, and use "
            'source="local" with the folder'
        )
    path = os.path.join(folder, "hubconf.py")
    if not os.path.exists(path):
        raise FileNotFoundError(2, os.strerror(2), path)
    specification = importlib.util.spec_from_file_location("hubconf", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.path.insert(0, folder)
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


def _entry(module, model):
    function = getattr(module, model, None) if isinstance(model, str) else None
    if not isinstance(model, str):
        raise ValueError("Invalid input: model should be a string of function name")
    if not callable(function):
        raise RuntimeError(f"Cannot find callable {model} in hubconf")
    return function


def load(
    repo_or_dir, model, *args, source="github", trust_repo="check", force_reload=False, verbose=True,
    skip_validation=False, **kwargs,
):  # fmt: skip
    """Call a function of a folder's hubconf.py, which is code of the user's own.

    Args:
        repo_or_dir (str): the folder, with ``source="local"``.
        model (str): the function's name; the other arguments are its own.

    Raises:
        RuntimeError: no such function, or source="github".

    Example:
        >>> import facula as torch
        >>> with open("hubconf.py", "w") as file:
        ...     _ = file.write("def linear(n): import facula; return facula.nn.Linear(n, 1)")
        >>> torch.hub.load(".", "linear", 2, source="local")
        Linear(in_features=2, out_features=1, bias=True)
    """
    return _entry(_hubconf(repo_or_dir, source.lower()), model)(*args, **kwargs)


def list(github, force_reload=False, skip_validation=False, trust_repo="check", verbose=True) -> builtins.list[str]:
    """The functions of a folder's hubconf.py."""
    module = _hubconf(github, "local" if os.path.isdir(github) else "github")
    return [name for name in dir(module) if callable(getattr(module, name)) and not name.startswith("_")]


def help(github, model, force_reload=False, skip_validation=False, trust_repo="check") -> str | None:
    """The documentation of a function of a folder's hubconf.py."""
    return _entry(_hubconf(github, "local" if os.path.isdir(github) else "github"), model).__doc__
