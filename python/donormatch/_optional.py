"""Imports of packages that donormatch can do without."""

from __future__ import annotations

import importlib
from typing import Any

_EXTRA_OF = {
    "anndata": "anndata",
    "distributed": "distributed",
    "joblib": "sklearn",
    "matplotlib": "plot",
    "matplotlib.lines": "plot",
    "matplotlib.patches": "plot",
    "matplotlib.pyplot": "plot",
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "arrow",
    "scipy.sparse": "sklearn",
    "sklearn": "sklearn",
}


def optional(name: str, purpose: str) -> Any:
    """The module ``name``, or an error that says which extra brings it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        extra = _EXTRA_OF[name]
        message = f"{purpose} needs {name}: pip install 'donormatch[{extra}]'"
        raise ImportError(message) from error
