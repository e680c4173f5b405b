"""Samples of a table of profiles: some of them, one by one, by what is known of them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from donormatch import _core
from donormatch._convert import is_missing, texts
from donormatch._errors import InputError, ParameterError
from donormatch._source import Readable, path_or_bytes
from donormatch._table import Table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from typing_extensions import Self

SampleMetadata: TypeAlias = (
    "Mapping[str, Mapping[str, Any]] | Readable | pd.DataFrame | pl.DataFrame"
)


class Selection:
    """The choice of samples, and metadata beside them, of :class:`donormatch.Profiles`."""

    __slots__ = ()

    _table: _core.ProfileTable
    _metadata: dict[str, list[Any]]

    if TYPE_CHECKING:

        def __init__(
            self, table: _core.ProfileTable, metadata: Mapping[str, list[Any]] | None = None
        ) -> None: ...

    def select(self, sample_ids: Iterable[str]) -> Self:
        """The samples with these ids, in this order.

        Parameters
        ----------
        sample_ids
            Ids that the table holds, each once.

        Returns
        -------
        Profiles
            The smaller table, with its metadata.
        """
        return self._picked(self._table.select(texts(sample_ids)))

    def with_metadata(self, metadata: SampleMetadata, *, id_column: str = "sample_id") -> Self:
        """The same table with columns beside its samples, in place of those it had.

        Parameters
        ----------
        metadata
            A frame or file with the ids of the samples in `id_column` (or in the index of a
            frame), or a mapping of ids to mappings. Rows of other samples are left out. What
            comes from a file is text.
        id_column
            The column of ids.

        Returns
        -------
        Profiles
            The table with :attr:`metadata`.

        Raises
        ------
        InputError
            A sample has no row, or two, or there is no column of ids.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[100], [100]], sample_ids=["a", "b"], taxa=["s__A"], unit="percent"
        ... )
        >>> told = profiles.with_metadata({"a": {"arm": "fmt"}, "b": {"arm": "control"}})
        >>> told.where(arm="fmt").sample_ids
        ['a']
        """
        ids, columns = _columns(metadata, id_column)
        places: dict[str, int] = {}
        for place, name in enumerate(ids):
            if name in places:
                message = f"`metadata`: sample `{name}` has two rows"
                raise InputError(message)
            places[name] = place
        wanted = self._table.sample_ids
        if absent := [name for name in wanted if name not in places]:
            message = (
                f"`metadata`: no row for sample `{absent[0]}` ({len(absent)} of {len(wanted)} "
                f"samples have none): add rows, `select` the others, or name the `id_column`"
            )
            raise InputError(message)
        aligned = {name: [its[places[one]] for one in wanted] for name, its in columns.items()}
        return type(self)(self._table, aligned)

    @property
    def metadata(self) -> Table[dict[str, Any]]:
        """What is known of the samples, one row each, with the column `sample_id` first."""
        header = ["sample_id", *self._metadata]
        rows = zip(self._table.sample_ids, *self._metadata.values(), strict=True)
        return Table(
            [dict(zip(header, row, strict=True)) for row in rows],
            columns=header,
            caption="metadata",
        )

    def where(self, **values: Any) -> Self:
        """The samples whose metadata have these values.

        Parameters
        ----------
        **values
            Columns of :attr:`metadata` with a value, or a list of values any of which will do.

        Returns
        -------
        Profiles
            The samples for which all hold.

        Raises
        ------
        ParameterError
            There is no such column, or no such sample.
        """
        keep = np.ones(len(self._table), dtype=bool)
        for name, value in values.items():
            any_of = value if isinstance(value, list | tuple | set | frozenset) else [value]
            keep &= np.array([one in any_of for one in self._column(name)], dtype=bool)
        if not keep.any():
            told = ", ".join(f"`{name}` {value!r}" for name, value in values.items())
            message = f"no sample has {told}"
            raise ParameterError(message)
        return self[keep]

    def groups(self, column: str) -> dict[Any, Self]:
        """The table parted by a column of its metadata.

        Parameters
        ----------
        column
            A column of :attr:`metadata`; samples without a value are in no group.

        Returns
        -------
        dict
            Values, as they first occur, with their samples.
        """
        found: dict[Any, list[int]] = {}
        for place, value in enumerate(self._column(column)):
            if not is_missing(value) and value != "":
                found.setdefault(value, []).append(place)
        return {value: self[places] for value, places in found.items()}

    def _column(self, name: str) -> list[Any]:
        if name not in self._metadata:
            known = ", ".join(self._metadata) or "none: see `with_metadata`"
            message = f"the metadata have no column `{name}`; columns: {known}"
            raise ParameterError(message)
        return self._metadata[name]

    def _with(self, table: _core.ProfileTable) -> Self:
        """Another table of the same samples in the same order."""
        return type(self)(table, self._metadata)

    def _picked(self, table: _core.ProfileTable) -> Self:
        """Another table of some of the samples, by their ids."""
        if not self._metadata:
            return type(self)(table)
        places = {name: place for place, name in enumerate(self._table.sample_ids)}
        order = [places[name] for name in table.sample_ids]
        return type(self)(
            table, {name: [its[at] for at in order] for name, its in self._metadata.items()}
        )

    def __getitem__(self, key: Any) -> Self:
        """Samples by number, slice, id, list of numbers or ids, or mask; always a table."""
        ids = self._table.sample_ids
        if isinstance(key, str):
            return self.select([key])
        if isinstance(key, slice):
            return self.select(ids[key])
        if isinstance(key, tuple):
            message = "expected samples: taxa are not chosen by `[]`"
            raise ParameterError(message)
        chosen = np.asarray(key)
        if chosen.dtype == bool and chosen.shape != (len(ids),):
            message = f"expected a mask of {len(ids)} samples, found the shape {chosen.shape}"
            raise ParameterError(message)
        if chosen.dtype.kind in "biu":
            return self.select(np.atleast_1d(np.array(ids, dtype=object)[chosen]).tolist())
        return self.select(np.atleast_1d(chosen).tolist())

    def __iter__(self) -> Iterator[Self]:
        return (self.select([name]) for name in self._table.sample_ids)


def _columns(metadata: Any, id_column: str) -> tuple[list[str], dict[str, list[Any]]]:
    """Ids and columns of whatever holds metadata."""
    if isinstance(metadata, Mapping):
        names = list(dict.fromkeys(name for row in metadata.values() for name in row))
        rows = metadata.values()
        return texts(metadata), {name: [row.get(name) for row in rows] for name in names}
    if isinstance(metadata, str | bytes | os.PathLike) or hasattr(metadata, "read"):
        columns = _of_text(path_or_bytes(metadata))
    elif hasattr(metadata, "iloc"):
        frame = metadata if id_column in metadata.columns else metadata.rename_axis(id_column)
        frame = frame if id_column in frame.columns else frame.reset_index()
        columns = {str(name): frame[name].tolist() for name in frame.columns}
    elif hasattr(metadata, "to_pydict"):
        columns = metadata.to_pydict()
    elif hasattr(metadata, "to_dict"):
        columns = metadata.to_dict(as_series=False)
    else:
        message = (
            "`metadata`: expected a mapping, a path, an open file, or a frame of pandas, Polars "
            f"or PyArrow, found {type(metadata).__name__}"
        )
        raise InputError(message)
    if id_column not in columns:
        message = f"`metadata`: no column `{id_column}`; columns: {', '.join(columns)}"
        raise InputError(message)
    return texts(columns[id_column]), {k: v for k, v in columns.items() if k != id_column}


def _of_text(source: str | bytes) -> dict[str, list[Any]]:
    if isinstance(source, str):
        with open(source, encoding="utf-8-sig") as file:
            text = file.read()
    else:
        text = source.decode()
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter="\t" if "\t" in first else ",")
    names = list(rows.fieldnames or [])
    table = list(rows)
    return {name: [row[name] for row in table] for name in names}
