"""Pictures of a ranking: everyone at once, one recipient's donors, what is traded for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from donormatch._errors import ParameterError
from donormatch._optional import optional
from donormatch.plots import _style

if TYPE_CHECKING:
    from donormatch._ranking import Ranking

SYMBOLS = {"prefer": "▲", "avoid": "▼", "no_preference": "", "abstain": "×"}
DIVERGING = ("utility", "delta_response", "delta_severe_irae", "delta_myocarditis", "donor_effect")


def heat_map(ranking: Ranking, value: str = "utility", *, ax: Any = None) -> Any:
    """A column of the ranking for every donor (rows) and recipient (columns).

    Parameters
    ----------
    ranking
        The ranking.
    value
        A column of numbers, such as ``"utility"`` or ``"p_response"``.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: ▲ prefer, ▼ avoid, × abstain, a frame around the first donor of the order.
    """
    rows = _rows(ranking, value)
    donors = sorted({row["donor_id"] for row in rows})
    recipients = list(dict.fromkeys(row["recipient_id"] for row in rows))
    at_donor = {name: place for place, name in enumerate(donors)}
    at_recipient = {name: place for place, name in enumerate(recipients)}
    values = np.full((len(donors), len(recipients)), np.nan)
    for row in rows:
        if row[value] is not None:
            values[at_donor[row["donor_id"]], at_recipient[row["recipient_id"]]] = row[value]
    axes = _style.axes_or_new(ax, 3 + 0.5 * len(recipients), 2 + 0.35 * len(donors))
    most = float(np.nanmax(np.abs(values), initial=1e-12))
    limits = {"vmin": -most, "vmax": most} if value in DIVERGING else {}
    colors = "PuOr" if value in DIVERGING else "cividis"
    image = axes.imshow(values, aspect="auto", cmap=colors, **limits)
    patches = optional("matplotlib.patches", "heat_map")
    for row in rows:
        x, y = at_recipient[row["recipient_id"]], at_donor[row["donor_id"]]
        ground = image.cmap(image.norm(values[y, x]))
        if symbol := SYMBOLS.get(row["verdict"]):
            axes.text(x, y, symbol, ha="center", va="center", color=_readable_on(ground))
        if row["rank"] == 1:
            frame = patches.Rectangle(
                (x - 0.47, y - 0.47), 0.94, 0.94, fill=False, lw=2, ec=_readable_on(ground)
            )
            axes.add_patch(frame)
    axes.set_xticks(range(len(recipients)), recipients, rotation=45, ha="right")
    axes.set_yticks(range(len(donors)), donors)
    axes.set_xlabel("recipient")
    axes.set_ylabel("donor")
    axes.figure.colorbar(image, ax=axes, label=_style.label_of(value))
    axes.set_title("▲ prefer   ▼ avoid   × abstain   framed: first of the order", fontsize="small")
    return axes


def interval_forest(
    ranking: Ranking,
    recipient_id: str | None = None,
    value: str = "p_response",
    *,
    ax: Any = None,
) -> Any:
    """The donors of a recipient in order, each with its interval.

    Parameters
    ----------
    ranking
        The ranking.
    recipient_id
        The recipient; the first by default.
    value
        ``"p_response"``, ``"p_severe_irae"``, ``"p_myocarditis"`` or ``"donor_effect"``.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes, with the response without a transplant as a dashed line.
    """
    rows = _of_recipient(_rows(ranking, f"{value}_lo"), recipient_id)
    axes = _style.axes_or_new(ax, 6, 1.6 + 0.3 * len(rows))
    for place, row in enumerate(rows):
        style = _style.verdict_style(row["verdict"])
        axes.hlines(place, row[f"{value}_lo"], row[f"{value}_hi"], color=style["color"], lw=2)
        axes.plot([row[value]], [place], linestyle="none", markersize=7, **style)
    label = _style.label_of(value)
    if value == "p_response":
        baseline = rows[0]["p_response_baseline"]
        axes.axvline(baseline, linestyle="--", color=_style.NEUTRAL)
        label += " (dashed: without transplant)"
    elif value == "donor_effect":
        axes.axvline(0.0, linestyle="--", color=_style.NEUTRAL)
    _style.rows_down(axes, [row["donor_id"] for row in rows])
    axes.set_xlabel(label)
    counts = Counter(row["verdict"] for row in rows)
    told = f"prefer {counts['prefer']}, avoid {counts['avoid']} of {len(rows)}"
    axes.set_title(f"{rows[0]['recipient_id']}: {told}")
    _style.verdict_legend(axes, counts, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes


def pareto_front(ranking: Ranking, recipient_id: str | None = None, *, ax: Any = None) -> Any:
    """What response costs in severe irAEs: a recipient's donors, the front, and the weights.

    Parameters
    ----------
    ranking
        The ranking.
    recipient_id
        The recipient; the first by default.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes. Donors on the front (no other is better in response, severe irAE and myocarditis
        together) have a ring. The dashed line joins what is worth as much as the first donor at
        the weights of the ranking; beside a donor stands under how many other weights it is first.
    """
    rows = _of_recipient(_rows(ranking, "p_severe_irae"), recipient_id)
    recipient = rows[0]["recipient_id"]
    front = {
        one["donor_id"]
        for one in ranking.standings
        if one["recipient_id"] == recipient and one["on_front"]
    }
    firsts = Counter(
        one["first_donor"] for one in ranking.weight_cases if one["recipient_id"] == recipient
    )
    axes = _style.axes_or_new(ax, 7, 4.5)
    harms = [row["p_severe_irae"] for row in rows]
    middle = (min(harms) + max(harms)) / 2
    for row in rows:
        at = [row["p_severe_irae"]], [row["p_response"]]
        style = _style.verdict_style(row["verdict"])
        axes.plot(*at, linestyle="none", markersize=8, **style)
        if row["donor_id"] in front:
            ring = {"markersize": 15, "markerfacecolor": "none", "markeredgecolor": _style.ink()}
            axes.plot(*at, linestyle="none", marker="o", **ring)
        n_first = firsts[row["donor_id"]]
        told = f" first under {n_first} of {firsts.total()} weights" if n_first else ""
        to_left = at[0][0] > middle
        place = {"xytext": (-10 if to_left else 10, 4), "textcoords": "offset points"}
        place |= {"ha": "right" if to_left else "left", "fontsize": "small"}
        axes.annotate(f"{row['donor_id']}{told}", (at[0][0], at[1][0]), **place)
    _draw_weights(axes, rows[0], ranking.weights)
    axes.margins(x=0.15, y=0.15)
    axes.set_xlabel(_style.label_of("p_severe_irae"))
    axes.set_ylabel(_style.label_of("p_response"))
    axes.set_title(f"{recipient}: ringed donors are on the front")
    _style.verdict_legend(axes, [row["verdict"] for row in rows], loc="best")
    return axes


def _draw_weights(axes: Any, first: Mapping[str, Any], weights: Mapping[str, float]) -> None:
    """Points of one utility: w_r (response - r0) = w_i (severe irAE - i0)."""
    at = (first["p_severe_irae"], first["p_response"])
    line = {"linestyle": "--", "color": _style.NEUTRAL, "lw": 1, "zorder": 0}
    if weights["response"] > 0:
        axes.axline(at, slope=weights["severe_irae"] / weights["response"], **line)
    else:
        axes.axvline(at[0], **line)


def _rows(ranking: Ranking, column: str) -> list[dict[str, Any]]:
    return _style.records_of(ranking.rows, [column])


def _of_recipient(rows: list[dict[str, Any]], recipient_id: str | None) -> list[dict[str, Any]]:
    wanted = rows[0]["recipient_id"] if recipient_id is None else recipient_id
    found = [row for row in rows if row["recipient_id"] == wanted]
    if not found:
        message = f"`recipient_id`: the ranking has no recipient `{wanted}`"
        raise ParameterError(message)
    return found


def _readable_on(color: tuple[float, float, float, float]) -> str:
    """Black or white, whichever stands out (relative luminance of WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if luminance > 0.179 else "white"
