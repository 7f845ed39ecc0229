"""assert_close: compares tensors, numbers and nested containers of them, and says how much differs and where."""

from __future__ import annotations

import sys

import facula

# PyTorch's documented defaults: rtol, atol. Every other dtype is compared exactly.
_TOLERANCES = {
    "torch.float16": (1e-3, 1e-5),
    "torch.bfloat16": (1.6e-2, 1e-5),
    "torch.float32": (1.3e-6, 1e-5),
    "torch.float64": (1e-7, 1e-7),
    "torch.complex64": (1.3e-6, 1e-5),
    "torch.complex128": (1e-7, 1e-7),
}
_NUMBER_DTYPES = {int: "torch.int64", float: "torch.float64", complex: "torch.complex128"}


class _Options:
    """The arguments of one call of assert_close that the comparisons need."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def __init__(self, **options) -> None:
        self.__dict__.update(options)

    def tolerances(self, *dtypes: str) -> tuple[float, float]:
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        pairs = [_TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in dtypes]
        return max(rtol for rtol, _ in pairs), max(atol for _, atol in pairs)


def _difference(kind: str, amount: float, tolerance: float, exact: bool, index: object = None) -> str:
    where = f"{kind.title()} difference: {amount}" if index is None else None
    text = where or f"Greatest {kind} difference: {amount} at index {index}"
    return text if exact else f"{text} (up to {tolerance} allowed)"


def _number_mismatch(actual, expected, rtol: float, atol: float) -> str:
    exact = rtol == 0 and atol == 0
    absolute = abs(actual - expected)
    relative = float("inf") if expected == 0 else absolute / abs(expected)
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {expected} but got {actual}.\n"
        f"{_difference('absolute', absolute, atol, exact)}\n{_difference('relative', relative, rtol, exact)}"
    )


def _compare_numbers(actual, expected, options: _Options) -> str | None:
    if options.check_dtype and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    rtol, atol = options.tolerances(_NUMBER_DTYPES[type(actual)], _NUMBER_DTYPES[type(expected)])
    if actual == expected or (options.equal_nan and actual != actual and expected != expected):
        return None
    distance = abs(actual - expected)
    if distance != float("inf") and distance <= atol + rtol * abs(expected):
        return None
    return _number_mismatch(actual, expected, rtol, atol)


def _attribute_mismatch(actual: facula.Tensor, expected: facula.Tensor, options: _Options) -> str | None:
    pairs = [("shape", actual.shape, expected.shape)]
    if options.check_layout:
        pairs.append(("layout", actual.layout, expected.layout))
    if options.check_stride:
        pairs.append(("stride()", actual.stride(), expected.stride()))
    if options.check_device:
        pairs.append(("device", actual.device, expected.device))
    if options.check_dtype:
        pairs.append(("dtype", actual.dtype, expected.dtype))
    for name, left, right in pairs:
        if left != right:
            return f"The values for attribute '{name}' do not match: {left} != {right}."
    return None


def _unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    position = []
    for size in reversed(shape):
        flat, within = divmod(flat, size)
        position.append(within)
    return tuple(position[::-1])


def _tensor_mismatch(actual, expected, matches, rtol: float, atol: float) -> str:
    if actual.dim() == 0:
        return _number_mismatch(actual.item(), expected.item(), rtol, atol)
    exact = rtol == 0 and atol == 0
    total, wrong = matches.numel(), matches.numel() - int(matches.sum())
    if not (actual.dtype.is_floating_point or actual.dtype.is_complex):
        actual, expected = actual.to(facula.int64), expected.to(facula.int64)
    absolute = (actual - expected).abs().masked_fill(matches, 0).reshape(-1)
    relative = (absolute / expected.abs().reshape(-1)).masked_fill(matches.reshape(-1), 0)
    lines = []
    for kind, amounts, tolerance in (("absolute", absolute, atol), ("relative", relative, rtol)):
        place = int(amounts.argmax())
        index = _unravel(place, tuple(actual.shape))
        lines.append(_difference(kind, amounts[place].item(), tolerance, exact, index))
    return (
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n\n"
        f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})\n" + "\n".join(lines)
    )


def _compare_tensors(actual: facula.Tensor, expected: facula.Tensor, options: _Options) -> str | None:
    actual, expected = actual.detach(), expected.detach()
    rtol, atol = options.tolerances(str(actual.dtype), str(expected.dtype))
    mismatch = _attribute_mismatch(actual, expected, options)
    if mismatch is not None or "meta" in (actual.device.type, expected.device.type):
        return mismatch
    if actual.device != expected.device:
        actual, expected = actual.cpu(), expected.cpu()
    if actual.dtype != expected.dtype:
        common = facula.promote_types(actual.dtype, expected.dtype)
        actual, expected = actual.to(common), expected.to(common)
    matches = facula.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    return None if bool(matches.all()) else _tensor_mismatch(actual, expected, matches, rtol, atol)


def _plain(value: object) -> object:
    """NumPy scalars as Python numbers; NumPy is looked at only where somebody has imported it."""
    numpy = sys.modules.get("numpy")
    return value.item() if numpy is not None and isinstance(value, numpy.generic) else value


def _as_tensor(value: object) -> facula.Tensor | None:
    if isinstance(value, facula.Tensor):
        return value
    numpy = sys.modules.get("numpy")
    return facula.from_numpy(value) if numpy is not None and isinstance(value, numpy.ndarray) else None


def _compare(actual: object, expected: object, options: _Options) -> str | None:
    """The mismatch of two values that are not containers, or None."""
    actual, expected = _plain(actual), _plain(expected)
    if actual is None or expected is None:
        return None if actual is expected else f"None mismatch: {actual} is not {expected}"
    if isinstance(actual, bool) and isinstance(expected, bool):
        return None if actual is expected else f"Booleans mismatch: {actual} is not {expected}"
    if type(actual) in _NUMBER_DTYPES and type(expected) in _NUMBER_DTYPES:
        return _compare_numbers(actual, expected, options)
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related and (options.allow_subclasses or type(actual) is type(expected)):
        left, right = _as_tensor(actual), _as_tensor(expected)
        if left is not None and right is not None:
            return _compare_tensors(left, right, options)
    raise TypeError(
        f"assert_close(): values of type {type(actual)} and {type(expected)} cannot be compared with each other; "
        f"both must be tensors, arrays, numbers, None, or containers of those"
    )


def _is_sequence(value: object) -> bool:
    from collections.abc import Sequence

    return isinstance(value, Sequence) and not isinstance(value, str)


def _walk(actual, expected, place: tuple, options: _Options) -> tuple[str, tuple] | None:
    """The first mismatch inside of nested containers, and where it is."""
    from collections.abc import Mapping

    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", place
        keys = list(range(len(actual)))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if set(actual) != set(expected):
            missing, extra = sorted(set(expected) - set(actual), key=str), sorted(set(actual) - set(expected), key=str)
            lines = ["The keys of the mappings do not match:"]
            lines += [f"Missing keys in the actual mapping: {missing}"] if missing else []
            lines += [f"Additional keys in the actual mapping: {extra}"] if extra else []
            return "\n".join(lines), place
        keys = list(actual)
    else:
        mismatch = _compare(actual, expected, options)
        return None if mismatch is None else (mismatch, place)
    for key in keys:
        found = _walk(actual[key], expected[key], (*place, key), options)
        if found is not None:
            return found
    return None


def assert_close(
    actual: object,
    expected: object,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg=None,
) -> None:
    """Assert that `|actual - expected| <= atol + rtol * |expected|` holds for every element.

    Without tolerances they follow from the dtype (rtol, atol): float16 1e-3, 1e-5; bfloat16 1.6e-2, 1e-5; float32 and
    complex64 1.3e-6, 1e-5; float64 and complex128 1e-7, 1e-7; all others 0, 0. Of two dtypes the looser ones count.

    Args:
        actual: A tensor, array, number, None, or a sequence or mapping of those.
        expected: The same kind of value.
        allow_subclasses: Allow a type and its subclass to be compared.
        rtol: Relative tolerance; needs `atol`.
        atol: Absolute tolerance; needs `rtol`.
        equal_nan: Whether nan is close to nan.
        check_device, check_dtype, check_layout, check_stride: Require the same.
        msg: The message to raise, or a function from the message to that.

    Raises:
        AssertionError: Values differ; the message counts them and gives the greatest differences with their index.
        ValueError: Only one of `rtol` and `atol` is given.
        TypeError: The values are of kinds that cannot be compared.

    Example:
        >>> import facula as torch
        >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))
    """
    __tracebackhide__ = True
    if (rtol is None) != (atol is None):
        given = "rtol" if atol is None else "atol"
        raise ValueError(f"assert_close(): rtol and atol must both be given or both be omitted; only {given} is given")
    options = _Options(
        allow_subclasses=allow_subclasses,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=check_device,
        check_dtype=check_dtype,
        check_layout=check_layout,
        check_stride=check_stride,
    )
    if (found := _walk(actual, expected, (), options)) is None:
        return
    message, place = found
    if place:
        message += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in place)}"
    if msg is not None:
        message = msg(message) if callable(msg) else msg
    raise AssertionError(message)
