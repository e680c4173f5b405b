"""Tables of profiles: what files and frames hold, checked once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from donormatch import _core, _html
from donormatch._convert import Completeness, Orientation, Unit, options_json, texts
from donormatch._from_memory import FromMemory
from donormatch._harmonize import HarmonizationReport
from donormatch._to_memory import ToMemory

__all__ = ["Profiles", "read_profiles"]


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
    options = options_json(
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


class Profiles(FromMemory, ToMemory):
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

    __slots__ = ()

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
        return Profiles(self._table.select(texts(sample_ids)))

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
        options = options_json(target=target, unknown=unknown)
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
