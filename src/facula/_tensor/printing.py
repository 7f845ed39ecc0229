"""Tensors as text, to the letter as PyTorch prints them. Works on nested lists of plain numbers, never on 0-d tensors;
it refuses to compute: no arithmetic on the tensor, only (for long ones) the edges are cut out and copied."""

from __future__ import annotations

import sys

import facula
from facula._C import _level, _physical

_PROFILES = {
    "default": (4, 1000, 3, 80),
    "short": (2, 1000, 2, 80),
    "full": (4, float("inf"), 3, 80),
}
_FIELDS = ("precision", "threshold", "edgeitems", "linewidth")
_options: dict = {**dict(zip(_FIELDS, _PROFILES["default"])), "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed, for the whole process.

    Args:
        precision: Digits after the decimal point. Default 4.
        threshold: Number of elements above which only the edges are shown. Default 1000.
        edgeitems: Elements shown at each end of a shortened dimension. Default 3.
        linewidth: Characters a line may have. Default 80.
        profile: "default", "short" or "full": sets the four above together, before they are applied.
        sci_mode: Scientific notation always (True), never (False), or by the values (None; also set when omitted).

    Raises:
        ValueError: `profile` is none of the three names.

    Example:
        >>> import facula as torch
        >>> torch.set_printoptions(precision=2)
        >>> torch.tensor([1.12345])
        tensor([1.12])
        >>> torch.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"set_printoptions(): profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
        _options.update(zip(_FIELDS, _PROFILES[profile]))
    for name, value in zip(_FIELDS, (precision, threshold, edgeitems, linewidth)):
        if value is not None:
            _options[name] = value
    _options["sci_mode"] = sci_mode


def get_printoptions() -> dict[str, object]:
    """Give the current options as a dictionary that `set_printoptions(**options)` takes back.

    Returns:
        A new dictionary: precision, threshold, edgeitems, linewidth, sci_mode.

    Example:
        >>> import facula as torch
        >>> torch.get_printoptions()["precision"]
        4
    """
    return dict(_options)


class printoptions:
    """Set print options inside a `with` block and restore the previous ones after it.

    Args:
        **options: As for :func:`set_printoptions`.

    Example:
        >>> import facula as torch
        >>> with torch.printoptions(precision=1):
        ...     print(torch.tensor([1.25, 2.5]))
        tensor([1.2, 2.5])
    """

    def __init__(self, **options: object) -> None:
        self._wanted = options

    def __enter__(self) -> None:
        self._saved = get_printoptions()
        set_printoptions(**self._wanted)  # type: ignore[arg-type]

    def __exit__(self, *exception: object) -> None:
        _options.update(self._saved)


def _format_reals(values: list[float]) -> tuple[list[str], int]:
    """The unpadded texts of floats in their common notation, and the column width (non-finite ones do not widen it)."""
    finite = [v for v in values if v != 0 and v - v == 0]
    if not finite:
        return [f"{v:.0f}" + ("." if v - v == 0 else "") for v in values], 1
    smallest, largest = min(map(abs, finite)), max(map(abs, finite))
    scientific = _options["sci_mode"]
    if scientific is None:
        scientific = largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4
    whole = all(v.is_integer() for v in finite)
    if whole and not scientific:
        texts = [f"{v:.0f}." if v - v == 0 else f"{v:.0f}" for v in values]
    else:
        spec = f".{_options['precision']}{'e' if scientific else 'f'}"
        texts = [format(v, spec) for v in values]
    return texts, max(len(text) for text, v in zip(texts, values) if v != 0 and v - v == 0)


def _format_elements(values: list, dtype: facula.dtype) -> tuple[list[str], int]:
    """The text of each element, padded to its column, and the width of a column."""
    if dtype.is_complex:
        real, real_width = _format_reals([v.real for v in values])
        imag, imag_width = _format_reals([v.imag for v in values])
        texts = [r.rjust(real_width) + (i if i[0] == "-" else "+" + i) + "j" for r, i in zip(real, imag)]
        return texts, real_width + imag_width + 1
    if dtype.is_floating_point:
        texts, width = _format_reals(values)
    else:
        texts = [str(v) for v in values]
        width = max(map(len, texts), default=1)
    return [text.rjust(width) for text in texts], width


def _shortened(tensor: facula.Tensor) -> tuple[facula.Tensor, list[bool]]:
    """The tensor with the middle of every long dimension cut out, and which dimensions were cut."""
    edge = _options["edgeitems"]
    sizes = tuple(tensor.shape)
    for dim in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):  # longest first: the least is copied
        if sizes[dim] > 2 * edge:
            ends = (tensor.narrow(dim, 0, edge), tensor.narrow(dim, sizes[dim] - edge, edge))
            tensor = facula.cat(ends, dim)
    return tensor, [size > 2 * edge for size in sizes]


def _flatten(nested: list, depth: int) -> list:
    for _ in range(depth - 1):
        nested = [item for row in nested for item in row]
    return nested


