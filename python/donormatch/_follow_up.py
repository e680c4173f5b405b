"""After the transplant: what engrafted, stayed and was lost, and how much of it is the donor's."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from donormatch import _core, _html
from donormatch._cohort import Metadata, as_metadata
from donormatch._convert import settings_json
from donormatch._optional import optional

if TYPE_CHECKING:
    import pandas as pd

    from donormatch._matcher import Matcher
    from donormatch._profiles import Profiles

__all__ = ["FollowUpReport", "follow_up"]

_SHOWN = (
    "recipient_id",
    "day",
    "peds",
    "peds_over_mismatched",
    "p_value",
    "pprs",
    "n_gained_from_donor",
    "n_kept",
    "n_lost",
)


class FollowUpReport:
    """Transplants followed up. Research use only: associations, not effects.

    Made by :func:`follow_up`.

    Attributes
    ----------
    rows : list of dict
        One a follow-up, by study, recipient and day. With D, R and P the taxa detected in donor,
        recipient before and after, at one depth: `n_gained` is ``|P - R|``, `n_gained_from_donor`
        ``|(D & P) - R|``, `n_kept` ``|R & P|``, `n_lost` ``|R - P|``, `peds` ``|D & P| / |D|``
        (the mean over the samples of a donor), `pprs` ``|R & P| / |R|``. `persistence` is the share
        of what was gained from the donor at first that is present at a later follow-up.
        `peds_mismatched` is the mean PEDS of mismatched pairs of the study, `p_value` the share of
        them with as high a PEDS, at first follow-ups alone. `peds_placebo` and `pprs_placebo` are
        what is seen without a transplant; `..._over_...` the differences. `predicted` holds what
        the engraftment model expected with its 90 % interval, and what was seen of the same taxa;
        `taxa` what became of each.
    backgrounds : list of dict
        One a study: ``study n_mismatched peds_mismatched global_p n_placebo pprs_placebo``.
    depth : int or None
        Reads that every sample was brought to; None for relative abundances.
    too_shallow : list of str
        Samples with fewer reads, whose rows are left out.
    """

    __slots__ = ("_report", "backgrounds", "depth", "rows", "too_shallow")

    def __init__(self, report: _core.FollowUpReport) -> None:
        self._report = report
        content: dict[str, Any] = json.loads(report.to_json())
        self.rows: list[dict[str, Any]] = content["rows"]
        self.backgrounds: list[dict[str, Any]] = content["backgrounds"]
        self.depth: int | None = content["depth"]
        self.too_shallow: list[str] = content["too_shallow"]

    def to_pandas(self) -> pd.DataFrame:
        """The table as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a follow-up, without `predicted` and `taxa`.
        """
        columns = list(_core.FollowUpReport.COLUMNS)
        frame: pd.DataFrame = optional("pandas", "to_pandas").DataFrame(self.rows, columns=columns)
        return frame

    def to_tsv(self) -> str:
        """The table as the command line prints it.

        Returns
        -------
        str
            Tab-separated text, safe to open in a spreadsheet.
        """
        return self._report.to_tsv()

    def to_json(self) -> str:
        """Everything.

        Returns
        -------
        str
            JSON.
        """
        return self._report.to_json()

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        access: Literal["private", "shared"] = "private",
    ) -> str:
        """One self-contained page with a section a recipient.

        Parameters
        ----------
        path
            Where to write it, if anywhere.
        access
            Who may read a new file, which holds ids of patients.

        Returns
        -------
        str
            The page.
        """
        if path is None:
            return self._report.to_html()
        return self._report.write_html(os.fspath(path), access)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"FollowUpReport({self._report.verdict()})"

    def _repr_html_(self) -> str:
        rows = (["" if row[name] is None else row[name] for name in _SHOWN] for row in self.rows)
        return _html.table(f"{self!r}, research use only", _SHOWN, rows, len(self))


def follow_up(
    profiles: Profiles,
    transplants: Metadata,
    *,
    columns: Mapping[str, str] | None = None,
    depth: int | None = None,
    min_fraction: float = 0.0,
    n_resamples: int = 999,
    seed: int = 0,
    matcher: Matcher | None = None,
) -> FollowUpReport:
    """Say what became of transplants, against what would be seen without this donor.

    Parameters
    ----------
    profiles
        Of donors, baselines and follow-ups.
    transplants
        Table (a path or a frame) with `donor`, `donor_samples` (several joined by ``;``),
        `recipient`, `baseline`, `follow_up` and, where they are known, `study`, `day`,
        `antibiotics` and `arm`: rows of the arms ``placebo`` and ``autologous`` are what is seen
        without a transplant.
    columns
        Columns under another name: ``{"donor": "donor_subject"}``.
    depth
        Reads that every sample of counts is brought to; default: the fewest that one has.
    min_fraction
        Fraction below which a taxon counts as not detected.
    n_resamples
        Mismatched pairs drawn for each test.
    seed
        Of rarefaction, mismatched pairs and predictions.
    matcher
        Puts what its engraftment model expected beside what came.

    Returns
    -------
    FollowUpReport
        One row a follow-up.

    Raises
    ------
    InputError
        A column is missing, or no follow-up can be used.
    ParameterError
        A setting is out of range.

    References
    ----------
    PEDS and PPRS: Herman et al. 2024 and q2-fmt.

    Examples
    --------
    >>> import pandas as pd
    >>> from donormatch import Profiles
    >>> profiles = Profiles.from_numpy(
    ...     [[50, 50, 0], [40, 0, 60], [30, 70, 0]],
    ...     sample_ids=["d", "before", "after"],
    ...     taxa=["s__A", "s__B", "s__C"],
    ...     unit="percent",
    ... )
    >>> transplants = pd.DataFrame({
    ...     "donor": ["d"], "donor_samples": ["d"], "recipient": ["r"],
    ...     "baseline": ["before"], "follow_up": ["after"],
    ... })
    >>> report = follow_up(profiles, transplants)
    >>> report
    FollowUpReport(1 follow-ups of 1 recipients: mean PEDS 1.000, PPRS 0.500)
    >>> [one["taxon"] for one in report.rows[0]["taxa"] if one["change"] == "lost"]
    ['s__C']
    """
    settings = settings_json(
        depth=depth, min_fraction=min_fraction, n_resamples=n_resamples, seed=seed
    )
    names = settings_json(**dict(columns or {}))
    own = None if matcher is None else matcher._fitted()
    return FollowUpReport(
        _core.follow_up(profiles._table, as_metadata(transplants), names, settings, own)
    )
