"""grad, vjp, jvp, jacrev, jacfwd, hessian, linearize: derivatives as functions of functions. What a level of
differentiation is stands in _tape.py."""

from __future__ import annotations

from functools import wraps

from facula._C import Tensor, is_grad_enabled
from facula.func import _tree
from facula.func._tape import Linearised, Tape
from facula.func._vmap import _check_randomness, vmap

Argnums = int | tuple[int, ...]

# ---- arguments ----


def _checked_argnums(argnums, count: int):
    if not isinstance(argnums, (int, tuple)):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    several = (argnums,) if isinstance(argnums, int) else argnums
    if not several:
        raise RuntimeError("argnums must be non-empty")
    if not all(isinstance(i, int) for i in several):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {argnums}")
    for i in several:
        if not -count <= i < count:
            raise RuntimeError(f"Got argnum={i}, but only {count} positional inputs")
    wrapped = tuple(i % count for i in several)
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return wrapped[0] if isinstance(argnums, int) else wrapped


class _Chosen:
    """The arguments that a derivative is taken of, flat, and how to call the function with others in their place."""

    def __init__(self, func, argnums, args: tuple, kwargs: dict):
        self.func, self.args, self.kwargs = func, args, kwargs
        self.argnums = _checked_argnums(argnums, len(args))
        picked = args[self.argnums] if isinstance(self.argnums, int) else tuple(args[i] for i in self.argnums)
        self.leaves, self.tree = _tree.flatten(picked)
        for leaf in self.leaves:
            if not isinstance(leaf, Tensor):
                raise ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}")

    def __call__(self, leaves: list[Tensor]):
        picked = _tree.unflatten(leaves, self.tree)
        args = list(self.args)
        if isinstance(self.argnums, int):
            args[self.argnums] = picked
        else:
            for i, value in zip(self.argnums, picked):
                args[i] = value
        return self.func(*args, **self.kwargs)


def _split_aux(outcome, has_aux: bool, where: str):
    if not has_aux:
        return outcome, None
    if not (isinstance(outcome, tuple) and len(outcome) == 2):
        raise RuntimeError(f"{where}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return outcome


def _released_aux(tape: Tape, aux):
    def release(leaf):
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(leaf)}")
        return tape.release(leaf)

    return _tree.map_leaves(release, aux)


def _flat_outputs(outcome, where: str) -> tuple[list[Tensor], _tree.Tree]:
    leaves, tree = _tree.flatten(outcome)
    call = where.partition("(")[2].partition(",")[0]
    if not leaves:
        raise RuntimeError(
            f"{where}: Expected {call} to be a function that has non-empty output (got output = {outcome})"
        )
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(
                f"{where}: expected f(*primals) to return only tensors, got unsupported type {type(leaf)}"
            )
    return leaves, tree


# ---- reverse mode ----


def grad_and_value(func, argnums: Argnums = 0, has_aux: bool = False):
    """A function that returns the gradient of ``func``, and its value.

    Args:
        func: returns a scalar tensor, or (scalar, aux) with ``has_aux``.
        argnums: of which positional arguments; a tuple gives a tuple of gradients.
        has_aux (bool): ``func`` returns something else beside the value, which is passed on.

    Raises:
        RuntimeError: ``func`` does not return a scalar tensor.

    Example:
        >>> import facula as torch
        >>> torch.func.grad_and_value(lambda x: x**2)(torch.tensor(3.0))
        (tensor(6.), tensor(9.))
    """

    @wraps(func)
    def wrapped(*args, **kwargs):
        chosen = _Chosen(func, argnums, args, kwargs)
        tape = Tape(chosen.leaves)
        outcome = tape.call(chosen, tape.inputs)
        where = "grad_and_value(f)(*args)"
        value, aux = _split_aux(outcome, has_aux, where)
        if not isinstance(value, Tensor):
            raise RuntimeError(f"{where}: Expected f(*args) to return a Tensor, got {type(value)}")
        if value.dim() != 0:
            raise RuntimeError(
                f"{where}: Expected f(*args) to return a scalar Tensor, got tensor with {value.dim()} dims. Maybe you "
                f"wanted to use the vjp or jacrev APIs instead?"
            )
        outside = tape.depends_outside([value])
        aux = _released_aux(tape, aux) if has_aux else None
        gradients = tape.pull([value], [value.new_ones(())], outside, keep=outside or has_aux)
        result = _tree.unflatten(gradients, chosen.tree)
        value = value if outside else value.detach()
        return (result, (value, aux)) if has_aux else (result, value)

    return wrapped


