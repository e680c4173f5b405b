"""What transplants did: PEDS and PPRS, their null, equal depth, calls of loss."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import donormatch as dm

ROOT = Path(__file__).parents[2]

# Taxa t0 to t5; the rows of `four_samples` in the Rust tests, with the same figures by hand.
COUNTS = [[10, 0, 3, 1, 2, 0], [1, 1, 0, 0, 40, 2], [0, 7, 0, 5, 1, 9], [2, 2, 2, 2, 2, 2]]


def counts(rows=COUNTS, sample_ids=("a", "b", "c", "d")):
    taxa = [f"s__t{at}" for at in range(len(rows[0]))]
    return dm.Profiles.from_numpy(rows, sample_ids=sample_ids, taxa=taxa, unit="count")


def test_every_figure_of_a_triad_is_as_by_hand():
    (seen,) = counts().observed_engraftment([("a", "b", "c")])
    # D = {0, 2, 3, 4}, R = {0, 1, 4, 5}, P = {1, 3, 4, 5}.
    assert list(seen)[:3] == ["donor", "baseline", "follow_up"]
    whole = {name: value for name, value in seen.items() if name.startswith("n_")}
    assert whole == {
        "n_donor": 4,
        "n_baseline": 4,
        "n_follow_up": 4,
        "n_kept": 3,
        "n_lost": 1,
        "n_gained": 1,
        "n_gained_from_donor": 1,
    }
    assert (seen["peds"], seen["pprs"], seen["novel_peds"]) == (0.5, 0.75, 0.5)
    assert seen["weighted_peds"] == pytest.approx(3 / 16, abs=1e-15)
    assert seen["engrafted_abundance"] == pytest.approx(5 / 22, abs=1e-15)
    # Donor `d` in `b` lacks 2 and 3; of a donor that the recipient covers, nothing is new.
    assert counts().observed_engraftment([("b", "d", "c")])[0]["novel_peds"] is None


def test_triads_come_as_triples_mappings_and_frames():
    pd = pytest.importorskip("pandas")
    roles = ("donor", "baseline", "follow_up")
    triples = [("a", "b", "c"), ("d", "b", "c")]
    mappings = [{**dict(zip(roles, triad, strict=True)), "day": 28} for triad in triples]
    expected = counts().observed_engraftment(triples)
    assert counts().observed_engraftment(mappings) == expected
    assert counts().observed_engraftment(pd.DataFrame(mappings)) == expected
    assert counts().observed_engraftment(map(list, triples)) == expected
    assert counts().observed_engraftment(np.array(triples)) == expected
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    assert counts().observed_engraftment(pl.DataFrame(mappings)) == expected
    assert counts().observed_engraftment(pa.Table.from_pylist(mappings)) == expected
    assert counts().observed_engraftment([]) == []
    for wrong in ([("a", "b")], ["abc"], [{"donor": "a"}], pd.DataFrame({"donor": ["a"]})):
        with pytest.raises(dm.ParameterError, match="`triads`"):
            counts().observed_engraftment(wrong)
    with pytest.raises(dm.InputError, match="no profile for sample `x`"):
        counts().observed_engraftment([("a", "b", "x")])


def test_three_tables_aligned_by_label_are_as_one():
    whole = counts()
    turned = [4, 0, 5, 2, 3, 1]
    follow_ups = dm.Profiles.from_numpy(
        np.array(COUNTS)[2:, turned],
        sample_ids=["c", "d"],
        taxa=[f"s__t{at}" for at in turned],
        unit="count",
    )
    merged = dm.Profiles.merge([whole.select(["a"]), whole.select(["b"]), follow_ups])
    assert merged.sample_ids == ["a", "b", "c", "d"]
    triads = [("a", "b", "c")]
    assert merged.observed_engraftment(triads) == whole.observed_engraftment(triads)
    with pytest.raises(dm.InputError, match="`a`"):
        dm.Profiles.merge([whole, whole.select(["a"])])
    with pytest.raises(dm.InputError, match=r"table 1.*table 2"):
        dm.Profiles.merge([whole.select(["a"]), follow_ups.closure()])
    with pytest.raises(dm.ParameterError, match="`tables`"):
        dm.Profiles.merge([])


def test_own_donors_beat_mismatched_ones():
    rng = np.random.default_rng(0)
    donors = rng.random((6, 40)) < 0.3
    donors[:, 0] = True
    before = rng.random((6, 40)) < 0.3
    before[:, 0] = True
    after = (donors | (before & (rng.random((6, 40)) < 0.2))).astype(float)
    ids = [f"{role}{at}" for role in "dba" for at in range(6)]
    table = counts(np.vstack([donors, before, after]).astype(float), ids)
    triads = [(f"d{at}", f"b{at}", f"a{at}") for at in range(6)]
    null = table.mismatched_null(triads, seed=5)
    assert null.n_mismatched == 30
    assert "p_value" in null._repr_html_()
    peds = [row["peds"] for row in table.observed_engraftment(triads)]
    assert [test["observed"] for test in null.tests] == peds == [1.0] * 6
    # By hand: the mean share of a donor's taxa in the follow-ups of the others.
    shares = [np.mean(after[b][donors[a]] > 0) for a in range(6) for b in range(6) if a != b]
    assert null.tests[0]["expected"] == pytest.approx(np.mean(shares), abs=1e-12)
    assert all(0.001 <= test["p_value"] <= test["q_value"] <= 1 for test in null.tests)
    # Benjamini-Hochberg and Stouffer by SciPy.
    stats = pytest.importorskip("scipy.stats")
    p_values = np.array([test["p_value"] for test in null.tests])
    np.testing.assert_allclose(
        [test["q_value"] for test in null.tests],
        stats.false_discovery_control(p_values),
        atol=1e-15,
    )
    z, p = stats.combine_pvalues(np.minimum(p_values, 1 - 0.5 / 1000), method="stouffer")
    assert null.global_z == pytest.approx(z, abs=1e-9)
    assert null.global_p == pytest.approx(p, rel=1e-6)
    assert table.mismatched_null(triads[::-1], seed=5).tests[::-1] == null.tests
    kept = table.mismatched_null(triads, reference="baseline", n_resamples=99)
    pprs = [row["pprs"] for row in table.observed_engraftment(triads)]
    assert [test["observed"] for test in kept.tests] == pytest.approx(pprs, abs=1e-15)


def test_a_null_that_cannot_be_drawn_is_refused():
    one_donor = [("a", "b", "c"), ("a", "b", "d")]
    with pytest.raises(dm.ParameterError, match="mismatched"):
        counts().mismatched_null(one_donor)
    for settings, name in (
        ({"n_resamples": 0}, "n_resamples"),
        ({"n_resamples": -1}, "n_resamples"),
        ({"reference": "recipient"}, "reference"),
        ({"seed": -1}, "seed"),
    ):
        with pytest.raises(dm.ParameterError, match=f"`{name}`"):
            counts().mismatched_null([("a", "b", "c"), ("d", "b", "c")], **settings)


def test_rarefying_leaves_one_depth_and_names_the_shallow():
    np.testing.assert_array_equal(counts().depth, [16, 44, 22, 12])
    rarefied, too_shallow = counts().rarefy(20, seed=3)
    assert (rarefied.sample_ids, too_shallow) == (["b", "c"], ["a", "d"])
    np.testing.assert_array_equal(rarefied.depth, [20, 20])
    assert (rarefied.to_numpy() <= np.array(COUNTS)[1:3]).all()
    assert any("rarefied to 20 reads" in note for note in rarefied.notes)
    assert counts().rarefy(np.int64(20), seed=3)[0] == rarefied
    assert counts().rarefy(20, seed=4)[0] != rarefied


def test_what_cannot_be_rarefied_is_refused():
    for depth in (0, -1, 45):
        with pytest.raises(dm.ParameterError, match="`depth`"):
            counts().rarefy(depth)
    with pytest.raises(TypeError):
        counts().rarefy(10.5)
    with pytest.raises(dm.InputError, match="count"):
        counts().closure().rarefy(1)
    assert counts().closure().depth is None
    with pytest.raises(dm.InputError, match=r"sample `a` holds 1\.5, and counts are whole numbers"):
        counts([[1.5, 2, 3]], ["a"]).rarefy(1)


def test_a_loss_is_called_only_where_it_would_have_been_seen():
    stats = pytest.importorskip("scipy.stats")
    calls = counts([[9000, 998, 2], [1000, 0, 0]], ["before", "after"]).call_losses(
        "before", "after"
    )
    assert [call["taxon"] for call in calls] == ["s__t0", "s__t1", "s__t2"]
    assert [call["fate"] for call in calls] == ["kept", "lost", "indeterminate"]
    expected = stats.binom.sf(0, 1000, [0.9, 0.0998, 0.0002])
    np.testing.assert_allclose([call["detection"] for call in calls], expected, atol=1e-13)


def test_relative_abundances_need_the_depth_of_the_follow_up():
    table = dm.Profiles.from_numpy(
        [[99.9, 0.1], [100, 0]], sample_ids=["x", "y"], taxa=["s__A", "s__B"], unit="percent"
    )
    with pytest.raises(dm.ParameterError, match="`follow_up_depth`"):
        table.call_losses("x", "y")
    with pytest.raises(dm.ParameterError, match="`follow_up_depth`"):
        counts().call_losses("a", "b", follow_up_depth=100)
    with pytest.raises(dm.ParameterError, match="`min_detection`"):
        table.call_losses("x", "y", min_detection=0, follow_up_depth=100)
    with pytest.raises(dm.InputError, match="`z`"):
        table.call_losses("x", "z", follow_up_depth=100)
    # ln 0.1 / ln(1 - 0.001) = 2,301.4 reads are needed.
    for depth, fate in ((2302, "lost"), (2301, "indeterminate")):
        assert table.call_losses("x", "y", follow_up_depth=depth)[1]["fate"] == fate


# The definitions of q2-fmt on its own data, computed apart from donormatch: tests/data/README.md.
# The Rust tests read the same file.
def test_real_triads_give_the_figures_of_q2_fmt():
    pd = pytest.importorskip("pandas")
    folder = ROOT.parent / "shared" / "data" / "fmt-q2fmt"
    if not folder.is_dir():
        pytest.skip(f"no `{folder}`")
    expected = json.loads((ROOT / "tests/data/feature/aggregates.json").read_text())["fmt-q2fmt"]
    table = dm.read_profiles(folder / "profiles.tsv.gz", unit="count", empty_samples="drop")
    transplants = pd.read_csv(folder / "transplants.tsv", sep="\t", dtype=str)
    triads = transplants.rename(
        columns={"donor_samples": "donor", "pre_sample": "baseline", "post_sample": "follow_up"}
    )
    seen = pd.DataFrame(table.observed_engraftment(triads))
    assert len(seen) == expected["n_triads"]
    for name in ("peds", "pprs", "novel_peds", "weighted_peds", "engrafted_abundance", "n_lost"):
        assert seen[name].mean() == pytest.approx(expected[name]["mean"], abs=1e-12), name
    null = table.mismatched_null(triads)
    assert null.n_mismatched == expected["n_mismatched"]
    tests = null.to_pandas()
    assert tests["expected"][0] == pytest.approx(expected["mismatched_mean"], abs=1e-12)
    assert tests["observed"].tolist() == seen["peds"].tolist()
