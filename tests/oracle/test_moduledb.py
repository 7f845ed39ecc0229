"""Modules of torch's own database that passed when docs/coverage.md was written still do: two samples of each."""

from __future__ import annotations

from pathlib import Path

import pytest

moduledb = pytest.importorskip("moduledb")

PASSING = Path(__file__).with_name("moduledb_passing.txt").read_text().split()


@pytest.mark.slow
@pytest.mark.parametrize("name", PASSING)
def test_module(name):
    result = moduledb.check(name, ("float64",), most=2)
    assert result["samples"] and not result["failures"], result["failures"][:3]
