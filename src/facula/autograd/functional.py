"""torch.autograd.functional: products with Jacobians and Hessians of functions of tensors. The transforms of torch.func
are the newer form; these take tensors or tuples of tensors only, and give results without history by default."""

from __future__ import annotations

from facula._C import Tensor, _set_grad_enabled
from facula.autograd.backward import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _as_tuple(given, what: str, name: str) -> tuple[bool, tuple]:
    """Whether it was a tuple, and a tuple of it."""
    if isinstance(given, Tensor):
        return False, (given,)
    items = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    for i, item in enumerate(items):
        if not isinstance(item, Tensor):
            found = f"the value at index {i} has type" if isinstance(given, tuple) else f"the given {what} has type"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but {found} {type(item)}."
            )
    return isinstance(given, (tuple, list)), items


class _Point:
    """A function at its inputs: the outputs recorded, the inputs new leaves, or aliases that keep their history."""

    def __init__(self, name: str, func, inputs, create_graph: bool):
        self.name, self.create_graph = name, create_graph
        self.many_inputs, given = _as_tuple(inputs, "inputs", name)
        self.given = given
        self.inputs = tuple(
            x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in given
        )
        self.many_outputs, self.outputs = _as_tuple(func(*self.inputs), "outputs of the user-provided function", name)

    def check_strict(self) -> None:
        for i, output in enumerate(self.outputs):
            if not output.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be "
                    f"computed in a differentiable manner from the input when running in strict mode."
                )

    def scalar(self) -> Tensor:
        if self.many_outputs:
            raise RuntimeError(f"The function given to {self.name} should return a single Tensor")
        if self.outputs[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {self.name} should contain a single element"
            )
        return self.outputs[0].squeeze()

    def results(self, found, like, strict: bool, what: str = "input") -> tuple:
        """Gradients with zeros for what does not take part, without history where none was asked for."""
        done = []
        for i, (g, x) in enumerate(zip(found, like)):
            if strict and g is None:
                raise RuntimeError(
                    f"The output of the user-provided function is independent of {what} {i}. This is not allowed in "
                    f"strict mode."
                )
            if strict and self.create_graph and not g.requires_grad:
                raise RuntimeError(
                    f"The jacobian of the user-provided function is independent of {what} {i}. This is not allowed in "
                    f"strict mode when create_graph=True."
                )
            g = x.new_zeros(x.shape) if g is None else g
            done.append(g if self.create_graph else g.detach())
        return tuple(done)

    def value(self):
        outputs = self.outputs if self.create_graph else tuple(y.detach() for y in self.outputs)
        return outputs if self.many_outputs else outputs[0]

    def like_inputs(self, results: tuple):
        return results if self.many_inputs else results[0]

    def like_outputs(self, results: tuple):
        return results if self.many_outputs else results[0]


def _vector(v, like: tuple, name: str, of: str) -> tuple:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if {of} a single Tensor with a single element.")
        return (like[0].new_ones(like[0].shape),)
    vectors = _as_tuple(v, "v", name)[1]
    if len(vectors) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}.")
    for i, (a, b) in enumerate(zip(vectors, like)):
        if a.shape != b.shape:
            raise RuntimeError(f"Entry {i} in v has invalid size: should be {b.size()} but got {a.size()}.")
    return vectors


def _grad(outputs, inputs, cotangents, create_graph: bool) -> tuple:
    used = [(y, c) for y, c in zip(outputs, cotangents) if y is not None and y.requires_grad]
    if not used:
        return (None,) * len(inputs)
    ys, cs = zip(*used)
    return grad(ys, inputs, cs, retain_graph=True, create_graph=create_graph, allow_unused=True)


class _Recording:
    def __enter__(self):
        self.before = _set_grad_enabled(True)

    def __exit__(self, *_):
        _set_grad_enabled(self.before)


