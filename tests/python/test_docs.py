"""The examples in the docstrings run, and every public name has one line that says what it is."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import donormatch as dm

MODULES = [
    module.name
    for module in pkgutil.walk_packages(
        dm.__path__, prefix="donormatch.", onerror=lambda name: None
    )
    if module.name not in {"donormatch._core", "donormatch.__main__"}
]

NEEDS = {
    "donormatch.distributed": "distributed",
    "donormatch.plots": "matplotlib",
    "donormatch.sklearn": "sklearn",
}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_run(name):
    if needed := NEEDS.get(".".join(name.split(".")[:2])):
        pytest.importorskip(needed)
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testmod(module, optionflags=flags).failed == 0


PUBLIC = [
    "donormatch",
    "donormatch.calibration",
    "donormatch.datasets",
    "donormatch.metrics",
    "donormatch.plots",
    "donormatch.sklearn",
]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name):
    if needed := NEEDS.get(".".join(name.split(".")[:2])):
        pytest.importorskip(needed)
    module = importlib.import_module(name)
    missing = [
        public
        for public in module.__all__
        if callable(getattr(module, public)) and not inspect.getdoc(getattr(module, public))
    ]
    assert missing == []
