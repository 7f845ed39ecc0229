# Times statements of several libraries in turn in one process and keeps the minimum. Knows no library and no target
# by itself; refuses averages, which on a shared machine measure the other programs.
from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
# A turn long enough that the clock and the switch between libraries cost nothing, and short enough that many fit.
TURN_SECONDS = 0.004
# After a parallel region the threads of OpenMP, which PyTorch uses, wait awake (libgomp: about 300,000 pauses, 17 ms on
# Cascade Lake) and take the second core from whoever comes next: measured, facula's x.sum() of a million numbers takes
# 1.5 times as long beside them. Each turn begins when they sleep.
PAUSE_SECONDS = 0.02
# Where operands and results happen to lie in memory, and what the machine's other guests do at the moment, change the
# time of either library by tens of per cent. So rows that miss their target, and with them those that meet it by less
# than a tenth, are measured in further rounds, later and on fresh operands. Which rows depends on the distance to the
# target alone, how many rounds on nothing (stopping at the first success would choose lucky rounds), and both libraries
# take part in each.
CLOSE = 0.9
FURTHER_ROUNDS = 3
# What holds each library to an older instruction set: facula, PyTorch's own kernels, MKL and oneDNN under them.
LIMITS = ("FACULA_ISA_LIMIT", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")


def calls_per_turn(timer: timeit.Timer) -> int:
    """How many calls fill one turn; also warms caches and starts thread pools."""
    timer.timeit(1)  # not counted: a first call may import modules, and then a turn would hold one call, a cold one
    calls = 1
    while True:
        elapsed = timer.timeit(calls)
        if elapsed >= TURN_SECONDS / 2:
            return max(1, round(calls * TURN_SECONDS / elapsed))
        calls *= 2 if elapsed > TURN_SECONDS / 32 else 8


def interleave(statements: dict[str, tuple[str, dict[str, Any]]], seconds: float) -> dict[str, float]:
    """Seconds per call of each (statement, names), taken in turn until the time is used; the minimum counts."""
    timers = {who: timeit.Timer(statement, globals=names) for who, (statement, names) in statements.items()}
    calls = {who: calls_per_turn(timer) for who, timer in timers.items()}
    best = dict.fromkeys(timers, math.inf)
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < 3 or time.perf_counter() < end:
        rounds += 1
        for who, timer in timers.items():
            time.sleep(PAUSE_SECONDS)
            timer.timeit(max(1, calls[who] // 2))  # wakes its own threads, and the processors
            best[who] = min(best[who], timer.timeit(calls[who]) / calls[who])
    return best


def compare(case: str, statement: str, names: dict[str, dict[str, Any]], seconds: float, target: float | None) -> Row:
    """One row: the statement in each library's names, and facula's time as a share of PyTorch's."""
    best = interleave({who: (statement, own) for who, own in names.items()}, seconds)
    return row(case, best["torch"], best["facula"], target, "s")


class Case(NamedTuple):
    """A statement, its name in the table, and the bound of facula's share of PyTorch's time; None: for information."""

    label: str
    statement: str
    target: float | None


class Group(NamedTuple):
    """Cases over the same operands, which `make` builds in a library."""

    make: Callable[[Any], dict[str, Any]]
    cases: list[Case]
    records: bool = False  # graphs, for backward


def compare_once(group: Group, cases: list[Case], libraries: dict[str, Any], seconds: float) -> list[dict[str, float]]:
    """Seconds per call of some cases of a group, on fresh operands."""
    if not cases:
        return []
    with contextlib.ExitStack() as modes:
        for m in libraries.values():
            modes.enter_context(m.set_grad_enabled(group.records))
        both = {who: group.make(m) for who, m in libraries.items()}
        return [interleave({who: (case.statement, own) for who, own in both.items()}, seconds) for case in cases]


def compare_groups(groups: list[Group], libraries: dict[str, Any], seconds: float) -> list[Row]:
    """A row for each case, of several rounds where it is close; each library's minimum over all rounds counts."""
    best = [compare_once(group, group.cases, libraries, seconds) for group in groups]
    close = [
        [i for i, t in enumerate(times) if t["facula"] > CLOSE * (group.cases[i].target or 1.0) * t["torch"]]
        for group, times in zip(groups, best)
    ]
    for further in range(FURTHER_ROUNDS):
        # Takes the places where the operands lay before.
        spacers = [m.ones(1 << 20) for m in libraries.values() for _ in range(further + 1)]
        for group, times, chosen in zip(groups, best, close):
            again = compare_once(group, [group.cases[i] for i in chosen], libraries, seconds)
            for i, seen in zip(chosen, again):
                times[i] = {who: min(t, seen[who]) for who, t in times[i].items()}
        del spacers
    return [
        row(case.label, t["torch"], t["facula"], case.target, "s")
        for group, times in zip(groups, best)
        for case, t in zip(group.cases, times)
    ]


def row(case: str, torch: float | None, facula: float, target: float | None, unit: str, kind: str = "ratio") -> Row:
    """A row of the table; kind "ratio": the target bounds facula / torch, "value": it bounds facula itself."""
    ratio = facula / torch if torch else None
    judged = ratio if kind == "ratio" else facula
    met = None if target is None or judged is None else judged <= target
    return {"case": case, "torch": torch, "facula": facula, "ratio": ratio, "target": target, "unit": unit,
            "kind": kind, "met": met}  # fmt: skip


def geometric_mean(rows: list[Row]) -> float:
    """Geometric mean of the rows' ratios."""
    return math.exp(sum(math.log(r["ratio"]) for r in rows) / len(rows))


def options(description: str, seconds: float) -> argparse.Namespace:
    """What every script understands: --seconds for each case, --json FILE for the rows, --isa for older processors."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=float, default=seconds, help="time for each case (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the rows here instead of printing a table")
    parser.add_argument("--isa", choices=["avx2"], help="hold both libraries to this instruction set")
    given = parser.parse_args()
    if given.isa:  # read by both libraries at import: the process begins anew
        names = {name: given.isa if name in LIMITS[:2] else given.isa.upper() for name in LIMITS}
        if any(os.environ.get(name) != limit for name, limit in names.items()):
            os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | names)
    return given


def amount(value: float | None, unit: str) -> str:
    """A quantity with three digits and a readable unit."""
    if value is None:
        return ""
    if unit == "s":
        for scale, name in ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms")):
            if value < 999.5 * scale:
                return f"{value / scale:.3g} {name}"
        return f"{value:.3g} s"
    return f"{value:.3g} {unit}".strip() if value < 1000 else f"{value:.0f} {unit}".strip()


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| case | PyTorch | facula | ratio | target | met |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    for r in rows:
        ratio = "" if r["ratio"] is None else f"{r['ratio']:.3f}"
        goal = r["target"]
        target = "" if goal is None else f"{goal:.2f}" if r["kind"] == "ratio" else amount(goal, r["unit"])
        met = {None: "", True: "yes", False: "**no**"}[r["met"]]
        lines.append(
            f"| {r['case']} | {amount(r['torch'], r['unit'])} | {amount(r['facula'], r['unit'])} "
            f"| {ratio} | {target} | {met} |"
        )
    return "\n".join(lines)


def finish(rows: list[Row], to: Path | None) -> None:
    """Prints the table, or writes the rows for run.py."""
    if to:
        to.write_text(json.dumps(rows))
    else:
        print(table(rows))
