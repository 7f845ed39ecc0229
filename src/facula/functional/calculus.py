"""Differences, gradients and trapezoidal sums along dimensions, norms of slices, mantissa and exponent."""

from __future__ import annotations

from facula._C import Tensor
from facula._native import composed, native
from facula.functional.arguments import Number, wrapped_dim, wrapped_dims, write_out
from facula.functional.arithmetic import sub
from facula.functional.creation import full_like, zeros
from facula.functional.joining import cat
from facula.functional.logical import logical_xor
from facula.functional.return_types import frexp as _Frexp

METHODS = "diff frexp renorm renorm_"

__all__ = ["cumulative_trapezoid", "diff", "frexp", "gradient", "renorm", "trapezoid", "trapz"]


# ---- differences ----


def _check_joined(input: Tensor, joined: Tensor | None, dim: int) -> None:
    if joined is None:
        return
    if joined.dim() != input.dim():
        raise RuntimeError(
            f"diff expects prepend or append to be the same dimension as input, got {joined.dim()} and {input.dim()}"
        )
    for d in range(input.dim()):
        if d != dim and joined.size(d) != input.size(d):
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input except along the "
                f"differencing dimension; input.size({d}) = {input.size(d)}, but got tensor.size({d}) = "
                f"{joined.size(d)}"
            )


@composed
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None, *,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The ``n``-th differences of neighbours along a dimension; of truth values: whether they differ.

    Args:
        prepend: joined before the input along ``dim``.
        append: joined behind it.

    Raises:
        RuntimeError: a negative ``n``, or shapes that do not fit.

    Example:
        >>> import facula as torch
        >>> torch.diff(torch.tensor([1, 4, 9]))
        tensor([3, 5])
    """
    if input.dim() < 1:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = wrapped_dim(dim, input.dim())
    _check_joined(input, prepend, dim)
    _check_joined(input, append, dim)
    if n == 0:
        return input.clone() if out is None else write_out(input.clone(), out)
    parts = [part for part in (prepend, input, append) if part is not None]
    joined = cat(parts, dim) if len(parts) > 1 else input
    subtract = logical_xor if str(joined.dtype).endswith("bool") else sub
    n = min(n, joined.size(dim))
    for _ in range(n):
        length = max(joined.size(dim) - 1, 0)
        joined = subtract(joined.narrow(dim, joined.size(dim) - length, length), joined.narrow(dim, 0, length))
    return joined if out is None else write_out(joined, out)


# ---- gradient ----


def _gradient_check(input: Tensor, dims: list[int], edge_order: int) -> None:
    if str(input.dtype).endswith("uint8"):
        raise RuntimeError("torch.gradient does not support uint8 input.")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for d in dims:
        if input.size(d) < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")


def _even(f: Tensor, dim: int, step: Number, edge_order: int) -> Tensor:
    """Central differences, one-sided at the ends, at equal distances."""
    length = f.size(dim)
    at = [f.narrow(dim, i, 1) for i in range(edge_order + 1)]
    end = [f.narrow(dim, length - 1 - i, 1) for i in range(edge_order + 1)]
    center = (f.narrow(dim, 2, length - 2) - f.narrow(dim, 0, length - 2)) / step
    if edge_order == 1:
        first, last = (at[1] - at[0]) / step, (end[0] - end[1]) / step
    else:
        first = (-1.5 * at[0] + 2 * at[1] - 0.5 * at[2]) / step
        last = (0.5 * end[2] - 2 * end[1] + 1.5 * end[0]) / step
    return cat([first, center / 2, last], dim)


def _uneven(f: Tensor, dim: int, places: Tensor, edge_order: int) -> Tensor:
    """Second-order differences for points at ``places`` (Fornberg 1988), one-sided at the ends."""
    length = f.size(dim)
    shape = [1] * f.dim()
    shape[dim] = -1
    h = diff(places)
    before, after = h[:-1].reshape(shape), h[1:].reshape(shape)
    lower, middle, upper = (f.narrow(dim, i, length - 2) for i in range(3))
    center = (
        -after / (before * (before + after)) * lower
        + (after - before) / (before * after) * middle
        + before / (after * (before + after)) * upper
    )
    at = [f.narrow(dim, i, 1) for i in range(edge_order + 1)]
    end = [f.narrow(dim, length - 1 - i, 1) for i in range(edge_order + 1)]
    if edge_order == 1:
        return cat([(at[1] - at[0]) / h[0], center, (end[0] - end[1]) / h[-1]], dim)
    a, b = h[0], h[1]
    first = -(2 * a + b) / (a * (a + b)) * at[0] + (a + b) / (a * b) * at[1] - a / (b * (a + b)) * at[2]
    a, b = h[-2], h[-1]
    last = b / (a * (a + b)) * end[2] - (a + b) / (a * b) * end[1] + (a + 2 * b) / (b * (a + b)) * end[0]
    return cat([first, center, last], dim)


@composed
def gradient(input: Tensor, *, spacing=None, dim=None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The derivative along each dimension, estimated from neighbours.

    Args:
        spacing: a distance, one for each dimension, or a list of one-dimensional tensors of places. Default: 1.
        dim: which dimensions. Default: all.
        edge_order: 1 or 2, the order of the one-sided estimate at the ends.

    Raises:
        RuntimeError: too few points, a spacing that does not fit, or another ``edge_order``.

    Example:
        >>> import facula as torch
        >>> torch.gradient(torch.tensor([1.0, 4.0, 9.0]))
        (tensor([3., 4., 5.]),)
    """
    if isinstance(spacing, Tensor):
        raise TypeError("gradient(): argument 'spacing' must be a number, a list of numbers or a list of tensors")
    spacing = 1 if spacing is None else spacing
    dims = wrapped_dims(dim, input.dim())
    many = isinstance(spacing, (list, tuple))
    if many and len(spacing) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to "
            + (f"'self.dim() = {input.dim()}', since dim argument was not given, " if dim is None else "that of dim, ")
            + f"but got a list of length {len(spacing)}"
        )
    _gradient_check(input, dims, edge_order)
    results = []
    for d, step in zip(dims, spacing if many else [spacing] * len(dims)):
        if isinstance(step, Tensor):
            if step.dim() != 1 or step.numel() != input.size(d):
                raise RuntimeError(
                    f"torch.gradient expected each element of spacing to have one dimension of the input's size "
                    f"{input.size(d)} there, but got shape {tuple(step.shape)}"
                )
            results.append(_uneven(input, d, step, edge_order))
        else:
            results.append(_even(input, d, step, edge_order))
    return tuple(results)


