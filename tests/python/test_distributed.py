"""Rankings and evaluations over a cluster equal the local ones, whatever happens to its workers.

`DONORMATCH_KILLS=10` kills one of two workers that many times, a ranking a time (`make prove`).
"""

import os
import pickle
import shutil
import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest

import donormatch as dm

dask_distributed = pytest.importorskip("distributed")
from donormatch import distributed  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::donormatch.OutOfDomainWarning")

N_KILLS = int(os.environ.get("DONORMATCH_KILLS", "1"))
SETTINGS = {"n_draws": 20, "max_draws": 80, "seed": 3}
PREFILTERED = {"top": 1, "prefilter": {"n_pilots": 3, "margin": 1.0, "n_sampled": 20}}


@pytest.fixture(scope="module")
def client():
    cluster = dask_distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    )
    with cluster, dask_distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def bank():
    return dm.simulate(n_donors=4, n_recipients=70, seed=1)


@pytest.fixture(scope="module")
def local(bank):
    return dm.rank_donors(bank.donors, bank.recipients, metadata=bank.contexts, **SETTINGS)


def ranked(client, bank, **settings):
    return distributed.rank_donors(
        client, bank.donors, bank.recipients, metadata=bank.contexts, **SETTINGS, **settings
    )


def pids(client):
    return client.run(os.getpid)


def kill(workers):
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def wait_for_two(client, before):
    """Until two workers are there, none of those that were killed."""
    for _ in range(300):
        client.wait_for_workers(2, timeout=60)
        now = set(pids(client).values())
        if len(now) == 2 and not now & set(before):
            return
        time.sleep(0.1)
    raise AssertionError("the workers did not come back")


# ---- the same bits ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_partitions", [1, 2, 7, 64])
def test_any_number_of_partitions_gives_the_local_bytes(client, bank, local, n_partitions):
    found = ranked(client, bank, n_partitions=n_partitions)
    assert found.to_json() == local.to_json()
    assert found == local
    assert str(found.harmonization) == str(local.harmonization)
    assert found.notes == local.notes


def test_a_prefiltered_ranking_is_that_of_one_machine(client):
    bank = dm.simulate(n_donors=90, n_recipients=9, seed=2)
    settings = {"metadata": bank.contexts, "n_draws": 20, "max_draws": 0, **PREFILTERED}
    expected = dm.rank_donors(bank.donors, bank.recipients, **settings)
    assert expected.prefilter["not_drawn"]
    for n_partitions in (1, 4):
        found = distributed.rank_donors(
            client, bank.donors, bank.recipients, n_partitions=n_partitions, **settings
        )
        assert found.to_json() == expected.to_json()
    # So few recipients that everyone is a pilot.
    few = bank.recipients.select(bank.recipients.sample_ids[:5])
    settings["metadata"] = {name: bank.contexts[name] for name in few.sample_ids}
    expected = dm.rank_donors(bank.donors, few, **settings)
    assert distributed.rank_donors(client, bank.donors, few, **settings) == expected


def test_profiles_travel_once_to_a_worker(client, bank):
    def came_in(dask_worker):
        log = dask_worker.transfer_incoming_log
        return [key for transfer in log for key in transfer["keys"]]

    before = client.run(came_in)
    ranked(client, bank, n_partitions=20)
    of_jobs = {
        worker: [key for key in keys[len(before[worker]) :] if key.startswith("RankingJob")]
        for worker, keys in client.run(came_in).items()
    }
    assert all(len(keys) <= 1 for keys in of_jobs.values()), of_jobs
    # A task carries places, no profile.
    assert len(pickle.dumps((distributed._rank_part, range(70)))) < 500


def test_a_process_decodes_a_job_once(bank):
    job = distributed.RankingJob(bank.donors, bank.recipients, regimen="anti-pd-1")
    content = pickle.dumps(job)
    assert pickle.loads(content) is pickle.loads(content)


# ---- workers that die ---------------------------------------------------------------------------


def ranked_while(client, bank, interrupt, monkeypatch):
    """A ranking of 64 partitions, during which something happens after the third is done."""
    done_of, happened = distributed._done, []

    def interrupted(*asked):
        for n_done, done in enumerate(done_of(*asked), start=1):
            yield done
            if n_done == 3 and not happened:
                interrupt()
                happened.append(n_done)

    monkeypatch.setattr(distributed, "_done", interrupted)
    settings = {**SETTINGS, "max_draws": 400, "metadata": bank.contexts, "n_partitions": 64}
    found = distributed.rank_donors(client, bank.donors, bank.recipients, **settings)
    assert happened == [3]
    return found


