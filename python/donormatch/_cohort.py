"""Tables of transplants and of patients, joined with their profiles."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from donormatch import _core, _html
from donormatch._convert import is_missing, settings_json
from donormatch._errors import InputError, ParameterError, warned
from donormatch._profiles import Profiles
from donormatch._source import Readable, path_or_bytes
from donormatch._table import Table

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

    Examples
    --------
    >>> import pandas as pd
    >>> from donormatch import simulate
    >>> made = simulate(n_donors=2, n_recipients=2)
    >>> profiles = Profiles.merge([made.donors, made.recipients, made.follow_ups])
    >>> one = made.transplants[0]
    >>> table = pd.DataFrame(
    ...     {
    ...         "study": ["made up"],
    ...         "donor": [one["donor_id"]],
    ...         "donor_samples": [one["donor_id"]],
    ...         "recipient": [one["recipient_id"]],
    ...         "baseline": [one["recipient_id"]],
    ...         "follow_up": [one["follow_up_id"]],
    ...         "day": [28],
    ...     }
    ... )
    >>> Cohort(table, profiles)
    Cohort(1 transplants, 1 with follow-up, 0 rows skipped)
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
        self._source = kept(table), profiles, target, names

    @property
    def transplants(self) -> Table[dict[str, Any]]:
        """One record a transplant."""
        return Table(json.loads(self._cohort.transplants()), caption="transplants")

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

    def _repr_html_(self) -> str:
        skipped = _html.table("", ["reason"], ([one] for one in self.skipped), len(self.skipped))
        below = _html.folded(f"{len(self.skipped)} rows skipped", skipped)
        return _known_html(repr(self), self.transplants) + below


class PatientCohort:
    """Patients on checkpoint inhibitors; what response and toxicity are learned from.

    Parameters
    ----------
    metadata : path, open file or frame
        One row a patient, with the columns `sample_id`, `subject`, `study`, `cohort`, `cancer`,
        `response`, `severe_irae` and `day`; only `sample_id` must be there.
    profiles : Profiles
        As in :class:`Cohort`.
    target : {"species", "genus"}, default="species"
        As in :class:`Cohort`.
    columns : mapping of str to str, optional
        As in :class:`Cohort`.

    Examples
    --------
    >>> import pandas as pd
    >>> from donormatch import simulate
    >>> recipients = simulate(n_donors=1, n_recipients=2).recipients
    >>> table = pd.DataFrame({"sample_id": recipients.sample_ids, "response": ["R", "NR"]})
    >>> PatientCohort(table, recipients)
    PatientCohort(2 patients, response known for 2: 1 responders)
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
        self._source = kept(table), profiles, target, names

    @property
    def patients(self) -> Table[dict[str, Any]]:
        """One record a patient."""
        return Table(json.loads(self._cohort.patients()), caption="patients")

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

    def _repr_html_(self) -> str:
        return _known_html(repr(self), self.patients)


def _known_html(caption: str, records: Table[dict[str, Any]]) -> _html.Markup:
    """Of every column for how many rows it is known, and which values are most common."""
    rows = []
    for name in records.columns:
        known = [str(its) for its in records[name] if its is not None]
        common = Counter(known).most_common(4)
        told = ", ".join(f"{value} ({n})" for value, n in common) if len(common) < 4 else ""
        rows.append([name, f"{len(known)} of {len(records)}", told])
    return _html.table(caption, ["column", "known", "values"], rows, len(rows))


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


def kept(table: os.PathLike[str] | str | bytes) -> str | bytes:
    """What a table says, whether or not its file is still there."""
    if isinstance(table, os.PathLike):
        with open(table, "rb") as file:
            return file.read()
    return table


def as_metadata(metadata: Metadata) -> os.PathLike[str] | str | bytes:
    """A path, the bytes of an open file, or the tab-separated text of a frame."""
    if isinstance(metadata, str | bytes | os.PathLike) or hasattr(metadata, "read"):
        content = path_or_bytes(metadata)
        if isinstance(content, bytes):
            return content
        # Imported where it is used: it takes a fifth of the time of importing the package.
        from pathlib import Path

        return Path(content)
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
