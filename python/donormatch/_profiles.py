"""Tables of profiles: what files and frames hold, checked once."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from donormatch import _core, _html
from donormatch._errors import InputError, ParameterError, UnitWarning
from donormatch._harmonize import HarmonizationReport
from donormatch._optional import optional

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import polars as pl
    import scipy.sparse

__all__ = ["Profiles", "read_profiles"]

Unit = Literal["count", "fraction", "percent"]
Orientation = Literal["samples_in_rows", "taxa_in_rows"]
Completeness = Literal["complete", "filtered"]


def read_profiles(
    path: str | os.PathLike[str],
    *,
    unit: Unit | None = None,
    orientation: Orientation | None = None,
    format: str | None = None,
    vocabulary: str | None = None,
    completeness: Completeness | None = None,
    unclassified: Literal["take_out", "keep", "reject"] = "take_out",
    duplicates: Literal["reject", "sum"] = "reject",
    empty_samples: Literal["reject", "drop"] = "reject",
    sample: str | None = None,
    layer: str | None = None,
    taxonomy: str | os.PathLike[str] | None = None,
) -> Profiles:
    r"""Read the profiles of a file; its format is recognized from the content.

    Interior ranks are left out, unclassified abundance is taken out of the columns, and what was
    decided stands in :attr:`Profiles.notes`.

    Parameters
    ----------
    path
        The file, plain or gzipped.
    unit
        ``"count"``, ``"fraction"`` or ``"percent"``; needed only where neither the format nor the
        sums of the samples tell.
    orientation
        ``"samples_in_rows"`` or ``"taxa_in_rows"``, for plain tables whose labels do not tell.
    format
        The format, where the content should not decide.
    vocabulary
        The naming system of the taxa, where the file does not state it.
    completeness
        What a zero means: ``"complete"`` (not detected) or ``"filtered"`` (may be unmeasured).
    unclassified
        What happens to rows such as ``UNCLASSIFIED``.
    duplicates
        What happens to a taxon that occurs twice.
    empty_samples
        What happens to samples without abundance.
    sample
        The id of the sample of a single-sample profile; the file's name by default.
    layer
        The matrix of an AnnData file: ``X`` by default, ``"raw/X"`` or the name of a layer.
    taxonomy
        A QIIME 2 taxonomy (``.qza`` or ``.tsv``) that says what the ids of the taxa stand for.

    Returns
    -------
    Profiles
        The checked table.

    Raises
    ------
    OSError
        The file cannot be opened.
    InputError
        The file cannot be used; the message names line, sample or taxon, and the fix.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> text = "#mpa_vJan21\nclade_name\td1\td2\ns__Blautia_obeum\t100\t100\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "donors.tsv")
    ...     _ = path.write_text(text)
    ...     donors = read_profiles(path)
    >>> donors.unit, donors.vocabulary, donors.sample_ids
    ('percent', 'mpa_vJan21', ['d1', 'd2'])
    """
    options = _options(
        unit=unit,
        orientation=orientation,
        format=format,
        vocabulary=vocabulary,
        completeness=completeness,
        unclassified=unclassified,
        duplicates=duplicates,
        empty_samples=empty_samples,
        sample=sample,
        layer=layer,
        taxonomy=None if taxonomy is None else os.fspath(taxonomy),
    )
    return Profiles._warned(_core.read_profiles(Path(path), options))


class Profiles:
    """Samples × taxa with their unit and vocabulary; immutable and checked.

    Made by :func:`read_profiles` or one of the ``from_`` methods, which give the same table for
    the same data. Sample ids are unique, abundances finite and not negative, and every sample has
    some.

    Examples
    --------
    >>> import numpy as np
    >>> profiles = Profiles.from_numpy(
    ...     np.array([[60.0, 40.0], [0.0, 100.0]]),
    ...     sample_ids=["donor_1", "donor_2"],
    ...     taxa=["s__Segatella_copri", "s__Blautia_obeum"],
    ...     unit="percent",
    ... )
    >>> profiles
    Profiles(2 samples × 2 taxa, unit='percent', vocabulary='unknown', completeness='complete')
    >>> profiles.closure().to_numpy()
    array([[0.6, 0.4],
           [0. , 1. ]])
    """

    __slots__ = ("_table",)

    def __init__(self, table: _core.ProfileTable) -> None:
        self._table = table

    @classmethod
    def _warned(cls, table: _core.ProfileTable) -> Profiles:
        for note in table.notes:
            if note.startswith("the unit is"):
                warnings.warn(f"{note}; pass `unit` to state it", UnitWarning, stacklevel=3)
        return cls(table)

    # ---- in -------------------------------------------------------------------------------------

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
    ) -> Profiles:
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
        options = _options(
            unit=unit,
            vocabulary=vocabulary,
            completeness=completeness,
            orientation="samples_in_rows",
        )
        return cls._warned(
            _core.profiles_from_matrix(
                array, _texts(sample_ids), _texts(taxa), None, _maybe_texts(lineages), options
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
    ) -> Profiles:
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
        options = _options(
            unit=unit,
            vocabulary=vocabulary,
            completeness=completeness,
            orientation="samples_in_rows",
        )
        return cls._warned(
            _core.profiles_from_matrix(
                _CompressedRows(values),
                _texts(sample_ids),
                _texts(taxa),
                None,
                _maybe_texts(lineages),
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
    ) -> Profiles:
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
        options = _options(
            unit=unit, orientation=orientation, vocabulary=vocabulary, completeness=completeness
        )
        array = np.ascontiguousarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))
        rows, columns = _texts(frame.index), _texts(frame.columns)
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
    ) -> Profiles:
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
        options = _options(
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
    ) -> Profiles:
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
    ) -> Profiles:
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
    ) -> Profiles:
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

    # ---- what it is -----------------------------------------------------------------------------

    @property
    def sample_ids(self) -> list[str]:
        """The ids of the samples, one a row."""
        return self._table.sample_ids

    @property
    def taxa(self) -> list[str]:
        """The labels of the taxa, one a column, as the source wrote them."""
        return self._table.taxa

    @property
    def names(self) -> list[str]:
        """The shortest name of each taxon."""
        return self._table.names

    @property
    def lineages(self) -> list[str]:
        """The lineage of each taxon, empty where unknown."""
        return self._table.lineages

    @property
    def unit(self) -> Unit:
        """``"count"``, ``"fraction"`` or ``"percent"``."""
        return self._table.unit

    @property
    def vocabulary(self) -> str:
        """The naming system of the taxa."""
        return self._table.vocabulary

    @property
    def completeness(self) -> Completeness:
        """What a zero means: not detected, or perhaps unmeasured."""
        return self._table.completeness

    @property
    def unclassified(self) -> npt.NDArray[np.float64]:
        """The fraction of each sample that the profiler could not name."""
        return self._table.unclassified

    @property
    def notes(self) -> list[str]:
        """What the reader noticed or decided, one sentence each."""
        return self._table.notes

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of samples and taxa."""
        return self._table.shape

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.shape[0]

    @property
    def n_taxa(self) -> int:
        """Number of taxa."""
        return self.shape[1]

    # ---- other tables ---------------------------------------------------------------------------

    def closure(self) -> Profiles:
        """The same table as fractions, each sample closed to 1 over its columns.

        Returns
        -------
        Profiles
            The table in fractions.
        """
        return Profiles(self._table.closure())

    def select(self, sample_ids: Iterable[str]) -> Profiles:
        """The samples with these ids, in this order.

        Parameters
        ----------
        sample_ids
            Ids that the table holds, each once.

        Returns
        -------
        Profiles
            The smaller table.
        """
        return Profiles(self._table.select(_texts(sample_ids)))

    def harmonize(
        self,
        target: Literal["species", "genus"] = "species",
        *,
        unknown: Literal["keep", "reject", "drop", "roll_up"] = "keep",
    ) -> tuple[Profiles, HarmonizationReport]:
        """The table in the vocabulary of the models, and what became of every taxon.

        Taxa that are one organism are added; nothing is split over several. A second call changes
        nothing.

        Parameters
        ----------
        target
            The rank to bring the table to.
        unknown
            What happens to well-formed names that the vocabulary lacks.

        Returns
        -------
        profiles : Profiles
            The harmonized table.
        report : HarmonizationReport
            One row a taxon: what it became, how, and how much of the samples it is.

        Examples
        --------
        >>> profiles = Profiles.from_numpy(
        ...     [[60, 40]],
        ...     sample_ids=["donor_1"],
        ...     taxa=["s__Bacteroides_vulgatus", "s__Phocaeicola_vulgatus"],
        ...     unit="percent",
        ... )
        >>> harmonized, report = profiles.harmonize()
        >>> harmonized.n_taxa, report.mapped_mass
        (1, {'donor_1': 1.0})
        """
        options = _options(target=target, unknown=unknown)
        table, report = _core.harmonize(self._table, options)
        return Profiles(table), HarmonizationReport._from_json(report)

    def diversity(
        self,
        measure: Literal[
            "richness", "shannon", "simpson", "inverse_simpson", "pielou", "chao1"
        ] = "shannon",
        *,
        base: Literal["natural", "two", "ten"] = "natural",
    ) -> npt.NDArray[np.float64]:
        """One measure of diversity of every sample, in the order of :attr:`sample_ids`.

        Parameters
        ----------
        measure
            ``"chao1"`` needs counts; ``"richness"`` depends on depth.
        base
            Of the logarithm of ``"shannon"``.

        Returns
        -------
        numpy.ndarray
            One number a sample.

        Examples
        --------
        >>> profiles = Profiles.from_numpy(
        ...     [[50, 50]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.diversity("shannon", base="two")
        array([1.])
        """
        return _core.diversity(self._table, measure, base)

    def distances(
        self,
        recipients: Profiles | None = None,
        metric: Literal[
            "bray_curtis", "jaccard", "jensen_shannon", "aitchison", "robust_aitchison"
        ] = "bray_curtis",
        *,
        pseudocount: float = 1.0,
    ) -> npt.NDArray[np.float64]:
        """Distances of these samples (donors) to `recipients`, or to each other.

        Parameters
        ----------
        recipients
            Profiles in the same vocabulary and unit; taxa are matched by label.
        metric
            The distance. Bray-Curtis takes abundances as they are: close counts first.
        pseudocount
            Added to every value for ``"aitchison"``, in the unit of the table.

        Returns
        -------
        numpy.ndarray
            Donors × recipients.

        Examples
        --------
        >>> profiles = Profiles.from_numpy(
        ...     [[50, 50], [100, 0]], sample_ids=["a", "b"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.distances()
        array([[0. , 0.5],
               [0.5, 0. ]])
        """
        if recipients is None:
            return _core.pairwise(self._table, metric, pseudocount)
        return _core.distances(self._table, recipients._table, metric, pseudocount)

    # ---- out ------------------------------------------------------------------------------------

    def to_numpy(self) -> npt.NDArray[np.float64]:
        """The abundances, samples × taxa, with every zero written out.

        Returns
        -------
        numpy.ndarray
            A new array in C order.
        """
        return self._table.to_dense()

    def to_scipy(self) -> scipy.sparse.csr_array:
        """The abundances in compressed sparse rows.

        Returns
        -------
        scipy.sparse.csr_array
            A new matrix of samples × taxa.
        """
        sparse = optional("scipy.sparse", "to_scipy")
        indptr, indices, values = self._table.to_csr()
        return sparse.csr_array((values, indices, indptr), shape=self.shape)

    def to_pandas(self) -> pd.DataFrame:
        """A frame of samples × taxa, the ids of the samples as its index ``sample_id``.

        Returns
        -------
        pandas.DataFrame
            The abundances, columns by label.
        """
        pandas = optional("pandas", "to_pandas")
        index = pandas.Index(self.sample_ids, name="sample_id")
        frame: pd.DataFrame = pandas.DataFrame(self.to_numpy(), index=index, columns=self.taxa)
        return frame

    def to_polars(self) -> pl.DataFrame:
        """A frame with the column ``sample_id`` and one column a taxon.

        Returns
        -------
        polars.DataFrame
            The abundances.
        """
        polars = optional("polars", "to_polars")
        columns = dict(zip(self.taxa, self.to_numpy().T, strict=True))
        return polars.DataFrame({"sample_id": self.sample_ids, **columns})

    def to_anndata(self) -> anndata.AnnData:
        """AnnData with samples in ``obs``, taxa and their lineages in ``var``.

        Unit, vocabulary and completeness stand in ``uns["donormatch"]``, the unclassified fraction
        in ``obs``.

        Returns
        -------
        anndata.AnnData
            Sparse abundances in ``X``.
        """
        package = optional("anndata", "to_anndata")
        pandas = optional("pandas", "to_anndata")
        sparse = optional("scipy.sparse", "to_anndata")
        return package.AnnData(
            X=sparse.csr_matrix(self.to_scipy()),
            obs=pandas.DataFrame({"unclassified": self.unclassified}, index=self.sample_ids),
            var=pandas.DataFrame({"lineage": self.lineages}, index=self.taxa),
            uns={
                "donormatch": {
                    "unit": self.unit,
                    "vocabulary": self.vocabulary,
                    "completeness": self.completeness,
                }
            },
        )

    # ---- Python idiom ---------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.n_samples

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profiles) and self._table == other._table

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self._table.to_bytes(),)

    def __repr__(self) -> str:
        return (
            f"Profiles({self.n_samples} samples × {self.n_taxa} taxa, unit={self.unit!r}, "
            f"vocabulary={self.vocabulary!r}, completeness={self.completeness!r})"
        )

    def _repr_html_(self) -> str:
        rows = zip(self.sample_ids, *self._table.row_summary(), strict=True)
        columns = ["sample_id", "n_taxa", "sum", "most abundant"]
        return _html.table(repr(self), columns, rows, self.n_samples)


def _unpickled(data: bytes) -> Profiles:
    return Profiles(_core.ProfileTable.from_bytes(data))


class _CompressedRows:
    """The parts of a SciPy matrix as the core takes them: sorted, no duplicates, wide indices."""

    __slots__ = ("data", "indices", "indptr", "shape")

    def __init__(self, values: Any) -> None:
        matrix = values.tocsr(copy=True)
        matrix.sum_duplicates()
        self.shape = matrix.shape
        self.indptr = matrix.indptr.astype(np.int64)
        self.indices = matrix.indices.astype(np.int64)
        self.data = matrix.data.astype(np.float64)


def _options(**settings: object) -> str:
    return json.dumps({name: value for name, value in settings.items() if value is not None})


def _texts(labels: Iterable[object]) -> list[str]:
    return [str(label) for label in labels]


def _maybe_texts(labels: Iterable[object] | None) -> list[str] | None:
    return None if labels is None else _texts(labels)


def _biom_lineage(entry: Any) -> str:
    lineage: str | Sequence[str] = (entry or {}).get("taxonomy") or ""
    return lineage if isinstance(lineage, str) else "; ".join(lineage)
