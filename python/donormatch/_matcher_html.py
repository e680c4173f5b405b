"""A matcher for a notebook: what is in it, what it learned from, how well it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from donormatch import _html

NAMES = {
    "name": "name",
    "written_by": "written by",
    "vocabulary": "vocabulary",
    "units": "unit",
    "seed": "seed",
    "data_digest": "SHA-256 of the training data",
}


def matcher_html(
    caption: str, header: Mapping[str, Any], learned: Mapping[str, Any]
) -> _html.Markup:
    """Facts, figures with intervals, and warnings; no script."""
    if not header and not learned:
        return _html.Markup(f"<div>{_html.cell(caption)}</div>")
    told: dict[str, object] = {shown: header[key] for key, shown in NAMES.items() if key in header}
    if names := header.get("feature_names"):
        told["features"] = len(names)
    told |= {f"learned from {what.replace('_', ' ')}": n for what, n in header.get("training", [])}
    told |= {f"own outcomes: {what}": value for what, value in learned.items()}
    parts = [_html.facts(f"{caption}, research use only", told)]
    if figures := header.get("metrics"):
        columns = ["model", "comparator", "metric", "value", "rows", "groups"]
        rows = [
            [
                *(one[name] for name in ("model", "comparator", "metric")),
                _value(one),
                *(one.get(name) for name in ("n_rows", "n_groups")),
            ]
            # Those of the models before those of the rules that they are compared with.
            for one in sorted(figures, key=lambda one: one["comparator"] != "model")
        ]
        caption = "on data left out, as the writer of the model file gives it"
        parts.append(_html.table(caption, columns, rows, len(rows)))
    if warnings := header.get("warnings"):
        parts.append(_html.sentences(warnings))
    return _html.Markup("<div>" + "".join(parts) + "</div>")


def _value(one: Mapping[str, Any]) -> str:
    if one.get("value") is None:
        return "none"
    if one.get("lo") is None:
        return f"{one['value']:.2f}"
    return f"{one['value']:.2f} ({one['lo']:.2f}–{one['hi']:.2f})"
