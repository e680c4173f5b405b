"""A call that cannot fit is refused before it begins, with what it would take."""

from __future__ import annotations

import subprocess
import sys

import pytest

import donormatch as dm


@pytest.fixture
def _a_mebibyte():
    dm.set_max_memory(2**-10)
    yield
    dm.set_max_memory(16)


@pytest.mark.usefixtures("_a_mebibyte")
def test_what_cannot_fit_raises_memory_error_and_names_it():
    cohort = dm.simulate(seed=0, n_donors=30, n_recipients=70)
    with pytest.raises(MemoryError, match=r"the ranking takes 1\.6 MiB, and `max_memory` allows 1"):
        dm.rank_donors(cohort.donors, cohort.recipients, regimen="anti-pd-1")
    with pytest.raises(MemoryError, match="the simulated trials"):
        dm.design.compare_policies(n_trials=100_000)
    few = dm.simulate(seed=0, n_donors=2, n_recipients=2)
    assert len(dm.rank_donors(few.donors, few.recipients, regimen="anti-pd-1")) == 4


def test_limits_that_cannot_be_are_refused():
    for gib in (0, -1, float("nan")):
        with pytest.raises(dm.ParameterError, match="`max_memory`"):
            dm.set_max_memory(gib)
    with pytest.raises(dm.ParameterError, match="at most 1024"):
        dm.set_n_threads(1025)
    assert dm.max_memory() == 16


def test_the_shell_refuses_with_exit_1(tmp_path):
    command = [sys.executable, "-m", "donormatch"]
    subprocess.run([*command, "simulate", "--output", str(tmp_path)], check=True)
    rank = ["rank", "donors.tsv", "recipients.tsv", "--regimen", "anti-pd-1"]
    done = subprocess.run(
        [*command, "--max-memory", "0.00001", *rank], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "`max_memory` allows" in done.stderr
