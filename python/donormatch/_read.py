"""Files of profiles and trees → tables that are checked once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from donormatch import _core
from donormatch._convert import Completeness, Orientation, Unit, options_json, texts
from donormatch._core import Phylogeny
from donormatch._errors import ParameterError
from donormatch._profiles import Profiles
from donormatch._source import Readable, path_or_bytes
from donormatch._table import Table

__all__ = ["Decision", "check", "read_profiles", "read_tree"]


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
) -> Table[Decision]:
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
    Table of Decision
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

    See Also
    --------
    read_profiles : Read the profiles.

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
    return Table([Decision(*one) for one in found], caption="what the file is taken for")


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
