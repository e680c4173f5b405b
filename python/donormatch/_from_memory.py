"""Arrays, frames and annotated matrices in memory → profiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from donormatch import _core
from donormatch._convert import (
    Completeness,
    Duplicates,
    EmptySamples,
    Orientation,
    Ranks,
    SparseParts,
    Unit,
    maybe_list,
    maybe_texts,
    options_json,
    present,
    texts,
)
from donormatch._errors import InputError, ParameterError, UnitWarning, warn

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import polars as pl
    import scipy.sparse
    from typing_extensions import Self


class FromMemory:
    """The ways into :class:`donormatch.Profiles` from objects in memory."""

    __slots__ = ("_table",)

    def __init__(self, table: _core.ProfileTable) -> None:
        self._table = table

    @classmethod
    def _warned(cls, table: _core.ProfileTable, unit: Unit | None) -> Self:
        for note in table.notes:
            if unit is None and note.startswith("the unit is"):
                message = f"{note}; pass `unit` to state it"
                warn(message, UnitWarning)
        return cls(table)

    @classmethod
    def from_numpy(
        cls,
        values: npt.ArrayLike,
        *,
        sample_ids: Iterable[str],
        taxa: Iterable[str],
        lineages: Iterable[str] | None = None,
        unit: Unit | None = None,
        vocabulary: str | None = None,
        completeness: Completeness | None = None,
        ranks: Ranks | None = None,
        ignore_columns: Sequence[str] | None = None,
        duplicates: Duplicates = "reject",
        empty_samples: EmptySamples = "reject",
    ) -> Self:
        """Profiles from an array of samples × taxa in any memory order.

        Parameters
        ----------
        values : array_like
            Abundances, one row a sample.
        sample_ids, taxa : iterable of str
            What rows and columns are.
        lineages : iterable of str, optional
            The lineage of each taxon, where its label does not hold it.
        unit : {"count", "fraction", "percent"}, optional
            As in :func:`read_profiles`.
        vocabulary : str, optional
            As in :func:`read_profiles`.
        completeness : {"complete", "filtered"}, optional
            As in :func:`read_profiles`.
        ranks : {"repeated", "disjoint"}, optional
            As in :func:`read_profiles`.
        ignore_columns : sequence of str, optional
            As in :func:`read_profiles`.
        duplicates : {"reject", "sum"}, default="reject"
            As in :func:`read_profiles`.
        empty_samples : {"reject", "drop"}, default="reject"
            As in :func:`read_profiles`.

        Returns
        -------
        Profiles
            The checked table.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        Profiles(1 samples × 2 taxa, unit='percent', vocabulary='unknown', completeness='complete')
        """
        array = np.ascontiguousarray(present("values", values), dtype=np.float64)
        if array.ndim != 2:
            message = f"expected an array of samples × taxa, found {array.ndim} dimensions"
            raise InputError(message)
        options = options_json(
            unit=unit,
            vocabulary=vocabulary,
            completeness=completeness,
            ranks=ranks,
            ignore_columns=maybe_list(ignore_columns),
            duplicates=duplicates,
            empty_samples=empty_samples,
            orientation="samples_in_rows",
        )
        rows, columns = texts(sample_ids, "sample id"), texts(taxa, "taxon")
        found = _core.profiles_from_matrix(
            array, rows, columns, None, maybe_texts(lineages), options
        )
        return cls._warned(found, unit)

    @classmethod
    def from_scipy(
        cls,
        values: scipy.sparse.sparray | scipy.sparse.spmatrix,
        *,
        sample_ids: Iterable[str],
        taxa: Iterable[str],
        lineages: Iterable[str] | None = None,
        unit: Unit | None = None,
        vocabulary: str | None = None,
        completeness: Completeness | None = None,
        ranks: Ranks | None = None,
        ignore_columns: Sequence[str] | None = None,
        duplicates: Duplicates = "reject",
        empty_samples: EmptySamples = "reject",
    ) -> Self:
        """Profiles from a SciPy sparse matrix of samples × taxa, of any layout.

        Parameters
        ----------
        values : scipy.sparse.sparray or scipy.sparse.spmatrix
            Abundances, one row a sample.
        sample_ids : iterable of str
            As in :meth:`from_numpy`.
        taxa : iterable of str
            As in :meth:`from_numpy`.
        lineages : iterable of str, optional
            As in :meth:`from_numpy`.
        unit : {"count", "fraction", "percent"}, optional
            As in :meth:`from_numpy`.
        vocabulary : str, optional
            As in :meth:`from_numpy`.
        completeness : {"complete", "filtered"}, optional
            As in :meth:`from_numpy`.
        ranks : {"repeated", "disjoint"}, optional
            As in :meth:`from_numpy`.
        ignore_columns : sequence of str, optional
            As in :meth:`from_numpy`.
        duplicates : {"reject", "sum"}, default="reject"
            As in :meth:`from_numpy`.
        empty_samples : {"reject", "drop"}, default="reject"
            As in :meth:`from_numpy`.

        Returns
        -------
        Profiles
            The checked table.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> from scipy.sparse import csr_array
        >>> counts = csr_array([[900, 0, 100]])
        >>> taxa = ["s__A", "s__B", "s__C"]
        >>> Profiles.from_scipy(counts, sample_ids=["a"], taxa=taxa, unit="count").depth
        array([1000.])
        """
        options = options_json(
            unit=unit,
            vocabulary=vocabulary,
            completeness=completeness,
            ranks=ranks,
            ignore_columns=maybe_list(ignore_columns),
            duplicates=duplicates,
            empty_samples=empty_samples,
            orientation="samples_in_rows",
        )
        rows, columns = texts(sample_ids, "sample id"), texts(taxa, "taxon")
        parts = SparseParts(values.tocsr(copy=True))
        found = _core.profiles_from_matrix(
            parts, rows, columns, None, maybe_texts(lineages), options
        )
        return cls._warned(found, unit)

    @classmethod
    def from_pandas(
        cls,
        frame: pd.DataFrame,
        *,
        sample_column: str | None = None,
        unit: Unit | None = None,
        orientation: Orientation | None = None,
        vocabulary: str | None = None,
        completeness: Completeness | None = None,
        ranks: Ranks | None = None,
        ignore_columns: Sequence[str] | None = None,
        duplicates: Duplicates = "reject",
        empty_samples: EmptySamples = "reject",
    ) -> Self:
        """Profiles from a pandas frame, whose index (or a column) holds the ids.

        Parameters
        ----------
        frame : pandas.DataFrame
            Abundances, samples × taxa or the other way round.
        sample_column : str, optional
            The column of ids of the rows, where it is not the index.
        unit : {"count", "fraction", "percent"}, optional
            As in :func:`read_profiles`.
        orientation : {"samples_in_rows", "taxa_in_rows"}, optional
            As in :func:`read_profiles`.
        vocabulary : str, optional
            As in :func:`read_profiles`.
        completeness : {"complete", "filtered"}, optional
            As in :func:`read_profiles`.
        ranks : {"repeated", "disjoint"}, optional
            As in :func:`read_profiles`.
        ignore_columns : sequence of str, optional
            As in :func:`read_profiles`.
        duplicates : {"reject", "sum"}, default="reject"
            As in :func:`read_profiles`.
        empty_samples : {"reject", "drop"}, default="reject"
            As in :func:`read_profiles`.

        Returns
        -------
        Profiles
            The checked table.

        Raises
        ------
        InputError
            The rows have no ids: the index only counts, and no `sample_column` is named.

        Examples
        --------
        >>> import pandas as pd
        >>> from donormatch import Profiles
        >>> frame = pd.DataFrame({"s__A": [60.0], "s__B": [40.0]}, index=["a"])
        >>> Profiles.from_pandas(frame, unit="percent").sample_ids
        ['a']
        """
        if sample_column is not None:
            if sample_column not in frame.columns:
                message = f"`sample_column`: the frame has no column `{sample_column}`"
                raise ParameterError(message)
            frame = frame.set_index(sample_column)
        elif type(frame.index).__name__ == "RangeIndex":
            message = "the rows have no ids: set the index of the frame, or name `sample_column`"
            raise InputError(message)
        if ignore_columns is not None:
            ignored = [name for name in frame.columns if str(name) in ignore_columns]
            frame = frame.drop(columns=ignored)
            left_out = {str(name) for name in ignored}
            ignore_columns = [name for name in ignore_columns if name not in left_out]
        for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
            if dtype.kind not in "iufb":
                message = (
                    f"column `{name}` holds {dtype}, not numbers: leave it out by `ignore_columns`"
                )
                raise InputError(message)
        options = options_json(
            unit=unit,
            orientation=orientation,
            vocabulary=vocabulary,
            completeness=completeness,
            ranks=ranks,
            ignore_columns=maybe_list(ignore_columns),
            duplicates=duplicates,
            empty_samples=empty_samples,
        )
        array = np.ascontiguousarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
        rows, columns = (
            texts(frame.index, "the label of row"),
            texts(frame.columns, "the label of column"),
        )
        corner = None if frame.index.name is None else str(frame.index.name)
        return cls._warned(
            _core.profiles_from_matrix(array, rows, columns, corner, None, options), unit
        )

    @classmethod
    def from_arrow(
        cls,
        table: Any,
        *,
        sample_column: str | None = None,
        unit: Unit | None = None,
        orientation: Orientation | None = None,
        vocabulary: str | None = None,
        completeness: Completeness | None = None,
        ranks: Ranks | None = None,
        ignore_columns: Sequence[str] | None = None,
        duplicates: Duplicates = "reject",
        empty_samples: EmptySamples = "reject",
    ) -> Self:
        """Profiles from anything with the Arrow PyCapsule interface: PyArrow, Polars, DuckDB.

        Parameters
        ----------
        table : object
            An object with ``__arrow_c_stream__``: one column of ids, the others numbers.
        sample_column : str, optional
            The column of ids of the rows; the only column of text where absent.
        unit : {"count", "fraction", "percent"}, optional
            As in :func:`read_profiles`.
        orientation : {"samples_in_rows", "taxa_in_rows"}, optional
            As in :func:`read_profiles`.
        vocabulary : str, optional
            As in :func:`read_profiles`.
        completeness : {"complete", "filtered"}, optional
            As in :func:`read_profiles`.
        ranks : {"repeated", "disjoint"}, optional
            As in :func:`read_profiles`.
        ignore_columns : sequence of str, optional
            As in :func:`read_profiles`.
        duplicates : {"reject", "sum"}, default="reject"
            As in :func:`read_profiles`.
        empty_samples : {"reject", "drop"}, default="reject"
            As in :func:`read_profiles`.

        Returns
        -------
        Profiles
            The checked table.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from donormatch import Profiles
        >>> table = pa.table({"sample_id": ["a"], "s__A": [60.0], "s__B": [40.0]})
        >>> Profiles.from_arrow(table, unit="percent").taxa
        ['s__A', 's__B']
        """
        if not hasattr(table, "__arrow_c_stream__"):
            message = f"expected a table with `__arrow_c_stream__`, found {type(table).__name__}"
            raise InputError(message)
        options = options_json(
            unit=unit,
            orientation=orientation,
            vocabulary=vocabulary,
            completeness=completeness,
            ranks=ranks,
            ignore_columns=maybe_list(ignore_columns),
            duplicates=duplicates,
            empty_samples=empty_samples,
        )
        return cls._warned(_core.profiles_from_arrow(table, sample_column, options), unit)

    @classmethod
    def from_polars(
        cls,
        frame: pl.DataFrame | pl.LazyFrame,
        *,
        sample_column: str | None = None,
        unit: Unit | None = None,
        orientation: Orientation | None = None,
        vocabulary: str | None = None,
        completeness: Completeness | None = None,
        ranks: Ranks | None = None,
        ignore_columns: Sequence[str] | None = None,
        duplicates: Duplicates = "reject",
        empty_samples: EmptySamples = "reject",
    ) -> Self:
        """Profiles from a Polars frame; a lazy frame is collected.

        Parameters
        ----------
        frame : polars.DataFrame or pl.LazyFrame
            One column of ids, the others numbers.
        sample_column : str, optional
            As in :meth:`from_arrow`.
        unit : {"count", "fraction", "percent"}, optional
            As in :meth:`from_arrow`.
        orientation : {"samples_in_rows", "taxa_in_rows"}, optional
            As in :meth:`from_arrow`.
        vocabulary : str, optional
            As in :meth:`from_arrow`.
        completeness : {"complete", "filtered"}, optional
            As in :meth:`from_arrow`.
        ranks : {"repeated", "disjoint"}, optional
            As in :meth:`from_arrow`.
        ignore_columns : sequence of str, optional
            As in :meth:`from_arrow`.
        duplicates : {"reject", "sum"}, default="reject"
            As in :meth:`from_arrow`.
        empty_samples : {"reject", "drop"}, default="reject"
            As in :meth:`from_arrow`.

        Returns
        -------
        Profiles
            The checked table.

        Examples
        --------
        >>> import polars as pl
        >>> from donormatch import Profiles
        >>> frame = pl.DataFrame({"sample_id": ["a"], "s__A": [60.0], "s__B": [40.0]})
        >>> Profiles.from_polars(frame, unit="percent").taxa
        ['s__A', 's__B']
        """
        return cls.from_arrow(
            frame.collect() if hasattr(frame, "collect") else frame,
            sample_column=sample_column,
            unit=unit,
            orientation=orientation,
            vocabulary=vocabulary,
            completeness=completeness,
            ranks=ranks,
            ignore_columns=maybe_list(ignore_columns),
            duplicates=duplicates,
            empty_samples=empty_samples,
        )

    @classmethod
    def from_anndata(
        cls,
        data: anndata.AnnData,
        *,
        layer: str | None = None,
        lineage_column: str | None = None,
        unit: Unit | None = None,
        vocabulary: str | None = None,
        completeness: Completeness | None = None,
        ranks: Ranks | None = None,
        ignore_columns: Sequence[str] | None = None,
        duplicates: Duplicates = "reject",
        empty_samples: EmptySamples = "reject",
    ) -> Self:
        """Profiles from AnnData: samples in ``obs``, taxa in ``var``.

        Parameters
        ----------
        data : anndata.AnnData
            The annotated matrix.
        layer : str, optional
            The layer that holds the abundances; ``X`` by default.
        lineage_column : str, optional
            The column of ``var`` with the lineage of each taxon; ``"lineage"`` where there is one.
        unit : {"count", "fraction", "percent"}, optional
            As in :func:`read_profiles`; those that :meth:`to_anndata` stored are used by default.
        vocabulary : str, optional
            As in :func:`read_profiles`; those that :meth:`to_anndata` stored are used by default.
        completeness : {"complete", "filtered"}, optional
            As in :func:`read_profiles`; those that :meth:`to_anndata` stored are used by default.
        ranks : {"repeated", "disjoint"}, optional
            As in :func:`read_profiles`.
        ignore_columns : sequence of str, optional
            As in :func:`read_profiles`.
        duplicates : {"reject", "sum"}, default="reject"
            As in :func:`read_profiles`; those that :meth:`to_anndata` stored are used by default.
        empty_samples : {"reject", "drop"}, default="reject"
            As in :func:`read_profiles`; those that :meth:`to_anndata` stored are used by default.

        Returns
        -------
        Profiles
            The checked table.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> Profiles.from_anndata(profiles.to_anndata()) == profiles
        True
        """
        if layer is not None and layer not in data.layers:
            message = f"`layer`: expected one of {sorted(data.layers)}, found `{layer}`"
            raise ParameterError(message)
        values = data.X if layer is None else data.layers[layer]
        if values is None:
            message = "the AnnData has no `X`: name a `layer`"
            raise InputError(message)
        # A sparse matrix that stays on disk, or an array that is computed later.
        for load in ("to_memory", "compute"):
            values = getattr(values, load)() if hasattr(values, load) else values
        if lineage_column is None and "lineage" in data.var:
            lineage_column = "lineage"
        stored = data.uns.get("donormatch", {})
        build = cls.from_scipy if hasattr(values, "tocsr") else cls.from_numpy
        return build(
            values,
            sample_ids=data.obs_names,
            taxa=data.var_names,
            lineages=None if lineage_column is None else data.var[lineage_column],
            unit=unit or stored.get("unit"),
            vocabulary=vocabulary or stored.get("vocabulary"),
            completeness=completeness or stored.get("completeness"),
            ranks=ranks,
            ignore_columns=ignore_columns,
            duplicates=duplicates,
            empty_samples=empty_samples,
        )

    @classmethod
    def from_biom(
        cls,
        table: Any,
        *,
        unit: Unit | None = None,
        vocabulary: str | None = None,
        completeness: Completeness | None = None,
        ranks: Ranks | None = None,
        ignore_columns: Sequence[str] | None = None,
        duplicates: Duplicates = "reject",
        empty_samples: EmptySamples = "reject",
    ) -> Self:
        """Profiles from a ``biom.Table``, with the lineages of its ``taxonomy`` metadata.

        Parameters
        ----------
        table : object
            Observations (taxa) × samples, as the format has it.
        unit : {"count", "fraction", "percent"}, optional
            As in :func:`read_profiles`.
        vocabulary : str, optional
            As in :func:`read_profiles`.
        completeness : {"complete", "filtered"}, optional
            As in :func:`read_profiles`.
        ranks : {"repeated", "disjoint"}, optional
            As in :func:`read_profiles`.
        ignore_columns : sequence of str, optional
            As in :func:`read_profiles`.
        duplicates : {"reject", "sum"}, default="reject"
            As in :func:`read_profiles`.
        empty_samples : {"reject", "drop"}, default="reject"
            As in :func:`read_profiles`.

        Returns
        -------
        Profiles
            The checked table.

        Examples
        --------
        >>> import numpy as np
        >>> from biom import Table
        >>> from donormatch import Profiles
        >>> counts = Table(np.array([[900], [100]]), ["s__A", "s__B"], ["a"])
        >>> Profiles.from_biom(counts, unit="count").to_numpy()
        array([[900., 100.]])
        """
        metadata = table.metadata(axis="observation") or [None] * table.shape[0]
        lineages = [_biom_lineage(entry) for entry in metadata]
        return cls.from_scipy(
            table.matrix_data.T,
            sample_ids=table.ids(axis="sample"),
            taxa=table.ids(axis="observation"),
            lineages=lineages if any(lineages) else None,
            unit=unit,
            vocabulary=vocabulary,
            completeness=completeness,
            ranks=ranks,
            ignore_columns=maybe_list(ignore_columns),
            duplicates=duplicates,
            empty_samples=empty_samples,
        )


def _biom_lineage(entry: Any) -> str:
    lineage: str | Sequence[str] = (entry or {}).get("taxonomy") or ""
    return lineage if isinstance(lineage, str) else "; ".join(lineage)
