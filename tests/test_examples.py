"""Every program of examples/ runs in its short form, from another folder, as a person would start it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("FACULA_DATA") or ROOT.parent / "shared" / "data")
PROGRAMS = sorted((ROOT / "examples").glob("*.py"))
NEEDS = {"lenet_mnist": "mnist", "char_gpt": "tinyshakespeare", "lstm_names": "names"}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_short_form(program, tmp_path):
    arguments = ["--quick"]
    if program.stem in NEEDS:
        folder = DATA / NEEDS[program.stem]
        if not folder.is_dir():
            pytest.skip(f"needs {NEEDS[program.stem]}")
        arguments += ["--data", str(folder)]
    run = subprocess.run(
        [sys.executable, "-W", "error", program, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout and not run.stderr
    assert "nan" not in run.stdout


def test_every_program_is_listed():
    page = (ROOT / "examples" / "README.md").read_text("utf-8")
    assert [path.name for path in PROGRAMS if f"({path.name})" not in page] == []
