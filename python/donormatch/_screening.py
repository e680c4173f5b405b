"""The screening gate: which donors and batches may be used on a day, and why not the others."""

from __future__ import annotations

import datetime
import json
import os
from typing import TYPE_CHECKING, Any

from donormatch import _core, _html
from donormatch._cohort import as_metadata
from donormatch._errors import ParameterError
from donormatch._optional import optional
from donormatch._table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Screening", "screen", "screening_panel"]

_COLUMNS = (
    "donor_id",
    "batch_id",
    "donor_type",
    "eligible",
    "reasons",
    "lapses_on",
    "lapses_by",
    "overrides",
    "flags",
    "lineage",
)


class Screening:
    """What a panel says of a bank on one day; research use only, no clearance of a donor.

    Made by :func:`screen`.

    Attributes
    ----------
    panel : str
        The name of the panel.
    version : int
        Its version.
    panel_digest : str
        SHA-256, in hexadecimal, of its text.
    on : str
        The day, as ``YYYY-MM-DD``.
    donors : list of dict
        One per donor or batch, in the order of the records: `donor_id`, `batch_id`, `donor_type`,
        `lineage`, `eligible`, `findings` (each with `entry`, `cause`, `detail` and `until`),
        `lapses_on`, `lapses_by`, `overrides` and `flags`.
    pairs : list of dict
        One per recipient and donor or batch, if recipients were given: `donor_id`, `batch_id`,
        `recipient_id`, `eligible`, `reasons` and `flags`.
    """

    __slots__ = ("_content", "donors", "on", "pairs", "panel", "panel_digest", "version")

    def __init__(self, screening: str, pairs: str) -> None:
        content: dict[str, Any] = json.loads(screening)
        self._content = content
        self.panel: str = content["panel"]
        self.version: int = content["version"]
        self.panel_digest: str = content["panel_digest"]
        self.on: str = content["on"]
        self.donors: Table[dict[str, Any]] = Table(content["donors"])
        self.pairs: Table[dict[str, Any]] = Table(json.loads(pairs))

    @property
    def eligible(self) -> list[str]:
        """The donors of whom one record is eligible, in the order of the records."""
        return list(dict.fromkeys(one["donor_id"] for one in self.donors if one["eligible"]))

    @property
    def rows(self) -> Table[dict[str, Any]]:
        """One row per donor or batch with plain cells: reasons, overrides and lineage as text."""
        return Table([_row(donor) for donor in self.donors], columns=list(_COLUMNS))

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a frame.

        Returns
        -------
        pandas.DataFrame
            One row per donor or batch.

        Examples
        --------
        >>> import pandas as pd
        >>> from donormatch import screen
        >>> records = pd.DataFrame(
        ...     {"donor_id": ["D1"], "donor_type": ["healthy"], "collected_on": ["2026-10-01"]}
        ... )
        >>> screen(records, on="2026-10-15").to_pandas()[["donor_id", "eligible"]]
          donor_id  eligible
        0       D1     False
        """
        frame: pd.DataFrame = optional("pandas", "to_pandas").DataFrame(
            self.rows, columns=list(_COLUMNS)
        )
        return frame

    def __len__(self) -> int:
        return len(self.donors)

    def __repr__(self) -> str:
        n_eligible = sum(one["eligible"] for one in self.donors)
        return f"Screening({n_eligible} of {len(self)} eligible on {self.on} by {self.panel!r})"

    def _repr_html_(self) -> str:
        rows = ([row[name] for name in _COLUMNS[:7]] for row in self.rows)
        return _html.table(repr(self), _COLUMNS[:7], rows, len(self))


def screening_settings(screening: Screening | None) -> dict[str, Any] | None:
    """The screening by the words of the core."""
    if screening is None:
        return None
    if not isinstance(screening, Screening):
        found = type(screening).__name__
        message = f"`screening`: expected what `screen` gives, found {found}"
        raise ParameterError(message)
    return screening._content


def _row(donor: dict[str, Any]) -> dict[str, Any]:
    findings = (f"{one['entry']}: {one['cause']} ({one['detail']})" for one in donor["findings"])
    lifted = (f"{one['entry']} by {one['by']}: {one['reason']}" for one in donor["overrides"])
    text = {
        "reasons": "; ".join(findings),
        "overrides": "; ".join(lifted),
        "flags": "; ".join(donor["flags"]),
        "lineage": "; ".join(donor["lineage"]),
    }
    return {name: text.get(name, donor.get(name)) for name in _COLUMNS}


def screen(
    records: str | os.PathLike[str] | pd.DataFrame,
    *,
    on: str | datetime.date,
    panel: str | os.PathLike[str] | None = None,
    recipients: str | os.PathLike[str] | pd.DataFrame | None = None,
) -> Screening:
    r"""Say which donors and batches may be used on a day, and why the others may not.

    The gate fails closed: an entry of the panel that applies and is missing, pending, unreadable,
    undated or out of its window makes a donor not eligible.

    Parameters
    ----------
    records : str or path or pandas.DataFrame
        CSV, TSV, TOML or a frame. Wide: one row per donor or batch with `donor_id`, `donor_type`,
        `collected_on`, a column per entry of the panel and its day in ``<entry>_on``. Long: one row
        per answer with `donor_id`, `entry`, `result` and `on`. A field that the panel does not know
        is an error.
    on : str or date
        The day on which the donors are to be used. No clock is read.
    panel : str or path, optional
        A panel of your own, as TOML; default: the one that ships (:func:`screening_panel`).
    recipients : str or path or pandas.DataFrame, optional
        A table with `recipient_id`, `immunosuppressed` and the fields that the panel matches, such
        as `cmv`, `ebv` and `allergies`; screens every donor for each of them.

    Returns
    -------
    Screening
        Eligible or not with reasons, overrides, and the day on which it lapses.

    Raises
    ------
    OSError
        A file cannot be opened.
    InputError
        A field is unknown, a donor is described twice, or a day is unreadable.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> text = "donor_id,donor_type,collected_on,esbl\nD1,healthy,2026-10-01,positive\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "records.csv")
    ...     _ = path.write_text(text)
    ...     screening = screen(path, on="2026-10-15")
    >>> screening
    Screening(0 of 1 eligible on 2026-10-15 by 'panel-1')
    >>> [one["detail"] for one in screening.donors[0]["findings"] if one["entry"] == "esbl"]
    ['`positive` excludes']
    """
    day = on.strftime("%Y-%m-%d") if isinstance(on, datetime.date) else on
    of_recipients = None if recipients is None else as_metadata(recipients)
    return Screening(*_core.screen(as_metadata(records), day, panel, of_recipients))


def screening_panel(path: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """The tests and questions of a screening panel.

    Parameters
    ----------
    path : str or path, optional
        A panel of your own, as TOML; default: the one that ships.

    Returns
    -------
    dict
        `name`, `version`, `title`, `source`, and the lists `entry` and `recipient`.

    Raises
    ------
    OSError
        The file cannot be opened.
    InputError
        It is no panel.

    Examples
    --------
    >>> panel = screening_panel()
    >>> [one["name"] for one in panel["entry"] if one["group"] == "mdro"][:2]
    ['esbl', 'cre']
    """
    panel: dict[str, Any] = json.loads(_core.screening_panel(path))
    return panel
