"""Tables of results: records that frames take as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, overload

from donormatch import _html
from donormatch._errors import ParameterError
from donormatch._optional import optional

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["Table"]

Row = TypeVar("Row")
# Rows and characters of a line that a terminal shows.
SHOWN, WIDTH = 10, 100


class Table(list[Row]):
    """Rows of a result: a list of records that also knows its columns.

    Whatever takes a list of mappings takes a table. It goes into frames by :meth:`to_pandas` and
    :meth:`to_polars`, and by the Arrow PyCapsule interface into any library that knows it, where
    pyarrow or Polars is installed.

    Parameters
    ----------
    rows : iterable
        Mappings, dataclasses or named tuples.
    columns : sequence of str, optional
        Names of the columns in order; by default those of the rows, as they first occur.
    caption : str, optional
        What the table is.

    Examples
    --------
    >>> table = Table([{"donor_id": "d1", "fit": {"lo": 0.2, "hi": 0.5}}, {"donor_id": "d2"}])
    >>> table.columns
    ['donor_id', 'fit_lo', 'fit_hi']
    >>> table["donor_id"]
    ['d1', 'd2']
    >>> table[0]["fit"]["hi"]
    0.5
    >>> table
    donor_id  fit_lo  fit_hi
    d1        0.2     0.5
    d2
    """

    __slots__ = ("_columns", "caption")

    def __init__(
        self,
        rows: Iterable[Row] = (),
        *,
        columns: Sequence[str] | None = None,
        caption: str = "",
    ) -> None:
        super().__init__(rows)
        self._columns = None if columns is None else list(columns)
        #: What the table is.
        self.caption = caption

    @property
    def columns(self) -> list[str]:
        """The names of the columns; what is nested is joined by ``_``."""
        if self._columns is not None:
            return list(self._columns)
        return list(dict.fromkeys(name for record in self._flat() for name in record))

    @property
    def records(self) -> list[dict[str, Any]]:
        """One flat mapping a row, every column in each; None where a row has no such value."""
        columns, rows = self._columns, list(self._flat())
        if columns is None:
            columns = list(dict.fromkeys(name for record in rows for name in record))
        return [{name: record.get(name) for name in columns} for record in rows]

    def to_pandas(self) -> pd.DataFrame:
        """The table as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a record; words of a list are joined by ``;``.
        """
        frame: pd.DataFrame = optional("pandas", "to_pandas").DataFrame(
            self.records, columns=self.columns
        )
        return frame

    def to_polars(self) -> pl.DataFrame:
        """The table as a frame.

        Returns
        -------
        polars.DataFrame
            One row a record; words of a list are joined by ``;``.
        """
        return optional("polars", "to_polars").DataFrame(self._by_column(), strict=False)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        try:
            arrow: Any = optional("pyarrow", "an Arrow stream").table(self._by_column())
        except ImportError:
            arrow = self.to_polars()
        return arrow.__arrow_c_stream__(requested_schema)

    def _by_column(self) -> dict[str, list[Any]]:
        records = self.records
        return {name: [record[name] for record in records] for name in self.columns}

    def _flat(self) -> Iterator[dict[str, Any]]:
        return (dict(_flattened("", _record(row))) for row in self)

    @overload
    def __getitem__(self, key: SupportsIndex) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> Table[Row]: ...
    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> Row | Table[Row] | list[Any]:
        """A row by its number, some rows by a slice, or a column by its name."""
        if isinstance(key, str):
            if key not in self.columns:
                message = f"the table has no column `{key}`: it has {', '.join(self.columns)}"
                raise ParameterError(message)
            return [record[key] for record in self.records]
        if isinstance(key, slice):
            return Table(super().__getitem__(key), columns=self._columns, caption=self.caption)
        return super().__getitem__(key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (list(self), self._columns, self.caption)

    def __repr__(self) -> str:
        columns = self.columns
        if not columns:
            return f"Table({len(self)} rows)"
        lines = [columns]
        for record in self[:SHOWN].records:
            lines.append([_html.text(record.get(name)) for name in columns])
        widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
        ends = [sum(widths[: at + 1]) + 2 * at for at in range(len(columns))]
        n_fit = max(1, sum(end <= WIDTH for end in ends))
        shown = ["  ".join(map(str.ljust, line[:n_fit], widths)).rstrip() for line in lines]
        hidden = [f"{len(self)} rows in all"] if len(self) > SHOWN else []
        if n_fit < len(columns):
            hidden.append(f"{len(columns) - n_fit} more columns: see `columns`, `to_pandas()`")
        return "\n".join([*shown, *([f"… {', '.join(hidden)}"] if hidden else [])])

    def _repr_html_(self) -> str:
        columns = self.columns
        shown = self[: _html.MAX_ROWS].records
        rows = [[record.get(name) for name in columns] for record in shown]
        return _html.table(self.caption, columns, rows, len(self))


def _restored(rows: list[Any], columns: list[str] | None, caption: str) -> Table[Any]:
    return Table(rows, columns=columns, caption=caption)


def _record(row: Any) -> Mapping[str, Any]:
    if isinstance(row, Mapping):
        return row
    if is_dataclass(row) and not isinstance(row, type):
        return asdict(row)
    if hasattr(row, "_asdict"):
        named: dict[str, Any] = row._asdict()
        return named
    message = f"expected a mapping, a dataclass or a named tuple, found {type(row).__name__}"
    raise ParameterError(message)


def _word(value: Any) -> str:
    return json.dumps(value) if isinstance(value, Mapping) else str(value)


def _flattened(prefix: str, record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flattened(f"{prefix}{name}_", value)
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ";".join(map(_word, value))
        else:
            yield f"{prefix}{name}", value
