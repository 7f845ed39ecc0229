"""From unconstrained numbers to a constraint: ``biject_to`` one to one, ``transform_to`` for optimisation."""

from __future__ import annotations

from facula.distributions import constraints, transforms

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """A map from classes of constraints to what makes their transform.

    Example:
        >>> import facula as torch
        >>> torch.distributions.biject_to(torch.distributions.constraints.positive)(torch.tensor(0.0))
        tensor(1.)
    """

    def __init__(self) -> None:
        self._registry: dict = {}

    def register(self, constraint, factory=None):
        """Make ``factory(constraint)`` the transform for a constraint's class; a decorator without ``factory``."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = constraint if isinstance(constraint, type) else type(constraint)
        if not issubclass(kind, constraints.Constraint):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint):
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _to_interval(constraint):
    if constraint.lower_bound == 0 and constraint.upper_bound == 1:
        return transforms.SigmoidTransform()
    affine = transforms.AffineTransform(constraint.lower_bound, constraint.upper_bound - constraint.lower_bound)
    return transforms.ComposeTransform([transforms.SigmoidTransform(), affine])


def _to_greater(constraint):
    affine = transforms.AffineTransform(constraint.lower_bound, 1)
    return transforms.ComposeTransform([transforms.ExpTransform(), affine])


def _to_less(constraint):
    affine = transforms.AffineTransform(constraint.upper_bound, -1)
    return transforms.ComposeTransform([transforms.ExpTransform(), affine])


for _registry in (biject_to, transform_to):
    _registry.register(constraints.real, lambda c: transforms.identity_transform)
    _registry.register(
        constraints.greater_than,
        lambda c: transforms.ExpTransform() if c.lower_bound == 0 else _to_greater(c),
    )
    _registry.register(
        constraints.greater_than_eq,
        lambda c: transforms.ExpTransform() if c.lower_bound == 0 else _to_greater(c),
    )
    _registry.register(constraints.less_than, _to_less)
    _registry.register(constraints.interval, _to_interval)
    _registry.register(constraints.half_open_interval, _to_interval)
    _registry.register(
        constraints.stack,
        lambda c, registry=_registry: transforms.StackTransform([registry(part) for part in c.cseq], c.dim),
    )
    _registry.register(
        constraints.cat,
        lambda c, registry=_registry: transforms.CatTransform([registry(part) for part in c.cseq], c.dim, c.lengths),
    )
    _registry.register(constraints.corr_cholesky, lambda c: transforms.CorrCholeskyTransform())
    _registry.register(
        constraints.independent,
        lambda c, registry=_registry: transforms.IndependentTransform(
            registry(c.base_constraint), c.reinterpreted_batch_ndims
        ),
    )
biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
transform_to.register(constraints.positive_definite, lambda c: transforms.PositiveDefiniteTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
