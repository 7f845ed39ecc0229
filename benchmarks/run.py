# All benchmarks in one command: runs the scripts of PARTS and writes benchmarks/results.json and docs/benchmarks.md.
# Measures nothing itself.
from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from timing import Row, table

HERE = Path(__file__).resolve().parent
PARTS = {
    "overhead": (
        "Overhead per call",
        "Calls from Python on 8 floats. Targets: 0.30 for each, 0.10 for the geometric mean.",
    ),
    "operations": ("Large operations", "No graph is recorded. Rows without a target are for information."),
    "families": (
        "Operations by family",
        "At a million elements (matrices: 200 x 200) and at a thousand (8 x 8). Listed are the slower ones only.",
    ),
    "layers": (
        "Layers",
        "Forward, and forward with the gradients of inputs and parameters. Listed are the slower ones only.",
    ),
    "models": ("Training steps", "Forward, backward and update, for each step."),
    "memory": (
        "Memory of training",
        "What three training steps add to the peak of resident memory after the import, each in a process of its own.",
    ),
    "transforms": ("Function transforms", "torch.func as a whole: batching and differentiating."),
    "startup": ("Start and size", "Whole processes; the least of several. Targets bound facula's own value."),
}
INTRODUCTION = """\
# Benchmarks

facula against PyTorch on one machine, both with two threads, in one process and in turn; each figure is the minimum of
many turns. Ratio: facula's time as a share of PyTorch's, less is better. In the tables of operations, families and
layers a row whose ratio misses its target, or meets it by less than a tenth, is measured in three further rounds, some
minutes later and on fresh operands: where these lie in memory and what the machine's other guests do changes the time
of either library by tens of per cent. Both libraries take part in every round, and the minimum of each over all rounds
counts. This page is written by
`benchmarks/run.py`, called as the table below says, which also writes `benchmarks/results.json`. Run it on a quiet
machine: a load average well above 0 before the start means that other programs were measured too.
"""


def version(package: str) -> str:
    """Version of an installed package, or of a checkout on the path."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        code = f"import {package}; print({package}.__version__)"
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def processor() -> str:
    """Model of the processor, and the instruction sets that kernels exist for."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split("\t: ", 1) for line in text.splitlines() if "\t: " in line)
    fields |= {key.strip(): value for key, value in fields.items()}
    best = "AVX-512" if "avx512vl" in fields.get("flags", "") else "AVX2" if "avx2" in fields.get("flags", "") else ""
    return (
        f"{fields.get('model name', platform.processor() or platform.machine())}, {os.cpu_count()} cores {best}".strip()
    )


def machine(quick: bool) -> dict[str, str]:
    """Where, when and how."""
    return {
        "machine": processor(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{p} {version(p)}" for p in ("facula", "torch", "numpy")),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "load average": " ".join(f"{x:.2f}" for x in os.getloadavg()),
        "command": "python benchmarks/run.py" + (" --quick" if quick else ""),
    }


def measure(part: str, given: argparse.Namespace) -> list[Row]:
    """Runs one script in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "rows.json"
        command = [sys.executable, str(HERE / f"{part}.py"), "--json", str(to)]
        command += ["--seconds", "0.2"] if given.quick else []
        subprocess.run(command + (["--isa", given.isa] if given.isa else []), check=True)
        rows: list[Row] = json.loads(to.read_text())
    return rows


def page(where: dict[str, str], results: dict[str, list[Row]]) -> str:
    """The Markdown page."""
    judged = [r for rows in results.values() for r in rows if r["met"] is not None]
    text = INTRODUCTION + "\n| | |\n| --- | --- |\n" + "".join(f"| {k} | {v} |\n" for k, v in where.items())
    text += f"\n{sum(r['met'] for r in judged)} of {len(judged)} targets met.\n"
    for part, (title, note) in PARTS.items():
        if part in results:
            rows = results[part]
            many = part in ("families", "layers")
            shown = [r for r in rows if not r["met"]] if many else rows
            met = f" {sum(r['met'] for r in rows)} of {len(rows)} met." if many else ""
            text += f"\n## {title}\n\n{note}{met} Script: `benchmarks/{part}.py`.\n\n{table(shown)}\n"
    return text


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fraction of the time, for a first look")
    parser.add_argument("--isa", choices=["avx2"], help="hold both libraries to this instruction set")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs" / "benchmarks.md", help="the page to write")
    parser.add_argument("--json", type=Path, default=HERE / "results.json", help="the figures to write")
    given = parser.parse_args()
    where: dict[str, Any] = machine(given.quick)
    results: dict[str, list[Row]] = {}
    for part, (title, _) in PARTS.items():
        results[part] = measure(part, given)
        print(f"## {title}\n\n{table(results[part])}\n", flush=True)
    if given.isa:  # for a look: the page is about what the machine can do
        return
    given.json.write_text(json.dumps({"where": where, "results": results}, indent=1) + "\n")
    given.docs.write_text(page(where, results))


if __name__ == "__main__":
    main()
