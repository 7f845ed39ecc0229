"""Formulas in every form: kernel = interpreter, derivatives against differences, everything against torch if there."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from facula import _C

formulas = _C._formulas
NAMES = formulas.names()
INFO = {name: formulas.info(name) for name in NAMES}
REAL = [name for name in NAMES if INFO[name]["columns"] & 3]
INTEGER = [name for name in NAMES if INFO[name]["columns"] & 4]
DIFFERENTIABLE = [
    (name, j)
    for name in REAL
    for j in range(INFO[name]["arity"])
    if INFO[name]["differentiable"] >> j & 1 and (name, j) != ("_standard_gamma_grad", 0)
]
SPECIALS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 6.0, 20.0, 1e-40, 1e30, -1e30]
SPECIALS += [float("inf"), float("-inf"), float("nan")]

# Where an operand may lie for a smooth, real result; away from kinks. Default: (-2, 2), second operands (0.3, 2).
DOMAIN = {
    "acosh": [(1.2, 3)],
    "asin": [(-0.9, 0.9)],
    "acos": [(-0.9, 0.9)],
    "tan": [(-1.2, 1.2)],
    "atanh": [(-0.9, 0.9)],
    "erfinv": [(-0.9, 0.9)],
    "logit": [(0.1, 0.9)],
    "logit_eps": [(0.3, 0.7), (0.1, 0.2)],
    "clamp": [(-2, 2), (-0.6, -0.5), (0.5, 0.6)],
    "hardtanh": [(-2, 2), (-0.6, -0.5), (0.5, 0.6)],
    "clamp_min": [(-2, 2), (-0.6, -0.5)],
    "clamp_max": [(-2, 2), (0.5, 0.6)],
    "softplus": [(-2, 2), (0.5, 2), (20, 21)],
    "polygamma": [(1, 1), (0.4, 3)],
    "pow": [(0.2, 2), (-2, 2)],
    "xlog1py": [(0.2, 2), (0.2, 2)],
    "where": [(1, 1), (-2, 2), (-2, 2)],
    "masked_fill_kernel": [(-2, 2), (0, 0), (-2, 2)],
    "nan_to_num": [(-2, 2), (0, 0), (1, 1), (-1, -1)],
    "lerp": [(-2, 2), (-2, 2), (0.6, 0.9)],
    "hardshrink": [(0.8, 2), (0.3, 0.6)],
    "softshrink": [(0.8, 2), (0.3, 0.6)],
    "threshold": [(0.8, 2), (0.3, 0.6), (0.3, 0.6)],
    "ndtri": [(0.1, 0.9)],
    "igamma": [(0.5, 3), (0.5, 3)],
    "igammac": [(0.5, 3), (0.5, 3)],
    "_standard_gamma_grad": [(0.5, 3), (0.5, 3)],
    "zeta": [(1.5, 4), (0.5, 3)],
    "entr": [(0.2, 3)],
}
# By this operand there is a first derivative, but no second: NaN, where PyTorch has not even the first.
LAST_DERIVATIVE = {("igamma", 0), ("igammac", 0), ("zeta", 0), ("_standard_gamma_grad", 0)}
# Computed by tables and loops that have no CUDA text.
NO_CUDA = {"i0e", "i1e", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "airy_ai", "zeta"}
NO_CUDA |= {"scaled_modified_bessel_k1", "igamma", "igammac", "_standard_gamma_grad"}
NO_CUDA |= {name for name in NAMES if "_polynomial_" in name}
POSITIVE = {"log", "log2", "log10", "log1p", "sqrt", "rsqrt", "lgamma", "digamma", "reciprocal"}
# A jump of the value inside any domain: the derivative is that of a piece.
STEPS = {"floor", "ceil", "trunc", "round", "sign", "sgn", "div_floor", "div_trunc", "frac", "remainder", "fmod"}


def evaluate(name: str, how: str, order: int | tuple[int, int], *operands: np.ndarray) -> np.ndarray:
    data = formulas.evaluate(name, how, order, *[np.ascontiguousarray(x) for x in operands])
    dtype = operands[0].dtype
    return np.frombuffer(data, dtype if len(data) == operands[0].nbytes else np.bool_)


def smooth_operands(name: str, n: int = 64) -> list[np.ndarray]:
    rng = np.random.default_rng(sum(map(ord, name)))
    arity = INFO[name]["arity"]
    bounds = DOMAIN.get(name)
    if bounds is None:
        bounds = [(0.2, 3.0) if name in POSITIVE else (-2.0, 2.0)] + [(0.3, 2.0)] * (arity - 1)
    return [rng.uniform(lo, hi, n) if hi > lo else np.full(n, float(lo)) for lo, hi in bounds]


def wild_operands(name: str, dtype: type) -> list[np.ndarray]:
    rng = np.random.default_rng(sum(map(ord, name)) + 1)
    arity = INFO[name]["arity"]
    grid = np.array(SPECIALS)
    columns = [np.concatenate([np.repeat(grid, len(grid)), rng.standard_normal(200) * 3])]
    columns.append(np.concatenate([np.tile(grid, len(grid)), rng.standard_normal(200) * 3]))
    columns += [rng.standard_normal(columns[0].size) for _ in range(3)]
    operands = [c.astype(dtype) for c in columns[:arity]]
    if name in {"polygamma", "digamma"}:  # poles: tests/core/test_primitives.py
        away = np.where(np.isfinite(columns[1]), np.abs(columns[1]), 1.0).astype(dtype) + dtype(0.1)
        operands = [np.ones_like(away), away] if name == "polygamma" else [away]
    if name in NAMES[NAMES.index("entr") :]:  # special functions: far out torch gives NaN, not the limit
        operands = [np.where(np.abs(x) < 50, x, 1.0).astype(dtype) for x in operands]
    if name == "clamp":
        operands[1][np.isnan(operands[1])] = -1.0
        operands[0][np.isnan(operands[0]) & (operands[1] > operands[2])] = (
            0.0  # no order, and yet a gradient in PyTorch
        )
    return operands


def differs(a: np.ndarray, b: np.ndarray, ulps: float, floor: float = 0.0) -> np.ndarray:
    """Where two results are further apart than `ulps`, or one is NaN or infinite and the other is not."""
    if a.dtype == np.bool_:
        return a != b
    info = np.finfo(a.dtype)
    with np.errstate(all="ignore"):
        scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), max(float(info.tiny), floor))
        far = np.abs(a - b) > ulps * scale * info.eps
    exact = (a == b) | (np.isnan(a) & np.isnan(b))
    return ~exact & (far | ~np.isfinite(a) | ~np.isfinite(b))


def assert_close(a: np.ndarray, b: np.ndarray, operands: list[np.ndarray], ulps: float, floor: float = 0.0) -> None:
    bad = np.flatnonzero(differs(a, b, ulps, floor))
    shown = [([float(x[i]) for x in operands], a[i], b[i]) for i in bad[:5]]
    assert not bad.size, f"{bad.size} of {a.size} differ, first: {shown}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", REAL)
def test_kernel_equals_interpreter(name: str, dtype: type) -> None:
    x = wild_operands(name, dtype)
    # Fused multiply-add in the kernel only: results near a cancellation differ by an ulp of the terms.
    cancels = {"logit": 2.0, "logit_eps": 2.0, "tanhshrink": 3.0, "lerp": 60.0, "addcmul": 600.0, "addcdiv": 600.0}
    cancels |= {"add_alpha": 60.0, "sub_alpha": 60.0, "gelu": 8.0, "gelu_tanh": 8.0, "hardswish": 9.0, "frac": 0.0}
    with np.errstate(all="ignore"):
        assert_close(
            evaluate(name, "kernel", -1, *x), evaluate(name, "interpreter", -1, *x), x, 4, cancels.get(name, 0.0)
        )


@pytest.mark.parametrize("name, j", [(n, j) for n, j in DIFFERENTIABLE if INFO[n]["ahead"] >> j & 1])
def test_derivative_kernel_equals_interpreter(name: str, j: int) -> None:
    for dtype in (np.float32, np.float64):
        x = [v.astype(dtype) for v in smooth_operands(name, 200)]
        g = np.linspace(0.5, 1.5, 200).astype(dtype)
        assert_close(evaluate(name, "kernel", j, g, *x), evaluate(name, "interpreter", j, g, *x), [g, *x], 16, 4.0)


@pytest.mark.parametrize("name, j", DIFFERENTIABLE)
def test_derivative_numerically(name: str, j: int) -> None:
    x = smooth_operands(name)
    ones = np.ones_like(x[0])
    got = evaluate(name, "interpreter", j, ones, *x)
    want = np.zeros_like(got)
    h = 1e-3
    for weight, step in ((8 / 12, h), (-1 / 12, 2 * h)):  # five-point rule, error h^4
        up, down = list(x), list(x)
        up[j], down[j] = x[j] + step, x[j] - step
        want += weight * (evaluate(name, "kernel", -1, *up) - evaluate(name, "kernel", -1, *down)) / h
    good = np.abs(got - want) <= 1e-6 * (1 + np.abs(want))
    assert good.mean() > (0.9 if name in STEPS else 0.97), (name, j, np.flatnonzero(~good)[:5], got[~good], want[~good])


SECOND = [
    (n, j, k)
    for n, j in DIFFERENTIABLE
    for k in range(INFO[n]["arity"])
    if INFO[n]["differentiable"] >> k & 1
    and not {(n, j), (n, k)} <= LAST_DERIVATIVE
    and (n, k) != ("_standard_gamma_grad", 0)
]


@pytest.mark.parametrize("name, j, k", SECOND)
def test_second_derivative_numerically(name: str, j: int, k: int) -> None:
    x = smooth_operands(name)
    ones = np.ones_like(x[0])
    got = evaluate(name, "interpreter", (j, k), ones, *x)
    want = np.zeros_like(got)
    h = 1e-3
    for weight, step in ((8 / 12, h), (-1 / 12, 2 * h)):
        up, down = list(x), list(x)
        up[k], down[k] = x[k] + step, x[k] - step
        upper, lower = (evaluate(name, "interpreter", j, ones, *side) for side in (up, down))
        want += weight * (upper - lower) / h
    good = np.abs(got - want) <= 1e-5 * (1 + np.abs(want))
    assert good.mean() > (0.9 if name in STEPS else 0.97), (name, got[~good], want[~good])


@pytest.mark.parametrize("name", ["add", "gelu", "lt", "where", "mul"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_every_length(name: str, dtype: type) -> None:
    if dtype == np.int64 and name == "gelu":
        return
    rng = np.random.default_rng(3)
    x = [(rng.standard_normal(1100) * 9).astype(dtype) for _ in range(INFO[name]["arity"])]
    whole = evaluate(name, "kernel", -1, *x)
    for n in [*range(40), 511, 512, 513, 1025]:
        part = [v[:n] for v in x]
        assert np.array_equal(evaluate(name, "kernel", -1, *part), whole[:n])
        if dtype != np.int64:
            assert not differs(evaluate(name, "interpreter", -1, *part), whole[:n], 16, 8.0).any()


def python_integers(name: str, a: int, b: int) -> int | bool | None:
    """Python's own answer for a pair of int64, None where there is none."""
    wrap = lambda v: (v + 2**63) % 2**64 - 2**63  # noqa: E731
    if b == 0 and name in {"div_floor", "floor_divide", "remainder", "div_trunc", "fmod"}:
        return 0
    truncated = lambda: abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)  # noqa: E731
    table = {
        "add": lambda: wrap(a + b),
        "sub": lambda: wrap(a - b),
        "rsub": lambda: wrap(b - a),
        "mul": lambda: wrap(a * b),
        "div_floor": lambda: wrap(a // b),
        "floor_divide": lambda: wrap(a // b),
        "remainder": lambda: a % b,
        "div_trunc": lambda: wrap(truncated()),
        "fmod": lambda: a - b * truncated(),
        "maximum": lambda: max(a, b),
        "minimum": lambda: min(a, b),
        "eq": lambda: a == b,
        "ne": lambda: a != b,
        "lt": lambda: a < b,
        "le": lambda: a <= b,
        "gt": lambda: a > b,
        "ge": lambda: a >= b,
        "bitwise_and": lambda: a & b,
        "bitwise_or": lambda: a | b,
        "bitwise_xor": lambda: a ^ b,
        "bitwise_left_shift": lambda: wrap(a << b) if 0 <= b < 64 else 0,
        "bitwise_right_shift": lambda: a >> (b if 0 <= b < 64 else 63),
        "logical_and": lambda: bool(a) and bool(b),
        "logical_or": lambda: bool(a) or bool(b),
        "logical_xor": lambda: bool(a) != bool(b),
        "pow": lambda: wrap(pow(a, b, 2**64)) if b >= 0 else {1: 1, -1: -1 if b % 2 else 1}.get(a, 0),
    }
    return table[name]() if name in table else None


@pytest.mark.parametrize("name", [n for n in INTEGER if INFO[n]["arity"] == 2 and python_integers(n, 5, 3) is not None])
def test_integers_as_python(name: str) -> None:
    values = [0, 1, -1, 2, -2, 3, -7, 10, 62, 63, 64, 1000, 2**31, -(2**31) - 1, 2**62 + 1, 2**63 - 1, -(2**63)]
    a = np.repeat(np.array(values), len(values))
    b = np.tile(np.array(values), len(values))
    got = evaluate(name, "kernel", -1, a, b)
    for x, y, z in zip(a.tolist(), b.tolist(), got.tolist()):
        assert z == python_integers(name, x, y), (name, x, y, z)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_as_numpy(dtype: type) -> None:
    rng = np.random.default_rng(5)
    x, y = ((rng.standard_normal(50) + 1j * rng.standard_normal(50)).astype(dtype) for _ in range(2))
    want = {"add": x + y, "sub": x - y, "mul": x * y, "div": x / y, "neg": -x, "reciprocal": 1 / x, "square": x * x}
    for name, value in want.items():
        got = evaluate(name, "kernel", -1, *([x, y] if INFO[name]["arity"] == 2 else [x]))
        assert np.allclose(got, value, rtol=20 * np.finfo(dtype).eps, atol=1e-6 if dtype == np.complex64 else 1e-14)
    assert evaluate("eq", "kernel", -1, x, x).all() and not evaluate("eq", "kernel", -1, x, y).any()


def test_simplification_is_exact() -> None:
    assert formulas.expression("add", 0) == "x0"  # the gradient itself
    assert formulas.expression("sub", 1) == "neg(x0)"
    assert formulas.expression("mul", 0) == "mul(x0, x2)"
    assert formulas.expression("neg", 0) == "neg(x0)"
    assert formulas.expression("floor", 0) == "0"


def test_expressions_from_many_threads() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for name, j in DIFFERENTIABLE[:40]:
                assert formulas.expression(name, j) == expected[name, j]
        except BaseException as error:
            failures.append(error)

    expected = {(name, j): formulas.expression(name, j) for name, j in DIFFERENTIABLE[:40]}
    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


@pytest.mark.parametrize("name", NAMES)
def test_renders_cuda(name: str) -> None:
    dtype = "float32" if name in REAL else "int64"
    if name in NO_CUDA:
        with pytest.raises(NotImplementedError, match="there is no CUDA text for"):
            formulas.cuda_source(name, -1, dtype, "kernel")
        return
    text = formulas.cuda_source(name, -1, dtype, "kernel")
    out = "bool" if INFO[name]["result"] == "bool" else "float" if name in REAL else "long long"
    assert text.startswith(f'extern "C" __global__ void kernel(long long n, {out}* out, const ')
    assert text.count("{") == text.count("}") and "out[i] = " in text


def test_errors_name_what_was_wrong() -> None:
    x = np.ones(3)
    with pytest.raises(ValueError, match="no formula named 'gelo'"):
        formulas.evaluate("gelo", "kernel", -1, x)
    with pytest.raises(ValueError, match="add takes 2 buffers, given 1"):
        formulas.evaluate("add", "kernel", -1, x)
    with pytest.raises(NotImplementedError, match="is not defined on"):
        formulas.evaluate("gcd", "interpreter", -1, x, x)


# ---- against torch ----

RENAMED = {
    "div_floor": lambda t, x, y: t.div(x, y, rounding_mode="floor"),
    "div_trunc": lambda t, x, y: t.div(x, y, rounding_mode="trunc"),
    "rsub": lambda t, x, y: y - x,
    "logit_eps": lambda t, x, e: t.logit(x, float(e[0])),
    "gelu_tanh": lambda t, x: t.nn.functional.gelu(x, approximate="tanh"),
    "polygamma": lambda t, n, x: t.polygamma(1, x),
    "xlog1py": lambda t, x, y: t.special.xlog1py(x, y),
    "igamma": lambda t, a, x: t.igamma(a.detach(), x),  # torch has no derivative by the first operand
    "igammac": lambda t, a, x: t.igammac(a.detach(), x),
    "zeta": lambda t, s, x: t.special.zeta(s.detach(), x),
    "prelu_kernel": lambda t, x, w: t._prelu_kernel(x, w),
    "where": lambda t, c, x, y: t.where(c != 0, x, y),
    "nextafter": lambda t, x, y: t.nextafter(x, y),
}
SCALAR_PARAMETERS = {  # operands after the first that PyTorch takes as numbers
    "leaky_relu": [0.1],
    "elu": [1.3, 1.1, 0.9],
    "celu": [1.3],
    "softplus": [1.5, 20.0],
    "hardtanh": [-1.0, 2.0],
    "hardshrink": [0.5],
    "softshrink": [0.5],
    "threshold": [0.5, 2.0],
    "nan_to_num": [0.5, 7.0, -8.0],
    "logit_eps": [0.1],
}
NOT_IN_TORCH = {
    "_standard_gamma_grad",
    "add_alpha",
    "sub_alpha",
    "addcmul",
    "addcdiv",
    "masked_fill_kernel",
    "lerp",
    "heaviside",
}


def call_torch(torch, name: str, tensors: list):
    if name in RENAMED:
        return RENAMED[name](torch, *tensors)
    if name == "elu":
        return torch.ops.aten.elu(tensors[0], *SCALAR_PARAMETERS[name])
    if name in SCALAR_PARAMETERS:
        tensors = [tensors[0], *SCALAR_PARAMETERS[name]]
    function = getattr(torch, name, None) or getattr(torch.special, name, None) or getattr(torch.nn.functional, name)
    return function(*tensors)


@pytest.mark.parametrize("name", [n for n in REAL if n not in NOT_IN_TORCH])
def test_values_and_gradients_as_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    x = wild_operands(name, np.float64)
    for i, number in enumerate(SCALAR_PARAMETERS.get(name, [])):
        x[1 + i] = np.full_like(x[0], number)
    tensors = [torch.from_numpy(v.copy()) for v in x]
    wanted = [j for j in range(len(x)) if INFO[name]["differentiable"] >> j & 1]
    if name in SCALAR_PARAMETERS or name == "pow":
        wanted = [j for j in wanted if j == 0]
    wanted = [j for j in wanted if (name, j) not in LAST_DERIVATIVE]
    for j in wanted:
        tensors[j].requires_grad_()
    result = call_torch(torch, name, tensors)
    got = evaluate(name, "kernel", -1, *x)
    assert_close(got, result.detach().numpy(), x, *VALUE_TOLERANCE.get(name, (8, 0.0)))
    if not wanted:
        return
    if INFO[name]["node_name"]:
        node_name = INFO[name]["node_name"].partition("|")[0]  # behind it: the digit for numbers as operands
        assert type(result.grad_fn).__name__ == node_name or name in NODE_DIFFERS
    g = np.linspace(0.5, 1.5, x[0].size)
    result.backward(torch.from_numpy(g))
    for j in wanted:
        kernel = "kernel" if INFO[name]["ahead"] >> j & 1 else "interpreter"
        mine = evaluate(name, kernel, j, g, *x)
        assert_close(mine, tensors[j].grad.numpy(force=True), [g, *x], *GRADIENT_TOLERANCE.get(name, (64, 1.0)))


# (ulps, smallest scale). Near a zero of the result only the terms' rounding can be compared.
VALUE_TOLERANCE = {
    "logaddexp": (8, 1.0),
    "logaddexp2": (8, 1.0),
    "digamma": (64, 1.0),
    "lgamma": (16, 1.0),
    "polygamma": (1e8, 0.0),  # PyTorch's trigamma has 1e-9
    "gelu": (16, 1.0),
    **dict.fromkeys(("bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai"), (1e11, 1.0)),  # PyTorch has 1e-5
    **{name: (256, 1.0) for name in NAMES if "_polynomial_" in name},  # cancellation near zeros
    **dict.fromkeys(("igamma", "igammac"), (1e7, 1.0)),  # PyTorch has 1e-9
    **dict.fromkeys(("modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0"), (32, 0.0)),
    **dict.fromkeys(("erfcx", "log_ndtr", "scaled_modified_bessel_k1", "zeta"), (512, 0.0)),
    "tanhshrink": (8, 1.0),
}
GRADIENT_TOLERANCE = {
    "ndtri": (512, 1.0),  # exp(y * y / 2) amplifies the rounding of the value
    "polygamma": (1e8, 1.0),
    "digamma": (1e8, 1.0),
    "celu": (1e10, 0.0),  # PyTorch rounds 1 / alpha and 1 / 6 to float32
    "hardsigmoid": (1e10, 0.0),
}
NODE_DIFFERS = {"clamp_min", "clamp_max", "tanhshrink", "softsign", "rsub"}