@pytest.fixture(scope="module")
def longer(bank):
    settings = {**SETTINGS, "max_draws": 400}
    return dm.rank_donors(bank.donors, bank.recipients, metadata=bank.contexts, **settings)


@pytest.mark.parametrize("time_of_kill", range(N_KILLS))
def test_a_worker_that_is_killed_loses_nothing(client, bank, longer, time_of_kill, monkeypatch):
    victim = sorted(pids(client).values())[time_of_kill % 2]
    found = ranked_while(client, bank, lambda: kill([victim]), monkeypatch)
    assert found.to_json() == longer.to_json()
    wait_for_two(client, [victim])


def test_profiles_are_sent_again_where_all_that_held_them_died(client, bank, longer, monkeypatch):
    victims = list(pids(client).values())
    found = ranked_while(client, bank, lambda: kill(victims), monkeypatch)
    assert found.to_json() == longer.to_json()
    wait_for_two(client, victims)


def test_a_partition_that_kills_its_workers_is_named(client, bank):
    job = distributed.RankingJob(bank.donors, bank.recipients, regimen="anti-pd-1")
    before = list(pids(client).values())

    def die_of(_, rows):
        os._exit(len(rows))

    scheduler = client.cluster.scheduler
    allowed, scheduler.allowed_failures = scheduler.allowed_failures, 0
    try:
        shared = [distributed._Shared(client, job)]
        with pytest.raises(distributed.PartitionError) as raised:
            distributed._run(client, die_of, shared, [range(2, 7)], job._error)
    finally:
        scheduler.allowed_failures = allowed
    assert raised.value.recipient_ids == bank.recipients.sample_ids[2:7]
    assert raised.value.donor_ids == bank.donors.sample_ids
    for name in (bank.recipients.sample_ids[2], bank.donors.sample_ids[0], "and 2 more"):
        assert name in str(raised.value)
    survivors = set(pids(client).values()) & set(before)
    wait_for_two(client, set(before) - survivors)


def test_a_partition_that_cannot_be_computed_is_named(bank):
    job = distributed.RankingJob(bank.donors, bank.recipients, regimen="anti-pd-1")
    with pytest.raises(distributed.PartitionError, match="could not rank donors `") as raised:
        job.rank_part([1, 70])
    assert raised.value.recipient_ids == [bank.recipients.sample_ids[1]]
    assert isinstance(raised.value.__cause__, dm.InputError)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.donor_ids) == (str(raised.value), raised.value.donor_ids)


# ---- parts that do not fit together -------------------------------------------------------------


def test_parts_must_hold_every_recipient_once(bank):
    job = distributed.RankingJob(
        bank.donors, bank.recipients, metadata=bank.contexts, n_draws=20, max_draws=0
    )
    some, rest = job.rank_part(range(40)), job.rank_part(range(40, 70))
    assert len(job.join([rest, some]).summaries) == 70
    with pytest.raises(dm.InputError, match="no part holds recipient `"):
        job.join([some])
    with pytest.raises(dm.InputError, match="was ranked twice"):
        job.join([some, some, rest])
    with pytest.raises(dm.ModelFormatError, match="part of a ranking"):
        job.join([some[:-1]])


def test_what_cannot_be_ranked_is_refused_before_anything_travels(client, bank):
    with pytest.raises(dm.ParameterError, match="level"):
        ranked(client, bank, level=2.0)
    with pytest.raises(dm.ParameterError, match="n_partitions"):
        ranked(client, bank, n_partitions=0)


# ---- cross-validation ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cohorts():
    rng = np.random.default_rng(5)
    taxa = [f"s__Blautia_sp{number}" for number in range(30)]
    names = [f"s{number}" for number in range(90)]
    values = rng.dirichlet(np.full(30, 0.3), size=90)
    values[values < 0.004] = 0.0
    profiles = dm.Profiles.from_numpy(
        values / values.sum(1, keepdims=True), sample_ids=names, taxa=taxa, unit="fraction"
    )
    patients = pd.DataFrame(
        {
            "sample_id": names[:60],
            "subject": names[:60],
            "study": [f"study{number % 3}" for number in range(60)],
            "cohort": [f"study{number % 3}" for number in range(60)],
            "response": ["R" if value > 0.05 else "NR" for value in values[:60, 0]],
        }
    )
    return dm.PatientCohort(patients, profiles)


