"""Elastic-net logistic regression."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from donormatch import _core
from donormatch._convert import settings_json
from donormatch.sklearn._base import BinaryClassifier


class ElasticNetLogisticClassifier(BinaryClassifier):
    """Elastic-net logistic regression with priors, fitted by coordinate descent.

    Parameters
    ----------
    lambda_ : float, default=0.02
        Strength of the penalty, per row.
    alpha : float, default=0.5
        Share of the L1 part: 0 is ridge, 1 is lasso.
    scaling : {"standardize", "original"}, default="standardize"
        Whether the penalty is per standard deviation of a feature or per unit.
    penalty_factors : sequence of float, optional
        Multiplies `lambda_` for each feature; 0 for one that is not penalized.
    priors : sequence of dict, optional
        A ``{"mean": m, "spread": s}`` for each feature, in log-odds per unit; the coefficients
        shrink to the means.
    intercept_prior : dict, optional
        The same for the intercept.
    tolerance : float, default=1e-4
        How far from 0 the optimality conditions may stay, relative to the largest gradient of the
        model without features; what the objective could still fall is about the square. Take
        1e-9 to compare coefficients digit by digit.
    max_iterations : int, default=200
        Most Newton steps.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features)
        Log-odds per unit of each feature.
    intercept_ : ndarray of shape (1,)
        Log-odds where all features are 0.
    classes_ : ndarray of shape (2,)
        The second is the event.
    n_features_in_ : int
        Number of features.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 1, 0, 1]
    >>> model = ElasticNetLogisticClassifier(lambda_=0.01).fit(X, y)
    >>> bool(model.coef_[0, 0] > 0), model.predict_proba(X).shape
    (True, (4, 2))
    """

    def __init__(
        self,
        *,
        lambda_: float = 0.02,
        alpha: float = 0.5,
        scaling: Literal["standardize", "original"] = "standardize",
        penalty_factors: Sequence[float] | None = None,
        priors: Sequence[dict[str, float]] | None = None,
        intercept_prior: dict[str, float] | None = None,
        tolerance: float = 1e-4,
        max_iterations: int = 200,
    ) -> None:
        self.lambda_ = lambda_
        self.alpha = alpha
        self.scaling = scaling
        self.penalty_factors = penalty_factors
        self.priors = priors
        self.intercept_prior = intercept_prior
        self.tolerance = tolerance
        self.max_iterations = max_iterations

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        offsets: Any = None,
        groups: Iterable[object] | None = None,
    ) -> ElasticNetLogisticClassifier:
        """Learn coefficients.

        Parameters
        ----------
        X
            Rows × features, dense or sparse, finite.
        y
            Two classes.
        sample_weight
            One a row, 0 or more.
        offsets
            Log-odds known beforehand, one a row; not used again in prediction.
        groups
            Labels of rows that stay together where the rows are split inside.

        Returns
        -------
        ElasticNetLogisticClassifier
            Itself, fitted.
        """
        X, y = self._checked(X, reset=True, y=y)
        weights = self._weights(sample_weight, X)
        rows = self._rows(X, self._encoded(y, weights), weights, offsets, groups)
        self.model_ = _core.fit_logistic(self._settings(), rows)
        self.coef_ = self.model_.coefficients[np.newaxis, :]
        self.intercept_ = np.array([self.model_.intercept])
        return self


class ElasticNetLogisticClassifierCV(BinaryClassifier):
    """Elastic-net logistic regression whose strength and mixing grouped folds choose.

    Parameters
    ----------
    alphas : sequence of float, default=(0.0, 0.1, 0.5, 1.0)
        Shares of the L1 part to try; 0 is ridge regression.
    n_folds : int, default=10
        Folds; with fewer groups ask for fewer.
    rule : {"minimum", "one_standard_error"}, default="minimum"
        Which penalty is chosen: the one of least log loss, or the strongest that the folds cannot
        tell from it.
    scaling : {"standardize", "original"}, default="standardize"
        As in :class:`ElasticNetLogisticClassifier`.
    penalty_factors, priors, intercept_prior, tolerance, max_iterations
        As in :class:`ElasticNetLogisticClassifier`.
    fold_tolerance : float, default=5e-4
        `tolerance` of the models inside the folds. The default leaves the curve within a hundredth
        of its standard error where it is least; of two penalties closer than that the other may be
        chosen.
    seed : int, default=0
        What deals groups to folds.

    Attributes
    ----------
    lambda_chosen_, alpha_chosen_ : float
        What was chosen.
    curves_ : list of dict
        One curve an alpha: ``lambda log_loss standard_error n_nonzero`` a point.
    coef_, intercept_, classes_, n_features_in_
        As in :class:`ElasticNetLogisticClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 5))
    >>> y = X[:, 0] + rng.normal(size=60) > 0
    >>> model = ElasticNetLogisticClassifierCV(n_folds=5).fit(X, y, groups=np.arange(60) // 2)
    >>> model.lambda_chosen_ > 0
    True
    """

    def __init__(
        self,
        *,
        alphas: Sequence[float] = (0.0, 0.1, 0.5, 1.0),
        n_folds: int = 10,
        rule: Literal["minimum", "one_standard_error"] = "minimum",
        scaling: Literal["standardize", "original"] = "standardize",
        penalty_factors: Sequence[float] | None = None,
        priors: Sequence[dict[str, float]] | None = None,
        intercept_prior: dict[str, float] | None = None,
        tolerance: float = 1e-4,
        max_iterations: int = 200,
        fold_tolerance: float = 5e-4,
        seed: int = 0,
    ) -> None:
        self.alphas = alphas
        self.n_folds = n_folds
        self.rule = rule
        self.scaling = scaling
        self.penalty_factors = penalty_factors
        self.priors = priors
        self.intercept_prior = intercept_prior
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self.fold_tolerance = fold_tolerance
        self.seed = seed

    def _settings(self) -> str:
        settings = self._given()
        names = ("alphas", "n_folds", "rule", "fold_tolerance", "seed")
        outer = {name: settings.pop(name) for name in names if name in settings}
        return settings_json(**outer, logistic=settings)

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        offsets: Any = None,
        groups: Iterable[object] | None = None,
    ) -> ElasticNetLogisticClassifierCV:
        """Choose the penalty on grouped folds and learn coefficients from all rows.

        Parameters
        ----------
        X, y, sample_weight, offsets
            As in :meth:`ElasticNetLogisticClassifier.fit`.
        groups
            Labels of rows that stay on one side of every fold.

        Returns
        -------
        ElasticNetLogisticClassifierCV
            Itself, fitted.
        """
        X, y = self._checked(X, reset=True, y=y)
        weights = self._weights(sample_weight, X)
        rows = self._rows(X, self._encoded(y, weights), weights, offsets, groups)
        self.model_, report = _core.fit_logistic_cv(self._settings(), rows)
        chosen = json.loads(report)
        self.lambda_chosen_: float = chosen["lambda"]
        self.alpha_chosen_: float = chosen["alpha"]
        self.curves_: list[dict[str, Any]] = chosen["curves"]
        self.coef_ = self.model_.coefficients[np.newaxis, :]
        self.intercept_ = np.array([self.model_.intercept])
        return self
