"""sym_max and its family, cond: what PyTorch has for traced programs. On plain numbers they are Python's own."""

from __future__ import annotations

from facula._C import Tensor

__all__ = [
    "cond", "sym_float", "sym_fresh_size", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sqrt", "sym_sum",
]  # fmt: skip
METHODS = ""


def sym_int(a) -> int:
    """``int(a)``.

    Example:
        >>> import facula as torch
        >>> torch.sym_int(3.7)
        3
    """
    return int(a)


def sym_float(a) -> float:
    """``float(a)``.

    Example:
        >>> import facula as torch
        >>> torch.sym_float(3)
        3.0
    """
    return float(a)


def sym_not(a) -> bool:
    """``not a``.

    Example:
        >>> import facula as torch
        >>> torch.sym_not(True)
        False
    """
    return not a


def _of_numbers(choose, a, b):
    for value in (a, b):
        if not isinstance(value, (int, float)):
            raise AssertionError(f"expected (<class 'int'>, <class 'float'>), got {type(value)}")
    return float(choose(a, b)) if isinstance(a, float) or isinstance(b, float) else choose(a, b)


def sym_max(a, b):
    """The larger of two numbers; a float when one is.

    Raises:
        AssertionError: something else than a number.

    Example:
        >>> import facula as torch
        >>> torch.sym_max(3, 2.0)
        3.0
    """
    return _of_numbers(max, a, b)


def sym_min(a, b):
    """The smaller of two numbers; a float when one is.

    Raises:
        AssertionError: something else than a number.

    Example:
        >>> import facula as torch
        >>> torch.sym_min(3, 2.0)
        2.0
    """
    return _of_numbers(min, a, b)


def sym_ite(b: bool, t, f):
    """``t if b else f``, both of one type.

    Raises:
        AssertionError: ``b`` is no bool, or the types differ.

    Example:
        >>> import facula as torch
        >>> torch.sym_ite(True, 1, 2)
        1
    """
    if not isinstance(b, bool):
        raise AssertionError(f"expected bool, got {type(b)}")
    if type(t) is not type(f):
        raise AssertionError(f"type mismatch: {type(t)} vs {type(f)}")
    return t if b else f


def sym_sum(*args):
    """The sum of numbers, given as one sequence or one by one.

    Example:
        >>> import facula as torch
        >>> torch.sym_sum([1, 2, 3])
        6
    """
    return sum(args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args)


def sym_sqrt(a) -> float:
    """The square root of a number.

    Example:
        >>> import facula as torch
        >>> torch.sym_sqrt(4)
        2.0
    """
    from math import sqrt

    return sqrt(a)


def sym_fresh_size(expr: int) -> int:
    """The size itself, where nothing is traced.

    Example:
        >>> import facula as torch
        >>> torch.sym_fresh_size(3)
        3
    """
    return expr


def cond(pred, true_fn, false_fn, operands=()):
    """``true_fn(*operands)`` when ``pred`` holds, else ``false_fn(*operands)``.

    Raises:
        RuntimeError: ``pred`` is not one truth value, or the functions or operands are of the wrong kind.

    Example:
        >>> import facula as torch
        >>> torch.cond(torch.tensor(True), torch.sin, torch.cos, (torch.zeros(1),))
        tensor([0.])
    """
    if not isinstance(pred, (bool, int, float, Tensor)):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    if isinstance(pred, Tensor) and pred.numel() != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, (tuple, list)):
        raise RuntimeError(f"Expect operands to be a tuple or list of tensors and numbers, but got {operands}.")
    return (true_fn if pred else false_fn)(*operands)
