# What it costs to have the package at all: time and memory of a process that only imports it, and size on disk.
# Refuses to import either library itself.
from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from timing import Row, finish, options, row

IMPORT_TARGET_S, RESIDENT_TARGET_MB, INSTALLED_TARGET_MB, WHEEL_TARGET_MB = 0.08, 40.0, 45.0, 8.0
FACULA_RUNS, TORCH_RUNS = 40, 4


# Linux only: the peak since the program started; what wait4 reports would include the parent's pages before exec.
PEAK = "print([s.split()[1] for s in open('/proc/self/status') if s.startswith('VmHWM')][0])"


def least(code: str, runs: int, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and peak resident megabytes of a whole interpreter that runs the code: the least of several."""
    peak = subprocess.run(
        [sys.executable, "-c", f"{code}\n{PEAK}"], env=environment, stdout=subprocess.PIPE, check=True
    )
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        best = min(best, time.perf_counter() - start)
    return best, int(peak.stdout) * 1024 / 1e6


def measure() -> list[tuple[float, float]]:
    """A bare interpreter, facula and PyTorch, each with compiled bytecode as after an installation by pip."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = cache
        own = [least(code, FACULA_RUNS, environment) for code in ("pass", "import facula")]
    return [*own, least("import torch", TORCH_RUNS, dict(os.environ))]


def package_folder(name: str) -> Path | None:
    """Where a package lies, found without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def files_of(folder: Path) -> list[Path]:
    """What an installation holds: everything but compiled bytecode."""
    return [p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def megabytes_of(*packages: str) -> float:
    """Size on disk of packages, and of the libraries that their wheels put beside them."""
    total = 0
    for name in packages:
        folder = package_folder(name)
        if folder is None:
            continue
        for place in (folder, folder.parent / f"{name}.libs"):
            total += sum(p.stat().st_size for p in files_of(place)) if place.is_dir() else 0
    return total / 1e6


def wheel_megabytes(package: str) -> float:
    """Size of the package's files compressed as in a wheel."""
    folder = package_folder(package)
    if folder is None:
        raise RuntimeError(f"{package} is not installed")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files_of(folder):
            archive.write(path, path.relative_to(folder.parent))
    return buffer.tell() / 1e6


def main() -> None:
    """Measures processes first, then sizes."""
    given = options(__doc__ or "import", 0.0)
    (bare_s, bare_mb), (facula_s, facula_mb), (torch_s, torch_mb) = measure()
    installed = megabytes_of("facula", "scipy_openblas32")
    rows: list[Row] = [
        row('python -c "pass"', None, bare_s, None, "s", "value"),
        row('python -c "import facula", the whole process', torch_s, facula_s, IMPORT_TARGET_S, "s", "value"),
        row("resident memory of python alone", None, bare_mb, None, "MB", "value"),
        row("resident memory after import", torch_mb, facula_mb, RESIDENT_TARGET_MB, "MB", "value"),
        row("installed, with OpenBLAS", megabytes_of("torch"), installed, INSTALLED_TARGET_MB, "MB", "value"),
        row("wheel, without OpenBLAS", None, wheel_megabytes("facula"), WHEEL_TARGET_MB, "MB", "value"),
    ]
    finish(rows, given.json)


if __name__ == "__main__":
    main()
