"""One module of torch's own database (module_db), built, run and differentiated in both packages with the same weights.
What differs comes back as (case, kind, text). Runs one module; many are for tools/moduledb_report.py."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import warnings

import torch
from opdb import Different, compare, compare_tensors
from opdb_translate import Mirror, OutOfScope, to_torch
from torch.testing._internal.common_modules import module_db

import facula

DTYPES = ("float32", "float64")
SEED = 11
# Where torch's float32 is that far from its own float64; facula adds in float64.
COARSE = {"CTCLoss": 1e-4}


def infos():
    """The database by name."""
    return {info.name.removeprefix("nn."): info for info in module_db}


class Modules(Mirror):
    """A mirror that also takes modules apart and builds their counterparts."""

    def __call__(self, value):
        if not isinstance(value, torch.nn.Module):
            return super().__call__(value)
        if self.package is torch:
            return copy.deepcopy(value)
        kind = getattr(facula.nn, type(value).__name__, None) or _private(type(value))
        twin = kind.__new__(kind)
        for key, item in vars(value).items():
            if key == "_parameters":
                item = {k: None if p is None else self._parameter(p) for k, p in item.items()}
            elif key in ("_buffers", "_modules"):
                item = {k: self(v) for k, v in item.items()}
            elif callable(item) or isinstance(item, (list, tuple)):
                item = self(item)
            elif key.startswith("_") and ("hook" in key or key == "_is_full_backward_hook"):
                continue
            twin.__dict__[key] = item
        return twin

    def _parameter(self, p):
        return facula.nn.Parameter(super().__call__(p.detach()), p.requires_grad)


def _private(kind):
    module = __import__(kind.__module__.replace("torch", "facula", 1), fromlist=["x"])
    return getattr(module, kind.__name__)


def build(info, sample, dtype):
    """The two modules with the same weights, the forward arguments of both, and which of them want gradients."""
    given = sample.constructor_input
    extra = {"device": "cpu", "dtype": getattr(torch, dtype)}
    accepted = inspect.signature(info.module_cls.__init__).parameters
    takes = "dtype" in accepted or issubclass(info.module_cls, torch.nn.RNNBase)
    options = {**given.kwargs, **(extra if takes else {})}
    ours_cls = getattr(facula.nn, info.module_cls.__name__)
    results = []
    for package, kind in ((torch, info.module_cls), (facula, ours_cls)):
        mirror = Modules(package)
        package.manual_seed(SEED)
        args = [mirror(a) for a in given.args]
        keywords = {k: v if k == "dtype" and package is torch else mirror(v) for k, v in options.items()}
        results.append(kind(*args, **keywords))
    return results


def arguments_of(sample, package):
    mirror = Mirror(package)
    given = sample.forward_input
    return [mirror(a) for a in given.args], {k: mirror(v) for k, v in given.kwargs.items()}


def leaves(value):
    if isinstance(value, (torch.Tensor, facula.Tensor)):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, (list, tuple)) else []


def differentiable(tensors):
    return [t for t in tensors if (t.is_floating_point() or t.is_complex()) and t.requires_grad]


def state_differs(ours, theirs, exact):
    """Names, shapes and, for initial weights, values of the state dicts."""
    mine, other = ours.state_dict(), theirs.state_dict()
    if list(mine) != list(other):
        return f"keys {list(mine)}, torch has {list(other)}"
    for key, value in other.items():
        if _lazy(value):
            continue
        try:
            compare_tensors(None, mine[key].detach(), value.detach(), exact)
        except Different as error:
            return f"{key}: {error}"
    return None


def _lazy(value):
    return torch.nn.parameter.is_lazy(value)


def gradients(package, outputs, wanted, create_graph):
    """Of a fixed weighting of all outputs to all wanted tensors."""
    total = 0
    for i, out in enumerate(differentiable(leaves(outputs))):
        weight = (package.arange(out.numel(), dtype=package.float64) * 0.7 + i).cos().reshape(out.shape).to(out.dtype)
        total = total + (out * weight).sum()
    if not isinstance(total, package.Tensor):
        return []
    return package.autograd.grad(total, wanted, create_graph=create_graph, allow_unused=True)


def compare_each(what, ours, theirs, found, coarse=0.0):
    for i, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        try:
            if (mine is None) != (other is None):
                if other is not None and bool((other != 0).any()):
                    raise Different("value", f"{'none' if mine is None else 'some'}, torch gives the other")
                continue
            if other is None or torch.allclose(to_torch(mine), other.detach(), rtol=coarse, atol=coarse):
                continue
            compare_tensors(None, mine.detach(), other.detach())
        except Different as error:
            found.append((what, f"{i}: {error}"))


def run_sample(info, sample, dtype, training):
    """All checks of one sample; a list of (kind, text)."""
    found: list[tuple[str, str]] = []
    try:
        theirs, ours = build(info, sample, dtype)
    except OutOfScope:
        return None
    lazy = any(_lazy(t) for t in (*theirs.parameters(), *theirs.buffers()))
    if repr(ours) != repr(theirs):
        found.append(("repr", f"{ours!r}, torch prints {theirs!r}"))
    if text := state_differs(ours, theirs, True):
        found.append(("initial state", text))
    initial = copy.deepcopy(theirs.state_dict())
    if not lazy:
        ours.load_state_dict(Mirror(facula)({k: v.detach() for k, v in theirs.state_dict().items()}))
    results = []
    for package, module in ((torch, theirs), (facula, ours)):
        module.train(training)
        package.manual_seed(SEED + 1)
        args, kwargs = arguments_of(sample, package)
        results.append((module(*args, **kwargs), [*leaves(args), *leaves(kwargs)]))
    (their_out, their_in), (our_out, our_in) = results
    try:
        compare(None, our_out, their_out)
    except Different as error:
        found.append((error.kind, str(error)))
        return found
    if text := state_differs(ours, theirs, False):
        found.append(("state", text))
    pairs = ((their_in, theirs), (our_in, ours))
    wanted = [[*differentiable(inputs), *differentiable(list(m.parameters()))] for inputs, m in pairs]
    if len(wanted[0]) != len(wanted[1]):
        return [*found, ("grad", f"{len(wanted[1])} tensors want a gradient, in torch {len(wanted[0])}")]
    twice = info.supports_gradgrad and dtype == "float64" and training
    if not differentiable(leaves(their_out)) or not wanted[0]:
        return found
    outputs = ((torch, their_out), (facula, our_out))
    firsts = [gradients(p, out, w, twice) for (p, out), w in zip(outputs, wanted)]
    before = len(found)
    coarse = COARSE.get(info.name.removeprefix("nn."), 0.0) if dtype == "float32" else 0.0
    compare_each("grad", firsts[1], firsts[0], found, coarse)
    if dtype == "float32" and len(found) > before and not lazy:
        found[before:] = [
            f for f in found[before:] if not nearer(info, sample, training, initial, *firsts, int(f[1].split(":")[0]))
        ]
    if twice and not found and any(g is not None and g.requires_grad for g in firsts[0]):
        found += second_gradients(firsts, wanted)
    if not lazy and not found:
        found += copies_differ(ours, sample, our_out)
    return found


def nearer(info, sample, training, initial, theirs, ours, i):
    """Whether the largest error of a gradient is below that of torch's, judged by torch in float64."""
    reference = build_torch(info, sample, "float64").double()
    reference.load_state_dict({k: v.double() if v.is_floating_point() else v for k, v in initial.items()})
    reference.train(training)
    args, kwargs = arguments_of(sample, torch)
    args = [_wide(a) for a in args]
    kwargs = {k: _wide(v) for k, v in kwargs.items()}
    torch.manual_seed(SEED + 1)
    wanted = [*differentiable([*leaves(args), *leaves(kwargs)]), *differentiable(list(reference.parameters()))]
    exact = gradients(torch, reference(*args, **kwargs), wanted, False)[i]
    if exact is None or ours[i] is None or theirs[i] is None:
        return False
    errors = [(g.double() - exact).abs().max() for g in (to_torch(ours[i]), theirs[i])]
    return bool(errors[0] <= errors[1])


