"""The matcher: what a transplant leaves, what response and toxicity follow, donors in order."""

from __future__ import annotations

import copy
import functools
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from donormatch import _core
from donormatch._cohort import (
    Cohort,
    DonorIds,
    Metadata,
    PatientCohort,
    Treatments,
    as_metadata,
    donor_metadata_of,
    treatment_metadata,
)
from donormatch._convert import settings_json
from donormatch._engraftment import TransplantPrediction
from donormatch._errors import (
    InputError,
    NotFittedError,
    OutOfDomainWarning,
    ParameterError,
    warn,
    warned,
)
from donormatch._explain import Explanation
from donormatch._harmonize import HarmonizationReport
from donormatch._matcher_html import matcher_html
from donormatch._profiles import Profiles
from donormatch._ranking import (
    Ranking,
    RankingBatches,
    WrittenRanking,
    ranking_settings,
)
from donormatch._read import read_profiles
from donormatch._report import report_context
from donormatch._screening import Screening, screening_settings
from donormatch._source import Readable
from donormatch._table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Matcher"]

Regimen = Literal["anti-pd-1", "anti-ctla-4", "anti-pd-1+anti-ctla-4"]
Cancer = Literal["melanoma", "lung", "kidney", "other"]
Line = Literal["first", "refractory"]
Partner = Literal["none", "vegf_inhibitor", "chemotherapy", "other"]
Access = Literal["private", "shared"]
Prefilter: TypeAlias = "bool | Mapping[str, float]"
Notes: TypeAlias = "Sequence[tuple[bool, str]]"
Source: TypeAlias = "Profiles | Readable | Sequence[Readable] | pd.DataFrame"


