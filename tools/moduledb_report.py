"""Runs torch's own module database through facula and says what differs; writes the figures of docs/coverage.md.

python tools/moduledb_report.py --only LSTM,Conv2d     these modules, each failure in a line
python tools/moduledb_report.py --write                all; records docs/coverage.md and the list that tests guard
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "oracle"))
PASSING = ROOT / "tests" / "oracle" / "moduledb_passing.txt"
COVERAGE = ROOT / "docs" / "coverage.md"
BEGIN, END = "<!-- moduledb: begin -->", "<!-- moduledb: end -->"
HEADING = """
## The same modules: torch's own module database

`python tools/moduledb_report.py --write` builds every module of `torch.testing._internal.common_modules.module_db` in
both packages and compares text, initial weights, state dict, results, gradients, second gradients, copies, pickles, and
the exception types of refused inputs. A gradient in float32 that differs passes when it is nearer than PyTorch's to
what PyTorch itself gives in float64.

"""
SECONDS = 300


def in_child(name):
    """check(name) in a forked process, so that a crash or a hang is a result too."""
    import moduledb

    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        signal.alarm(SECONDS)
        with os.fdopen(writing, "w") as pipe:
            json.dump(moduledb.check(name), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if text:
        return json.loads(text)
    return {"samples": 1, "failures": [("", "crash", f"exit status {os.waitstatus_to_exitcode(status)}")]}


def section(found):
    """What docs/coverage.md says."""
    passing = sum(not entry["failures"] for entry in found.values())
    samples = sum(entry["samples"] for entry in found.values())
    failing = sum(len(entry["failures"]) for entry in found.values())
    lines = [
        f"{passing} of {len(found)} modules pass entirely ({100 * passing / len(found):.1f} %), in {samples} samples, "
        f"of which {failing} differ.",
        "",
        "| module | differing samples | the first of them |",
        "| --- | --- | --- |",
    ]
    for name, entry in sorted(found.items()):
        if entry["failures"]:
            text = " ".join(entry["failures"][0]).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
            lines.append(f"| `{name}` | {len(entry['failures'])} of {entry['samples']} | {text[:200]} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="modules, comma-separated")
    parser.add_argument("--write", action="store_true", help="record the result in docs/coverage.md and tests/oracle")
    options = parser.parse_args()
    import moduledb
    import torch

    import facula

    torch.set_num_threads(1)
    facula.set_num_threads(1)
    found = {}
    for name in options.only.split(",") if options.only else moduledb.infos():
        found[name] = entry = in_child(name)
        kinds = collections.Counter(kind for _, kind, _ in entry["failures"])
        print(f"{name}: {entry['samples']} samples {dict(kinds) or 'pass'}", flush=True)
        for case, kind, text in entry["failures"][: 20 if options.only else 3]:
            print(f"    {case} [{kind}] {text[:300]}")
    print(section(found).split("\n")[0])
    if options.write:
        text = COVERAGE.read_text()
        if BEGIN not in text:
            text = text.rstrip() + "\n" + HEADING + f"{BEGIN}\n{END}\n"
        before, _, rest = text.partition(BEGIN)
        COVERAGE.write_text(f"{before}{BEGIN}\n{section(found)}\n{END}{rest.partition(END)[2]}")
        PASSING.write_text("".join(f"{name}\n" for name, entry in sorted(found.items()) if not entry["failures"]))


if __name__ == "__main__":
    main()
