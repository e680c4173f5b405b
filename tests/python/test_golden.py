"""The same cohort through Python and the command line gives the same numbers as in Rust."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import donormatch as dm
from donormatch import _cli

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
TOLERANCE = 1e-12
SEED = 7


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "donormatch", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def bundled():
    try:
        return dm.Matcher.bundled()
    except dm.ModelFormatError as error:
        pytest.skip(str(error))


def assert_same_rows(found, expected):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            if isinstance(value, float):
                assert ours[name] == pytest.approx(value, abs=TOLERANCE), name
            else:
                assert ours[name] == value, name


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    done = command("simulate", "--seed", SEED, "--output", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.filterwarnings("ignore::donormatch.DonorMatchWarning")
def test_the_golden_cohort_gives_the_numbers_of_the_other_doors():
    matcher = bundled()
    if not (GOLDEN / "expected.json").exists():
        pytest.skip("no expected values; see `make golden`")
    ranking = matcher.rank_donors(
        GOLDEN / "donors.tsv",
        GOLDEN / "recipients.tsv",
        metadata=GOLDEN / "metadata.tsv",
        seed=SEED,
    )
    assert_same_rows(ranking.rows, json.loads((GOLDEN / "expected.json").read_text())["rows"])


@pytest.mark.filterwarnings("ignore::donormatch.DonorMatchWarning")
def test_python_and_the_command_line_rank_the_same(cohort):
    matcher = bundled()
    donors, recipients = cohort / "donors.tsv", cohort / "recipients.tsv"
    metadata = cohort / "metadata.tsv"
    ranking = matcher.rank_donors(donors, recipients, metadata=metadata, seed=3)
    done = command(
        *("rank", donors, recipients),
        *("--metadata", metadata, "--seed", 3, "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert_same_rows(ranking.rows, json.loads(done.stdout)["rows"])


def test_simulating_in_python_and_on_the_command_line_gives_the_same_tables(cohort):
    made = dm.simulate(seed=SEED)
    assert dm.read_profiles(cohort / "donors.tsv") == made.donors
    assert dm.read_profiles(cohort / "recipients.tsv") == made.recipients
    assert all("synthetic" in sample for sample in made.donors.sample_ids)


def test_the_command_line_ends_with_its_code(tmp_path):
    assert command("--version").stdout.startswith("donormatch ")
    assert command("rank").returncode == 2
    missing = command(
        *("rank", tmp_path / "none.tsv", tmp_path / "none.tsv"),
        *("--regimen", "anti-pd-1"),
    )
    assert missing.returncode == 1
    assert missing.stdout == ""
    assert missing.stderr.startswith("error: ")
    assert callable(_cli.main)
