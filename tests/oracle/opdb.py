"""One operator of torch's own database (op_db), run through torch and facula; everything that a program can see of
the result is compared. What is wrong comes back as Failure records. Runs one operator; many are for opdb_run.py."""

from __future__ import annotations

import contextlib
import itertools
import math
from dataclasses import asdict, dataclass

import torch
from opdb_rules import attempt, defined_part, flat, gradient_refuted, inputs_nearer, nearer, tolerance
from opdb_translate import Mirror, Missing, OutOfScope, name, resolve, to_torch, translate
from torch.testing._internal.common_methods_invocations import op_db

import facula

DTYPES = ("float32", "float64", "int64", "bool", "bfloat16", "complex64", "complex128")
GRADIENT_DTYPES = ("float64", "complex128")
# Their values are whatever was in memory.
UNINITIALISED = ("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided", "resize_")
KINDS = (NotImplementedError, IndexError, TypeError, ValueError, KeyError, AttributeError, RuntimeError)


@dataclass
class Failure:
    op: str
    dtype: str
    kind: str  # value dtype shape stride alias grad raises missing error_type mutation structure crash timeout harness
    variant: str  # function method in-place out= gradient error alias:NAME
    text: str


@dataclass
class Limits:
    """How many samples of an operator and dtype each check looks at."""

    values: int | None = 8
    gradients: int | None = 4
    variants: int | None = 3
    errors: int | None = 40


EVERYTHING = Limits(None, None, None, None)
FEW = Limits(2, 1, 1, 0)


class Different(Exception):
    """Carries the kind and the text of a failure."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def op_name(op):
    return op.name + (f".{op.variant_test_name}" if op.variant_test_name else "")


def operators():
    """The database by name."""
    return {op_name(op): op for op in op_db}


# ------------------------------------------------------------------------------------------------ finding the function


def function_of(op):
    """facula's counterpart of an OpInfo's function: by the operator's name, else what its test lambda says."""
    with contextlib.suppress(Missing):
        if resolve(torch, op.name) is op.op:
            return resolve(facula, op.name)
    return translate(op.op)


def variants_of(op):
    """(label, torch's function, facula's function or Missing) of methods, operators and aliases."""
    pairs = [("method", op.method_variant), ("operator", op.operator_variant)]
    for alias in op.aliases:
        pairs += [(f"alias:{alias.name}", alias.op), (f"alias:Tensor.{alias.name}", alias.method_variant)]
    return [(label, function, _or_missing(function)) for label, function in pairs if callable(function)]


def inplace_of(op):
    pairs = [("in-place", op.inplace_variant), ("in-place operator", op.inplace_operator_variant)]
    pairs += [(f"in-place alias:{alias.name}", alias.inplace_variant) for alias in op.aliases]
    return [(label, function, _or_missing(function)) for label, function in pairs if callable(function)]


def _or_missing(function):
    try:
        return translate(function)
    except Missing as error:
        return error


# ----------------------------------------------------------------------------------------------------------- comparing


def close(ours, theirs, rtol, atol):
    if torch.equal(ours, theirs):
        return True
    if not (theirs.is_floating_point() or theirs.is_complex()):
        return False
    if theirs.is_complex():
        near = torch.isclose(ours, theirs, rtol, atol) | (ours == theirs)
        parts = torch.isclose(torch.view_as_real(ours), torch.view_as_real(theirs), rtol, atol, equal_nan=True)
        # Which part of a complex number is nan, and the finite part beside an infinite one, are nobody's promise.
        both_bad = ~torch.isfinite(ours) & ~torch.isfinite(theirs)
        return bool((near | parts.all(-1) | both_bad).all())
    return bool(torch.isclose(ours, theirs, rtol, atol, equal_nan=True).all())


def compare_tensors(op, ours, theirs, values=True):
    if not isinstance(ours, facula.Tensor):
        raise Different("structure", f"{type(ours).__name__} instead of a tensor")
    if theirs.layout != torch.strided:
        raise OutOfScope(str(theirs.layout))
    if name(ours) != name(theirs):
        raise Different("dtype", f"{name(ours)}, torch gives {name(theirs)}")
    if tuple(ours.shape) != tuple(theirs.shape):
        raise Different("shape", f"{tuple(ours.shape)}, torch gives {tuple(theirs.shape)}")
    if ours.requires_grad != theirs.requires_grad:
        raise Different("grad", f"requires_grad is {ours.requires_grad}, torch gives {theirs.requires_grad}")
    if theirs._is_view():
        compare_strides(ours, theirs)
    if not values:
        return
    back, plain = to_torch(ours), theirs.detach().resolve_conj().resolve_neg()
    if not close(back, plain, *tolerance(op, name(theirs))):
        raise Different("value", difference(back, plain))


