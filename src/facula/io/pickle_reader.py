"""Reads pickle streams as data: an interpreter of the opcodes that build values, and a table of permitted names.
It refuses to import, look up or call anything: a name that is not in the table is an error."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from pickle import UnpicklingError

# Deeper values break everything that walks them (repr, ==, copy) at Python's own recursion limit of 1000.
MAX_DEPTH = 500
# Hashing a tuple walks all of it each time; state dicts need a handful of parts in a key.
MAX_KEY_PARTS = 64
_WINDOW = 1 << 16


class Internal:
    """What exists only while a stream is read: a value that still contains one is refused."""


class Permitted(Internal):
    """A name that a stream may mention, and the trusted function of ours that stands for it."""

    def __init__(self, name: str, build=None) -> None:
        self.name = name
        self.build = build

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Source:
    """The bytes of a stream, fetched from a binary file a window at a time and never more than the file holds."""

    def __init__(self, file, size: int) -> None:
        self._file = file
        self._left = size
        self._data = b""
        self._at = 0
        self._before = 0

    def tell(self) -> int:
        """Give the number of bytes taken so far."""
        return self._before + self._at

    def take(self, count: int) -> bytes:
        """Take exactly `count` bytes.

        Raises:
            UnpicklingError: The stream ends before that, or `count` would lead back to what was taken already.
        """
        if count < 0:
            raise UnpicklingError(f"a negative length, {count}")
        end = self._at + count
        if end > len(self._data):
            missing = end - len(self._data)
            if missing > self._left:
                raise UnpicklingError(f"the stream ends early: {count} bytes wanted at byte {self.tell()}")
            self._refill(missing)
            end = count
        part = self._data[self._at : end]
        self._at = end
        return part

    def _refill(self, missing: int) -> None:
        rest = self._data[self._at :]
        fetched = self._file.read(min(max(missing, _WINDOW), self._left))
        self._before += self._at
        self._at = 0
        self._left -= len(fetched)
        self._data = rest + fetched
        if len(fetched) < missing:
            raise UnpicklingError(f"the stream ends early, after byte {self._before + len(self._data)}")

    def line(self) -> str:
        """Take the bytes up to the next newline, at most 1024, as text without it."""
        taken = bytearray()
        while (byte := self.take(1)) != b"\n":
            taken += byte
            if len(taken) > 1024:
                raise UnpicklingError(f"a name longer than 1024 bytes before byte {self.tell()}")
        return taken.decode("utf-8")

    def skip_to(self, file) -> None:
        """Move the underlying file to the first byte that was not taken."""
        file.seek(self._at - len(self._data), 1)


class _Mark(Internal):
    """The place on the stack where a group of items begins."""

    def __repr__(self) -> str:
        return "the beginning of a group"


_MARK = _Mark()


def check_key(key: object) -> None:
    """Refuse a dictionary key or set member that is not a plain value or whose hash costs much to compute.

    Raises:
        UnpicklingError: The key is of another kind, or a tuple of more than 64 parts.
    """
    if type(key) is str:
        return
    pending, parts = [key], 0
    while pending:
        item = pending.pop()
        parts += 1
        if parts > MAX_KEY_PARTS:
            raise UnpicklingError(f"a dictionary key of more than {MAX_KEY_PARTS} parts")
        if isinstance(item, tuple):
            pending.extend(item[: MAX_KEY_PARTS + 1])
        elif isinstance(item, (list, dict, set, bytearray)) or type(item).__hash__ is None:
            raise UnpicklingError(f"a {type(item).__name__} cannot be a dictionary key or set member")
        elif isinstance(item, int) and item.bit_length() > 64:
            raise UnpicklingError("an integer of more than 64 bits cannot be a dictionary key or set member")


def check_value(value: object) -> None:
    """Refuse a value that contains itself, is nested deeper than 500 levels or has an unfinished part.

    Raises:
        UnpicklingError: It does, or is.
    """
    depth: dict[int, int] = {}  # 0 while the inside of a container is being visited
    pending: list[tuple[object, bool]] = [(value, False)]
    while pending:
        item, visited = pending.pop()
        if isinstance(item, dict):
            inside: list | tuple = [
                *item.values(),
                *(key for key in item if type(key) is not str),
                *getattr(item, "__dict__", {}).values(),
            ]
        elif isinstance(item, (list, tuple)):
            inside = item
        elif isinstance(item, Internal):
            raise UnpicklingError(f"the file holds {item!r} itself as a value; only tensors and plain values are read")
        else:
            continue
        if visited:
            deepest = max((depth.get(id(part), 0) for part in inside), default=0) + 1
            if deepest > MAX_DEPTH:
                raise UnpicklingError(f"the value is nested deeper than {MAX_DEPTH} levels")
            depth[id(item)] = deepest
        elif id(item) not in depth:
            depth[id(item)] = 0
            pending.append((item, True))
            pending.extend((part, False) for part in inside)
        elif depth[id(item)] == 0:
            raise UnpicklingError("the value contains itself")


def _text_to_bytes(reader: Reader, text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise UnpicklingError(f"_codecs.encode to {encoding!r}: only latin1, which bytes are written with, is read")
    reader.spend(len(text))
    return text.encode("latin1")


def _ordered_dict(reader: Reader, pairs: list | tuple = ()) -> OrderedDict:
    reader.spend(len(pairs))
    for key, _ in pairs:
        check_key(key)
    return OrderedDict(pairs)


def _collect(kind: type):
    def build(reader: Reader, items: list | tuple = ()) -> object:
        reader.spend(len(items))
        if kind in (set, frozenset):
            for item in items:
                check_key(item)
        elif not isinstance(items, dict if kind is Counter else (bytes, tuple)):
            raise UnpicklingError(f"{kind.__name__} made of a {type(items).__name__}")
        return kind(items)

    return build


def _complex(reader: Reader, real: float, imag: float) -> complex:
    return complex(float(real), float(imag))


# The modules are spelled as Python 2 does in protocol 2 and as Python 3 does.
PLAIN_NAMES = {
    "collections.OrderedDict": Permitted("collections.OrderedDict", _ordered_dict),
    "collections.Counter": Permitted("collections.Counter", _collect(Counter)),
    "_codecs.encode": Permitted("_codecs.encode", _text_to_bytes),
    **{
        f"{module}.{kind.__name__}": Permitted(f"builtins.{kind.__name__}", build)
        for module in ("builtins", "__builtin__")
        for kind, build in (
            (set, _collect(set)),
            (frozenset, _collect(frozenset)),
            (bytes, _collect(bytes)),
            (bytearray, _collect(bytearray)),
            (complex, _complex),
        )
    },
}


class Reader:
    """One pass over one stream.

    Args:
        source: Where the bytes come from.
        names: What each permitted "module.name" stands for; :data:`PLAIN_NAMES` is always there.
        persistent_load: Called with the identifier of each object that is stored outside of the stream.
        encoding: How Python 2 strings are decoded; "bytes" keeps them as bytes.
        budget: Bytes and items that calls in the stream may copy in total, so that a small stream stays small.

    Example:
        >>> import io
        >>> from facula.io.pickle_reader import Reader, Source
        >>> Reader(Source(io.BytesIO(b"\\x80\\x02K\\x07."), 5)).load()
        7
    """

    def __init__(self, source: Source, names: dict | None = None, persistent_load=None, encoding: str = "utf-8",
                 budget: int = 1 << 20) -> None:  # fmt: skip
        self.source = source
        self.names = {**PLAIN_NAMES, **(names or {})}
        self.persistent_load = persistent_load
        self.encoding = encoding
        self.budget = budget
        self.stack: list = []
        self.memo: dict = {}

    def spend(self, amount: int) -> None:
        """Count what a call in the stream copies.

        Raises:
            UnpicklingError: More than the budget has been copied.
        """
        self.budget -= amount
        if self.budget < 0:
            raise UnpicklingError("the stream asks for far more data than it holds")

    def load(self) -> object:
        """Read one value.

        Returns:
            The value, made of plain Python values and of what the permitted names build.

        Raises:
            UnpicklingError: The stream is damaged, or holds what is not permitted. Nothing in it was executed.
        """
        take, opcodes = self.source.take, _OPCODES
        start = self.source.tell()
        try:
            while (code := take(1)) != b".":
                handler = opcodes.get(code)
                if handler is None:
                    raise UnpicklingError(f"opcode {code!r} is not part of the formats that are read")
                handler(self)
            (value,) = self.stack
            check_value(value)
        except UnpicklingError as error:
            raise UnpicklingError(f"load(): {error} (near byte {self.source.tell()})") from None
        except (IndexError, KeyError, TypeError, ValueError, OverflowError, AttributeError, struct.error) as error:
            raise UnpicklingError(
                f"load(): damaged pickle stream near byte {self.source.tell()}, begun at byte {start}: "
                f"{type(error).__name__}: {error}"
            ) from None
        return value

    # -- the stack -------------------------------------------------------------------------------------------------

    def pop_group(self) -> list:
        """Take everything above the last mark off the stack."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise UnpicklingError("a group ends that did not begin")
        group = self.stack[at + 1 :]
        del self.stack[at:]
        return group

    def _pop(self) -> object:
        item = self.stack.pop()
        if item is _MARK:
            raise UnpicklingError("a group was begun where a value was expected")
        return item

    def _target(self, kind: type):
        if not isinstance(self.stack[-1], kind):
            raise UnpicklingError(f"items for a {kind.__name__} were given to a {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    def _set_items(self, items: list) -> None:
        target = self._target(dict)
        if len(items) % 2:
            raise UnpicklingError("a key without a value")
        for key in items[::2]:
            check_key(key)
        target.update(zip(items[::2], items[1::2]))

    def _add_items(self, items: list) -> None:
        target = self._target(set)
        for item in items:
            check_key(item)
        target.update(items)

    def _remember(self, index: int) -> None:
        if self.stack[-1] is _MARK:
            raise UnpicklingError("a mark cannot be remembered")
        self.memo[index] = self.stack[-1]

    # -- names and what they build ---------------------------------------------------------------------------------

    def find(self, module: str, name: str) -> None:
        """Push what the table holds for "module.name".

        Raises:
            UnpicklingError: It holds nothing.
        """
        full = f"{module}.{name}"
        if full not in self.names:
            raise UnpicklingError(
                f"the file mentions {full}, which is not among the names that weights need; nothing was executed. "
                f"Only tensors and plain values can be loaded: save those, for example model.state_dict(), "
                f"instead of whole objects"
            )
        self.stack.append(self.names[full])

    def _call(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Permitted) or function.build is None:
            raise UnpicklingError(f"a {type(function).__name__} ({function!r}) is called; nothing was executed")
        if type(arguments) is not tuple:
            raise UnpicklingError(f"{function.name} with a {type(arguments).__name__} in place of its arguments")
        self.stack.append(function.build(self, *arguments))

    def _set_state(self) -> None:
        state = self._pop()
        target = self.stack[-1]
        if hasattr(target, "set_pickle_state"):
            target.set_pickle_state(state)
            return
        if type(target) is not OrderedDict or type(state) is not dict:
            raise UnpicklingError(f"attributes for a {type(target).__name__}; only those of OrderedDict are read")
        for name in state:
            if type(name) is not str or hasattr(OrderedDict, name):
                raise UnpicklingError(f"the attribute {name!r} for an OrderedDict")
        self.spend(len(state))
        target.__dict__.update(state)

    def _stored_outside(self) -> None:
        if self.persistent_load is None:
            raise UnpicklingError("an object stored outside of the stream, where none can be")
        self.stack.append(self.persistent_load(self._pop()))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("a name that is not text")
        self.find(module, name)

    # -- values ----------------------------------------------------------------------------------------------------

    def number(self, layout: struct.Struct) -> int:
        """Take one number of the given layout from the stream."""
        return layout.unpack(self.source.take(layout.size))[0]

    def _counted(self, layout: struct.Struct) -> bytes:
        return self.source.take(self.number(layout))

    def _text(self, layout: struct.Struct) -> None:
        self.stack.append(self._counted(layout).decode("utf-8", "surrogatepass"))

    def _old_text(self, layout: struct.Struct) -> None:
        data = self._counted(layout)
        self.stack.append(data if self.encoding == "bytes" else data.decode(self.encoding))

    def _protocol(self) -> None:
        if (version := self.source.take(1)[0]) > 5:
            raise UnpicklingError(f"pickle protocol {version}; 5 is the newest there is")


_U8, _U16, _I32, _U32, _U64, _F64 = (struct.Struct(layout) for layout in ("<B", "<H", "<i", "<I", "<Q", ">d"))


def _push(make):
    return lambda reader: reader.stack.append(make(reader))


# The binary opcodes of protocols 1 to 5 that build values. Left out: the text opcodes of protocol 0, the extension
# registry (EXT*), INST and OBJ (they only call classes), out-of-band buffers.
_OPCODES = {
    b"\x80": Reader._protocol,
    b"\x95": lambda r: r.number(_U64),  # FRAME: a hint for readers that buffer
    b"(": _push(lambda r: _MARK),
    b"0": lambda r: r.stack.pop(),
    b"N": _push(lambda r: None),
    b"\x88": _push(lambda r: True),
    b"\x89": _push(lambda r: False),
    b"K": _push(lambda r: r.number(_U8)),
    b"M": _push(lambda r: r.number(_U16)),
    b"J": _push(lambda r: r.number(_I32)),
    b"\x8a": _push(lambda r: int.from_bytes(r._counted(_U8), "little", signed=True)),
    b"\x8b": _push(lambda r: int.from_bytes(r._counted(_I32), "little", signed=True)),
    b"G": _push(lambda r: r.number(_F64)),
    b"X": lambda r: r._text(_U32),
    b"\x8c": lambda r: r._text(_U8),
    b"\x8d": lambda r: r._text(_U64),
    b"U": lambda r: r._old_text(_U8),
    b"T": lambda r: r._old_text(_I32),
    b"C": _push(lambda r: r._counted(_U8)),
    b"B": _push(lambda r: r._counted(_U32)),
    b"\x8e": _push(lambda r: r._counted(_U64)),
    b"\x96": _push(lambda r: bytearray(r._counted(_U64))),
    b")": _push(lambda r: ()),
    b"]": _push(lambda r: []),
    b"}": _push(lambda r: {}),
    b"\x8f": _push(lambda r: set()),
    b"t": _push(lambda r: tuple(r.pop_group())),
    b"\x85": _push(lambda r: (r._pop(),)),
    b"\x86": _push(lambda r: (r._pop(), r._pop())[::-1]),
    b"\x87": _push(lambda r: (r._pop(), r._pop(), r._pop())[::-1]),
    b"l": _push(lambda r: r.pop_group()),
    b"\x91": _push(lambda r: _collect(frozenset)(r, r.pop_group())),
    b"a": lambda r: (item := r._pop(), r._target(list).append(item)),
    b"e": lambda r: (items := r.pop_group(), r._target(list).extend(items)),
    b"s": lambda r: (value := r._pop(), r._set_items([r._pop(), value])),
    b"u": lambda r: r._set_items(r.pop_group()),
    b"\x90": lambda r: r._add_items(r.pop_group()),
    b"q": lambda r: r._remember(r.number(_U8)),
    b"r": lambda r: r._remember(r.number(_U32)),
    b"\x94": lambda r: r._remember(len(r.memo)),
    b"h": _push(lambda r: r.memo[r.number(_U8)]),
    b"j": _push(lambda r: r.memo[r.number(_U32)]),
    b"c": lambda r: r.find(r.source.line(), r.source.line()),
    b"\x93": Reader._stack_global,
    b"R": Reader._call,
    b"\x81": Reader._call,
    b"b": Reader._set_state,
    b"Q": Reader._stored_outside,
}
