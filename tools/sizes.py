"""Prints and guards sizes: lines of files and functions; bytes of the wheel and of what an installation takes.

    python tools/sizes.py             lines, and the installed package when there is one
    python tools/sizes.py WHEEL.whl   the wheel as well

Times are no business of this file: benchmarks/ measures them.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("core", "src", "tests", "tools", "benchmarks", "examples")
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 60
# A C++ function is found by its braces, which also sees initialisers of tables: those get some room.
MAX_BRACE_LINES = 80
MAX_WHEEL_BYTES = 8_000_000
MAX_INSTALLED_BYTES = 45_000_000
# A line at the outermost level that opens a body: not a namespace, type, macro or table.
CPP_BODY = re.compile(
    r"^(?!\s*(?:namespace|struct|class|enum|union|extern|using|typedef|#|//|\}))(?!.*=\s*\{).*\)[^;]*\{\s*$"
)


def python_functions(path: Path) -> list[tuple[int, str, int]]:
    """(line, name, number of lines without the docstring) of every function."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        first = node.body[0]
        documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        docstring = first.end_lineno - first.lineno + 1 if documented else 0
        found.append((node.lineno, node.name, node.end_lineno - node.lineno + 1 - docstring))
    return found


def cpp_functions(path: Path) -> list[tuple[int, str, int]]:
    """(line, first line, number of lines) of every body that opens at the left edge or in a class."""
    lines = path.read_text().splitlines()
    found = []
    for number, line in enumerate(lines):
        if not CPP_BODY.match(line) or len(line) - len(line.lstrip()) > 2:
            continue
        closing = line[: len(line) - len(line.lstrip())] + "}"
        end = next((n for n in range(number + 1, len(lines)) if lines[n].startswith(closing)), number)
        found.append((number + 1, line.strip(), end - number + 1))
    return found


def check_lines(root: Path) -> list[str]:
    """What is too long among the sources."""
    breaches = []
    for path in sorted(p for folder in FOLDERS for p in (root / folder).rglob("*")):
        if path.suffix not in (".py", ".h", ".cpp"):
            continue
        name = path.relative_to(root)
        count = path.read_text().count("\n")
        if count > MAX_FILE_LINES:
            breaches.append(f"{name}: {count} lines, at most {MAX_FILE_LINES}")
        python = path.suffix == ".py"
        limit = MAX_FUNCTION_LINES if python else MAX_BRACE_LINES
        for line, function, length in python_functions(path) if python else cpp_functions(path):
            if length > limit:
                breaches.append(f"{name}:{line}: {function} has {length} lines, at most {limit}")
    return breaches


def bytes_of(distribution: str) -> int:
    """Bytes on disk of an installed distribution, without compiled bytecode; an editable one counts its sources."""
    files = importlib.metadata.files(distribution) or []
    return sum(f.locate().stat().st_size for f in files if "__pycache__" not in f.parts and f.locate().is_file())


def installed_bytes() -> dict[str, int]:
    """Bytes of facula and of each distribution it cannot do without; empty when facula is not installed."""
    try:
        requirements = importlib.metadata.requires("facula") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    needed = [re.match(r"[\w.-]+", r)[0] for r in requirements if "extra ==" not in r]
    return {name: bytes_of(name) for name in ("facula", *needed)}


def check_installed() -> list[str]:
    """Print what is installed; a breach when it is too large."""
    sizes = installed_bytes()
    for name, size in sizes.items():
        print(f"sizes: {name} installed  {size / 1e6:6.1f} MB")
    total = sum(sizes.values())
    return [f"installed: {total} bytes, at most {MAX_INSTALLED_BYTES}"] if total > MAX_INSTALLED_BYTES else []


def check_wheel(path: Path) -> list[str]:
    """Print the size of a wheel; a breach when it is too large or carries sources of the core."""
    size = path.stat().st_size
    print(f"sizes: {path.name}  {size / 1e6:6.1f} MB")
    breaches = [f"{path.name}: {size} bytes, at most {MAX_WHEEL_BYTES}"] if size > MAX_WHEEL_BYTES else []
    names = zipfile.ZipFile(path).namelist()
    return breaches + [f"{path.name}: carries {name}" for name in names if name.endswith((".cpp", ".h"))]


def main(arguments: list[str]) -> int:
    """Print the sizes and the breaches; 1 when there are any."""
    breaches = check_lines(ROOT) + check_installed()
    for wheel in arguments:
        breaches += check_wheel(Path(wheel))
    for line in breaches:
        print(line)
    print(f"sizes: {len(breaches)} breaches" if breaches else "sizes: everything is within its limit")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