class Matcher:
    """Predicts the transplant, the response and the toxicity of any donor and recipient.

    Research use only: not to select a donor for a patient.

    Parameters
    ----------
    engraftment, response, toxicity : mapping, optional
        Settings of the three models, by the words of the reference; defaults where absent.

    Examples
    --------
    >>> Matcher()
    Matcher(not fitted)
    """

    model_: _core.Matcher
    header_: dict[str, Any]
    learned_: dict[str, Any]

    def __init__(
        self,
        *,
        engraftment: Mapping[str, Any] | None = None,
        response: Mapping[str, Any] | None = None,
        toxicity: Mapping[str, Any] | None = None,
        evidence_params: Mapping[str, Any] | None = None,
    ) -> None:
        self.engraftment = engraftment
        self.response = response
        self.toxicity = toxicity
        self.evidence_params = evidence_params

    def fit(self, patients: PatientCohort, transplants: Cohort | Sequence[Cohort]) -> Matcher:
        """Learn from patients (response, toxicity) and transplants (engraftment).

        Parameters
        ----------
        patients
            Patients on checkpoint inhibitors with their outcome.
        transplants
            One cohort, or several.

        Returns
        -------
        Matcher
            Itself, fitted.
        """
        cohorts = [transplants] if isinstance(transplants, Cohort) else list(transplants)
        settings = {
            name: dict(value)
            for name in ("engraftment", "response", "toxicity")
            if (value := getattr(self, name)) is not None
        }
        if self.evidence_params is not None:
            settings["evidence"] = dict(self.evidence_params)
        inner = [cohort._cohort for cohort in cohorts]
        self.model_ = _core.fit_matcher(settings_json(**settings), patients._cohort, inner)
        # What a file said was of the model before.
        self.header_ = {}
        self.learned_ = {}
        return self

    def evaluate(
        self,
        patients: PatientCohort | None = None,
        transplants: Cohort | Sequence[Cohort] | None = None,
        *,
        cohorts: Sequence[str] = (),
        min_patients: int = 1,
        n_resamples: int = 2000,
        level: float = 0.95,
        seed: int = 0,
    ) -> Table[dict[str, Any]]:
        """How good models of these settings are on cohorts they did not learn from.

        Fitted anew for every cohort of patients and every study of transplants left out; what was
        fitted before plays no part.

        Parameters
        ----------
        patients, transplants
            What to judge response and engraftment on; either may be absent.
        cohorts
            Cohorts whose mean is given apart, in rows of the cohort ``published``.
        min_patients
            A cohort of fewer is learned from and not judged.
        n_resamples, level, seed
            How intervals are drawn.

        Returns
        -------
        Table
            ``what comparator scope cohort metric value lo hi n_rows n_groups n_events`` and more,
            one a figure; naive rules stand beside the models. Rows of ``engraftment_counts`` hold
            ``study count n_rows n_groups n_possible observed expected lo hi coverage``: numbers of
            taxa gained and kept of a study left out, beside their 90 % intervals.
        """
        if patients is None and transplants is None:
            message = (
                "`patients`: give patients, `transplants` or both, since nothing is judged without"
            )
            raise ParameterError(message)
        bootstrap = {"n_resamples": n_resamples, "level": level, "seed": seed}
        report = settings_json(bootstrap=bootstrap, min_patients=min_patients)
        rows: list[dict[str, Any]] = []
        if patients is not None:
            settings = settings_json(**dict(self.response or {}))
            found = _core.evaluate_response(settings, patients._cohort, list(cohorts), report)
            rows += [{"what": "response", **row} for row in json.loads(found)]
        if transplants is not None:
            several = [transplants] if isinstance(transplants, Cohort) else list(transplants)
            settings = settings_json(**dict(self.engraftment or {}))
            inner = [cohort._cohort for cohort in several]
            found = _core.evaluate_engraftment(settings, inner, report)
            judged = json.loads(found)
            rows += [{"what": "engraftment", **row} for row in judged["rows"]]
            rows += [{"what": "engraftment_counts", **row} for row in judged["counts"]]
        return Table(rows, caption="on cohorts left out")

    def with_outcomes(
        self,
        donors: Source,
        recipients: Source,
        outcomes: Metadata,
        *,
        follow_ups: Source | None = None,
        donor_metadata: DonorIds = None,
        trial: str = "own",
        method: Literal["auto", "exact", "fast"] = "auto",
        without: Sequence[str] = (),
        n_draws: int = 200,
        day: float = 28.0,
        antibiotics: bool | None = None,
        seed: int = 0,
    ) -> Matcher:
        """The same matcher, which has learned from the outcomes of a trial, donor by donor.

        Give the whole table of the trial so far, every time: what an earlier table taught is
        replaced. The matcher then holds draws, counts and a digest, no row of a patient.

        Parameters
        ----------
        donors, recipients
            Profiles, a file of them, or a frame; the recipients from before the transplant.
        outcomes
            A frame or file, one row a transplant: `donor_id`, `recipient_id`, `regimen`, and any of
            `date`, `donor_type`, `cancer`, `line`, `partner`, `response`, `severe_irae`,
            `irae_grade` and `myocarditis` (``yes`` or ``no``, ``1`` or ``0``; blank is not yet
            known), and with `follow_ups` `antibiotics`, `follow_up` (sample ids) and `day`, several
            parted by ``;``.
        follow_ups
            Profiles of the recipients after the transplant, from which the matcher learns how far
            the transplants of this trial engraft.
        donor_metadata
            Whose the samples of the donors are, as in :meth:`rank_donors`.
        trial
            What the trial is called.
        method
            ``"fast"`` weights the draws there are (Pareto-smoothed importance sampling),
            ``"exact"`` samples anew, ``"auto"`` takes weights where these can be trusted.
        without
            Trials whose published arms are left out, because the table holds their patients.
        n_draws, day, antibiotics, seed
            How each transplant is predicted, for the score of its microbiome.

        Returns
        -------
        Matcher
            Another matcher; this one stays as it is. Its :attr:`learned_` says by which method, and
            how heavy the tail of the weights was (``pareto_k``, above 0.7 not to be trusted), and
            from how many follow-ups (``n_follow_ups``).

        Raises
        ------
        InputError
            A donor or recipient has no profile, a row cannot be read, or none says anything of an
            outcome.

        Warns
        -----
        SynonymWarning
            Less than nine tenths of the abundance is in taxa that the vocabulary knows.
        """
        table = as_metadata(outcomes)
        header = json.dumps(self.header) if self.header else None
        donors, recipients = as_profiles(donors), as_profiles(recipients)
        after = None if follow_ups is None else as_profiles(follow_ups)._table
        predict = {"n_draws": n_draws, "day": day, "antibiotics": antibiotics, "seed": seed}
        found, learned, header, reports, notes = self._fitted().with_outcomes(
            donors._table,
            (recipients._table, after),
            (donor_metadata_of(donor_metadata, donors.sample_ids), table),
            settings_json(trial=trial, method=method, without=list(without), predict=predict),
            header,
        )
        _warned_of_both(("donor_metadata", "outcomes"), notes)
        for what, report in zip(("donors", "recipients"), reports, strict=True):
            HarmonizationReport._from_json(report)._warn_of_names(what)
        updated = copy.copy(self)
        updated.model_, updated.header_ = found, json.loads(header) if header else {}
        updated.learned_ = json.loads(learned)
        return updated

    def site_summary(
        self,
        donors: Source,
        recipients: Source,
        outcomes: Metadata,
        *,
        site: str,
        min_patients: int = 5,
        donor_metadata: DonorIds = None,
        n_draws: int = 200,
        day: float = 28.0,
        antibiotics: bool | None = None,
        seed: int = 0,
    ) -> dict[str, Any]:
        """What the outcomes of one site say, for :meth:`with_sites` elsewhere.

        No row of a patient, no profile, no id but the name of the site: how likely the outcomes
        are at every draw of this matcher's posterior. ``docs/sites.md`` lists what leaves a site,
        and what can be read from it.

        Parameters
        ----------
        donors, recipients, outcomes, donor_metadata
            As in :meth:`with_outcomes`, the whole table so far.
        site
            What the site is called, another name at each.
        min_patients
            Nothing is told of an outcome that is known of fewer patients.
        n_draws, day, antibiotics, seed
            How each transplant is predicted, for the score of its microbiome; the same at every
            site.

        Returns
        -------
        dict
            ``format site model_digest endpoints withheld``, to be written as JSON; each of the
            endpoints with its ``n_patients``, ``log_likelihood`` and the Monte-Carlo ``error`` of
            that.

        Raises
        ------
        ParameterError
            Fewer patients than `min_patients` are known of every outcome, or `site` is blank.
        InputError
            As in :meth:`with_outcomes`, or the matcher has learned from outcomes already.
        """
        table = as_metadata(outcomes)
        donors, recipients = as_profiles(donors), as_profiles(recipients)
        predict = {"n_draws": n_draws, "day": day, "antibiotics": antibiotics, "seed": seed}
        found, *reports, notes = self._fitted().site_summary(
            donors._table,
            recipients._table,
            (donor_metadata_of(donor_metadata, donors.sample_ids), table),
            settings_json(site=site, min_patients=min_patients, predict=predict),
        )
        _warned_of_both(("donor_metadata", "outcomes"), notes)
        for what, report in zip(("donors", "recipients"), reports, strict=True):
            HarmonizationReport._from_json(report)._warn_of_names(what)
        summary: dict[str, Any] = json.loads(found)
        return summary

    def with_sites(
        self,
        summaries: Sequence[Mapping[str, Any]],
        *,
        method: Literal["auto", "fast"] = "auto",
    ) -> Matcher:
        """The same matcher, which has learned from the outcomes of several sites.

        From the summaries alone it learns what treatments, a transplant and the score of the
        microbiome do; what single donors add stays with their site. A site that wants both merges
        the summaries of the others, and then calls :meth:`with_outcomes` with ``method="fast"``.

        Parameters
        ----------
        summaries
            What :meth:`site_summary` of this very matcher gave, the latest of each site.
        method
            ``"auto"`` refuses weights that cannot be trusted, ``"fast"`` takes them.

        Returns
        -------
        Matcher
            Another matcher; this one stays as it is. Its :attr:`learned_` holds, under ``sites``,
            one record an endpoint: ``endpoint n_sites n_patients pareto_k n_effective error``.

        Raises
        ------
        InputError
            A summary is of another model, or a site is there twice.
        ConvergenceError
            The sites say too much for weights on the draws: a new fit of the pooled tables is
            needed.
        """
        header = json.dumps(self.header) if self.header else None
        texts = [json.dumps(dict(summary)) for summary in summaries]
        found, told, header = self._fitted().with_sites(texts, method, header)
        updated = copy.copy(self)
        updated.model_, updated.header_ = found, json.loads(header) if header else {}
        updated.learned_ = {"method": "fast", "sites": json.loads(told)}
        return updated

    def evidence(
        self,
        subject: Literal[
            "cells",
            "arms",
            "parameters",
            "slopes",
            "quality",
            "donors",
            "left_out",
            "conflicts",
        ] = "cells",
        *,
        arms: Metadata | None = None,
        without: Sequence[str] = (),
        prior_scale: float | None = None,
    ) -> Table[dict[str, Any]]:
        """What is known before a trial, and from its own outcomes on the way.

        Parameters
        ----------
        subject
            ``"cells"``: the posterior of every cancer, regimen, line and partner, with and without
            a transplant; ``"arms"``: the published arms; ``"parameters"``: prior beside posterior;
            ``"slopes"``: how response goes with out-of-fold scores, cohort by cohort;
            ``"quality"``: how well the sampler did; ``"donors"``: what each donor's own record
            adds, after :meth:`with_outcomes`; ``"left_out"``: each trial predicted without its
            arms, a new fit a trial; ``"conflicts"``: sources against each other.
        arms
            Further arms, a frame or file with the columns that ``"arms"`` shows; a new fit.
        without
            Trials whose arms are left out; a new fit.
        prior_scale
            What the spread of every prior is multiplied by; a new fit.

        Returns
        -------
        Table
            One record a row.

        Raises
        ------
        ParameterError
            A subject or a trial is unknown, or a number out of range.
        InputError
            A row of `arms` cannot be read, or repeats an arm that is there.
        """
        table = None if arms is None else as_metadata(arms)
        found = self._fitted().evidence(subject, table, list(without), prior_scale)
        return Table(json.loads(found), caption=f"evidence: {subject}")

    @classmethod
    def bundled(cls) -> Matcher:
        """The matcher that ships with donormatch, fitted on the public tables its card names.

        Returns
        -------
        Matcher
            Fitted; :attr:`header` says what it was made from, and how good it is.
        """
        return cls._from_file(*_core.Matcher.bundled())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Matcher:
        """The matcher of a model file.

        Parameters
        ----------
        path
            A file that :meth:`write` or ``donormatch fit`` wrote. Load files of people you trust.

        Returns
        -------
        Matcher
            Fitted.
        """
        return cls._from_file(*_core.Matcher.read(os.fspath(path)))

    @classmethod
    def _from_file(cls, model: _core.Matcher, header: str) -> Matcher:
        matcher = cls()
        matcher.model_ = model
        matcher.header_ = json.loads(header)
        matcher.learned_ = {}
        return matcher

    def write(self, path: str | os.PathLike[str], *, name: str | None = None) -> None:
        """Write a model file, whole or not at all.

        A matcher that came from a file keeps its header: seed, digest of the data and figures.

        Parameters
        ----------
        path
            The file, by custom ``.dmm``.
        name
            The name of the model; by default the one it has, or ``matcher``.
        """
        header = json.dumps(self.header) if self.header else None
        self._fitted().write(os.fspath(path), name, header)

    @property
    def header(self) -> dict[str, Any]:
        """What the model file says of itself; empty for a matcher fitted here.

        ``kind feature_names units vocabulary training warnings`` were compared with the model; the
        rest, the figures among them, is what the writer of the file claims.
        """
        header: dict[str, Any] = getattr(self, "header_", {})
        return header

    @property
    def vocabulary(self) -> str:
        """The vocabulary that the models speak."""
        return self._fitted().vocabulary

    @overload
    def rank_donors(
        self,
        donors: Source,
        recipients: Source,
        *,
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
        self,
        donors: Source,
        recipients: Source,
        *,
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
        self,
        donors: Source,
        recipients: Source,
        *,
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
        """Every donor for every recipient, in order.

        Parameters
        ----------
        donors, recipients
            Profiles, a file of them, or a frame.
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
            Donors in order, or, with `output`, where they are; ``harmonization`` says what became
            of the names.

        Raises
        ------
        ParameterError
            A word is unknown, a recipient has no regimen, or `metadata` or `donor_metadata` is a
            mapping with a recipient, a sample or a word that does not exist.
        InputError
            A frame or file names a recipient or a sample twice, or lacks `recipient_id`,
            `sample_id` or `donor_id`.

        Warns
        -----
        OutOfDomainWarning
            A profile lies outside what the models know; the rows say why.
        SynonymWarning
            Less than nine tenths of the abundance is in taxa that the vocabulary knows.
        DonorMatchWarning
            A frame or file names recipients or samples that have no profile, or a column of it
            that was not used looks like one that was looked for; or one sample is among the donors
            and the recipients.
        """
        donors, recipients = as_profiles(donors), as_profiles(recipients)
        warn_of_own_stool(donors, recipients)
        asked = (
            donors._table,
            recipients._table,
            (regimen, cancer, line, partner),
            (
                donor_metadata_of(donor_metadata, donors.sample_ids),
                treatment_metadata(metadata, recipients.sample_ids),
            ),
            (
                settings_json(n_draws=n_draws, day=day, antibiotics=antibiotics, seed=seed),
                settings_json(
                    **ranking_settings(
                        weights,
                        level,
                        prefer_above,
                        top=top,
                        prefilter=_prefilter_settings(prefilter),
                        max_draws=max_draws,
                        screening=screening_settings(screening),
                    )
                ),
            ),
        )
        fitted = self._fitted()
        if output is not None:
            path = os.fspath(output)
            told, *reports, notes = fitted.write_ranking(*asked, path, access)
            harmonization, noted = _told(reports, notes)
            written = WrittenRanking(
                path=path, **json.loads(told), harmonization=harmonization, notes=noted
            )
            _warn_outside(written.n_outside, written.n_rows)
            return written
        found, *reports, notes = fitted.rank_donors(*asked)
        ranking = Ranking(found, seed=seed)
        ranking._asked = (fitted, asked)
        words = {"regimen": regimen, "cancer": cancer, "line": line}
        ranking.context = report_context(
            self.header, self.vocabulary, words, metadata, recipients.sample_ids
        )
        ranking.harmonization, ranking.notes = _told(reports, notes)
        _warn_outside(sum(not row["in_domain"] for row in ranking.rows), len(ranking))
        return ranking

    def rank_batches(
        self,
        donors: Source,
        recipients: Source,
        *,
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
        """Every donor for every recipient, in order, some recipients at a time.

        For more pairs than memory holds; the rows are those of :meth:`rank_donors`.

        Parameters
        ----------
        donors, recipients, donor_metadata, regimen, cancer, line, partner
            As in :meth:`rank_donors`.
        metadata, screening, weights, level
            As in :meth:`rank_donors`.
        prefer_above, top, n_draws, max_draws, day, antibiotics, seed
            As in :meth:`rank_donors`.
        pairs_at_a_time
            A batch holds as many recipients as have this many pairs.

        Returns
        -------
        RankingBatches
            Arrow record batches, worked out as they are asked for.

        Examples
        --------
        >>> from donormatch import simulate
        >>> cohort = simulate(n_donors=3, n_recipients=4)
        >>> batches = Matcher.bundled().rank_batches(
        ...     cohort.donors, cohort.recipients, metadata=cohort.contexts, top=1, n_draws=20,
        ...     pairs_at_a_time=6,
        ... )
        >>> len(list(batches)), len(batches.summaries)
        (2, 4)
        """
        donors, recipients = as_profiles(donors), as_profiles(recipients)
        found, *reports, notes = self._fitted().rank_batches(
            donors._table,
            recipients._table,
            (regimen, cancer, line, partner),
            (
                donor_metadata_of(donor_metadata, donors.sample_ids),
                treatment_metadata(metadata, recipients.sample_ids),
            ),
            (
                settings_json(n_draws=n_draws, day=day, antibiotics=antibiotics, seed=seed),
                settings_json(
                    **ranking_settings(
                        weights,
                        level,
                        prefer_above,
                        top=top,
                        max_draws=max_draws,
                        screening=screening_settings(screening),
                    )
                ),
            ),
            pairs_at_a_time,
        )
        return RankingBatches(found, *_told(reports, notes))

    def explain(
        self,
        donors: Source,
        recipients: Source,
        *,
        recipient: str,
        donor: str,
        against: str | None = None,
        donor_metadata: DonorIds = None,
        regimen: Regimen | None = None,
        cancer: Cancer | None = None,
        line: Line | None = None,
        partner: Partner | None = None,
        metadata: Treatments = None,
        screening: Screening | None = None,
        weights: Sequence[float] = (1.0, 0.5, 3.0),
        n_draws: int = 200,
        day: float = 28.0,
        antibiotics: bool | None = None,
        seed: int = 0,
    ) -> Explanation:
        """Why a donor for a recipient, part by part.

        Parameters
        ----------
        donors, recipients
            Profiles, a file of them, or a frame; all donors of the pool.
        recipient
            The recipient.
        donor
            The donor to explain.
        against
            Another donor to compare with; the mean of the eligible donors by default.
        donor_metadata, regimen, cancer, line, partner, metadata, screening, weights
            As in :meth:`rank_donors`.
        n_draws, day, antibiotics, seed
            As in :meth:`rank_donors`.

        Returns
        -------
        Explanation
            What each part of the prediction adds to the mean log-odds of response and of a severe
            event.

        Raises
        ------
        ParameterError
            As :meth:`rank_donors`.
        InputError
            A donor or the recipient is not in its table.

        Examples
        --------
        >>> import donormatch as dm
        >>> cohort = dm.simulate(n_donors=3, n_recipients=1, seed=4)
        >>> why = dm.Matcher.bundled().explain(
        ...     cohort.donors, cohort.recipients, regimen="anti-pd-1", cancer="melanoma",
        ...     recipient="synthetic_recipient_01", donor="synthetic_donor_02",
        ... )
        >>> why.against is None
        True
        """
        donors, recipients = as_profiles(donors), as_profiles(recipients)
        settings = ranking_settings(weights, 0.9, 0.8, screening=screening_settings(screening))
        asked = (
            donors._table,
            recipients._table,
            (regimen, cancer, line, partner),
            (
                donor_metadata_of(donor_metadata, donors.sample_ids),
                treatment_metadata(metadata, recipients.sample_ids),
            ),
            (
                settings_json(n_draws=n_draws, day=day, antibiotics=antibiotics, seed=seed),
                settings_json(**settings),
            ),
        )
        question = (donor, against, recipient)
        why, reports, notes = Explanation._of(self._fitted(), asked, question)
        why.harmonization, why.notes = _told(reports, notes)
        return why

    def predict_transplant(
        self,
        donor: Source,
        recipient: Source,
        *,
        day: float = 28.0,
        antibiotics: bool | None = None,
    ) -> TransplantPrediction:
        """What a transplant is expected to leave, taxon by taxon; research use only.

        Parameters
        ----------
        donor
            Profiles of one donor, a file of them, or a frame; several samples are averaged.
        recipient
            The one sample of the recipient before the transplant.
        day
            Days after the transplant at which its result is judged.
        antibiotics
            Whether given before the transplant; unknown by default.

        Returns
        -------
        TransplantPrediction
            Probability and expected abundance of every taxon of the two, and what it is called:
            gained, not gained, kept or lost.

        Raises
        ------
        InputError
            A table cannot be used.
        ParameterError
            The recipient has several samples, or `day` is out of range.
        NotFittedError
            The matcher is not fitted.

        Warns
        -----
        SynonymWarning
            Less than nine tenths of the abundance is in taxa that the vocabulary knows.

        Examples
        --------
        >>> from donormatch import simulate
        >>> cohort = simulate(n_donors=2, n_recipients=1)
        >>> found = Matcher.bundled().predict_transplant(
        ...     cohort.donors.select(cohort.donors.sample_ids[:1]), cohort.recipients
        ... )
        >>> sorted(found.taxa[0])
        ['donor', 'expected_fraction', 'fate', 'p_present', 'recipient', 'taxon']
        """
        model = self._fitted()
        donor, recipient = as_profiles(donor), as_profiles(recipient)
        predict = settings_json(day=day, antibiotics=antibiotics)
        found, *reports = model.predict_transplant(donor._table, recipient._table, predict)
        tables = map(HarmonizationReport._from_json, reports)
        harmonization = dict(zip(("donor", "recipient"), tables, strict=True))
        for what, report in harmonization.items():
            report._warn_of_names(what)
        return TransplantPrediction(**json.loads(found), harmonization=harmonization)

    def _fitted(self) -> _core.Matcher:
        if not hasattr(self, "model_"):
            message = "the matcher is not fitted: call `fit`"
            raise NotFittedError(message)
        return self.model_

    def __copy__(self) -> Matcher:
        # What was learned never changes: a copy shares it, where pickling would write it out.
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        if "model_" in state:
            state["model_"] = state["model_"].to_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "model_" in state:
            self.model_ = _core.Matcher.from_bytes(state["model_"])

    def __repr__(self) -> str:
        fitted = f"vocabulary={self.vocabulary!r}" if hasattr(self, "model_") else "not fitted"
        return f"Matcher({fitted})"

    def _repr_html_(self) -> str:
        return matcher_html(repr(self), self.header, getattr(self, "learned_", {}))


@functools.cache
def bundled_matcher() -> Matcher:
    """The bundled matcher, decoded once."""
    return Matcher.bundled()


def _prefilter_settings(prefilter: Prefilter) -> dict[str, float] | None:
    """The settings of a prefilter, where one is asked for."""
    if isinstance(prefilter, Mapping):
        return dict(prefilter)
    return {} if prefilter else None


def _told(
    reports: Sequence[str], notes: tuple[Notes, Notes]
) -> tuple[dict[str, HarmonizationReport], list[str]]:
    """What harmonization did to donors and recipients, and notes on both, warned of."""
    tables = map(HarmonizationReport._from_json, reports)
    harmonization = dict(zip(("donors", "recipients"), tables, strict=True))
    for what, report in harmonization.items():
        report._warn_of_names(what)
    return harmonization, _warned_of_both(("donor_metadata", "metadata"), notes)


def _warned_of_both(names: tuple[str, str], notes: tuple[Notes, Notes]) -> list[str]:
    told = zip(names, notes, strict=True)
    return [note for name, its in told for note in warned(name, its)]


def _warn_outside(n_outside: int, n_rows: int) -> None:
    if n_outside:
        message = f"{n_outside} of {n_rows} pairs lie outside what the models know"
        warn(message, OutOfDomainWarning)


def as_profiles(source: Source) -> Profiles:
    """Profiles from whatever a caller has: themselves, files, a frame, AnnData."""
    if isinstance(source, Profiles):
        return source
    is_file = isinstance(source, str | bytes | os.PathLike) or hasattr(source, "read")
    found: Any = source
    if is_file or isinstance(source, list | tuple):
        return read_profiles(found)
    if hasattr(found, "obs_names"):
        return Profiles.from_anndata(found)
    if hasattr(found, "iloc"):
        return Profiles.from_pandas(found)
    if not hasattr(found, "__arrow_c_stream__"):
        message = (
            "expected profiles, a file or several, AnnData, or a frame of pandas, Polars or Arrow, "
            f"found {type(found).__name__}; `Profiles.from_numpy` takes an array with its names"
        )
        raise InputError(message)
    return Profiles.from_arrow(found)


def warn_of_own_stool(donors: Profiles, recipients: Profiles) -> None:
    """Warn where one sample, by id and content, is donor and recipient."""
    shared = [name for name in recipients.sample_ids if name in set(donors.sample_ids)]
    same = [name for name in shared if _content_of(donors[name]) == _content_of(recipients[name])]
    if same:
        warn(
            f"{len(same)} of {len(recipients)} recipients are among the donors too, such as "
            f"`{same[0]}`: a transplant of one's own stool is ranked beside the others"
        )


def _content_of(profile: Profiles) -> dict[str, float]:
    """The taxa of one sample with their fractions."""
    _, places, values = profile.closure()._table.to_csr()
    taxa = profile.taxa
    return {taxa[at]: float(value) for at, value in zip(places, values, strict=True)}
