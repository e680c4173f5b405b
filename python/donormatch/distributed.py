"""The same work on many machines: rankings and cross-validation over a cluster.

:func:`rank_donors` and :func:`evaluate` run over a ``dask.distributed.Client`` (extra
``distributed``); :func:`pair_mapper` gives a plain function of Arrow batches, which Spark's
``mapInArrow`` or any other engine can call (extra ``arrow``). What comes back equals the local
result to the bit, in any number of partitions: a recipient's donors depend on the donors, the
settings and that recipient alone. Research use only.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import pickle
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from donormatch import _core
from donormatch._cohort import (
    Cohort,
    DonorIds,
    PatientCohort,
    Treatments,
    donor_metadata_of,
    kept,
    treatment_metadata,
)
from donormatch._convert import settings_json
from donormatch._errors import DonorMatchError, ParameterError
from donormatch._matcher import (
    Cancer,
    Line,
    Matcher,
    Partner,
    Prefilter,
    Regimen,
    Source,
    _prefilter_settings,
    _told,
    _warn_outside,
    as_profiles,
    bundled_matcher,
)
from donormatch._optional import optional
from donormatch._ranking import Ranking, ranking_settings
from donormatch._screening import Screening, screening_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from donormatch._harmonize import HarmonizationReport

__all__ = ["PartitionError", "RankingJob", "evaluate", "pair_mapper", "rank_donors"]

#: Partitions a worker by default: enough that none waits long for the last.
PARTITIONS_A_WORKER = 8
#: How often what every worker holds is sent again after all that held it were lost.
MAX_ROUNDS = 10
#: Seconds between looks at whether what the workers hold is still there.
LOOK_EVERY = 1.0
#: Ids named in the message of an error; its attributes hold all.
NAMED = 3


class PartitionError(DonorMatchError, RuntimeError):
    """A partition could not be computed; the cause says why.

    Attributes
    ----------
    donor_ids, recipient_ids : list of str
        The pairs of the partition: each of these donors for each of these recipients.
    """

    def __init__(
        self, message: str, donor_ids: Sequence[str], recipient_ids: Sequence[str]
    ) -> None:
        super().__init__(message)
        self.donor_ids = list(donor_ids)
        self.recipient_ids = list(recipient_ids)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.donor_ids, self.recipient_ids)


class RankingJob:
    """What is to be ranked, once checked; it travels to other processes as bytes.

    Parameters
    ----------
    donors, recipients, donor_metadata, regimen, cancer, line, partner, metadata
        As in :meth:`Matcher.rank_donors`; files are read here, not by the workers.
    matcher
        The bundled one by default.
    screening, weights, level, prefer_above, top, prefilter, n_draws, max_draws, day, antibiotics
        As in :meth:`Matcher.rank_donors`.
    seed
        Of the draws.

    Examples
    --------
    >>> from donormatch import simulate
    >>> cohort = simulate(n_donors=3, n_recipients=4)
    >>> job = RankingJob(cohort.donors, cohort.recipients, metadata=cohort.contexts, n_draws=20)
    >>> job
    RankingJob(3 donors, 4 recipients)
    >>> parts = [job.rank_part([0, 3]), job.rank_part([1, 2])]
    >>> job.join(parts) == job.join([job.rank_part(range(4))])
    True
    """

    def __init__(
        self,
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
    ) -> None:
        donors, recipients = as_profiles(donors), as_profiles(recipients)
        tables = (
            donor_metadata_of(donor_metadata, donors.sample_ids),
            treatment_metadata(metadata, recipients.sample_ids),
        )
        self._state: dict[str, Any] = {
            "matcher": bundled_matcher() if matcher is None else matcher,
            "donors": donors,
            "recipients": recipients,
            "treatment": (regimen, cancer, line, partner),
            "metadata": tuple(None if its is None else kept(its) for its in tables),
            "settings": (
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
        }
        self._seed = seed
        self._packed: tuple[str, bytes] | None = None
        self._task, reports, notes = self._built()
        #: What harmonization did to ``donors`` and ``recipients``.
        self.harmonization: dict[str, HarmonizationReport]
        #: What was noticed about treatments.
        self.notes: list[str]
        self.harmonization, self.notes = _told(reports, notes)
        self.donor_ids = self._task.donor_ids
        self.recipient_ids = self._task.recipient_ids

    def _built(self) -> tuple[_core.RankingTask, list[str], Any]:
        state = self._state
        task, *reports, notes = (
            state["matcher"]
            ._fitted()
            .ranking_task(
                state["donors"]._table,
                state["recipients"]._table,
                state["treatment"],
                state["metadata"],
                state["settings"],
            )
        )
        return task, reports, notes

    def choose_donors(self) -> ChosenDonors | None:
        """What the pilots say of which donors to draw for everyone else.

        Returns
        -------
        ChosenDonors or None
            To be given to :meth:`rank_part` and :meth:`join`; nothing without a prefilter, or with
            so few recipients that all are pilots.
        """
        chosen = self._task.choose_donors()
        return None if chosen is None else ChosenDonors(chosen)

    def rank_part(self, rows: Sequence[int], chosen: ChosenDonors | None = None) -> bytes:
        """Some recipients, ranked.

        Parameters
        ----------
        rows
            Places of the recipients in their table.
        chosen
            What :meth:`choose_donors` gave.

        Returns
        -------
        bytes
            For :meth:`join`, in this process or another.

        Raises
        ------
        PartitionError
            The pairs could not be ranked; the message names them, the cause says why.
        """
        found: bytes = self._of_part(rows, chosen, self._task.rank_part)
        return found

    def rank_batch(self, rows: Sequence[int], chosen: ChosenDonors | None = None) -> Any:
        """Some recipients, ranked, as one Arrow batch of rows.

        Parameters
        ----------
        rows, chosen
            As in :meth:`rank_part`.

        Returns
        -------
        Arrow record batch
            With the columns of :class:`Ranking`, by the PyCapsule interface.
        """
        return self._of_part(rows, chosen, self._task.rank_batch)

    def _of_part(
        self, rows: Sequence[int], chosen: ChosenDonors | None, rank: Callable[..., Any]
    ) -> Any:
        try:
            return rank(list(rows), None if chosen is None else chosen._chosen)
        except Exception as error:
            raise self._error(rows, error) from error

    def _error(self, rows: Sequence[int], cause: object) -> PartitionError:
        recipients = [self.recipient_ids[row] for row in rows if row < len(self.recipient_ids)]
        message = (
            f"could not rank {_named('donor', self.donor_ids)} for "
            f"{_named('recipient', recipients)}: {cause}"
        )
        return PartitionError(message, self.donor_ids, recipients)

    def join(self, parts: Iterable[bytes], chosen: ChosenDonors | None = None) -> Ranking:
        """The ranking of all recipients.

        Parameters
        ----------
        parts
            What :meth:`rank_part` gave, in any order, every recipient once.
        chosen
            What :meth:`choose_donors` gave.

        Returns
        -------
        Ranking
            The same, to the bit, as that of :func:`donormatch.rank_donors`.

        Raises
        ------
        InputError
            A recipient is in no part, or in several.
        """
        found = self._task.join(list(parts), None if chosen is None else chosen._chosen)
        ranking = Ranking(found, seed=self._seed)
        ranking.harmonization, ranking.notes = self.harmonization, self.notes
        return ranking

    def __reduce__(self) -> tuple[Any, ...]:
        if self._packed is None:
            content = pickle.dumps((self._state, self._seed))
            self._packed = hashlib.sha256(content).hexdigest(), content
        return _job_of, self._packed

    def __repr__(self) -> str:
        return f"RankingJob({len(self.donor_ids)} donors, {len(self.recipient_ids)} recipients)"


class ChosenDonors:
    """Which donors are drawn for whom, as the pilots of a prefiltered job say."""

    def __init__(self, chosen: _core.ChosenDonors) -> None:
        self._chosen = chosen

    def __reduce__(self) -> tuple[Any, ...]:
        return _chosen_of, (self._chosen.to_bytes(),)


#: The job that this process read last: an engine that hands the same bytes to every task does not
#: have them decoded every time.
_LAST_JOB: dict[str, RankingJob] = {}
_LOCK = threading.Lock()


def _job_of(digest: str, content: bytes) -> RankingJob:
    with _LOCK:
        if digest not in _LAST_JOB:
            job = RankingJob.__new__(RankingJob)
            job._state, job._seed = pickle.loads(content)
            job._packed = digest, content
            # What is odd about the tables was told where the job was made.
            job._task, *_ = job._built()
            job.harmonization, job.notes = {}, []
            job.donor_ids = job._task.donor_ids
            job.recipient_ids = job._task.recipient_ids
            _LAST_JOB.clear()
            _LAST_JOB[digest] = job
        return _LAST_JOB[digest]


def _chosen_of(content: bytes) -> ChosenDonors:
    return ChosenDonors(_core.ChosenDonors.from_bytes(content))


def _named(noun: str, ids: Sequence[str]) -> str:
    named = ", ".join(f"`{one}`" for one in ids[:NAMED])
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f"{noun}{'' if len(ids) == 1 else 's'} {named}{more}"


def rank_donors(
    client: Any,
    donors: Source,
    recipients: Source,
    *,
    n_partitions: int | None = None,
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
) -> Ranking:
    """Every donor for every recipient, in order, worked out by a Dask cluster; research use only.

    The matcher and the profiles travel once to each worker, a partition is a list of places. A
    worker that is lost has its partitions worked out by others. Give each worker process one
    thread: the core uses all cores of a machine by itself.

    Parameters
    ----------
    client
        A ``dask.distributed.Client``.
    donors, recipients
        As in :meth:`Matcher.rank_donors`; read here, not by the workers.
    n_partitions
        Into how many tasks the recipients are divided; by default eight a worker. The result is
        the same in any number.
    matcher
        The bundled one by default.
    donor_metadata, regimen, cancer, line, partner, metadata, screening, weights, level
        As in :meth:`Matcher.rank_donors`.
    prefer_above, top, prefilter, n_draws, max_draws, day, antibiotics, seed
        As in :meth:`Matcher.rank_donors`. With a prefilter one worker ranks the pilots first.

    Returns
    -------
    Ranking
        As of :func:`donormatch.rank_donors`, to the bit.

    Raises
    ------
    PartitionError
        Some pairs could not be ranked, by what the cause says or because every worker that tried
        died; the message names them.
    ParameterError, InputError
        As in :meth:`Matcher.rank_donors`.

    Examples
    --------
    >>> from donormatch import simulate
    >>> from dask.distributed import Client  # doctest: +SKIP
    >>> cohort = simulate()
    >>> with Client(n_workers=2, threads_per_worker=1) as client:  # doctest: +SKIP
    ...     rank_donors(client, cohort.donors, cohort.recipients, metadata=cohort.contexts)
    Ranking(8 recipients, 48 pairs)
    """
    job = RankingJob(
        donors,
        recipients,
        matcher=matcher,
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
    )
    n_recipients = len(job.recipient_ids)
    parts = _parts(n_recipients, _n_partitions(client, n_partitions))
    shared = [_Shared(client, job)]
    chosen = None
    if prefilter:
        rows = range(n_recipients)
        [chosen] = _run(client, _choose, shared, [rows], job._error)
    shared.append(_Shared(client, chosen))
    ranked = _run(client, _rank_part, shared, parts, job._error)
    ranking = job.join(ranked, chosen)
    _warn_outside(sum(not row["in_domain"] for row in ranking.rows), len(ranking))
    return ranking


def _choose(job: RankingJob, _: range) -> ChosenDonors | None:
    return job.choose_donors()


def _rank_part(job: RankingJob, chosen: ChosenDonors | None, rows: range) -> bytes:
    return job.rank_part(rows, chosen)


def _parts(n: int, n_partitions: int) -> list[range]:
    """Consecutive places, as evenly as can be, no part empty."""
    n_partitions = min(n, n_partitions)
    ends = [n * part // n_partitions for part in range(n_partitions + 1)]
    return [range(start, end) for start, end in itertools.pairwise(ends)]


def _n_partitions(client: Any, n_partitions: int | None) -> int:
    if n_partitions is None:
        return PARTITIONS_A_WORKER * max(1, len(client.nthreads()))
    if n_partitions < 1:
        message = f"`n_partitions`: expected 1 or more, found {n_partitions}"
        raise ParameterError(message)
    return n_partitions


class _Shared:
    """A thing that every worker holds; it is sent when it is first needed, once to each."""

    def __init__(self, client: Any, value: Any) -> None:
        self._client, self._value = client, value
        self.future: Any = None

    def held(self, *, anew: bool) -> Any:
        if anew or self.future is None:
            [self.future] = self._client.scatter([self._value], broadcast=True, hash=False)
        return self.future


def _run(
    client: Any,
    function: Callable[..., Any],
    shared: Sequence[_Shared],
    parts: Sequence[Any],
    error_of: Callable[[Any, object], Exception],
) -> list[Any]:
    """What the function gives of each part, in order; the shared things travel once to a worker.

    Dask works a task out again whose worker was lost, but not what was sent to workers: where all
    that held it were lost, it is sent again.
    """
    killed = optional("distributed", "a cluster").KilledWorker
    results: dict[int, Any] = {}
    for attempt in range(MAX_ROUNDS):
        held = [one.held(anew=attempt > 0) for one in shared]
        todo = [number for number in range(len(parts)) if number not in results]
        for number, future in _done(client, function, held, parts, todo):
            if future.status == "finished":
                # Lost on the way from the worker that held it: with the next round.
                with contextlib.suppress(CancelledError):
                    results[number] = future.result()
            elif future.status == "error":
                error = future.exception()
                if isinstance(error, killed):
                    raise error_of(parts[number], error) from error
                raise error
        if len(results) == len(parts):
            return [results[number] for number in range(len(parts))]
    message = f"the workers were lost {MAX_ROUNDS} times"
    missing = next(part for number, part in enumerate(parts) if number not in results)
    raise error_of(missing, message)


def _done(
    client: Any,
    function: Callable[..., Any],
    held: Sequence[Any],
    parts: Sequence[Any],
    todo: Sequence[int],
) -> Iterator[tuple[int, Any]]:
    """The parts with their futures as these are done; ends early where what is held was lost."""
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    futures = {}
    try:
        for number in todo:
            future = client.submit(function, *held, parts[number], pure=False)
            futures[future.key] = number, future
            future.add_done_callback(done.put)
        while futures:
            try:
                key = done.get(timeout=LOOK_EVERY).key
            except queue.Empty:
                if any(one.status != "finished" for one in held):
                    return
                continue
            # Once it is given away, nothing holds its result on the cluster.
            yield futures.pop(key)
    finally:
        client.cancel([future for _, future in futures.values()])


def evaluate(
    client: Any,
    patients: PatientCohort | None = None,
    transplants: Cohort | Sequence[Cohort] | None = None,
    *,
    matcher: Matcher | None = None,
    cohorts: Sequence[str] = (),
    min_patients: int = 1,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """How good models are on cohorts they did not learn from, each left out by a task of its own.

    Parameters
    ----------
    client
        A ``dask.distributed.Client``.
    patients, transplants
        As in :meth:`Matcher.evaluate`; they travel once to each worker.
    matcher
        Whose settings are judged, fitted or not; those of ``Matcher()`` by default.
    cohorts, min_patients, n_resamples, level, seed
        As in :meth:`Matcher.evaluate`.

    Returns
    -------
    list of dict
        As of :meth:`Matcher.evaluate`, to the bit.

    Raises
    ------
    DonorMatchError
        A cohort could not be judged; where its workers died, the message names it.
    """
    asked = Matcher() if matcher is None else matcher
    bootstrap = {"n_resamples": n_resamples, "level": level, "seed": seed}
    report = settings_json(bootstrap=bootstrap, min_patients=min_patients)
    rows: list[dict[str, Any]] = []
    if patients is not None:
        settings = settings_json(**dict(asked.response or {}))
        found = _evaluated(client, _Folds((patients,), settings, tuple(cohorts), report))
        rows += [{"what": "response", **row} for row in found]
    if transplants is not None:
        several = (transplants,) if isinstance(transplants, Cohort) else tuple(transplants)
        settings = settings_json(**dict(asked.engraftment or {}))
        judged = _evaluated(client, _Folds(several, settings, None, report))
        rows += [{"what": "engraftment", **row} for row in judged["rows"]]
        rows += [{"what": "engraftment_counts", **row} for row in judged["counts"]]
    return rows


class _Folds:
    """The cohorts that are left out, built once in a process."""

    def __init__(
        self,
        cohorts: tuple[PatientCohort | Cohort, ...],
        settings: str,
        headline: tuple[str, ...] | None,
        report: str,
    ) -> None:
        self._state = cohorts, settings, headline, report
        inner: list[Any] = [cohort._cohort for cohort in cohorts]
        self.folds: _core.ResponseFolds | _core.EngraftmentFolds
        if headline is None:
            self.folds = _core.engraftment_folds(settings, inner, report)
        else:
            self.folds = _core.response_folds(settings, inner[0], list(headline), report)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Folds, self._state


def _evaluated(client: Any, folds: _Folds) -> Any:
    def error_of(name: str, cause: object) -> Exception:
        return DonorMatchError(f"could not judge `{name}`: {cause}")

    judged = _run(client, _judge, [_Shared(client, folds)], folds.folds.names, error_of)
    return json.loads(folds.folds.report(judged))


def _judge(folds: _Folds, name: str) -> bytes:
    return folds.folds.judge(name)


def pair_mapper(job: RankingJob) -> PairMapper:
    """A function of Arrow batches that any engine can call where its data are.

    Parameters
    ----------
    job
        What is to be ranked.

    Returns
    -------
    PairMapper
        Takes batches with a column ``recipient_id``, gives batches of the rows of these recipients.

    Examples
    --------
    >>> import pyarrow as pa  # doctest: +SKIP
    >>> mapper = pair_mapper(job)  # doctest: +SKIP
    >>> spark_frame.mapInArrow(mapper, mapper.ddl)  # doctest: +SKIP
    """
    return PairMapper(job, job.choose_donors())


class PairMapper:
    """Arrow batches with the ids of recipients → Arrow batches of their rows.

    It travels with its job as bytes; a process that is handed the same bytes again does not decode
    them again. The rows are those of :func:`donormatch.rank_donors`, to the bit, whatever the
    batches.

    Attributes
    ----------
    ddl : str
        The columns of what it gives, as Spark wants them said.
    """

    def __init__(self, job: RankingJob, chosen: ChosenDonors | None) -> None:
        self._job, self._chosen = job, chosen
        self._places = {name: row for row, name in enumerate(job.recipient_ids)}

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rank the recipients of each batch.

        Parameters
        ----------
        batches
            Arrow batches with a column ``recipient_id``; a recipient named twice is ranked twice.

        Yields
        ------
        pyarrow.RecordBatch
            The rows of one batch, with the columns of :class:`Ranking`.

        Raises
        ------
        ParameterError
            A batch lacks the column, or names a recipient that is not of the job.
        PartitionError
            The pairs could not be ranked.
        """
        arrow = optional("pyarrow", "pair_mapper")
        for batch in batches:
            if "recipient_id" not in batch.schema.names:
                found = ", ".join(batch.schema.names)
                message = f"`recipient_id`: expected a column of that name, found {found}"
                raise ParameterError(message)
            ids = batch.column("recipient_id").to_pylist()
            unknown = [one for one in ids if one not in self._places]
            if unknown:
                message = f"`recipient_id`: no recipient `{unknown[0]}` in the job"
                raise ParameterError(message)
            if ids:
                rows = [self._places[one] for one in ids]
                yield arrow.record_batch(self._job.rank_batch(rows, self._chosen))

    @property
    def ddl(self) -> str:
        kinds = {"rank": "bigint", "n_transplants": "bigint", "n_responders": "bigint"}
        kinds["in_domain"] = "boolean"
        texts = ("recipient_id", "donor_id", "verdict", "carried_by", "flags", "reason")
        kinds |= dict.fromkeys(texts, "string")
        names = _core.Ranking.COLUMNS
        return ", ".join(f"{name} {kinds.get(name, 'double')}" for name in names)

    def __reduce__(self) -> tuple[Any, ...]:
        return PairMapper, (self._job, self._chosen)

    def __repr__(self) -> str:
        return f"PairMapper({self._job!r})"
