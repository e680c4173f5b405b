"""Splitters that never part a group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import type_of_target

from donormatch import _core
from donormatch._convert import group_labels, group_numbers, settings_json
from donormatch._errors import InputError


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
        labels = _rows(groups)
        try:
            check_consistent_length(X, y, labels)
        except ValueError as error:
            message = f"`X`, `y` and `groups` need the same rows: {error}"
            raise InputError(message) from None
        return self._splits(X, y, labels)


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
        params = settings_json(
            n_folds=self.n_folds,
            n_repeats=self.n_repeats,
            max_group_share=self.max_group_share,
        )
        numbers = group_numbers(groups)
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
        return _core.leave_one_group_out(group_labels(groups), None)


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
        params = settings_json(
            n_donor_folds=self.n_donor_folds,
            n_recipient_folds=self.n_recipient_folds,
            max_group_share=self.max_group_share,
        )
        if any(isinstance(pair, str) or _length(pair) != 2 for pair in groups):
            message = "`groups` needs two columns, donor and recipient"
            raise InputError(message)
        donors = group_numbers(donor for donor, _ in groups)
        recipients = group_numbers(recipient for _, recipient in groups)
        return _core.two_way_k_fold(params, self.regime, donors, recipients, self.seed)


def _rows(groups: Any) -> list[Any]:
    """The labels of the rows: also of a frame, which would be walked by its columns."""
    return list(groups.to_numpy() if hasattr(groups, "to_numpy") else groups)


def _length(pair: Any) -> int:
    return len(pair) if hasattr(pair, "__len__") else 1


def _binary_or_none(y: Any) -> npt.NDArray[np.float64] | None:
    """Outcomes of two classes as 0 and 1; any others do not steer the folds."""
    if y is None or type_of_target(y) != "binary":
        return None
    codes = np.unique(np.asarray(y), return_inverse=True)[1]
    return codes.astype(np.float64)
