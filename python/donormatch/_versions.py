"""What is installed, for a report of a fault."""

from __future__ import annotations

import sys

from donormatch import _core
from donormatch._table import Table

__all__ = ["show_versions", "versions"]

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "polars",
    "pyarrow",
    "anndata",
    "matplotlib",
    "anywidget",
    "tqdm",
    "joblib",
)


def versions() -> Table[dict[str, str | None]]:
    """The versions of Python, donormatch and what it can work with.

    Returns
    -------
    Table
        ``name version``; no version where a package is not installed.

    Examples
    --------
    >>> versions()["name"][:3]
    ['python', 'platform', 'donormatch']
    """
    # Imported where they are used: they take as long as the rest of the package.
    import platform
    from importlib import metadata

    found: dict[str, str | None] = {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "donormatch": _core.__version__,
        "threads": str(_core.n_threads()),
    }
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    rows = [{"name": name, "version": version} for name, version in found.items()]
    return Table(rows, columns=["name", "version"], caption="versions")


def show_versions() -> None:
    """Print the versions of Python, donormatch and what it can work with."""
    for row in versions():
        print(f"{row['name']}: {row['version'] or 'not installed'}")
