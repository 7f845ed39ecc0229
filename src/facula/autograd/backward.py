"""backward and grad: the two doors of the engine."""

from __future__ import annotations

from facula._C import Tensor, _run_backward


def _as_tuple(value) -> tuple:
    if isinstance(value, Tensor) or hasattr(value, "output_nr"):  # also a graph.GradientEdge, which is a tuple itself
        return (value,)
    return tuple(value)


def _gradients(given, count: int) -> tuple:
    if given is None:
        return (None,) * count
    given = _as_tuple(given)
    if len(given) != count:
        raise RuntimeError(f"got {count} tensors and {len(given)} gradients")
    return given


def backward(
    tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None
) -> None:
    """Sum the gradients of the tensors into ``.grad`` of the leaves they depend on.

    Args:
        tensors: a Tensor or a sequence of them; non-scalars need ``grad_tensors``.
        grad_tensors: a gradient (or None, for scalars) for each tensor, of its shape.
        retain_graph (bool): keep what the graph saved, for another walk. Default: ``create_graph``.
        create_graph (bool): record the gradients' own computation, for higher derivatives.
        inputs: collect gradients only into these tensors.

    Raises:
        RuntimeError: nothing requires grad, a gradient is missing or has the wrong shape, the graph was freed.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> torch.autograd.backward((x * x).sum())
        >>> x.grad
        tensor([2., 4.])
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`."
            )
        grad_tensors = grad_variables
    tensors = _as_tuple(tensors)
    if inputs is not None:
        inputs = _as_tuple(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    keep = create_graph if retain_graph is None else retain_graph
    _run_backward(tensors, _gradients(grad_tensors, len(tensors)), keep, create_graph, inputs or (), True)


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
) -> tuple:
    """Gradients of the outputs with respect to the inputs, without touching any ``.grad``.

    Args:
        outputs, inputs: a Tensor or a sequence of them.
        grad_outputs: a gradient (or None, for scalars) for each output.
        retain_graph (bool): keep what the graph saved. Default: ``create_graph``.
        create_graph (bool): make the result differentiable.
        allow_unused (bool): give None for an input that the outputs do not depend on, instead of an error.
            Default: ``materialize_grads``.
        is_grads_batched (bool): the first dimension of each grad_outputs counts separate gradients.
        materialize_grads (bool): give zeros for unused inputs.

    Returns:
        A tuple with a Tensor of each input's shape.

    Raises:
        RuntimeError: an input is not used or does not require grad.
        ValueError: ``materialize_grads`` with ``allow_unused=False``.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> torch.autograd.grad(x**2, x)
        (tensor(6.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    outputs, inputs = _as_tuple(outputs), _as_tuple(inputs)
    if not inputs:
        raise ValueError("grad requires non-empty inputs.")
    keep = create_graph if retain_graph is None else retain_graph
    gradients = _gradients(grad_outputs, len(outputs))
    if is_grads_batched:
        return _batched_grad(outputs, inputs, gradients, keep, create_graph, allow_unused, materialize_grads)
    result = _run_backward(outputs, gradients, keep, create_graph, inputs, False)
    if not allow_unused and any(g is None for g in result):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. "
            "Set allow_unused=True if this "
            f"is the desired behavior. (input number {[g is None for g in result].index(True)})"
        )
    if materialize_grads:
        import facula

        result = tuple(facula.zeros_like(x) if g is None else g for g, x in zip(result, inputs))
    return result


def _batched_grad(outputs, inputs, gradients, keep, create_graph, allow_unused, materialize_grads):
    """One walk for all cotangents: vmap of the backward pass."""
    from facula.func import vmap

    count = sum(g is not None for g in gradients)
    if count == 0:
        raise RuntimeError("grad_outputs must be given with is_grads_batched=True: its first dimension is the batch")

    def walk(*cotangents):
        given = iter(cotangents)
        full = tuple(None if g is None else next(given) for g in gradients)
        found = grad(
            outputs,
            inputs,
            full,
            keep,
            create_graph,
            allow_unused=allow_unused,
            materialize_grads=materialize_grads,
        )
        missing.append([g is None for g in found])
        return tuple(g for g in found if g is not None)

    missing: list = []
    rows = iter(vmap(walk)(*(g for g in gradients if g is not None)))
    return tuple(None if absent else next(rows) for absent in missing[0])
