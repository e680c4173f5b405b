"""Transformers of abundances."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from donormatch import _core
from donormatch._errors import InputError


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
        rows, columns = ([str(number) for number in range(length)] for length in X.shape)
        options = json.dumps({"unit": "count", "orientation": "samples_in_rows"})
        values = np.ascontiguousarray(X)
        table = _core.profiles_from_matrix(values, rows, columns, None, None, options)
        return _core.clr(table, self.pseudocount)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
