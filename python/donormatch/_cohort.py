"""Tables of transplants and of patients, joined with their profiles."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from donormatch import _core
from donormatch._errors import ParameterError
from donormatch._profiles import Profiles

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cohort", "PatientCohort"]

Target = Literal["species", "genus"]
Treatments: TypeAlias = (
    "Mapping[str, Mapping[str, str]] | str | os.PathLike[str] | pd.DataFrame | None"
)
WORDS = ("regimen", "cancer", "line")
COLUMNS = ("recipient_id", *WORDS)


class Cohort:
    """Transplants: donor, recipient before, recipient after; what engraftment is learned from.

    Parameters
    ----------
    metadata : path or pandas.DataFrame
        One row a transplant, with the columns `study`, `donor`, `donor_samples` (several joined by
        ``;``), `recipient`, `baseline`, `follow_up`, `day`, `antibiotics` and `response`.
    profiles : Profiles
        The profiles of every sample named; brought into the models' vocabulary here.
    target : {"species", "genus"}, default="species"
        The rank of that vocabulary.
    columns : mapping, optional
        Columns under another name: ``{"donor": "donor_subject"}``.
    """

    __slots__ = ("_cohort",)

    def __init__(
        self,
        metadata: str | os.PathLike[str] | pd.DataFrame,
        profiles: Profiles,
        *,
        target: Target = "species",
        columns: Mapping[str, str] | None = None,
    ) -> None:
        names = json.dumps(dict(columns or {}))
        self._cohort = _core.Cohort(as_metadata(metadata), profiles._table, target, names)

    @property
    def transplants(self) -> list[dict[str, Any]]:
        """One record a transplant."""
        records: list[dict[str, Any]] = json.loads(self._cohort.transplants())
        return records

    @property
    def skipped(self) -> list[str]:
        """The rows that could not be used, with the reason."""
        return self._cohort.skipped

    def __len__(self) -> int:
        return len(self._cohort)

    def __repr__(self) -> str:
        return f"Cohort({len(self)} transplants, {len(self.skipped)} rows skipped)"


class PatientCohort:
    """Patients on checkpoint inhibitors; what response and toxicity are learned from.

    Parameters
    ----------
    metadata : path or pandas.DataFrame
        One row a patient, with the columns `sample_id`, `subject`, `study`, `cohort`, `cancer`,
        `response`, `severe_irae` and `day`; only `sample_id` must be there.
    profiles, target, columns
        As in :class:`Cohort`.
    """

    __slots__ = ("_cohort",)

    def __init__(
        self,
        metadata: str | os.PathLike[str] | pd.DataFrame,
        profiles: Profiles,
        *,
        target: Target = "species",
        columns: Mapping[str, str] | None = None,
    ) -> None:
        names = json.dumps(dict(columns or {}))
        self._cohort = _core.PatientCohort(as_metadata(metadata), profiles._table, target, names)

    @property
    def patients(self) -> list[dict[str, Any]]:
        """One record a patient."""
        records: list[dict[str, Any]] = json.loads(self._cohort.patients())
        return records

    def __len__(self) -> int:
        return len(self._cohort)

    def __repr__(self) -> str:
        return f"PatientCohort({len(self)} patients)"


def as_metadata(metadata: str | os.PathLike[str] | pd.DataFrame) -> os.PathLike[str] | str:
    """A path, or the tab-separated text of a frame."""
    if isinstance(metadata, str | os.PathLike):
        return Path(metadata)
    named = metadata.index.name is not None and metadata.index.name not in metadata.columns
    text: str = metadata.to_csv(sep="\t", index=named, lineterminator="\n")
    return text


def treatment_metadata(
    metadata: Treatments, recipient_ids: Sequence[str]
) -> str | os.PathLike[str] | None:
    """A path, or the text of a frame or mapping, as the core reads tables of metadata."""
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping):
        return as_metadata(metadata)
    known = set(recipient_ids)
    rows = []
    for recipient, words in metadata.items():
        if recipient not in known:
            message = f"`metadata`: no recipient `{recipient}` among the profiles"
            raise ParameterError(message)
        if not isinstance(words, Mapping):
            message = f"`metadata`: expected a mapping for `{recipient}`, found `{words!r}`"
            raise ParameterError(message)
        unknown = [name for name in words if name not in WORDS]
        if unknown:
            message = f"`metadata`: `{unknown[0]}` of `{recipient}` is none of {', '.join(WORDS)}"
            raise ParameterError(message)
        rows.append([recipient, *(words.get(name) for name in WORDS)])
    if not rows:
        return None
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()
