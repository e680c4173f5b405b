"""What all estimators share."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from donormatch import _core
from donormatch._convert import SparseParts, group_numbers, settings_json
from donormatch._errors import InputError


class Contributions(NamedTuple):
    """What each feature adds to the score of each row: ``base + values.sum(axis=1)``."""

    base: float
    values: npt.NDArray[np.float64]


class Rows(NamedTuple):
    """What a model is fitted on, as the core takes it."""

    features: Any
    outcomes: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64] | None
    offsets: npt.NDArray[np.float64] | None
    groups: npt.NDArray[np.uint32] | None


def _features(X: Any) -> Any:
    return SparseParts(X.tocsc(copy=True)) if scipy.sparse.issparse(X) else np.ascontiguousarray(X)


def _numbers(values: Any) -> npt.NDArray[np.float64] | None:
    return None if values is None else np.ascontiguousarray(values, dtype=np.float64)


class Model(BaseEstimator):
    """What all estimators share: settings, checks of the input, tags, pickling of the model."""

    _missing: ClassVar[bool] = False
    model_: Any

    def _given(self) -> dict[str, Any]:
        """The arguments that are not left to the core, by the core's words."""
        params = self.get_params(deep=False).items()
        return {name.rstrip("_"): value for name, value in params if value is not None}

    def _settings(self) -> str:
        return settings_json(**self._given())

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

    def _rows(self, X: Any, y: Any, weights: Any, offsets: Any, groups: Any) -> Rows:
        return Rows(
            _features(X),
            np.ascontiguousarray(y, dtype=np.float64),
            weights,
            _numbers(offsets),
            None if groups is None else group_numbers(groups),
        )

    def _scores(self, X: Any) -> npt.NDArray[np.float64]:
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        scores: npt.NDArray[np.float64] = self.model_.scores(_features(X))
        return scores

    def contributions(self, X: Any) -> Contributions:
        """What each feature adds to the score of each row.

        A contribution says what the model did, not what would happen if the feature changed.

        Parameters
        ----------
        X
            Rows × features.

        Returns
        -------
        Contributions
            ``base``, the mean score that they are counted from, and ``values``, rows × features;
            base and the values of a row sum to its score.
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        return Contributions(*self.model_.contributions(_features(X)))

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


class BinaryClassifier(ClassifierMixin, Model):
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
