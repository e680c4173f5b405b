"""The screening gate from Python: frames, days, panels of one's own, and the shell's verdicts."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

import donormatch

pandas = pytest.importorskip("pandas")

PANEL = """
name = "two"
version = 3
title = "t"
source = "s"
[[entry]]
name = "esbl"
title = "ESBL"
group = "mdro"
specimen = "stool"
kind = "result"
rule = "exclude"
valid_days = 60
source = "s"
confidence = "high"
"""


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    path = tmp_path / "panel.toml"
    path.write_text(PANEL)
    return path


def records(**changes: str) -> pandas.DataFrame:
    row = {"donor_id": "D1", "donor_type": "healthy", "esbl": "negative", "esbl_on": "2026-10-20"}
    return pandas.DataFrame([{**row, **changes}])


def test_a_frame_is_screened_by_a_panel_of_ones_own(panel: Path) -> None:
    screening = donormatch.screen(records(), on=datetime.date(2026, 11, 1), panel=panel)
    assert screening.eligible == ["D1"]
    assert (screening.panel, screening.version, screening.on) == ("two", 3, "2026-11-01")
    assert screening.donors[0]["lapses_on"] == "2026-12-19"
    frame = screening.to_pandas()
    assert frame.loc[0, "eligible"]
    assert frame.loc[0, "lapses_by"] == "esbl"
    assert "D1" in screening._repr_html_()


def test_a_day_later_the_window_has_ended(panel: Path) -> None:
    screening = donormatch.screen(records(), on="2026-12-20", panel=panel)
    assert screening.eligible == []
    assert screening.donors[0]["findings"][0]["cause"] == "expired"


def test_what_the_panel_does_not_know_is_an_error(panel: Path) -> None:
    with pytest.raises(donormatch.InputError, match="`shoe_size`"):
        donormatch.screen(records(shoe_size="43"), on="2026-11-01", panel=panel)
    with pytest.raises(donormatch.InputError, match="YYYY-MM-DD"):
        donormatch.screen(records(), on="1 November", panel=panel)
    with pytest.raises(OSError, match="nowhere"):
        donormatch.screen(records(), on="2026-11-01", panel="nowhere.toml")


def test_pairs_are_screened_for_recipients() -> None:
    recipients = pandas.DataFrame(
        {"recipient_id": ["r1"], "immunosuppressed": ["yes"], "cmv": [""], "allergies": ["milk"]}
    )
    screening = donormatch.screen(
        pandas.DataFrame([{"donor_id": "D1", "donor_type": "healthy", "cmv_igm": "positive"}]),
        on="2026-11-01",
        recipients=recipients,
    )
    (pair,) = screening.pairs
    assert pair["eligible"] is False
    assert any("cmv_igm" in reason for reason in pair["reasons"])


def test_the_shell_says_the_same(panel: Path, tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    records(esbl="pending").to_csv(path, index=False)
    here = donormatch.screen(path, on="2026-11-01", panel=panel)
    command = [sys.executable, "-m", "donormatch", "screen", str(path), "--on", "2026-11-01"]
    command += ["--panel", str(panel), "--json"]
    whole = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert whole["donors"] == here.donors
    assert whole["panel_digest"] == here.panel_digest


def test_the_panel_that_ships_can_be_looked_at() -> None:
    panel = donormatch.screening_panel()
    assert panel["name"] == "panel-1"
    assert all(entry["source"] for entry in panel["entry"])


def test_a_ranking_shows_last_who_does_not_pass(panel: Path) -> None:
    cohort = donormatch.simulate(seed=0, n_donors=3, n_recipients=1)
    passed, failed, unknown = cohort.donors.sample_ids
    answers = [{"donor_id": passed}, {"donor_id": failed, "esbl": "positive"}]
    table = pandas.concat([records(**answer) for answer in answers])
    screening = donormatch.screen(table, on="2026-11-01", panel=panel)
    settings = {"regimen": "anti-pd-1", "max_draws": 0, "screening": screening}
    ranking = donormatch.rank_donors(cohort.donors, cohort.recipients, **settings)
    assert ranking.rows[0]["donor_id"] == passed
    reasons = {row["donor_id"]: row["reason"] for row in ranking.rows[1:]}
    assert reasons[failed].startswith("this donor is not eligible: esbl: positive")
    assert reasons[unknown].startswith("this donor is not eligible: no screening record")
    assert all("not_eligible" in row["flags"] for row in ranking.rows[1:])
    assert ranking.summaries[0]["n_eligible"] == 1
    settings["screening"] = "yes"
    with pytest.raises(donormatch.ParameterError, match="`screening`"):
        donormatch.rank_donors(cohort.donors, cohort.recipients, **settings)
