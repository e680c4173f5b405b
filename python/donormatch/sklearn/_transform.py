"""Transformers of abundances."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from donormatch._errors import InputError, ParameterError


class CenteredLogRatio(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Abundances to centered log-ratios, row by row; nothing is learned but the names.

    Parameters
    ----------
    pseudocount : float, default=0.0
        Added to every value. With 0, a row with a zero is an error: no pseudocount is added
        silently.

    Attributes
    ----------
    n_features_in_ : int
        Number of taxa.

    Examples
    --------
    >>> import numpy as np
    >>> CenteredLogRatio().fit_transform(np.array([[8.0, 2.0]])).round(4)
    array([[ 0.6931, -0.6931]])
    """

    def __init__(self, pseudocount: float = 0.0) -> None:
        self.pseudocount = pseudocount

    def fit(self, X: Any, y: Any = None) -> CenteredLogRatio:
        """Remember the names of the taxa.

        Parameters
        ----------
        X
            Samples × taxa, 0 or more.
        y
            Not used.

        Returns
        -------
        CenteredLogRatio
            Itself.
        """
        validate_data(self, X, dtype=np.float64, ensure_non_negative=True)
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float64]:
        """Take the log-ratios.

        Parameters
        ----------
        X
            Samples × taxa, 0 or more.

        Returns
        -------
        numpy.ndarray
            Samples × taxa; every row sums to 0.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_non_negative=True)
        empty = np.flatnonzero(~X.any(axis=1))
        if empty.size:
            message = f"row {empty[0]} sums to 0, so that it has no log-ratios: drop such rows"
            raise InputError(message)
        if not (np.isfinite(self.pseudocount) and self.pseudocount >= 0):
            message = f"`pseudocount`: expected a number of 0 or more, found {self.pseudocount}"
            raise ParameterError(message)
        if self.pseudocount == 0 and not X.all():
            message = "`pseudocount`: expected a number above 0, since zeros have no logarithm"
            raise ParameterError(message)
        logs: npt.NDArray[np.float64] = np.log(X + self.pseudocount)
        centered: npt.NDArray[np.float64] = logs - logs.mean(axis=1, keepdims=True)
        return centered

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
