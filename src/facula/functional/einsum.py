"""einsum: Einstein summation as diagonals, sums and batched matrix products, planned from the shapes alone and the plan
remembered. Contracts from left to right; it does not search for a better order."""

from __future__ import annotations

from math import prod

from facula._C import Tensor

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _from_sublists(given: tuple) -> tuple[str, tuple]:
    """Rewrite the form einsum(op1, [0, 1], op2, [1, 2], [0, 2]) as an equation."""

    def text(sublist) -> str:
        return "".join("..." if item is Ellipsis else _LETTERS[item] for item in sublist)

    operands, terms = given[0::2], given[1::2]
    output = ""
    if len(given) % 2:
        operands, output = operands[:-1], "->" + text(given[-1])
    return ",".join(text(term) for term in terms) + output, operands


def _expand_ellipsis(term: str, ndim: int, position: int) -> list:
    """The labels of one operand's dimensions: letters, and numbers counted from the right for those of the ellipsis."""
    before, dots, after = term.partition("...")
    named = len(before) + len(after)
    if "." in before + after or (not dots and named != ndim) or named > ndim:
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({named}) does not match the number of dimensions "
            f"({ndim}) for operand {position}" + ("" if dots else " and no ellipsis was given")
        )
    return [*before, *range(ndim - named - 1, -1, -1), *after] if dots else list(before)


def _labels(equation: str, ndims: tuple[int, ...]) -> tuple[list[list], list]:
    text = equation.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise RuntimeError(
            f"einsum(): {'more' if len(ndims) > len(terms) else 'fewer'} operands were provided than specified in "
            f"the equation: {len(ndims)} for {equation!r}"
        )
    for letter in text.replace("->", "").replace(",", "").replace("...", ""):
        if letter not in _LETTERS:
            raise RuntimeError(f"einsum(): invalid subscript given: {letter!r}, subscripts must be in [a-zA-Z]")
    labels = [_expand_ellipsis(term, ndim, i) for i, (ndim, term) in enumerate(zip(ndims, terms))]
    everything = [label for of_one in labels for label in of_one]
    numbers = sorted({label for label in everything if isinstance(label, int)}, reverse=True)
    if not arrow:
        once = sorted(label for label in everything if isinstance(label, str) and everything.count(label) == 1)
        return labels, [*numbers, *once]
    before, dots, after = output.partition("...")
    wanted = [*before, *(numbers if dots else []), *after]
    for label in wanted:
        if wanted.count(label) > 1:
            raise RuntimeError(f"einsum(): output subscript {label} appears more than once in the output")
        if label not in everything:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
    return labels, wanted


class _Operand:
    """An operand, or a product: its labels and shape after the steps, each a method and its arguments."""

    __slots__ = ("labels", "shape", "steps")

    def __init__(self, labels: list, shape: list[int]):
        self.labels, self.shape = labels, shape
        self.steps: list[tuple[str, tuple]] = []

    def then(self, method: str, arguments: tuple, labels: list, shape: list[int]) -> None:
        """One more step, and what the operand is after it."""
        self.steps.append((method, arguments))
        self.labels, self.shape = labels, shape

    def size(self, label) -> int:
        """The size of the dimension of a label."""
        return self.shape[self.labels.index(label)]


def _diagonals(x: _Operand) -> None:
    """Repeated labels of one operand become one dimension."""
    for label in dict.fromkeys(x.labels):
        while x.labels.count(label) > 1:
            first = x.labels.index(label)
            second = x.labels.index(label, first + 1)
            n = x.shape[first]
            if n != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for one operand but the sizes don't match, "
                    f"{x.shape[second]} != {n}"
                )
            rest = [i for i in range(len(x.labels)) if i not in (first, second)]
            labels = [*(x.labels[i] for i in rest), label]
            x.then("diagonal", (0, first, second), labels, [*(x.shape[i] for i in rest), n])


def _check_sizes(operands: list[_Operand]) -> dict:
    sizes: dict = {}
    for i, x in enumerate(operands):
        for label, size in zip(x.labels, x.shape):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {i} which does not broadcast with "
                    f"previously seen size {known}"
                )
    return sizes


