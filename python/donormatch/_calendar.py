"""Who gets whose dose on which day."""

from __future__ import annotations

import datetime
import json
import os
from typing import TYPE_CHECKING, Any, Literal

from donormatch import _core, _html
from donormatch._optional import optional

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Calendar"]

_DAY = datetime.timedelta(days=1)
_SHOWN = ("day", "donor_id", "batch_id", "room", "recipient_id", "utility")


class Calendar:
    """Transplants by day, proven best or with the gap that is left.

    Research use only. Made by :meth:`Ranking.assign` with `batches`.

    Attributes
    ----------
    transplants : list of dict
        One a served recipient, by day: ``day donor_id batch_id room recipient_id utility locked
        latest_day arm block subgroup dose_cost``.
    unassigned : list of str
        Recipients without a dose.
    total_utility : float
        Sum over the transplants.
    upper_bound : float
        What no calendar under the same constraints can exceed.
    gap : float
        How far `total_utility` may lie below the best one.
    is_optimal : bool
        Whether it is proven that no calendar is better, within rounding of 1e-6.
    serves_most : bool
        With ``coverage="most"`` whether it is proven that no more can be served; else true.
    total_cost : float
        Cost of all doses and screenings.
    batches : list of dict
        Those of which doses are given and those in stock: ``donor_id batch_id room made_on
        expires_on doses n_given cost price n_more_served``; `price` is what one more dose would
        add to `total_utility`, the days on which batches are made kept.
    subgroups : list of dict
        ``subgroup n_recipients n_served mean_utility``, who goes without counting 0.
    alternatives : list of dict
        Next best calendars, each with another set of pairs: ``total_utility upper_bound changes
        transplants``.
    """

    __slots__ = (
        "_calendar",
        "alternatives",
        "batches",
        "gap",
        "is_optimal",
        "serves_most",
        "subgroups",
        "total_cost",
        "total_utility",
        "transplants",
        "unassigned",
        "upper_bound",
    )

    def __init__(self, calendar: _core.Calendar) -> None:
        self._calendar = calendar
        content: dict[str, Any] = json.loads(calendar.to_json())
        self.transplants: list[dict[str, Any]] = content["transplants"]
        self.unassigned: list[str] = content["unassigned"]
        self.total_utility: float = content["total_utility"]
        self.upper_bound: float = content["upper_bound"]
        self.gap: float = content["gap"]
        self.is_optimal: bool = content["is_optimal"]
        self.serves_most: bool = content["serves_most"]
        self.total_cost: float = content["total_cost"]
        self.batches: list[dict[str, Any]] = content["batches"]
        self.subgroups: list[dict[str, Any]] = content["subgroups"]
        self.alternatives: list[dict[str, Any]] = content["alternatives"]

    def to_pandas(self) -> pd.DataFrame:
        """The transplants as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a transplant; `day` and `latest_day` as timestamps.
        """
        pandas = optional("pandas", "to_pandas")
        columns = list(_core.Calendar.COLUMNS)
        frame: pd.DataFrame = pandas.DataFrame(self.transplants, columns=columns)
        for name in ("day", "latest_day"):
            frame[name] = pandas.to_datetime(frame[name])
        return frame

    def to_tsv(self) -> str:
        """The transplants as the command line prints them.

        Returns
        -------
        str
            Tab-separated text, safe to open in a spreadsheet.
        """
        return self._calendar.to_tsv()

    def to_json(self) -> str:
        """Everything, with the proof.

        Returns
        -------
        str
            JSON.
        """
        return self._calendar.to_json()

    def to_svg(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        access: Literal["private", "shared"] = "private",
    ) -> str:
        """The calendar as a picture: a line a batch, its days, and the doses given on each.

        Parameters
        ----------
        path
            Where to write it, if anywhere.
        access
            Who may read a new file, which holds ids of batches.

        Returns
        -------
        str
            A standalone SVG.
        """
        if path is None:
            return self._calendar.to_svg()
        return self._calendar.write_svg(os.fspath(path), access)

    def plot(self, *, ax: Any = None) -> Any:
        """A line a batch: the days on which its doses last, and how many are given on each.

        Parameters
        ----------
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        pyplot = optional("matplotlib.pyplot", "plot")
        used = [batch for batch in self.batches if batch["n_given"]]
        axes = ax if ax is not None else pyplot.subplots(figsize=(8, 1 + 0.3 * len(used)))[1]
        days = [one["day"] for one in self.transplants if one["day"]]
        if not days:
            axes.set_title("no batch or recipient has days")
            return axes
        first, last = min(days), max(days)
        for place, batch in enumerate(used):
            start = _date(batch["made_on"] or first)
            end = _date(min(batch["expires_on"] or last, last))
            axes.barh(
                place, max(end - start, 0 * _DAY) + _DAY, left=start, align="center", alpha=0.3
            )
            given = [one["day"] for one in self.transplants if one["batch_id"] == batch["batch_id"]]
            for day in sorted(set(filter(None, given))):
                n = str(given.count(day))
                axes.text(_date(day) + _DAY / 2, place, n, ha="center", va="center")
        axes.xaxis_date()
        axes.set_yticks(range(len(used)), [batch["batch_id"] for batch in used])
        axes.invert_yaxis()
        axes.set_title(self._calendar.verdict())
        return axes

    def __len__(self) -> int:
        return len(self.transplants)

    def __repr__(self) -> str:
        return f"Calendar({self._calendar.verdict()})"

    def __str__(self) -> str:
        return self._calendar.to_text()

    def _repr_html_(self) -> str:
        rows = ([one[name] or "" for name in _SHOWN] for one in self.transplants)
        return _html.table(f"{self!r}, research use only", _SHOWN, rows, len(self))


def _date(day: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(day)
