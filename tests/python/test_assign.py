"""Calendars from frames: the same words and figures as in the shell."""

from __future__ import annotations

import pandas as pd
import pytest

import donormatch
from donormatch import Calendar, ParameterError, Ranking


def pair(donor: str, recipient: str, p: float) -> dict[str, object]:
    return {
        "donor_id": donor,
        "recipient_id": recipient,
        "p_response": [p] * 20,
        "p_response_baseline": [0.2],
        "p_severe_irae": [0.1] * 20,
        "p_severe_irae_exploratory": None,
        "p_myocarditis": [0.0] * 20,
        "n_gained": [1],
        "n_kept": [1],
        "n_lost": [0],
        "deleterious_lost": 0.0,
        "flags": [],
        "in_domain": True,
        "domain_reason": None,
        "eligible": True,
    }


@pytest.fixture(name="ranking")
def _ranking() -> Ranking:
    rows = [("d1", "r1", 0.6), ("d2", "r1", 0.4), ("d1", "r2", 0.6), ("d2", "r2", 0.2)]
    return Ranking.from_predictions([pair(*row) for row in rows])


@pytest.fixture(name="batches")
def _batches() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "donor_id": ["d1", "d2", "d1"],
            "batch_id": ["b1", "b2", "b3"],
            "doses": [1, 2, 1],
            "made_on": pd.to_datetime(["2026-03-02", "2026-03-02", "2026-03-09"]),
            "room": "A",
        }
    )


def test_a_calendar_has_its_proof_table_and_picture(
    ranking: Ranking, batches: pd.DataFrame
) -> None:
    windows = pd.DataFrame({"recipient_id": ["r1"], "not_after": ["2026-03-05"]})
    calendar = ranking.assign(
        batches=batches, recipients=windows, n_alternatives=1, prices=True, min_utility=-1.0
    )
    assert isinstance(calendar, Calendar)
    assert calendar.is_optimal
    assert calendar.gap == 0
    assert [one["batch_id"] for one in calendar.transplants] == ["b1", "b3"]
    frame = calendar.to_pandas()
    assert list(frame["day"].dt.strftime("%m-%d")) == ["03-02", "03-09"]
    assert len(calendar.alternatives) == 1
    assert calendar.batches[0]["price"] == pytest.approx(0)
    assert "proven best" in repr(calendar)
    assert "research use only" in calendar._repr_html_()
    assert calendar.to_svg().startswith("<svg")
    assert calendar.to_tsv().splitlines()[0].split("\t") == list(frame.columns)


def test_a_calendar_is_drawn(ranking: Ranking, batches: pd.DataFrame) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    axes = ranking.assign(batches=batches).plot()
    drawn = [text.get_text() for text in axes.get_yticklabels()]
    assert drawn == ["b1", "b3"]


def test_what_conflicts_is_named(ranking: Ranking, batches: pd.DataFrame) -> None:
    windows = pd.DataFrame({"recipient_id": ["r1"], "not_after": ["2026-03-01"]})
    with pytest.raises(ParameterError, match="recipient `r1` is served"):
        ranking.assign(batches=batches, recipients=windows)


def test_words_of_a_calendar_need_batches(ranking: Ranking, batches: pd.DataFrame) -> None:
    with pytest.raises(ParameterError, match="give `batches`"):
        ranking.assign(max_cost=3.0)  # type: ignore[call-overload]
    with pytest.raises(ParameterError, match="`default_capacity`"):
        ranking.assign(batches=batches, default_capacity=2)  # type: ignore[call-overload]
    with pytest.raises(ParameterError, match="max_costs"):
        ranking.assign(batches=batches, max_costs=3.0)  # type: ignore[call-overload]


def test_a_plain_assignment_is_a_table(ranking: Ranking) -> None:
    assignment = ranking.assign()
    assert list(assignment.to_pandas()["donor_id"]) == ["d2", "d1"]
    assert "research use only" in assignment._repr_html_()
    assert donormatch.Calendar is Calendar
