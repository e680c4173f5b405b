"""Pictures for the planning of trials: power, and who gets whose transplant when."""

from __future__ import annotations

import datetime
from typing import Any

from donormatch._errors import ParameterError
from donormatch.plots import _style


def power_curves(
    table: Any,
    *,
    x: str = "n",
    power: str = "power",
    by: str | None = None,
    target: float | None = 0.8,
    ax: Any = None,
) -> Any:
    """Power against the size of a trial, one line a design.

    Parameters
    ----------
    table
        A frame or records with the columns `x` and `power`, and with their intervals, where
        there are any, in the columns ``<power>_lo`` and ``<power>_hi``.
    x, power
        The columns to draw.
    by
        A column that tells the designs apart.
    target
        The power that is asked for; none drawn for None.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    rows = _style.records_of(table, [x, power, *([by] if by else [])])
    axes = _style.axes_or_new(ax, 6, 4)
    designs = list(dict.fromkeys(row[by] for row in rows)) if by else [None]
    for number, design in enumerate(designs):
        line = sorted((row for row in rows if not by or row[by] == design), key=lambda row: row[x])
        at, height = [row[x] for row in line], [row[power] for row in line]
        color = _style.color_of(number)
        marker = _style.POINTS[number % len(_style.POINTS)]
        label = None if design is None else str(design)
        style = {"marker": marker, "linestyle": _style.line_of(number), "label": label}
        axes.plot(at, height, color=color, **style)
        lo, hi = ([row.get(f"{power}{end}") for row in line] for end in ("_lo", "_hi"))
        if None not in lo and None not in hi:
            axes.fill_between(at, lo, hi, color=color, alpha=0.15, linewidth=0)
    if target is not None:
        axes.axhline(target, linestyle="--", color=_style.NEUTRAL, lw=1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("patients" if x == "n" else x.replace("_", " "))
    axes.set_ylabel(power.replace("_", " "))
    if by:
        place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
        axes.legend(frameon=False, title=by.replace("_", " "), **place)
    return axes


def assignment_calendar(table: Any, *, date: str = "date", ax: Any = None) -> Any:
    """Who gets whose transplant when: dates across, donors down, recipients written.

    Parameters
    ----------
    table
        A frame or records with `donor_id`, `recipient_id` and a date a row, as
        :class:`datetime.date`, a timestamp, or ``2026-03-01``; a column `locked`, where there is
        one, marks what is decided.
    date
        The column of dates.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: filled squares are decided, open ones proposed.
    """
    rows = _style.records_of(table, ["donor_id", "recipient_id", date])
    days = [_day(row[date]) for row in rows]
    donors = sorted({str(row["donor_id"]) for row in rows})
    span = (max(days) - min(days)).days
    axes = _style.axes_or_new(ax, min(14.0, 5 + 0.12 * span), 1.6 + 0.8 * len(donors))
    used: dict[tuple[str, Any], int] = {}
    for row, day in zip(rows, days, strict=True):
        donor = str(row["donor_id"])
        # Transplants of one donor on one day stand one below the other.
        nth = used[donor, day] = used.get((donor, day), -1) + 1
        place = donors.index(donor) + 0.3 * nth
        color = _style.color_of(donors.index(donor))
        face = color if row.get("locked") else _style.paper()
        axes.plot([day], [place], "s", color=color, markerfacecolor=face, markersize=8)
        text = {"xytext": (3, 5), "textcoords": "offset points", "rotation": 20}
        if nth:
            text |= {"xytext": (8, -3), "rotation": 0}
        axes.annotate(str(row["recipient_id"]), (day, place), fontsize="small", **text)
    axes.set_yticks(range(len(donors)), donors)
    axes.set_ylim(len(donors) - 0.3, -0.8)
    axes.margins(x=0.15)
    axes.grid(axis="x", color=_style.NEUTRAL, alpha=0.3)
    axes.set_xlabel("filled: decided, open: proposed" if "locked" in rows[0] else "")
    axes.tick_params(axis="x", rotation=30)
    return axes


def _day(value: Any) -> Any:
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError as error:
        message = f"expected a date such as `2026-03-01`, found `{value}`"
        raise ParameterError(message) from error