# ---- trapezoids ----


def _check_sampled(name: str, y: Tensor, x: Tensor | None, dx) -> Number:
    if x is not None and (not isinstance(x, Tensor) or dx is not None):
        raise TypeError(f"{name}() takes (Tensor y, Tensor x, *, int dim) or (Tensor y, *, Number dx, int dim)")
    if str(y.dtype).endswith("bool") or (x is not None and str(x.dtype).endswith("bool")):
        which = "`y`" if x is None else "`x` or `y`"
        raise RuntimeError(f"{name}: received a bool input for {which}, but bool is not supported")
    dx = 1 if dx is None else dx
    if isinstance(dx, complex):
        raise RuntimeError(f"{name}: Currently, we only support dx as a real number.")
    return dx


def _distances(name: str, y: Tensor, x: Tensor, dim: int) -> Tensor:
    """The distances between samples, in a shape that broadcasts against those of y."""
    if x.dim() == 1:
        if x.size(0) != y.size(dim):
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        shape = [1] * y.dim()
        shape[dim] = x.size(0)
        x = x.reshape(shape)
    elif x.dim() < y.dim():
        x = x.reshape([1] * (y.dim() - x.dim()) + list(x.shape))
    along = dim if x.dim() == y.dim() else dim - y.dim()
    return diff(x, dim=along)


def _pairs(y: Tensor, dim: int) -> Tensor:
    length = max(y.size(dim) - 1, 0)
    return y.narrow(dim, 0, length) + y.narrow(dim, y.size(dim) - length, length)


@composed
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """The integral along a dimension by the trapezoidal rule.

    Args:
        x: places of the samples, of shape (samples,) or broadcasting against ``y``.
        dx: their distance, when there is no ``x``. Default: 1.

    Raises:
        RuntimeError: truth values, a complex ``dx``, or places that do not fit.

    Example:
        >>> import facula as torch
        >>> torch.trapezoid(torch.tensor([1.0, 3.0, 5.0]))
        tensor(6.)
    """
    dx = _check_sampled("trapezoid", y, x, dx)
    if y.dim() == 0:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    dim = wrapped_dim(dim, y.dim())
    if y.size(dim) == 0:
        shape = [*y.shape[:dim], *y.shape[dim + 1 :]]
        return zeros(shape, dtype=y.dtype)
    if x is not None:
        return (_pairs(y, dim) * _distances("trapezoid", y, x, dim)).sum(dim) / 2.0
    return (y.sum(dim) - (y.select(dim, 0) + y.select(dim, -1)) * 0.5) * dx


