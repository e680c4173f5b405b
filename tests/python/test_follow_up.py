"""Transplants followed up from frames: the numbers of the shell, and the page."""

from __future__ import annotations

import pathlib

import pandas as pd
import pytest

from donormatch import InputError, Matcher, ParameterError, Profiles, follow_up


@pytest.fixture(name="profiles")
def _profiles() -> Profiles:
    return Profiles.from_numpy(
        [[50, 30, 20, 0], [0, 0, 60, 40], [40, 0, 60, 0], [0, 50, 50, 0], [10, 0, 0, 90]],
        sample_ids=["d1", "x0", "x1", "x2", "d2"],
        taxa=["s__A", "s__B", "s__C", "s__D"],
        unit="percent",
    )


@pytest.fixture(name="transplants")
def _transplants() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "giver": "one",
            "donor_samples": "d1",
            "recipient": "x",
            "baseline": "x0",
            "follow_up": ["x1", "x2"],
            "day": [7, 30],
        }
    )


def test_every_number_is_as_by_hand(profiles: Profiles, transplants: pd.DataFrame) -> None:
    report = follow_up(profiles, transplants, columns={"donor": "giver"})
    first, later = report.rows
    assert (first["peds"], first["pprs"]) == (pytest.approx(2 / 3), 0.5)
    assert (first["n_gained_from_donor"], first["n_kept"], first["n_lost"]) == (1, 1, 1)
    assert first["persistence"] is None
    assert later["persistence"] == 0
    assert first["peds_mismatched"] is None
    frame = report.to_pandas()
    assert report.to_tsv().splitlines()[0].split("\t") == list(frame.columns)
    assert "research use only" in report._repr_html_()


def test_the_page_is_written(
    profiles: Profiles, transplants: pd.DataFrame, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "page.html"
    page = follow_up(profiles, transplants, columns={"donor": "giver"}).to_html(path)
    assert path.read_text() == page
    assert "Research use only" in page


def test_what_is_wrong_is_named(profiles: Profiles, transplants: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="donor"):
        follow_up(profiles, transplants)
    with pytest.raises(ParameterError, match="`depth`"):
        follow_up(profiles, transplants, columns={"donor": "giver"}, depth=100)


def test_what_was_predicted_stands_beside() -> None:
    species = [
        "s__Akkermansia_muciniphila",
        "s__Bacteroides_uniformis",
        "s__Faecalibacterium_prausnitzii",
        "s__Escherichia_coli",
    ]
    profiles = Profiles.from_numpy(
        [[50, 30, 20, 0], [0, 0, 60, 40], [40, 0, 60, 0]],
        sample_ids=["d", "before", "after"],
        taxa=species,
        unit="percent",
    )
    transplants = pd.DataFrame(
        {
            "donor": ["d"],
            "donor_samples": ["d"],
            "recipient": ["r"],
            "baseline": ["before"],
            "follow_up": ["after"],
        }
    )
    report = follow_up(profiles, transplants, matcher=Matcher.bundled())
    predicted = report.rows[0]["predicted"]
    assert predicted["n_gained_lo"] <= predicted["n_gained"] <= predicted["n_gained_hi"]
    assert predicted["n_gained_seen"] == 1
    assert predicted["n_kept_seen"] == 1
