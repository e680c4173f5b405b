"""Models and splitters in the idiom of scikit-learn; needs ``pip install 'donormatch[sklearn]'``.

Estimators store their arguments unchanged; the core checks them in ``fit``. They take dense arrays,
frames and SciPy sparse matrices, give the same numbers for any number of threads, and work in
pipelines, searches and cross-validation. Splitters never part a group and say so when they cannot
split.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from donormatch import _core
from donormatch._errors import InputError
from donormatch._optional import optional

optional("sklearn", "donormatch.sklearn")

import scipy.sparse  # noqa: E402
from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: E402
from sklearn.model_selection import BaseCrossValidator  # noqa: E402
from sklearn.utils.multiclass import check_classification_targets, type_of_target  # noqa: E402
from sklearn.utils.validation import (  # noqa: E402
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

__all__ = [
    "ElasticNetLogisticClassifier",
    "GroupKFold",
    "LeaveOneStudyOut",
    "PairSplit",
]


class _Rows(NamedTuple):
    """What a model is fitted on, as the core takes it."""

    features: Any
    outcomes: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64] | None
    offsets: npt.NDArray[np.float64] | None
    groups: npt.NDArray[np.uint32] | None


class _CompressedColumns:
    """The parts of a SciPy matrix by columns as the core takes them."""

    __slots__ = ("data", "indices", "indptr", "shape")

    def __init__(self, matrix: Any) -> None:
        matrix = scipy.sparse.csc_array(matrix, copy=True)
        matrix.sum_duplicates()
        self.shape = matrix.shape
        self.indptr = matrix.indptr.astype(np.int64)
        self.indices = matrix.indices.astype(np.int64)
        self.data = matrix.data.astype(np.float64)


def _features(X: Any) -> Any:
    return _CompressedColumns(X) if scipy.sparse.issparse(X) else np.ascontiguousarray(X)


def _numbers(values: Any) -> npt.NDArray[np.float64] | None:
    return None if values is None else np.ascontiguousarray(values, dtype=np.float64)


def _groups(labels: Iterable[object] | None) -> npt.NDArray[np.uint32] | None:
    return None if labels is None else _core.number_groups([str(label) for label in labels])


class _Model(BaseEstimator):
    """What all estimators share: settings, checks of the input, tags, pickling of the model."""

    _missing: ClassVar[bool] = False
    model_: Any

    def _settings(self) -> str:
        settings = {name.rstrip("_"): value for name, value in self.get_params(deep=False).items()}
        return json.dumps({name: value for name, value in settings.items() if value is not None})

    def _checked(self, X: Any, reset: bool, **others: Any) -> Any:
        return validate_data(
            self,
            X,
            **others,
            reset=reset,
            dtype=np.float64,
            accept_sparse=["csc", "csr"],
            ensure_all_finite="allow-nan" if self._missing else True,
        )

    def _weights(self, sample_weight: Any, X: Any) -> npt.NDArray[np.float64] | None:
        return None if sample_weight is None else _numbers(_check_sample_weight(sample_weight, X))

    def _rows(self, X: Any, y: Any, weights: Any, offsets: Any, groups: Any) -> _Rows:
        return _Rows(
            _features(X),
            np.ascontiguousarray(y, dtype=np.float64),
            weights,
            _numbers(offsets),
            _groups(groups),
        )

    def _scores(self, X: Any) -> npt.NDArray[np.float64]:
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        scores: npt.NDArray[np.float64] = self.model_.scores(_features(X))
        return scores

    def contributions(self, X: Any) -> npt.NDArray[np.float64]:
        """What each feature adds to the score of each row.

        Parameters
        ----------
        X
            Rows × features.

        Returns
        -------
        numpy.ndarray
            Rows × features, on the scale of the score; with :attr:`base_score_` they sum to it.
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        contributions: npt.NDArray[np.float64] = self.model_.contributions(_features(X))
        return contributions

    @property
    def base_score_(self) -> float:
        """The score that contributions are counted from."""
        check_is_fitted(self)
        return float(self.model_.base_score)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = (type(state["model_"]).__name__, state["model_"].to_bytes())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if isinstance(self.__dict__.get("model_"), tuple):
            name, data = self.model_
            self.model_ = getattr(_core, name).from_bytes(data)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._missing
        return tags


class _BinaryClassifier(ClassifierMixin, _Model):
    """Two classes, the second (in sorted order) being the event."""

    def _encoded(self, y: Any, weights: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64]:
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            message = f"Only binary classification is supported. The type of the target is {kind}."
            raise InputError(message)
        self.classes_, codes = np.unique(y, return_inverse=True)
        counted = codes if weights is None else codes[weights > 0]
        if len(np.unique(counted)) < 2:
            message = "expected rows (of weight above 0) of two classes, found only one class"
            raise InputError(message)
        return codes.astype(np.float64)

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """The score of each row: log-odds of the second class.

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

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """The probability of each class, not calibrated.

        Parameters
        ----------
        X
            Rows × features.

        Returns
        -------
        numpy.ndarray
            Rows × 2, in the order of ``classes_``.
        """
        return _core.probabilities(self._scores(X))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The more probable class of each row.

        Parameters
        ----------
        X
            Rows × features.

        Returns
        -------
        numpy.ndarray
            One of ``classes_`` a row.
        """
        scores = self._scores(X)
        classes: npt.NDArray[Any] = self.classes_[(scores > 0).astype(np.intp)]
        return classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class ElasticNetLogisticClassifier(_BinaryClassifier):
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
    tolerance : float, default=1e-7
        How far from 0 the optimality conditions may stay.
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
        tolerance: float = 1e-7,
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


# ---- splitters ----------------------------------------------------------------------------------


