"""A ranking for a notebook: one row a recipient, its donors folded below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from donormatch import _html

VERDICTS = ("prefer", "avoid", "no_preference", "abstain")
MAX_DONORS = 20


def ranking_html(
    caption: str, rows: Sequence[Mapping[str, Any]], summaries: Sequence[Mapping[str, Any]]
) -> _html.Markup:
    """Verdicts by color and word, intervals as bars, flags in words; no script."""
    by_recipient: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_recipient.setdefault(row["recipient_id"], []).append(row)
    most = max((row["p_response_hi"] for row in rows), default=1.0)
    shown = [one for one in summaries if by_recipient.get(one["recipient_id"])]
    shown = shown[: _html.MAX_ROWS]
    first = [_at_a_glance(one, by_recipient[one["recipient_id"]], most) for one in shown]
    columns = ["recipient", "verdict", "first donor", "response", "without transplant", "reason"]
    table = _html.table(f"{caption}, research use only", columns, first, len(summaries))
    below = "".join(
        _html.folded(
            f"donors of {one['recipient_id']}",
            _donors(by_recipient[one["recipient_id"]], most),
        )
        for one in shown
    )
    note = (
        "<p>Bars: intervals of the probability of response. A verdict is against a random "
        "eligible donor.</p>"
    )
    return _html.Markup(f"<div>{table}{note}{below}</div>")


def _at_a_glance(
    summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], most: float
) -> list[object]:
    first = rows[0]
    counts = [(word, len(summary[word])) for word in VERDICTS if summary[word]]
    words = "<br>".join(
        _html.verdict(word, f"{word.replace('_', ' ')}: {count}") for word, count in counts
    )
    return [
        summary["recipient_id"],
        _html.Markup(words),
        first["donor_id"],
        _bar(first, "p_response", most),
        _html.interval(
            first["p_response_baseline"],
            first["p_response_baseline_lo"],
            first["p_response_baseline_hi"],
            most,
        ),
        summary["reason"] or first["reason"],
    ]


def _donors(rows: Sequence[Mapping[str, Any]], most: float) -> _html.Markup:
    top = max((row["p_severe_irae_hi"] for row in rows), default=1.0)
    columns = ["rank", "donor", "verdict", "response", "severe irAE", "utility", "better", "flags"]
    shown = [
        [
            row["rank"],
            row["donor_id"],
            _html.verdict(row["verdict"]),
            _bar(row, "p_response", most),
            _bar(row, "p_severe_irae", top),
            row["utility"],
            None if row["p_better_than_random"] is None else f"{row['p_better_than_random']:.0%}",
            "; ".join([*row["flags"], *([] if row["in_domain"] else ["outside the models"])]),
        ]
        for row in rows[:MAX_DONORS]
    ]
    return _html.table("", columns, shown, len(rows))


def _bar(row: Mapping[str, Any], name: str, most: float) -> _html.Markup:
    color = _html.COLORS.get(row["verdict"], "#888888")
    return _html.interval(row[name], row[f"{name}_lo"], row[f"{name}_hi"], most, color)
