"""What a report says about where its figures come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from donormatch import _core

DEFAULTS = {"cancer": "other", "line": "first"}


def report_context(
    header: Mapping[str, Any],
    vocabulary: str,
    words: Mapping[str, str | None],
    metadata: Any,
    recipient_ids: Sequence[str],
) -> dict[str, Any]:
    """Model, treatment where all recipients share it, and provenance, as the shell gives them."""
    provenance = [("donormatch", _core.__version__), ("vocabulary", vocabulary)]
    if header.get("data_digest"):
        provenance.append(("SHA-256 of the training data", header["data_digest"]))
    found: dict[str, Any] = {"provenance": provenance}
    if header.get("name"):
        found["model_name"] = f"{header['name']} ({header.get('written_by', '')})"
    if metadata is None or isinstance(metadata, Mapping):
        rows = [(metadata or {}).get(recipient, {}) for recipient in recipient_ids]
        for name, common in words.items():
            each = {row.get(name) or common or DEFAULTS.get(name) for row in rows}
            if len(each) == 1 and (word := each.pop()):
                found[name] = word
    return found