class _Layout:
    """Brackets, commas and line breaks around the element texts, which it consumes in order."""

    def __init__(self, texts: list[str], width: int, sizes: tuple[int, ...], cut: list[bool]) -> None:
        self.texts = texts
        self.width = width
        self.sizes = sizes
        self.cut = cut
        self.next = 0

    def _row(self, indent: int) -> str:
        edge = _options["edgeitems"]
        row = self.texts[self.next : self.next + self.sizes[-1]]
        self.next += self.sizes[-1]
        if self.cut[-1]:
            row = [*row[:edge], " ..." if edge else "...", *row[edge:]]
        per_line = max(1, (_options["linewidth"] - indent) // (self.width + 2))
        lines = [", ".join(row[i : i + per_line]) for i in range(0, len(row), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"

    def text(self, indent: int, dim: int = 0) -> str:
        below = len(self.sizes) - dim
        if below == 1:
            return self._row(indent)
        edge = _options["edgeitems"]
        blocks = [self.text(indent + 1, dim + 1) for _ in range(self.sizes[dim])]
        if self.cut[dim]:
            blocks.insert(edge, "...")
        return "[" + ("," + "\n" * (below - 1) + " " * (indent + 1)).join(blocks) + "]"


def _contents(tensor: facula.Tensor, indent: int) -> str:
    if tensor.numel() == 0:
        return "[]"
    tensor = tensor.detach()
    if tensor.dim() == 0:
        return _format_elements([tensor.item()], tensor.dtype)[0][0]
    cut = [False] * tensor.dim()
    if tensor.numel() > _options["threshold"]:
        tensor, cut = _shortened(tensor)
    texts, width = _format_elements(_flatten(tensor.tolist(), tensor.dim()) if tensor.numel() else [], tensor.dtype)
    return _Layout(texts, width, tuple(tensor.shape), cut).text(indent)


def _attributes(tensor: facula.Tensor) -> list[str]:
    """What the numbers do not show: device, size, dtype, in PyTorch's order."""
    default = facula.get_default_dtype()
    found = []
    if tensor.device.type != "cpu":
        found.append(f"device='{tensor.device}'")
    if tensor.device.type == "meta":
        found.append(f"size={tuple(tensor.shape)}")
        shown = tensor.dtype != default
    elif tensor.numel() == 0:
        # (0,) is what the reader assumes; and no element tells the dtype, so int64 and bool are named here.
        if tensor.dim() != 1:
            found.append(f"size={tuple(tensor.shape)}")
        shown = tensor.dtype != default
    else:
        if not _options["edgeitems"]:
            found.append(f"size={tuple(tensor.shape)}")
        default_complex = facula.complex128 if default == facula.float64 else facula.complex64
        shown = tensor.dtype not in (default, default_complex, facula.int64, facula.bool)
    if shown:
        found.append(f"dtype={tensor.dtype}")
    return found


def _gradient_attribute(tensor: facula.Tensor) -> list[str]:
    try:
        node = tensor.grad_fn
    except RuntimeError:  # a view whose base was changed behind the graph's back has no valid history
        return ["grad_fn=<Invalid>"]
    if node is not None:
        return [f"grad_fn=<{node.name().rpartition('::')[2]}>"]
    return ["requires_grad=True"] if tensor.requires_grad else []


def _append(text: str, attributes: list[str], indent: int) -> str:
    """Put the attributes after the numbers, on new lines where the line width asks for it."""
    # PyTorch counts one character more than the last line has; its line breaks depend on it.
    length = len(text) - text.rfind("\n") + 1
    for attribute in attributes:
        if length + len(attribute) + 2 > _options["linewidth"]:
            text += ",\n" + " " * indent + attribute
            length = indent + len(attribute)
        else:
            text += ", " + attribute
            length += len(attribute) + 2
    return text + ")"


def tensor_repr(tensor: facula.Tensor, *, tensor_contents: str | None = None) -> str:
    """Write a tensor as text: its numbers, then device, size, dtype and gradient where they are not the usual ones.

    Args:
        tensor: Any tensor; it is not changed and no operation on it is recorded.
        tensor_contents: Text to show in place of the numbers.

    Returns:
        The text, as `repr(tensor)` gives it.

    Example:
        >>> import facula as torch
        >>> torch.tensor([[1.0, 2.5], [3.0, -4.0]])
        tensor([[ 1.0000,  2.5000],
                [ 3.0000, -4.0000]])
    """
    if level := _level(tensor):
        text = tensor_repr(_physical(tensor, level)).replace("\n", "\n    ")
        return f"BatchedTensor(lvl={level}, bdim=0, value=\n    {text}\n)"
    # Before its module is imported no tensor can be a Parameter, and printing need not import it.
    parameter = getattr(sys.modules.get("facula.nn.parameter"), "Parameter", facula.Tensor)
    plain = type(tensor) is facula.Tensor or type(tensor) is parameter
    prefix = "tensor(" if plain else f"{type(tensor).__name__}("
    if tensor_contents is None:
        tensor_contents = "..." if tensor.device.type == "meta" else _contents(tensor, len(prefix))
    text = _append(prefix + tensor_contents, _attributes(tensor) + _gradient_attribute(tensor), len(prefix))
    if not plain and parameter is not facula.Tensor and isinstance(tensor, parameter):
        return f"Parameter({text})"
    return text
