"""Sizes and times hold the bounds that `docs/sizes.md` states; they are written there alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/sizes.md"


def bounds() -> dict[str, float]:
    """The bound of each row of the table, by its name."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if re.fullmatch(r"`\w+`", cells[0]):
            found[cells[0].strip("`")] = float(cells[3].split()[0].replace(",", ""))
    return found


def megabytes(pattern: str) -> float:
    """The size of the only file of this pattern, which may not have been built."""
    files = list(ROOT.glob(pattern))
    if not files:
        pytest.skip(f"no {pattern} was built")
    return max(file.stat().st_size for file in files) / 1e6


def n_crates(*features: str) -> int:
    """Crates that are compiled, ours among them."""
    if shutil.which("cargo") is None:
        pytest.skip("no cargo here")
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", *features]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.skip(f"cargo tree: {told.stderr.strip().splitlines()[-1]}")
    return len({tuple(line.split()[:2]) for line in told.stdout.splitlines() if line})


def import_time(cache: Path) -> float:
    """Milliseconds of the processor for the package over NumPy, the least of five, compiled."""
    code = (
        "import time, numpy; start = time.process_time(); import donormatch; "
        "print(time.process_time() - start)"
    )
    settings = {**os.environ, "PYTHONPYCACHEPREFIX": str(cache)}
    settings.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", code]
    times = [
        float(
            subprocess.run(command, capture_output=True, text=True, check=True, env=settings).stdout
        )
        for _ in range(6)
    ]
    return 1000 * min(times[1:])


MEASURES = {
    "wheel": lambda _: megabytes("target/wheels/donormatch-*.whl"),
    "sdist": lambda _: megabytes("target/sdist/donormatch-*.tar.gz"),
    "model": lambda _: megabytes("models/default/model.dmm"),
    "crates": lambda _: n_crates(),
    "crates_to_predict": lambda _: n_crates("--no-default-features"),
    "import": import_time,
}


def test_every_row_of_the_page_is_measured():
    assert bounds().keys() == MEASURES.keys()


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_grew_beyond_its_bound(name, tmp_path):
    assert 0 < MEASURES[name](tmp_path) <= bounds()[name]
