"""Derivatives checked against finite differences: gradcheck and gradgradcheck, in backward and forward mode, one by one
and under vmap. Complex tensors are checked as their parts."""

from __future__ import annotations

import sys
import types
import warnings
from collections import namedtuple

import facula
from facula.autograd import forward_ad

_Modes = namedtuple("_Modes", "backward forward batched_backward batched_forward fast")
# A function at its inputs: values are its outputs, wanted the numbers of the inputs and places those of the outputs
# whose derivatives are checked.
_Case = namedtuple("_Case", "func inputs wanted values places eps tolerance modes")


class GradcheckError(RuntimeError):
    """A derivative does not match its finite difference, or a backward function breaks a rule."""


def _as_tuple(values: object) -> tuple:
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def _differentiable(values: object) -> tuple[facula.Tensor, ...]:
    return tuple(v for v in _as_tuple(values) if isinstance(v, facula.Tensor) and v.requires_grad)


def _parts(tensor: facula.Tensor) -> facula.Tensor:
    """The same memory as real numbers. A gradient of a complex tensor holds those by its two parts."""
    tensor = tensor.detach()
    return facula.view_as_real(tensor) if tensor.dtype.is_complex else tensor


def _check_inputs(name: str, inputs: tuple) -> list[int]:
    """Where the inputs are whose gradient is to be checked."""
    wanted = [i for i, x in enumerate(inputs) if isinstance(x, facula.Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError(f"{name}(): at least one input must be a tensor with requires_grad=True")
    for index in wanted:
        x = inputs[index]
        if x.dtype not in (facula.float64, facula.complex128):
            warnings.warn(
                f"{name}(): input {index} requires a gradient and is {x.dtype}; finite differences need float64 or "
                f"complex128, so this check will likely fail",
                stacklevel=4,
            )
        for dim, (size, stride) in enumerate(zip(x.shape, x.stride())):
            if stride == 0 and size > 1:
                raise RuntimeError(
                    f"{name}(): input {index} has stride 0 in dimension {dim}, so one number stands for {size} "
                    f"elements that cannot be changed one by one; pass input.contiguous()"
                )
    return wanted


def _positions(shape: tuple[int, ...]):
    """Every index of a tensor, in row-major order."""
    position = [0] * len(shape)
    if 0 in shape:
        return
    while True:
        yield tuple(position)
        for dim in reversed(range(len(shape))):
            position[dim] += 1
            if position[dim] < shape[dim]:
                break
            position[dim] = 0
        else:
            return


def _flat(tensor: facula.Tensor) -> facula.Tensor:
    """The numbers of a tensor as a new flat float64 tensor, independent of later changes to it."""
    return _parts(tensor).to(facula.float64).reshape(-1).clone()


def _numerical(func, inputs: tuple, wanted: list[int], places: list[int], eps: float) -> dict:
    """Jacobians by central differences: (output, input) -> [elements of the output, elements of the input].

    Each input element costs two calls of `func`, which serve all outputs at once.
    """
    jacobians = {}
    for index in wanted:
        x = _parts(inputs[index])  # shares memory: what is changed here, `func` sees in its own argument
        columns: list[list[facula.Tensor]] = [[] for _ in places]
        for position in _positions(tuple(x.shape)):
            value = x[position].item()
            outcomes = []
            try:
                for moved in (value + eps, value - eps):
                    x[position] = moved
                    outputs = _as_tuple(func(*inputs))
                    outcomes.append([_flat(outputs[place]) for place in places])
            finally:
                x[position] = value
            for column, high, low in zip(columns, *outcomes):
                column.append((high - low) / (2 * eps))
        for place, column in zip(places, columns):
            if column:
                jacobians[place, index] = facula.stack(column, 1)
    return jacobians


def _backward(outputs: tuple, cotangents: tuple, inputs: list[facula.Tensor]) -> tuple:
    return facula.autograd.grad(outputs, inputs, cotangents, retain_graph=True, allow_unused=True)


def _analytical(output: facula.Tensor, checked: list[facula.Tensor]) -> list[facula.Tensor]:
    """The Jacobians of one output by its backward function, one call for each of its elements."""
    rows: list[list[facula.Tensor]] = [[] for _ in checked]
    for position in _positions(tuple(_parts(output).shape)):
        cotangent = facula.zeros_like(output)
        _parts(cotangent)[position] = 1.0
        for row, x, gradient in zip(rows, checked, _backward((output,), (cotangent,), checked)):
            zero = gradient is None
            row.append(facula.zeros(_parts(x).numel(), dtype=facula.float64) if zero else _flat(gradient))
    return [facula.stack(row, 0) if row else None for row in rows]


def _push(func, inputs: tuple, index: int, tangent: facula.Tensor, places: list[int]) -> list[facula.Tensor]:
    """Forward mode: the tangents of the outputs for a tangent of one input."""
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(inputs[index], tangent)
        outputs = _as_tuple(func(*inputs[:index], dual, *inputs[index + 1 :]))
        tangents = [forward_ad.unpack_dual(outputs[place]).tangent for place in places]
    return [facula.zeros_like(outputs[p]) if t is None else t.detach() for p, t in zip(places, tangents)]


def _forward(func, inputs: tuple, wanted: list[int], places: list[int]) -> dict:
    """The same Jacobians as `_numerical`, by forward mode: one call for each element of each input."""
    jacobians = {}
    for index in wanted:
        columns: list[list[facula.Tensor]] = [[] for _ in places]
        for position in _positions(tuple(_parts(inputs[index]).shape)):
            tangent = facula.zeros_like(inputs[index], requires_grad=False)
            _parts(tangent)[position] = 1.0
            for column, found in zip(columns, _push(func, inputs, index, tangent, places)):
                column.append(_flat(found))
        for place, column in zip(places, columns):
            if column:
                jacobians[place, index] = facula.stack(column, 1)
    return jacobians


def _ramp(output: facula.Tensor) -> facula.Tensor:
    """A fixed cotangent with many different entries."""
    ramp = facula.linspace(-1.0, 1.0, output.numel(), dtype=output.dtype.to_real()).reshape(output.shape)
    return ramp * (1 + 0.5j) if output.dtype.is_complex else ramp


def _check_rules(outputs: tuple, inputs: tuple, wanted: list[int], nondet_tol: float, check_dtypes: bool) -> None:
    """What holds for every backward function: fitting gradients, linear in the cotangent, the same each time."""
    checked = [inputs[index] for index in wanted]
    zeros = tuple(facula.zeros_like(output) for output in outputs)
    ramps = tuple(_ramp(output) for output in outputs)
    first, second = _backward(outputs, ramps, checked), _backward(outputs, ramps, checked)
    for index, x, at_zero, one, two in zip(wanted, checked, _backward(outputs, zeros, checked), first, second):
        if one is None:
            continue
        if one.shape != x.shape or one.device != x.device:
            raise GradcheckError(
                f"the gradient of input {index} has shape {tuple(one.shape)} on {one.device}, "
                f"the input has shape {tuple(x.shape)} on {x.device}"
            )
        if check_dtypes and one.dtype != x.dtype:
            raise GradcheckError(f"the gradient of input {index} is {one.dtype}, the input {x.dtype}")
        if at_zero is not None and bool((at_zero != 0).any()):
            raise GradcheckError(f"backward not multiplied by grad_output: input {index} has a gradient for zeros")
        if two is None or bool(((one - two).abs() > nondet_tol).any()):
            raise GradcheckError(
                f"Backward is not reentrant: two runs with the same grad_output gave input {index} gradients that "
                f"differ by more than nondet_tol={nondet_tol}"
            )


def _unravel(flat: int, shape: tuple[int, ...]) -> list[int]:
    position = []
    for size in reversed(shape):
        flat, within = divmod(flat, size)
        position.append(within)
    return position[::-1]


def _compare(numerical, analytical, output: tuple[int, tuple], given: tuple[int, tuple], tolerance: tuple) -> None:
    """Compare two Jacobians; `output` and `given` are the number and the shape of what was differentiated."""
    atol, rtol = tolerance
    excess = (analytical - numerical).abs() - (atol + rtol * numerical.abs())
    wrong = ~(excess <= 0)  # written so that nan is wrong
    if not bool(wrong.any()):
        return
    flags, width = wrong.reshape(-1).tolist(), numerical.shape[1]
    excesses = excess.reshape(-1).tolist()
    worst = max((i for i, flag in enumerate(flags) if flag), key=lambda i: (excesses[i] != excesses[i], excesses[i]))
    row, column = divmod(worst, width)
    expected, found = numerical[row, column].item(), analytical[row, column].item()
    raise GradcheckError(
        f"Jacobian mismatch for output {output[0]} with respect to input {given[0]}: "
        f"d output{_unravel(row, output[1])} / d input{_unravel(column, given[1])} is numerically {expected:.9g}, "
        f"analytically {found:.9g} (difference {abs(expected - found):.3g}, atol={atol}, rtol={rtol}); "
        f"{sum(flags)} of {len(flags)} entries differ\n"
        f"numerical:{numerical}\nanalytical:{analytical}"
    )


def _check_constant(func, inputs: tuple, wanted: list[int], outputs: tuple, eps: float) -> bool:
    """No output has a gradient: then every finite difference must be zero."""
    places = [
        i
        for i, v in enumerate(outputs)
        if isinstance(v, facula.Tensor) and (v.dtype.is_floating_point or v.dtype.is_complex)
    ]
    for (place, index), jacobian in _numerical(func, inputs, wanted, places, eps).items():
        if bool((jacobian != 0).any()):
            raise GradcheckError(
                f"Numerical gradient for function expected to be zero: output {place} does not require a gradient "
                f"but depends on input {index}"
            )
    return True


def _check_whole(case: _Case) -> None:
    """Compare whole Jacobians, in every mode asked for."""
    func, inputs, wanted, values, places = case[:5]
    # Derivatives first: the finite differences change the inputs, which the graph may have saved.
    found = []
    if case.modes.backward:
        checked = [inputs[index] for index in wanted]
        rows = {place: _analytical(values[place], checked) for place in places}
        found.append({(place, index): row[i] for place, row in rows.items() for i, index in enumerate(wanted)})
    if case.modes.forward:
        found.append(_forward(func, inputs, wanted, places))
    numerical = _numerical(func, inputs, wanted, places, case.eps)
    for analytical in found:
        for (place, index), jacobian in numerical.items():
            if analytical[place, index] is not None:
                output = (place, tuple(_parts(values[place]).shape))
                given = (index, tuple(_parts(inputs[index]).shape))
                _compare(jacobian, analytical[place, index], output, given, case.tolerance)


def _weights(tensor: facula.Tensor, seed: int) -> facula.Tensor:
    """Fixed positive numbers, one for each part of each element: errors weighed by them hardly cancel."""
    generator = facula.Generator().manual_seed(seed)
    return facula.rand(_parts(tensor).numel(), dtype=facula.float64, generator=generator)


def _like(weights: facula.Tensor, tensor: facula.Tensor) -> facula.Tensor:
    """The weights as a tensor that `tensor` could be multiplied with."""
    shaped = facula.zeros_like(tensor, requires_grad=False)
    _parts(shaped).copy_(weights.reshape(_parts(tensor).shape))
    return shaped


def _weighed_derivatives(case: _Case, v: dict, u: dict) -> dict[tuple[int, int], list[float]]:
    """v^T J u of each Jacobian J, by (output, input), in every mode asked for."""
    func, inputs, wanted, values, places = case[:5]
    found: dict[tuple[int, int], list[float]] = {(place, index): [] for place in places for index in wanted}
    for place in places if case.modes.backward else []:
        gradients = _backward((values[place],), (_like(v[place], values[place]),), [inputs[index] for index in wanted])
        for index, gradient in zip(wanted, gradients):
            found[place, index].append(0.0 if gradient is None else (_flat(gradient) @ u[index]).item())
    for index in wanted if case.modes.forward else []:
        for place, tangent in zip(places, _push(func, inputs, index, _like(u[index], inputs[index]), places)):
            found[place, index].append((_flat(tangent) @ v[place]).item())
    return found


def _check_fast(case: _Case) -> None:
    """Compare v^T J u for one u and v; the whole of J only where that differs."""
    func, inputs, wanted, values, places = case[:5]
    atol, rtol = case.tolerance
    v = {place: _weights(values[place], place) for place in places}
    u = {index: _weights(inputs[index], len(values) + index) for index in wanted}
    found = _weighed_derivatives(case, v, u)
    for index in wanted:
        x = _parts(inputs[index])
        before, outcomes = x.clone(), []
        try:
            for sign in (1, -1):
                x.copy_(before + (sign * case.eps) * u[index].reshape(x.shape))
                outputs = _as_tuple(func(*inputs))
                outcomes.append([_flat(outputs[place]) @ v[place] for place in places])
        finally:
            x.copy_(before)
        for place, high, low in zip(places, *outcomes):
            expected = ((high - low) / (2 * case.eps)).item()
            allowed = atol * u[index].sum().item() * v[place].sum().item() + rtol * abs(expected)
            if all(abs(value - expected) <= allowed for value in found[place, index]):
                continue
            # Once more from the start: the graph may have saved what the differences changed.
            _check_whole(case._replace(values=_as_tuple(func(*inputs)), wanted=[index], places=[place]))
            raise GradcheckError(
                f"Jacobian mismatch for output {place} with respect to input {index} in fast mode: a weighed sum of "
                f"its entries is numerically {expected:.9g}, analytically {found[place, index]}; single entries agree"
            )


def _check_batched(what: str, pull, vectors: facula.Tensor) -> None:
    """`pull` gives the same under vmap as for one vector after the other."""
    try:
        together = facula.func.vmap(pull)(vectors)
    except RuntimeError as error:
        raise GradcheckError(f"While computing batched gradients, got: {error} (vmap over {what})") from error
    apart = zip(*(pull(vector) for vector in vectors))
    for number, (one, many) in enumerate(zip(apart, together)):
        if not facula.allclose(facula.stack(one), many, equal_nan=True):
            raise GradcheckError(
                f"Batched gradients differ: vmap over {what} gives result {number} as {many}, one by one it is "
                f"{facula.stack(one)}"
            )


def _check_batches(case: _Case) -> None:
    func, inputs, wanted, values, places = case[:5]
    checked = [inputs[index] for index in wanted]
    for place in places if case.modes.batched_backward else []:

        def pull(cotangent, output=values[place]):
            found = _backward((output,), (cotangent,), checked)
            return tuple(facula.zeros_like(x) if g is None else g for g, x in zip(found, checked))

        ramp = _ramp(values[place])
        _check_batched(f"gradients of output {place}", pull, facula.stack((ramp, ramp * 0.5 + 0.25)))
    for index in wanted if case.modes.batched_forward else []:

        def push(tangent, index=index):
            return tuple(_push(func, inputs, index, tangent, places))

        ramp = _ramp(inputs[index])
        _check_batched(f"tangents of input {index}", push, facula.stack((ramp, ramp * 0.5 + 0.25)))


def _check(name: str, func, inputs: tuple, eps: float, tolerance, nondet_tol: float, check_dtypes: bool, modes) -> bool:
    wanted = _check_inputs(name, inputs)
    values = _as_tuple(func(*inputs))
    outputs = _differentiable(values)
    if not outputs:
        return _check_constant(func, inputs, wanted, values, eps)
    if modes.backward:
        _check_rules(outputs, inputs, wanted, nondet_tol, check_dtypes)
    places = [i for i, v in enumerate(values) if isinstance(v, facula.Tensor) and v.requires_grad]
    case = _Case(func, inputs, wanted, values, places, eps, tolerance, modes)
    _check_batches(case)
    (_check_fast if modes.fast else _check_whole)(case)
    return True


def _need(first: tuple[str, bool], second: tuple[str, bool], *batched: tuple[str, bool, tuple[str, bool]]) -> None:
    """Refuse to check nothing, and the batched form of what is not checked."""
    if not (first[1] or second[1]):
        raise AssertionError(f"Expected at least one of {first[0]} or {second[0]} to be True")
    for name, given, (needed, is_given) in batched:
        if given and not is_given:
            raise AssertionError(f"Setting {name}=True requires {needed} to be True")


def gradcheck(
    func,
    inputs,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Check the gradients of a function against central finite differences.

    Args:
        func: Takes tensors, gives a tensor or a tuple of them.
        inputs: A tensor or a tuple; those with requires_grad=True are checked and should be float64 or complex128.
        eps: How far an element is moved, up and down.
        atol: Absolute tolerance.
        rtol: Tolerance relative to the finite difference.
        raise_exception: False returns False in place of raising GradcheckError.
        nondet_tol: By how much two backward runs may differ.
        check_grad_dtypes: Require gradients to have the dtype of their input.
        check_backward_ad: Check the gradients.
        check_forward_ad: Check the tangents of :mod:`torch.autograd.forward_ad`.
        check_batched_grad, check_batched_forward_grad: Compare gradients, or tangents, under vmap with single ones.
        fast_mode: Compare one weighed sum of each Jacobian in place of all its entries.
        check_undefined_grad, masked: For compatibility: outputs are always differentiated one at a time.

    Returns:
        True if every derivative matches.

    Raises:
        GradcheckError: One does not; the message names output, input, entry and both values.
        ValueError: No input requires a gradient.
        AssertionError: Nothing is to be checked, or a batched form of what is not.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(lambda x: x * x, (x,))
        True
    """
    forward, backward = ("check_forward_ad", check_forward_ad), ("check_backward_ad", check_backward_ad)
    _need(
        forward,
        backward,
        ("check_batched_grad", check_batched_grad, backward),
        ("check_batched_forward_grad", check_batched_forward_grad, forward),
    )
    modes = _Modes(check_backward_ad, check_forward_ad, check_batched_grad, check_batched_forward_grad, fast_mode)
    try:
        return _check("gradcheck", func, _as_tuple(inputs), eps, (atol, rtol), nondet_tol, check_grad_dtypes, modes)
    except GradcheckError:
        if raise_exception:
            raise
        return False


def gradgradcheck(
    func,
    inputs,
    grad_outputs=None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check second derivatives: the gradients of the gradients that `func` gives.

    Args:
        func: Takes tensors, gives a tensor or a tuple of them.
        inputs: A tensor or a tuple; those with requires_grad=True are checked and should be float64.
        grad_outputs: The gradients of the outputs, checked too where they require a gradient. Default: random numbers
            in [-1, 1).
        gen_non_contig_grad_outputs: Make those random numbers with gaps in memory.
        check_fwd_over_rev, check_rev_over_rev: Check the gradients in forward mode, and by their own gradients.
        eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad,
            fast_mode, masked: As for :func:`gradcheck`.

    Returns:
        True if every second derivative matches.

    Raises:
        GradcheckError, ValueError, AssertionError: As for :func:`gradcheck`.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradgradcheck(lambda x: x * x * x, (x,))
        True
    """
    reverse = ("check_rev_over_rev", check_rev_over_rev)
    _need(("check_fwd_over_rev", check_fwd_over_rev), reverse, ("check_batched_grad", check_batched_grad, reverse))
    modes = _Modes(check_rev_over_rev, check_fwd_over_rev, check_batched_grad, False, fast_mode)
    inputs = _as_tuple(inputs)
    wanted = [i for i, x in enumerate(inputs) if isinstance(x, facula.Tensor) and x.requires_grad]
    if grad_outputs is None:
        outputs = _differentiable(func(*inputs))
        grad_outputs = tuple(
            facula.testing.make_tensor(
                output.shape, dtype=output.dtype, device=output.device, low=-1, high=1, requires_grad=True,
                noncontiguous=gen_non_contig_grad_outputs,
            )
            for output in outputs
        )  # fmt: skip
    grad_outputs = _as_tuple(grad_outputs)

    def gradients(*arguments):
        given, cotangents = arguments[: len(inputs)], arguments[len(inputs) :]
        outputs = _differentiable(func(*given))
        found = facula.autograd.grad(
            outputs, [given[index] for index in wanted], cotangents, create_graph=True, allow_unused=True
        )
        return tuple(gradient for gradient in found if gradient is not None)

    try:
        given, tolerance = inputs + grad_outputs, (atol, rtol)
        return _check("gradgradcheck", gradients, given, eps, tolerance, nondet_tol, check_grad_dtypes, modes)
    except GradcheckError:
        if raise_exception:
            raise
        return False


class _Callable(types.ModuleType):
    """The name is PyTorch's for this module and for the function; importing the module must not hide the function."""

    def __call__(self, *args, **kwargs) -> bool:
        return gradcheck(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
