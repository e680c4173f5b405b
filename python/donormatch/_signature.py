"""Named, versioned lists of taxa, and what a table holds of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from donormatch import _core, _html
from donormatch._optional import optional
from donormatch._table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Member", "Membership", "Signature", "signature", "signature_names", "signatures"]

MemberStatus = Literal["measured", "not_detected", "not_measurable"]


@dataclass(frozen=True)
class Member:
    """One member of a :class:`Signature`.

    Attributes
    ----------
    name : str
        The name as the list gives it.
    keys : tuple of str
        The names it goes by in the vocabulary of the models, any of which counts: species
        (``"Blautia_wexlerae"``), or clades with prefix (``"g__Roseburia"``) for all that is in
        them.
    """

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Signature:
    r"""A named, versioned list of taxa, with where it comes from.

    Got by :func:`signature`, :meth:`read` or :meth:`parse`.

    Attributes
    ----------
    name : str
        The name by which it is selected.
    version : int
        Rises with every change of members.
    title : str
        What it is, in one line.
    members : tuple of Member
        The members, in the order of the source.
    source : str
        Where it comes from.
    evidence : str
        What speaks for and against it.
    grade : str
        How good the evidence is: ``replicated``, ``single_study``, ``contested``, ``marker``,
        ``no_link`` or ``unrated``.

    Examples
    --------
    >>> mine = Signature.parse("# name: butyrate\ntaxon\nRoseburia hominis\nBlautia obeum\n")
    >>> mine
    Signature('butyrate', version=1, 2 members)
    >>> mine.members[0].keys
    ('Roseburia_hominis',)
    """

    name: str
    version: int
    title: str
    members: tuple[Member, ...]
    source: str
    evidence: str
    grade: str = "unrated"

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Signature:
        r"""A list of one's own.

        Parameters
        ----------
        path : str or path
            A TSV, plain or gzipped, with a column `taxon`; lines ``# name:``, ``# version:``,
            ``# title:``, ``# source:``, ``# grade:`` and ``# evidence:`` before it say what it is.
            Names may be in any vocabulary; several names of one member are separated by commas.
            Where no line gives the name, the file does.

        Returns
        -------
        Signature
            The list.

        Raises
        ------
        OSError
            The file cannot be opened.
        InputError
            There is no column `taxon`, no member, or one member twice.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "butyrate.tsv")
        ...     _ = path.write_text("taxon\nRoseburia hominis\n")
        ...     Signature.read(path).name
        'butyrate'
        """
        return cls._from_record(json.loads(_core.read_signature(os.fspath(path))))

    @classmethod
    def parse(cls, text: str) -> Signature:
        r"""The same from text in memory.

        Parameters
        ----------
        text : str
            What the file of :meth:`read` would hold; the name is empty where no line gives it.

        Returns
        -------
        Signature
            The list.

        Raises
        ------
        InputError
            There is no column `taxon`, no member, or one member twice.

        Examples
        --------
        >>> Signature.parse("taxon\nRoseburia hominis\n").members[0].name
        'Roseburia hominis'
        """
        return cls._from_record(json.loads(_core.parse_signature(text)))

    @classmethod
    def _from_record(cls, record: dict[str, Any]) -> Signature:
        members = (Member(one["name"], tuple(one["keys"])) for one in record["members"])
        return cls(**{**record, "members": tuple(members)})

    def __len__(self) -> int:
        return len(self.members)

    def __repr__(self) -> str:
        return f"Signature({self.name!r}, version={self.version}, {len(self)} members)"

    def _repr_html_(self) -> str:
        rows = ((member.name, ", ".join(member.keys)) for member in self.members)
        return _html.table(repr(self), ["member", "keys"], rows, len(self))


def signature_names() -> list[str]:
    """The names of the built-in signatures.

    Returns
    -------
    list of str
        What :func:`signature` takes.

    Examples
    --------
    >>> "toposcore_sig1" in signature_names()
    True
    """
    return _core.signature_names()


def signature(name: str) -> Signature:
    """The built-in signature of this name.

    Parameters
    ----------
    name : str
        One of :func:`signature_names`.

    Returns
    -------
    Signature
        The list with its version, source and evidence.

    Raises
    ------
    ParameterError
        There is none of this name; the message lists those there are.

    Examples
    --------
    >>> sig1 = signature("toposcore_sig1")
    >>> sig1.version, len(sig1.members)
    (1, 37)
    """
    return Signature._from_record(json.loads(_core.signature(name)))


def signatures() -> Table[Signature]:
    """All built-in signatures.

    Returns
    -------
    Table of Signature
        In the order of :func:`signature_names`.

    Examples
    --------
    >>> [one.name for one in signatures()][:2]
    ['toposcore_sig1', 'toposcore_sig2']
    """
    found = [Signature._from_record(one) for one in json.loads(_core.signatures())]
    columns = ["name", "version", "title", "source", "evidence"]
    return Table(found, columns=columns, caption="built-in signatures")


@dataclass(frozen=True, eq=False, repr=False)
class Membership:
    """A :class:`Signature` laid over one table: what each sample holds of it.

    Attributes
    ----------
    signature : str
        The name of the signature.
    version : int
        Its version.
    members : list of str
        The names of the members.
    taxa : list of list of str
        The labels of the columns of each member; their abundances are summed.
    status : list of str
        Of each member ``"measured"``, ``"not_detected"`` (no column in a complete table) or
        ``"not_measurable"`` (no column, but it may have been there: the table was filtered, or
        does not reach down to species).
    reaches_species : bool
        Whether any column of the table is a species that the vocabulary of the models knows.
    sample_ids : list of str
        The samples.
    n_present : numpy.ndarray
        For each sample, the number of members with an abundance above 0; where members are not
        measurable, the least number.
    summed_fraction : numpy.ndarray
        For each sample, the fraction that all members hold together, each column once: of a
        complete table the fraction of the named abundance, of a filtered one that as written.
    """

    signature: str
    version: int
    members: list[str]
    taxa: list[list[str]]
    status: list[MemberStatus]
    reaches_species: bool
    sample_ids: list[str]
    n_present: npt.NDArray[np.int64]
    summed_fraction: npt.NDArray[np.float64]

    @property
    def n_not_measurable(self) -> int:
        """Number of members that the table cannot speak of."""
        return self.status.count("not_measurable")

    @property
    def members_without_column(self) -> list[str]:
        """The members without a column: not detected, or not measurable."""
        pairs = zip(self.members, self.status, strict=True)
        return [member for member, status in pairs if status != "measured"]

    def to_pandas(self) -> pd.DataFrame:
        """What each sample holds, as ``donormatch signatures FILE`` prints it.

        Returns
        -------
        pandas.DataFrame
            ``sample_id signature version n_members n_not_measurable n_present summed_fraction``,
            one row a sample.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.membership("bifidobacterium").to_pandas()[["sample_id", "n_present"]]
          sample_id  n_present
        0         a          0
        """
        frame: pd.DataFrame = optional("pandas", "to_pandas").DataFrame(
            {
                "sample_id": self.sample_ids,
                "signature": self.signature,
                "version": self.version,
                "n_members": len(self.members),
                "n_not_measurable": self.n_not_measurable,
                "n_present": self.n_present,
                "summed_fraction": self.summed_fraction,
            }
        )
        return frame

    def _repr_html_(self) -> str:
        rows = zip(self.sample_ids, self.n_present, self.summed_fraction, strict=True)
        columns = ["sample_id", "n_present", "summed_fraction"]
        return _html.table(repr(self), columns, rows, len(self.sample_ids))

    def __repr__(self) -> str:
        n_measured = self.status.count("measured")
        return (
            f"Membership({self.signature!r}, {n_measured} of {len(self.members)} members measured, "
            f"{len(self.sample_ids)} samples)"
        )


def lay_over(profiles: _core.ProfileTable, chosen: Iterable[str | Signature]) -> list[Membership]:
    """The membership of each signature, given itself or by its built-in name."""
    several = [signature(one) if isinstance(one, str) else one for one in chosen]
    found = _core.memberships(profiles, json.dumps([asdict(one) for one in several]))
    return [
        Membership(
            **json.loads(record),
            sample_ids=profiles.sample_ids,
            n_present=n_present,
            summed_fraction=summed_fraction,
        )
        for record, n_present, summed_fraction in found
    ]
