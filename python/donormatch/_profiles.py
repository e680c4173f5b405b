"""Tables of profiles: what files and frames hold, checked once."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from donormatch import _core, _html
from donormatch._convert import Completeness, Orientation, Unit, options_json, texts
from donormatch._core import Phylogeny
from donormatch._engraftment import ObservedChange
from donormatch._errors import InputError, ParameterError
from donormatch._features import ProfileFeatures
from donormatch._from_memory import FromMemory
from donormatch._harmonize import HarmonizationReport
from donormatch._to_memory import ToMemory

__all__ = ["Decision", "Profiles", "check", "read_profiles", "read_tree"]

Readable: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes] | IO[str] | IO[bytes]"


def read_profiles(
    path: Readable | Sequence[Readable],
    *,
    unit: Unit | None = None,
    orientation: Orientation | None = None,
    format: str | None = None,
    vocabulary: str | None = None,
    completeness: Completeness | None = None,
    ranks: Literal["repeated", "disjoint"] | None = None,
    ignore_columns: Sequence[str] | None = None,
    decimal: Literal[".", ","] = ".",
    unclassified: Literal["take_out", "keep", "reject"] = "take_out",
    duplicates: Literal["reject", "sum"] = "reject",
    empty_samples: Literal["reject", "drop"] = "reject",
    sample: str | None = None,
    layer: str | None = None,
    taxonomy: str | os.PathLike[str] | None = None,
    limits: Mapping[str, int] | None = None,
) -> Profiles:
    r"""Read the profiles of a file; its format is recognized from the content.

    Interior ranks are left out, unclassified abundance is taken out of the columns, and what was
    decided stands in :attr:`Profiles.notes`.

    Parameters
    ----------
    path
        The file, plain or gzipped: a path, an open file, or ``"-"`` for standard input; or
        several, read into one table over the union of their taxa.
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
    ranks
        Whether rows that lie above others repeat their abundance (``"repeated"``) or every row
        holds abundance of its own (``"disjoint"``), where it cannot be told.
    ignore_columns
        Names of columns, or of rows where taxa are rows, that are neither taxa nor samples. With a
        list every other column is taken at its word; an empty list keeps all.
    decimal
        What divides the whole from the decimals of a number in a text.
    unclassified
        What happens to rows such as ``UNCLASSIFIED``.
    duplicates
        What happens to a taxon that occurs twice.
    empty_samples
        What happens to samples without abundance.
    sample
        The id of the sample of a single-sample profile; the file's name by default. Of a file of
        CAMI with several samples, the one to read by its ``@SampleID``.
    layer
        The matrix of an AnnData file: ``X`` by default, ``"raw/X"`` or the name of a layer.
    taxonomy
        A QIIME 2 taxonomy (``.qza`` or ``.tsv``) that says what the ids of the taxa stand for.
    limits
        How much of the file may be held, by name, where the defaults are too low for a genuine
        file or too high for a small machine: ``text_bytes`` (default 2**36), ``held_bytes`` (of
        files held whole, 2**31), ``line_bytes`` (2**25), ``label_bytes`` (2**14), ``nonzeros``
        (2**30), ``axis`` (samples, and taxa, 2**24), ``members`` (of a zip, 10,000), ``nodes`` (of
        a tree, 2**22), ``chunk_bytes`` (of HDF5, 2**28), ``expansion`` (how many times its own
        size packed content may take beyond 16 MiB, 400).

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
        ranks=ranks,
        ignore_columns=None if ignore_columns is None else texts(ignore_columns),
        decimal=decimal,
        unclassified=unclassified,
        duplicates=duplicates,
        empty_samples=empty_samples,
        sample=sample,
        layer=layer,
        taxonomy=None if taxonomy is None else os.fspath(taxonomy),
        limits=limits,
    )
    if isinstance(path, str | bytes | os.PathLike) or hasattr(path, "read"):
        return Profiles._warned(_read(path_or_bytes(path), options), unit)
    several = [path_or_bytes(one) for one in path]
    paths = [one for one in several if not isinstance(one, bytes)]
    if len(paths) == len(several):
        return Profiles._warned(_core.read_many_profiles(paths, options), unit)
    return Profiles._warned(_core.merge_profiles([_read(one, options) for one in several]), unit)


