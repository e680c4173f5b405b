"""What the documentation site stands on: pages, notebooks and examples in the repository."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference/python.rst"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MODULES = [
    "donormatch",
    "donormatch.calibration",
    "donormatch.design",
    "donormatch.metrics",
    "donormatch.sklearn",
]
# A function longer than a screen belongs into the package.
MOST_LINES = 20


def names_in_reference() -> dict[str, set[str]]:
    """The names that the reference lists, by module."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            names = found.setdefault(line.split()[-1], set())
        elif re.fullmatch(r"   \w+", line):
            names.add(line.strip())
    return found


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_lists_every_public_name_and_no_other(module):
    if module == "donormatch.sklearn":
        pytest.importorskip("sklearn")
    public = set(importlib.import_module(module).__all__)
    rooms = {name.rpartition(".")[2] for name in MODULES if name.startswith(f"{module}.")}
    listed = names_in_reference()[module]
    assert public - rooms - listed - {"__version__"} == set()
    assert listed - public == set()


def cells(notebook: Path, kind: str) -> list[dict]:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_have_no_outputs_short_cells_and_say_what_they_are_for(notebook):
    assert "Research use only" in "".join(cells(notebook, "markdown")[0]["source"])
    for cell in cells(notebook, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert len(cell["source"]) <= MOST_LINES, "".join(cell["source"])
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < MOST_LINES


def test_every_notebook_is_a_tutorial():
    index = (ROOT / "docs/tutorials/index.md").read_text(encoding="utf-8")
    for notebook in NOTEBOOKS:
        assert f"({notebook.name})" in index
        assert f"\n{notebook.stem}\n" in index


def test_the_program_of_twenty_lines_has_twenty_lines():
    text = (ROOT / "examples/app.rs").read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if line and not line.startswith("//!")]
    assert len(code) <= 20


def test_the_acceptance_page_names_tests_that_exist():
    page = (ROOT / "docs/acceptance.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`", page))
    sources = [*ROOT.glob("src/**/*.rs"), *ROOT.glob("tests/**/*.rs"), *ROOT.glob("tests/**/*.py")]
    there = {
        name
        for path in sources
        for name in re.findall(r"\b(?:fn|def) (\w+)\(", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 50
    assert named - there == set()