def grad(func, argnums: Argnums = 0, has_aux: bool = False):
    """A function that returns the gradient of ``func``, which returns a scalar.

    Args:
        argnums: of which positional arguments; a tuple gives a tuple of gradients.
        has_aux (bool): ``func`` returns (scalar, aux); the result is (gradient, aux).

    Example:
        >>> import facula as torch
        >>> torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(0.5))
        tensor(-0.4794)
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def wrapped(*args, **kwargs):
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def vjp(func, *primals, has_aux: bool = False):
    """The value of ``func`` at the primals, and the function that multiplies cotangents with its Jacobian.

    Returns:
        (output, vjp_fn) or, with ``has_aux``, (output, vjp_fn, aux). ``vjp_fn`` gives a tuple with a gradient for
        each primal.

    Raises:
        RuntimeError: ``func`` returns something else than tensors, or cotangents do not fit its output.

    Example:
        >>> import facula as torch
        >>> y, pull = torch.func.vjp(torch.sin, torch.tensor([0.0, 1.0]))
        >>> pull(torch.ones(2))
        (tensor([1.0000, 0.5403]),)
    """
    output, pull, aux = _vjp(func, primals, has_aux)
    return (output, pull, aux) if has_aux else (output, pull)


def _vjp(func, primals: tuple, has_aux: bool):
    where = "vjp(f, *primals)"
    leaves, tree = _tree.flatten(primals)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}")
    tape = Tape(leaves)
    outcome = tape.call(func, *_tree.unflatten(tape.inputs, tree))
    outcome, aux = _split_aux(outcome, has_aux, where)
    outputs, out_tree = _flat_outputs(outcome, where)
    outside = tape.depends_outside(outputs)

    def vjp_fn(cotangents, retain_graph: bool = True, create_graph: bool | None = None):
        given, given_tree = _tree.flatten(cotangents)
        if given_tree != out_tree:
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {given_tree!r}, primal output: {out_tree!r}"
            )
        for cotangent, output in zip(given, outputs):
            if cotangent.shape != output.shape:
                raise RuntimeError(
                    f"a cotangent of shape {tuple(cotangent.shape)} was given for an output of shape "
                    f"{tuple(output.shape)}"
                )
        record = is_grad_enabled() and (outside or any(c.requires_grad for c in given))
        record = record if create_graph is None else create_graph
        gradients = tape.pull(outputs, given, record, keep=retain_graph or record)
        return _tree.unflatten(gradients, tree)

    released = _tree.unflatten([tape.release(y) for y in outputs], out_tree)
    return released, vjp_fn, _released_aux(tape, aux) if has_aux else None


def _basis(tensors: list[Tensor]) -> list[Tensor]:
    """For each tensor a stack of unit vectors of its shape: together the identity over all their elements."""
    from facula.functional import zeros

    sizes = [t.numel() for t in tensors]
    total, start, result = sum(sizes), 0, []
    for t, size in zip(tensors, sizes):
        unit = zeros(total, size, dtype=t.dtype)
        unit.diagonal(-start).fill_(1)
        result.append(unit.view(total, *t.shape))
        start += size
    return result


def jacrev(func, argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None,
           _preallocate_and_copy: bool = False):  # fmt: skip
    """A function that returns the Jacobian of ``func`` by reverse mode: one backward pass for all outputs at once.

    Args:
        argnums: of which positional arguments; a tuple gives a tuple of Jacobians.
        has_aux (bool): ``func`` returns (output, aux); the result is (Jacobian, aux).
        chunk_size (int): how many rows are computed at a time.

    Example:
        >>> import facula as torch
        >>> torch.func.jacrev(lambda x: x**2)(torch.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func)
    def wrapped(*args, **kwargs):
        chosen = _Chosen(func, argnums, args, kwargs)
        output, pull, aux = _vjp(lambda *leaves: chosen(list(leaves)), tuple(chosen.leaves), has_aux)
        outputs, out_tree = _tree.flatten(output)
        rows = vmap(lambda *units: pull(_tree.unflatten(units, out_tree)), chunk_size=chunk_size)(*_basis(outputs))
        sizes = [y.numel() for y in outputs]
        parts = [column.split(sizes, 0) for column in rows]  # [input][output]
        jacobians = [
            _tree.unflatten([part[i].view(*y.shape, *x.shape) for part, x in zip(parts, chosen.leaves)], chosen.tree)
            for i, y in enumerate(outputs)
        ]
        result = _tree.unflatten(jacobians, out_tree)
        return (result, aux) if has_aux else result

    return wrapped


# ---- forward mode ----


def _linearised(func, primals: tuple, has_aux: bool = False):
    """The function at a point: (Linearised, structure of primals, structure of outputs, released outputs, aux)."""
    where = "jvp(f, primals, tangents)"
    leaves, tree = _tree.flatten(primals)
    if not leaves:
        raise RuntimeError(f"{where}: Expected primals to contain at least one Tensor.")
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"{where}: Expected primals to only contain Tensors, got {type(leaf)}")

    def flat(inputs):
        outcome, aux = _split_aux(func(*_tree.unflatten(inputs, tree)), has_aux, where)
        outputs, out_tree = _flat_outputs(outcome, where)
        return outputs, (out_tree, aux)

    line = Linearised(flat, leaves)
    out_tree, aux = line.rest
    released = _tree.unflatten([line.tape.release(y) for y in line.outputs], out_tree)
    return line, tree, out_tree, released, _released_aux(line.tape, aux) if has_aux else None