def vjp(func, inputs, v=None, create_graph: bool = False, strict: bool = False):
    """The value of a function, and the product of a vector with its Jacobian.

    Args:
        v: of the shape of the outputs; may be left out for a single number.
        create_graph (bool): make the results differentiable.
        strict (bool): raise when an output does not depend on an input, instead of giving zeros.

    Raises:
        RuntimeError: v does not fit, or ``strict`` is not met.

    Example:
        >>> import facula as torch
        >>> torch.autograd.functional.vjp(lambda x: x**2, torch.tensor([1.0, 2.0]), torch.ones(2))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    with _Recording():
        point = _Point("vjp", func, inputs, create_graph)
        if strict:
            point.check_strict()
        vectors = _vector(v, point.outputs, "vjp", "the user-provided function returns")
        found = _grad(point.outputs, point.inputs, vectors, create_graph)
    return point.value(), point.like_inputs(point.results(found, point.inputs, strict))


def jvp(func, inputs, v=None, create_graph: bool = False, strict: bool = False):
    """The value of a function, and the product of its Jacobian with a vector.

    Args:
        v: of the shape of the inputs; may be left out for a single number.
        create_graph (bool): make the results differentiable.
        strict (bool): raise when an output does not depend on an input, instead of giving zeros.

    Raises:
        RuntimeError: v does not fit, or ``strict`` is not met.

    Example:
        >>> import facula as torch
        >>> torch.autograd.functional.jvp(lambda x: x**2, torch.tensor([1.0, 2.0]), torch.ones(2))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    with _Recording():
        point = _Point("jvp", func, inputs, create_graph)
        vectors = _vector(v, point.inputs, "jvp", "the input to the user-provided function is")
        if strict:
            point.check_strict()
        # J^T u is linear in u: its derivative in u, applied to v, is J v.
        dummies = tuple(y.new_zeros(y.shape).requires_grad_() for y in point.outputs)
        transposed = _grad(point.outputs, point.inputs, dummies, True)
        if strict and any(g is None for g in transposed):
            point.results(transposed, point.inputs, True)
        found = _grad(transposed, dummies, vectors, create_graph)
    return point.value(), point.like_outputs(point.results(found, point.outputs, False))


def _rows(point: _Point, output: Tensor, strict: bool, vectorize: bool) -> tuple:
    """For each input the gradients of all elements of an output, stacked."""
    from facula.functional import eye, stack

    count = output.numel()
    units = eye(count, dtype=output.dtype).view(count, *output.shape)
    if vectorize and output.requires_grad and count:
        columns: tuple = grad(
            output, point.inputs, units, retain_graph=True, create_graph=point.create_graph, allow_unused=True,
            is_grads_batched=True,
        )  # fmt: skip
        stacked = [x.new_zeros((count, *x.shape)) if g is None else g for g, x in zip(columns, point.inputs)]
    else:
        rows = [
            point.results(_grad((output,), point.inputs, (unit,), point.create_graph), point.inputs, strict)
            for unit in units
        ]
        stacked = (
            [stack(column) for column in zip(*rows)] if rows else [x.new_zeros((0, *x.shape)) for x in point.inputs]
        )
    shaped = (g.reshape(*output.shape, *x.shape) for g, x in zip(stacked, point.inputs))
    return tuple(g if point.create_graph else g.detach() for g in shaped)


def _forward_jacobian(func, inputs, strict: bool):
    from facula.func import jacfwd

    many, given = _as_tuple(inputs, "inputs", "jacobian")
    found = jacfwd(func, argnums=tuple(range(len(given))))(*given)
    several = isinstance(found[0], tuple) if found else False
    if several:
        return found if many else tuple(row[0] for row in found)
    return found if many else found[0]


