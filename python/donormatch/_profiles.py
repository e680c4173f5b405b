"""Tables of profiles: samples × taxa, checked once."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from donormatch import _core, _html
from donormatch._convert import Completeness, Unit, options_json
from donormatch._engraftment import ObservedChange
from donormatch._features import ProfileFeatures
from donormatch._from_memory import FromMemory
from donormatch._harmonize import HarmonizationReport
from donormatch._selection import Selection
from donormatch._to_memory import ToMemory

__all__ = ["Profiles"]


class Profiles(FromMemory, Selection, ToMemory, ProfileFeatures, ObservedChange):
    """Samples × taxa with their unit and vocabulary; immutable and checked.

    Made by :func:`donormatch.read_profiles` or one of the ``from_`` methods, which give the same
    table for the same data. Sample ids are unique, abundances finite and not negative, and every
    sample has some. Samples are chosen by ``[]`` (ids, numbers, masks) and :meth:`where`.

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

    __slots__ = ("_metadata",)

    def __init__(
        self, table: _core.ProfileTable, metadata: Mapping[str, list[Any]] | None = None
    ) -> None:
        super().__init__(table)
        self._metadata = dict(metadata or {})

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
    def depth(self) -> npt.NDArray[np.float64] | None:
        """Reads of each sample where the unit is ``"count"``, else None."""
        return self._table.depth

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
        return self._with(self._table.closure())

    def rename(
        self,
        samples: Mapping[str, str] | Callable[[str], str] | None = None,
        *,
        taxa: Mapping[str, str] | Callable[[str], str] | None = None,
    ) -> Profiles:
        """The same table under other names.

        Parameters
        ----------
        samples
            Old → new ids of samples, or a function of the old one; what is not named stays.
        taxa
            The same of taxa.

        Returns
        -------
        Profiles
            The renamed table.

        Raises
        ------
        InputError
            An old name is not in the table, or two would have one name.

        Examples
        --------
        >>> profiles = Profiles.from_numpy(
        ...     [[100]], sample_ids=["D01.report"], taxa=["s__A"], unit="percent"
        ... )
        >>> profiles.rename({"D01.report": "D01"}).sample_ids
        ['D01']
        """
        return self._with(
            self._table.rename(_new_names(samples, self.sample_ids), _new_names(taxa, self.taxa))
        )

    @classmethod
    def merge(cls, tables: Iterable[Profiles]) -> Profiles:
        """One table of the samples of several, over the union of their taxa.

        Parameters
        ----------
        tables
            Tables in one unit and vocabulary, each sample in one of them; taxa are matched by
            label.

        Returns
        -------
        Profiles
            The samples of the first table, then of the second, and so on.

        Raises
        ------
        InputError
            Units or vocabularies differ, or a sample is in two tables.
        ParameterError
            There is no table.

        Examples
        --------
        >>> one = Profiles.from_numpy([[100]], sample_ids=["a"], taxa=["s__A"], unit="percent")
        >>> two = Profiles.from_numpy([[100]], sample_ids=["b"], taxa=["s__B"], unit="percent")
        >>> Profiles.merge([one, two]).to_numpy()
        array([[100.,   0.],
               [  0., 100.]])
        """
        return cls(_core.merge_profiles([one._table for one in tables]))

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
        return self._picked(table), HarmonizationReport._from_json(report)

    def rarefy(self, depth: int, *, seed: int = 0) -> tuple[Profiles, list[str]]:
        """Every sample at one depth, so that richness, presence and loss can be compared.

        Reads are drawn without replacement, whatever the order of samples and taxa.

        Parameters
        ----------
        depth
            Reads to draw of every sample.
        seed
            Of the draws.

        Returns
        -------
        profiles : Profiles
            The samples that are deep enough, each with `depth` reads.
        too_shallow : list of str
            The ids of the others.

        Raises
        ------
        InputError
            The table is not of whole counts.
        ParameterError
            The depth is 0, or above that of every sample.

        Examples
        --------
        >>> profiles = Profiles.from_numpy(
        ...     [[900, 100], [20, 0]],
        ...     sample_ids=["deep", "shallow"],
        ...     taxa=["s__A", "s__B"],
        ...     unit="count",
        ... )
        >>> rarefied, too_shallow = profiles.rarefy(500)
        >>> rarefied.depth, too_shallow
        (array([500.]), ['shallow'])
        """
        params = options_json(depth=operator.index(depth), seed=operator.index(seed))
        table, too_shallow = _core.rarefy(self._table, params)
        return self._picked(table), too_shallow

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        format: Literal["tsv", "parquet"] = "tsv",
    ) -> None:
        """Write a file that :func:`read_profiles` reads back to the same table.

        Parameters
        ----------
        path
            The file; it is written whole or not at all.
        format
            ``"tsv"``, or ``"parquet"``, which keeps lineages too.
        """
        _core.write_profiles(os.fspath(path), self._table, format)

    # ---- Python idiom ---------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Samples × taxa in the unit of the table, which is made for every call."""
        if copy is False:
            message = "the table is sparse: an array of it is always a copy"
            raise ValueError(message)
        return self.to_numpy().astype(np.float64 if dtype is None else dtype, copy=False)

    def __len__(self) -> int:
        return self.n_samples

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Profiles)
            and self._table == other._table
            and self._metadata == other._metadata
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self._table.to_bytes(), self._metadata)

    def __repr__(self) -> str:
        return (
            f"Profiles({self.n_samples} samples × {self.n_taxa} taxa, unit={self.unit!r}, "
            f"vocabulary={self.vocabulary!r}, completeness={self.completeness!r})"
        )

    def _repr_html_(self) -> str:
        rows = zip(self.sample_ids, *self._table.row_summary(), strict=True)
        columns = ["sample_id", "n_taxa", "sum", "most abundant"]
        beside = {name: its[: _html.MAX_ROWS] for name, its in self._metadata.items()}
        shown = [
            [*row, *(its[at] for its in beside.values())]
            for at, row in zip(range(_html.MAX_ROWS), rows, strict=False)
        ]
        table = _html.table(repr(self), [*columns, *beside], shown, self.n_samples)
        if not self.notes:
            return table
        told = _html.folded(f"{len(self.notes)} notes", _html.sentences(self.notes))
        return _html.Markup(table + told)


def _new_names(
    names: Mapping[str, str] | Callable[[str], str] | None, old: list[str]
) -> dict[str, str]:
    if names is None:
        return {}
    if callable(names):
        return {one: str(names(one)) for one in old}
    return {str(one): str(new) for one, new in names.items()}


def _unpickled(data: bytes, metadata: dict[str, list[Any]]) -> Profiles:
    return Profiles(_core.ProfileTable.from_bytes(data), metadata)
