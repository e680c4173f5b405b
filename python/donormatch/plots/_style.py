"""What all pictures share: colors, markers, axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from donormatch._errors import ParameterError
from donormatch._html import COLORS
from donormatch._optional import optional

# Okabe and Ito's, without black, which a dark style swallows.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
HATCHES = ("", "///", "...", "xxx", "\\\\\\")
MARKERS = {"prefer": "^", "avoid": "v", "no_preference": "o", "abstain": "X"}
LINES = ("-", "--", "-.", ":")
POINTS = ("o", "s", "^", "D", "v", "P", "X")
UP, DOWN, NEUTRAL = PALETTE[0], PALETTE[5], "#888888"

LABELS = {
    "p_response": "probability of response",
    "p_severe_irae": "probability of a severe irAE",
    "p_myocarditis": "probability of myocarditis",
    "delta_response": "response, minus the mean of eligible donors",
    "delta_severe_irae": "severe irAE, minus the mean of eligible donors",
    "delta_myocarditis": "myocarditis, minus the mean of eligible donors",
    "utility": "utility (0: a random eligible donor)",
    "p_best": "probability of being the best donor",
    "p_better_than_random": "probability of being better than a random donor",
    "donor_effect": "donor effect (log-odds of response)",
}

Records = Iterable[Mapping[str, Any]]


def axes_or_new(ax: Any, width: float, height: float) -> Any:
    """The axes given, or those of a new figure that lays itself out."""
    if ax is not None:
        return ax
    pyplot = optional("matplotlib.pyplot", "donormatch.plots")
    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def ink() -> str:
    """The color of texts in the style at hand."""
    color: str = optional("matplotlib", "donormatch.plots").rcParams["text.color"]
    return color


def paper() -> str:
    """The color of the ground in the style at hand."""
    color: str = optional("matplotlib", "donormatch.plots").rcParams["axes.facecolor"]
    return color


def verdict_style(word: str) -> dict[str, Any]:
    """Color and marker of a verdict."""
    return {"color": COLORS.get(word, NEUTRAL), "marker": MARKERS.get(word, "o")}


def color_of(number: int) -> str:
    """The color of a series."""
    return PALETTE[number % len(PALETTE)]


def line_of(number: int) -> str:
    """The line of a series: those of one color differ."""
    return LINES[number // len(PALETTE) % len(LINES)]


def label_of(column: str) -> str:
    """A column in words."""
    return LABELS.get(column, column.replace("_", " "))


def records_of(table: Any, needed: Sequence[str]) -> list[dict[str, Any]]:
    """Records of a table, a frame or a list, which hold these columns."""
    rows: list[dict[str, Any]]
    if hasattr(table, "to_dicts"):
        rows = table.to_dicts()
    elif hasattr(table, "iloc"):
        rows = table.to_dict("records")
    else:
        rows = [dict(row) for row in table]
    if not rows:
        message = "there is nothing to draw: the table is empty"
        raise ParameterError(message)
    for name in needed:
        if name not in rows[0]:
            message = f"the table has no column `{name}`; columns: {', '.join(map(str, rows[0]))}"
            raise ParameterError(message)
    return rows


def rows_down(axes: Any, labels: Sequence[str]) -> None:
    """One row a label, the first at the top, none cut at the border."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)


def verdict_legend(axes: Any, words: Iterable[str], **options: Any) -> None:
    """Markers of the verdicts that occur, in the order of the best first."""
    present = set(words)
    lines = optional("matplotlib.lines", "donormatch.plots")
    handles = [
        lines.Line2D([], [], linestyle="none", label=word.replace("_", " "), **verdict_style(word))
        for word in MARKERS
        if word in present
    ]
    axes.legend(handles=handles, **{"frameon": False, "title": "verdict", **options})