def compare_strides(ours, theirs):
    pairs = zip(ours.stride(), theirs.stride(), theirs.shape, strict=True)
    if theirs.numel() and any(mine != other for mine, other, size in pairs if size > 1):
        raise Different("stride", f"a view with strides {ours.stride()}, torch gives {theirs.stride()}")
    if theirs.numel() and ours.storage_offset() != theirs.storage_offset():
        raise Different("stride", f"storage offset {ours.storage_offset()}, torch gives {theirs.storage_offset()}")


def difference(ours, theirs):
    """The largest relative deviation, in a line."""
    if theirs.dtype == torch.bool or not theirs.numel():
        return f"{int((ours != theirs).sum())} of {theirs.numel()} elements differ"
    wide = torch.complex128 if theirs.is_complex() else torch.float64
    gap = (ours.to(wide) - theirs.to(wide)).abs() / (theirs.to(wide).abs() + 1e-3)
    at = int(torch.where(ours == theirs, 0.0, gap.nan_to_num(math.inf, math.inf)).argmax())
    return f"{ours.reshape(-1)[at].item()!r}, torch gives {theirs.reshape(-1)[at].item()!r} (element {at})"


def compare(op, ours, theirs, values=True):
    """Everything a result shows; raises Different."""
    if isinstance(theirs, torch.Tensor):
        return compare_tensors(op, ours, theirs, values)
    if isinstance(theirs, torch.Size):
        if tuple(ours) != tuple(theirs):
            raise Different("value", f"{ours!r}, torch gives {theirs!r}")
    elif isinstance(theirs, (tuple, list)):
        if not isinstance(ours, tuple if isinstance(theirs, tuple) else list) or len(ours) != len(theirs):
            raise Different("structure", f"{type(ours).__name__}, torch gives {type(theirs).__name__}[{len(theirs)}]")
        if hasattr(theirs, "n_fields") and type(ours).__name__ != type(theirs).__name__:
            raise Different("structure", f"{type(ours).__name__}, torch gives return_types.{type(theirs).__name__}")
        for mine, other in zip(ours, theirs, strict=True):
            compare(op, mine, other, values)
    elif isinstance(theirs, (float, complex)) and isinstance(ours, type(theirs)):
        if values and not torch.isclose(torch.tensor(ours), torch.tensor(theirs), equal_nan=True):
            raise Different("value", f"{ours!r}, torch gives {theirs!r}")
    elif type(ours) is not type(theirs) or (values and ours != theirs):
        raise Different("value", f"{ours!r}, torch gives {theirs!r}")
    return None


# ------------------------------------------------------------------------------------------------------------- calling


def compare_errors(ours, theirs):
    """None when both worked; Different or True when torch raised."""
    if theirs is None and ours is None:
        return False
    if isinstance(ours, OutOfScope):
        raise ours
    if theirs is None:
        absent = isinstance(ours, Missing) or (isinstance(ours, AttributeError) and "has no attribute" in str(ours))
        text = str(ours).split("\n")[0][:200]
        raise Different("missing" if absent else "raises", text if absent else f"{type(ours).__name__}: {text}")
    if ours is None:
        raise Different("raises", f"accepted; torch raises {type(theirs).__name__}: {str(theirs)[:120]}")
    kind = next((kind for kind in KINDS if isinstance(theirs, kind)), Exception)
    if isinstance(ours, Missing):
        raise Different("missing", str(ours))
    # torch's "not implemented for" is a RuntimeError by any other name
    if not isinstance(ours, RuntimeError if kind is NotImplementedError else kind):
        raise Different("error_type", f"{type(ours).__name__}: {str(ours)[:90]}; torch: {theirs!r:.120}")
    return True


