"""Discrete Fourier transforms: arguments, types and sizes. The transforms are entries of the table."""

from __future__ import annotations

from facula import _C
from facula._C import Tensor, complex64, complex128, float32, float64
from facula._native import autocasts, composed, native
from facula.functional.arguments import check_place, finish, write_out
from facula.functional.conversion import conj
from facula.functional.creation import zeros
from facula.functional.joining import cat, roll

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift",
    "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Length: TypeAlias = int | None
    Ints: TypeAlias = tuple[int, ...] | None
    Norm: TypeAlias = str | None
    Out: TypeAlias = Tensor | None

# ---- the entries of the table ----
# normalization: the sums are divided by nothing (0), the square root of the number of points (1), or that number (2).


@native("_fft_c2c")
def complex_to_complex(input: Tensor, dim, normalization: int, forward: bool) -> Tensor:
    """Complex numbers to complex numbers; exponent -i when ``forward``, else +i."""


@native("_fft_r2c")
def real_to_complex(input: Tensor, dim, normalization: int, onesided: bool) -> Tensor:
    """Real numbers to complex ones, exponent -i: all of them, or without those that are conjugates of the others."""


@native("_fft_c2r")
def complex_to_real(input: Tensor, dim, normalization: int, last_dim_size: int) -> Tensor:
    """Half of a Hermitian signal to ``last_dim_size`` real numbers in the last of ``dim``, exponent +i."""


@native("_frequencies")
def _frequencies(count: int, wrap: int, divisor: float, dtype) -> Tensor:
    """``count`` whole numbers over ``divisor``, those from ``wrap`` on less ``count``."""


# ---- arguments ----

_REAL, _COMPLEX = (float32, float64), (complex64, complex128)


def _scale(norm: str | None, forward: bool) -> int:
    if norm is None or norm == "backward":
        return 0 if forward else 2
    if norm == "forward":
        return 2 if forward else 0
    if norm == "ortho":
        return 1
    raise RuntimeError(f'Invalid normalization mode: "{norm}"; norm must be "forward", "backward" or "ortho"')


def _promoted(x: Tensor, to_complex: bool) -> Tensor:
    """Integers as the default float type; complex when the transform takes complex numbers."""
    kind = x.dtype
    if kind in (_COMPLEX if to_complex else _REAL):
        return x
    if not (kind.is_floating_point or kind.is_complex):
        kind = _C.get_default_dtype()
    if kind.to_complex().to_real() is not kind.to_real():  # float16, bfloat16
        raise RuntimeError(f"Unsupported dtype {kind._scalar_name}: torch.fft transforms float32 and float64 numbers")
    return x.to(kind.to_complex() if to_complex else kind)


def _need_points(sizes) -> None:
    for n in sizes:
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")


def _wrapped(dim: int, ndim: int) -> int:
    if ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if not -ndim <= dim < ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})")
    return dim % ndim


def _resized(x: Tensor, sizes, dims) -> Tensor:
    """Cut or filled up with zeros at the end of each of ``dims``; None: as it is."""
    for n, d in zip(sizes or (), dims):
        if x.shape[d] > n:
            x = x.narrow(d, 0, n)
        elif x.shape[d] < n:
            missing = [*x.shape[:d], n - x.shape[d], *x.shape[d + 1 :]]
            x = cat((x, zeros(missing, dtype=x.dtype)), d)
    return x


def _shape_and_dims(x: Tensor, s, dim) -> tuple[list[int] | None, tuple[int, ...]]:
    """The lengths, None where x has them, and the dimensions."""
    ndim = x.dim()
    dims = None if dim is None else [_wrapped(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim)]
    if dims is not None and len(dims) > 1 and len(set(dims)) != len(dims):
        raise RuntimeError("FFT dims must be unique")
    if s is None:
        return None, tuple(range(ndim) if dims is None else dims)
    s = (s,) if isinstance(s, int) else s
    if dims is not None and len(dims) != len(s):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    if len(s) > ndim:
        raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
    dims = list(range(ndim - len(s), ndim)) if dims is None else dims
    sizes = [x.shape[d] if n == -1 else n for n, d in zip(s, dims)]
    _need_points(sizes)
    return sizes, tuple(dims)


def _given(result: Tensor, out: Tensor | None) -> Tensor:
    return result if out is None else write_out(result, out)


# ---- the three kinds of transform, over any number of dimensions ----


