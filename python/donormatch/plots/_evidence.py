"""Pictures of what is known before a trial, and of what its outcomes add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from donormatch._errors import ParameterError
from donormatch.plots import _style

CELL = ("cancer", "regimen", "line", "partner", "transplant")


def donor_effects(
    tables: Sequence[Any],
    *,
    donors: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    ax: Any = None,
) -> Any:
    """What each donor's record says, after each outcome of a trial.

    Parameters
    ----------
    tables
        ``matcher.evidence("donors")`` after one outcome, after two, and so on.
    donors
        The donors to draw; by default the seven of the largest effects at the end.
    labels
        What each table is called; numbers by default.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: a line a donor with its 90 % interval, on the log-odds of response.
    """
    several = [
        {row["donor_id"]: row for row in _style.records_of(table, ["donor_id", "donor_effect"])}
        for table in tables
    ]
    if not several:
        message = "`tables`: expected at least one"
        raise ParameterError(message)
    if donors is None:
        last = several[-1]
        donors = sorted(last, key=lambda name: -abs(last[name]["donor_effect"]))[:7]
    axes = _style.axes_or_new(ax, 5 + 0.5 * len(several), 4)
    for number, donor in enumerate(donors):
        known = [(at, table[donor]) for at, table in enumerate(several) if donor in table]
        if not known:
            message = f"`donors`: no table has donor `{donor}`"
            raise ParameterError(message)
        # Side by side, so that intervals can be told apart.
        x = [at + 0.7 * ((number + 0.5) / len(donors) - 0.5) for at, _ in known]
        y, lo, hi = ([row[f"donor_effect{end}"] for _, row in known] for end in ("", "_lo", "_hi"))
        color = _style.color_of(number)
        axes.vlines(x, lo, hi, color=color, lw=1)
        marker = _style.POINTS[number % len(_style.POINTS)]
        n_responders, n_known = (known[-1][1].get(name) for name in ("n_responders", "n_response"))
        told = donor if n_known is None else f"{donor} ({n_responders} of {n_known} responded)"
        axes.plot(x, y, color=color, marker=marker, linestyle=_style.line_of(number), label=told)
    axes.axhline(0.0, linestyle="--", color=_style.NEUTRAL, lw=1)
    names = [str(n + 1) for n in range(len(several))] if labels is None else list(labels)
    for at in range(1, len(several)):
        axes.axvline(at - 0.5, color=_style.NEUTRAL, lw=0.4, alpha=0.6)
    axes.set_xticks(range(len(several)), names)
    axes.set_xlabel("outcomes so far" if labels is None else "")
    axes.set_ylabel(_style.label_of("donor_effect"))
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes


def prior_and_posterior(
    prior: Any, posterior: Any, *, endpoint: str = "response", ax: Any = None, **cell: Any
) -> Any:
    """The probability of a cell before and after evidence, each with its 90 % interval.

    Parameters
    ----------
    prior, posterior
        ``matcher.evidence("cells")`` of two states of knowledge: without some trials
        (``without=[...]``) and with them, or before and after one's own outcomes.
    endpoint
        ``"response"`` or another endpoint of the tables.
    ax
        Axes to draw on; new ones by default.
    **cell
        Which cells: any of `cancer`, `regimen`, `line`, `partner` and `transplant`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: open circles before, filled ones after.
    """
    if odd := [name for name in cell if name not in CELL]:
        message = f"`{odd[0]}` is no part of a cell, which has {', '.join(CELL)}"
        raise ParameterError(message)
    wanted = {"endpoint": endpoint, **cell}
    before, after = (
        {
            tuple(row[name] for name in CELL): row
            for row in _style.records_of(table, ["probability", "probability_lo", *CELL])
            if all(row[name] == its for name, its in wanted.items())
        }
        for table in (prior, posterior)
    )
    cells = [key for key in after if key in before]
    if not cells:
        told = ", ".join(f"{name} `{its}`" for name, its in wanted.items())
        message = f"no cell of both tables has {told}"
        raise ParameterError(message)
    axes = _style.axes_or_new(ax, 7.5, 1.6 + 0.5 * len(cells))
    for place, key in enumerate(cells):
        for row, offset, filled in ((before[key], -0.15, False), (after[key], 0.15, True)):
            color = _style.UP if filled else _style.PALETTE[1]
            ends = row["probability_lo"], row["probability_hi"]
            axes.hlines(place + offset, *ends, color=color, lw=2, linestyle="-" if filled else ":")
            face = color if filled else _style.paper()
            label = ("posterior" if filled else "prior") if place == 0 else None
            look = {"color": color, "markerfacecolor": face, "markersize": 7, "label": label}
            axes.plot([row["probability"]], [place + offset], "o", **look)
    axes.set_yticks(range(len(cells)), [_cell_name(key) for key in cells])
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_xlim(0, float(np.clip(axes.get_xlim()[1], 0.05, 1.0)))
    axes.set_xlabel(f"probability of {endpoint.replace('_', ' ')}")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes


def _cell_name(key: Sequence[Any]) -> str:
    named: Mapping[str, Any] = dict(zip(CELL, key, strict=True))
    partner = "" if named["partner"] in (None, "none") else f" + {named['partner']}"
    ending = "with transplant" if named["transplant"] else "without transplant"
    return f"{named['cancer']}, {named['regimen']}{partner}, {named['line']},\n{ending}"
