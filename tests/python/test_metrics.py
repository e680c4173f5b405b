"""Metrics and calibration say in Python what the core says, and what other libraries say."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import donormatch as dm
from donormatch import metrics
from donormatch.calibration import Calibrator

RNG = np.random.default_rng(7)
SCORES = RNG.normal(size=240)
OUTCOMES = (RNG.random(240) < 1 / (1 + np.exp(-2.0 * SCORES - 0.5))).astype(int)
GROUPS = [f"p{row // 2}" for row in range(240)]
METHODS = ["temperature", "slope_intercept", "sigmoid", "beta", "isotonic", "venn_abers"]


def test_delong_is_the_variance_of_its_definition():
    events, others = SCORES[OUTCOMES == 1], SCORES[OUTCOMES == 0]
    above = (events[:, np.newaxis] > others).astype(float)
    variance = above.mean(axis=1).var(ddof=1) / len(events)
    variance += above.mean(axis=0).var(ddof=1) / len(others)
    area = metrics.delong(OUTCOMES, SCORES)
    assert area.value == pytest.approx(above.mean(), abs=1e-12)
    half = 1.959963984540054 * np.sqrt(variance)
    assert (area.lo, area.hi) == pytest.approx((above.mean() - half, above.mean() + half))
    assert metrics.delong(OUTCOMES, SCORES, groups=GROUPS).n_groups == 120
    assert metrics.delong([0, 0, 1, 1], [0, 1, 2, 3]).reason is not None


def test_delong_compares_two_models_on_the_same_rows():
    noisy = SCORES + RNG.normal(size=240)
    both = metrics.compare_by_delong(OUTCOMES, SCORES, noisy)
    assert both.first > both.second
    assert both.lo < both.difference < both.hi
    assert 0 < both.p_value < 0.05
    assert metrics.compare_by_delong(OUTCOMES, SCORES, SCORES).p_value == 1


def test_curves_are_those_of_their_definitions():
    probabilities = 1 / (1 + np.exp(-SCORES))
    bins = metrics.calibration_curve(OUTCOMES, probabilities, n_bins=5)
    assert [its.n_rows for its in bins] == [48] * 5
    order = np.argsort(probabilities)
    for place, its in enumerate(bins):
        rows = order[48 * place : 48 * (place + 1)]
        assert its.mean_probability == pytest.approx(probabilities[rows].mean())
        assert its.observed == pytest.approx(OUTCOMES[rows].mean())
        assert its.lo < its.observed < its.hi
    (point,) = metrics.decision_curve(OUTCOMES, probabilities, [0.25])
    acts = probabilities >= 0.25
    benefit = (acts & (OUTCOMES == 1)).mean() - (acts & (OUTCOMES == 0)).mean() / 3
    assert point.net_benefit == pytest.approx(benefit)
    assert point.treat_none == 0
    with pytest.raises(dm.ParameterError, match="thresholds"):
        metrics.decision_curve(OUTCOMES, probabilities, [1.0])
    with pytest.raises(dm.InputError, match="probabilit"):
        metrics.calibration_curve(OUTCOMES, SCORES)


def test_cohorts_are_pooled_with_what_is_between_them():
    values = {"a": 0.61, "b": 0.72, "c": 0.55, "d": 0.8}
    mean = metrics.mean_over_cohorts(values.values())
    assert mean.value == pytest.approx(0.67)
    assert mean.prediction_lo < mean.lo < mean.value < mean.hi < mean.prediction_hi
    pooled = metrics.pool_cohorts(values, dict.fromkeys(values, 0.001), scale="logit")
    assert pooled.tau_squared > 0
    assert 0 < pooled.lo < pooled.value < pooled.hi < 1
    with pytest.raises(dm.ParameterError, match="`b`"):
        metrics.pool_cohorts(values, {"a": 0.1, "c": 0.1, "d": 0.1})
    with pytest.raises(dm.InputError, match="`b`"):
        metrics.pool_cohorts(values | {"b": np.nan}, dict.fromkeys(values, 0.1))
    numbered = metrics.pool_cohorts({1: 0.6, 2: 0.7}, {1: 0.01, 2: 0.01})
    assert numbered.n_cohorts == 2


@pytest.mark.parametrize("method", METHODS)
def test_a_calibrator_keeps_the_order_and_mends_the_probabilities(method):
    too_sure = 8.0 * SCORES
    calibrator = Calibrator(method).fit(too_sure[:120], OUTCOMES[:120])
    fresh = calibrator.probabilities(too_sure[120:])
    assert calibrator.method_ == method
    assert calibrator.losses_ == {}
    assert (np.diff(fresh[np.argsort(SCORES[120:])]) >= 0).all()
    loss = metrics.estimate("brier", OUTCOMES[120:], fresh, n_resamples=2).value
    raw = 1 / (1 + np.exp(-too_sure[120:]))
    assert loss < metrics.estimate("brier", OUTCOMES[120:], raw, n_resamples=2).value
    lower, upper = calibrator.intervals(too_sure[120:])
    assert ((lower <= fresh) & (fresh <= upper)).all()
    assert (lower < upper).all() == (method == "venn_abers")
    again = pickle.loads(pickle.dumps(calibrator))
    np.testing.assert_array_equal(again.probabilities(SCORES), calibrator.probabilities(SCORES))


def test_slope_and_intercept_are_those_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    plain = linear.LogisticRegression(C=np.inf, tol=1e-10).fit(SCORES[:, np.newaxis], OUTCOMES)
    calibrator = Calibrator("slope_intercept").fit(SCORES, OUTCOMES)
    assert calibrator.slope_ == pytest.approx(plain.coef_[0, 0], rel=1e-5)
    assert calibrator.intercept_ == pytest.approx(plain.intercept_[0], rel=1e-4)


def test_a_method_is_chosen_by_whole_groups_and_says_by_what():
    calibrator = Calibrator().fit(SCORES, OUTCOMES, groups=GROUPS)
    losses = {name: loss for name, loss in calibrator.losses_.items() if loss is not None}
    assert set(calibrator.losses_) == set(METHODS)
    assert losses[calibrator.method_] == min(losses.values())
    with pytest.raises(dm.InputError, match="group"):
        Calibrator().fit(SCORES, OUTCOMES, groups=["one"] * 240)


def test_a_row_of_weight_0_is_as_good_as_absent():
    weights = np.arange(240) % 3
    probabilities = 1 / (1 + np.exp(-SCORES))
    kept = weights > 0
    found = metrics.calibration_curve(OUTCOMES, probabilities, weights=weights)
    alone = metrics.calibration_curve(OUTCOMES[kept], probabilities[kept], weights=weights[kept])
    assert found == alone
    with pytest.raises(dm.InputError, match="no row"):
        metrics.calibration_curve(OUTCOMES, probabilities, weights=np.zeros(240))


@pytest.mark.parametrize(
    ("outcomes", "scores", "groups", "words"),
    [
        (OUTCOMES[:, np.newaxis], SCORES, None, "`outcomes`: expected one number a row"),
        (OUTCOMES, SCORES[np.newaxis], None, "`scores`: expected one number a row"),
        (["R"] * 240, SCORES, None, "`outcomes`: expected numbers"),
        (OUTCOMES, SCORES, [None] * 240, "group of row 0 is unknown"),
        (OUTCOMES, SCORES, [1.0, np.nan] * 120, "group of row 1 is unknown"),
        (OUTCOMES[1:], SCORES, None, "24"),
    ],
)
def test_what_is_not_one_number_a_row_is_named(outcomes, scores, groups, words):
    with pytest.raises(dm.InputError, match=words):
        metrics.delong(outcomes, scores, groups=groups)
    with pytest.raises(dm.InputError, match=words):
        Calibrator("sigmoid").fit(scores, outcomes, groups=groups)


def test_settings_may_be_numbers_of_numpy():
    drawn = metrics.estimate("brier", OUTCOMES, OUTCOMES, n_resamples=np.int64(9), seed=np.int8(3))
    assert drawn.value == 0
    assert Calibrator(n_folds=np.int64(3)).fit(SCORES, OUTCOMES).losses_
    for n_bins in (0, 10**13):
        with pytest.raises(dm.ParameterError, match="n_bins"):
            metrics.calibration_curve(OUTCOMES, OUTCOMES, n_bins=n_bins)


def test_what_a_calibrator_cannot_do_is_refused():
    with pytest.raises(dm.NotFittedError, match="fit"):
        Calibrator().probabilities([0.0])
    with pytest.raises(dm.ParameterError, match="method"):
        Calibrator("magic").fit(SCORES, OUTCOMES)
    with pytest.raises(dm.ConvergenceError):
        Calibrator("slope_intercept").fit([-1.0, -0.5, 0.5, 1.0], [0, 0, 1, 1])
    with pytest.raises(dm.InputError, match="finite"):
        Calibrator("sigmoid").fit(SCORES, OUTCOMES).probabilities([np.nan])
