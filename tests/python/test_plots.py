"""What is drawn: artists, places and labels, not pixels."""

from __future__ import annotations

import datetime
import doctest

import numpy as np
import pytest

import donormatch as dm

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

from donormatch import plots  # noqa: E402


@pytest.fixture(autouse=True)
def _no_figure_is_left():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def cohort():
    return dm.simulate(n_donors=4, n_recipients=3)


@pytest.fixture(scope="module")
def ranking(cohort):
    return dm.rank_donors(
        cohort.donors, cohort.recipients, metadata=cohort.contexts, n_draws=20, max_draws=0
    )


@pytest.fixture(scope="module")
def sure():
    """A ranking in which d2 is preferred and d1 avoided."""
    rows = [
        {
            "donor_id": donor,
            "recipient_id": "r1",
            "p_response": [p] * 20,
            "p_severe_irae": [0.1] * 20,
            "p_severe_irae_exploratory": None,
            "p_myocarditis": [0.0] * 20,
            "p_response_baseline": [0.2],
            "n_gained": [1],
            "n_kept": [1],
            "n_lost": [0],
            "deleterious_lost": 0.0,
            "flags": [],
            "in_domain": True,
            "domain_reason": None,
            "eligible": True,
        }
        for donor, p in (("d1", 0.2), ("d2", 0.6))
    ]
    return dm.Ranking.from_predictions(rows)


def texts(labels):
    return [label.get_text() for label in labels]


def drawn_on(axes):
    """Draw once, so that whatever can fail in layout does."""
    axes.figure.canvas.draw()
    return axes


def test_every_plot_takes_axes_and_gives_them_back(ranking, cohort):
    for draw in (
        lambda ax: plots.heat_map(ranking, ax=ax),
        lambda ax: plots.interval_forest(ranking, ax=ax),
        lambda ax: plots.pareto_front(ranking, ax=ax),
        lambda ax: plots.composition(cohort.donors, ax=ax),
        lambda ax: plots.ordination(cohort.donors, ax=ax),
        lambda ax: plots.waterfall([("a", 1.0)], ax=ax),
        lambda ax: plots.CalibrationDisplay.from_predictions([0, 1], [0.2, 0.7], ax=ax).ax_,
        lambda ax: plots.DecisionCurveDisplay.from_predictions([0, 1], [0.2, 0.7], ax=ax).ax_,
        lambda ax: plots.ContributionsDisplay.from_contributions([[1]], [[0]], ["a"], ax=ax).ax_,
        lambda ax: plots.power_curves([{"n": 5, "power": 0.3}], ax=ax),
    ):
        axes = pyplot.subplots()[1]
        assert draw(axes) is axes
        drawn_on(axes)


def test_a_heat_map_holds_every_pair_and_frames_the_first(ranking, cohort):
    axes = drawn_on(plots.heat_map(ranking))
    assert texts(axes.get_yticklabels()) == cohort.donors.sample_ids
    assert texts(axes.get_xticklabels()) == cohort.recipients.sample_ids
    values = axes.images[0].get_array()
    row = ranking.rows[0]
    at = cohort.donors.sample_ids.index(row["donor_id"]), 0
    assert values[at] == row["utility"]
    frames = {(round(one.get_x() + 0.47), round(one.get_y() + 0.47)) for one in axes.patches}
    firsts = {one["recipient_id"]: one["donor_id"] for one in ranking.rows if one["rank"] == 1}
    assert frames == {
        (column, cohort.donors.sample_ids.index(firsts[name]))
        for column, name in enumerate(cohort.recipients.sample_ids)
    }
    with pytest.raises(dm.ParameterError, match="no column `utilty`"):
        plots.heat_map(ranking, "utilty")


def test_verdicts_are_marked_by_symbol_and_shape(sure):
    assert texts(plots.heat_map(sure).texts) == ["▲", "▼"]
    axes = plots.interval_forest(sure)
    assert texts(axes.get_yticklabels()) == ["d2", "d1"]
    assert [line.get_marker() for line in axes.lines[:2]] == ["^", "v"]
    assert texts(axes.get_legend().get_texts()) == ["prefer", "avoid"]
    assert axes.get_title() == "r1: prefer 1, avoid 1 of 2"
    assert axes.lines[-1].get_xdata()[0] == pytest.approx(0.2)


