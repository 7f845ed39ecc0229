"""torch.utils.checkpoint: part of a network keeps only its inputs, and runs again in the backward pass. Selective
checkpointing (context_fn) is not offered."""

from __future__ import annotations

import warnings

import facula
from facula._C import Tensor, _autocast_state, is_grad_enabled
from facula.autograd import Function, enable_grad, grad, no_grad
from facula.functional.random import get_rng_state, set_rng_state

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn"]


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function did not repeat the first."""


def noop_context_fn():
    """Two contexts that do nothing: the default of ``context_fn``."""
    from contextlib import nullcontext

    return nullcontext(), nullcontext()


class _Repeated(Function):
    """The function as one node, whose inputs are the tensors that its result depends on."""

    @staticmethod
    def forward(ctx, plan, outputs, *tensors):
        ctx.plan = plan
        ctx.save_for_backward(*tensors)
        return tuple(y.detach() for y in outputs)

    @staticmethod
    def backward(ctx, *gradients):
        plan, create_graph = ctx.plan, is_grad_enabled()
        tensors = ctx.saved_tensors
        inputs = [x.view_as(x) if create_graph else x.detach().requires_grad_() for x in tensors[: plan.arguments]]
        leaves = list(tensors[plan.arguments :])
        outputs = plan.run_again(inputs)
        pairs = [(y, g) for y, g in zip(outputs, gradients) if y.requires_grad and g is not None]
        if not pairs:
            return (None, None, *(None,) * len(tensors))
        found = grad(
            [y for y, _ in pairs], inputs + leaves, [g for _, g in pairs], create_graph=create_graph, allow_unused=True
        )
        return (None, None, *found)


_Repeated._node_name = "CheckpointFunctionBackward"  # what PyTorch's grad_fn shows


def _leaves_behind(outputs: list[Tensor], inputs: list[Tensor], first: int) -> list[Tensor] | None:
    """The leaves, other than the inputs, that results depend on; None when a path leads to a node older than ``first``.

    The inputs are aliases, so a path that comes to one of their nodes ends there.
    """
    seen = {x.grad_fn for x in inputs}
    leaves = []
    stack = [y.grad_fn for y in outputs]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name().endswith("AccumulateGrad"):
            leaves.append(node.variable)
        elif node._sequence_nr() < first:
            return None
        stack.extend(following for following, _ in node.next_functions)
    return leaves


class _Plan:
    """What running a function again needs: the function, its arguments, and the state of the random numbers."""

    def __init__(self, function, args, kwargs, preserve_rng_state: bool, compare: bool):
        from facula.func import _tree

        self.function = function
        self.leaves, self.tree = _tree.flatten((args, kwargs))
        self.places = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, Tensor) and leaf.requires_grad]
        self.given = [self.leaves[i] for i in self.places]
        for i in self.places:
            self.leaves[i] = None  # the node keeps them
        self.arguments = len(self.places)
        self.state = get_rng_state() if preserve_rng_state else None
        self.autocast = _autocast_state()
        self.compare = compare
        self.results = 0  # of the first run, and their shapes
        self.shapes: tuple[facula.Size, ...] = ()

    def run(self, inputs: list[Tensor]):
        from facula.func import _tree

        leaves = list(self.leaves)
        for i, x in zip(self.places, inputs):
            leaves[i] = x
        args, kwargs = _tree.unflatten(leaves, self.tree)
        return self.function(*args, **kwargs)

    def run_again(self, inputs: list[Tensor]) -> list[Tensor]:
        from facula.func import _tree

        present = get_rng_state() if self.state is not None else None
        if self.state is not None:
            set_rng_state(self.state)
        try:
            enabled, dtype, cache = self.autocast
            with enable_grad(), facula.autocast("cpu", dtype, enabled, cache):
                outcome = self.run(inputs)
        finally:
            if present is not None:
                set_rng_state(present)
        outputs = [y for y in _tree.flatten(outcome)[0] if isinstance(y, Tensor)]
        if len(outputs) != self.results:
            raise CheckpointError(
                f"torch.utils.checkpoint: A different number of tensors was returned during the recomputation: "
                f"{self.results} in forward, {len(outputs)} now"
            )
        for i, (y, shape) in enumerate(zip(outputs, self.shapes)):
            if self.compare and y.shape != shape:
                raise CheckpointError(
                    f"torch.utils.checkpoint: Recomputed values have different metadata than during the forward pass: "
                    f"tensor {i} had shape {tuple(shape)} and has {tuple(y.shape)} now"
                )
        return outputs


def checkpoint(
    function, *args, use_reentrant: bool | None = None, context_fn=noop_context_fn, determinism_check: str = "default",
    debug: bool = False, early_stop: bool = True, **kwargs,
):  # fmt: skip
    """Call a function without keeping what its derivative needs: the backward pass runs it again.

    The first run is recorded to learn which leaves take part, and its graph is dropped at once, so between the two
    passes only the arguments are kept. A function that uses recorded tensors computed outside of it, other than its
    arguments, keeps its graph.

    Args:
        use_reentrant (bool): True also warns when no argument requires a gradient, as in PyTorch.
        preserve_rng_state (bool): the second run sees the random numbers of the first. Default: True.
        determinism_check: ``'default'`` compares the shapes of both runs, ``'none'`` does not.

    Raises:
        ValueError: an unknown keyword or choice.
        CheckpointError: the second run gives other results.

    Example:
        >>> import facula as torch
        >>> from facula.utils.checkpoint import checkpoint
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> checkpoint(lambda v: (v * v).sum(), x, use_reentrant=False).backward()
        >>> x.grad
        tensor([2., 4.])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. use_reentrant=False is "
            "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant and kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    if context_fn is not noop_context_fn:
        what = "is only supported when use_reentrant=False" if use_reentrant else "is not supported"
        raise ValueError(f"Passing `context_fn` or `debug` {what}.")
    if not is_grad_enabled():
        return function(*args, **kwargs)
    plan = _Plan(function, args, kwargs, preserve, determinism_check == "default")
    if use_reentrant and not plan.given:
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        with no_grad():
            return plan.run([])
    return _recorded(plan)