class Call:
    """One sample, copied into both packages."""

    def __init__(self, sample):
        self.ours, self.theirs = Mirror(facula), Mirror(torch)
        self.sample = sample
        self.arguments = [
            (mirror(sample.input), mirror(sample.args), mirror(sample.kwargs)) for mirror in (self.ours, self.theirs)
        ]

    def run(self, ours, theirs, outs=({}, {})):
        """Both results, or None when both raised alike."""
        (x, args, kwargs), (y, other_args, other_kwargs) = self.arguments
        result, error = attempt(ours, x, *args, **{**kwargs, **outs[0]})
        expected, torch_error = attempt(theirs, y, *other_args, **{**other_kwargs, **outs[1]})
        if compare_errors(error, torch_error):
            return None
        return result, expected

    def leaves(self):
        """(ours, theirs) of every input that requires grad."""
        pairs = [(self.ours.copies[key][1], copy) for key, (_, copy) in self.theirs.copies.items()]
        return [pair for pair in pairs if pair[1].requires_grad]

    def compare_inputs(self, but=None):
        """Both have changed the same inputs in the same way, if any."""
        for key, (original, theirs) in self.theirs.copies.items():
            ours = self.ours.copies[key][1]
            if original is but or (ours._version == 0 and theirs._version == 0):
                continue
            if not close(to_torch(ours), theirs.detach(), *tolerance(None, name(theirs))):
                raise Different("mutation", "an input was changed differently")


def summary(sample):
    """The call in short: shapes, and the other arguments."""

    def show(value):
        if isinstance(value, torch.Tensor):
            return f"{name(value)}{list(value.shape)}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(show(item) for item in value) + "]"
        return repr(value)

    parts = [show(value) for value in (sample.input, *sample.args)]
    return ", ".join(parts + [f"{key}={show(value)}" for key, value in sample.kwargs.items()])[:160]


# -------------------------------------------------------------------------------------------------------------- checks


