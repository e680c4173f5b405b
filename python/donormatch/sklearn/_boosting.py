"""Gradient-boosted trees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin

from donormatch import _core
from donormatch._convert import settings_json
from donormatch.sklearn._base import BinaryClassifier, Model


class _BoostedTrees(Model):
    """The settings of boosted trees, and their fit."""

    _missing: ClassVar[bool] = True
    _loss: ClassVar[str]

    def __init__(
        self,
        *,
        n_rounds: int = 1000,
        learning_rate: float = 0.01,
        max_depth: int = 3,
        max_leaves: int | None = None,
        max_bins: int = 255,
        min_bin_rows: int | None = None,
        l2: float = 1.0,
        l1: float = 0.0,
        min_gain: float = 0.0,
        min_leaf_weight: float = 0.0,
        min_leaf_rows: int = 2,
        row_fraction: float = 0.7,
        column_fraction: float | None = None,
        node_column_fraction: float = 1.0,
        random_thresholds: bool = False,
        early_stopping: dict[str, float] | None = None,
        monotone: Sequence[Literal["free", "increasing", "decreasing"]] | None = None,
        interactions: Sequence[Sequence[int]] | None = None,
        seed: int = 0,
    ) -> None:
        self.n_rounds = n_rounds
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.max_leaves = max_leaves
        self.max_bins = max_bins
        self.min_bin_rows = min_bin_rows
        self.l2 = l2
        self.l1 = l1
        self.min_gain = min_gain
        self.min_leaf_weight = min_leaf_weight
        self.min_leaf_rows = min_leaf_rows
        self.row_fraction = row_fraction
        self.column_fraction = column_fraction
        self.node_column_fraction = node_column_fraction
        self.random_thresholds = random_thresholds
        self.early_stopping = early_stopping
        self.monotone = monotone
        self.interactions = interactions
        self.seed = seed

    def _settings(self) -> str:
        return settings_json(**self._given(), loss=self._loss)

    def _grow(self, X: Any, outcomes: Any, weights: Any, offsets: Any, groups: Any) -> None:
        rows = self._rows(X, outcomes, weights, offsets, groups)
        self.model_ = _core.fit_boosting(self._settings(), rows)
        self.n_trees_: int = self.model_.n_trees

    @property
    def feature_importances_(self) -> npt.NDArray[np.float64]:
        """Fall of the training loss by splits on each feature."""
        importances: npt.NDArray[np.float64] = self.model_.gain_importance()
        return importances


class BoostedTreesClassifier(BinaryClassifier, _BoostedTrees):
    """Gradient-boosted trees for two classes, with defaults that learn from 20 rows.

    NaN is a missing value, and has a learned side at every split.

    Parameters
    ----------
    n_rounds : int, default=1000
        Trees, at least 1.
    learning_rate : float, default=0.01
        Factor on every leaf, above 0, at most 1.
    max_depth : int, default=3
        Splits from the root to a leaf at most, 1 to 16.
    max_leaves : int, optional
        Leaves of a tree at most; where given, the leaf of largest gain is split first.
    max_bins : int, default=255
        Bins a feature at most, 2 to 255.
    min_bin_rows : int, optional
        Rows in a bin at least, but for that of the most common value; 1 tries every cut. By
        default a row for each 64 rows, from 1 to 4.
    l2, l1 : float, default=1.0, 0.0
        Penalties on a leaf.
    min_gain : float, default=0.0
        Fall of the loss below which a split is not made.
    min_leaf_weight : float, default=0.0
        Sum of second derivatives in a leaf at least.
    min_leaf_rows : int, default=2
        Rows in a leaf at least.
    row_fraction : float, default=0.7
        Share of the rows that a tree learns from, drawn anew for each.
    column_fraction : float, optional
        Share of the features that a tree may split on, drawn anew for each; by default a tenth,
        but 20 features at least.
    node_column_fraction : float, default=1.0
        Share of the features open to a tree that each of its nodes may split on, drawn anew for
        each node, above 0, at most 1; at least one. It is a share of what `column_fraction`
        leaves: set that to 1.0 to draw by node only. A node that draws nothing but features that
        cannot part its rows is a leaf.
    random_thresholds : bool, default=False
        Whether a node tries one cut of each feature that it may split on, drawn anew for each node
        and feature, instead of every cut: extremely randomized trees.
    early_stopping : dict, optional
        ``{"held_out_fraction": 0.2, "patience": 50}``: stop when rows held out, by whole groups
        where `fit` was given groups, no longer gain.
    monotone : sequence of {"free", "increasing", "decreasing"}, optional
        How the score may move with each feature.
    interactions : sequence of sequence of int, optional
        Sets of features that may stand together on one path.
    seed : int, default=0
        What draws rows, features, thresholds and held-out groups.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The second is the event.
    n_trees_ : int
        Trees, fewer than `n_rounds` where the fit stopped early.
    feature_importances_ : ndarray of shape (n_features,)
        Fall of the training loss by splits on each feature.
    n_features_in_ : int
        Number of features.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.arange(20.0)[:, np.newaxis], np.arange(20) >= 10
    >>> model = BoostedTreesClassifier(n_rounds=20, learning_rate=0.1).fit(X, y)
    >>> bool((model.predict(X) == y).all()), model.n_trees_
    (True, 20)
    """

    _loss: ClassVar[str] = "logistic"

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        offsets: Any = None,
        groups: Iterable[object] | None = None,
    ) -> BoostedTreesClassifier:
        """Grow trees.

        Parameters
        ----------
        X
            Rows × features, dense or sparse; NaN is missing.
        y
            Two classes.
        sample_weight
            One a row, 0 or more.
        offsets
            Log-odds known beforehand, one a row; not used again in prediction.
        groups
            Labels of rows that early stopping holds out together.

        Returns
        -------
        BoostedTreesClassifier
            Itself, fitted.
        """
        X, y = self._checked(X, reset=True, y=y)
        weights = self._weights(sample_weight, X)
        self._grow(X, self._encoded(y, weights), weights, offsets, groups)
        return self


class BoostedTreesRegressor(RegressorMixin, _BoostedTrees):
    """Gradient-boosted trees for a number, by squared error.

    NaN is a missing value, and has a learned side at every split.

    Parameters
    ----------
    n_rounds, learning_rate, ..., seed
        All as in :class:`BoostedTreesClassifier`.

    Attributes
    ----------
    n_trees_, feature_importances_, n_features_in_
        As in :class:`BoostedTreesClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(20.0)[:, np.newaxis]
    >>> model = BoostedTreesRegressor().fit(X, X[:, 0] ** 2)
    >>> round(model.score(X, X[:, 0] ** 2), 2)
    1.0
    """

    _loss: ClassVar[str] = "squared_error"

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        offsets: Any = None,
        groups: Iterable[object] | None = None,
    ) -> BoostedTreesRegressor:
        """Grow trees.

        Parameters
        ----------
        X
            Rows × features, dense or sparse; NaN is missing.
        y
            Numbers.
        sample_weight
            One a row, 0 or more.
        offsets
            Values known beforehand, one a row; not used again in prediction.
        groups
            Labels of rows that early stopping holds out together.

        Returns
        -------
        BoostedTreesRegressor
            Itself, fitted.
        """
        X, y = self._checked(X, reset=True, y=y, y_numeric=True)
        self._grow(X, y, self._weights(sample_weight, X), offsets, groups)
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """The expected number of each row.

        Parameters
        ----------
        X
            Rows × features.

        Returns
        -------
        numpy.ndarray
            One number a row.
        """
        return self._scores(X)