def jvp(func, primals: tuple, tangents: tuple, *, strict: bool = False, has_aux: bool = False):
    """The value of ``func`` at the primals, and its derivative in the direction of the tangents.

    Args:
        primals, tangents: tuples of the same structure.
        strict (bool): an output that does not depend on the primals is an error.
        has_aux (bool): ``func`` returns (output, aux); the result is (output, derivative, aux).

    Raises:
        RuntimeError: primals and tangents do not fit.

    Example:
        >>> import facula as torch
        >>> torch.func.jvp(torch.sin, (torch.tensor(0.0),), (torch.tensor(2.0),))
        (tensor(0.), tensor(2.))
    """
    where = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{where}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    primal_leaves, tree = _tree.flatten(primals)
    given, given_tree = _tree.flatten(tangents)
    if tree != given_tree:
        raise RuntimeError(
            f"{where}: Expected primals and tangents to have the same python structure. For example, if primals is a "
            f"tuple of 3 tensors, tangents also must be. Got primals with structure {tree!r} and tangents with "
            f"structure {given_tree!r}"
        )
    for x, t in zip(primal_leaves, given):
        if isinstance(x, Tensor) and isinstance(t, Tensor) and x.shape != t.shape:
            raise RuntimeError(
                f"Trying to set a forward gradient that has a different size than that of the original Tensor, this is "
                f"not supported. Tensor is of size {list(x.shape)} while the given forward gradient is of size "
                f"{list(t.shape)}."
            )
    line, _, out_tree, released, aux = _linearised(func, primals, has_aux)
    if strict and not all(y.requires_grad for y in line.outputs):
        raise RuntimeError(f"{where}: The output of f is independent of the input. This is not allowed in strict mode.")
    derivative = _tree.unflatten(line.push(given), out_tree)
    return (released, derivative, aux) if has_aux else (released, derivative)


def linearize(func, *primals):
    """The value of ``func`` at the primals, and its derivative there as a function of tangents.

    ``func`` itself runs once; the linear function may be called many times.

    Raises:
        RuntimeError: tangents do not have the structure and shapes of the primals.

    Example:
        >>> import facula as torch
        >>> y, derivative = torch.func.linearize(torch.sin, torch.tensor(0.0))
        >>> derivative(torch.tensor(3.0))
        tensor(3.)
    """
    line, tree, out_tree, released, _ = _linearised(func, primals)

    def jvp_fn(*tangents):
        given, given_tree = _tree.flatten(tangents)
        if given_tree != tree:
            raise RuntimeError(
                f"Expected the tangents {given_tree!r} to have the same structure as the primals {tree!r}"
            )
        for i, (t, x) in enumerate(zip(given, line.tape.inputs)):
            if t.shape != x.shape:
                raise RuntimeError(
                    f"tangent:{i} with shape {t.shape} in flattened pytree doesn't match the shape {x.shape} of the "
                    f"corresponding primal."
                )
            if t.dtype != x.dtype:
                raise RuntimeError(
                    f"tangent:{i} with dtype {t.dtype} in flattened pytree doesn't match the dtype {x.dtype} of the "
                    f"corresponding primal."
                )
        return _tree.unflatten(line.push(given), out_tree)

    return released, jvp_fn


def jacfwd(func, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"):
    """A function that returns the Jacobian of ``func`` by forward mode: one pass for all inputs at once.

    Args:
        argnums: of which positional arguments; a tuple gives a tuple of Jacobians.
        has_aux (bool): ``func`` returns (output, aux); the result is (Jacobian, aux).
        randomness: as in vmap. ``func`` runs once, so all columns see the same numbers.

    Example:
        >>> import facula as torch
        >>> torch.func.jacfwd(lambda x: x**2)(torch.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """

    @wraps(func)
    def wrapped(*args, **kwargs):
        _check_randomness(randomness)
        chosen = _Chosen(func, argnums, args, kwargs)
        line, _, out_tree, _, aux = _linearised(lambda *leaves: chosen(list(leaves)), tuple(chosen.leaves), has_aux)
        columns = vmap(lambda *units: tuple(line.push(list(units))), out_dims=-1)(*_basis(chosen.leaves))
        sizes = [x.numel() for x in chosen.leaves]
        jacobians = []
        for column, y in zip(columns, line.outputs):
            parts = column.split(sizes, -1)
            shaped = [part.reshape(*y.shape, *x.shape) for part, x in zip(parts, chosen.leaves)]
            jacobians.append(_tree.unflatten(shaped, chosen.tree))
        result = _tree.unflatten(jacobians, out_tree)
        return (result, aux) if has_aux else result

    return wrapped


def hessian(func, argnums: Argnums = 0):
    """A function that returns the matrix of second derivatives of ``func``: forward mode over reverse mode.

    Args:
        argnums: of which positional arguments; a tuple gives a tuple of tuples.

    Example:
        >>> import facula as torch
        >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