def test_intervals_of_the_forest_are_those_of_the_rows(ranking):
    recipient = ranking.rows[-1]["recipient_id"]
    axes = drawn_on(plots.interval_forest(ranking, recipient, "p_severe_irae"))
    rows = [row for row in ranking.rows if row["recipient_id"] == recipient]
    ends = [collection.get_segments()[0][:, 0].tolist() for collection in axes.collections]
    assert ends == [[row["p_severe_irae_lo"], row["p_severe_irae_hi"]] for row in rows]
    with pytest.raises(dm.ParameterError, match="`r9`"):
        plots.interval_forest(ranking, "r9")


def test_donors_on_the_front_have_a_ring_and_the_line_has_the_slope_of_the_weights(ranking):
    axes = drawn_on(plots.pareto_front(ranking))
    recipient = ranking.rows[0]["recipient_id"]
    front = [
        one for one in ranking.standings if one["recipient_id"] == recipient and one["on_front"]
    ]
    rings = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert len(rings) == len(front)
    (line,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert line.get_slope() == 0.5
    n_cases = sum(one["recipient_id"] == recipient for one in ranking.weight_cases)
    assert any(f"of {n_cases} weights" in text for text in texts(axes.texts))


def test_stacked_bars_reach_one_and_name_the_most_abundant(profiles):
    axes = drawn_on(plots.composition(profiles, n_taxa=2))
    tops = [bar.get_y() + bar.get_height() for bar in axes.containers[-1]]
    np.testing.assert_allclose(tops, 1.0)
    # By the means 66.1, 17.5 and 16.4 %.
    labels = ["1 others", "Segatella copri", "Akkermansia muciniphila"]
    assert texts(axes.get_legend().get_texts()) == labels
    heights = [bar.get_height() for bar in axes.containers[0]]
    np.testing.assert_allclose(heights, [0.0, 0.745, 0.9, 1.0])
    with pytest.raises(dm.ParameterError, match="`n_taxa`"):
        plots.composition(profiles, n_taxa=0)


def test_before_and_after_shows_what_is_expected(cohort):
    found = dm.Matcher.bundled().predict_transplant(cohort.donors[0], cohort.recipients[0])
    axes = drawn_on(plots.before_and_after(found, n_taxa=3))
    assert len(axes.containers) == 4
    assert texts(axes.get_xticklabels())[0] == "donor"
    names = ("donor", "recipient", "expected_fraction")
    mean = {row["taxon"]: sum(row[name] for name in names) for row in found.taxa}
    first = max(mean, key=mean.get)
    row = next(row for row in found.taxa if row["taxon"] == first)
    heights = [bar.get_height() for bar in axes.containers[0]]
    np.testing.assert_allclose(heights, [row[name] for name in names])


def test_principal_coordinates_keep_the_distances_of_points_in_a_plane():
    # Jensen-Shannon of two-taxon profiles lies on a curve; Euclidean points are given by hand.
    from donormatch.plots._profiles import _principal_coordinates

    points = np.random.default_rng(0).normal(size=(7, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    found, shares = _principal_coordinates(distances)
    again = np.linalg.norm(found[:, None] - found[None], axis=2)
    np.testing.assert_allclose(again, distances, atol=1e-9)
    assert sum(shares) == pytest.approx(1.0)


def test_an_ordination_joins_pairs_and_parts_groups(profiles):
    told = profiles.with_metadata({s: {"role": s[0]} for s in profiles.sample_ids})
    axes = drawn_on(plots.ordination(told, groups="role", arrows=[("d1", "r1")]))
    assert texts(axes.get_legend().get_texts()) == ["d", "r"]
    assert len(axes.collections) == 2
    assert len(axes.texts) == 1
    assert "%" in axes.get_xlabel()
    with pytest.raises(dm.ParameterError, match="no sample `x`"):
        plots.ordination(profiles, arrows=[("d1", "x")])
    with pytest.raises(dm.ParameterError, match="three samples"):
        plots.ordination(profiles[:2])
    with pytest.raises(dm.ParameterError, match="`groups`"):
        plots.ordination(profiles, groups=["a"])


def test_a_waterfall_adds_up():
    axes = drawn_on(plots.waterfall([("a", 0.3), ("b", -0.1)], start=1.0, total="sum"))
    bars = [(bar.get_x(), bar.get_width()) for bar in axes.patches]
    np.testing.assert_allclose(bars, [(1.0, 0.3), (1.3, -0.1), (1.0, 0.2)])
    assert texts(axes.get_yticklabels()) == ["a", "b", "sum"]
    assert axes.patches[0].get_facecolor() != axes.patches[1].get_facecolor()
    with pytest.raises(dm.ParameterError, match="`terms`"):
        plots.waterfall([])


def test_contributions_are_dots_at_their_values_the_largest_first():
    sklearn = pytest.importorskip("donormatch.sklearn")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.normal(size=(60, 3)), columns=["noise", "signal", "other"])
    outcome = (frame["signal"] > 0).astype(int)
    model = sklearn.BoostedTreesClassifier(n_rounds=20).fit(frame, outcome)
    display = plots.ContributionsDisplay.from_estimator(model, frame, max_features=2)
    drawn_on(display.ax_)
    assert display.order_[0] == "signal"
    assert len(display.ax_.collections) == 2
    dots = display.ax_.collections[0].get_offsets()
    np.testing.assert_allclose(dots[:, 0], model.contributions(frame).values[:, 1])
    assert np.abs(dots[:, 1]).max() <= 0.4 + 1e-9
    with pytest.raises(dm.ParameterError, match="`features`"):
        plots.ContributionsDisplay([[1.0]], [[1.0, 2.0]], ["a"])


def test_the_calibration_curve_is_that_of_the_metrics():
    y, p = [0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9]
    display = plots.CalibrationDisplay.from_predictions(y, p, n_bins=2, name="mine")
    line = display.ax_.containers[0].lines[0]
    np.testing.assert_allclose(line.get_xydata(), [[0.15, 0.0], [0.8, 1.0]])
    assert display.figure_ is display.ax_.figure
    plots.CalibrationDisplay.from_predictions(y, p[::-1], n_bins=2, ax=display.ax_)
    labels = set(texts(drawn_on(display.ax_).get_legend().get_texts()))
    assert labels == {"mine (4 rows)", "model (4 rows)", "calibrated"}
    first, second = (one.lines[0].get_color() for one in display.ax_.containers)
    assert first != second


def test_a_decision_curve_stands_beside_all_and_none():
    y, p = [0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9]
    display = plots.DecisionCurveDisplay.from_predictions(y, p, thresholds=[0.2, 0.5])
    everyone, none, model = display.ax_.lines
    # Vickers and Elkin: (TP - FP t / (1 - t)) / n.
    np.testing.assert_allclose(everyone.get_ydata(), [(2 - 2 * 0.25) / 4, (2 - 2 * 1.0) / 4])
    np.testing.assert_allclose(none.get_ydata(), 0.0)
    np.testing.assert_allclose(model.get_ydata(), [(2 - 1 * 0.25) / 4, 1 / 4])
    plots.DecisionCurveDisplay.from_predictions(y, p, name="twice", ax=display.ax_)
    assert len(drawn_on(display.ax_).lines) == 4


def test_displays_take_any_classifier_and_the_second_class_is_the_event():
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
    model = linear_model.LogisticRegression().fit(X, y)
    display = plots.CalibrationDisplay.from_estimator(model, X, y, n_bins=2)
    assert [one.observed for one in display.bins] == [0.0, 1.0]
    assert display.name == "LogisticRegression"
    assert plots.DecisionCurveDisplay.from_estimator(model, X, y).points
    with pytest.raises(dm.ParameterError, match="`predict_proba`"):
        plots.CalibrationDisplay.from_estimator(linear_model.LinearRegression(), X, y)


def test_studies_left_out_stand_above_their_mean():
    base = {"what": "response", "metric": "roc_auc", "comparator": "model", "n_rows": 9}
    rows = [
        {**base, "scope": "mean", "cohort": "", "value": 0.6, "lo": 0.5, "hi": 0.7, "n_events": 9},
        {
            **base,
            "scope": "cohort",
            "cohort": "A",
            "value": 0.7,
            "lo": 0.6,
            "hi": 0.8,
            "n_events": 4,
        },
        {**base, "scope": "cohort", "cohort": "B", "value": None, "lo": None, "hi": None},
        {
            **base,
            "scope": "cohort",
            "cohort": "C",
            "value": 0.4,
            "lo": None,
            "hi": None,
            "n_events": 2,
        },
        {**base, "comparator": "shannon", "cohort": "A", "value": 0.9},
        # All rows together mix what a score knows of cohorts with what it knows of patients.
        {**base, "scope": "all_rows", "cohort": "", "value": 0.8, "lo": 0.7, "hi": 0.9},
    ]
    axes = drawn_on(plots.study_forest(rows))
    assert texts(axes.get_yticklabels()) == ["A (4 of 9)", "C (2 of 9)", "mean"]
    assert [line.get_xdata()[0] for line in axes.lines[:3]] == [0.7, 0.4, 0.6]
    assert len(axes.collections) == 2
    with pytest.raises(dm.ParameterError, match="metric `brier`"):
        plots.study_forest(rows, metric="brier")


def test_donor_effects_follow_the_outcomes():
    def row(donor, effect):
        ends = {"donor_effect_lo": effect - 1, "donor_effect_hi": effect + 1}
        return {"donor_id": donor, "donor_effect": effect, **ends}

    tables = [[row("d1", 0.1)], [row("d1", 0.4), row("d2", -0.2)]]
    axes = drawn_on(plots.donor_effects(tables))
    named = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert named["d1"] == [0.1, 0.4]
    assert named["d2"] == [-0.2]
    assert texts(axes.get_xticklabels()) == ["1", "2"]
    with pytest.raises(dm.ParameterError, match="`d9`"):
        plots.donor_effects(tables, donors=["d9"])
    with pytest.raises(dm.ParameterError, match="`tables`"):
        plots.donor_effects([])


def test_prior_and_posterior_of_a_cell_are_those_of_the_evidence():
    cells = dm.Matcher.bundled().evidence("cells")
    after = [{**row, "probability": row["probability"] / 2} for row in cells]
    cell = {"cancer": "melanoma", "regimen": "anti-pd-1", "line": "first", "transplant": True}
    axes = drawn_on(plots.prior_and_posterior(cells, after, partner="none", **cell))
    wanted = {"endpoint": "response", "partner": "none", **cell}
    (row,) = [row for row in cells if all(row[k] == v for k, v in wanted.items())]
    points = [line.get_xdata()[0] for line in axes.lines]
    assert points == [row["probability"], row["probability"] / 2]
    assert texts(axes.get_legend().get_texts()) == ["prior", "posterior"]
    with pytest.raises(dm.ParameterError, match="`cancr`"):
        plots.prior_and_posterior(cells, after, cancr="melanoma")
    with pytest.raises(dm.ParameterError, match="no cell"):
        plots.prior_and_posterior(cells, after, cancer="skin")


def test_power_curves_are_a_line_a_design_in_the_order_of_size():
    rows = [
        {"n": n, "power": p, "power_lo": p - 0.1, "power_hi": p + 0.1, "design": design}
        for design, n, p in [("a", 40, 0.8), ("a", 20, 0.5), ("b", 20, 0.3), ("b", 40, 0.6)]
    ]
    axes = drawn_on(plots.power_curves(rows, by="design"))
    assert axes.lines[0].get_xdata().tolist() == [20, 40]
    assert axes.lines[0].get_ydata().tolist() == [0.5, 0.8]
    assert texts(axes.get_legend().get_texts()) == ["a", "b"]
    assert len(axes.collections) == 2
    with pytest.raises(dm.ParameterError, match="no column `pwer`"):
        plots.power_curves(rows, power="pwer")
    with pytest.raises(dm.ParameterError, match="empty"):
        plots.power_curves([])


def test_a_calendar_shows_dates_donors_and_recipients():
    pandas = pytest.importorskip("pandas")
    rows = [
        {"donor_id": "d2", "recipient_id": "r1", "date": "2026-03-01", "locked": True},
        {"donor_id": "d1", "recipient_id": "r2", "date": "2026-03-08", "locked": False},
        {"donor_id": "d1", "recipient_id": "r3", "date": "2026-03-08", "locked": False},
    ]
    frame = pandas.DataFrame(rows)
    frame["date"] = pandas.to_datetime(frame["date"])
    for table in (rows, frame):
        axes = drawn_on(plots.assignment_calendar(table))
        assert texts(axes.texts) == ["r1", "r2", "r3"]
        assert texts(axes.get_yticklabels()) == ["d1", "d2"]
        assert axes.lines[0].get_xdata()[0] == datetime.date(2026, 3, 1)
        assert axes.lines[1].get_ydata()[0] < axes.lines[2].get_ydata()[0]
    with pytest.raises(dm.ParameterError, match="found `soon`"):
        plots.assignment_calendar([{**rows[0], "date": "soon"}])


def test_dark_styles_are_followed(ranking):
    with pyplot.style.context("dark_background"):
        axes = plots.pareto_front(ranking)
        rings = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
        assert {matplotlib.colors.to_hex(one.get_markeredgecolor()) for one in rings} == {"#ffffff"}


def test_the_examples_run():
    from donormatch.plots import _explanation

    assert doctest.testmod(_explanation).failed == 0


def test_without_matplotlib_the_extra_is_named(monkeypatch, ranking):
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith("donormatch.plots")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"donormatch\[plot\]"):
        ranking.plot()
