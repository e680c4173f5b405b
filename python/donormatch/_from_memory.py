"""Arrays, frames and annotated matrices in memory → profiles."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from donormatch import _core
from donormatch._convert import (
    Completeness,
    Orientation,
    SparseParts,
    Unit,
    maybe_texts,
    options_json,
    texts,
)
from donormatch._errors import InputError, ParameterError, UnitWarning

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
    def _warned(cls, table: _core.ProfileTable) -> Self:
        for note in table.notes:
            if note.startswith("the unit is"):
                warnings.warn(f"{note}; pass `unit` to state it", UnitWarning, stacklevel=3)
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
    ) -> Self:
        """Profiles from an array of samples × taxa in any memory order.

        Parameters
        ----------
        values
            Abundances, one row a sample.
        sample_ids, taxa
            What rows and columns are.
        lineages
            The lineage of each taxon, where its label does not hold it.
        unit, vocabulary, completeness
            As in :func:`read_profiles`.

        Returns
        -------
        Profiles
            The checked table.
        """
        array = np.ascontiguousarray(values, dtype=np.float64)
        if array.ndim != 2:
            message = f"expected an array of samples × taxa, found {array.ndim} dimensions"
            raise InputError(message)
        options = options_json(
            unit=unit,
            vocabulary=vocabulary,
            completeness=completeness,
            orientation="samples_in_rows",
        )
        return cls._warned(
            _core.profiles_from_matrix(
                array, texts(sample_ids), texts(taxa), None, maybe_texts(lineages), options
            )
        )

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
    ) -> Self:
        """Profiles from a SciPy sparse matrix of samples × taxa, of any layout.

        Parameters
        ----------
        values
            Abundances, one row a sample.
        sample_ids, taxa, lineages, unit, vocabulary, completeness
            As in :meth:`from_numpy`.

        Returns
        -------
        Profiles
            The checked table.
        """
        options = options_json(
            unit=unit,
            vocabulary=vocabulary,
            completeness=completeness,
            orientation="samples_in_rows",
        )
        return cls._warned(
            _core.profiles_from_matrix(
                SparseParts(values.tocsr(copy=True)),
                texts(sample_ids),
                texts(taxa),
                None,
                maybe_texts(lineages),
                options,
            )
        )

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
    ) -> Self:
        """Profiles from a pandas frame, whose index (or a column) holds the ids.

        Parameters
        ----------
        frame
            Abundances, samples × taxa or the other way round.
        sample_column
            The column of ids of the rows, where it is not the index.
        unit, orientation, vocabulary, completeness
            As in :func:`read_profiles`.

        Returns
        -------
        Profiles
            The checked table.

        Raises
        ------
        InputError
            The rows have no ids: the index only counts, and no `sample_column` is named.
        """
        if sample_column is not None:
            if sample_column not in frame.columns:
                message = f"`sample_column`: the frame has no column `{sample_column}`"
                raise ParameterError(message)
            frame = frame.set_index(sample_column)
        elif type(frame.index).__name__ == "RangeIndex":
            message = "the rows have no ids: set the index of the frame, or name `sample_column`"
            raise InputError(message)
        for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
            if dtype.kind not in "iufb":
                message = f"column `{name}` holds {dtype}, not numbers"
                raise InputError(message)
        options = options_json(
            unit=unit, orientation=orientation, vocabulary=vocabulary, completeness=completeness
        )
        array = np.ascontiguousarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
        rows, columns = texts(frame.index), texts(frame.columns)
        corner = None if frame.index.name is None else str(frame.index.name)
        return cls._warned(_core.profiles_from_matrix(array, rows, columns, corner, None, options))

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
    ) -> Self:
        """Profiles from anything with the Arrow PyCapsule interface: PyArrow, Polars, DuckDB.

        Parameters
        ----------
        table
            An object with ``__arrow_c_stream__``: one column of ids, the others numbers.
        sample_column
            The column of ids of the rows; the only column of text where absent.
        unit, orientation, vocabulary, completeness
            As in :func:`read_profiles`.

        Returns
        -------
        Profiles
            The checked table.
        """
        if not hasattr(table, "__arrow_c_stream__"):
            message = f"expected a table with `__arrow_c_stream__`, found {type(table).__name__}"
            raise InputError(message)
        options = options_json(
            unit=unit, orientation=orientation, vocabulary=vocabulary, completeness=completeness
        )
        return cls._warned(_core.profiles_from_arrow(table, sample_column, options))

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
    ) -> Self:
        """Profiles from a Polars frame; a lazy frame is collected.

        Parameters
        ----------
        frame
            One column of ids, the others numbers.
        sample_column, unit, orientation, vocabulary, completeness
            As in :meth:`from_arrow`.

        Returns
        -------
        Profiles
            The checked table.
        """
        return cls.from_arrow(
            frame.collect() if hasattr(frame, "collect") else frame,
            sample_column=sample_column,
            unit=unit,
            orientation=orientation,
            vocabulary=vocabulary,
            completeness=completeness,
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
    ) -> Self:
        """Profiles from AnnData: samples in ``obs``, taxa in ``var``.

        Parameters
        ----------
        data
            The annotated matrix.
        layer
            The layer that holds the abundances; ``X`` by default.
        lineage_column
            The column of ``var`` with the lineage of each taxon; ``"lineage"`` where there is one.
        unit, vocabulary, completeness
            As in :func:`read_profiles`; those that :meth:`to_anndata` stored are used by default.

        Returns
        -------
        Profiles
            The checked table.
        """
        if layer is not None and layer not in data.layers:
            message = f"`layer`: expected one of {sorted(data.layers)}, found `{layer}`"
            raise ParameterError(message)
        values = data.X if layer is None else data.layers[layer]
        if values is None:
            message = "the AnnData has no `X`: name a `layer`"
            raise InputError(message)
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
        )

    @classmethod
    def from_biom(
        cls,
        table: Any,
        *,
        unit: Unit | None = None,
        vocabulary: str | None = None,
        completeness: Completeness | None = None,
    ) -> Self:
        """Profiles from a ``biom.Table``, with the lineages of its ``taxonomy`` metadata.

        Parameters
        ----------
        table
            Observations (taxa) × samples, as the format has it.
        unit, vocabulary, completeness
            As in :func:`read_profiles`.

        Returns
        -------
        Profiles
            The checked table.
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
        )


def _biom_lineage(entry: Any) -> str:
    lineage: str | Sequence[str] = (entry or {}).get("taxonomy") or ""
    return lineage if isinstance(lineage, str) else "; ".join(lineage)
