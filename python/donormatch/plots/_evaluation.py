"""Pictures of held-out figures: calibration, net benefit, studies left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from donormatch import metrics
from donormatch._errors import ParameterError
from donormatch.plots import _style


def _judged(
    estimator: Any, X: Any, y: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Whether each label is the second class, and how probable that was held to be."""
    if not hasattr(estimator, "predict_proba"):
        message = f"expected a classifier with `predict_proba`, found {type(estimator).__name__}"
        raise ParameterError(message)
    events: npt.NDArray[np.bool_] = np.equal(np.asarray(y), estimator.classes_[1])
    return events.astype(np.float64), estimator.predict_proba(X)[:, 1]


class CalibrationDisplay:
    """Observed share of events against predicted probability, with Wilson's intervals.

    Made by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    bins
        What :func:`donormatch.metrics.calibration_curve` gives.
    name
        What the model is called.

    Attributes
    ----------
    ax_, figure_
        What it was drawn on.
    """

    ax_: Any
    figure_: Any

    def __init__(self, bins: Sequence[metrics.CalibrationBin], name: str = "model") -> None:
        self.bins = bins
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: npt.ArrayLike, *, n_bins: int = 10, ax: Any = None
    ) -> CalibrationDisplay:
        """Of a fitted classifier, on rows that it did not learn from.

        Parameters
        ----------
        estimator
            With `predict_proba`.
        X, y
            Rows held out, and their outcomes.
        n_bins
            Bins at most.
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        CalibrationDisplay
            Drawn.
        """
        bins = metrics.calibration_curve(*_judged(estimator, X, y), n_bins=n_bins)
        return cls(bins, type(estimator).__name__).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: npt.ArrayLike,
        y_prob: npt.ArrayLike,
        *,
        n_bins: int = 10,
        name: str = "model",
        ax: Any = None,
    ) -> CalibrationDisplay:
        """Of probabilities at hand.

        Parameters
        ----------
        y_true
            0 or 1, one a row.
        y_prob
            Held-out probabilities.
        n_bins
            Bins at most.
        name
            What the model is called.
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        CalibrationDisplay
            Drawn.
        """
        return cls(metrics.calibration_curve(y_true, y_prob, n_bins=n_bins), name).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> CalibrationDisplay:
        """Draw; a second display may be drawn on the axes of a first.

        Parameters
        ----------
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        CalibrationDisplay
            Itself.
        """
        axes = _style.axes_or_new(ax, 4.8, 4.5)
        number = len(axes.containers)
        color = _style.color_of(number)
        x, y = (
            [getattr(one, its) for one in self.bins] for its in ("mean_probability", "observed")
        )
        lo, hi = ([getattr(one, its) for one in self.bins] for its in ("lo", "hi"))
        error = np.clip([np.subtract(y, lo), np.subtract(hi, y)], 0.0, None)
        marker = _style.POINTS[number % len(_style.POINTS)]
        style = {"color": color, "marker": marker, "lw": 1.5, "elinewidth": 1, "capsize": 2}
        n_rows = sum(one.n_rows for one in self.bins)
        axes.errorbar(x, y, yerr=error, label=f"{self.name} ({n_rows} rows)", **style)
        if number == 0:
            line = {"linestyle": "--", "color": _style.NEUTRAL, "lw": 1}
            axes.axline((0, 0), slope=1, label="calibrated", **line)
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
            axes.set_xlabel("predicted probability")
            axes.set_ylabel("observed share of events")
        axes.legend(frameon=False, loc="upper left")
        self.ax_, self.figure_ = axes, axes.figure
        return self


