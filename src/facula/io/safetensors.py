"""Reads and writes safetensors files: named tensors behind a JSON header. Reading maps the file and checks the whole
header before any tensor is made; it refuses gaps, overlaps, unknown types and headers beyond the format's limit."""

from __future__ import annotations

import os

import facula

# The limit of the format's reference implementation.
_MAX_HEADER = 100_000_000
_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
}


def _error(reason: str) -> ValueError:
    return ValueError(f"safetensors: {reason}")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _error("a name appears twice in the header")
    return found


def _parse_header(data: memoryview) -> tuple[dict[str, dict], dict[str, str], int]:
    """The entries of the header, the metadata, and where the numbers begin."""
    import json

    if len(data) < 8:
        raise _error("the file is shorter than the length of its header")
    length = int.from_bytes(data[:8], "little")
    if length > _MAX_HEADER or length > len(data) - 8:
        raise _error(f"a header of {length} bytes in a file of {len(data)} bytes (at most {_MAX_HEADER} are read)")
    try:
        header = json.loads(str(data[8 : 8 + length], "utf-8"), object_pairs_hook=_unique)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _error(f"the header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise _error("the header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _error("__metadata__ must hold text only")
    return header, metadata, 8 + length


def _check_entry(name: str, entry: object) -> tuple[facula.dtype, tuple[int, ...], int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _error(f"the entry of {name!r} must have dtype, shape and data_offsets, and nothing else")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in _DTYPES:
        raise _error(f"{name!r} has the type {code!r}; supported are {', '.join(_DTYPES)}")
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or not all(type(n) is int and 0 <= n < 1 << 62 for n in numbers):
            raise _error(f"the shape or offsets of {name!r} are not lists of non-negative integers")
    if len(offsets) != 2 or len(shape) > 64:
        raise _error(f"{name!r} must have two offsets and at most 64 dimensions")
    dtype = getattr(facula, _DTYPES[code])
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    begin, end = offsets
    if end - begin != size:
        raise _error(
            f"{name!r}, {code} of shape {shape}, needs {size} bytes but its offsets {offsets} hold {end - begin}"
        )
    return dtype, tuple(shape), begin, end


def _read(data: memoryview, device: object) -> dict[str, facula.Tensor]:
    header, _, start = _parse_header(data)
    entries = {name: _check_entry(name, entry) for name, entry in header.items()}
    reached = 0
    for name, (_, _, begin, end) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != reached:
            raise _error(f"{name!r} begins at byte {begin}, but the tensor before it ends at {reached}")
        reached = end
    if reached != len(data) - start:
        raise _error(f"the tensors end at byte {reached}, the file at byte {len(data) - start}")
    tensors = {}
    for name, (dtype, shape, begin, end) in entries.items():
        if begin == end:
            tensor = facula.empty(shape, dtype=dtype)
        else:
            part = data[start + begin : start + end]
            # An element must lie at a multiple of its size; files with another layout are copied.
            source = part if (start + begin) % dtype.itemsize == 0 else bytearray(part)
            tensor = facula.frombuffer(source, dtype=dtype).reshape(shape)
        tensors[name] = tensor if str(device) == "cpu" else tensor.to(device)
    return tensors


def load_file(filename: str | os.PathLike, device: object = "cpu") -> dict[str, facula.Tensor]:
    """Load the tensors of a safetensors file.

    The file is mapped: a tensor is read when first used; writing to it does not change the file.

    Args:
        filename: The path of the file.
        device: Where the tensors go. Default "cpu".

    Returns:
        A dictionary from names to tensors, in the order of the header.

    Raises:
        ValueError: The file does not follow the format.
    """
    import mmap

    with open(filename, "rb") as file:
        if os.fstat(file.fileno()).st_size < 8:
            raise _error("the file is shorter than the length of its header")
        return _read(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)), device)


def load(data: bytes) -> dict[str, facula.Tensor]:
    """Load the tensors of a safetensors file that is already in memory.

    Args:
        data: The contents of the file; they are copied.

    Returns:
        A dictionary from names to tensors.

    Raises:
        ValueError: The data does not follow the format.

    Example:
        >>> import facula as torch
        >>> from facula.io import safetensors
        >>> safetensors.load(safetensors.save({"w": torch.ones(2)}))
        {'w': tensor([1., 1.])}
    """
    return _read(memoryview(bytearray(data)), "cpu")


def _bytes_of(name: str, tensor: facula.Tensor) -> memoryview:
    from . import pickle_writer

    if not tensor.is_contiguous():
        raise _error(f"{name!r} is not contiguous; save {name!r}.contiguous()")
    size = tensor.dtype.itemsize
    if tensor.numel() == 0:
        return memoryview(b"")
    start = tensor.storage_offset() * size
    return pickle_writer.storage_bytes(tensor)[start : start + tensor.numel() * size]


def _parts(tensors: dict[str, facula.Tensor], metadata: dict[str, str] | None) -> list:
    """The parts of the file in order: length of the header, header, the bytes of each tensor."""
    import json

    codes = {getattr(facula, dtype): code for code, dtype in _DTYPES.items()}
    header: dict[str, object] = {} if not metadata else {"__metadata__": metadata}
    if metadata and not all(isinstance(text, str) for pair in metadata.items() for text in pair):
        raise _error("metadata must be a dictionary from text to text")
    parts: list = []
    seen: dict[int, str] = {}
    reached = 0
    # Widest elements first: then each tensor lies at a multiple of its element's size.
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        if type(name) is not str or name == "__metadata__":
            raise _error(f"{name!r} cannot be the name of a tensor")
        if tensor.dtype not in codes:
            raise _error(f"{name!r} is of {tensor.dtype}, which the format does not have")
        data = _bytes_of(name, tensor)
        if len(data) and (other := seen.setdefault(tensor.data_ptr(), name)) != name:
            raise RuntimeError(f"safetensors: {name!r} and {other!r} share memory; save one of them, or clone() it")
        end = reached + len(data)
        header[name] = {"dtype": codes[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [reached, end]}
        parts.append(data)
        reached = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *parts]


def save(tensors: dict[str, facula.Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Give the contents of a safetensors file.

    Args:
        tensors: Contiguous tensors by name, none sharing memory with another.
        metadata: Text to store beside them.

    Returns:
        The bytes of the file.

    Raises:
        ValueError: A name, dtype or layout that the format does not have.
        RuntimeError: Two tensors share memory.
    """
    return b"".join(_parts(tensors, metadata))


def save_file(
    tensors: dict[str, facula.Tensor], filename: str | os.PathLike, metadata: dict[str, str] | None = None
) -> None:
    """Save tensors to a safetensors file, which appears complete or not at all.

    Args:
        tensors: Contiguous tensors by name, none sharing memory with another.
        filename: The path of the file.
        metadata: Text to store beside them.

    Raises:
        ValueError: A name, dtype or layout that the format does not have.
        RuntimeError: Two tensors share memory.
    """
    from .replace import replacing

    parts = _parts(tensors, metadata)
    with replacing(filename) as file:
        for part in parts:
            file.write(part)
