"""torch.save and torch.load: PyTorch's checkpoint files, written and read as data. Loading never runs code from a file,
whatever the arguments; files that need it are refused."""

from __future__ import annotations

import os

import facula

# What every stream of the format before zip archives begins with.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001


def save(
    obj: object,
    f,
    pickle_module: object = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Save tensors and plain values to a file that `load` and PyTorch's `torch.load` read.

    Tensors that share memory share it after loading too. A file given by its name appears complete or not at all.

    Args:
        obj: Tensors, parameters, numbers, text, bytes, None, dtypes, devices, sizes, and nested lists, tuples, sets and
            dictionaries of those, such as a `state_dict()`.
        f: A path, or an object with `write`.
        pickle_module: For compatibility: None or the module `pickle`.
        pickle_protocol: For compatibility: 2 or more. Protocol 2 is written, which readers of all of them understand.
        _use_new_zipfile_serialization: False writes the stream format of PyTorch before 1.6.

    Raises:
        pickle.PicklingError: `obj` has a part that is neither a tensor nor a plain value; the message says where.
        RuntimeError: Two tensors see the same memory as different dtypes, or there is no such folder.
        TypeError: `f` is neither a path nor has a `write`.

    Example:
        >>> import io
        >>> import facula as torch
        >>> file = io.BytesIO()
        >>> torch.save({"w": torch.ones(2)}, file)
        >>> _ = file.seek(0)
        >>> torch.load(file)
        {'w': tensor([1., 1.])}
    """
    if getattr(pickle_module, "__name__", "pickle") != "pickle":
        raise ValueError(f"save(): pickle_module must be None or pickle, got {pickle_module!r}")
    if type(pickle_protocol) is not int or pickle_protocol < 2:
        raise ValueError(f"save(): pickle_protocol must be 2 or more, got {pickle_protocol!r}")
    if not _is_path(f) and not hasattr(f, "write"):
        raise TypeError(f"save(): f must be a path or have a write method, got {type(f).__name__}")
    from .pickle_writer import Writer
    from .replace import replacing

    write = _write_archive if _use_new_zipfile_serialization else _write_legacy
    writer = Writer(legacy=not _use_new_zipfile_serialization)
    stream = writer.dump(obj)
    if not _is_path(f):
        write(stream, writer.storages, f)
        return
    folder = os.path.dirname(os.path.abspath(os.fspath(f)))
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    with replacing(f) as file:
        write(stream, writer.storages, file)


def _write_archive(stream: bytes, storages: dict[str, facula.Tensor], file) -> None:
    import sys

    from . import pickle_writer
    from .zipfile_writer import ALIGNMENT, ZipWriter

    archive = ZipWriter(file)
    archive.add("data.pkl", stream)
    # Version 1: the storages follow in the order of their numbers.
    archive.add(".format_version", b"1")
    archive.add(".storage_alignment", str(ALIGNMENT).encode())
    archive.add("byteorder", sys.byteorder.encode())
    for key, tensor in storages.items():
        archive.add(f"data/{key}", pickle_writer.storage_bytes(tensor))
    archive.add("version", b"3\n")
    archive.finish()


def _write_legacy(stream: bytes, storages: dict[str, facula.Tensor], file) -> None:
    import struct

    from . import pickle_writer

    machine = {
        "protocol_version": _LEGACY_VERSION,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    for head in (_LEGACY_MAGIC, _LEGACY_VERSION, machine):
        file.write(pickle_writer.Writer().dump(head))
    file.write(stream)
    file.write(pickle_writer.Writer().dump(list(storages)))
    for tensor in storages.values():
        data = pickle_writer.storage_bytes(tensor)
        file.write(struct.pack("<q", len(data) // pickle_writer.storage_unit(tensor.dtype)))
        file.write(data)


def load(
    f,
    map_location=None,
    pickle_module: object = None,
    *,
    weights_only: bool | None = True,
    mmap: bool | None = None,
    **pickle_load_args: object,
) -> object:
    """Load what `save` or PyTorch's `torch.save` wrote, without running anything from the file.

    Args:
        f: A path, or a binary file that can seek. A path that ends in ".safetensors" is read as such.
        map_location: Where tensors go: None (where they were), a device or its name, a dictionary from saved to wanted
            names, or a function of a storage and a name that gives a storage or None.
        pickle_module: For compatibility: None or the module `pickle`; never used.
        weights_only: For compatibility. False reads the file the same way: objects of classes are refused either way.
        mmap: True maps the file: tensors are read when first used, and writing to them does not change the file.
            Checksums are then not verified.
        **pickle_load_args: `encoding`, for text written by Python 2: "utf-8" (default), "latin1", "bytes" and others.

    Returns:
        The saved value.

    Raises:
        pickle.UnpicklingError: The file is damaged, or mentions a class or function that weights do not need.
        RuntimeError: The container is damaged or of an unsupported kind, or a device is missing.
        EOFError: The file is empty.

    Example:
        >>> import io
        >>> import facula as torch
        >>> file = io.BytesIO()
        >>> torch.save([torch.arange(3), "text"], file)
        >>> _ = file.seek(0)
        >>> torch.load(file)
        [tensor([0, 1, 2]), 'text']
    """
    encoding = str(pickle_load_args.pop("encoding", "utf-8"))
    if pickle_load_args:
        raise TypeError(f"load() got an unexpected keyword argument {next(iter(pickle_load_args))!r}")
    if mmap and not _is_path(f):
        raise ValueError("load(): mmap=True needs f to be a path")
    if _is_path(f):
        if os.fspath(f).endswith(".safetensors"):
            from .safetensors import load_file

            return load_file(f, device="cpu" if map_location is None else map_location)
        with open(f, "rb") as file:
            return _load_from(file, map_location, encoding, bool(mmap))
    return _load_from(_seekable(f), map_location, encoding, False)


def _is_path(f: object) -> bool:
    return isinstance(f, (str, os.PathLike))


def _seekable(f):
    """The file itself where it can seek and fill buffers, else its contents."""
    import io

    if not hasattr(f, "read"):
        raise AttributeError(f"load(): f must be a path or a binary file with read and seek, got {type(f).__name__}")
    if hasattr(f, "readinto") and hasattr(f, "seek") and (not hasattr(f, "seekable") or f.seekable()):
        return f
    return io.BytesIO(f.read())


def _load_from(file, map_location, encoding: str, mapped: bool) -> object:
    start = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(start)
    head = file.read(262)
    file.seek(start)
    if not head:
        raise EOFError("load(): the file is empty")
    if head.startswith(b"PK"):
        return _load_archive(file, size, map_location, encoding, mapped)
    if head[257:262] == b"ustar":
        raise RuntimeError(
            "load(): this is the tar format of PyTorch 0.1, which is not read; "
            "load it with an old PyTorch and save it again"
        )
    if mapped:
        raise RuntimeError("load(): mmap=True reads zip archives only, and this file is in the older stream format")
    return _load_legacy(file, size - start, map_location, encoding)


def _fields(identifier: object, count: int) -> tuple:
    """Check the identifier of a storage: ("storage", class, key, location, number of elements, ...)."""
    from pickle import UnpicklingError

    from .rebuild import StorageKind

    if not isinstance(identifier, tuple) or len(identifier) != count or _text(identifier[0]) != "storage":
        raise UnpicklingError("an object stored outside of the stream that is not a storage")
    kind, key, location, elements = identifier[1:5]
    if not isinstance(kind, StorageKind) or type(elements) is not int or not 0 <= elements < 1 << 60:
        raise UnpicklingError("a storage whose class or number of elements is malformed")
    key, location = _text(key), _text(location)
    if type(key) is not str or type(location) is not str or not location.isascii():
        raise UnpicklingError("a storage whose key or location is malformed")
    return kind, key, location, elements, *identifier[5:]


def _text(value: object) -> object:
    return value.decode("ascii") if isinstance(value, bytes) else value


def _load_archive(file, size: int, map_location, encoding: str, mapped: bool) -> object:
    import io
    from pickle import UnpicklingError

    from .pickle_reader import Reader, Source
    from .rebuild import Storage, needs_swap, placement, swap_bytes, torch_names
    from .zipfile_reader import ZipReader

    archive = ZipReader(file, size)
    if "constants.pkl" in archive:
        raise RuntimeError("load(): this is a TorchScript archive (a program, not weights), which is not read")
    swap = "byteorder" in archive and needs_swap(str(archive.read("byteorder"), "latin1"))
    storages: dict[str, Storage] = {}
    whole = _map(file) if mapped else None

    def find_storage(identifier: object) -> Storage:
        kind, key, location, elements = _fields(identifier, 5)
        if key not in storages:
            name = f"data/{key}"
            expected = elements * kind.itemsize
            if archive.size(name) != expected:
                raise UnpicklingError(f"storage {key} needs {expected} bytes but its record has {archive.size(name)}")
            data = archive.read(name) if whole is None else _cut(whole, archive.offset(name), archive.size(name))
            if swap:
                data = swap_bytes(bytearray(data), kind.dtype)
            storages[key] = Storage(data, kind.dtype, placement(location, map_location))
        if storages[key].dtype != kind.dtype:
            raise UnpicklingError(f"storage {key} is used as two different classes")
        return storages[key]

    stream = archive.read("data.pkl")
    source = Source(io.BytesIO(stream), len(stream))
    return Reader(source, torch_names(), find_storage, encoding, 4 * size + (1 << 20)).load()


def _map(file):
    import mmap

    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def _cut(whole: memoryview, start: int, size: int):
    # 16 is the largest element, a complex128; torch writes every record at a multiple of 64.
    part = whole[start : start + size]
    return part if start % 16 == 0 else bytearray(part)


def _load_legacy(file, size: int, map_location, encoding: str) -> object:
    """Read the stream format: three pickles that describe it, the value, the list of storages, then their bytes.

    The bytes come last, but tensors are views of them; so the value is passed over once to learn what storages there
    are, and read when they are in memory.
    """
    from pickle import UnpicklingError

    from .pickle_reader import Permitted, Reader, Source
    from .rebuild import StoragePart, torch_names

    start, names, budget = file.tell(), torch_names(), 4 * size + (1 << 20)
    source = Source(file, size)
    if Reader(source).load() != _LEGACY_MAGIC:
        raise RuntimeError("load(): the file is not a checkpoint: it does not begin as one")
    version, machine = Reader(source).load(), Reader(source).load()
    if version != _LEGACY_VERSION or not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise RuntimeError("load(): the checkpoint has an unknown version, or was written on a big-endian machine")
    value_at = source.tell()

    described: dict[str, tuple] = {}

    def note(identifier: object) -> None:
        kind, key, location, elements, _ = _fields(identifier, 6)
        if described.setdefault(key, (kind, location, elements)) != (kind, location, elements):
            raise UnpicklingError(f"storage {key} is described in two ways")

    blind = {
        name: Permitted(name, lambda *arguments: None) if isinstance(entry, Permitted) and "rebuild" in name else entry
        for name, entry in names.items()
    }
    blind["torch.nn.parameter.Parameter"] = Permitted("torch.nn.parameter.Parameter", lambda *arguments: None)
    Reader(source, blind, note, encoding, budget).load()
    keys = Reader(source).load()
    source.skip_to(file)
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(described):
        raise UnpicklingError("load(): the list of storages does not name those that the tensors use")
    storages = _read_legacy_storages(file, size - source.tell(), [str(key) for key in keys], described, map_location)

    def find_storage(identifier: object):
        _, key, _, _, view = _fields(identifier, 6)
        storage = storages[key]
        if view is None:
            return storage
        if not isinstance(view, tuple) or len(view) != 3:
            raise UnpicklingError("a malformed part of a storage")
        return StoragePart(storage, view[1], view[2])

    file.seek(start + value_at)
    return Reader(Source(file, size - value_at), names, find_storage, encoding, budget).load()


def _read_legacy_storages(file, left: int, keys: list[str], described: dict[str, tuple], map_location) -> dict:
    from .rebuild import Storage, placement

    storages = {}
    for key in keys:
        kind, location, elements = described[key]
        size = elements * kind.itemsize
        left -= 8 + size
        if left < 0 or int.from_bytes(file.read(8), "little", signed=True) != elements:
            raise RuntimeError(f"load(): the file ends before storage {key} does, or gives it another size")
        data = bytearray(size)
        if size and file.readinto(data) != size:
            raise RuntimeError(f"load(): the file ends inside of storage {key}")
        storages[key] = Storage(data, kind.dtype, placement(location, map_location))
    return storages