def trapz(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """Other name of ``trapezoid``.

    Example:
        >>> import facula as torch
        >>> torch.trapz(torch.tensor([1.0, 3.0]))
        tensor(2.)
    """
    if isinstance(dx, complex):
        raise TypeError("trapz(): argument 'dx' must be float, not complex")
    return trapezoid(y, x, dx=dx, dim=dim)


@composed
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """The running integral along a dimension by the trapezoidal rule; one element less.

    Example:
        >>> import facula as torch
        >>> torch.cumulative_trapezoid(torch.tensor([1.0, 3.0, 5.0]))
        tensor([2., 6.])
    """
    dx = _check_sampled("cumulative_trapezoid", y, x, dx)
    if y.dim() == 0:
        raise IndexError("cumulative_trapezoid: the tensor has no dimensions")
    dim = wrapped_dim(dim, y.dim())
    if x is not None:
        return (_pairs(y, dim) * _distances("cumulative_trapezoid", y, x, dim)).cumsum(dim) / 2.0
    return (_pairs(y, dim) * (dx / 2.0)).cumsum(dim)


# ---- norms of slices ----


def _renorm_factor(input: Tensor, p, dim: int, maxnorm) -> Tensor:
    if isinstance(p, complex):
        raise RuntimeError("renorm: p must be real-valued")
    if p <= 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported, got p={p}")
    if isinstance(maxnorm, complex):
        raise RuntimeError("renorm: maxnorm must be real-valued")
    if not maxnorm >= 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.dim() < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.dim()} dimensions")
    if not input.is_floating_point() and not input.is_complex():
        raise RuntimeError(
            f"renorm: Expected a floating point or complex tensor as input. Got {input.dtype._scalar_name}"
        )
    from facula.functional.linalg import vector_norm

    dim = wrapped_dim(dim, input.dim())
    others = [d for d in range(input.dim()) if d != dim]
    x = input.float() if input.dtype.itemsize == 2 else input
    norm = vector_norm(x, float(p), others, keepdim=True)
    factor = maxnorm / (norm + 1e-7)  # PyTorch's guard against a division by 0
    return factor.where(norm > maxnorm, full_like(norm.detach(), 1.0)).to(norm.dtype)


@composed
def renorm(input: Tensor, p: Number, dim: int, maxnorm: Number, *, out: Tensor | None = None) -> Tensor:
    """Every slice along ``dim`` whose ``p``-norm is above ``maxnorm`` is scaled down to it.

    Raises:
        RuntimeError: ``p`` is not positive, ``maxnorm`` negative, or fewer than two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
        tensor([[0.6000, 0.8000],
                [0.3000, 0.4000]])
    """
    result = (input * _renorm_factor(input, p, dim, maxnorm)).to(input.dtype)
    return result if out is None else write_out(result, out)


def renorm_(input: Tensor, p: Number, dim: int, maxnorm: Number) -> Tensor:
    """In-place form of ``renorm``."""
    return input.mul_(_renorm_factor(input, p, dim, maxnorm).to(input.dtype))


# ---- mantissa and exponent ----


@native("_frexp")
def _frexp(input: Tensor) -> tuple[Tensor, Tensor]:
    """Mantissa and exponent."""


def frexp(input: Tensor, *, out: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
    """``(mantissa, exponent)`` with ``input = mantissa * 2 ** exponent`` and the mantissa in [0.5, 1).

    Raises:
        RuntimeError: the dtype is not floating point.

    Example:
        >>> import facula as torch
        >>> torch.frexp(torch.tensor([8.0, 0.75])).exponent
        tensor([4, 0], dtype=torch.int32)
    """
    mantissa, exponent = _frexp(input)
    if out is not None:
        mantissa, exponent = write_out(mantissa, out[0]), write_out(exponent, out[1])
    return _Frexp((mantissa, exponent))
