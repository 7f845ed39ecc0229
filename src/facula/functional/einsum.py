"""einsum: Einstein summation as diagonals, sums and batched matrix products. Contracts from left to right; it does not
search for a better order."""

from __future__ import annotations

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


def _diagonals(x: Tensor, labels: list) -> tuple[Tensor, list]:
    """Repeated labels of one operand become one dimension."""
    if len(set(labels)) == len(labels):
        return x, labels
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.size(first) != x.size(second):
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for one operand but the sizes don't match, "
                    f"{x.size(second)} != {x.size(first)}"
                )
            x = x.diagonal(0, first, second)
            labels = [other for i, other in enumerate(labels) if i not in (first, second)] + [label]
    return x, labels


# (equation, dimensions of the operands) -> (labels of each operand, labels of the result)
_parsed: dict[tuple, tuple[list[list], list]] = {}
_MOST_PARSED = 256  # entries; a program has few equations


def _parse(equation: str, ndims: tuple[int, ...]) -> tuple[list[list], list]:
    """The labels of each operand's dimensions and of the result's, remembered."""
    key = (equation, ndims)
    if key not in _parsed:
        if len(_parsed) >= _MOST_PARSED:
            _parsed.clear()
        _parsed[key] = _labels(equation, ndims)
    return _parsed[key]


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


def _check_sizes(parsed: list[tuple[Tensor, list]]) -> dict:
    sizes: dict = {}
    for i, (x, labels) in enumerate(parsed):
        for label, size in zip(labels, x.shape):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {i} which does not broadcast with "
                    f"previously seen size {known}"
                )
    return sizes


def _sum_out(x: Tensor, labels: list, kept: set) -> tuple[Tensor, list]:
    dims = [i for i, label in enumerate(labels) if label not in kept]
    return (x.sum(dims), [label for label in labels if label in kept]) if dims else (x, labels)


def _grouped(x: Tensor, labels: list, order: list, sizes: dict, groups: tuple) -> Tensor:
    """Dimensions brought into an order and joined into three."""
    if labels != order:
        x = x.permute([labels.index(label) for label in order])
    full = [sizes[label] for label in order]
    if list(x.shape) != full:
        x = x.expand(full)
    shape = []
    for group in groups:
        n = 1
        for label in group:
            n *= sizes[label]
        shape.append(n)
    return x.reshape(shape) if shape != full else x


def _pair(a: Tensor, a_labels: list, b: Tensor, b_labels: list, kept: set, sizes: dict) -> tuple[Tensor, list]:
    """One product of two operands, summed over what neither the result nor a later operand needs."""
    a, a_labels = _sum_out(a, a_labels, kept | set(b_labels))
    b, b_labels = _sum_out(b, b_labels, kept | set(a_labels))
    shared = [label for label in a_labels if label in b_labels]
    contracted = [label for label in shared if label not in kept]
    for label in list(contracted):  # a size of 1 against a larger one is a sum on the larger side
        sizes_of_both = a.size(a_labels.index(label)), b.size(b_labels.index(label))
        if sizes_of_both[0] != sizes_of_both[1]:
            return _pair(
                *_sum_out(a, a_labels, set(a_labels) - {label}),
                *_sum_out(b, b_labels, set(b_labels) - {label}),
                kept,
                sizes,
            )
    batch = [label for label in shared if label in kept]
    rows = [label for label in a_labels if label not in shared]
    columns = [label for label in b_labels if label not in shared]
    lead = [batch] if batch or not contracted else []
    left = _grouped(a, a_labels, batch + rows + contracted, sizes, (*lead, rows, contracted))
    right = _grouped(b, b_labels, batch + contracted + columns, sizes, (*lead, contracted, columns))
    labels = batch + rows + columns
    shape = [sizes[label] for label in labels]
    if not contracted:
        product = left * right
    else:
        product = left.bmm(right) if batch else left.mm(right)
    return (product.reshape(shape) if list(product.shape) != shape else product), labels


def contract(equation, operands: tuple) -> Tensor:
    """Evaluate an equation, or the form with sublists, on its operands."""
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    labels_of, wanted = _parse(equation, tuple(x.dim() for x in operands))
    parsed = [_diagonals(x, labels) for x, labels in zip(operands, labels_of)]
    sizes = _check_sizes(parsed)
    x, labels = parsed[0]
    for i, (other, other_labels) in enumerate(parsed[1:], 1):
        kept = set(wanted).union(*(later for _, later in parsed[i + 1 :]))
        x, labels = _pair(x, labels, other, other_labels, kept, sizes)
    x, labels = _sum_out(x, labels, set(wanted))
    return x.permute([labels.index(label) for label in wanted]) if labels != wanted else x
