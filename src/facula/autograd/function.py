"""Custom differentiable functions: a forward and a backward written in Python."""

from __future__ import annotations

from functools import wraps

from facula._C import FunctionContext, Tensor, _apply_function, _batch_depth, is_grad_enabled
from facula.autograd.grad_mode import no_grad


class FunctionCtx(FunctionContext):
    """What forward leaves for backward: ``save_for_backward``, ``saved_tensors``, and any attribute."""


class _FunctionType(type):
    """Gives each Function the name its node shows: ``<class name>Backward``."""

    def __init__(cls, name, bases, namespace):
        super().__init__(name, bases, namespace)
        cls._node_name = name + "Backward"


class Function(metaclass=_FunctionType):
    """Base of custom differentiable functions; subclass it and call ``apply``.

    A subclass defines static methods ``forward(ctx, *args)`` (or ``forward(*args)`` together with
    ``setup_context(ctx, inputs, output)``) and ``backward(ctx, *grad_outputs)``, which returns one gradient (or None)
    for each argument of forward.

    Example:
        >>> import facula as torch
        >>> class Exp(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = x.exp()
        ...         ctx.save_for_backward(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, g):
        ...         (y,) = ctx.saved_tensors
        ...         return g * y
        >>> x = torch.zeros(2, requires_grad=True)
        >>> Exp.apply(x).sum().backward()
        >>> x.grad
        tensor([1., 1.])
    """

    def __init__(self, *args, **kwargs):
        name = type(self).__name__
        raise RuntimeError(f"{name} should not be instantiated. Call `{name}.apply(...)`.")

    @staticmethod
    def forward(*args, **kwargs):
        """Compute the result. Must be overridden."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Save for backward, when forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    generate_vmap_rule = False  # True: vmap runs forward and backward on samples

    @staticmethod
    def vmap(info, in_dims, *args):
        """Compute all samples at once: (result, its batch dimension). ``info`` has batch_size and randomness."""
        raise NotImplementedError("vmap is not implemented: override it, or set generate_vmap_rule = True")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """Compute the gradients of forward's arguments. Must be overridden."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args):
        """Run forward and record the node.

        Args:
            *args: the arguments of forward.

        Returns:
            What forward returned.
        """
        if _batch_depth():
            from facula.func._custom import apply_if_batched

            found = apply_if_batched(cls, args)
            if found is not None:
                return found[0]
        ctx = FunctionCtx()
        if cls.setup_context is Function.setup_context:

            def run(*arguments):
                return cls.forward(ctx, *arguments)

        else:

            def run(*arguments):
                output = cls.forward(*arguments)
                cls.setup_context(ctx, arguments, output)
                return output

        return _apply_function(ctx, cls, args, run)

    @classmethod
    def _call_backward(cls, ctx, *gradients):
        if cls.backward is Function.backward and hasattr(cls, "vjp"):
            return cls.vjp(ctx, *gradients)
        return cls.backward(ctx, *gradients)


class _NotTwice(Function):
    """Passes gradients through; asking for theirs is the error."""

    @staticmethod
    def forward(ctx, count, *tensors):
        return tuple(t.clone() for t in tensors[:count])

    @staticmethod
    def backward(ctx, *gradients):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(backward):
    """Decorate a ``backward`` that is not differentiable itself: a second derivative then raises RuntimeError.

    Example:
        >>> import facula as torch
        >>> class Double(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        ...     @staticmethod
        ...     @torch.autograd.function.once_differentiable
        ...     def backward(ctx, g):
        ...         return g * 2
        >>> x = torch.ones(1, requires_grad=True)
        >>> Double.apply(x).backward()
        >>> x.grad
        tensor([2.])
    """

    @wraps(backward)
    def wrapped(ctx, *gradients):
        with no_grad():
            result = backward(ctx, *gradients)
        roots = tuple(g for g in gradients if isinstance(g, Tensor) and g.requires_grad)
        if not is_grad_enabled() or not roots:
            return result
        single = not isinstance(result, tuple)
        results = (result,) if single else result
        tensors = tuple(r for r in results if isinstance(r, Tensor))
        guarded = iter(_NotTwice.apply(len(tensors), *tensors, *roots))
        results = tuple(next(guarded) if isinstance(r, Tensor) else r for r in results)
        return results[0] if single else results

    return wrapped
