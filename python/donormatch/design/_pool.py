"""Which donors serve a cohort together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from donormatch import _core

__all__ = ["ChosenPool", "PoolDonor", "choose_pool", "donors_of_pool"]


@dataclass(frozen=True)
class ChosenPool:
    """A pool of donors.

    Attributes
    ----------
    donors : tuple of int
        Columns of the donors.
    value : float
        Mean over recipients of the best utility in the pool.
    bound : float
        No pool of as many donors has a larger value.
    is_exact : bool
        Whether every pool was compared.
    """

    donors: tuple[int, ...]
    value: float
    bound: float
    is_exact: bool


@dataclass(frozen=True)
class PoolDonor:
    """What a donor is worth to a pool.

    Attributes
    ----------
    donor : int
        Column of the donor.
    is_in_pool : bool
        Whether it belongs to the pool.
    first_for : float
        Share of recipients for whom it is the best, with the pool.
    adds : float
        What the pool's value loses without it, or would gain with it.
    """

    donor: int
    is_in_pool: bool
    first_for: float
    adds: float


def choose_pool(utility: npt.ArrayLike, n_chosen: int = 3, *, n_exact: int = 200_000) -> ChosenPool:
    """Choose the donors that serve a cohort best together.

    Parameters
    ----------
    utility : array-like of shape (n_recipients, n_donors)
        Recipients × donors, such as a pivot of a ranking's ``utility``.
    n_chosen : int, default 3
        Donors to choose.
    n_exact : int, default 200000
        Pools that are compared one by one at most; where there are more, the choice is greedy,
        with a bound.

    Returns
    -------
    ChosenPool
        The pool, its value and the bound.

    Raises
    ------
    ParameterError
        Fewer than one donor or more than there are are to be chosen.

    Examples
    --------
    >>> choose_pool([[1.0, 0.6, 0.0], [0.0, 0.6, 1.0]], 2).donors
    (0, 2)
    """
    found = json.loads(_core.choose_pool(_matrix(utility), n_chosen, n_exact))
    return ChosenPool(**{**found, "donors": tuple(found["donors"])})


def donors_of_pool(utility: npt.ArrayLike, pool: Sequence[int]) -> list[PoolDonor]:
    """What each donor adds to a pool: those inside by what is lost, those outside by the gain.

    Parameters
    ----------
    utility : array-like of shape (n_recipients, n_donors)
        Recipients × donors.
    pool : sequence of int
        Columns of the donors in the pool.

    Returns
    -------
    list of PoolDonor
        One a column.

    Examples
    --------
    >>> [one.adds for one in donors_of_pool([[1.0, 0.0, 3.0]], [0, 1])]
    [1.0, 0.0, 2.0]
    """
    found = json.loads(_core.donors_of_pool(_matrix(utility), list(pool)))
    return [PoolDonor(**one) for one in found]


def _matrix(utility: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.ascontiguousarray(utility, dtype=np.float64)
