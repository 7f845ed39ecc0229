"""One level of differentiation on the ordinary engine: inputs that are leaves of this level, and vector-Jacobian and
Jacobian-vector products that may be asked for under further vmaps. The public functions are in _derivatives.py."""

from __future__ import annotations

from facula._C import (
    Tensor,
    _batch_depth,
    _make_batched,
    _physical,
    _reaches_others,
    _run_backward,
    _set_grad_enabled,
    is_grad_enabled,
)
from facula.func._batching import state, with_level, without_level


def _opened(x: Tensor, depth: int) -> Tensor:
    """The tensor without its levels 1 to depth: [batch 1, ..., batch depth, sample], expanded where not batched."""
    for level in range(depth, 0, -1):
        inner = without_level(x, level)
        x = x.expand(state.levels[level - 1][1], *x.shape) if inner is None else inner
    return x


def _closed(x: Tensor, depth: int) -> Tensor:
    """What ``_opened`` opened."""
    for level in range(1, depth + 1):
        x = with_level(x, level)
    return x


def _is_batched_at_all(x: Tensor, depth: int) -> bool:
    return all(without_level(x, level) is not None for level in range(depth, 0, -1))


class Tape:
    """Inputs of one level of differentiation.

    Samples of a vmap are independent, so the sum over a batch has the gradients of all samples: inputs are batched at
    every active vmap before they are differentiated.

    Args:
        inputs: tensors of a floating type. Those with a history keep it, for the levels further out.
    """

    def __init__(self, inputs: list[Tensor]):
        self.depth = _batch_depth()
        self.outer_grad = is_grad_enabled()
        self.roots = [self._root(x) for x in inputs]
        self.inputs = [self._closed_root(x) for x in self.roots]

    def _root(self, x: Tensor) -> Tensor:
        if not (x.dtype.is_floating_point or x.dtype.is_complex):
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients (got {x.dtype}; convert with x.float())"
            )
        plain = _opened(x, self.depth)
        if self.outer_grad and plain.requires_grad:
            return plain.view_as(plain)
        return plain.detach().requires_grad_()

    def _closed_root(self, x: Tensor) -> Tensor:
        for level in range(1, self.depth + 1):
            x = _make_batched(x, level)
        return x

    def call(self, func, *args, **kwargs):
        """Run a function with recording on, whatever the mode outside is."""
        before = _set_grad_enabled(True)
        try:
            return func(*args, **kwargs)
        finally:
            _set_grad_enabled(before)

    def depends_outside(self, tensors: list[Tensor]) -> bool:
        """Whether tensors have a history besides this level's inputs, so that an outer level may differentiate them."""
        plain = tuple(p for p in map(self._innermost, tensors) if p.requires_grad)
        return self.outer_grad and bool(plain) and _reaches_others(plain, tuple(self.roots))

    @staticmethod
    def _innermost(x: Tensor) -> Tensor:
        for level in range(_batch_depth(), 0, -1):
            inner = _physical(x, level)
            x = x if inner is None else inner
        return x

    def release(self, x: Tensor) -> Tensor:
        """A result as the caller sees it: without a history that only this level has."""
        if not x.requires_grad or self.depends_outside([x]):
            return x
        return x.detach()

    def pull(self, outputs: list[Tensor], cotangents: list[Tensor], create_graph: bool, keep: bool = True) -> list:
        """Vector-Jacobian product: for each input its gradient, zeros where the outputs do not depend on it."""
        roots, seeds = [], []
        for output, cotangent in zip(outputs, cotangents):
            if not output.requires_grad or not _is_batched_at_all(output, self.depth):
                continue  # it does not depend on the inputs, which are batched at every level
            roots.append(_opened(output, self.depth))
            seeds.append(_opened(cotangent, self.depth))
        found: tuple = (None,) * len(self.roots)
        if roots:
            before = _set_grad_enabled(True)
            try:
                found = _run_backward(tuple(roots), tuple(seeds), keep, create_graph, tuple(self.roots), False)
            finally:
                _set_grad_enabled(before)
        gradients = [root.new_zeros(root.shape) if g is None else g for root, g in zip(self.roots, found)]
        return [_closed(g, self.depth) for g in gradients]


class Linearised:
    """A function at a point, as a linear map of tangents.

    The gradient J^T u is linear in u, so differentiating it with respect to u and contracting with a tangent t gives
    J t: forward mode for everything that can be differentiated twice.
    """

    def __init__(self, func, inputs: list[Tensor]):
        self.tape = Tape(inputs)
        self.outputs, self.rest = self.tape.call(func, self.tape.inputs)
        self._dual: Tape | None = None

    def _prepare(self) -> tuple:
        from facula.functional import zeros_like

        before = _set_grad_enabled(True)
        try:
            dual = Tape([zeros_like(y).detach() for y in self.outputs])
            gradients = self.tape.pull(self.outputs, dual.inputs, True)
        finally:
            _set_grad_enabled(before)
        self._dual, self._gradients = dual, gradients
        history = [g for g in gradients if g.requires_grad]
        own = tuple(self.tape.roots + dual.roots)
        plain = tuple(Tape._innermost(g) for g in history)
        self._outside = self.tape.outer_grad and bool(plain) and _reaches_others(plain, own)
        return dual, gradients

    def push(self, tangents: list[Tensor]) -> list[Tensor]:
        """Jacobian-vector product: for each output its derivative in the direction of the tangents."""
        dual, gradients = (self._dual, self._gradients) if self._dual is not None else self._prepare()
        record = self._outside or (is_grad_enabled() and any(t.requires_grad for t in tangents))
        return dual.pull(gradients, tangents, record)
