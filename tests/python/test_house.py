"""What the files of the package import from each other."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

import donormatch

PACKAGE = Path(donormatch.__file__).parent


def imports_of(folder: Path) -> dict[str, set[str]]:
    """The modules of a package that each of its modules imports, for the checker of types too."""
    files = {
        ".".join((folder.name, *path.relative_to(folder).with_suffix("").parts)): path
        for path in folder.rglob("*.py")
        if path.name != "__init__.py"
    }
    found = {}
    for module, path in files.items():
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
                names.update(f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
        found[module] = names & files.keys()
    return found


def test_no_two_files_import_each_other_directly_or_in_a_ring():
    found = imports_of(PACKAGE)
    assert found["donormatch._matcher"] >= {"donormatch._cohort", "donormatch._profiles"}
    graphlib.TopologicalSorter(found).prepare()


def test_a_ring_that_is_put_in_is_found(tmp_path):
    folder = tmp_path / "house"
    folder.mkdir()
    (folder / "a.py").write_text("from house.b import x\n")
    (folder / "b.py").write_text("if TYPE_CHECKING:\n    from house import a\n")
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(imports_of(folder)).prepare()