def jacobian(func, inputs, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode"):  # fmt: skip
    """The Jacobian of a function.

    Args:
        create_graph (bool): make the result differentiable.
        strict (bool): raise when an output does not depend on an input, instead of giving zeros.
        vectorize (bool): one backward pass for all rows at once.
        strategy: ``'reverse-mode'``, or ``'forward-mode'`` together with ``vectorize``.

    Returns:
        A Tensor of the shape of output and input; tuples of them for several outputs or inputs.

    Raises:
        RuntimeError: ``strict`` is not met, or goes with ``vectorize``.

    Example:
        >>> import facula as torch
        >>> torch.autograd.functional.jacobian(lambda x: x**2, torch.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                'torch.autograd.functional.jacobian: `create_graph=True` is not implemented for "forward-mode".'
            )
        if strict:
            raise RuntimeError(
                'torch.autograd.functional.jacobian: `strict=True` is not supported for `strategy="forward-mode"`.'
            )
        if not vectorize:
            raise NotImplementedError(
                'torch.autograd.functional.jacobian: `strategy="forward-mode"` needs `vectorize=True`.'
            )
        return _forward_jacobian(func, inputs, strict)
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
            "Please either set `strict=False` or `vectorize=False`."
        )
    with _Recording():
        point = _Point("jacobian", func, inputs, create_graph)
        if strict:
            point.check_strict()
        rows = tuple(_rows(point, y, strict, vectorize) for y in point.outputs)
    return point.like_outputs(tuple(point.like_inputs(row) for row in rows))


def hessian(func, inputs, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode"):  # fmt: skip
    """The matrix of second derivatives of a function with one number as result.

    Args:
        create_graph (bool): make the result differentiable.
        strict (bool): raise when a derivative does not depend on an input, instead of giving zeros.
        vectorize (bool): one backward pass for all rows at once.
        outer_jacobian_strategy: mode of the outer derivative; ``'forward-mode'`` needs ``vectorize``.

    Raises:
        RuntimeError: the function returns more than one number, or ``strict`` is not met.

    Example:
        >>> import facula as torch
        >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    many, given = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def first(*xs):
        if outer_jacobian_strategy == "forward-mode":
            xs = tuple(x if x.requires_grad else x.requires_grad_() for x in xs)
        point = _Point("hessian", func, xs, True)
        value = point.scalar()
        if strict:
            point.check_strict()
        found = _grad((value,), point.inputs, (value.new_ones(()),), True)
        return point.results(found, point.inputs, strict)

    result = jacobian(
        first, given, create_graph=create_graph, strict=strict, vectorize=vectorize, strategy=outer_jacobian_strategy
    )
    return result if many else result[0][0]


def _second(name: str, func, inputs, create_graph: bool, strict: bool) -> tuple[_Point, Tensor, tuple]:
    point = _Point(name, func, inputs, create_graph)
    value = point.scalar()
    if strict:
        point.check_strict()
    return point, value, _grad((value,), point.inputs, (value.new_ones(()),), True)


def vhp(func, inputs, v=None, create_graph: bool = False, strict: bool = False):
    """The value of a function with one number as result, and the product of a vector with its Hessian.

    Args:
        v: of the shape of the inputs; may be left out for a single number.
        create_graph (bool): make the results differentiable.
        strict (bool): raise when a derivative does not depend on an input, instead of giving zeros.

    Raises:
        RuntimeError: v does not fit, the function returns more than one number, or ``strict`` is not met.

    Example:
        >>> import facula as torch
        >>> torch.autograd.functional.vhp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
        (tensor(9.), tensor([ 6., 12.]))
    """
    with _Recording():
        point, _, first = _second("vhp", func, inputs, create_graph, strict)
        vectors = _vector(v, point.inputs, "vhp", "the input to the user-provided function is")
        if strict:
            point.results(first, point.inputs, True)
        found = _grad(first, point.inputs, vectors, create_graph)
    return point.value(), point.like_inputs(point.results(found, point.inputs, strict))


def hvp(func, inputs, v=None, create_graph: bool = False, strict: bool = False):
    """The value of a function with one number as result, and the product of its Hessian with a vector.

    Args:
        v: of the shape of the inputs; may be left out for a single number.
        create_graph (bool): make the results differentiable.
        strict (bool): raise when a derivative does not depend on an input, instead of giving zeros.

    Raises:
        RuntimeError: v does not fit, the function returns more than one number, or ``strict`` is not met.

    Example:
        >>> import facula as torch
        >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
        (tensor(9.), tensor([ 6., 12.]))
    """
    with _Recording():
        point, value, _ = _second("hvp", func, inputs, create_graph, strict)
        vectors = _vector(v, point.inputs, "hvp", "the input to the user-provided function is")
        # The derivative of the gradient's product with a dummy, in the dummy's place.
        dummy = value.new_ones(()).requires_grad_()
        first = _grad((value,), point.inputs, (dummy,), True)
        if strict:
            point.results(first, point.inputs, True)
        found = _grad(first, point.inputs, vectors, create_graph)
    return point.value(), point.like_inputs(point.results(found, point.inputs, strict))
