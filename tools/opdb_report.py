"""Runs torch's own operator database through facula and says what differs; writes the figures of docs/coverage.md.

python tools/opdb_report.py --only sort,topk -v      these operators, each failure in a line
python tools/opdb_report.py --only 'linalg.*' --dtype float64
python tools/opdb_report.py --write                  all; records docs/coverage.md and the list that tests guard
"""

from __future__ import annotations

import argparse
import collections
import fnmatch
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "oracle"))
PASSING = ROOT / "tests" / "oracle" / "opdb_passing.txt"
COVERAGE = ROOT / "docs" / "coverage.md"
BEGIN, END = "<!-- opdb: begin -->", "<!-- opdb: end -->"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="operators, comma-separated; patterns such as 'fft.*'; with or without variant")
    parser.add_argument("--dtype", help="dtypes, comma-separated")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all-samples", action="store_true", help="every sample of the database, which takes long")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every failing sample")
    parser.add_argument("--json", type=Path, help="where to write the figures and all failures")
    parser.add_argument("--write", action="store_true", help="record the result in docs/coverage.md and tests/oracle")
    return parser.parse_args()


def chosen(operators, patterns):
    if not patterns:
        return list(operators.values())
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    return [
        op
        for name, op in operators.items()
        if any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(op.name, pattern) for pattern in wanted)
    ]


def show(name, entry, verbose):
    """One operator, as it finishes."""
    kinds = collections.Counter(failure["kind"] for failure in entry["failures"])
    if not kinds and not verbose:
        return
    print(f"{name}: {', '.join(f'{count} {kind}' for kind, count in kinds.items()) or 'passes'}", flush=True)
    seen = set()
    for failure in entry["failures"]:
        line = f"    {failure['dtype']} {failure['kind']} [{failure['variant']}] {failure['text']}"
        if verbose or (failure["kind"], failure["variant"]) not in seen:
            print(line[:300])
        seen.add((failure["kind"], failure["variant"]))


def figures(found, excluded):
    """Totals of a run."""
    kinds = collections.Counter()
    for entry in found.values():
        kinds.update({failure["kind"] for failure in entry["failures"]})
    failing = [name for name, entry in found.items() if entry["failures"]]
    return {
        "operators": len(found),
        "passing": len(found) - len(failing),
        "samples": sum(entry["samples"] for entry in found.values()),
        "failing samples": sum(len(entry["failures"]) for entry in found.values()),
        "excluded": len(excluded),
        "operators by kind of failure": dict(kinds.most_common()),
    }


def table(found, excluded, totals):
    """The section of docs/coverage.md."""
    share = 100 * totals["passing"] / max(totals["operators"], 1)
    kinds = ", ".join(f"{kind} {count}" for kind, count in totals["operators by kind of failure"].items())
    lines = [
        f"{totals['passing']} of {totals['operators']} operators pass entirely ({share:.1f} %), in {totals['samples']} "
        f"checks, of which {totals['failing samples']} fail.",
        f"Operators by kind of failure (one may have several): {kinds or 'none'}.",
        "",
        "| operator | failing checks | the first of them |",
        "| --- | --- | --- |",
    ]
    for name, entry in sorted(found.items()):
        if entry["failures"]:
            first = entry["failures"][0]
            text = f"{first['dtype']} {first['variant']}: {first['kind']}: {first['text']}".replace("|", "\\|")
            text = text.replace("<", "&lt;").replace("\n", " ")
            lines.append(f"| `{name}` | {len(entry['failures'])} of {entry['samples']} | {text[:200]} |")
    reasons = collections.defaultdict(list)
    for name, reason in sorted(excluded.items()):
        reasons[reason].append(f"`{name}`")
    lines += ["", f"Not compared ({len(excluded)} operators of the database):", ""]
    lines += [f"- {reason}: {', '.join(names)}" for reason, names in reasons.items()]
    return "\n".join(lines)


def write(found, excluded, totals):
    """Records a full run where people and tests read it."""
    before, _, rest = COVERAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    COVERAGE.write_text(f"{before}{BEGIN}\n{table(found, excluded, totals)}\n{END}{after}")
    passing = sorted(name for name, entry in found.items() if not entry["failures"])
    PASSING.write_text("".join(f"{name}\n" for name in passing))


def main():
    options = arguments()
    import opdb
    import opdb_run

    excluded = opdb_run.excluded()
    ops = [op for op in chosen(opdb.operators(), options.only) if options.only or opdb.op_name(op) not in excluded]
    if not ops:
        sys.exit("no operator of the database has such a name")
    found = opdb_run.run(
        ops,
        options.dtype.split(",") if options.dtype else opdb.DTYPES,
        opdb.EVERYTHING if options.all_samples else opdb.Limits(),
        options.jobs,
        lambda name, entry: show(name, entry, options.verbose),
    )
    totals = figures(found, excluded)
    print(json.dumps(totals, indent=1))
    if options.json:
        options.json.write_text(json.dumps({"figures": totals, "operators": found}, indent=1))
    if options.write:
        write(found, excluded, totals)


if __name__ == "__main__":
    main()
