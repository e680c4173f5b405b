"""Tables of transplants and of patients, joined with their profiles."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from donormatch import _core
from donormatch._convert import is_missing, settings_json
from donormatch._errors import InputError, ParameterError, warned
from donormatch._profiles import Profiles, Readable, path_or_bytes

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["Cohort", "PatientCohort"]

Target = Literal["species", "genus"]
Metadata: TypeAlias = "Readable | pd.DataFrame | pl.DataFrame"
Treatments: TypeAlias = "Mapping[str, Mapping[str, str]] | Metadata | None"
DonorIds: TypeAlias = "Mapping[str, str] | Metadata | None"
WORDS = ("regimen", "cancer", "line", "partner")
COLUMNS = ("recipient_id", *WORDS)


class Cohort:
    """Transplants: donor, recipient before, recipient after; what engraftment is learned from.

    Parameters
    ----------
    metadata : path, open file or frame
        One row a transplant, with the columns `study`, `donor`, `donor_samples` (several joined by
        ``;``), `recipient`, `baseline`, `follow_up`, `day`, `antibiotics` and `response`.
    profiles : Profiles
        The profiles of every sample named; brought into the models' vocabulary here.
    target : {"species", "genus"}, default="species"
        The rank of that vocabulary.
    columns : mapping, optional
        Columns under another name: ``{"donor": "donor_subject"}``.
    """

    __slots__ = ("_cohort", "_notes", "_source")

    def __init__(
        self,
        metadata: Metadata,
        profiles: Profiles,
        *,
        target: Target = "species",
        columns: Mapping[str, str] | None = None,
    ) -> None:
        table = as_metadata(metadata)
        names = settings_json(**dict(columns or {}))
        self._cohort = _core.Cohort(table, profiles._table, target, names)
        self._notes = warned("metadata", self._cohort.notes)
        # What it is made of again in another process, which may not see the file.
        kept = table.read_bytes() if isinstance(table, Path) else table
        self._source = kept, profiles, target, names

    @property
    def transplants(self) -> list[dict[str, Any]]:
        """One record a transplant."""
        records: list[dict[str, Any]] = json.loads(self._cohort.transplants())
        return records

    @property
    def skipped(self) -> list[str]:
        """The rows that could not be used, with the reason."""
        return self._cohort.skipped

    @property
    def notes(self) -> list[str]:
        """What was noticed in the metadata, such as columns without a use."""
        return list(self._notes)

    def __len__(self) -> int:
        return len(self._cohort)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), *self._source)

    def __repr__(self) -> str:
        follow_ups = sum(its["follow_up"] is not None for its in self.transplants)
        return (
            f"Cohort({len(self)} transplants, {follow_ups} with follow-up, "
            f"{len(self.skipped)} rows skipped)"
        )


class PatientCohort:
    """Patients on checkpoint inhibitors; what response and toxicity are learned from.

    Parameters
    ----------
    metadata : path, open file or frame
        One row a patient, with the columns `sample_id`, `subject`, `study`, `cohort`, `cancer`,
        `response`, `severe_irae` and `day`; only `sample_id` must be there.
    profiles, target, columns
        As in :class:`Cohort`.
    """

    __slots__ = ("_cohort", "_notes", "_source")

    def __init__(
        self,
        metadata: Metadata,
        profiles: Profiles,
        *,
        target: Target = "species",
        columns: Mapping[str, str] | None = None,
    ) -> None:
        table = as_metadata(metadata)
        names = settings_json(**dict(columns or {}))
        self._cohort = _core.PatientCohort(table, profiles._table, target, names)
        self._notes = warned("metadata", self._cohort.notes)
        # What it is made of again in another process, which may not see the file.
        kept = table.read_bytes() if isinstance(table, Path) else table
        self._source = kept, profiles, target, names

    @property
    def patients(self) -> list[dict[str, Any]]:
        """One record a patient."""
        records: list[dict[str, Any]] = json.loads(self._cohort.patients())
        return records

    @property
    def notes(self) -> list[str]:
        """What was noticed in the metadata, such as columns without a use."""
        return list(self._notes)

    def __len__(self) -> int:
        return len(self._cohort)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), *self._source)

    def __repr__(self) -> str:
        known = [its["response"] for its in self.patients if its["response"] is not None]
        return (
            f"PatientCohort({len(self)} patients, response known for {len(known)}: "
            f"{sum(known)} responders)"
        )


def _restored(
    kind: type[Cohort | PatientCohort], table: str | bytes, profiles: Profiles, *others: str
) -> Cohort | PatientCohort:
    """A cohort in another process; what is odd about it was told in the first."""
    target, names = others
    inner = {Cohort: _core.Cohort, PatientCohort: _core.PatientCohort}[kind]
    cohort: Any = kind.__new__(kind)
    cohort._cohort = inner(table, profiles._table, target, names)
    cohort._notes = [f"`metadata`: {note}" for _, note in cohort._cohort.notes]
    cohort._source = table, profiles, target, names
    return cohort  # type: ignore[no-any-return]


def as_metadata(metadata: Metadata) -> os.PathLike[str] | str | bytes:
    """A path, the bytes of an open file, or the tab-separated text of a frame."""
    if isinstance(metadata, str | bytes | os.PathLike) or hasattr(metadata, "read"):
        content = path_or_bytes(metadata)
        return content if isinstance(content, bytes) else Path(content)
    frame: Any = metadata
    if hasattr(frame, "to_csv"):
        named = frame.index.name is not None and frame.index.name not in frame.columns
        text: str = frame.to_csv(sep="\t", index=named, lineterminator="\n")
        return text
    if hasattr(frame, "collect"):
        frame = frame.collect()
    columns = frame.to_dict(as_series=False) if hasattr(frame, "to_dict") else None
    if columns is None and hasattr(frame, "to_pydict"):
        columns = frame.to_pydict()
    if columns is None:
        message = (
            "expected a table of metadata as a path, an open file, or a frame of pandas, Polars "
            f"or PyArrow, found {type(metadata).__name__}"
        )
        raise InputError(message)
    rows = zip(*columns.values(), strict=True)
    return _tab_separated(
        [list(columns), *(["" if is_missing(its) else its for its in row] for row in rows)]
    )


def _tab_separated(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(rows)
    return text.getvalue()


def donor_metadata_of(
    donor_metadata: DonorIds, sample_ids: Sequence[str]
) -> str | bytes | os.PathLike[str] | None:
    """A path, or the text of a frame or mapping of samples to donors, as the core reads it."""
    if donor_metadata is None or not isinstance(donor_metadata, Mapping):
        return None if donor_metadata is None else as_metadata(donor_metadata)
    known = set(sample_ids)
    for sample in donor_metadata:
        if sample not in known:
            message = f"`donor_metadata`: no sample `{sample}` among the profiles of the donors"
            raise ParameterError(message)
    rows = [
        (sample, None if is_missing(donor) else donor) for sample, donor in donor_metadata.items()
    ]
    return _tab_separated([("sample_id", "donor_id"), *rows]) if rows else None


def treatment_metadata(
    metadata: Treatments, recipient_ids: Sequence[str]
) -> str | bytes | os.PathLike[str] | None:
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
    return _tab_separated([COLUMNS, *rows]) if rows else None
