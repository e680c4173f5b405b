"""Scores of rows held out → probabilities that mean what they say.

A calibrator is fitted on scores of rows that the model did not learn from, never on those that it
will be judged on. All methods keep the order of the scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from donormatch import _core
from donormatch._convert import numbers, options_json, scored_rows
from donormatch._errors import NotFittedError

__all__ = ["Calibrator", "ProbabilityIntervals"]

Method = Literal[
    "auto",
    "temperature",
    "slope_intercept",
    "sigmoid",
    "beta",
    "isotonic",
    "venn_abers",
]


class ProbabilityIntervals(NamedTuple):
    """Lower and upper probability of each score.

    Attributes
    ----------
    lower : numpy.ndarray
        The lower probability of each score.
    upper : numpy.ndarray
        The upper one.
    """

    lower: npt.NDArray[np.float64]
    upper: npt.NDArray[np.float64]


class Calibrator:
    """A non-decreasing map from scores (log-odds) to probabilities.

    Parameters
    ----------
    method : str, default="auto"
        ``"temperature"`` (a slope), ``"slope_intercept"`` (both, by maximum likelihood),
        ``"sigmoid"`` (Platt 1999), ``"beta"`` (Kull 2017), ``"isotonic"``, ``"venn_abers"`` (Vovk
        2014, which has intervals), or ``"auto"``: that with the least log loss in grouped
        cross-validation, the plainer at a tie.
    n_folds : int, default=5
        Folds of that choice.
    seed : int, default=0
        What deals groups to folds.

    Attributes
    ----------
    method_ : str
        The method, also where it was chosen.
    losses_ : dict of str to float or None
        Held-out log loss by method, empty where the method was given; none where a method could
        not be fitted in some fold or did not compete (Venn-Abers above 5,000 distinct scores).
    slope_, intercept_ : float or None
        Of a sigmoid method, per unit of score.

    Examples
    --------
    >>> scores, outcomes = [-2.0, -1.0, -0.5, 0.2, 0.4, 1.5], [0, 0, 1, 0, 1, 1]
    >>> calibrator = Calibrator(method="sigmoid").fit(scores, outcomes)
    >>> low, high = calibrator.probabilities([-3.0, 3.0])
    >>> bool(low < 0.5 < high)
    True
    """

    def __init__(self, method: Method = "auto", *, n_folds: int = 5, seed: int = 0) -> None:
        self.method = method
        self.n_folds = n_folds
        self.seed = seed

    def __repr__(self) -> str:
        return f"Calibrator({self.method!r}, n_folds={self.n_folds}, seed={self.seed})"

    def fit(
        self,
        scores: npt.ArrayLike,
        outcomes: npt.ArrayLike,
        *,
        weights: npt.ArrayLike | None = None,
        groups: Iterable[object] | None = None,
    ) -> Calibrator:
        """Learn the map.

        Parameters
        ----------
        scores : array_like
            Log-odds of rows that the model did not learn from.
        outcomes : array_like
            0 or 1, one a row.
        weights : array_like, optional
            One a row, 0 or more.
        groups : iterable, optional
            Labels of rows that stay together where a method is chosen.

        Returns
        -------
        Calibrator
            Itself.

        Raises
        ------
        InputError
            Lengths differ, a number is not finite, an outcome is not 0 or 1, only one outcome has
            weight, or there are too few groups to choose.
        ConvergenceError
            A method without smoothing meets scores that separate the outcomes.
        ParameterError
            The method is unknown.

        Examples
        --------
        >>> scores, outcomes = [-2.0, -1.0, -0.5, 0.2, 0.4, 1.5], [0, 0, 1, 0, 1, 1]
        >>> Calibrator("sigmoid").fit(scores, outcomes).method_
        'sigmoid'
        """
        params = options_json(method=self.method, n_folds=self.n_folds, seed=self.seed)
        rows = scored_rows(outcomes, scores, weights, groups)
        self.model_, losses = _core.fit_calibrator(params, rows)
        self.method_: str = self.model_.method
        self.losses_: dict[str, float | None] = {
            loss["method"]: loss["log_loss"] for loss in json.loads(losses)
        }
        line = self.model_.slope_and_intercept or (None, None)
        self.slope_: float | None = line[0]
        self.intercept_: float | None = line[1]
        return self

    def probabilities(self, scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The calibrated probability of each score.

        Parameters
        ----------
        scores : array_like
            Log-odds.

        Returns
        -------
        ndarray
            One a score, in [0, 1].

        Examples
        --------
        >>> scores, outcomes = [-2.0, -1.0, -0.5, 0.2, 0.4, 1.5], [0, 0, 1, 0, 1, 1]
        >>> low, high = Calibrator("sigmoid").fit(scores, outcomes).probabilities([-1.0, 1.0])
        >>> bool(low < high)
        True
        """
        return self._fitted().probabilities(numbers("scores", scores))

    def intervals(self, scores: npt.ArrayLike) -> ProbabilityIntervals:
        """Of Venn-Abers, the lower and upper probability of each score.

        Other methods have none: there both are the probability.

        Parameters
        ----------
        scores : array_like
            Log-odds.

        Returns
        -------
        ProbabilityIntervals
            ``lower`` and ``upper``, one a score.

        Examples
        --------
        >>> scores, outcomes = [-2.0, -1.0, -0.5, 0.2, 0.4, 1.5], [0, 0, 1, 0, 1, 1]
        >>> lower, upper = Calibrator("venn_abers").fit(scores, outcomes).intervals([0.0])
        >>> bool(lower[0] < upper[0])
        True
        """
        return ProbabilityIntervals(*self._fitted().intervals(numbers("scores", scores)))

    def _fitted(self) -> _core.Calibrator:
        if not hasattr(self, "model_"):
            message = "the calibrator is not fitted: call `fit` with held-out scores"
            raise NotFittedError(message)
        return self.model_

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if "model_" in state:
            state["model_"] = self.model_.to_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "model_" in state:
            state = state | {"model_": _core.Calibrator.from_bytes(state["model_"])}
        self.__dict__.update(state)
