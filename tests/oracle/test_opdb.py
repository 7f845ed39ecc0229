"""Operators of torch's database that have passed keep passing. Few samples; tools/opdb_report.py looks at more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PASSING = HERE / "opdb_passing.txt"


def test_the_harness_sees_differences():
    import opdb
    import torch

    import facula

    op = opdb.operators()["sum"]
    with pytest.raises(opdb.Different, match="torch gives"):
        opdb.compare(op, facula.ones(3), torch.tensor([1.0, 1.0, 1.1]))
    with pytest.raises(opdb.Different, match="torch gives"):
        opdb.compare(op, facula.ones(3), torch.ones(1, 3))
    with pytest.raises(opdb.Different, match="float64"):
        opdb.compare(op, facula.ones(3), torch.ones(3, dtype=torch.float64))
    with pytest.raises(opdb.Different, match="strides"):
        opdb.compare(op, facula.ones(2, 2), torch.ones(2, 2).t())
    opdb.compare(op, facula.ones(2, 2).t(), torch.ones(2, 2).t())


@pytest.mark.slow
def test_operators_that_passed_still_pass(tmp_path):
    result = tmp_path / "result.json"
    command = [sys.executable, str(HERE / "opdb_run.py"), str(PASSING), str(result)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert finished.returncode == 0, finished.stderr[-2000:]
    found = json.loads(result.read_text())
    assert len(found) > 100
    failures = [failure for entry in found.values() for failure in entry["failures"]]
    assert not failures, "\n".join(" ".join(failure.values()) for failure in failures[:30])
