"""Rearranging dimensions by a pattern of names, in the notation of einops (Rogozhnikov 2022). One reshape, one permute,
one reshape; no reductions and no repetitions."""

from __future__ import annotations

import math
import re

from facula._C import Tensor
from facula.functional.joining import stack

__all__ = ["rearrange"]

_TOKEN = re.compile(r" +|\(|\)|\.\.\.|\w+")
_ELLIPSIS = "..."


def rearrange(tensor: Tensor | list[Tensor] | tuple[Tensor, ...], pattern: str, **axes_lengths: int) -> Tensor:
    """Permute, split and join dimensions as a pattern says.

    Args:
        tensor: a tensor, or several to be stacked first.
        pattern: names of dimensions before and after ``->``; in parentheses those that lie in one dimension, ``...``
            for all that have no name, ``1`` for a dimension of size 1.
        axes_lengths: sizes of named dimensions that cannot be inferred.

    Raises:
        ValueError: the pattern does not fit itself, the tensor or the sizes.

    Example:
        >>> import facula as torch
        >>> torch.func.rearrange(torch.arange(4), "(a b) -> b a", a=2)
        tensor([[0, 2],
                [1, 3]])
    """
    x = tensor if isinstance(tensor, Tensor) else stack(tuple(tensor))
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f"Pattern must contain a single '->' separator, got {pattern!r}")
    left, right = (_groups(side, pattern) for side in sides)
    _check_names(left, right, axes_lengths, pattern)
    names = [f"...{i}" for i in range(x.dim() - sum(group != _ELLIPSIS for group in left))]
    left, right = _spelled_out(left, names), _spelled_out(right, names)
    if len(left) != x.dim():
        raise ValueError(
            f"Number of dimensions in pattern ({len(left)}) must be equal to the number of dimensions in the tensor "
            f"({x.dim()}): {pattern!r}"
        )
    sizes: dict[str, int] = {}
    for group, size in zip(left, x.shape):
        sizes.update(_sizes(group, size, axes_lengths, pattern))
    order = [name for group in left for name in group]
    moved = x.reshape([sizes[name] for name in order]).permute([order.index(name) for group in right for name in group])
    return moved.reshape([math.prod(sizes[name] for name in group) for group in right])


def _spelled_out(groups: list, names: list[str]) -> list[list[str]]:
    """Each dimension that an ellipsis stands for by a name of its own."""
    result = []
    for group in groups:
        if group == _ELLIPSIS:
            result += [[name] for name in names]
        else:
            result.append([m for name in group for m in (names if name == _ELLIPSIS else [name])])
    return result


def _groups(side: str, pattern: str) -> list:
    """The names in each dimension; ``1`` and ``()`` are dimensions without a name. An ellipsis outside of parentheses
    is several dimensions, and itself."""
    found: list = []
    inside = False
    at = 0
    while at < len(side):
        match = _TOKEN.match(side, at)
        if match is None:
            raise ValueError(f"Unknown character {side[at]!r} in {pattern!r}")
        token, at = match.group(), match.end()
        if token == "(":
            if inside:
                raise ValueError("Axis composition is one-level (brackets inside brackets not allowed)")
            found.append([])
            inside = True
        elif token == ")":
            if not inside:
                raise ValueError(f"Imbalanced parentheses in expression: {side!r}")
            inside = False
        elif token.strip():
            _check_name(token)
            name = [] if token == "1" else [token]
            if inside:
                found[-1] += name
            else:
                found.append(token if token == _ELLIPSIS else name)
    if inside:
        raise ValueError(f"Imbalanced parentheses in expression: {side!r}")
    return found


def _check_name(token: str) -> None:
    if token.isdecimal() and token != "1":
        raise ValueError("rearrange only supports unnamed axes of size 1")
    if token not in ("1", _ELLIPSIS) and (not token.isidentifier() or "_" in (token[0], token[-1])):
        raise ValueError(f"Invalid axis identifier: {token}; a name does not start or end with an underscore")


def _check_names(left, right, axes_lengths, pattern: str) -> None:
    flat = [[name for group in side for name in ([group] if group == _ELLIPSIS else group)] for side in (left, right)]
    for side in flat:
        for name in side:
            if side.count(name) > 1:
                raise ValueError(f"Indexing expression contains duplicate dimension {name!r}: {pattern!r}")
    if any(_ELLIPSIS in group for group in left if group != _ELLIPSIS):
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    if _ELLIPSIS in flat[1] and _ELLIPSIS not in flat[0]:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    alone = set(flat[0]) ^ set(flat[1])
    if alone:
        raise ValueError(f"Identifiers only on one side of rearrange expression (should be on both): {alone}")
    unknown = axes_lengths.keys() - set(flat[0])
    if unknown:
        raise ValueError(f"Identifiers not found in rearrange expression: {unknown}")


def _sizes(group: list[str], size: int, axes_lengths, pattern: str) -> dict[str, int]:
    """The size of each name in one dimension; at most one is inferred."""
    known = {name: axes_lengths[name] for name in group if name in axes_lengths}
    missing = [name for name in group if name not in known]
    product = math.prod(known.values())
    if len(missing) > 1:
        raise ValueError(f"cannot infer the sizes of {missing} at once in {pattern!r}; give all but one by name")
    if missing:
        if product <= 0 or size % product:
            raise ValueError(f"{group} of a dimension of size {size}: {product} does not evenly fit into {size}")
        known[missing[0]] = size // product
    elif product != size:
        raise ValueError(f"Dimension sizes do not match ({size} != {product}) in {group} of {pattern!r}")
    return known
