"""Rankings: the table at every door, the report, the figure, capacities."""

from __future__ import annotations

import json
import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import donormatch as dm


def pair(donor, recipient, p_response, **changes):
    rng = np.random.default_rng(len(donor) + len(recipient))
    noise = rng.normal(scale=0.01, size=40)
    return {
        "donor_id": donor,
        "recipient_id": recipient,
        "p_response": (p_response + noise).tolist(),
        "p_response_baseline": [0.2],
        "p_severe_irae": [0.1] * 40,
        "p_myocarditis": [0.01] * 40,
        "p_severe_irae_exploratory": None,
        "n_gained": [12.0],
        "n_kept": [30.0],
        "n_lost": [8.0],
        "deleterious_lost": 1.0,
        "flags": [],
        "in_domain": True,
        "domain_reason": None,
        "eligible": True,
        **changes,
    }


@pytest.fixture
def ranking():
    return dm.Ranking.from_predictions(
        [
            pair("d1", "r1", 0.3),
            pair("d2", "r1", 0.6),
            pair("d1", "r2", 0.5),
            pair("d2", "r2", 0.2, flags=["<script>alert(1)</script>"]),
        ]
    )


def test_donors_come_in_the_order_of_their_utility(ranking):
    order = [(row["recipient_id"], row["donor_id"], row["rank"]) for row in ranking.rows]
    assert order == [("r1", "d2", 1), ("r1", "d1", 2), ("r2", "d1", 1), ("r2", "d2", 2)]
    assert ranking.donor_order_agreement == -1.0


def test_verdicts_stand_in_rows_summaries_and_text(ranking):
    told = [(row["verdict"], row["carried_by"]) for row in ranking.rows]
    assert told == 2 * [("prefer", "response"), ("avoid", "response")]
    first = ranking.summaries[0]
    assert (first["prefer"], first["avoid"]) == (["d2"], ["d1"])
    assert first["no_preference"] == first["abstain"] == []
    assert first["regret_of_random"]["responses_per_100"] > 10
    assert first["regret_of_first"]["utility"] == 0
    assert [one["tier"] for one in first["standings"]] == [1, 2]
    assert "prefer d2 · avoid d1" in str(ranking)


def test_a_threshold_that_no_share_passes_prefers_nobody():
    pairs = [pair("d1", "r1", 0.3), pair("d2", "r1", 0.6)]
    rows = dm.Ranking.from_predictions(pairs, prefer_above=0.95).rows
    assert {row["verdict"] for row in rows} == {"no_preference"}
    assert "which is within their error of 95 %" in rows[0]["reason"]
    with pytest.raises(dm.ParameterError, match="`prefer_above`"):
        dm.Ranking.from_predictions(pairs, prefer_above=1.0)


def test_more_draws_are_made_only_where_they_are_allowed():
    cohort = dm.simulate(seed=0, n_donors=4, n_recipients=3)

    def n_draws(most):
        settings = {"regimen": "anti-pd-1", "n_draws": 20, "max_draws": most}
        ranking = dm.rank_donors(cohort.donors, cohort.recipients, **settings)
        return [one["n_draws"] for one in ranking.summaries]

    assert n_draws(0) == [20, 20, 20]
    assert max(n_draws(100)) == 80


def test_the_frame_and_the_tsv_hold_the_same_numbers(ranking):
    pytest.importorskip("pandas")
    header, *lines = [line.split("\t") for line in ranking.to_tsv().splitlines()]
    frame = ranking.to_pandas()
    assert header == list(frame.columns)
    assert len(header) == 43
    assert [line[header.index("verdict")] for line in lines] == list(frame["verdict"])
    for name in ("p_response", "utility", "p_better_than_random_se"):
        column = [float(line[header.index(name)]) for line in lines]
        np.testing.assert_array_equal(column, frame[name])


def test_polars_and_arrow_hold_the_rows(ranking):
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    frame = ranking.to_polars()
    assert frame.columns == ranking.rows.columns
    assert frame["flags"].to_list()[-1] == "<script>alert(1)</script>"
    stream = pyarrow.RecordBatchReader.from_stream(ranking).read_all()
    assert isinstance(polars.from_arrow(stream), polars.DataFrame)
    assert stream["utility"].to_pylist() == [row["utility"] for row in ranking.rows]


def test_json_and_pickle_keep_every_bit(ranking):
    assert json.loads(ranking.to_json())["rows"] == ranking.rows
    assert pickle.loads(pickle.dumps(ranking)) == ranking


def test_the_report_is_one_page_without_script(ranking, tmp_path):
    page = ranking.to_html(tmp_path / "report.html", title="<b>donors</b>")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
    for bad in ("<script", "<b>donors", "http://", "https://"):
        assert bad not in page
        assert bad not in ranking._repr_html_()


def test_the_figure_shows_every_donor(ranking):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    axes = ranking.plot("r2")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["d1", "d2"]
    matplotlib.pyplot.close(axes.figure)
    with pytest.raises(dm.ParameterError, match="`r9`"):
        ranking.plot("r9")


def test_donors_are_shared_out_under_capacities(ranking):
    assignment = ranking.assign()
    assert {(p["donor_id"], p["recipient_id"]) for p in assignment.pairs} == {
        ("d2", "r1"),
        ("d1", "r2"),
    }
    assert assignment.unassigned == []
    with pytest.raises(dm.ParameterError, match="`capacities`"):
        ranking.assign(capacities={"d1": 0, "d2": 1})


def test_bad_weights_are_named():
    for weights in ([1, 2], [0, 0, 0], [-1, 0, 0]):
        with pytest.raises(dm.ParameterError, match="`weights`"):
            dm.Ranking.from_predictions([pair("d1", "r1", 0.3)], weights=weights)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_page_is_for_its_owner_follows_links_and_goes_through_pipes(ranking, tmp_path):
    page = tmp_path / "report.html"
    assert ranking.to_html(page) == page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    page.chmod(0o640)
    link = tmp_path / "link.html"
    link.symlink_to(page)
    ranking.to_html(link, title="again", access="shared")
    assert link.is_symlink()
    assert "again" in page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o640
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        received = pool.submit(pipe.read_text, encoding="utf-8")
        assert ranking.to_html(pipe) == received.result(timeout=10)
    assert pipe.is_fifo()


def test_no_verdict_changes_with_the_seed():
    """Donors are parted by their own outcomes: 6 responders of 8, then 1, then 2 and 2."""
    pd = pytest.importorskip("pandas")
    trial = dm.simulate(seed=0, n_donors=4, n_recipients=32)
    donors, n_responders = trial.donors.sample_ids, [6, 1, 2, 2]
    outcomes = pd.DataFrame(
        [
            (donors[at % 4], recipient, "anti-pd-1", int(at // 4 < n_responders[at % 4]))
            for at, recipient in enumerate(trial.recipients.sample_ids)
        ],
        columns=["donor_id", "recipient_id", "regimen", "response"],
    )
    matcher = dm.Matcher.bundled().with_outcomes(trial.donors, trial.recipients, outcomes)
    others = dm.simulate(seed=1, n_donors=1, n_recipients=4).recipients
    by_seed = [
        matcher.rank_donors(trial.donors, others, regimen="anti-pd-1", seed=seed).rows
        for seed in range(6)
    ]
    verdicts = [
        {(row["recipient_id"], row["donor_id"]): row["verdict"] for row in rows} for rows in by_seed
    ]
    assert all(found == verdicts[0] for found in verdicts)
    preferred = {donor for (_, donor), verdict in verdicts[0].items() if verdict == "prefer"}
    assert preferred == {donors[0]}