class Checker:
    """All checks of one operator in one dtype."""

    def __init__(self, op, dtype, limits):
        self.op, self.dtype, self.limits = op, dtype, limits
        self.failures: list[Failure] = []
        self.samples = self.out_of_scope = 0
        self.ours = _or_missing_operator(op)
        self.values = op.name not in UNINITIALISED

    def _record(self, variant, sample, check):
        """Runs a check on a copy of the sample."""
        self.samples += 1
        try:
            check(Call(sample))
        except OutOfScope:
            self.out_of_scope += 1
        except Different as error:
            self._add(error.kind, variant, f"{error} <- {summary(sample)}")
        except Missing as error:
            self._add("missing", variant, str(error))
        except Exception as error:
            self._add("harness", variant, f"{type(error).__name__}: {error} <- {summary(sample)}")

    def _add(self, kind, variant, text):
        self.failures.append(Failure(op_name(self.op), self.dtype, kind, variant, text))

    def run(self):
        if isinstance(self.ours, Missing):
            self.samples += 1
            return self._add("missing", "function", str(self.ours))
        dtype = getattr(torch, self.dtype)
        forward = self.dtype != "complex128" and dtype in self.op.supported_dtypes("cpu")
        backward = self.dtype in GRADIENT_DTYPES and self.op.supports_autograd
        if forward:
            self._forward(self._samples(dtype, False, self.limits.values))
        if backward and dtype in self.op.supported_backward_dtypes("cpu"):
            for sample in self._samples(dtype, True, self.limits.gradients):
                self._record("gradient", sample, self._gradient)
        if forward and self.dtype == "float32" and self.op.error_inputs_func is not None:
            self._errors()
        return None

    def _samples(self, dtype, requires_grad, limit):
        """All samples, or so many of them, evenly spaced."""
        torch.manual_seed(0)
        found = self.op.sample_inputs("cpu", dtype, requires_grad=requires_grad)
        found = list(found if limit is None else itertools.islice(found, 300))
        if limit is None or len(found) <= limit:
            return found
        return [found[index * len(found) // limit] for index in range(limit)]

    def _forward(self, samples):
        for sample in samples:
            self._record("function", sample, self._function)
        for sample in samples[: self.limits.variants]:
            for label, theirs, ours in variants_of(self.op):
                self._record(label, sample, lambda call, pair=(ours, theirs): self._function(call, *pair))
            if not sample.broadcasts_input:
                for label, theirs, ours in inplace_of(self.op):
                    self._record(label, sample, lambda call, pair=(ours, theirs): self._inplace(call, *pair))
            if self.op.supports_out:
                for kind in ("out=", "out= of no elements", "out= of another dtype"):
                    self._record(kind, sample, lambda call, kind=kind: self._out(call, kind))

    def _function(self, call, ours=None, theirs=None):
        results = call.run(ours or self.ours, theirs or self.op.op)
        if results is None:
            return
        self._compare(call, theirs or self.op.op, *results)
        try:
            call.compare_inputs()
        except Different:
            if not inputs_nearer(self.op, theirs or self.op.op, call):
                raise

    def _compare(self, call, function, ours, theirs):
        """Equal, or equal in what torch defines of it, or nearer than torch's result to the exact one."""
        try:
            compare(self.op, ours, theirs, self.values)
        except Different as error:
            if error.kind != "value":
                raise
            if not nearer(self.op, function, call.sample, ours, theirs):
                process = defined_part(self.op, call)
                if process is None:
                    raise
                compare(self.op, process(ours), process(theirs), self.values)

    def _inplace(self, call, ours, theirs):
        results = call.run(ours, theirs)
        if results is None:
            return
        if isinstance(results[1], torch.Tensor) and (results[1] is call.arguments[1][0]) != (
            results[0] is call.arguments[0][0]
        ):
            raise Different("alias", "the result is not the input")
        self._compare(call, theirs, *results)
        call.compare_inputs(but=call.sample.input)

    def _out(self, call, kind):
        (_, _, _), (y, args, kwargs) = call.arguments
        expected, error = attempt(self.op.op, y, *args, **kwargs)
        tensors = list(expected) if isinstance(expected, tuple) else [expected]
        if error is not None or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
            return
        made = [_out_tensor(tensor, kind) for tensor in tensors]
        their_out = made[0] if isinstance(expected, torch.Tensor) else tuple(made)
        our_out = Mirror(facula)(their_out)
        results = Call(call.sample).run(self.ours, self.op.op, ({"out": our_out}, {"out": their_out}))
        if results is None:
            return
        if isinstance(expected, torch.Tensor) and results[0] is not our_out:
            raise Different("alias", "the result is not out")
        try:
            self._compare(call, self.op.op, our_out, their_out)
        except Different:
            if kind == "out= of another dtype" or _equal(their_out, expected):
                raise
            compare(self.op, our_out, expected, self.values)  # torch contradicts itself: the form without out= counts

    def _gradient(self, call):
        op, wrapper = self.op, self.op.gradcheck_wrapper
        process = call.sample.output_process_fn_grad

        def ours(*args, **kwargs):
            return translate(process)(translate(wrapper)(self.ours, *args, **kwargs))

        def theirs(*args, **kwargs):
            return process(wrapper(op.op, *args, **kwargs))

        results = call.run(ours, theirs)
        if results is None:
            return
        compare(op, *results, self.values)
        mine, other = ([t for t in flat(result) if t.requires_grad] for result in results)
        pairs = call.leaves()
        if not other or not pairs:
            return
        torch.manual_seed(1)
        cotangents = [torch.randn_like(result) for result in other]
        copies = Mirror(facula)(cotangents)
        wanted, torch_error = attempt(torch.autograd.grad, other, [b for _, b in pairs], cotangents, allow_unused=True)
        got, error = attempt(facula.autograd.grad, mine, [a for a, _ in pairs], copies, allow_unused=True)
        if compare_errors(error, torch_error):
            return
        try:
            for index, (gradient, expected) in enumerate(zip(got, wanted, strict=True)):
                self._compare_gradient(index, gradient, expected)
        except Different:
            if not gradient_refuted(ours, theirs, call):
                raise

    def _compare_gradient(self, index, ours, theirs):
        if ours is None and theirs is None:
            return
        try:
            if theirs is None or ours is None:
                value = to_torch(ours) if theirs is None else theirs
                if value.any():
                    raise Different("grad", f"{ours and 'a tensor'}, torch gives {theirs is not None and 'a tensor'}")
                return
            compare(self.op, ours.detach(), theirs.detach())
        except Different as error:
            raise Different("grad", f"gradient {index}: {error.kind} {error}") from None

    def _errors(self):
        torch.manual_seed(0)
        for error_input in itertools.islice(self.op.error_inputs("cpu"), self.limits.errors):
            self._record("error", error_input.sample_input, self._error)

    def _error(self, call):
        _, (y, args, kwargs) = call.arguments
        if attempt(self.op.op, y, *args, **kwargs)[1] is not None:  # some errors are those of torch's wrappers only
            self._function(Call(call.sample))


def _or_missing_operator(op):
    try:
        return function_of(op)
    except Missing as error:
        return error


def _equal(a, b):
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in zip(flat(a), flat(b), strict=True))


def _out_tensor(tensor, kind):
    if kind == "out= of no elements":
        return torch.empty(0, dtype=tensor.dtype)
    if kind == "out= of another dtype":
        return torch.ones(tensor.shape, dtype=torch.int64 if tensor.is_floating_point() else torch.bool)
    return torch.ones(tensor.shape, dtype=tensor.dtype)


def check(op, dtype, limits):
    """The figures and failures of one operator in one dtype, as plain data."""
    checker = Checker(op, dtype, limits)
    checker.run()
    failures = [asdict(failure) for failure in checker.failures]
    return {"samples": checker.samples, "out_of_scope": checker.out_of_scope, "failures": failures}
