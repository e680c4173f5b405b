"""Donors in order in one call, with the bundled matcher where no other is given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, overload

from donormatch._cohort import DonorIds, Treatments
from donormatch._matcher import (
    Access,
    Cancer,
    Line,
    Matcher,
    Partner,
    Prefilter,
    Regimen,
    Source,
    bundled_matcher,
)
from donormatch._ranking import Ranking, RankingBatches, WrittenRanking
from donormatch._screening import Screening

__all__ = ["rank_batches", "rank_donors"]


@overload
def rank_donors(
    donors: Source,
    recipients: Source,
    *,
    matcher: Matcher | None = None,
    donor_metadata: DonorIds = None,
    regimen: Regimen | None = None,
    cancer: Cancer | None = None,
    line: Line | None = None,
    partner: Partner | None = None,
    metadata: Treatments = None,
    screening: Screening | None = None,
    weights: Sequence[float] = (1.0, 0.5, 3.0),
    level: float = 0.9,
    prefer_above: float = 0.8,
    top: int | None = None,
    prefilter: Prefilter = False,
    n_draws: int = 200,
    max_draws: int = 12_800,
    day: float = 28.0,
    antibiotics: bool | None = None,
    seed: int = 0,
    output: None = None,
    access: Access = "private",
) -> Ranking: ...
@overload
def rank_donors(
    donors: Source,
    recipients: Source,
    *,
    matcher: Matcher | None = None,
    donor_metadata: DonorIds = None,
    regimen: Regimen | None = None,
    cancer: Cancer | None = None,
    line: Line | None = None,
    partner: Partner | None = None,
    metadata: Treatments = None,
    screening: Screening | None = None,
    weights: Sequence[float] = (1.0, 0.5, 3.0),
    level: float = 0.9,
    prefer_above: float = 0.8,
    top: int | None = None,
    prefilter: Prefilter = False,
    n_draws: int = 200,
    max_draws: int = 12_800,
    day: float = 28.0,
    antibiotics: bool | None = None,
    seed: int = 0,
    output: str | os.PathLike[str],
    access: Access = "private",
) -> WrittenRanking: ...
def rank_donors(
    donors: Source,
    recipients: Source,
    *,
    matcher: Matcher | None = None,
    donor_metadata: DonorIds = None,
    regimen: Regimen | None = None,
    cancer: Cancer | None = None,
    line: Line | None = None,
    partner: Partner | None = None,
    metadata: Treatments = None,
    screening: Screening | None = None,
    weights: Sequence[float] = (1.0, 0.5, 3.0),
    level: float = 0.9,
    prefer_above: float = 0.8,
    top: int | None = None,
    prefilter: Prefilter = False,
    n_draws: int = 200,
    max_draws: int = 12_800,
    day: float = 28.0,
    antibiotics: bool | None = None,
    seed: int = 0,
    output: str | os.PathLike[str] | None = None,
    access: Access = "private",
) -> Ranking | WrittenRanking:
    """Every donor for every recipient, in order; research use only.

    Parameters
    ----------
    donors, recipients
        Profiles, a file of them, or a frame.
    matcher
        The bundled one by default.
    donor_metadata
        Whose the samples of the donors are: ``{"sample_1": "donor_1"}``, or a frame or file
        with the columns `sample_id` and `donor_id`. Samples of one donor are averaged, each
        counting the same; a sample that is not named is its own donor, as all are without this.
    regimen
        The checkpoint inhibitors; needed unless `metadata` gives them for every recipient.
    cancer, line
        The cancer and line of treatment; ``"other"`` and ``"first"`` where neither this nor
        `metadata` says it, which ``ranking.notes`` tells.
    partner
        What is given beside the inhibitors; nothing by default.
    metadata
        Values for single recipients: ``{"r1": {"line": "refractory"}}``, or a frame or file
        with the columns `recipient_id` and any of `regimen`, `cancer`, `line` and `partner`;
        blank and ``NA`` mean the common value.
    screening
        What :func:`screen` says of the donors on the day of the transplants: those that do not
        pass, or have no record, are shown last, with the reasons, and take no part.
    weights
        Of response, severe immune-related adverse events and myocarditis.
    level
        Probability that intervals hold.
    prefer_above
        How surely a donor must be better than a random eligible one to be preferred, or worse
        to be avoided.
    top
        Donors shown a recipient, the first of the order; all by default. Every figure is of all
        donors.
    prefilter
        Draw only the donors that may be among the `top` first, for banks of thousands: some
        recipients, the pilots, are drawn with every donor, the others with the donors that come
        first by the pilots, and with a sample of the rest. ``True``, or a mapping with any of
        ``n_pilots`` (8), ``margin`` (4.0; how many times deeper to go than a pilot needed) and
        ``n_sampled`` (200). The result says who was not drawn.
    n_draws
        Draws from the posterior, each with one realized transplant.
    max_draws
        Draws at most for a recipient with a donor whose verdict hangs on the draws: they are
        doubled until none does, while donors times draws stay within 262,144; 0 adds none.
    day
        Days after the transplant at which its result is judged.
    antibiotics
        Whether given before the transplant; unknown by default.
    seed
        Of the draws.
    output
        Write the rows as they are worked out, whatever their number, into this file
        (``.parquet``, ``.tsv`` or ``.tsv.gz``), and what is known about their order into
        ``.summary.json`` beside it: both or neither.
    access
        Who may read new files, which hold ids of patients: their owner (``"private"``), or whom
        the process lets read its files (``"shared"``). An old file keeps its mode.

    Returns
    -------
    Ranking or WrittenRanking
        Donors in order, or, with `output`, where they are; ``harmonization`` says what became of
        the names.

    Raises
    ------
    ParameterError, InputError
        As :meth:`Matcher.rank_donors`.

    Warns
    -----
    OutOfDomainWarning, SynonymWarning, DonorMatchWarning
        As :meth:`Matcher.rank_donors`.

    Examples
    --------
    >>> from donormatch import simulate
    >>> cohort = simulate(n_donors=3, n_recipients=2)
    >>> ranking = rank_donors(
    ...     cohort.donors, cohort.recipients, metadata=cohort.contexts, n_draws=20
    ... )
    >>> ranking
    Ranking(2 recipients, 6 pairs)
    >>> len(ranking.rows[0]["donor_id"]) > 0
    True
    """
    chosen = bundled_matcher() if matcher is None else matcher
    # One call for both overloads.
    rank: Any = chosen.rank_donors
    ranked: Ranking | WrittenRanking = rank(
        donors,
        recipients,
        donor_metadata=donor_metadata,
        regimen=regimen,
        cancer=cancer,
        line=line,
        partner=partner,
        metadata=metadata,
        screening=screening,
        weights=weights,
        level=level,
        prefer_above=prefer_above,
        top=top,
        prefilter=prefilter,
        n_draws=n_draws,
        max_draws=max_draws,
        day=day,
        antibiotics=antibiotics,
        seed=seed,
        output=output,
        access=access,
    )
    return ranked


def rank_batches(
    donors: Source,
    recipients: Source,
    *,
    matcher: Matcher | None = None,
    donor_metadata: DonorIds = None,
    regimen: Regimen | None = None,
    cancer: Cancer | None = None,
    line: Line | None = None,
    partner: Partner | None = None,
    metadata: Treatments = None,
    screening: Screening | None = None,
    weights: Sequence[float] = (1.0, 0.5, 3.0),
    level: float = 0.9,
    prefer_above: float = 0.8,
    top: int | None = None,
    n_draws: int = 200,
    max_draws: int = 12_800,
    day: float = 28.0,
    antibiotics: bool | None = None,
    seed: int = 0,
    pairs_at_a_time: int = 32_768,
) -> RankingBatches:
    """Every donor for every recipient, in order, as Arrow record batches; research use only.

    Parameters
    ----------
    donors, recipients
        Profiles, a file of them, or a frame.
    matcher
        The bundled one by default.
    donor_metadata, regimen, cancer, line, partner, metadata, screening, weights, level
        As in :meth:`Matcher.rank_donors`.
    prefer_above, top, n_draws, max_draws, day, antibiotics
        As in :meth:`Matcher.rank_donors`.
    seed, pairs_at_a_time
        As in :meth:`Matcher.rank_batches`.

    Returns
    -------
    RankingBatches
        Arrow record batches, worked out as they are asked for.
    """
    chosen = bundled_matcher() if matcher is None else matcher
    return chosen.rank_batches(
        donors,
        recipients,
        donor_metadata=donor_metadata,
        regimen=regimen,
        cancer=cancer,
        line=line,
        partner=partner,
        metadata=metadata,
        screening=screening,
        weights=weights,
        level=level,
        prefer_above=prefer_above,
        top=top,
        n_draws=n_draws,
        max_draws=max_draws,
        day=day,
        antibiotics=antibiotics,
        seed=seed,
        pairs_at_a_time=pairs_at_a_time,
    )