def _complex(x: Tensor, s: Ints, dim: Ints, norm: Norm, forward: bool, out: Out) -> Tensor:
    """Complex numbers to as many complex numbers."""
    sizes, dims = _shape_and_dims(x, s, dim)
    x = _resized(_promoted(x, True), sizes, dims)
    scale = _scale(norm, forward)
    return _given(complex_to_complex(x, dims, scale, forward) if dims else x, out)


def _to_half(name: str, x: Tensor, s: Ints, dim: Ints, norm: Norm, forward: bool, out: Out) -> Tensor:
    """Real numbers to the first half, in the last dimension, of a Hermitian signal."""
    if x.dtype.is_complex:
        raise RuntimeError(f"{name} expects a real input tensor, but got {x.dtype._scalar_name}")
    sizes, dims = _shape_and_dims(x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    x = _resized(_promoted(x, False), sizes, dims)
    scale = _scale(norm, forward)
    if forward:
        return _given(real_to_complex(x, dims, scale, True), out)
    half = conj(real_to_complex(x, dims[-1:], scale, True))
    return _given(complex_to_complex(half, dims[:-1], scale, False) if len(dims) > 1 else half, out)


def _from_half(name: str, x: Tensor, s: Ints, dim: Ints, norm: Norm, forward: bool, out: Out) -> Tensor:
    """The inverse of ``_to_half``; ``s[-1]`` is the length of the whole signal."""
    sizes, dims = _shape_and_dims(x, s, dim)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    last = None if s is None else s if isinstance(s, int) else s[-1]
    n = 2 * (x.shape[dims[-1]] - 1) if last is None or last == -1 else last
    _need_points((n,))
    if sizes is not None:
        sizes[-1] = n // 2 + 1
    x = _resized(_promoted(x, True), sizes, dims)
    scale = _scale(norm, forward)
    if not forward:
        return _given(complex_to_real(x, dims, scale, n), out)
    if len(dims) > 1:
        x = complex_to_complex(x, dims[:-1], scale, True)
    return _given(complex_to_real(conj(x), dims[-1:], scale, n), out)


# ---- one dimension ----


def _one(n: Length) -> Ints:
    """The length of a single dimension, where -1 does not stand for the length it has."""
    if n is None:
        return None
    _need_points((n,))
    return (n,)


@autocasts("float32")
def fft(input: Tensor, n: Length = None, dim: int = -1, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The discrete Fourier transform along ``dim``.

    Args:
        n: the signal is cut or filled up with zeros to this length first.
        norm: "backward" (the default) leaves the sum as it is, "ortho" divides it by sqrt(n), "forward" by n. Of the
            inverse transforms, "backward" is the one that divides by n.

    Raises:
        RuntimeError: half precision, fewer than one point, or an unknown ``norm``.

    Example:
        >>> import facula as torch
        >>> torch.fft.fft(torch.tensor([1 + 1j, 2 + 0j]))
        tensor([ 3.+1.j, -1.+1.j])
    """
    if not input.dtype.is_complex:
        sizes, dims = _shape_and_dims(input, _one(n), (dim,))
        x = _resized(_promoted(input, False), sizes, dims)
        return _given(real_to_complex(x, dims, _scale(norm, True), False), out)
    return _complex(input, _one(n), (dim,), norm, True, out)


@autocasts("float32")
def ifft(input: Tensor, n: Length = None, dim: int = -1, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The inverse of ``fft``.

    Example:
        >>> import facula as torch
        >>> torch.fft.ifft(torch.tensor([10 + 0j, -2 + 2j, -2 + 0j, -2 - 2j])).real
        tensor([1., 2., 3., 4.])
    """
    return _complex(input, _one(n), (dim,), norm, False, out)


@autocasts("float32")
def rfft(input: Tensor, n: Length = None, dim: int = -1, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The first half of ``fft`` of real numbers; the other half are its conjugates.

    Example:
        >>> import facula as torch
        >>> torch.fft.rfft(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        tensor([10.+0.j, -2.+2.j, -2.+0.j])
    """
    return _to_half("rfft", input, _one(n), (dim,), norm, True, out)


@autocasts("float32")
def irfft(input: Tensor, n: Length = None, dim: int = -1, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The inverse of ``rfft``: ``n`` real numbers, by default an even number of them.

    Example:
        >>> import facula as torch
        >>> torch.fft.irfft(torch.tensor([10 + 0j, -2 + 2j, -2 + 0j]))
        tensor([1., 2., 3., 4.])
    """
    return _from_half("irfft", input, _one(n), (dim,), norm, False, out)


@autocasts("float32")
def hfft(input: Tensor, n: Length = None, dim: int = -1, norm: Norm = None, *, out: Out = None) -> Tensor:
    """``fft`` of a Hermitian signal, of which the first half is given: ``n`` real numbers.

    Example:
        >>> import facula as torch
        >>> torch.fft.hfft(torch.tensor([2.5 + 0j, -0.5 - 0.5j, -0.5 + 0j]))
        tensor([1., 2., 3., 4.])
    """
    return _from_half("hfft", input, _one(n), (dim,), norm, True, out)


@autocasts("float32")
def ihfft(input: Tensor, n: Length = None, dim: int = -1, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The inverse of ``hfft``: the first half of ``ifft`` of real numbers.

    Example:
        >>> import facula as torch
        >>> torch.fft.ihfft(torch.tensor([1.0, 2.0, 3.0, 4.0])).abs()
        tensor([2.5000, 0.7071, 0.5000])
    """
    return _to_half("ihfft", input, _one(n), (dim,), norm, False, out)


# ---- several dimensions ----


@autocasts("float32")
def fftn(input: Tensor, s: Ints = None, dim: Ints = None, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The discrete Fourier transform over ``dim``, by default over the last dimensions as many as ``s``, or all.

    Example:
        >>> import facula as torch
        >>> torch.fft.fftn(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).real
        tensor([[10., -2.],
                [-4.,  0.]])
    """
    return _complex(input, s, dim, norm, True, out)


@autocasts("float32")
def fft2(input: Tensor, s: Ints = None, dim: Ints = (-2, -1), norm: Norm = None, *, out: Out = None) -> Tensor:
    """``fftn`` over the last two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.fft.fft2(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).real
        tensor([[10., -2.],
                [-4.,  0.]])
    """
    return _complex(input, s, dim, norm, True, out)


@autocasts("float32")
def ifftn(input: Tensor, s: Ints = None, dim: Ints = None, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The inverse of ``fftn``.

    Example:
        >>> import facula as torch
        >>> torch.fft.ifftn(torch.tensor([[10 + 0j, -2 + 0j], [-4 + 0j, 0 + 0j]])).real
        tensor([[1., 2.],
                [3., 4.]])
    """
    return _complex(input, s, dim, norm, False, out)


@autocasts("float32")
def ifft2(input: Tensor, s: Ints = None, dim: Ints = (-2, -1), norm: Norm = None, *, out: Out = None) -> Tensor:
    """``ifftn`` over the last two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.fft.ifft2(torch.tensor([[10 + 0j, -2 + 0j], [-4 + 0j, 0 + 0j]])).real
        tensor([[1., 2.],
                [3., 4.]])
    """
    return _complex(input, s, dim, norm, False, out)


@autocasts("float32")
def rfftn(input: Tensor, s: Ints = None, dim: Ints = None, norm: Norm = None, *, out: Out = None) -> Tensor:
    """``fftn`` of real numbers, of the last dimension the first half.

    Example:
        >>> import facula as torch
        >>> torch.fft.rfftn(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).real
        tensor([[10., -2.],
                [-4.,  0.]])
    """
    return _to_half("rfftn", input, s, dim, norm, True, out)


@autocasts("float32")
def rfft2(input: Tensor, s: Ints = None, dim: Ints = (-2, -1), norm: Norm = None, *, out: Out = None) -> Tensor:
    """``rfftn`` over the last two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.fft.rfft2(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).real
        tensor([[10., -2.],
                [-4.,  0.]])
    """
    return _to_half("rfftn", input, s, dim, norm, True, out)


@autocasts("float32")
def irfftn(input: Tensor, s: Ints = None, dim: Ints = None, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The inverse of ``rfftn``: real numbers, ``s[-1]`` of them along the last dimension.

    Example:
        >>> import facula as torch
        >>> torch.fft.irfftn(torch.tensor([[10 + 0j, -2 + 0j], [-4 + 0j, 0 + 0j]]))
        tensor([[1., 2.],
                [3., 4.]])
    """
    return _from_half("irfftn", input, s, dim, norm, False, out)


@autocasts("float32")
def irfft2(input: Tensor, s: Ints = None, dim: Ints = (-2, -1), norm: Norm = None, *, out: Out = None) -> Tensor:
    """``irfftn`` over the last two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.fft.irfft2(torch.tensor([[10 + 0j, -2 + 0j], [-4 + 0j, 0 + 0j]]))
        tensor([[1., 2.],
                [3., 4.]])
    """
    return _from_half("irfftn", input, s, dim, norm, False, out)


@composed
def hfftn(input: Tensor, s: Ints = None, dim: Ints = None, norm: Norm = None, *, out: Out = None) -> Tensor:
    """``fftn`` of a signal that is Hermitian in the last dimension, of which the first half is given: real numbers.

    Example:
        >>> import facula as torch
        >>> torch.fft.hfftn(torch.tensor([[2.5 + 0j, -0.5 + 0j], [-1 + 0j, 0 + 0j]]))
        tensor([[1., 2.],
                [3., 4.]])
    """
    return _from_half("hfftn", input, s, dim, norm, True, out)


@composed
def hfft2(input: Tensor, s: Ints = None, dim: Ints = (-2, -1), norm: Norm = None, *, out: Out = None) -> Tensor:
    """``hfftn`` over the last two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.fft.hfft2(torch.tensor([[2.5 + 0j, -0.5 + 0j], [-1 + 0j, 0 + 0j]]))
        tensor([[1., 2.],
                [3., 4.]])
    """
    return hfftn(input, s, dim, norm, out=out)


@composed
def ihfftn(input: Tensor, s: Ints = None, dim: Ints = None, norm: Norm = None, *, out: Out = None) -> Tensor:
    """The inverse of ``hfftn``: of the last dimension the first half.

    Example:
        >>> import facula as torch
        >>> torch.fft.ihfftn(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).abs()
        tensor([[2.5000, 0.5000],
                [1.0000, 0.0000]])
    """
    return _to_half("ihfftn", input, s, dim, norm, False, out)


@composed
def ihfft2(input: Tensor, s: Ints = None, dim: Ints = (-2, -1), norm: Norm = None, *, out: Out = None) -> Tensor:
    """``ihfftn`` over the last two dimensions.

    Example:
        >>> import facula as torch
        >>> torch.fft.ihfft2(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).abs()
        tensor([[2.5000, 0.5000],
                [1.0000, 0.0000]])
    """
    return ihfftn(input, s, dim, norm, out=out)


# ---- frequencies and their order ----


def _frequency_type(dtype):
    """The type of the result."""
    kind = dtype or _C.get_default_dtype()
    if not (kind.is_floating_point or kind.is_complex):
        raise RuntimeError(f"fftfreq requires a floating point or complex dtype, given {kind}")
    return kind


def fftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, dtype=None, layout=None, device=None, requires_grad=False
) -> Tensor:
    """The frequency of each result of ``fft`` of ``n`` points that are ``d`` apart.

    Example:
        >>> import facula as torch
        >>> torch.fft.fftfreq(5)
        tensor([ 0.0000,  0.2000,  0.4000, -0.4000, -0.2000])
    """
    check_place(device, layout)
    return finish(_frequencies(n, (n + 1) // 2, n * d, _frequency_type(dtype)), out, requires_grad)


def rfftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, dtype=None, layout=None, device=None, requires_grad=False
) -> Tensor:
    """The frequency of each result of ``rfft`` of ``n`` points that are ``d`` apart.

    Example:
        >>> import facula as torch
        >>> torch.fft.rfftfreq(5)
        tensor([0.0000, 0.2000, 0.4000])
    """
    check_place(device, layout)
    count = n // 2 + 1
    return finish(_frequencies(count, count, n * d, _frequency_type(dtype)), out, requires_grad)


def _shift(x: Tensor, dim, direction: int) -> Tensor:
    dims = range(x.dim()) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = [_wrapped(d, x.dim()) for d in dims]
    if not dims:
        return x.clone()
    return roll(x, tuple(x.shape[d] // 2 if direction > 0 else (x.shape[d] + 1) // 2 for d in dims), tuple(dims))


@composed
def fftshift(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """The results of ``fft`` in the order of their frequencies, from negative to positive.

    Example:
        >>> import facula as torch
        >>> torch.fft.fftshift(torch.fft.fftfreq(4))
        tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _shift(input, dim, 1)


@composed
def ifftshift(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """The inverse of ``fftshift``.

    Example:
        >>> import facula as torch
        >>> torch.fft.ifftshift(torch.tensor([-0.5, -0.25, 0.0, 0.25]))
        tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _shift(input, dim, -1)