def _wide(value):
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return value
    return value.detach().double().requires_grad_(value.requires_grad)


def second_gradients(firsts, wanted):
    """Gradients of the gradients, where torch has them."""
    found: list[tuple[str, str]] = []
    try:
        theirs = gradients(torch, [g for g in firsts[0] if g is not None], wanted[0], False)
    except RuntimeError:  # "derivative for ... is not implemented"
        return found
    ours = gradients(facula, [g for g in firsts[1] if g is not None], wanted[1], False)
    if theirs and ours:
        compare_each("gradgrad", ours, theirs, found)
    return found


def copies_differ(module, sample, expected):
    """A copy and a pickle keep text and state."""
    buffer = io.BytesIO()
    try:
        pickle.dump(module, buffer)
    except (pickle.PicklingError, AttributeError, TypeError):
        return []  # a lambda in the database's own arguments
    buffer.seek(0)
    for twin in (copy.deepcopy(module), pickle.load(buffer)):
        if repr(twin) != repr(module) or list(twin.state_dict()) != list(module.state_dict()):
            return [("copy", f"{twin!r}")]
    return []


def error_samples(info, training):
    if info.module_error_inputs_func is None:
        return []
    function = info.module_error_inputs_func
    return list(function(info, device="cpu", dtype=torch.float64, requires_grad=False, training=training))


