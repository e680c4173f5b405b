"""Figures of every sample, and distances between samples."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from donormatch import _core
from donormatch._convert import options_json, texts
from donormatch._core import Phylogeny
from donormatch._errors import MissingTaxaWarning, ParameterError, warn
from donormatch._signature import Membership, Signature, lay_over, signature_names
from donormatch._table import Table

__all__ = ["toposcore_from_counts"]

CutOff = Literal["round3", "exact_roc"]
Measure = Literal[
    "richness", "shannon", "simpson", "inverse_simpson", "pielou", "chao1", "faith_pd"
]


def toposcore_from_counts(
    n_sig1: int | tuple[int, int],
    n_sig2: int | tuple[int, int],
    akkermansia: float | None = None,
    *,
    cut_off: CutOff = "round3",
) -> dict[str, Any]:
    """The TOPOSCORE from counts of members present, compared as whole numbers.

    Parameters
    ----------
    n_sig1, n_sig2 : int or tuple of int
        Members of SIG1 (of 37) and of SIG2 (of 45) present; or (seen, possible at most) where
        only bounds are known.
    akkermansia : float, optional
        The relative abundance of *Akkermansia muciniphila*, as a fraction; None where unmeasured.
    cut_off : CutOff, default="round3"
        Which published cut-offs decide; they differ for one pair of counts, 13 and 19.

    Returns
    -------
    dict
        As a row of :meth:`Profiles.toposcore`, without the sample.

    Raises
    ------
    ParameterError
        A count exceeds its list, a bound is upside down, or the fraction is not one.

    References
    ----------
    Derosa L. et al., Cell 2024, doi 10.1016/j.cell.2024.05.029.

    Examples
    --------
    >>> toposcore_from_counts(13, 19)["class"]
    'sig1'
    >>> toposcore_from_counts(13, 19, cut_off="exact_roc")["class"]
    'gray'
    >>> toposcore_from_counts(5, 25, 0.012)["call"]
    'SIG2+'
    """
    counts = options_json(
        n_sig1=_bounds(n_sig1),
        n_sig2=_bounds(n_sig2),
        akkermansia=None if akkermansia is None else float(akkermansia),
        cut_off=cut_off,
    )
    score: dict[str, Any] = json.loads(_core.toposcore_from_counts(counts))
    return score


def _bounds(count: int | tuple[int, int]) -> list[int]:
    seen, most = count if isinstance(count, tuple) else (count, count)
    return [operator.index(seen), operator.index(most)]


class ProfileFeatures:
    """Diversity, distances, log-ratios and signatures of :class:`donormatch.Profiles`."""

    __slots__ = ()

    _table: _core.ProfileTable

    def diversity(
        self,
        measure: Measure = "shannon",
        *,
        base: Literal["natural", "two", "ten"] = "natural",
        tree: Phylogeny | None = None,
    ) -> npt.NDArray[np.float64]:
        """One measure of diversity of every sample, in the order of :attr:`sample_ids`.

        Parameters
        ----------
        measure : str, default="shannon"
            ``"richness"``, ``"shannon"``, ``"simpson"``, ``"inverse_simpson"``, ``"pielou"``,
            ``"chao1"`` (of counts only) or ``"faith_pd"``. ``"richness"`` depends on depth.
        base : {"natural", "two", "ten"}, default="natural"
            Of the logarithm of ``"shannon"``.
        tree : tree, optional
            For ``"faith_pd"``: a tree whose tips are the labels of the taxa.

        Returns
        -------
        numpy.ndarray
            One number a sample.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[50, 50]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.diversity("shannon", base="two")
        array([1.])
        """
        return _core.diversity(self._table, measure, base, tree)

    def diversities(
        self,
        measures: Iterable[Measure] = ("richness", "shannon", "simpson", "pielou"),
        *,
        base: Literal["natural", "two", "ten"] = "natural",
        tree: Phylogeny | None = None,
    ) -> Table[dict[str, Any]]:
        """Several measures of diversity beside the ids of the samples.

        Parameters
        ----------
        measures, base, tree
            As in :meth:`diversity`.

        Returns
        -------
        Table
            ``sample_id`` and one column a measure.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[50, 50]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.diversities(["richness", "simpson"])
        sample_id  richness  simpson
        a          2         0.5
        """
        names = texts([measures] if isinstance(measures, str) else measures, "measure")
        columns = [_core.diversity(self._table, name, base, tree).tolist() for name in names]
        rows = zip(self._table.sample_ids, *columns, strict=True)
        header = ["sample_id", *names]
        return Table(
            [dict(zip(header, row, strict=True)) for row in rows],
            columns=header,
            caption="diversity",
        )

    def distances(
        self,
        recipients: ProfileFeatures | None = None,
        metric: Literal[
            "bray_curtis",
            "jaccard",
            "jensen_shannon",
            "aitchison",
            "robust_aitchison",
            "unweighted_unifrac",
            "weighted_unifrac",
            "normalized_weighted_unifrac",
        ] = "bray_curtis",
        *,
        pseudocount: float = 1.0,
        tree: Phylogeny | None = None,
    ) -> npt.NDArray[np.float64]:
        """Distances of these samples (donors) to `recipients`, or to each other.

        Parameters
        ----------
        recipients : ProfileFeatures, optional
            Profiles in the same vocabulary and unit; taxa are matched by label.
        metric : str, default="bray_curtis"
            ``"bray_curtis"``, ``"jaccard"``, ``"jensen_shannon"``, ``"aitchison"``,
            ``"robust_aitchison"``, ``"unweighted_unifrac"``, ``"weighted_unifrac"`` or
            ``"normalized_weighted_unifrac"``. Bray-Curtis takes abundances as they are: close
            counts first.
        pseudocount : float, default=1.0
            Added to every value for ``"aitchison"``, in the unit of the table.
        tree : tree, optional
            For the UniFrac metrics: a tree whose tips are the labels of the taxa.

        Returns
        -------
        numpy.ndarray
            Donors × recipients.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[50, 50], [100, 0]], sample_ids=["a", "b"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.distances()
        array([[0. , 0.5],
               [0.5, 0. ]])
        """
        if recipients is None:
            return _core.pairwise(self._table, metric, pseudocount, tree)
        return _core.distances(self._table, recipients._table, metric, pseudocount, tree)

    def clr(self, pseudocount: float) -> npt.NDArray[np.float64]:
        """The centered log-ratios, samples × taxa; every row sums to 0.

        Parameters
        ----------
        pseudocount : float
            Added to every value, in the unit of the table; 0 where the table holds no zero. There
            is no default: the choice decides the answer wherever most values are zero.

        Returns
        -------
        numpy.ndarray
            One column a taxon.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[60.0, 40.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.clr(pseudocount=0).round(3)
        array([[ 0.203, -0.203]])
        """
        return _core.clr(self._table, pseudocount)

    def rclr(self) -> npt.NDArray[np.float64]:
        """The robust centered log-ratios, samples × taxa.

        Returns
        -------
        numpy.ndarray
            One column a taxon; NaN where it is not detected.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[100.0, 0.0]], sample_ids=["a"], taxa=["s__A", "s__B"], unit="percent"
        ... )
        >>> profiles.rclr()
        array([[ 0., nan]])
        """
        return _core.rclr(self._table)

    def membership(self, signature: str | Signature) -> Membership:
        """What each sample holds of a signature: members present, and their fraction together.

        Names of any vocabulary are brought into that of the models first. Columns of one member
        are summed; a column of two members (a species and its genus) is counted once in the
        fraction.

        Parameters
        ----------
        signature : str or Signature
            The name of a built-in one (:func:`donormatch.signature_names`), or one's own from
            :meth:`donormatch.Signature.read`.

        Returns
        -------
        Membership
            ``n_present`` and ``summed_fraction``, one a sample, and the status of every member.

        Raises
        ------
        ParameterError
            There is no built-in signature of this name.

        Warns
        -----
        MissingTaxaWarning
            The table cannot speak of some members: it was filtered, or does not reach species.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[30, 70], [0, 100]],
        ...     sample_ids=["a", "b"],
        ...     taxa=["s__Bifidobacterium_longum", "s__Blautia_obeum"],
        ...     unit="percent",
        ... )
        >>> found = profiles.membership("bifidobacterium")
        >>> found.n_present, found.summed_fraction
        (array([1, 0]), array([0.3, 0. ]))
        """
        (found,) = self._laid_over([signature])
        return found

    def memberships(
        self, signatures: Iterable[str | Signature] | None = None
    ) -> dict[str, Membership]:
        """What each sample holds of several signatures, the names of the taxa read once.

        Parameters
        ----------
        signatures : iterable of str or Signature, optional
            Names of built-in ones or one's own; all built-in ones by default.

        Returns
        -------
        dict of str to Membership
            By the name of the signature, as :meth:`membership`.

        Raises
        ------
        ParameterError
            There is no built-in signature of a name, or two have one name.

        Warns
        -----
        MissingTaxaWarning
            The table cannot speak of some members.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[30, 70]],
        ...     sample_ids=["a"],
        ...     taxa=["s__Bifidobacterium_longum", "s__Blautia_obeum"],
        ...     unit="percent",
        ... )
        >>> found = profiles.memberships(["bifidobacterium", "oral"])
        >>> {name: float(one.summed_fraction[0]) for name, one in found.items()}
        {'bifidobacterium': 0.3, 'oral': 0.0}
        """
        laid = self._laid_over(signature_names() if signatures is None else signatures)
        found = {one.signature: one for one in laid}
        if len(found) < len(laid):
            names = [one.signature for one in laid]
            twice = next(name for name in names if names.count(name) > 1)
            message = f"`signatures`: two are called `{twice}`"
            raise ParameterError(message)
        return found

    def _laid_over(self, signatures: Iterable[str | Signature]) -> list[Membership]:
        laid = lay_over(self._table, signatures)
        missing = [
            f"{one.n_not_measurable} of {len(one.members)} of `{one.signature}`"
            for one in laid
            if one.n_not_measurable
        ]
        if missing:
            message = f"members that the table cannot speak of: {', '.join(missing)}"
            warn(message, MissingTaxaWarning)
        return laid

    def toposcore(
        self,
        *,
        cut_off: Literal["round3", "exact_roc"] = "round3",
        akkermansia: Literal["sgb9226", "species_label"] = "sgb9226",
        min_richness: int = 0,
    ) -> Table[dict[str, Any]]:
        """The TOPOSCORE of every sample, with bounds where the table was filtered.

        Compute it on the table as read, or harmonized with all taxa kept. Do not use it for
        melanoma expecting skill: it has none there that could be shown.

        Parameters
        ----------
        cut_off : {"round3", "exact_roc"}, default="round3"
            Which published cut-offs decide; they differ for one pair of counts.
        akkermansia : {"sgb9226", "species_label"}, default="sgb9226"
            Which *Akkermansia* counts.
        min_richness : int, default=0
            Samples with fewer taxa get no call.

        Returns
        -------
        Table
            ``sample_id n_sig1 n_sig2 score score_lo score_hi akkermansia akkermansia_class class
            call``, one a sample. `akkermansia` is a fraction, None where unmeasured, its class
            ``"zero"``, ``"low"`` or ``"high"``; `class` is ``"sig1"``, ``"gray"``, ``"sig2"``, or
            ``"undecided"`` where the bounds span a cut-off; `call` is ``"SIG1+"``, ``"SIG2+"`` or
            ``"UNKNOWN"``. ``membership("toposcore_sig1")`` says which members the table measures.

        Raises
        ------
        InputError
            No column is a species that the vocabulary of the models knows.

        References
        ----------
        Derosa L. et al., Cell 2024, doi 10.1016/j.cell.2024.05.029.

        Examples
        --------
        >>> from donormatch import Profiles
        >>> profiles = Profiles.from_numpy(
        ...     [[100]],
        ...     sample_ids=["a"],
        ...     taxa=["s__Blautia_wexlerae"],
        ...     unit="percent",
        ...     completeness="filtered",
        ... )
        >>> (score,) = profiles.toposcore()
        >>> score["class"], round(score["score_lo"], 2), round(score["score_hi"], 2)
        ('undecided', 0.01, 1.0)
        """
        options = options_json(cut_off=cut_off, akkermansia=akkermansia, min_richness=min_richness)
        return Table(json.loads(_core.toposcore(self._table, options)), caption="TOPOSCORE")