class DecisionCurveDisplay:
    """Net benefit of acting on a probability, beside acting on all and on none.

    Made by :meth:`from_estimator` or :meth:`from_predictions`. A model is of use at a threshold
    only where it lies above both.

    Parameters
    ----------
    points
        What :func:`donormatch.metrics.decision_curve` gives.
    name
        What the model is called.

    Attributes
    ----------
    ax_, figure_
        What it was drawn on.
    """

    ax_: Any
    figure_: Any

    def __init__(self, points: Sequence[metrics.DecisionPoint], name: str = "model") -> None:
        self.points = points
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: npt.ArrayLike,
        *,
        thresholds: Iterable[float] | None = None,
        ax: Any = None,
    ) -> DecisionCurveDisplay:
        """Of a fitted classifier, on rows that it did not learn from.

        Parameters
        ----------
        estimator
            With `predict_proba`.
        X, y
            Rows held out, and their outcomes.
        thresholds
            Each in [0, 1); hundredths up to the largest probability by default.
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        DecisionCurveDisplay
            Drawn.
        """
        return cls.from_predictions(
            *_judged(estimator, X, y),
            thresholds=thresholds,
            name=type(estimator).__name__,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: npt.ArrayLike,
        y_prob: npt.ArrayLike,
        *,
        thresholds: Iterable[float] | None = None,
        name: str = "model",
        ax: Any = None,
    ) -> DecisionCurveDisplay:
        """Of probabilities at hand.

        Parameters
        ----------
        y_true
            0 or 1, one a row.
        y_prob
            Held-out probabilities.
        thresholds
            Each in [0, 1); hundredths up to the largest probability by default.
        name
            What the model is called.
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        DecisionCurveDisplay
            Drawn.
        """
        if thresholds is None:
            highest = float(np.max(np.asarray(y_prob, dtype=float), initial=0.0))
            thresholds = [n / 100 for n in range(1, max(2, min(99, int(100 * highest) + 1)))]
        return cls(metrics.decision_curve(y_true, y_prob, thresholds), name).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> DecisionCurveDisplay:
        """Draw; a second display may be drawn on the axes of a first.

        Parameters
        ----------
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        DecisionCurveDisplay
            Itself.
        """
        axes = _style.axes_or_new(ax, 6, 4)
        at = [one.threshold for one in self.points]
        n_models = len([line for line in axes.lines if line.get_label() not in ("all", "none")])
        if not axes.lines:
            everyone = [one.treat_all for one in self.points]
            axes.plot(at, everyone, color=_style.NEUTRAL, linestyle="--", label="all")
            none = [one.treat_none for one in self.points]
            axes.plot(at, none, color=_style.NEUTRAL, linestyle=":", label="none")
        benefit = [one.net_benefit for one in self.points]
        style = {"color": _style.color_of(n_models), "linestyle": _style.line_of(n_models)}
        axes.plot(at, benefit, lw=2, label=self.name, **style)
        shown = [*benefit, *(one.treat_all for one in self.points)]
        highest = max([*shown, axes.get_ylim()[1] if n_models else 0.01])
        axes.set_ylim(-0.3 * highest, 1.1 * highest)
        axes.set_xlabel("threshold probability")
        axes.set_ylabel("net benefit")
        axes.legend(frameon=False, title="act on")
        self.ax_, self.figure_ = axes, axes.figure
        return self


def study_forest(
    rows: Any,
    *,
    what: str = "response",
    metric: str = "roc_auc",
    comparator: str = "model",
    chance: float | None = 0.5,
    ax: Any = None,
) -> Any:
    """A figure in each cohort left out, with its interval, and the mean over them.

    Parameters
    ----------
    rows
        What :meth:`donormatch.Matcher.evaluate` gives, or a frame of it.
    what, metric, comparator
        Which figures.
    chance
        Where to draw the line of no skill.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: squares by the number of events, a diamond for the mean.
    """
    wanted = {"what": what, "metric": metric, "comparator": comparator}
    table = _style.records_of(rows, ["cohort", "value", *wanted])
    found = [
        row
        for row in table
        if row.get("scope", "cohort") in ("cohort", "mean")
        and all(row.get(name) == its for name, its in wanted.items())
        and isinstance(row["value"], int | float)
        and np.isfinite(row["value"])
    ]
    if not found:
        told = ", ".join(f"{name} `{its}`" for name, its in wanted.items())
        message = f"no row has {told} and a value"
        raise ParameterError(message)
    cohorts = [row for row in found if row.get("scope") != "mean"]
    means = [row for row in found if row.get("scope") == "mean"]
    axes = _style.axes_or_new(ax, 6.5, 1.4 + 0.32 * len(found))
    most = max((row.get("n_events") or 1 for row in cohorts), default=1)
    for place, row in enumerate([*cohorts, *means]):
        is_mean = row.get("scope") == "mean"
        color = _style.DOWN if is_mean else _style.UP
        if row.get("lo") is not None and row.get("hi") is not None:
            axes.hlines(place, row["lo"], row["hi"], color=color, lw=1.5)
        size = 9.0 if is_mean else 4 + 7 * np.sqrt((row.get("n_events") or 1) / most)
        marker = "D" if is_mean else "s"
        axes.plot([row["value"]], [place], marker, color=color, markersize=size)
    if chance is not None:
        axes.axvline(chance, linestyle="--", color=_style.NEUTRAL)
    if cohorts and means:
        axes.axhline(len(cohorts) - 0.5, color=_style.NEUTRAL, lw=0.5)
    labels = [
        *(f"{row['cohort']} ({row.get('n_events')} of {row.get('n_rows')})" for row in cohorts),
        *(f"mean ({row['cohort']})" if row["cohort"] else "mean" for row in means),
    ]
    _style.rows_down(axes, labels)
    axes.set_xlabel(f"{metric.replace('_', ' ')} of {what}, each cohort left out")
    axes.set_title("in brackets: events of rows", fontsize="small")
    return axes
