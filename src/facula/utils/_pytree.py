"""torch.utils._pytree: nested tuples, lists, dicts and named tuples of values, taken apart and put together again."""

from __future__ import annotations

from facula.func._tree import LEAF, Tree, broadcast_to, flatten, unflatten

__all__ = [
    "LeafSpec", "PyTree", "TreeSpec", "tree_all", "tree_any", "tree_flatten", "tree_leaves", "tree_map",
    "tree_map_only", "tree_structure", "tree_unflatten",
]  # fmt: skip

TreeSpec = Tree
PyTree = object
_broadcast_to_and_flatten = broadcast_to


def LeafSpec() -> Tree:
    """The structure of a single value."""
    return LEAF


def tree_flatten(tree, is_leaf=None) -> tuple[list, Tree]:
    """The values from left to right, and the structure around them.

    Example:
        >>> from facula.utils._pytree import tree_flatten, tree_unflatten
        >>> values, structure = tree_flatten({"a": 1, "b": (2, [3])})
        >>> values, tree_unflatten([10, 20, 30], structure)
        ([1, 2, 3], {'a': 10, 'b': (20, [30])})
    """
    return flatten(tree)


def tree_unflatten(leaves, treespec: Tree):
    """The containers of a structure, filled with values."""
    if isinstance(leaves, Tree) and not isinstance(treespec, Tree):
        leaves, treespec = treespec, leaves
    return unflatten(list(leaves), treespec)


def tree_leaves(tree, is_leaf=None) -> list:
    """The values from left to right."""
    return flatten(tree)[0]


def tree_structure(tree, is_leaf=None) -> Tree:
    """The structure without its values."""
    return flatten(tree)[1]


def tree_map(func, tree, *rests, is_leaf=None):
    """The same containers with ``func`` of every value (and of the values of other trees at its place)."""
    leaves, structure = flatten(tree)
    others = [flatten(rest)[0] for rest in rests]
    return unflatten([func(*values) for values in zip(leaves, *others)], structure)


def tree_map_only(kind, func=None, tree=None, is_leaf=None):
    """The same containers with ``func`` of every value of a type; without the others, a decorator for tree_map.

    Example:
        >>> from facula.utils._pytree import tree_map_only
        >>> tree_map_only(int, lambda x: x + 1, [1, "a"])
        [2, 'a']
    """
    if func is None:
        return lambda function: lambda value: function(value) if isinstance(value, kind) else value
    return tree_map(lambda value: func(value) if isinstance(value, kind) else value, tree)


def tree_all(pred, tree, is_leaf=None) -> bool:
    """Whether ``pred`` holds for every value."""
    return all(map(pred, tree_leaves(tree)))


def tree_any(pred, tree, is_leaf=None) -> bool:
    """Whether ``pred`` holds for some value."""
    return any(map(pred, tree_leaves(tree)))
