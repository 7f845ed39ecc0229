"""When numbers of the two packages may differ and still agree: tolerances, nearness to the exact value, and results of
which torch defines only a part. Each rule asks a judge (more digits, mpmath, numerical derivatives), never a list of
excused operators. Runs no operator's checks."""

from __future__ import annotations

import functools
import warnings

import torch
from opdb_translate import Mirror, Missing, name, to_torch, translate
from torch.testing._internal.common_device_type import precisionOverride, toleranceOverride
from torch.testing._internal.opinfo.core import DecorateInfo

import facula

WIDER = {
    torch.bfloat16: torch.float64,
    torch.float16: torch.float64,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}
# Who judges float64: mpmath's function of the element.
EXACT = {
    "special.bessel_j0": lambda mp, x: mp.besselj(0, x),
    "special.bessel_j1": lambda mp, x: mp.besselj(1, x),
    "special.bessel_y0": lambda mp, x: mp.bessely(0, x),
    "special.bessel_y1": lambda mp, x: mp.bessely(1, x),
}
# Each element is one sum of products: what its rounding errors are measured by is the sum of the products' magnitudes
# (Higham, Accuracy and Stability of Numerical Algorithms, equation 3.5), of which cancellation may leave little.
SUMS_OF_PRODUCTS = "nn.functional.conv"
DEFAULTS = {
    "float32": (1.3e-6, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float16": (1e-3, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
}


def attempt(function, *args, **kwargs):
    """(result, exception), both packages' generators at the same seed."""
    torch.manual_seed(0)
    facula.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if isinstance(function, Missing):
                raise function
            return function(*args, **kwargs), None
        except Exception as error:
            return None, error


def flat(result):
    """The tensors of a result."""
    if isinstance(result, (tuple, list)):
        return [leaf for item in result for leaf in flat(item)]
    return [result] if isinstance(result, (torch.Tensor, facula.Tensor)) else []


# ----------------------------------------------------------------------------------------------------------- tolerances


def tolerance(op, dtype):
    """torch.testing's defaults, or what the operator's own tests allow if that is more."""
    rtol, atol = DEFAULTS.get(dtype, (0, 0))
    for info in op.decorators if op else ():
        if not isinstance(info, DecorateInfo) or info.device_type not in (None, "cpu"):
            continue
        for override in info.decorators:
            if isinstance(override, toleranceOverride) and getattr(torch, dtype) in override.d:
                allowed = override.d[getattr(torch, dtype)]
                rtol, atol = max(rtol, allowed.rtol), max(atol, allowed.atol)
            if isinstance(override, precisionOverride):  # an absolute tolerance alone
                atol = max(atol, override.d.get(getattr(torch, dtype), 0))
    return rtol, atol


# ------------------------------------------------------------------------------------------------------------- nearness


def nearer(op, function, sample, ours, theirs):
    """Whether every element that is off is as near as torch's, or nearer, to the exact result: torch's own from wider
    numbers, or in float64 mpmath's where it knows the function."""
    exact = _exact(op, function, sample)
    trees = [flat(tree) for tree in (exact, ours, theirs)]
    if exact is None or not len(trees[0]) == len(trees[1]) == len(trees[2]):
        return False
    magnitude = _magnitude(op, function, sample)
    return all(_as_near(op, *leaves, magnitude) for leaves in zip(*trees, strict=True))


def _magnitude(op, function, sample):
    if not op.name.startswith(SUMS_OF_PRODUCTS):
        return 0
    mirror = Mirror(torch, WIDER)
    arguments = mirror(sample.input), mirror(sample.args), mirror(sample.kwargs)
    for _, copy in mirror.copies.values():
        copy.copy_(copy.abs())
    return attempt(function, arguments[0], *arguments[1], **arguments[2])[0].real


def inputs_nearer(op, function, call):
    """The same of the inputs that a call has changed."""
    mirror = Mirror(torch, WIDER)
    sample = call.sample
    _, error = attempt(function, mirror(sample.input), *mirror(sample.args), **mirror(sample.kwargs))
    if error is not None:
        return False
    return all(
        _as_near(op, mirror.copies[key][1], call.ours.copies[key][1], theirs)
        for key, (_, theirs) in call.theirs.copies.items()
    )


def _exact(op, function, sample):
    if sample.input is not None and getattr(sample.input, "dtype", None) is torch.float64:
        return _by_mpmath(EXACT[op.name], sample.input) if op.name in EXACT and not sample.args else None
    mirror = Mirror(torch, WIDER)
    return attempt(function, mirror(sample.input), *mirror(sample.args), **mirror(sample.kwargs))[0]


def _by_mpmath(function, input):
    import mpmath

    def value(x):
        exact = mpmath.mpmathify(function(mpmath, x))
        return float(exact.real) if exact.imag == 0 else float("nan")

    with mpmath.workdps(40):
        values = [value(x) for x in input.reshape(-1).tolist()]
    return torch.tensor(values, dtype=torch.float64).reshape(input.shape)


def _as_near(op, wide, ours, theirs, magnitude=0):
    if wide.shape != theirs.shape or WIDER.get(theirs.dtype, theirs.dtype) is not wide.dtype:
        return False
    if not (wide.is_floating_point() or wide.is_complex()):
        return torch.equal(to_torch(ours), theirs)
    back, plain = to_torch(ours).to(wide.dtype), theirs.detach().to(wide.dtype)
    limits = tolerance(op, name(theirs))
    fine = torch.isclose(back, plain, *limits, equal_nan=True) | torch.isclose(back, wide, *limits)
    return bool((fine | ((back - wide).abs() <= (plain - wide).abs().clamp(min=limits[0] * magnitude))).all())


# --------------------------------------------------------------------------------------- what a result does not define


def defined_part(op, call):
    """A function of a result of either package that keeps what torch defines of it, or None: as the database says
    (eigenvectors up to a phase), or for a sort that is not stable as assertIsOrdered of torch's own
    test_sort_and_select.py says: the indices are a permutation that gives the values."""
    if op.name in ("sort", "argsort") and not call.sample.kwargs.get("stable"):
        return lambda result: _chosen(result, *call.arguments[isinstance(flat(result)[0], torch.Tensor)])
    process = call.sample.output_process_fn_grad
    if process.__module__.endswith("opinfo.core"):  # its default
        return None
    return lambda result: (process if isinstance(flat(result)[0], torch.Tensor) else translate(process))(result)


def _chosen(result, input, args, kwargs):
    *values, index = flat(result)
    dim = kwargs.get("dim", args[0] if args else -1)
    chosen = input.gather(dim, index) if input.dim() else input
    return [*values, chosen, index.sort(dim)[0]]


def gradient_refuted(ours, theirs, call):
    """Whether numerical differentiation refuses torch's gradient and confirms ours."""
    verdicts = []
    pairs = zip((facula, torch), (ours, theirs), call.arguments, zip(*call.leaves(), strict=True), strict=True)
    for package, function, (x, args, kwargs), leaves in pairs:
        check = functools.partial(package.autograd.gradcheck, raise_exception=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verdicts.append(check(lambda *_: function(x, *args, **kwargs), leaves))  # noqa: B023
    return verdicts == [True, False]