class Decision(NamedTuple):
    """What was decided about a file, and why."""

    question: str
    answer: str
    reason: str


def check(
    path: Readable,
    *,
    content: str | None = None,
    columns: Mapping[str, str] | None = None,
    **options: Any,
) -> list[Decision]:
    r"""Say what a file is taken for, question by question, and do nothing with it.

    Parameters
    ----------
    path
        As in :func:`read_profiles`, one file.
    content
        What it holds, where its columns do not show it: ``"profiles"``, ``"patients"``,
        ``"transplants"``, ``"outcomes"``, ``"donors"``, ``"treatments"`` or ``"screening"``.
    columns
        Which column of a table of metadata plays which role.
    **options
        As in :func:`read_profiles`, which would read profiles with them.

    Returns
    -------
    list of Decision
        Where the header is, the shape, the orientation, the unit and so on, in the order in which
        they were decided; of a table of metadata, which column plays which role, in how many rows
        it is known, and what looks odd.

    Raises
    ------
    InputError
        As reading the file would raise it.
    ParameterError
        An option that :func:`read_profiles` has not got, a word for `content` that is none, or a
        role or column that is not there.

    Examples
    --------
    >>> import io
    >>> text = "taxon,d1\ns__Blautia_obeum,60.5\ns__Dorea_longicatena,39.5\n"
    >>> [one.answer for one in check(io.StringIO(text)) if one.question == "unit"]
    ['percent']
    >>> outcomes = "donor_id,recipient_id,regimen,response\nd1,r1,anti-pd-1,R\n"
    >>> check(io.StringIO(outcomes))[0].answer
    'outcomes'
    """
    known = set(read_profiles.__kwdefaults__ or {})
    if unknown := sorted(set(options) - known):
        message = f"`{unknown[0]}` is no option of `read_profiles`"
        raise ParameterError(message)
    if options.get("ignore_columns") is not None:
        options["ignore_columns"] = texts(options["ignore_columns"])
    if options.get("taxonomy") is not None:
        options["taxonomy"] = os.fspath(options["taxonomy"])
    source, said = path_or_bytes(path), options_json(**options)
    if isinstance(source, bytes):
        found = _core.check_of_bytes(source, content, dict(columns or {}), said)
    else:
        found = _core.check(source, content, dict(columns or {}), said)
    return [Decision(*one) for one in found]


def path_or_bytes(source: object) -> str | bytes:
    """The path that is named, or the bytes of an open file or of standard input."""
    if isinstance(source, str) and source == "-":
        return sys.stdin.buffer.read()
    if isinstance(source, str | bytes | os.PathLike):
        return os.fsdecode(source)
    if hasattr(source, "read"):
        content = source.read()
        return content.encode() if isinstance(content, str) else bytes(content)
    message = f"expected a path or an open file, found {type(source).__name__}"
    raise InputError(message)


def _read(source: str | bytes, options: str) -> _core.ProfileTable:
    if isinstance(source, bytes):
        return _core.read_profiles_of_bytes(source, options)
    return _core.read_profiles(source, options)


def read_tree(
    path: str | os.PathLike[str], *, limits: Mapping[str, int] | None = None
) -> Phylogeny:
    """Read a tree whose tips are taxa, for Faith's diversity and UniFrac.

    Parameters
    ----------
    path
        A Newick file, plain or gzipped, or a QIIME 2 artifact.
    limits
        As in :func:`read_profiles`.

    Returns
    -------
    Phylogeny
        The tree.

    Raises
    ------
    OSError
        The file cannot be opened.
    InputError
        It is not a tree, or a branch has no length or a negative one; the message names it.
    """
    return _core.read_tree(os.fspath(path), options_json(limits=limits))


class Profiles(FromMemory, ToMemory, ProfileFeatures, ObservedChange):
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
        return Profiles(
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
        return Profiles(table), HarmonizationReport._from_json(report)

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
        return Profiles(table), too_shallow

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


def _new_names(
    names: Mapping[str, str] | Callable[[str], str] | None, old: list[str]
) -> dict[str, str]:
    if names is None:
        return {}
    if callable(names):
        return {one: str(names(one)) for one in old}
    return {str(one): str(new) for one, new in names.items()}


def _unpickled(data: bytes) -> Profiles:
    return Profiles(_core.ProfileTable.from_bytes(data))