def _recorded(plan: _Plan):
    from facula.func import _tree

    inputs = [x.view_as(x) for x in plan.given]
    # Nodes made from here on are the function's own.
    first = facula.zeros(1, requires_grad=True).view(1).grad_fn._sequence_nr()
    outcome = plan.run(inputs)
    leaves, tree = _tree.flatten(outcome)
    places = [i for i, y in enumerate(leaves) if isinstance(y, Tensor)]
    outputs = [leaves[i] for i in places]
    if not any(y.requires_grad for y in outputs):
        return outcome
    captured = _leaves_behind(outputs, inputs, first)
    if captured is None:
        return outcome
    plan.results, plan.shapes = len(outputs), tuple(y.shape for y in outputs)
    repeated = _Repeated.apply(plan, outputs, *plan.given, *captured)
    for i, y, fresh in zip(places, outputs, repeated):
        leaves[i] = fresh if y.requires_grad else y
    return _tree.unflatten(leaves, tree)


def checkpoint_sequential(functions, segments: int, input, use_reentrant: bool | None = None, **kwargs):
    """Run functions one after the other in segments, of which all but the last are checkpointed.

    Args:
        functions: a Sequential, or a list of modules or functions.
        segments (int): in how many parts.

    Raises:
        ValueError: an unknown keyword.

    Example:
        >>> import facula as torch
        >>> from facula.utils.checkpoint import checkpoint_sequential
        >>> net = torch.nn.Sequential(torch.nn.Tanh(), torch.nn.Tanh())
        >>> checkpoint_sequential(net, 2, torch.zeros(1), use_reentrant=False)
        tensor([0.])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. "
            "use_reentrant=False is recommended.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def through(start: int, end: int):
        def run(x):
            for step in steps[start:end]:
                x = step(x)
            return x

        return run

    size, end = len(steps) // segments, 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(through(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return through(end, len(steps))(input)
