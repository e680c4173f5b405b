"""What transplants did, seen in three samples each; and what they are expected to do."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from donormatch import _core, _html
from donormatch._convert import options_json
from donormatch._errors import ParameterError
from donormatch._harmonize import HarmonizationReport
from donormatch._optional import optional
from donormatch._table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MismatchedNull", "TransplantPrediction"]

Triads: TypeAlias = "Iterable[Sequence[str] | Mapping[str, str]] | pd.DataFrame"

ROLES = ("donor", "baseline", "follow_up")


class ObservedChange:
    """What became of donors' and recipients' taxa, in :class:`donormatch.Profiles`."""

    __slots__ = ()

    _table: _core.ProfileTable

    def observed_engraftment(self, triads: Triads) -> Table[dict[str, Any]]:
        """The engraftment observed in each triad of donor, baseline and follow-up.

        All samples are rows of this table; :meth:`Profiles.merge` makes one of several. Presence
        depends on depth: :meth:`Profiles.rarefy` counts first. Compare `peds` with the mismatched
        pairs (:meth:`mismatched_null`) before calling it engraftment.

        Parameters
        ----------
        triads : Triads
            The ids of donor, baseline and follow-up of each transplant: triples, mappings with
            these keys, or a frame (pandas, Polars, PyArrow) with the columns `donor`, `baseline`
            and `follow_up`.

        Returns
        -------
        Table
            ``donor baseline follow_up n_donor n_baseline n_follow_up n_kept n_lost n_gained
            n_gained_from_donor peds pprs novel_peds weighted_peds engrafted_abundance``, one a
            triad. With D, R and P the taxa detected in the three: `peds` is ``|D & P| / |D|``,
            `pprs` ``|R & P| / |R|``, `novel_peds` ``|(D & P) - R| / |D - R|`` (None where the
            donor has nothing new), `weighted_peds` the donor's abundance in ``D & P``, and
            `engrafted_abundance` the follow-up's in ``(D & P) - R``.

        Raises
        ------
        InputError
            The table lacks a sample; the message names it.
        ParameterError
            A triad is not one.

        References
        ----------
        PEDS and PPRS: Herman et al. 2024 and q2-fmt.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[50, 50, 0], [40, 0, 60], [30, 70, 0]],
        ...     sample_ids=["donor_1", "before", "after"],
        ...     taxa=["s__A", "s__B", "s__C"],
        ...     unit="percent",
        ... )
        >>> (seen,) = profiles.observed_engraftment([("donor_1", "before", "after")])
        >>> seen["peds"], seen["pprs"], seen["novel_peds"]
        (1.0, 0.5, 1.0)
        """
        found = _core.observed_engraftment(self._table, triads_json(triads))
        return Table(json.loads(found), caption="engraftment observed")

    def mismatched_null(
        self,
        triads: Triads,
        *,
        reference: Literal["donor", "baseline"] = "donor",
        n_resamples: int = 999,
        seed: int = 0,
    ) -> MismatchedNull:
        """Whether follow-ups are more like their own donor than like the others'.

        Compares PEDS of every triad with those of mismatched pairs: each donor with the follow-ups
        of the triads that have another donor. Give one triad per subject: repeated times of one
        subject are not independent, and the global test counts them as if they were.

        Parameters
        ----------
        triads : Triads
            As in :meth:`observed_engraftment`.
        reference : {"donor", "baseline"}, default="donor"
            Whose taxa: ``"donor"`` for PEDS, ``"baseline"`` for PPRS.
        n_resamples : int, default=999
            Mismatched pairs drawn for each triad, with replacement.
        seed : int, default=0
            Of the draws; the order of the triads does not matter.

        Returns
        -------
        MismatchedNull
            One test a triad, and the global one.

        Raises
        ------
        InputError
            The table lacks a sample; the message names it.
        ParameterError
            No draw is asked for, or all triads share one reference.

        References
        ----------
        q2-fmt (Herman et al. 2024). Benjamini and Hochberg 1995, J R Stat Soc B 57:289. Stouffer
        et al. 1949, The American Soldier.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[100, 0], [100, 0], [0, 100], [0, 100]],
        ...     sample_ids=["donor_1", "after_1", "donor_2", "after_2"],
        ...     taxa=["s__A", "s__B"],
        ...     unit="percent",
        ... )
        >>> triads = [("donor_1", "after_2", "after_1"), ("donor_2", "after_1", "after_2")]
        >>> profiles.mismatched_null(triads).tests[0]["p_value"]
        0.001
        """
        params = options_json(
            reference=reference,
            n_resamples=operator.index(n_resamples),
            seed=operator.index(seed),
        )
        found = _core.mismatched_null(self._table, triads_json(triads), params)
        return MismatchedNull(**json.loads(found))

    def call_losses(
        self,
        baseline: str,
        follow_up: str,
        *,
        min_detection: float = 0.9,
        follow_up_depth: float | None = None,
    ) -> Table[dict[str, Any]]:
        """The fate of every taxon of a baseline: lost, kept, or too shallow to tell.

        A taxon not detected after counts as lost only where, had its fraction f stayed the same,
        the n reads of the follow-up would have shown it: 1 − (1 − f)ⁿ ≥ `min_detection`.

        Parameters
        ----------
        baseline, follow_up : str
            Ids of the two samples.
        min_detection : float, default=0.9
            The chance of detection from which a loss is called.
        follow_up_depth : float, optional
            Reads of the follow-up (all of them, unclassified ones too): needed for relative
            abundances, refused for counts, which have their own. Where the profiler needs k reads
            to report a taxon, give the reads divided by k.

        Returns
        -------
        Table
            ``taxon fate detection``, one a taxon of the baseline; `fate` is ``"kept"``,
            ``"lost"`` or ``"indeterminate"``.

        Raises
        ------
        InputError
            The table lacks a sample; the message names it.
        ParameterError
            `min_detection` is not a chance, or `follow_up_depth` is missing or not wanted.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[9000, 998, 2], [1000, 0, 0]],
        ...     sample_ids=["before", "after"],
        ...     taxa=["s__A", "s__B", "s__C"],
        ...     unit="count",
        ... )
        >>> [call["fate"] for call in profiles.call_losses("before", "after")]
        ['kept', 'lost', 'indeterminate']
        """
        depth = None if follow_up_depth is None else float(follow_up_depth)
        params = options_json(min_detection=float(min_detection), follow_up_depth=depth)
        found = _core.call_losses(self._table, str(baseline), str(follow_up), params)
        return Table(json.loads(found), caption="losses")


@dataclass(frozen=True)
class MismatchedNull:
    """Every triad against the mismatched pairs.

    Attributes
    ----------
    tests : Table
        ``donor baseline follow_up observed expected p_value q_value``, one a triad: its measure,
        the mean over all mismatched pairs, (n + 1) / (N + 1) with n of N resampled pairs at least
        as high, and that after Benjamini-Hochberg over the triads.
    n_mismatched : int
        Mismatched pairs there are.
    global_z, global_p : float
        Stouffer's z over the triads, and its one-sided p-value.
    """

    tests: Table[dict[str, Any]]
    n_mismatched: int
    global_z: float
    global_p: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "tests", Table(self.tests))

    def to_pandas(self) -> pd.DataFrame:
        """The rows of :attr:`tests` as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a triad.

        Examples
        --------
        >>> from donormatch import simulate
        >>> cohort = simulate(n_donors=2, n_recipients=2)
        >>> profiles = cohort.donors.merge([cohort.donors, cohort.recipients, cohort.follow_ups])
        >>> triads = [
        ...     (one["donor_id"], one["recipient_id"], one["follow_up_id"])
        ...     for one in cohort.transplants
        ... ]
        >>> profiles.mismatched_null(triads).to_pandas().columns.tolist()
        ['donor', 'baseline', 'follow_up', 'observed', 'expected', 'p_value', 'q_value']
        """
        frame: pd.DataFrame = optional("pandas", "to_pandas").DataFrame(self.tests)
        return frame

    def __repr__(self) -> str:
        return f"MismatchedNull({len(self.tests)} triads, global_p={self.global_p:.3g})"

    def _repr_html_(self) -> str:
        return _records_html(repr(self), self.tests)


@dataclass(frozen=True)
class TransplantPrediction:
    """What a transplant is expected to leave, taxon by taxon.

    Attributes
    ----------
    taxa : Table
        ``taxon donor recipient p_present expected_fraction fate``, one a taxon of donor or
        recipient, the most abundant after first; abundances are fractions, and `fate` is
        ``"gained"``, ``"not_gained"``, ``"kept"`` or ``"lost"``, whichever is likelier.
    n_gained, n_kept, n_lost : float
        Expected numbers of taxa: sums of probabilities.
    n_gained_lo, n_gained_hi, n_kept_lo, n_kept_hi, n_lost_lo, n_lost_hi : float
        Their 90 % intervals for one transplant: that trials and recipients differ, and chance, are
        in them.
    harmonization : dict of str to HarmonizationReport
        What became of the names of ``"donor"`` and ``"recipient"``.
    """

    taxa: Table[dict[str, Any]]
    n_gained: float
    n_gained_lo: float
    n_gained_hi: float
    n_kept: float
    n_kept_lo: float
    n_kept_hi: float
    n_lost: float
    n_lost_lo: float
    n_lost_hi: float
    harmonization: dict[str, HarmonizationReport]

    def __post_init__(self) -> None:
        object.__setattr__(self, "taxa", Table(self.taxa))

    def to_pandas(self) -> pd.DataFrame:
        """The rows of :attr:`taxa` as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a taxon.

        Examples
        --------
        >>> from donormatch import Matcher, simulate
        >>> cohort = simulate(n_donors=1, n_recipients=1)
        >>> found = Matcher.bundled().predict_transplant(cohort.donors, cohort.recipients)
        >>> len(found.to_pandas()) == len(found.taxa)
        True
        """
        frame: pd.DataFrame = optional("pandas", "to_pandas").DataFrame(self.taxa)
        return frame

    def __repr__(self) -> str:
        return (
            f"TransplantPrediction({len(self.taxa)} taxa; expected {self.n_gained:.1f} gained, "
            f"{self.n_kept:.1f} kept, {self.n_lost:.1f} lost)"
        )

    def _repr_html_(self) -> str:
        return _records_html(repr(self), self.taxa)


def _records_html(caption: str, records: list[dict[str, Any]]) -> str:
    columns = list(records[0]) if records else []
    return _html.table(caption, columns, (list(one.values()) for one in records), len(records))


def triads_json(triads: Triads) -> str:
    """Triples, mappings or the rows of a frame (pandas, Polars, PyArrow), as JSON records."""
    rows: Any = triads
    if hasattr(rows, "iloc"):
        missing = [role for role in ROLES if role not in rows.columns]
        if missing:
            message = f"`triads`: the frame has no column `{missing[0]}`"
            raise ParameterError(message)
        rows = zip(*(rows[role] for role in ROLES), strict=True)
    elif hasattr(rows, "iter_rows"):
        rows = rows.iter_rows(named=True)
    elif hasattr(rows, "to_pylist"):
        rows = rows.to_pylist()
    return json.dumps([_triad(triad) for triad in rows])


def _triad(triad: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    if isinstance(triad, Mapping):
        missing = [role for role in ROLES if role not in triad]
        if missing:
            message = f"`triads`: no `{missing[0]}` in {dict(triad)}"
            raise ParameterError(message)
        return {role: str(triad[role]) for role in ROLES}
    if isinstance(triad, str) or len(triad) != len(ROLES):
        message = f"`triads`: expected ids of donor, baseline and follow-up, found {triad!r}"
        raise ParameterError(message)
    return dict(zip(ROLES, map(str, triad), strict=True))
