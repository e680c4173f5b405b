"""Profiles → features, row by row: diversity, robust log-ratios, signatures and their balances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from donormatch._errors import InputError, ParameterError
from donormatch._profiles import Profiles
from donormatch._signature import Signature


class OfProfiles(TransformerMixin, BaseEstimator):
    """What all transformers of profiles share: rows are closed; nothing is learned but names."""

    taxa_: npt.NDArray[Any]

    def fit(self, X: Any, y: Any = None) -> Any:
        """Remember the names of the taxa.

        Parameters
        ----------
        X
            Profiles, or an array or frame of samples × taxa, 0 or more.
        y
            Not used.

        Returns
        -------
        object
            Itself.
        """
        self._checked(X, reset=True)
        self._columns()
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float64]:
        """Take the features.

        Parameters
        ----------
        X
            Profiles, or an array or frame of samples × taxa, 0 or more.

        Returns
        -------
        numpy.ndarray
            Samples × features.
        """
        check_is_fitted(self, "taxa_")
        return self._features(self._closed(X))

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """The names of the features.

        Parameters
        ----------
        input_features
            Not used.

        Returns
        -------
        numpy.ndarray
            One name a column.
        """
        check_is_fitted(self, "taxa_")
        return np.asarray(self._columns(), dtype=object)

    def _columns(self) -> list[str]:
        raise NotImplementedError

    def _features(self, profiles: Profiles) -> npt.NDArray[np.float64]:
        raise NotImplementedError

    def _checked(self, X: Any, *, reset: bool) -> npt.NDArray[np.float64]:
        """The values of whatever holds rows; in `fit` the names of its columns are kept."""
        taxa = X.taxa if isinstance(X, Profiles) else None
        given = X.to_numpy() if isinstance(X, Profiles) else X
        values: npt.NDArray[np.float64] = validate_data(
            self, given, reset=reset, dtype=np.float64, ensure_non_negative=True
        )
        if reset:
            named = getattr(self, "feature_names_in_", None) if taxa is None else taxa
            numbered = [f"x{number}" for number in range(values.shape[1])]
            self.taxa_ = np.asarray(numbered if named is None else named, dtype=object)
        elif taxa is not None and list(self.taxa_) != taxa:
            message = "the taxa are not those of `fit`: bring both tables onto the same columns"
            raise InputError(message)
        return values

    def _closed(self, X: Any) -> Profiles:
        """Profiles in fractions, under the names of `fit`."""
        values = self._checked(X, reset=False)
        sums = values.sum(axis=1, keepdims=True)
        if (empty := np.flatnonzero(sums[:, 0] == 0)).size:
            message = f"row {empty[0]} sums to 0, so that it is no profile: drop such rows"
            raise InputError(message)
        return Profiles.from_numpy(
            values / sums,
            sample_ids=[str(row) for row in range(len(values))],
            taxa=[str(name) for name in self.taxa_],
            unit="fraction",
            vocabulary=X.vocabulary if isinstance(X, Profiles) else None,
            completeness=X.completeness if isinstance(X, Profiles) else "complete",
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.requires_fit = True
        return tags


class Diversity(OfProfiles):
    """Measures of diversity of each sample.

    Parameters
    ----------
    measures : sequence of str, default=("richness", "shannon", "simpson", "pielou")
        Those of :meth:`donormatch.Profiles.diversity` that need neither counts nor a tree.

    Attributes
    ----------
    taxa_ : numpy.ndarray
        The names of the taxa.

    Examples
    --------
    >>> Diversity(["richness", "simpson"]).fit_transform([[5.0, 5.0, 0.0]])
    array([[2. , 0.5]])
    """

    def __init__(
        self, measures: Sequence[str] = ("richness", "shannon", "simpson", "pielou")
    ) -> None:
        self.measures = measures

    def _columns(self) -> list[str]:
        names = [self.measures] if isinstance(self.measures, str) else list(self.measures)
        known = ("richness", "shannon", "simpson", "inverse_simpson", "pielou")
        odd = [name for name in names if name not in known]
        if odd or not names:
            message = f"`measures`: expected some of {', '.join(known)}, found {odd or names}"
            raise ParameterError(message)
        return names

    def _features(self, profiles: Profiles) -> npt.NDArray[np.float64]:
        found = [profiles.diversity(name) for name in self._columns()]  # type: ignore[arg-type]
        return np.column_stack(found)


class RobustCenteredLogRatio(OfProfiles):
    """Centered log-ratios over the taxa that a sample has; NaN where it has none of one.

    Feed them to a model that takes missing values, such as
    :class:`donormatch.sklearn.BoostedTreesClassifier`, or impute first.

    Attributes
    ----------
    taxa_ : numpy.ndarray
        The names of the taxa.

    Examples
    --------
    >>> RobustCenteredLogRatio().fit_transform([[8.0, 2.0, 0.0]]).round(4)
    array([[ 0.6931, -0.6931,     nan]])
    """

    def _columns(self) -> list[str]:
        return [str(name) for name in self.taxa_]

    def _features(self, profiles: Profiles) -> npt.NDArray[np.float64]:
        return profiles.rclr()


class SignatureFractions(OfProfiles):
    """The fraction of each sample that the members of each signature hold together.

    Columns must be named as taxa: fit it on profiles or on a frame.

    Parameters
    ----------
    signatures : sequence of str or Signature, default=("scfa_producers", "oral")
        Names of built-in ones, or one's own.

    Attributes
    ----------
    taxa_ : numpy.ndarray
        The names of the taxa.

    Warns
    -----
    MissingTaxaWarning
        The table cannot speak of some members.

    Examples
    --------
    >>> import donormatch as dm
    >>> profiles = dm.Profiles.from_numpy(
    ...     [[30, 70]],
    ...     sample_ids=["a"],
    ...     taxa=["s__Bifidobacterium_longum", "s__Blautia_obeum"],
    ...     unit="percent",
    ... )
    >>> SignatureFractions(["bifidobacterium"]).fit_transform(profiles)
    array([[0.3]])
    """

    def __init__(self, signatures: Sequence[str | Signature] = ("scfa_producers", "oral")) -> None:
        self.signatures = signatures

    def _chosen(self) -> list[str | Signature]:
        given = self.signatures
        chosen: list[str | Signature] = (
            [given] if isinstance(given, str | Signature) else list(given)
        )
        if not chosen:
            message = "`signatures`: expected at least one"
            raise ParameterError(message)
        return chosen

    def _columns(self) -> list[str]:
        return [one if isinstance(one, str) else one.name for one in self._chosen()]

    def _features(self, profiles: Profiles) -> npt.NDArray[np.float64]:
        found = profiles.memberships(self._chosen())
        return np.column_stack([one.summed_fraction for one in found.values()])


class SignatureBalances(OfProfiles):
    """Log-ratios of the fractions of two signatures: ``ln((first + c) / (second + c))``.

    Parameters
    ----------
    pairs : sequence of pairs, default=(("scfa_producers", "oral"),)
        Signatures by name, or one's own.
    pseudocount : float, default=0.0
        The c of the formula, as a fraction. With 0, a sample without members is an error: nothing
        is added silently.

    Attributes
    ----------
    taxa_ : numpy.ndarray
        The names of the taxa.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"s__Bifidobacterium_longum": [30], "s__Segatella_copri": [70]})
    >>> balances = SignatureBalances([("bifidobacterium", "segatella_copri")])
    >>> balances.fit_transform(frame).round(4)
    array([[-0.8473]])
    >>> balances.get_feature_names_out().tolist()
    ['bifidobacterium_segatella_copri_log_ratio']
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str | Signature, str | Signature]] = (("scfa_producers", "oral"),),
        pseudocount: float = 0.0,
    ) -> None:
        self.pairs = pairs
        self.pseudocount = pseudocount

    def _columns(self) -> list[str]:
        if not len(self.pairs) or any(
            isinstance(one, str | Signature) or len(one) != 2 for one in self.pairs
        ):
            message = f"`pairs`: expected pairs of signatures, found {self.pairs!r}"
            raise ParameterError(message)
        names = [[its if isinstance(its, str) else its.name for its in one] for one in self.pairs]
        return [f"{first}_{second}_log_ratio" for first, second in names]

    def _features(self, profiles: Profiles) -> npt.NDArray[np.float64]:
        if not (np.isfinite(self.pseudocount) and self.pseudocount >= 0):
            message = f"`pseudocount`: expected a number of 0 or more, found {self.pseudocount}"
            raise ParameterError(message)
        named = {
            its if isinstance(its, str) else its.name: its for one in self.pairs for its in one
        }
        found = profiles.memberships(named.values())
        sums = {name: one.summed_fraction + self.pseudocount for name, one in found.items()}
        for name, values in sums.items():
            if (absent := np.flatnonzero(values == 0)).size:
                message = (
                    f"row {absent[0]} holds no member of `{name}`, which has no logarithm: give a "
                    "`pseudocount` above 0"
                )
                raise InputError(message)
        keys = [[its if isinstance(its, str) else its.name for its in one] for one in self.pairs]
        return np.column_stack([np.log(sums[one] / sums[two]) for one, two in keys])
