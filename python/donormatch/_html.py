"""Small HTML for notebooks: every text escaped, no script, bounded in size, at home on any theme.

Text takes the color of the page; lines and grounds are see-through grays, so that one markup serves
light and dark themes, whoever sets them. What a color says, a word says too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

MAX_ROWS = 20
MAX_CELL = 120

# Of Okabe and Ito, which color-blind readers can tell apart; each shows on white and on black.
COLORS = {
    "prefer": "#009e73",
    "avoid": "#d55e00",
    "no_preference": "#888888",
    "abstain": "#cc79a7",
}
LINE = "rgba(128,128,128,.35)"


class Markup(str):
    """HTML made here, which is not escaped again."""

    __slots__ = ()


def text(value: object) -> str:
    """A value as text: blank where absent, floats with four digits, long text cut."""
    if value is None:
        return ""
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return shown if len(shown) <= MAX_CELL else shown[: MAX_CELL - 1] + "…"


def cell(value: object) -> str:
    """Text of a cell, HTML escaped, but for markup made here."""
    return value if isinstance(value, Markup) else escape(text(value), quote=True)


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], n_rows: int
) -> Markup:
    """An HTML table of at most ``MAX_ROWS`` rows that says how many there are."""
    style = f"padding:.2em .6em;border-bottom:1px solid {LINE};text-align:left"
    head = "".join(f'<th scope="col" style="{style}">{cell(name)}</th>' for name in columns)
    shown = [row for row, _ in zip(rows, range(MAX_ROWS), strict=False)]
    body = "".join(
        "<tr>" + "".join(f'<td style="{style}">{cell(value)}</td>' for value in row) + "</tr>"
        for row in shown
    )
    more = f"<p>{len(shown)} of {n_rows} rows</p>" if len(shown) < n_rows else ""
    title = f'<caption style="text-align:left">{cell(caption)}</caption>' if caption else ""
    return Markup(
        '<div style="overflow-x:auto" tabindex="0" role="region" '
        f'aria-label="{escape(text(caption) or "table", quote=True)}">'
        f'<table style="border-collapse:collapse;color:inherit">{title}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"
    )


def facts(caption: str, values: Mapping[str, object]) -> Markup:
    """Names and what stands behind them, two columns."""
    return table(caption, ["", ""], list(values.items()), len(values))


def sentences(told: Iterable[str]) -> Markup:
    """Sentences one below the other, none cut."""
    return Markup("<ul>" + "".join(f"<li>{escape(one)}</li>" for one in told) + "</ul>")


def folded(title: object, content: Markup) -> Markup:
    """Content that opens at a click."""
    return Markup(f"<details><summary>{cell(title)}</summary>{content}</details>")


def verdict(word: str, label: str | None = None) -> Markup:
    """A verdict by its word, beside a square of its color."""
    color = COLORS.get(word, LINE)
    square = (
        '<span aria-hidden="true" style="display:inline-block;width:.7em;height:.7em;'
        f'margin-right:.4em;background:{color}"></span>'
    )
    shown = word.replace("_", " ") if label is None else label
    return Markup(f'<span style="white-space:nowrap">{square}{cell(shown)}</span>')


def interval(value: float, lo: float, hi: float, most: float, color: str = "#888888") -> Markup:
    """A bar from `lo` to `hi` with a mark at `value`, from 0 to `most`, beside the figures."""
    width, top = 120.0, most if most > 0 else 1.0
    at = [round(width * min(max(one / top, 0.0), 1.0), 1) for one in (value, lo, hi)]
    label = f"{100 * value:.0f} % ({100 * lo:.0f}–{100 * hi:.0f})"
    return Markup(
        f'<span style="white-space:nowrap"><svg width="{width:.0f}" height="12" role="img" '
        f'aria-label="{label}"><line x1="0" x2="{width:.0f}" y1="6" y2="6" stroke="{LINE}"/>'
        f'<line x1="{at[1]}" x2="{at[2]}" y1="6" y2="6" stroke="{color}" stroke-width="5"/>'
        f'<circle cx="{at[0]}" cy="6" r="4" fill="currentColor"/></svg> {label}</span>'
    )
