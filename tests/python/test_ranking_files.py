"""Rankings written as they are worked out, and taken in batches: the rows of `rank_donors`."""

import gzip
import json
import stat

import pytest

import donormatch as dm
from donormatch import _core

pytestmark = pytest.mark.filterwarnings("ignore::donormatch.OutOfDomainWarning")


@pytest.fixture(scope="module")
def asked():
    cohort = dm.simulate(n_donors=4, n_recipients=11, seed=2)
    return {
        "donors": cohort.donors,
        "recipients": cohort.recipients,
        "metadata": cohort.contexts,
        "n_draws": 20,
    }


@pytest.mark.parametrize("ending", ["tsv", "tsv.gz"])
def test_files_hold_the_rows_and_summaries_of_the_ranking(asked, ending, tmp_path):
    ranking = dm.rank_donors(**asked, top=3)
    path = tmp_path / f"pairs.{ending}"
    written = dm.rank_donors(**asked, top=3, output=path)
    assert isinstance(written, dm.WrittenRanking)
    assert (written.n_rows, written.n_recipients) == (33, 11)
    assert written.path == str(path)
    text = gzip.decompress(path.read_bytes()) if ending.endswith("gz") else path.read_bytes()
    assert text.decode() == ranking.to_tsv()
    summary = json.loads((tmp_path / "pairs.summary.json").read_text())
    assert summary["summaries"] == ranking.summaries
    assert summary["donor_order_agreement"] == ranking.donor_order_agreement
    assert written.donor_order_agreement == ranking.donor_order_agreement
    assert (summary["params"]["top"], summary["predict"]["n_draws"]) == (3, 20)
    assert set(written.harmonization) == {"donors", "recipients"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(found.name for found in tmp_path.iterdir()) == sorted(
        [path.name, "pairs.summary.json"]
    )


def test_parquet_and_batches_are_the_frame_of_the_ranking(asked, tmp_path):
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    expected = dm.rank_donors(**asked).to_pandas()
    dm.rank_donors(**asked, output=tmp_path / "pairs.parquet", access="shared")
    found = parquet.read_table(tmp_path / "pairs.parquet").to_pandas()
    pandas.testing.assert_frame_equal(found, expected, check_exact=True)
    for pairs_at_a_time in (1, 9, 1000):
        batches = dm.rank_batches(**asked, pairs_at_a_time=pairs_at_a_time)
        tables = [pyarrow.Table.from_batches([pyarrow.record_batch(one)]) for one in batches]
        assert len(tables) == {1: 11, 9: 4, 1000: 1}[pairs_at_a_time]
        frame = pyarrow.concat_tables(tables).to_pandas()
        pandas.testing.assert_frame_equal(frame, expected, check_exact=True)


def test_batches_are_a_stream_too_and_know_the_summaries_so_far(asked):
    pyarrow = pytest.importorskip("pyarrow")
    ranking = dm.rank_donors(**asked, top=2)
    batches = dm.rank_batches(**asked, top=2, pairs_at_a_time=12)
    first = pyarrow.record_batch(next(batches))
    assert first.schema.names == list(_core.Ranking.COLUMNS)
    assert batches.summaries == ranking.summaries[:3]
    rest = pyarrow.table(batches)
    assert (first.num_rows, rest.num_rows) == (6, 16)
    assert list(rest["donor_id"].to_pylist()) == [row["donor_id"] for row in ranking.rows[6:]]
    assert batches.summaries == ranking.summaries
    assert batches.donor_order_agreement == ranking.donor_order_agreement
    assert list(batches) == []
    with pytest.raises(dm.InputError, match="taken already"):
        pyarrow.table(batches)


def test_what_cannot_be_written_is_refused_before_the_work(asked, tmp_path):
    with pytest.raises(dm.ParameterError, match=r"`output`.*\.parquet"):
        dm.rank_donors(**asked, output=tmp_path / "pairs.csv")
    with pytest.raises(dm.ParameterError, match="`access`"):
        dm.rank_donors(**asked, output=tmp_path / "pairs.tsv", access="everyone")
    with pytest.raises(dm.ParameterError, match="`top`"):
        dm.rank_batches(**asked, top=0)
    with pytest.raises(dm.ParameterError, match="`pairs_at_a_time`"):
        dm.rank_batches(**asked, pairs_at_a_time=0)
    with pytest.raises(FileNotFoundError):
        dm.rank_donors(**asked, output=tmp_path / "absent" / "pairs.tsv")
    assert list(tmp_path.iterdir()) == []


def test_a_prefilter_says_who_was_not_drawn(tmp_path):
    cohort = dm.simulate(n_donors=60, n_recipients=10, seed=3)
    asked = {
        "donors": cohort.donors,
        "recipients": cohort.recipients,
        "regimen": "anti-pd-1",
        "n_draws": 20,
        "top": 2,
    }
    chosen = {"n_pilots": 3, "margin": 1.0, "n_sampled": 20}
    ranking = dm.rank_donors(**asked, prefilter=chosen)
    told = ranking.prefilter
    assert told["n_kept"] + told["n_sampled"] + len(told["not_drawn"]) == 60
    assert 0 < len(told["not_drawn"]) <= 32
    assert not {row["donor_id"] for row in ranking.rows} & set(told["not_drawn"])
    written = dm.rank_donors(**asked, prefilter=chosen, output=tmp_path / "pairs.tsv")
    assert written.n_not_drawn == len(told["not_drawn"])
    assert dm.rank_donors(**asked).prefilter is None
    # Ten recipients are no more than twice eight pilots.
    assert dm.rank_donors(**asked, prefilter=True).prefilter["not_drawn"] == []
    with pytest.raises(dm.ParameterError, match=r"`prefilter`.*`top`"):
        dm.rank_donors(**{**asked, "top": None}, prefilter=True)
    with pytest.raises(dm.ParameterError, match="`prefilter`"):
        dm.rank_donors(**asked, prefilter={"n_pilot": 3})
