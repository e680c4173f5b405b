"""Metrics of held-out scores, each with its interval over groups and what stands behind it.

The scores must be of rows that were held out of everything learned. An interval resamples whole
groups (subjects, donors or studies); without `groups` every row is one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from donormatch import _core

__all__ = ["Comparison", "Estimate", "compare", "estimate"]

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
    """A metric with its interval; `reason` says why a number is absent."""

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


@dataclass(frozen=True)
class Comparison:
    """The difference of a metric between two models on the same rows, first minus second."""

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


class _ScoredRows(NamedTuple):
    scores: npt.NDArray[np.float64]
    outcomes: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64] | None
    groups: npt.NDArray[np.uint32] | None


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
    metric
        Its name.
    outcomes
        0 or 1, one a row.
    scores
        Log-odds or probabilities for rank metrics, probabilities for the others.
    weights
        One a row, 0 or more.
    groups
        Label of the group of each row.
    n_resamples, level, method, seed
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
    params = json.dumps(
        {"n_resamples": n_resamples, "level": level, "method": method, "seed": seed}
    )
    rows = _scored_rows(outcomes, scores, weights, groups)
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
    metric
        Its name.
    outcomes
        0 or 1, one a row.
    first, second
        The scores of the two models.
    weights, groups, n_resamples, level, seed
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
    params = json.dumps({"n_resamples": n_resamples, "level": level, "seed": seed})
    rows = _scored_rows(outcomes, first, weights, groups)
    second = np.ascontiguousarray(second, dtype=np.float64)
    return Comparison(**json.loads(_core.compare(metric, rows, second, params)))


def _scored_rows(
    outcomes: npt.ArrayLike,
    scores: npt.ArrayLike,
    weights: npt.ArrayLike | None,
    groups: Iterable[object] | None,
) -> _ScoredRows:
    return _ScoredRows(
        np.ascontiguousarray(scores, dtype=np.float64),
        np.ascontiguousarray(outcomes, dtype=np.float64),
        None if weights is None else np.ascontiguousarray(weights, dtype=np.float64),
        None if groups is None else _core.number_groups([str(group) for group in groups]),
    )
