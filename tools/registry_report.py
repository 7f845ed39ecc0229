"""Compares the public names of PyTorch with those here and writes the register in docs/coverage.md. Compares names:
whether they give the same answers is for tools/opdb_report.py.

    python tools/registry_report.py            the figures, and what is missing
    python tools/registry_report.py --write    records them in docs/coverage.md
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
import textwrap
import types
from collections import Counter, defaultdict
from pathlib import Path

COVERAGE = Path(__file__).resolve().parent.parent / "docs" / "coverage.md"
BEGIN, END = "<!-- registry: begin -->", "<!-- registry: end -->"

NAMESPACES = (
    "torch",
    "torch.Tensor",
    "torch.nn.functional",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.signal.windows",
    "torch.func",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.nn",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.utils.data",
    "torch.distributions",
)

# Why a name is left out on purpose: the first pattern that matches the whole of "linalg.eig", "Tensor.eig" or "eig";
# ANY stands for the namespace. What matches none is missing.
ANY = r"(.*\.)?"
REASONS = (
    (ANY + r"(.*([sS]pars|coalesce).*|hspmm|smm|sspaddmm|spmm|.*(crow|ccol|col|row)_indices(_copy)?|indices(_copy)?|"
     r"values(_copy)?|to_dense|dense_dim|.*jagged.*|to_padded_tensor|nested_.*)", "sparse and nested tensors"),
    (ANY + r"(.*(quant(?!ile)|q_scale|q_zero|q_per_channel|qscheme|int_repr|fbgemm|scaled_(grouped_)?mm).*|q[iu]+nt.*|"
     r"per_(channel|tensor)_.*|Q[UI].*|choose_qparams.*|fused_moving_avg.*|ScalingType|SwizzleType|grouped_mm)",
     "quantised tensors"),
    (ANY + r"((u?int[1-7]|bits?\d*|bits\dx\d|float[48]_.*|complex32|chalf)|bit)",
     "number formats with little arithmetic in PyTorch itself"),
    (ANY + r"((cudnn|mkldnn|miopen|mkl|xnnpack|hip|rocm|vulkan|mps|xpu|mtia|ipu|hpu|xla|maia|privateuse).*|"
     r"is_(vulkan|mkldnn|xpu|mps|mtia|ipu|hpu|xla|maia|ort|nested)(_.*)?|to_mkldnn|record_stream|Stream|Event|cudart.*|"
     r".*[aA]ccelerator.*|nccl.*|Device.*|get_device_module|has_(lapack|mkl|openmp|spectral)|PRIVATE_OPS|tf32_notes)",
     "other devices and backends"),
    (ANY + r"(is_distributed|DataParallel|SyncBatchNorm|share_memory_|is_shared|AggregationType|"
     r"AVG|SUM)", "more than one process"),
    (ANY + r"(sym_.*|Sym.*|constrain_.*|.*guard.*|is_meta|enforce_grad_layout_policy|dim_order)", "symbolic sizes"),
    (ANY + r"(align_(to|as|tensors)|rename_?|refine_names|has_names|names)", "named tensors"),
    (r"(.*[sS]cript.*|.*[tT]racing.*|fork|wait|.*_ir.*|parse_.*|.*jit.*|merge_type.*|unify_type_list|.*profiler.*|"
     r".*op_context.*|.*[mM]obile.*|compiled_with_cxx11_abi|export|compile|typename|vitals_enabled|set_vital|"
     r"read_vitals|.*dynamo.*|cond|while_loop|func\.(functionalize|debug_unwrap)|DispatchKey|Tag|OutOfMemoryError|"
     r"thread_safe_generator)", "TorchScript, export and compiler"),
    (ANY + r"(.*(Storage|StorageBase)|storage|storage_type|typed_storage|from_file|is_storage)", "typed storages"),
    (r"(Tensor\.)?(solve|symeig|lstsq|eig|matrix_rank|volatile|reinforce)|Tensor\.(index|is_set_to|module_load)|"
     r"(.*\.)?(TYPE_CHECKING|USE_.*|BroadcastingList.*|GRID_SAMPLE_.*|.*_notes|(handle|has)_torch_function.*|"
     r"factory_kwargs|legacy_contiguous_format|init_num_threads|swap_in_optimizer.*)|"
     r"utils\.data\..*DataPipe.*|Tensor\.(const_data_ptr|grad_dtype)|autograd\.NestedIOFunction",
     "removed from PyTorch, or internal to it"),
)  # fmt: skip
UNDOCUMENTED = "not documented by PyTorch: bindings behind other functions"
TYPES = "classes of the interpreter's own machinery"


def owner_of(package, namespace):
    """The module or class; None where the package has none of it."""
    path = namespace.replace("torch", package.__name__, 1)
    if namespace == "torch.Tensor":
        return package.Tensor
    try:
        return importlib.import_module(path)
    except ImportError:
        pass
    value = package  # not a module of that path: a name of its parent
    for part in namespace.split(".")[1:]:
        try:
            value = getattr(value, part, None)
        except ImportError:
            return None
    return value


def public_names(namespace, torch):
    """Functions, classes and attributes of the namespace that are PyTorch's, not Python's or imported by the way."""
    owner = owner_of(torch, namespace)
    names = set(dir(owner))
    if namespace not in ("torch", "torch.Tensor") and hasattr(owner, "__all__"):
        names &= set(owner.__all__)
    return sorted(name for name in names if not name.startswith("_") and is_own(getattr(owner, name, None), namespace))


def is_own(value, namespace):
    """Whether it belongs to the interface: not a module, not typing's or the standard library's."""
    if isinstance(value, types.ModuleType) or (namespace != "torch" and getattr(value, "__name__", "") == "Tensor"):
        return False
    module = getattr(value, "__module__", None) or "torch"
    if isinstance(value, (type, types.FunctionType)):
        return module.split(".")[0] == "torch" and not (module.startswith("torch._") and "torch._C" not in module
                                                        and namespace.startswith("torch.nn"))  # fmt: skip
    return type(value).__module__.split(".")[0] not in ("typing", "collections", "__future__")


def documented(value):
    """PyTorch itself documents it."""
    return bool(getattr(value, "__doc__", None)) and not str(value.__doc__).startswith(f"{type(value).__name__}(")


def state_of(namespace, name, theirs, ours):
    """'native', 'composed' or why it is absent."""
    qualified = f"{namespace}.{name}".removeprefix("torch.")
    found = getattr(ours, name, None) if ours is not None else None
    if found is not None or (ours is not None and name in dir(ours)):
        return "native" if is_native(found) else "composed"
    for pattern, reason in REASONS:
        if re.fullmatch(pattern, qualified):
            return reason
    if namespace == "torch" and isinstance(theirs, type) and theirs.__module__.startswith("torch._C"):
        return TYPES
    if callable(theirs) and not documented(theirs):
        return UNDOCUMENTED
    return "missing"


def is_native(value):
    """An entry of the table or a C function, seen through properties and methods."""
    composed = types.FunctionType, types.MethodType, type, property, type(importlib.import_module("facula").trace)
    return not isinstance(value, composed) and callable(value)


def compare():
    """{namespace: {name: state}}."""
    import torch

    import facula

    found = {}
    for namespace in NAMESPACES:
        theirs, ours = owner_of(torch, namespace), owner_of(facula, namespace)
        names = public_names(namespace, torch)
        found[namespace] = {
            name: state_of(namespace, name, inspect.getattr_static(theirs, name, None), ours) for name in names
        }
    return found


def rows(found):
    """The figures of each namespace as a table."""
    lines = ["| namespace | names | native | composed | left out | missing |", "| --- | --- | --- | --- | --- | --- |"]
    for namespace, states in found.items():
        count = Counter(states.values())
        here = count["native"], count["composed"]
        left_out = len(states) - sum(here) - count["missing"]
        cells = (f"`{namespace}`", len(states), *here, left_out, count["missing"])
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def report(found):
    """The section of docs/coverage.md."""
    lines = rows(found)
    for namespace, states in found.items():
        groups = defaultdict(list)
        for name, state in states.items():
            groups[state].append(name)
        lines += ["", f"### {namespace}", ""]
        order = ["missing", "native", "composed", *sorted(set(groups) - {"missing", "native", "composed"})]
        for state in order:
            if groups[state]:
                title = state if state in ("missing", "native", "composed") else f"left out: {state}"
                names = ", ".join(groups[state])
                lines += textwrap.wrap(f"- {title} ({len(groups[state])}): {names}", 140, subsequent_indent="  ",
                                       break_on_hyphens=False, break_long_words=False)  # fmt: skip
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="record the register in docs/coverage.md")
    options = parser.parse_args()
    found = compare()
    print("\n".join(rows(found)))
    for namespace, states in found.items():
        names = [name for name, state in states.items() if state == "missing"]
        if names:
            print(f"missing in {namespace}: {' '.join(names)}")
    if options.write:
        before, _, rest = COVERAGE.read_text().partition(BEGIN)
        COVERAGE.write_text(f"{before}{BEGIN}\n{report(found)}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    sys.exit(main())