def check_error(info, item):
    """The exception type of a refused construction or call."""
    sample, texts = item.module_error_input, []
    for package in (torch, facula):
        kind = info.module_cls if package is torch else getattr(facula.nn, info.module_cls.__name__)
        mirror = Modules(package)
        try:
            given = sample.constructor_input
            module = kind(*[mirror(a) for a in given.args], **{k: mirror(v) for k, v in given.kwargs.items()})
            if sample.forward_input is not None:
                args, kwargs = arguments_of(sample, package)
                module(*args, **kwargs)
        except Exception as error:
            texts.append(error)
        else:
            texts.append(None)
    theirs, ours = texts
    if type(theirs).__name__ == type(ours).__name__:
        return []
    return [("error type", f"{type(ours).__name__}: {str(ours)[:80]}, torch raises {type(theirs).__name__}: {theirs}")]


def check(name, dtypes=DTYPES, most=None):
    """{"samples": n, "failures": [(case, kind, text)]} of one module."""
    info, count, failures = infos()[name], 0, []
    for dtype in dtypes:
        if getattr(torch, dtype) not in info.dtypes:
            continue
        for training in (True, False):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.manual_seed(SEED)
                samples = info.module_inputs_func(
                    info, device="cpu", dtype=getattr(torch, dtype), requires_grad=True, training=training
                )
                for i, sample in enumerate(samples[:most]):
                    case = f"{dtype} {'train' if training else 'eval'} {i} {sample.desc}"
                    found = _guarded(info, sample, dtype, training)
                    count += found is not None
                    failures += [(case, *item) for item in found or ()]
    for training in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i, item in enumerate(error_samples(info, training)):
                count += 1
                failures += [(f"error {i}", *f) for f in check_error(info, item)]
    if not count:
        failures.append(("", "nothing compared", "no sample could be built"))
    return {"samples": count, "failures": failures}


def _guarded(info, sample, dtype, training):
    try:
        return run_sample(info, sample, dtype, training)
    except Exception as error:
        if _torch_refuses(info, sample, dtype, training):
            return None
        return [("raises", f"{type(error).__name__}: {error}")]


def _torch_refuses(info, sample, dtype, training):
    """torch itself cannot do this (bfloat16, mostly)."""
    try:
        theirs = build_torch(info, sample, dtype)
        theirs.train(training)
        args, kwargs = arguments_of(sample, torch)
        out = theirs(*args, **kwargs)
        wanted = differentiable([*leaves(args), *leaves(kwargs), *theirs.parameters()])
        if wanted and differentiable(leaves(out)):
            gradients(torch, out, wanted, False)
    except Exception:
        return True
    return False


def build_torch(info, sample, dtype):
    given = sample.constructor_input
    accepted = inspect.signature(info.module_cls.__init__).parameters
    takes = "dtype" in accepted or issubclass(info.module_cls, torch.nn.RNNBase)
    extra = {"device": "cpu", "dtype": getattr(torch, dtype)} if takes else {}
    return info.module_cls(*copy.deepcopy(given.args), **{**given.kwargs, **extra})
