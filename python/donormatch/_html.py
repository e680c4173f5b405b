"""Small HTML tables for notebooks: every cell escaped, no script, bounded in size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MAX_ROWS = 20
MAX_CELL = 120


def cell(value: object) -> str:
    """Text of a cell: floats with four digits, long text cut, HTML escaped."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    if len(text) > MAX_CELL:
        text = text[: MAX_CELL - 1] + "…"
    # Imported where it is used, like whatever few need.
    from html import escape

    return escape(text, quote=True)


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], n_rows: int
) -> str:
    """An HTML table of at most ``MAX_ROWS`` rows that says how many there are."""
    head = "".join(f"<th>{cell(name)}</th>" for name in columns)
    shown = [row for row, _ in zip(rows, range(MAX_ROWS), strict=False)]
    body = "".join(
        "<tr>" + "".join(f"<td>{cell(value)}</td>" for value in row) + "</tr>" for row in shown
    )
    more = f"<p>{len(shown)} of {n_rows} rows</p>" if len(shown) < n_rows else ""
    return (
        f"<div><table><caption>{cell(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"
    )
