"""Tables of results: lists of records at heart, frames at hand."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

import donormatch as dm

ROWS = [
    {"id": "<b>", "n": 1, "fit": {"lo": 0.1, "hi": 0.2}, "flags": ["a", "b"]},
    {"id": "y", "n": 2},
]


def test_a_table_is_a_list_of_its_rows():
    table = dm.Table(ROWS)
    assert table == ROWS
    assert table == ROWS
    assert json.loads(json.dumps(table)) == ROWS
    assert [row["id"] for row in table] == ["<b>", "y"]
    assert isinstance(table[:1], dm.Table)
    assert table[-1] is ROWS[1]


def test_columns_are_flat_and_every_record_has_all():
    table = dm.Table(ROWS)
    assert table.columns == ["id", "n", "fit_lo", "fit_hi", "flags"]
    assert table.records[0]["flags"] == "a;b"
    assert table.records[1] == {"id": "y", "n": 2, "fit_lo": None, "fit_hi": None, "flags": None}
    assert table["n"] == [1, 2]
    with pytest.raises(dm.ParameterError, match="no column `m`: it has id, n"):
        table["m"]


def test_a_table_without_rows_keeps_its_columns():
    empty = dm.Table([], columns=["a", "b"])
    assert empty.columns == ["a", "b"]
    assert empty.to_polars().columns == ["a", "b"]
    assert list(empty.to_pandas().columns) == ["a", "b"]
    assert repr(dm.Table()) == "Table(0 rows)"


def test_frames_hold_what_the_table_holds():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = dm.Table(ROWS)
    assert table.to_pandas()["n"].tolist() == table.to_polars()["n"].to_list() == [1, 2]
    assert isinstance(table.to_pandas(), pandas.DataFrame)
    assert isinstance(table.to_polars(), polars.DataFrame)
    arrow = pytest.importorskip("pyarrow").RecordBatchReader.from_stream(table).read_all()
    assert arrow["fit_hi"].to_pylist() == [0.2, None]


def test_arrow_needs_polars_only_where_pyarrow_is_absent(monkeypatch):
    polars = pytest.importorskip("polars")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    capsule = dm.Table(ROWS).__arrow_c_stream__()
    assert type(capsule).__name__ == "PyCapsule"

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return capsule

    assert polars.DataFrame(Stream())["n"].to_list() == [1, 2]


def test_html_escapes_and_says_how_many_rows_there_are():
    page = dm.Table([*ROWS, *({"id": str(n), "n": n} for n in range(40))])._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "20 of 42 rows" in page
    assert "<script" not in page


def test_text_fits_a_terminal_and_says_what_it_leaves_out():
    wide = dm.Table([{f"column_{n}": n for n in range(30)}] * 12)
    lines = repr(wide).splitlines()
    assert len(lines) == 12
    assert max(map(len, lines)) <= 100
    n_shown = len(lines[0].split())
    assert lines[-1].startswith(f"… 12 rows in all, {30 - n_shown} more columns")
    assert repr(dm.Table([{"a": "x" * 300}])).startswith("a\nxxx")


def test_copies_and_pickles_are_tables():
    table = dm.Table(ROWS, columns=["id", "n"], caption="two")
    for other in (copy.copy(table), copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert other == table
        assert (other.columns, other.caption) == (["id", "n"], "two")


def test_rows_may_be_dataclasses_or_named_tuples():
    curve = dm.metrics.calibration_curve([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], n_bins=2)
    assert curve[0].observed == 0.0
    assert curve["observed"] == [0.0, 1.0]
    with pytest.raises(dm.ParameterError, match="found int"):
        _ = dm.Table([1]).columns


def test_lists_of_records_are_tables_everywhere(profiles):
    cohort = dm.simulate(n_donors=3, n_recipients=2)
    matcher = dm.Matcher.bundled()
    ranking = matcher.rank_donors(
        cohort.donors, cohort.recipients, metadata=cohort.contexts, n_draws=20, max_draws=0
    )
    assignment = ranking.assign()
    prediction = matcher.predict_transplant(cohort.donors[:1], cohort.recipients[:1])
    _, harmonized = cohort.donors.harmonize()
    for found in (
        cohort.transplants,
        cohort.donors.toposcore(),
        cohort.donors.diversities(),
        ranking.rows,
        ranking.summaries,
        ranking.standings,
        ranking.weight_cases,
        assignment.pairs,
        assignment.donors,
        prediction.taxa,
        harmonized.taxa,
        matcher.evidence("cells"),
        profiles.observed_engraftment([("d1", "r1", "r2")]),
        dm.metrics.decision_curve([0, 1], [0.2, 0.8], [0.5]),
    ):
        assert isinstance(found, dm.Table)
        assert found.columns
        assert len(found.to_polars()) == len(found)


def test_diversities_stand_beside_their_samples(profiles):
    found = profiles.diversities(["richness", "shannon"])
    assert found.columns == ["sample_id", "richness", "shannon"]
    assert found["sample_id"] == profiles.sample_ids
    assert found["shannon"] == profiles.diversity("shannon").tolist()


def test_summaries_are_tidy_with_what_is_below_a_recipient_in_tables_of_their_own():
    cohort = dm.simulate(n_donors=3, n_recipients=2)
    ranking = dm.rank_donors(
        cohort.donors, cohort.recipients, metadata=cohort.contexts, n_draws=20, max_draws=0
    )
    assert "regret_of_first_utility" in ranking.summaries.columns
    assert "standings" not in ranking.summaries.columns
    assert len(ranking.standings) == 6
    assert ranking.standings.columns[:2] == ["recipient_id", "donor_id"]
    nested = [case for one in ranking.summaries for case in one["weight_cases"]]
    assert ranking.weight_cases["first_donor"] == [case["first_donor"] for case in nested]
    assert ranking.weight_cases["weights_response"][0] == nested[0]["weights"]["response"]


def test_an_estimate_reads_as_in_a_paper():
    one = dm.metrics.estimate("roc_auc", [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    assert str(one) == f"0.75 ({one.lo:.2f}–{one.hi:.2f})"
    none = dm.metrics.delong([0, 1], [0.1, 0.9])
    assert str(none).startswith("1.00 (")
