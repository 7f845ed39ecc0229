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


def _call(name, dtype, *arguments):
    import opdb
    from torch.testing._internal.opinfo.core import SampleInput

    return opdb.operators()[name], opdb.Call(SampleInput(arguments[0], args=arguments[1:]))


def test_the_judges_refuse_what_is_wrong():
    import opdb_rules
    import torch

    import facula

    op, call = _call("exp", torch.float32, torch.tensor([1.0, 2.0]))
    exact = torch.tensor([1.0, 2.0]).double().exp()
    right, wrong = facula.tensor(exact.tolist()), torch.tensor((exact + 1e-3).tolist())
    assert opdb_rules.nearer(op, op.op, call.sample, right, wrong)
    assert not opdb_rules.nearer(op, op.op, call.sample, facula.tensor((exact - 2e-3).tolist()), wrong)

    op, call = _call("special.bessel_j0", torch.float64, torch.tensor([3.0], dtype=torch.float64))
    off = torch.tensor([-0.26], dtype=torch.float64)
    assert opdb_rules.nearer(op, op.op, call.sample, facula.tensor([-0.2600519549], dtype=facula.float64), off)
    assert not opdb_rules.nearer(op, op.op, call.sample, facula.tensor([-0.25], dtype=facula.float64), off)

    x, w = torch.tensor([[[1.0, 1e4, -1e4]]]), torch.ones(1, 1, 3)
    op, call = _call("nn.functional.conv1d", torch.float32, x, w)
    assert opdb_rules.nearer(op, op.op, call.sample, facula.tensor([[[1.01]]]), torch.tensor([[[1.0]]]))
    assert not opdb_rules.nearer(op, op.op, call.sample, facula.tensor([[[1.1]]]), torch.tensor([[[1.0]]]))


def test_what_a_sort_defines():
    import opdb
    import opdb_rules
    import torch

    import facula

    op, call = _call("sort", torch.float32, torch.tensor([1.0, 0.0, 1.0]))
    part = opdb_rules.defined_part(op, call)
    values = [0.0, 1.0, 1.0]
    theirs = part((torch.tensor(values), torch.tensor([1, 2, 0])))
    opdb.compare(op, part((facula.tensor(values), facula.tensor([1, 0, 2]))), theirs)
    for index in ([1, 0, 0], [0, 1, 2]):
        with pytest.raises(opdb.Different):
            opdb.compare(op, part((facula.tensor(values), facula.tensor(index))), theirs)


def test_numerical_derivatives_judge_gradients():
    import opdb_rules
    import torch

    import facula

    _, call = _call("exp", torch.float64, torch.tensor([1.0], dtype=torch.float64, requires_grad=True))
    assert not opdb_rules.gradient_refuted(lambda x: x.exp(), lambda x: x.exp(), call)
    assert opdb_rules.gradient_refuted(lambda x: x.exp(), lambda x: x.exp() + (x - x.detach()), call)
    assert not opdb_rules.gradient_refuted(facula.detach, lambda x: x.exp() + (x - x.detach()), call)


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
