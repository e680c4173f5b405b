"""Rankings: donors in order for every recipient, with how sure that order is."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from donormatch import _core, _html
from donormatch._calendar import Calendar
from donormatch._cohort import Metadata, as_metadata
from donormatch._convert import settings_json
from donormatch._errors import InputError, ParameterError
from donormatch._explain import Asked, Explanation
from donormatch._harmonize import HarmonizationReport
from donormatch._optional import optional
from donormatch._ranking_html import ranking_html
from donormatch._table import Table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["Assignment", "Ranking", "RankingBatches", "WrittenRanking"]

Pairs = Iterable[tuple[str, str]]
Coverage: TypeAlias = Literal["every", "most", "beneficial"]


def ranking_settings(
    weights: Sequence[float], level: float, prefer_above: float, **others: Any
) -> dict[str, Any]:
    """The settings of a ranking by the words of the core."""
    if len(weights) != 3:
        message = "`weights`: expected three numbers (response, severe_irae, myocarditis)"
        raise ParameterError(message)
    names = ("response", "severe_irae", "myocarditis")
    return {
        "weights": dict(zip(names, weights, strict=True)),
        "level": level,
        "prefer_above": prefer_above,
        **others,
    }


class Ranking:
    """The donors of every recipient in order; research use only.

    Each row is a donor for a recipient. Its columns are the same at every door: `recipient_id`,
    `donor_id`, `rank`, `verdict` against a random eligible donor (``prefer``, ``avoid``,
    ``no_preference`` or ``abstain``), `carried_by` (the term that adds most to a verdict:
    ``response``, ``evidence``, ``record``,
    ``severe_irae`` or ``myocarditis``), `p_response` with the interval `_lo` to
    `_hi`, `p_response_baseline` (without transplant), `p_severe_irae` and `p_myocarditis` with
    theirs, `delta_response`, `delta_severe_irae` and `delta_myocarditis` (minus the mean of the
    eligible donors), `utility` (0 is a random eligible donor), `p_best`,
    `p_better_than_random` with its Monte-Carlo error `p_better_than_random_se`, `n_transplants`
    and `n_responders` of the donor so far with its `donor_effect` on the log-odds of response
    (after :meth:`Matcher.with_outcomes`), `n_gained`, `n_kept` and `n_lost` with the intervals of
    one transplant, `deleterious_lost`, `donor_prevotellaceae` (the fraction of the family in the
    donor), `flags`, `in_domain` and `reason`.

    Examples
    --------
    >>> draws = {"p_myocarditis": [0.0] * 20, "p_response_baseline": [0.2]}
    >>> pair = lambda donor, p: {
    ...     "donor_id": donor, "recipient_id": "r1", "p_response": [p] * 20,
    ...     "p_severe_irae": [0.1] * 20, "p_severe_irae_exploratory": None, "n_gained": [1],
    ...     "n_kept": [1], "n_lost": [0], "deleterious_lost": 0.0, "flags": [],
    ...     "in_domain": True, "domain_reason": None, "eligible": True, **draws,
    ... }
    >>> ranking = Ranking.from_predictions([pair("d1", 0.2), pair("d2", 0.6)])
    >>> [(row["donor_id"], row["rank"], row["verdict"]) for row in ranking.rows]
    [('d2', 1, 'prefer'), ('d1', 2, 'avoid')]
    """

    __slots__ = (
        "_asked",
        "_content",
        "_ranking",
        "_seed",
        "context",
        "harmonization",
        "notes",
    )

    def __init__(self, ranking: _core.Ranking, *, seed: int | None = None) -> None:
        self._ranking = ranking
        self._seed = seed
        # The model and what it was asked, for `why`.
        self._asked: tuple[_core.Matcher, Asked] | None = None
        #: What harmonization did to ``donors`` and ``recipients``, where tables were ranked.
        self.harmonization: dict[str, HarmonizationReport] = {}
        #: What was noticed about treatments: columns without a use, defaults that stood in.
        self.notes: list[str] = []
        #: What the report names, where it is known: `model_name`, `regimen`, `provenance`, ….
        self.context: dict[str, Any] = {}
        self._content: dict[str, Any] = json.loads(ranking.to_json())

    @classmethod
    def from_predictions(
        cls,
        predictions: Iterable[Mapping[str, Any]],
        *,
        weights: Sequence[float] = (1.0, 0.5, 3.0),
        level: float = 0.9,
        prefer_above: float = 0.8,
    ) -> Ranking:
        """Rank pairs that were predicted elsewhere, draw by draw.

        Parameters
        ----------
        predictions
            One record a pair, as in the example of the class.
        weights
            Of response, severe immune-related adverse events and myocarditis.
        level
            Probability that intervals hold.
        prefer_above
            How surely a donor must be better than a random eligible one to be preferred, or worse
            to be avoided.

        Returns
        -------
        Ranking
            Donors in order.
        """
        settings = settings_json(**ranking_settings(weights, level, prefer_above))
        return cls(_core.rank_predictions(json.dumps(list(predictions)), settings))

    @property
    def rows(self) -> Table[dict[str, Any]]:
        """One record a pair, recipients in the order given, donors by rank."""
        return Table(self._content["rows"], columns=_core.Ranking.COLUMNS, caption=repr(self))

    @property
    def summaries(self) -> Table[dict[str, Any]]:
        """One record a recipient: whom to prefer and to avoid, tiers, regret, the Pareto front.

        The donors stand by verdict in `prefer`, `avoid`, `no_preference` and `abstain`.
        `regret_of_first` and `regret_of_random` say what the first donor of the order, and a random
        eligible one, are expected to cost against knowing the truth: in `utility` and in
        `responses_per_100` transplants. Of `standings`, all intervals `rank_lo` to `rank_hi`, and
        with them the tiers, hold at once with probability `level`. `weight_cases` says who comes
        first under other weights, `order_cases` who does by ``depletion``, ``engraftment`` or
        ``diversity`` alone and under ``flat_evidence``, with Kendall's tau to the order by utility.
        Frames hold a row a recipient; what is below one stands in :attr:`standings` and
        :attr:`weight_cases`.
        """
        return tidy_summaries(self._content["summaries"])

    @property
    def standings(self) -> Table[dict[str, Any]]:
        """One record a pair: between which places the donor is, its regret, tier and front."""
        return below_recipients(self._content["summaries"], "standings")

    @property
    def weight_cases(self) -> Table[dict[str, Any]]:
        """Which donor would be first for a recipient under other weights."""
        return below_recipients(self._content["summaries"], "weight_cases")

    @property
    def weights(self) -> dict[str, float]:
        """What response, severe immune-related adverse events and myocarditis count."""
        return dict(self._content["params"]["weights"])

    @property
    def prefilter(self) -> dict[str, Any] | None:
        """Which donors were drawn for whom, where not all were.

        ``pilots``, drawn with every donor; how deep in the order by the other pilots the first
        donors of each go (``depths``); how many donors were kept (``n_kept``) and sampled
        (``n_sampled``) for everyone else, and those ``not_drawn``.
        """
        found: dict[str, Any] | None = self._content["prefilter"]
        return found

    @property
    def donor_order_agreement(self) -> float | None:
        """Mean Kendall tau between the orders of any two recipients; 1 where all are the same."""
        agreement: float | None = self._content["donor_order_agreement"]
        return agreement

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a pair; `flags` joined by ``;``, `carried_by` empty where nothing carries.
        """
        rows = [
            {**row, "flags": ";".join(row["flags"]), "carried_by": row["carried_by"] or ""}
            for row in self.rows
        ]
        pandas = optional("pandas", "to_pandas")
        frame: pd.DataFrame = pandas.DataFrame(rows, columns=list(_core.Ranking.COLUMNS))
        return frame

    def to_polars(self) -> pl.DataFrame:
        """The rows as a frame.

        Returns
        -------
        polars.DataFrame
            One row a pair; `flags` joined by ``;``, `carried_by` null where nothing carries.
        """
        return self.rows.to_polars()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)

    def to_tsv(self) -> str:
        """The table as the command line prints it.

        Returns
        -------
        str
            Tab-separated text, safe to open in a spreadsheet.
        """
        return self._ranking.to_tsv()

    def to_json(self) -> str:
        """Rows, summaries and settings.

        Returns
        -------
        str
            JSON whose numbers read back to the same bits.
        """
        return self._ranking.to_json()

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str = "",
        access: Literal["private", "shared"] = "private",
        **context: Any,
    ) -> str:
        """One self-contained page: recipients at a glance, intervals, flags explained.

        Parameters
        ----------
        path
            Where to write it, if anywhere.
        title
            Heading of the page.
        access
            Who may read a new file, which holds ids of patients: its owner, or whom the process
            lets read its files. An old file keeps its mode.
        **context
            For the page: `model_name`, `regimen`, `cancer`, `line`, `notes`, `provenance` and
            `seed`, by default those that the ranking was made with, where they are known.

        Returns
        -------
        str
            The page.
        """
        known = {"seed": self._seed, "notes": self._report_notes(), **self.context}
        told = settings_json(**{"title": title, **known, **context})
        if path is None:
            return self._ranking.to_html(told)
        return self._ranking.write_html(os.fspath(path), told, access)

    def _report_notes(self) -> list[str]:
        mapped = [
            f"{what}: {100 * report.mean_mapped_mass:.1f} % of the abundance is in taxa of the "
            "vocabulary"
            for what, report in self.harmonization.items()
        ]
        return [*self.notes, *mapped]

    @overload
    def assign(
        self,
        *,
        default_capacity: int = ...,
        capacities: Mapping[str, int] | None = ...,
        forbidden: Pairs = ...,
        locked: Pairs = ...,
        coverage: Coverage = ...,
        batches: None = None,
    ) -> Assignment: ...
    @overload
    def assign(
        self,
        *,
        batches: Metadata,
        recipients: Metadata | None = ...,
        capacities: Mapping[str, int] | None = ...,
        forbidden: Pairs = ...,
        locked: Pairs = ...,
        coverage: Coverage = ...,
        min_utility: float | None = ...,
        max_per_block: int | None = ...,
        max_utility_spread: float | None = ...,
        max_served_spread: float | None = ...,
        max_cost: float | None = ...,
        n_alternatives: int = ...,
        prices: bool = ...,
        max_nodes: int = ...,
    ) -> Calendar: ...
    def assign(
        self,
        *,
        default_capacity: int = 1,
        capacities: Mapping[str, int] | None = None,
        forbidden: Pairs = (),
        locked: Pairs = (),
        coverage: Coverage = "every",
        batches: Metadata | None = None,
        recipients: Metadata | None = None,
        **calendar: Any,
    ) -> Assignment | Calendar:
        """Who gets whose transplant, for the highest total utility.

        Under plain capacities, or, with `batches`, by batch and day.

        Parameters
        ----------
        default_capacity
            Transplants that a donor can give, without `batches`.
        capacities
            The same for single donors; with `batches`, over all of a donor's batches.
        forbidden, locked
            Pairs (donor, recipient) that must not be, or are already decided.
        coverage
            How many recipients must be served: ``"every"`` one, as many as the donors allow
            (``"most"``), or those that gain by it (``"beneficial"``).
        batches
            Table (a path or a frame) with `donor_id`, `batch_id`, `doses` and, where they are
            known, `made_on`, `expires_on`, `room`, `arm`, `dose_cost` and `screening_cost`. A
            batch with a `room` has yet to be made on `made_on`, one a room and day, and one a
            donor and day, at most.
        recipients
            Table with `recipient_id` and, where they are known, `not_before`, `not_after`, `arm`,
            `block` and `subgroup`.
        **calendar
            With `batches`: `min_utility` (pairs below it are impossible), `max_per_block`
            (recipients of a block that one donor may serve), `max_utility_spread` and
            `max_served_spread` (by how much the mean utility, or the share served, of one subgroup
            may exceed another's), `max_cost`, `n_alternatives` (0), `prices` (False) and
            `max_nodes` (1000: nodes of branch and bound after which the best calendar so far is
            given with its gap).

        Returns
        -------
        Assignment or Calendar
            Pairs, donors' use, and what one more transplant of each would be worth; with `batches`,
            transplants by day.

        Raises
        ------
        ParameterError
            An id is unknown; or not everything can be kept to: the message names a minimal set of
            constraints that conflict.

        Examples
        --------
        >>> draws = {"p_myocarditis": [0.0] * 20, "p_response_baseline": [0.2]}
        >>> pair = lambda donor, p: {
        ...     "donor_id": donor, "recipient_id": "r1", "p_response": [p] * 20,
        ...     "p_severe_irae": [0.1] * 20, "p_severe_irae_exploratory": None, "n_gained": [1],
        ...     "n_kept": [1], "n_lost": [0], "deleterious_lost": 0.0, "flags": [],
        ...     "in_domain": True, "domain_reason": None, "eligible": True, **draws,
        ... }
        >>> ranking = Ranking.from_predictions([pair("d1", 0.2), pair("d2", 0.6)])
        >>> import pandas as pd
        >>> batches = pd.DataFrame({
        ...     "donor_id": ["d1", "d2"], "batch_id": ["b1", "b2"], "doses": [1, 1],
        ...     "made_on": ["2026-03-02", "2026-03-09"],
        ... })
        >>> recipients = pd.DataFrame({"recipient_id": ["r1"], "not_after": ["2026-03-06"]})
        >>> ranking.assign(batches=batches, recipients=recipients).transplants[0]["batch_id"]
        'b1'
        """
        shared = {
            "capacities": dict(capacities or {}),
            "forbidden": [list(pair) for pair in forbidden],
            "locked": [list(pair) for pair in locked],
            "coverage": coverage,
        }
        if batches is None:
            for name in (*calendar, *(() if recipients is None else ("recipients",))):
                message = f"`{name}`: only a calendar has it; give `batches`"
                raise ParameterError(message)
            settings = settings_json(default_capacity=default_capacity, **shared)
            return Assignment(**json.loads(self._ranking.assign(settings)))
        if default_capacity != 1:
            message = "`default_capacity`: with `batches` a donor gives what its batches hold"
            raise ParameterError(message)
        if isinstance(prices := calendar.pop("prices", False), bool):
            calendar["prices"] = "of_each_batch" if prices else "skip"
        else:
            message = f"`prices`: expected True or False, found {prices!r}"
            raise ParameterError(message)
        windows = None if recipients is None else as_metadata(recipients)
        settings = settings_json(**shared, **calendar)
        return Calendar(self._ranking.calendar(settings, as_metadata(batches), windows))

    def plot(self, recipient_id: str | None = None, *, ax: Any = None) -> Any:
        """The probability of response of every donor with its interval.

        Parameters
        ----------
        recipient_id
            The recipient; the first by default.
        ax
            Axes to draw on; new ones by default.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        plots = importlib.import_module("donormatch.plots")
        return plots.interval_forest(self, recipient_id, ax=ax)

    def why(self, recipient: str, a: str, b: str | None = None) -> Explanation:
        """Why donor `a` for a recipient, against donor `b` or a random eligible one.

        Parameters
        ----------
        recipient
            The recipient.
        a
            The donor to explain.
        b
            Another donor; the mean of the eligible donors by default.

        Returns
        -------
        Explanation
            What each part of the prediction adds to the log-odds, by the draws that the ranking
            began with.

        Raises
        ------
        InputError
            A donor or the recipient is not in its table, or the ranking does not hold the tables
            it was made of: it was read back, or made from predictions.

        Examples
        --------
        >>> import donormatch as dm
        >>> cohort = dm.simulate(n_donors=3, n_recipients=1, seed=4)
        >>> tables = (cohort.donors, cohort.recipients)
        >>> ranking = dm.rank_donors(*tables, regimen="anti-pd-1", cancer="melanoma")
        >>> first, second, _ = (row["donor_id"] for row in ranking.rows)
        >>> why = ranking.why("synthetic_recipient_01", first, second)
        >>> parts = (one for one in why.contributions if one["endpoint"] == "response")
        >>> gap = sum(one["contribution"] for one in parts)
        >>> abs(gap - why.log_odds["response"]["difference"]) < 1e-9
        True
        """
        if self._asked is None:
            message = "the ranking does not hold the tables it was made of; ask `Matcher.explain`"
            raise InputError(message)
        model, asked = self._asked
        why, _, _ = Explanation._of(model, asked, (a, b, recipient))
        why.harmonization, why.notes = self.harmonization, self.notes
        return why

    def __len__(self) -> int:
        return len(self._ranking)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranking) and self._ranking == other._ranking

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        beside = (self._seed, self.context, self.notes, self.harmonization)
        return _unpickled, (self._ranking.to_bytes(), *beside)

    def __repr__(self) -> str:
        return f"Ranking({len(self.summaries)} recipients, {len(self)} pairs)"

    def __str__(self) -> str:
        return self._ranking.to_text()

    def _repr_html_(self) -> str:
        return ranking_html(repr(self), self._content["rows"], self._content["summaries"])


@dataclass(frozen=True)
class WrittenRanking:
    """A ranking in files: its rows in one, what is known about their order in another.

    Attributes
    ----------
    path : str
        The rows, with the columns of :class:`Ranking`: Parquet, or tab-separated text.
    summary_path : str
        JSON with `summaries`, one record a recipient, `donor_order_agreement`, `prefilter`, and the
        settings as `params` and `predict`.
    n_rows, n_recipients : int
        How many were written.
    n_outside : int
        Rows of pairs that lie outside what the models know.
    donor_order_agreement : float or None
        As in :class:`Ranking`.
    n_not_drawn : int
        Donors that a prefilter left out for everyone but the pilots; the summary names them.
    harmonization : dict
        What became of the names of ``donors`` and ``recipients``.
    notes : list of str
        What was noticed about treatments.
    """

    path: str
    summary_path: str
    n_rows: int
    n_recipients: int
    n_outside: int
    donor_order_agreement: float | None
    n_not_drawn: int
    harmonization: dict[str, HarmonizationReport] = field(repr=False)
    notes: list[str] = field(repr=False)


class RankingBatches:
    """Rows of a ranking as Arrow record batches, worked out as they are asked for.

    Research use only. Iterate over it, once; each batch holds the rows of some recipients, with the
    columns of :class:`Ranking`, and goes by the PyCapsule interface into any library that knows it:
    ``pyarrow.record_batch(batch)``, ``polars.DataFrame(batch)``. The object itself is a stream of
    its remaining batches: ``pyarrow.RecordBatchReader.from_stream(batches)``.

    Attributes
    ----------
    harmonization : dict
        What became of the names of ``donors`` and ``recipients``.
    notes : list of str
        What was noticed about treatments.
    """

    __slots__ = ("_batches", "harmonization", "notes")

    def __init__(
        self,
        batches: _core.RankingBatches,
        harmonization: dict[str, HarmonizationReport],
        notes: list[str],
    ) -> None:
        self._batches = batches
        self.harmonization = harmonization
        self.notes = notes

    def __iter__(self) -> RankingBatches:
        return self

    def __next__(self) -> Any:
        batch = self._batches.next_batch()
        if batch is None:
            raise StopIteration
        return batch

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._batches.__arrow_c_stream__(requested_schema)

    @property
    def summaries(self) -> Table[dict[str, Any]]:
        """One record a recipient done so far, as in :class:`Ranking`."""
        return tidy_summaries(json.loads(self._batches.summaries()))

    @property
    def donor_order_agreement(self) -> float | None:
        """As in :class:`Ranking`, of the recipients done so far."""
        return self._batches.donor_order_agreement()

    @property
    def n_outside(self) -> int:
        """Rows so far of pairs that lie outside what the models know."""
        return self._batches.progress_so_far()[1]

    def __repr__(self) -> str:
        return f"RankingBatches({self._batches.progress_so_far()[0]} recipients done)"


@dataclass(frozen=True)
class Assignment:
    """Who gets whose transplant under plain capacities; research use only.

    Attributes
    ----------
    pairs : Table
        ``donor_id recipient_id utility locked``, one a served recipient.
    unassigned : list of str
        Recipients without a donor.
    total_utility : float
        Sum over pairs.
    donors : Table
        ``donor_id capacity n_assigned shadow_price n_more_served``.
    """

    pairs: Table[dict[str, Any]]
    unassigned: list[str]
    total_utility: float
    donors: Table[dict[str, Any]]

    def __post_init__(self) -> None:
        for name in ("pairs", "donors"):
            object.__setattr__(self, name, Table(getattr(self, name), caption=name))

    def to_pandas(self) -> pd.DataFrame:
        """The pairs as a frame.

        Returns
        -------
        pandas.DataFrame
            One row a served recipient.
        """
        return self.pairs.to_pandas()

    def __repr__(self) -> str:
        return (
            f"Assignment({len(self.pairs)} pairs, {len(self.unassigned)} recipients without a "
            f"donor, total utility {self.total_utility:.4g})"
        )

    def _repr_html_(self) -> str:
        without = ", ".join(self.unassigned) or "nobody"
        return _html.Markup(
            f"<div><p>{_html.cell(repr(self))}; research use only. Without a donor: "
            f"{_html.cell(without)}.</p>{self.pairs._repr_html_()}"
            f"{_html.folded('donors and their use', _html.Markup(self.donors._repr_html_()))}</div>"
        )


def tidy_summaries(summaries: list[dict[str, Any]]) -> Table[dict[str, Any]]:
    """Summaries whose columns are those of a recipient, not of what is below it."""
    below = ("standings", "weight_cases")
    flat = Table([{k: v for k, v in one.items() if k not in below} for one in summaries])
    return Table(summaries, columns=flat.columns or None, caption="recipients")


def below_recipients(summaries: list[dict[str, Any]], what: str) -> Table[dict[str, Any]]:
    """What stands below every recipient as one table."""
    return Table(
        [
            {"recipient_id": summary["recipient_id"], **one}
            for summary in summaries
            for one in summary[what]
        ],
        caption=what.replace("_", " "),
    )


def _unpickled(
    data: bytes,
    seed: int | None,
    context: dict[str, Any],
    notes: list[str],
    harmonization: dict[str, HarmonizationReport],
) -> Ranking:
    ranking = Ranking(_core.Ranking.from_bytes(data), seed=seed)
    ranking.context, ranking.notes, ranking.harmonization = context, notes, harmonization
    return ranking