class _GroupSplitter(BaseCrossValidator):
    """A splitter that asks for groups, also through metadata routing."""

    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def _splits(self, X: Any, y: Any, groups: Any) -> list[Any]:
        raise NotImplementedError

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Training and test rows, a pair a split.

        Parameters
        ----------
        X
            Anything with as many rows as there are.
        y
            Outcomes, for folds alike in them.
        groups
            The label of the group of each row.

        Yields
        ------
        training, test : numpy.ndarray
            Row numbers; no group is on both sides.
        """
        for _, training, test, _ in self._checked_splits(X, y, groups):
            yield training, test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of splits.

        Parameters
        ----------
        X, y, groups
            As in :meth:`split`.

        Returns
        -------
        int
            How many pairs :meth:`split` yields.
        """
        return len(self._checked_splits(X, y, groups))

    def dropped(self, X: Any, y: Any = None, groups: Any = None) -> list[list[tuple[int, str]]]:
        """The rows on neither side of each split, with the reason.

        Parameters
        ----------
        X, y, groups
            As in :meth:`split`.

        Returns
        -------
        list of list of (int, str)
            One list a split.
        """
        return [dropped for _, _, _, dropped in self._checked_splits(X, y, groups)]

    def _checked_splits(self, X: Any, y: Any, groups: Any) -> list[Any]:
        if groups is None:
            message = f"{type(self).__name__} needs `groups`, one label a row"
            raise InputError(message)
        return self._splits(X, y, groups)


class GroupKFold(_GroupSplitter):
    """Grouped k-fold, repeated, folds even in rows and outcomes; each row is tested once.

    Parameters
    ----------
    n_folds : int, default=5
        Folds, 2 or more.
    n_repeats : int, default=1
        Times that the groups are dealt anew.
    max_group_share : float, default=0.5
        The largest share of all rows that one group may hold.
    seed : int, default=0
        What deals the groups.

    Examples
    --------
    >>> splits = list(GroupKFold(n_folds=2).split([[0]] * 4, groups=["a", "a", "b", "b"]))
    >>> len(splits)
    2
    """

    def __init__(
        self, n_folds: int = 5, *, n_repeats: int = 1, max_group_share: float = 0.5, seed: int = 0
    ) -> None:
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.max_group_share = max_group_share
        self.seed = seed

    def _splits(self, X: Any, y: Any, groups: Any) -> list[Any]:
        params = json.dumps(
            {
                "n_folds": self.n_folds,
                "n_repeats": self.n_repeats,
                "max_group_share": self.max_group_share,
            }
        )
        numbers = _core.number_groups([str(group) for group in groups])
        return _core.grouped_k_fold(params, numbers, _binary_or_none(y), self.seed)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of splits: folds times repeats.

        Parameters
        ----------
        X, y, groups
            Not needed.

        Returns
        -------
        int
            How many pairs :meth:`split` yields.
        """
        return self.n_folds * self.n_repeats


class LeaveOneStudyOut(_GroupSplitter):
    """One split a study: all others are learned from.

    Examples
    --------
    >>> splitter = LeaveOneStudyOut()
    >>> splitter.get_n_splits([[0]] * 3, groups=["Routy", "Davar", "Routy"])
    2
    """

    def _splits(self, X: Any, y: Any, groups: Any) -> list[Any]:
        return _core.leave_one_group_out([str(group) for group in groups], None)


class PairSplit(_GroupSplitter):
    """Splits of donor-recipient pairs by what is new about the tested pair.

    Parameters
    ----------
    regime : {"new_donor", "new_recipient", "both_new"}, default="both_new"
        What of a tested pair was never seen in training. With ``"both_new"``, rows that share a
        donor or recipient with the test are dropped; see :meth:`dropped`.
    n_donor_folds, n_recipient_folds : int, default=3
        Folds of each, 2 or more.
    max_group_share : float, default=0.5
        The largest share of the rows that one donor or recipient may hold.
    seed : int, default=0
        What deals donors and recipients.

    Notes
    -----
    `groups` has two columns: donor and recipient of each row.

    Examples
    --------
    >>> pairs = [("d1", "r1"), ("d1", "r2"), ("d2", "r1"), ("d2", "r2")]
    >>> splitter = PairSplit(n_donor_folds=2, n_recipient_folds=2)
    >>> splitter.get_n_splits([[0]] * 4, groups=pairs)
    4
    """

    def __init__(
        self,
        regime: Literal["new_donor", "new_recipient", "both_new"] = "both_new",
        *,
        n_donor_folds: int = 3,
        n_recipient_folds: int = 3,
        max_group_share: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.regime = regime
        self.n_donor_folds = n_donor_folds
        self.n_recipient_folds = n_recipient_folds
        self.max_group_share = max_group_share
        self.seed = seed

    def _splits(self, X: Any, y: Any, groups: Any) -> list[Any]:
        params = json.dumps(
            {
                "n_donor_folds": self.n_donor_folds,
                "n_recipient_folds": self.n_recipient_folds,
                "max_group_share": self.max_group_share,
            }
        )
        pairs = [tuple(pair) for pair in groups]
        if any(len(pair) != 2 for pair in pairs):
            message = "`groups` needs two columns, donor and recipient"
            raise InputError(message)
        donors = _core.number_groups([str(donor) for donor, _ in pairs])
        recipients = _core.number_groups([str(recipient) for _, recipient in pairs])
        return _core.two_way_k_fold(params, self.regime, donors, recipients, self.seed)


def _binary_or_none(y: Any) -> npt.NDArray[np.float64] | None:
    """Outcomes of two classes as 0 and 1; any others do not steer the folds."""
    if y is None or type_of_target(y) != "binary":
        return None
    codes = np.unique(np.asarray(y), return_inverse=True)[1]
    return codes.astype(np.float64)
