"""What is written down is true: examples of pages and docstrings run, links lead somewhere, entries are documented."""

import doctest
import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest

import facula
from facula import _C

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ABSENT = {"facula.utils.tensorboard"} if importlib.util.find_spec("tensorboard") is None else set()
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(facula.__path__, "facula.")
    if not m.name.endswith("__main__") and m.name not in ABSENT
)
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
# Where an entry may be bound under its own name.
OWNERS = (facula, facula.nn.functional, facula.linalg, facula.special, facula.Tensor)


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Examples write into a folder of their own and leave the process as it was."""
    monkeypatch.chdir(tmp_path)
    dtype, threads, options = facula.get_default_dtype(), facula.get_num_threads(), facula.get_printoptions()
    yield
    facula.set_default_dtype(dtype)
    facula.set_num_threads(threads)
    facula.set_printoptions(**options)


def run(test):
    report = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=OPTIONS)
    runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page(page):
    run(doctest.DocTestParser().get_doctest(page.read_text("utf-8"), {}, page.name, str(page), 0))


@pytest.mark.parametrize("module", MODULES)
def test_docstrings(module):
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module)):
        run(test)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: no {target}"


def test_architecture_names_what_exists():
    """Functions named beside a link are in the linked file."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    pairs = re.findall(r"`(\w+)`\s+(?:in|\()\s*\[[^\]]+\]\(([^)]+)\)", text)
    assert len(pairs) > 8
    for name, path in pairs:
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text("utf-8")), f"{path} has no {name}"


def public_documentation(name):
    """The docstrings under which an entry can be met; none when it is internal."""
    bound = [getattr(owner, name, None) for owner in OWNERS]
    return [value.__doc__ or "" for value in bound if value is not None]


@pytest.mark.parametrize("name", [name for name, *_ in _C.op_table() if not name.startswith("_")])
def test_entry_is_documented(name):
    texts = public_documentation(name) + public_documentation(name + "_")
    assert not texts or any(">>>" in text for text in texts), f"{name}: no docstring with an example"
