"""Checks that nothing calls uphill: who may include whom in core/, who may import whom in src/facula.

Reads text only; it neither builds nor imports anything. Exit status 1 with one line for each breach.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A folder may include itself and the folders before it.
CORE = ("base", "expr", "runtime", "cpu", "tensor", "ops", "autograd", "graph", "python")

# The kernels are the formulas compiled, so the kernel folder reads the table of formulas: text without tensors.
FORMULA_TABLE = ("ops/pointwise.h", "ops/pointwise_def.h")

# The interface of a kernel family is plain memory and function pointers. A .cpp of any folder may call through it
# (the generator draws with vector code, the interpreter runs blocks); the header itself may include no more than this.
FAMILY_MARK = re.compile(r"^FACULA_FAMILY\(", re.MULTILINE)
FAMILY_MAY_INCLUDE = ("base", "cpu", "ops/pointwise_def.h")

# A module may import its own layer and those before it.
PACKAGE = (
    ("_C", "version"),
    ("_native",),
    # One layer: an operation as function and as method. The last four are names for modules of functional.
    ("functional", "_tensor", "linalg", "special", "random", "return_types"),
    ("testing",),
    ("autograd", "func", "amp"),
    ("utils",),
    ("nn",),
    ("fft",),
    ("signal", "distributions", "masked", "overrides"),
    ("optim",),
    ("io", "utils.data", "backends", "cuda", "cpu"),
    # What surrounds the core, under PyTorch's names.
    ("storage", "serialization", "types", "torch_version", "mps", "xpu"),
    (
        "__config__",
        "mtia",
        "accelerator",
        "distributed",
        "compiler",
        "_dynamo",
        "jit",
        "onnx",
        "hub",
        "multiprocessing",
        "profiler",
    ),
    ("autograd.profiler", "utils.model_zoo"),  # older doors to what stands above
    ("datasets",),
    ("demo",),
    ("__init__", "__main__"),
)
LAYER = {name: number for number, names in enumerate(PACKAGE) for name in names}


def is_kernel_interface(core: Path, target: str) -> bool:
    """Whether a header declares a family of kernels, or how they are dispatched."""
    if target == "cpu/dispatch.h":
        return True
    path = core / target
    return target.startswith("cpu/") and path.suffix == ".h" and bool(FAMILY_MARK.search(path.read_text()))


def include_is_allowed(core: Path, source: str, target: str) -> bool:
    """Whether the core file `source` may include `target`, both relative to core/."""
    here, there = source.split("/")[0], target.split("/")[0]
    if here == "cpu" and is_kernel_interface(core, source):
        return there in FAMILY_MAY_INCLUDE or target in FAMILY_MAY_INCLUDE
    if here == "cpu" and target in FORMULA_TABLE:
        return True
    if there not in CORE:
        return False
    if CORE.index(there) <= CORE.index(here):
        return True
    return source.endswith(".cpp") and is_kernel_interface(core, target)


def check_core(core: Path) -> list[str]:
    """Breaches among the includes of core/."""
    breaches = []
    for path in sorted([*core.rglob("*.h"), *core.rglob("*.cpp")]):
        source = path.relative_to(core).as_posix()
        if source.split("/")[0] not in CORE:
            breaches.append(f"core/{source}: this folder is not in the order {', '.join(CORE)}")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include "([^"]+)"', line)
            if found and not include_is_allowed(core, source, found[1]):
                breaches.append(f"core/{source}:{number}: {source.split('/')[0]}/ may not include {found[1]}")
    return breaches


def layer_of(module: str) -> tuple[str, int] | None:
    """The layer that a module below `facula` belongs to, the longest name that fits; None: no layer has it."""
    parts = module.split(".")
    for length in (2, 1):
        name = ".".join(parts[:length])
        if name in LAYER:
            return name, LAYER[name]
    return None


def imported_modules(tree: ast.AST, folder: tuple[str, ...]) -> list[tuple[int, str]]:
    """(line, module below facula) of every import, and of every `facula.name` where name is a layer.

    `folder` is where the file lies, for relative imports.
    """
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, a.name[7:]) for a in node.names if a.name.startswith("facula.")]
        elif isinstance(node, ast.ImportFrom) and node.level:
            above = folder[: len(folder) - node.level + 1]
            names = (node.module,) if node.module else tuple(a.name for a in node.names)
            found += [(node.lineno, ".".join((*above, name))) for name in names]
        elif isinstance(node, ast.ImportFrom) and node.module == "facula":
            found += [(node.lineno, a.name) for a in node.names if a.name in LAYER]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("facula."):
            found.append((node.lineno, node.module[7:]))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "facula":
            if node.attr in LAYER:
                found.append((node.lineno, node.attr))
    return found


def check_package(package: Path) -> list[str]:
    """Breaches among the imports of src/facula."""
    breaches = []
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package).with_suffix("")
        parts = [p for p in relative.parts if p != "__init__"] or ["__init__"]
        here = layer_of(".".join(parts))
        if here is None:
            breaches.append(f"src/facula/{relative}.py: no layer of tools/layers.py has this module")
            continue
        for number, module in imported_modules(ast.parse(path.read_text()), relative.parts[:-1]):
            there = layer_of(module)
            if there is None or there[1] > here[1]:
                breaches.append(f"src/facula/{relative}.py:{number}: {here[0]} may not use facula.{module}")
    return breaches


def main() -> int:
    """Print the breaches; 1 when there are any."""
    breaches = check_core(ROOT / "core") + check_package(ROOT / "src" / "facula")
    for line in breaches:
        print(line)
    print(f"layers: {len(breaches)} breaches" if breaches else "layers: every include and import goes downhill")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
