"""Metrics of held-out scores, each with its interval over groups and what stands behind it.

The scores must be of rows that were held out of everything learned. An interval resamples whole
groups (subjects, donors or studies); without `groups` every row is one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy.typing as npt

from donormatch import _core
from donormatch._convert import numbers, options_json, scored_rows
from donormatch._errors import ParameterError
from donormatch._table import Table

__all__ = [
    "CalibrationBin",
    "Comparison",
    "DecisionPoint",
    "Estimate",
    "PooledEstimate",
    "calibration_curve",
    "compare",
    "compare_by_delong",
    "decision_curve",
    "delong",
    "estimate",
    "mean_over_cohorts",
    "pool_cohorts",
]

Metric = Literal[
    "roc_auc",
    "average_precision",
    "brier",
    "brier_skill",
    "log_loss",
    "calibration_intercept",
    "calibration_slope",
]


@dataclass(frozen=True)
class Estimate:
    """A metric with its interval; `reason` says why a number is absent.

    Attributes
    ----------
    value : float or None
        The metric.
    lo, hi : float or None
        Ends of the interval.
    level : float
        The share of such intervals that holds the truth.
    method : str
        How the interval was made.
    n_rows, n_groups, n_events : int
        Rows, groups and events behind it.
    n_undefined : int
        Resamples in which the metric has no value, such as those of one class.
    reason : str or None
        Why a number is absent.
    """

    value: float | None
    lo: float | None
    hi: float | None
    level: float
    method: str
    n_rows: int
    n_groups: int
    n_events: int
    n_undefined: int
    reason: str | None

    def __str__(self) -> str:
        return _in_words(self.value, self.lo, self.hi, self.reason)


@dataclass(frozen=True)
class Comparison:
    """The difference of a metric between two models on the same rows, first minus second.

    Attributes
    ----------
    metric : str
        What is compared.
    first, second : float or None
        The metric of each model.
    difference : float or None
        First minus second.
    lo, hi : float or None
        Ends of the interval.
    p_value : float or None
        Two-sided.
    level : float
        The share of such intervals that holds the truth.
    method : str
        How interval and p value were made.
    n_rows, n_groups, n_events : int
        Rows, groups and events behind it.
    reason : str or None
        Why a number is absent.
    """

    metric: str
    first: float | None
    second: float | None
    difference: float | None
    lo: float | None
    hi: float | None
    p_value: float | None
    level: float
    method: str
    n_rows: int
    n_groups: int
    n_events: int
    reason: str | None

    def __str__(self) -> str:
        return _in_words(self.difference, self.lo, self.hi, self.reason)


@dataclass(frozen=True)
class CalibrationBin:
    """Of rows with like probabilities, the mean probability and the share of events.

    `lo` and `hi` are Wilson's interval of `observed`, taking rows as independent.

    Attributes
    ----------
    mean_probability : float
        The mean probability of the rows.
    observed : float
        The share of events among them.
    lo, hi : float
        Ends of the interval of `observed`.
    n_rows, n_events : int
        Rows, and events among them.
    """

    mean_probability: float
    observed: float
    lo: float
    hi: float
    n_rows: int
    n_events: int


@dataclass(frozen=True)
class DecisionPoint:
    """Net benefit of acting from a threshold on, beside acting on all and on none.

    Attributes
    ----------
    threshold : float
        The probability from which one acts.
    net_benefit : float
        Of acting where the model reaches it.
    treat_all, treat_none : float
        Of acting on all and on none; the latter is 0.
    """

    threshold: float
    net_benefit: float
    treat_all: float
    treat_none: float


@dataclass(frozen=True)
class PooledEstimate:
    """A value over cohorts: its mean with the interval, and where one more cohort is expected.

    Attributes
    ----------
    value : float or None
        The mean over cohorts.
    lo, hi : float or None
        Ends of its interval.
    prediction_lo, prediction_hi : float or None
        Where the value of one more cohort is expected.
    tau_squared : float or None
        The variance between cohorts.
    i_squared : float or None
        The share of the variation that is between cohorts.
    n_cohorts : int
        How many there are.
    level : float
        Of both intervals.
    reason : str or None
        Why a number is absent.
    """

    value: float | None
    lo: float | None
    hi: float | None
    prediction_lo: float | None
    prediction_hi: float | None
    tau_squared: float | None
    i_squared: float | None
    n_cohorts: int
    level: float
    reason: str | None

    def __str__(self) -> str:
        return _in_words(self.value, self.lo, self.hi, self.reason)


def _in_words(value: float | None, lo: float | None, hi: float | None, reason: str | None) -> str:
    """A figure as papers give it: value and interval, or why it is absent."""
    if value is None:
        return f"none ({reason})"
    if lo is None or hi is None:
        return f"{value:.2f} (no interval: {reason})"
    return f"{value:.2f} ({lo:.2f}–{hi:.2f})"


def estimate(
    metric: Metric,
    outcomes: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    groups: Iterable[object] | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    method: Literal["percentile", "bca"] = "percentile",
    seed: int = 0,
) -> Estimate:
    """A metric with its bootstrap interval over groups.

    Parameters
    ----------
    metric : str
        Its name.
    outcomes : array_like
        0 or 1, one a row.
    scores : array_like
        Log-odds or probabilities for rank metrics, probabilities for the others.
    weights : array_like, optional
        One a row, 0 or more.
    groups : iterable, optional
        Label of the group of each row.
    n_resamples : int, default=2000
        How to draw and what interval to give.
    level : float, default=0.95
        How to draw and what interval to give.
    method : {"percentile", "bca"}, default="percentile"
        How to draw and what interval to give.
    seed : int, default=0
        How to draw and what interval to give.

    Returns
    -------
    Estimate
        Value, interval, and the numbers of rows, groups and events behind it.

    Examples
    --------
    >>> auc = estimate("roc_auc", [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> auc.value, auc.n_events
    (0.75, 2)
    """
    params = options_json(n_resamples=n_resamples, level=level, method=method, seed=seed)
    rows = scored_rows(outcomes, scores, weights, groups)
    return Estimate(**json.loads(_core.estimate(metric, rows, params)))


def compare(
    metric: Metric,
    outcomes: npt.ArrayLike,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    groups: Iterable[object] | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """How much better the first of two models is on the same rows, and could it be chance.

    Parameters
    ----------
    metric : str
        Its name.
    outcomes : array_like
        0 or 1, one a row.
    first, second : array_like
        The scores of the two models.
    weights : array_like, optional
        As in :func:`estimate`.
    groups : iterable, optional
        As in :func:`estimate`.
    n_resamples : int, default=2000
        As in :func:`estimate`.
    level : float, default=0.95
        As in :func:`estimate`.
    seed : int, default=0
        As in :func:`estimate`.

    Returns
    -------
    Comparison
        The difference, its interval, and the p value of exchanging the models within groups.

    Examples
    --------
    >>> same = compare("roc_auc", [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4])
    >>> same.difference
    0.0
    """
    params = options_json(n_resamples=n_resamples, level=level, seed=seed)
    rows = scored_rows(outcomes, first, weights, groups)
    return Comparison(**json.loads(_core.compare(metric, rows, numbers("second", second), params)))


def delong(
    outcomes: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    groups: Iterable[object] | None = None,
    level: float = 0.95,
) -> Estimate:
    """ROC AUC with DeLong's interval; where there are groups, with Obuchowski's variance.

    Parameters
    ----------
    outcomes : array_like
        0 or 1, one a row.
    scores : array_like
        Log-odds or probabilities.
    groups : iterable, optional
        Label of the group of each row.
    level : float, default=0.95
        Of the interval.

    Returns
    -------
    Estimate
        Without an interval, and with the reason, where the variance is 0 or groups are too few.

    Examples
    --------
    >>> area = delong([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> area.value, round(area.lo, 3)
    (0.75, 0.057)
    """
    return Estimate(**json.loads(_core.delong(scored_rows(outcomes, scores, None, groups), level)))


def compare_by_delong(
    outcomes: npt.ArrayLike,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    groups: Iterable[object] | None = None,
    level: float = 0.95,
) -> Comparison:
    """DeLong's test of the ROC AUCs of two models on the same rows.

    It takes both models as fixed: scores from different folds make it optimistic.

    Parameters
    ----------
    outcomes : array_like
        0 or 1, one a row.
    first, second : array_like
        The scores of the two models.
    groups : iterable, optional
        As in :func:`delong`.
    level : float, default=0.95
        As in :func:`delong`.

    Returns
    -------
    Comparison
        The difference, its interval and p value.

    Examples
    --------
    >>> first, second = [0.1, 0.3, 0.2, 0.4, 0.6, 0.5], [0.4, 0.1, 0.5, 0.3, 0.6, 0.2]
    >>> both = compare_by_delong([0, 0, 0, 1, 1, 1], first, second)
    >>> both.first, round(both.second, 3)
    (1.0, 0.556)
    """
    rows = scored_rows(outcomes, first, None, groups)
    found = _core.compare_by_delong(rows, numbers("second", second), level)
    return Comparison(**json.loads(found))


def calibration_curve(
    outcomes: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    n_bins: int = 10,
    level: float = 0.95,
) -> Table[CalibrationBin]:
    """Observed share of events against predicted probability, in bins of about equal rows.

    Parameters
    ----------
    outcomes : array_like
        0 or 1, one a row.
    probabilities : array_like
        Held out, one a row.
    weights : array_like, optional
        One a row, 0 or more.
    n_bins : int, default=10
        Bins at most; equal probabilities stay in one.
    level : float, default=0.95
        Of the intervals.

    Returns
    -------
    Table of CalibrationBin
        Rising.

    Examples
    --------
    >>> low, high = calibration_curve([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], n_bins=2)
    >>> low.observed, high.observed, high.n_rows
    (0.0, 1.0, 2)
    """
    rows = scored_rows(outcomes, probabilities, weights, None)
    bins = json.loads(_core.calibration_curve(rows, n_bins, level))
    return Table([CalibrationBin(**its) for its in bins], caption="calibration")


def decision_curve(
    outcomes: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    thresholds: Iterable[float],
    *,
    weights: npt.ArrayLike | None = None,
) -> Table[DecisionPoint]:
    """Net benefit of acting where a probability reaches a threshold (Vickers and Elkin 2006).

    A model is of use at a threshold only where it lies above both acting on all and on none.

    Parameters
    ----------
    outcomes : array_like
        0 or 1, one a row.
    probabilities : array_like
        Held out, one a row.
    thresholds : iterable of float
        Each in [0, 1).
    weights : array_like, optional
        One a row, 0 or more.

    Returns
    -------
    Table of DecisionPoint
        One a threshold.

    Examples
    --------
    >>> (at_half,) = decision_curve([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9], [0.5])
    >>> at_half.net_benefit, at_half.treat_all
    (0.25, 0.0)
    """
    rows = scored_rows(outcomes, probabilities, weights, None)
    points = json.loads(_core.decision_curve(rows, [float(its) for its in thresholds]))
    return Table([DecisionPoint(**its) for its in points], caption="decision curve")


def mean_over_cohorts(values: Iterable[float], *, level: float = 0.95) -> PooledEstimate:
    """The plain mean over cohorts, each counting the same, with Student's interval.

    Parameters
    ----------
    values : iterable of float
        A metric in each cohort, such as each study left out.
    level : float, default=0.95
        Of both intervals.

    Returns
    -------
    PooledEstimate
        `prediction_lo` and `prediction_hi` are of the observed value in one more such cohort.

    Examples
    --------
    >>> mean = mean_over_cohorts([0.6, 0.7, 0.5])
    >>> round(mean.value, 3), mean.n_cohorts
    (0.6, 3)
    """
    found = _core.mean_over_cohorts([float(value) for value in values], level)
    return PooledEstimate(**json.loads(found))


def pool_cohorts(
    values: Mapping[str, float],
    variances: Mapping[str, float],
    *,
    scale: Literal["identity", "logit"] = "identity",
    level: float = 0.95,
) -> PooledEstimate:
    """The random-effects mean over cohorts (DerSimonian and Laird; Hartung and Knapp).

    Parameters
    ----------
    values : mapping of str to float
        A metric by cohort.
    variances : mapping of str to float
        The variance of each value, above 0, by cohort.
    scale : {"identity", "logit"}, default="identity"
        On which cohorts are averaged; on that of log-odds intervals stay inside (0, 1).
    level : float, default=0.95
        Of both intervals.

    Returns
    -------
    PooledEstimate
        `tau_squared` is the variance between cohorts, on the scale of pooling.

    Raises
    ------
    ParameterError
        A cohort has a value or a variance only.

    Examples
    --------
    >>> pooled = pool_cohorts({"a": 0.6, "b": 0.7}, {"a": 0.01, "b": 0.01})
    >>> round(pooled.value, 3), pooled.tau_squared
    (0.65, 0.0)
    """
    values, variances = (
        {str(name): float(value) for name, value in its.items()} for its in (values, variances)
    )
    if odd := sorted(set(values) ^ set(variances)):
        message = f"`variances`: `{odd[0]}` has a value or a variance only"
        raise ParameterError(message)
    cohorts = [(name, value, variances[name]) for name, value in values.items()]
    return PooledEstimate(**json.loads(_core.pool_cohorts(cohorts, scale, level)))