def test_cohorts_left_out_on_a_cluster_give_the_local_table(client, cohorts):
    expected = dm.Matcher().evaluate(cohorts, n_resamples=20)
    assert len({row["cohort"] for row in expected}) >= 3
    assert distributed.evaluate(client, cohorts, n_resamples=20) == expected


def test_cohorts_survive_the_way_to_another_process(cohorts, tmp_path):
    again = pickle.loads(pickle.dumps(cohorts))
    assert (again.patients, again.notes) == (cohorts.patients, cohorts.notes)


# ---- any other engine ---------------------------------------------------------------------------


def batches_of(ids, size):
    arrow = pytest.importorskip("pyarrow")
    return [
        arrow.record_batch({"recipient_id": ids[start : start + size]})
        for start in range(0, len(ids), size)
    ]


def test_batches_of_recipients_become_batches_of_their_rows(bank, local):
    arrow = pytest.importorskip("pyarrow")
    job = distributed.RankingJob(bank.donors, bank.recipients, metadata=bank.contexts, **SETTINGS)
    mapper = pickle.loads(pickle.dumps(distributed.pair_mapper(job)))
    expected = local.to_pandas()
    for size in (1, 9, 70):
        found = list(mapper(batches_of(bank.recipients.sample_ids, size)))
        assert len(found) == -(-70 // size)
        frame = arrow.Table.from_batches(found).to_pandas()
        numbers = frame.select_dtypes("number").columns
        assert (frame[numbers].to_numpy() == expected[numbers].to_numpy()).all()
        texts = ["recipient_id", "donor_id", "verdict", "carried_by", "flags", "reason"]
        pd.testing.assert_frame_equal(frame[texts], expected[texts], check_dtype=False)
    names = [column.split()[0] for column in mapper.ddl.split(", ")]
    assert names == list(frame.columns)


def test_pilots_are_mapped_as_everyone_else():
    arrow = pytest.importorskip("pyarrow")
    bank = dm.simulate(n_donors=90, n_recipients=9, seed=2)
    settings = {"metadata": bank.contexts, "n_draws": 20, "max_draws": 0, **PREFILTERED}
    expected = dm.rank_donors(bank.donors, bank.recipients, **settings)
    mapper = distributed.pair_mapper(
        distributed.RankingJob(bank.donors, bank.recipients, **settings)
    )
    ids = bank.recipients.sample_ids
    table = arrow.Table.from_batches(mapper(batches_of([*ids, ids[0]], 4)))
    rows = [*expected.rows, *expected.rows[:1]]
    assert table["utility"].to_pylist() == [row["utility"] for row in rows]
    assert table["donor_id"].to_pylist() == [row["donor_id"] for row in rows]


def test_a_batch_that_is_not_of_the_job_names_what_is_wrong(bank):
    arrow = pytest.importorskip("pyarrow")
    mapper = distributed.pair_mapper(
        distributed.RankingJob(bank.donors, bank.recipients, regimen="anti-pd-1")
    )
    with pytest.raises(dm.ParameterError, match="no recipient `nobody`"):
        next(mapper(batches_of(["nobody"], 1)))
    with pytest.raises(dm.ParameterError, match="expected a column of that name, found who"):
        next(mapper([arrow.record_batch({"who": ["a"]})]))
    assert list(mapper([])) == list(mapper(batches_of([], 1))) == []


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs a Java runtime")
@pytest.mark.filterwarnings("ignore")
def test_spark_maps_the_local_rows(bank, local, monkeypatch):
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    job = distributed.RankingJob(bank.donors, bank.recipients, metadata=bank.contexts, **SETTINGS)
    mapper = distributed.pair_mapper(job)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.getOrCreate()
    try:
        ids = spark.createDataFrame(
            [(one,) for one in bank.recipients.sample_ids], "recipient_id string"
        )
        found = ids.repartition(7).mapInArrow(mapper, mapper.ddl).collect()
    finally:
        spark.stop()
    found = {(row["recipient_id"], row["donor_id"]): row for row in found}
    assert len(found) == len(local)
    for row in local.rows:
        other = found[row["recipient_id"], row["donor_id"]]
        for name in ("rank", "verdict", "p_response", "utility", "p_best", "in_domain"):
            assert other[name] == row[name]