def _sum_out(x: _Operand, kept: set) -> None:
    dims = [i for i, label in enumerate(x.labels) if label not in kept]
    if dims:
        left = [i for i in range(len(x.labels)) if i not in dims]
        x.then("sum", (dims,), [x.labels[i] for i in left], [x.shape[i] for i in left])


def _group(x: _Operand, sizes: dict, groups: tuple) -> None:
    """Dimensions brought into the order of the groups and joined to one for each."""
    order = [label for group in groups for label in group]
    if x.labels != order:
        places = [x.labels.index(label) for label in order]
        x.then("permute", (places,), order, [x.shape[i] for i in places])
    full = [sizes[label] for label in order]
    if x.shape != full:
        x.then("expand", (full,), order, full)
    shape = [prod(sizes[label] for label in group) for group in groups]
    if shape != full:
        x.then("reshape", (shape,), order, shape)


def _pair(a: _Operand, b: _Operand, kept: set, sizes: dict) -> tuple[str, _Operand]:
    """One product, summed over what neither the result nor a later operand needs: its method, and what it gives."""
    _sum_out(a, kept | set(b.labels))
    _sum_out(b, kept | set(a.labels))
    shared = [label for label in a.labels if label in b.labels]
    contracted = [label for label in shared if label not in kept]
    for label in contracted:  # a size of 1 against a larger one is a sum on the larger side
        if a.size(label) != b.size(label):
            _sum_out(a, set(a.labels) - {label})
            _sum_out(b, set(b.labels) - {label})
            return _pair(a, b, kept, sizes)
    batch = [label for label in shared if label in kept]
    rows = [label for label in a.labels if label not in shared]
    columns = [label for label in b.labels if label not in shared]
    lead = (batch,) if batch or not contracted else ()
    groups = [*lead, rows, contracted], [*lead, contracted, columns]
    _group(a, sizes, tuple(groups[0]))
    _group(b, sizes, tuple(groups[1]))
    method = "mul" if not contracted else "bmm" if batch else "mm"
    given = [*a.shape[:-1], b.shape[-1]]  # without contracted labels these are [.., rows, 1] and [.., 1, columns]
    labels = batch + rows + columns
    result, shape = _Operand(labels, given), [sizes[label] for label in labels]
    if given != shape:
        result.then("reshape", (shape,), labels, shape)
    return method, result


def _plan(equation: str, shapes: tuple) -> tuple[list, list]:
    """For each product its method and the steps of both sides, then the steps of the result."""
    labels_of, wanted = _labels(equation, tuple(len(shape) for shape in shapes))
    operands = [_Operand(labels, list(shape)) for labels, shape in zip(labels_of, shapes)]
    for x in operands:
        _diagonals(x)
    sizes = _check_sizes(operands)
    x, products = operands[0], []
    for i, other in enumerate(operands[1:], 1):
        kept = set(wanted).union(*(later.labels for later in operands[i + 1 :]))
        method, result = _pair(x, other, kept, sizes)
        products.append((method, x.steps, other.steps))
        x = result
    _sum_out(x, set(wanted))
    if x.labels != wanted or not (products or x.steps):  # the result is never the operand itself
        places = [x.labels.index(label) for label in wanted]
        x.then("permute", (places,), wanted, [x.shape[i] for i in places])
    return products, x.steps


_plans: dict[tuple, tuple[list, list]] = {}
_MOST_PLANS = 256  # entries; a program has few equations and few shapes


def _prepared(x: Tensor, steps: list) -> Tensor:
    for method, arguments in steps:
        x = getattr(x, method)(*arguments)
    return x


def contract(equation, operands: tuple) -> Tensor:
    """Evaluate an equation, or the form with sublists, on its operands."""
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    shapes = tuple(x.shape for x in operands)
    plan = _plans.get((equation, shapes))
    if plan is None:
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        plan = _plans[equation, shapes] = _plan(equation, shapes)
    products, last = plan
    x = operands[0]
    for (method, left, right), other in zip(products, operands[1:]):
        x = getattr(_prepared(x, left), method)(_prepared(other, right))
    return _prepared(x, last)
