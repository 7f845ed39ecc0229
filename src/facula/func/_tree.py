"""Nested tuples, lists and dicts of values, taken apart and put together again. Anything else is a leaf."""

from __future__ import annotations


class Tree:
    """The structure of nested containers: what kind, which keys, how many leaves. Compares by structure."""

    __slots__ = ("children", "count", "keys", "kind")

    def __init__(self, kind=None, keys=None, children=()):
        self.kind, self.keys, self.children = kind, keys, children
        self.count = 1 if kind is None else sum(child.count for child in children)

    def __eq__(self, other):
        return (
            isinstance(other, Tree)
            and self.kind is other.kind
            and self.keys == other.keys
            and self.children == other.children
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        if self.kind is None:
            return "*"
        inner = ",\n  ".join(map(repr, self.children))
        return f"TreeSpec({self.kind.__name__}, {self.keys}, [{inner}])"


LEAF = Tree()


def _is_namedtuple(value) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def flatten(value) -> tuple[list, Tree]:
    """The leaves from left to right, and the structure around them."""
    leaves: list = []
    return leaves, _walk(value, leaves)


def _walk(value, leaves: list) -> Tree:
    if isinstance(value, dict):
        return Tree(type(value), list(value), [_walk(item, leaves) for item in value.values()])
    if type(value) in (tuple, list) or _is_namedtuple(value):
        return Tree(type(value), None, [_walk(item, leaves) for item in value])
    leaves.append(value)
    return LEAF


def unflatten(leaves, tree: Tree):
    """The containers of a structure, filled with leaves."""
    return _build(iter(leaves), tree)


def _build(leaves, tree: Tree):
    if tree.kind is None:
        return next(leaves)
    children = [_build(leaves, child) for child in tree.children]
    if tree.keys is not None:
        result = tree.kind() if tree.kind is not dict else {}
        result.update(zip(tree.keys, children))
        return result
    return getattr(tree.kind, "_make", tree.kind)(children)  # of a namedtuple; return_types take a sequence


def map_leaves(function, value):
    """The same containers with ``function(leaf)`` for every leaf."""
    leaves, tree = flatten(value)
    return unflatten([function(leaf) for leaf in leaves], tree)


def broadcast_to(value, tree: Tree) -> list | None:
    """Leaves of a prefix of a structure, repeated for all leaves below; None when it is no prefix."""
    if tree.kind is None or value is None or not isinstance(value, (tuple, list, dict)):
        is_container = isinstance(value, (tuple, list, dict))
        return None if is_container else [value] * tree.count
    if isinstance(value, dict) != (tree.keys is not None) or len(value) != len(tree.children):
        return None
    if tree.keys is None and tree.kind in (tuple, list) and type(value) is not tree.kind:
        return None
    if tree.keys is not None and set(value) != set(tree.keys):
        return None
    items = [value[key] for key in tree.keys] if tree.keys is not None else value
    leaves: list = []
    for item, child in zip(items, tree.children):
        below = broadcast_to(item, child)
        if below is None:
            return None
        leaves += below
    return leaves
