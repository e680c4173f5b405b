"""Pictures of explanations: which terms, which features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from donormatch._errors import ParameterError
from donormatch.plots import _style


def waterfall(
    terms: Iterable[tuple[str, float]],
    *,
    start: float = 0.0,
    label: str = "difference of utility",
    total: str = "together",
    ax: Any = None,
) -> Any:
    """How terms add up, one below the other: what speaks for A and what for B.

    Parameters
    ----------
    terms
        Names with what each adds, in the order to draw.
    start
        What they are counted from.
    label
        What is counted, with its unit.
    total
        What the sum is called.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> axes = waterfall([("response", 0.04), ("severe irAE", -0.01)])
    >>> [text.get_text() for text in axes.texts]
    ['+0.04', '−0.01', '+0.03']
    """
    named = [(str(name), float(value)) for name, value in terms]
    if not named:
        message = "`terms`: expected at least one"
        raise ParameterError(message)
    axes = _style.axes_or_new(ax, 6, 1.4 + 0.4 * len(named))
    at = start
    for place, (_, value) in enumerate(named):
        color = _style.UP if value >= 0 else _style.DOWN
        axes.barh(place, value, left=at, color=color, height=0.6)
        _write(axes, place, at, value)
        axes.plot([at + value] * 2, [place - 0.3, place + 1.3], color=_style.NEUTRAL, lw=1)
        at += value
    axes.barh(len(named), at - start, left=start, color=_style.NEUTRAL, height=0.6)
    _write(axes, len(named), start, at - start)
    axes.axvline(start, color=_style.ink(), lw=1)
    _style.rows_down(axes, [*(name for name, _ in named), total])
    axes.use_sticky_edges = False
    axes.margins(x=0.15)
    axes.set_xlabel(label)
    return axes


def _write(axes: Any, place: int, at: float, value: float) -> None:
    end = "left" if value >= 0 else "right"
    gap = (4 if value >= 0 else -4, 0)
    text = f"{value:+.3g}".replace("-", "−")
    offset = {"xytext": gap, "textcoords": "offset points", "ha": end, "va": "center"}
    axes.annotate(text, (at + value, place), **offset)


class ContributionsDisplay:
    """What each feature adds to the score of each row, one dot a row.

    Made by :meth:`from_estimator` or :meth:`from_contributions`. A contribution says what the model
    did, not what would happen if the feature changed.

    Parameters
    ----------
    contributions
        Rows × features, additive in the score.
    features
        The values of the features, rows × features.
    names
        Names of the features.

    Attributes
    ----------
    ax_, figure_
        What it was drawn on.
    order_ : list of str
        The features drawn, those with the largest mean contribution first.
    """

    ax_: Any
    figure_: Any
    order_: list[str]

    def __init__(
        self, contributions: npt.ArrayLike, features: npt.ArrayLike, names: Sequence[str]
    ) -> None:
        self.contributions = np.asarray(contributions, dtype=float)
        self.features = np.asarray(features, dtype=float)
        self.names = [str(name) for name in names]
        shape = self.contributions.shape
        if self.features.shape != shape or shape[1:] != (len(self.names),):
            message = (
                f"`features`: expected the shape of the contributions {shape} and a name for each "
                f"column, found {self.features.shape} and {len(self.names)} names"
            )
            raise ParameterError(message)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        feature_names: Sequence[str] | None = None,
        max_features: int = 12,
        ax: Any = None,
    ) -> ContributionsDisplay:
        """Of a fitted estimator with `contributions`.

        Parameters
        ----------
        estimator
            One of :mod:`donormatch.sklearn`, fitted.
        X
            Rows × features.
        feature_names
            Their names; by default those of a frame, else numbers.
        max_features
            Features drawn at most.
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        ContributionsDisplay
            Drawn.
        """
        values = estimator.contributions(X).values
        if feature_names is None:
            feature_names = getattr(X, "columns", None)
        if feature_names is None:
            feature_names = [f"x{number}" for number in range(values.shape[1])]
        dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
        display = cls(values, dense, list(feature_names))
        return display.plot(max_features=max_features, ax=ax)

    @classmethod
    def from_contributions(
        cls,
        contributions: npt.ArrayLike,
        features: npt.ArrayLike,
        names: Sequence[str],
        *,
        max_features: int = 12,
        ax: Any = None,
    ) -> ContributionsDisplay:
        """Of contributions that are at hand.

        Parameters
        ----------
        contributions, features, names
            As in :class:`ContributionsDisplay`.
        max_features
            Features drawn at most.
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        ContributionsDisplay
            Drawn.
        """
        return cls(contributions, features, names).plot(max_features=max_features, ax=ax)

    def plot(self, *, max_features: int = 12, ax: Any = None) -> ContributionsDisplay:
        """Draw.

        Parameters
        ----------
        max_features
            Features drawn at most.
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        ContributionsDisplay
            Itself.
        """
        mean = np.abs(self.contributions).mean(axis=0)
        order = np.argsort(-mean, kind="stable")[:max_features]
        axes = _style.axes_or_new(ax, 7, 1.6 + 0.4 * len(order))
        dots = None
        for place, feature in enumerate(order):
            values = self.contributions[:, feature]
            heights = place + _swarm(values, np.ptp(self.contributions[:, order]))
            colors = _places(self.features[:, feature])
            look = {"cmap": "cividis", "vmin": 0.0, "vmax": 1.0, "s": 14, "linewidths": 0}
            dots = axes.scatter(values, heights, c=colors, plotnonfinite=True, **look)
        axes.axvline(0.0, color=_style.NEUTRAL, lw=1, zorder=0)
        self.order_ = [self.names[feature] for feature in order]
        _style.rows_down(axes, [name.replace("_", " ") for name in self.order_])
        axes.set_xlabel("contribution to the score (log-odds)")
        bar = axes.figure.colorbar(dots, ax=axes, ticks=[0, 1], label="value of the feature")
        bar.ax.set_yticklabels(["low", "high"])
        self.ax_, self.figure_ = axes, axes.figure
        return self


def _swarm(values: npt.NDArray[np.float64], spread: float) -> npt.NDArray[np.float64]:
    """How far each dot stands off its line, so that dots of like values lie beside each other."""
    n_bins = 80
    bins = np.floor(n_bins * (values - values.min()) / max(spread, 1e-12)).astype(int)
    offsets = np.zeros(len(values))
    for one in np.unique(bins):
        inside = np.flatnonzero(bins == one)
        steps = np.arange(len(inside))
        offsets[inside] = (steps + 1) // 2 * np.where(steps % 2, 1, -1)
    widest = np.abs(offsets).max(initial=0.0)
    return offsets * min(0.06, 0.4 / widest if widest else 0.0)


def _places(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where each value lies among the others, 0 to 1, alike for equal ones; NaN where missing."""
    known, numbers = np.unique(values, return_inverse=True)
    n_known = int((~np.isnan(known)).sum())
    places = numbers.reshape(values.shape) / max(n_known - 1, 1)
    return np.where(np.isnan(values), np.nan, places)
