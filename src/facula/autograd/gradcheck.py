"""Derivatives checked against finite differences: gradcheck and gradgradcheck. Complex tensors are checked as their
parts; it refuses forward mode and batched gradients."""

from __future__ import annotations

import sys
import types
import warnings

import facula


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


def _check(name: str, func, inputs: tuple, eps: float, tolerance: tuple, nondet_tol: float, check_dtypes: bool) -> bool:
    wanted = _check_inputs(name, inputs)
    values = _as_tuple(func(*inputs))
    outputs = _differentiable(values)
    if not outputs:
        return _check_constant(func, inputs, wanted, values, eps)
    # Backward first: the finite differences change the inputs, which the graph may have saved.
    _check_rules(outputs, inputs, wanted, nondet_tol, check_dtypes)
    checked = [inputs[index] for index in wanted]
    places = [i for i, v in enumerate(values) if isinstance(v, facula.Tensor) and v.requires_grad]
    shapes = {place: tuple(_parts(values[place]).shape) for place in places}
    analytical = {
        (place, index): jacobian
        for place, output in zip(places, outputs)
        for index, jacobian in zip(wanted, _analytical(output, checked))
    }
    numerical = _numerical(func, inputs, wanted, places, eps)
    for (place, index), jacobian in numerical.items():
        if analytical[place, index] is not None:
            given = (index, tuple(_parts(inputs[index]).shape))
            _compare(jacobian, analytical[place, index], (place, shapes[place]), given, tolerance)
    return True


def _refuse_modes(name: str, modes: dict[str, bool]) -> None:
    for argument, given in modes.items():
        if given:
            raise NotImplementedError(f"{name}(): {argument}=True is not supported: reverse mode alone is checked")


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
        check_batched_grad, check_batched_forward_grad, check_forward_ad: Must be False.
        check_backward_ad: Must be True.
        check_undefined_grad, fast_mode, masked: For compatibility: outputs are always differentiated one at a time,
            and the whole Jacobian is compared.

    Returns:
        True if every derivative matches.

    Raises:
        GradcheckError: One does not; the message names output, input, entry and both values.
        ValueError: No input requires a gradient.
        NotImplementedError: A mode that is not supported.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(lambda x: x * x, (x,))
        True
    """
    _refuse_modes("gradcheck", {"check_batched_grad": check_batched_grad, "check_forward_ad": check_forward_ad})
    _refuse_modes("gradcheck", {"check_batched_forward_grad": check_batched_forward_grad})
    if not check_backward_ad:
        raise ValueError("gradcheck(): with check_backward_ad=False there is nothing to check")
    try:
        return _check("gradcheck", func, _as_tuple(inputs), eps, (atol, rtol), nondet_tol, check_grad_dtypes)
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
        check_fwd_over_rev, check_rev_over_rev: Must be False and True.
        eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad,
            fast_mode, masked: As for :func:`gradcheck`.

    Returns:
        True if every second derivative matches.

    Raises:
        GradcheckError, ValueError, NotImplementedError: As for :func:`gradcheck`.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradgradcheck(lambda x: x * x * x, (x,))
        True
    """
    _refuse_modes("gradgradcheck", {"check_batched_grad": check_batched_grad, "check_fwd_over_rev": check_fwd_over_rev})
    if not check_rev_over_rev:
        raise ValueError("gradgradcheck(): with check_rev_over_rev=False there is nothing to check")
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
        tolerance = (atol, rtol)
        return _check("gradgradcheck", gradients, inputs + grad_outputs, eps, tolerance, nondet_tol, check_grad_dtypes)
    except GradcheckError:
        if raise_exception:
            raise
        return False


class _Callable(types.ModuleType):
    """The name is PyTorch's for this module and for the function; importing the module must not hide the function."""

    def __call__(self, *args, **kwargs) -> bool:
        return gradcheck(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
