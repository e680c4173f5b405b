"""The matcher: fitted on a small synthetic cohort, ranking, files, errors."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import donormatch as dm
from donormatch._cohort import as_metadata

pd = pytest.importorskip("pandas")

SPECIES = [
    "s__Faecalibacterium_prausnitzii",
    "s__Blautia_obeum",
    "s__Akkermansia_muciniphila",
    "s__Segatella_copri",
    "s__Bacteroides_uniformis",
    "s__Eubacterium_rectale",
    "s__Escherichia_coli",
    "s__Bifidobacterium_longum",
    "s__Roseburia_intestinalis",
    "s__Streptococcus_salivarius",
    "s__Ruminococcus_bromii",
    "s__Alistipes_putredinis",
]


def synthetic_profiles(sample_ids, rng):
    values = rng.dirichlet(np.full(len(SPECIES), 0.6), size=len(sample_ids))
    values[values < 0.01] = 0.0
    values /= values.sum(axis=1, keepdims=True)
    return dm.Profiles.from_numpy(
        values, sample_ids=sample_ids, taxa=SPECIES, unit="fraction", vocabulary="mpa_vJan21"
    )


@pytest.fixture(scope="module")
def cohorts():
    rng = np.random.default_rng(0)
    patients = pd.DataFrame({"sample_id": [f"p{i}" for i in range(120)]})
    patients["study"] = [f"study_{i % 4}" for i in range(120)]
    patients["response"] = rng.integers(0, 2, 120)
    patients["severe_irae"] = rng.integers(0, 2, 120)
    transplants = pd.DataFrame({"recipient": [f"r{i}" for i in range(24)]})
    transplants["donor"] = [f"d{i % 6}" for i in range(24)]
    transplants["study"] = [f"trial_{i % 3}" for i in range(24)]
    transplants["donor_samples"] = transplants["donor"]
    transplants["baseline"] = [f"b{i}" for i in range(24)]
    transplants["follow_up"] = [f"f{i}" for i in range(24)]
    transplants["day"] = 28
    samples = sorted({*transplants["donor"], *transplants["baseline"], *transplants["follow_up"]})
    return (
        dm.PatientCohort(patients, synthetic_profiles(list(patients["sample_id"]), rng)),
        dm.Cohort(transplants, synthetic_profiles(samples, rng)),
    )


@pytest.fixture(scope="module")
def matcher(cohorts):
    patients, transplants = cohorts
    return dm.Matcher().fit(patients, transplants)


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(1)
    return synthetic_profiles(["donor_a", "donor_b"], rng), synthetic_profiles(["x", "y"], rng)


pytestmark = pytest.mark.filterwarnings("ignore::donormatch.OutOfDomainWarning")


def test_cohorts_come_from_frames_and_files_alike(cohorts, tmp_path):
    patients, transplants = cohorts
    assert (len(patients), len(transplants)) == (120, 24)
    assert transplants.skipped == []
    path = tmp_path / "patients.tsv"
    frame = pd.DataFrame(patients.patients)
    frame[["sample", "response"]].to_csv(path, sep="\t", index=False)
    rng = np.random.default_rng(0)
    profiles = synthetic_profiles(list(frame["sample"]), rng)
    again = dm.PatientCohort(path, profiles, columns={"sample_id": "sample"})
    assert [p["sample"] for p in again.patients] == list(frame["sample"])


def test_every_pair_is_ranked_and_the_seed_decides(matcher, tables):
    donors, recipients = tables
    ranking = matcher.rank_donors(donors, recipients, regimen="anti-pd-1", seed=3)
    assert len(ranking) == 4
    assert {row["recipient_id"] for row in ranking.rows} == {"x", "y"}
    for row in ranking.rows:
        assert 0 <= row["p_response_lo"] <= row["p_response"] <= row["p_response_hi"] <= 1
    again = matcher.rank_donors(donors, recipients, regimen="anti-pd-1", seed=3)
    assert again == ranking
    assert set(ranking.harmonization) == {"donors", "recipients"}


def test_frames_and_files_rank_as_profiles_do(matcher, tables, tmp_path):
    donors, recipients = tables
    path = tmp_path / "donors.tsv"
    donors.write(path)
    expected = matcher.rank_donors(donors, recipients, regimen="anti-pd-1")
    assert matcher.rank_donors(path, recipients, regimen="anti-pd-1") == expected


def test_metadata_of_a_recipient_comes_before_the_common_values(matcher, tables):
    donors, recipients = tables
    ranking = matcher.rank_donors(
        donors,
        recipients,
        regimen="anti-pd-1",
        cancer="melanoma",
        metadata={"y": {"line": "refractory"}},
    )
    baseline = {row["recipient_id"]: row["p_response_baseline"] for row in ranking.rows}
    assert baseline["y"] < baseline["x"]


def test_a_file_of_metadata_says_at_both_doors_the_same(matcher, tables, tmp_path):
    donors, recipients = tables
    path = tmp_path / "metadata.tsv"
    rank = partial(matcher.rank_donors, donors, recipients, regimen="anti-pd-1", metadata=path)
    path.write_text("recipient_id\tline\ny\trefractory\nx\tunknown\n")
    expected = matcher.rank_donors(
        donors, recipients, regimen="anti-pd-1", metadata={"y": {"line": "refractory"}}
    )
    assert rank() == expected
    path.write_text("recipient_id,line\ny,refractory\nz,first\n")
    with pytest.warns(dm.DonorMatchWarning, match="no profile for recipient `z`"):
        assert rank() == expected
    for text, told in [
        ("recipient_id\tline\ny\trefractory\ny\tfirst\n", "line 3: `y` stands in two rows"),
        ("recipient\tline\ny\trefractory\n", "no column `recipient_id`"),
        ("recipient_id\tline\ny\tnone\n", "line 2"),
    ]:
        path.write_text(text)
        with pytest.raises(dm.InputError, match=told):
            rank()


def test_a_misspelt_word_of_metadata_is_refused(matcher, tables):
    for metadata, told in [
        ({"y": {"Line": "refractory"}}, "`Line` of `y`"),
        ({"y": "refractory"}, "expected a mapping for `y`"),
    ]:
        with pytest.raises(dm.ParameterError, match=told):
            matcher.rank_donors(*tables, regimen="anti-pd-1", metadata=metadata)


def test_the_report_says_the_seed_of_the_draws(matcher, tables):
    ranking = matcher.rank_donors(*tables, regimen="anti-pd-1", seed=7)
    assert "<dt>Seed</dt><dd>7</dd>" in ranking.to_html()
    assert "<dt>Seed</dt><dd>8</dd>" in ranking.to_html(seed=8)


def test_a_model_file_written_again_keeps_its_header(matcher, tmp_path):
    matcher.write(tmp_path / "first.dmm", name="first")
    read = dm.Matcher.read(tmp_path / "first.dmm")
    read.header_["seed"] = 5
    read.write(tmp_path / "again.dmm")
    again = dm.Matcher.read(tmp_path / "again.dmm").header
    assert (again["name"], again["seed"]) == ("first", 5)


def test_names_that_the_vocabulary_lacks_are_warned_of(matcher, tables):
    donors, recipients = tables
    frame = donors.to_pandas()
    frame["s__Nobody_knowsthis"] = frame.sum(axis=1) / 4
    strange = dm.Profiles.from_pandas(frame.div(frame.sum(axis=1), axis=0), unit="fraction")
    with pytest.warns(dm.SynonymWarning, match="`donors`: only 80.0 %"):
        matcher.rank_donors(strange, recipients, regimen="anti-pd-1")
    one = strange.select(strange.sample_ids[:1])
    with pytest.warns(dm.SynonymWarning, match="`donor`: only 80.0 %"):
        matcher.predict_transplant(one, recipients.select(recipients.sample_ids[:1]))


def outcomes_of(donors, recipients, **columns):
    """Every donor to two recipients, in turn."""
    n = len(recipients.sample_ids)
    pairs = [
        (donor, recipients.sample_ids[(2 * number + one) % n])
        for number, donor in enumerate(donors.sample_ids)
        for one in range(2)
    ]
    table = pd.DataFrame(pairs, columns=["donor_id", "recipient_id"])
    return table.assign(regimen="anti-pd-1", cancer="lung", **columns)


def test_own_outcomes_move_response_and_toxicity(matcher, tables, tmp_path):
    donors, recipients = tables
    matcher.write(tmp_path / "own.dmm", name="own")
    matcher = dm.Matcher.read(tmp_path / "own.dmm")
    rank = partial(dm.rank_donors, donors, recipients, regimen="anti-pd-1", cancer="lung")
    outcomes = outcomes_of(donors, recipients, response=0, severe_irae=1, myocarditis=None)
    updated = matcher.with_outcomes(donors, recipients, outcomes)
    assert updated.learned_["method"] in {"fast", "exact"}

    def mean(rows, column):
        return sum(row[column] for row in rows) / len(rows)

    before, after = rank(matcher=matcher).rows, rank(matcher=updated).rows
    assert mean(after, "p_severe_irae") > mean(before, "p_severe_irae") + 0.1
    assert mean(after, "p_response") < mean(before, "p_response") - 0.05
    record = pd.DataFrame(updated.evidence("donors"))
    assert sorted(record["donor_id"]) == sorted(donors.sample_ids)
    assert (record["n_transplants"] == 2).all()
    assert (record["n_responders"] == 0).all()
    assert updated.header["name"] == "own, updated by outcomes"
    assert ["own_outcomes", len(outcomes)] in updated.header["training"]
    # The whole table again replaces what it taught.
    again = updated.with_outcomes(donors, recipients, outcomes[:4])
    assert ["own_outcomes", 4] in again.header["training"]
    updated.write(tmp_path / "updated.dmm")
    assert dm.Matcher.read(tmp_path / "updated.dmm").evidence("donors") == updated.evidence(
        "donors"
    )


def test_outcomes_that_cannot_be_learned_from_are_refused(matcher, tables):
    donors, recipients = tables
    outcomes = outcomes_of(donors, recipients, response=1)
    renamed = outcomes.rename(columns={"response": "answer"})
    with pytest.raises(dm.InputError, match="no row says"):
        matcher.with_outcomes(donors, recipients, renamed)
    with pytest.raises(dm.ParameterError, match="`trial`"):
        matcher.with_outcomes(donors, recipients, outcomes, trial=" ")
    outcomes.loc[0, "donor_id"] = "nobody"
    with pytest.raises(dm.InputError, match="no profile for donor `nobody`"):
        matcher.with_outcomes(donors, recipients, outcomes)


def test_evidence_shows_what_is_known_before_a_trial(matcher):
    cells = pd.DataFrame(matcher.evidence())
    assert {"response", "severe_irae", "myocarditis"} == set(cells["endpoint"])
    dual = cells.query(
        "endpoint == 'myocarditis' and transplant and regimen == 'anti-pd-1+anti-ctla-4'"
    )
    assert dual["probability"].between(0.01, 0.12).all()
    arms = pd.DataFrame(matcher.evidence("arms"))
    assert "TACITO" in set(arms["trial"])
    without = pd.DataFrame(matcher.evidence("arms", without=["TACITO"]))
    assert "TACITO" not in set(without["trial"])
    assert matcher.evidence("conflicts")
    with pytest.raises(dm.ParameterError, match="`subject`"):
        matcher.evidence("nothing")
    for subject in ("cells", "arms"):
        with pytest.raises(dm.ParameterError, match=r"`without`.*no arm of a trial `nobody`"):
            matcher.evidence(subject, without=["nobody"])


def test_wider_priors_widen_what_is_borrowed(matcher):
    def width(rows):
        cell = next(
            row
            for row in rows
            if row["endpoint"] == "response" and row["cancer"] == "other" and row["transplant"]
        )
        return cell["probability_hi"] - cell["probability_lo"]

    assert width(matcher.evidence("cells", prior_scale=2.0)) > width(matcher.evidence("cells"))


def test_samples_of_one_donor_are_ranked_and_updated_as_one(matcher, tables, tmp_path):
    donors, recipients = tables

    def rank(donors=donors, **more):
        return matcher.rank_donors(donors, recipients, regimen="anti-pd-1", **more)

    whose = {"donor_a": "anna", "donor_b": "anna"}
    frame = pd.DataFrame({"sample_id": list(whose), "donor_id": list(whose.values())})
    frame.to_csv(tmp_path / "donors.csv", index=False)
    rankings = [rank(donor_metadata=one) for one in (whose, frame, tmp_path / "donors.csv")]
    assert all(ranking == rankings[0] for ranking in rankings)
    assert [row["donor_id"] for row in rankings[0].rows] == ["anna", "anna"]
    # The mean of the two, each closed to 1, is the profile of the donor.
    mean = donors.to_numpy().mean(axis=0, keepdims=True)
    mixed = dm.Profiles.from_numpy(
        mean, sample_ids=["anna"], taxa=SPECIES, unit="fraction", vocabulary="mpa_vJan21"
    )
    for one, other in zip(rankings[0].rows, rank(mixed).rows, strict=True):
        assert one["n_gained"] == pytest.approx(other["n_gained"], rel=1e-9)
        assert one["p_response"] != other["p_response"]
    named = rank(donor_metadata={"donor_a": "anna"})
    assert {row["donor_id"] for row in named.rows} == {"anna", "donor_b"}
    assert any("`donor_metadata`: 1 sample has no" in note for note in named.notes)
    gone = pd.DataFrame({"sample_id": ["gone"], "donor_id": ["anna"]})
    with pytest.warns(dm.DonorMatchWarning, match="no profile for the samples `gone`"):
        rank(donor_metadata=pd.concat([frame, gone]))
    with pytest.raises(dm.ParameterError, match="`donor_metadata`: no sample `donor_c`"):
        rank(donor_metadata={"donor_c": "anna"})
    with pytest.raises(dm.InputError, match="`donor_id`"):
        rank(donor_metadata=frame.rename(columns={"donor_id": "who"}))
    told = {"donor_id": ["anna"], "recipient_id": ["x"], "regimen": "anti-pd-1", "response": 1.0}
    outcomes = pd.DataFrame(told)
    updated = matcher.with_outcomes(donors, recipients, outcomes, donor_metadata=whose)
    assert [row["donor_id"] for row in updated.evidence("donors")] == ["anna"]
    with pytest.raises(dm.InputError, match="it is a sample of donor `anna`"):
        matcher.with_outcomes(
            donors, recipients, outcomes.assign(donor_id="donor_a"), donor_metadata=whose
        )


def test_what_is_missing_or_unknown_is_named(matcher, tables):
    donors, recipients = tables
    with pytest.raises(dm.ParameterError, match="`regimen`"):
        matcher.rank_donors(donors, recipients)
    with pytest.raises(dm.ParameterError, match=r"`regimen`.*anti-lag-3"):
        matcher.rank_donors(donors, recipients, regimen="anti-lag-3")
    with pytest.raises(dm.ParameterError, match=r"`metadata`.*`z`"):
        matcher.rank_donors(donors, recipients, regimen="anti-pd-1", metadata={"z": {}})
    with pytest.raises(dm.ParameterError, match="`n_draws`"):
        matcher.rank_donors(donors, recipients, regimen="anti-pd-1", n_draws=1)
    with pytest.raises(dm.NotFittedError):
        dm.Matcher().rank_donors(donors, recipients, regimen="anti-pd-1")


def test_files_and_pickles_rank_the_same_bits(matcher, tables, tmp_path):
    donors, recipients = tables
    expected = matcher.rank_donors(donors, recipients, regimen="anti-pd-1")
    path = tmp_path / "model.dmm"
    matcher.write(path, name="small")
    read = dm.Matcher.read(path)
    assert read.header["name"] == "small"
    for other in (read, pickle.loads(pickle.dumps(matcher))):
        assert other.rank_donors(donors, recipients, regimen="anti-pd-1") == expected


def test_truncated_and_foreign_model_files_are_refused(matcher, tmp_path):
    path = tmp_path / "model.dmm"
    matcher.write(path)
    whole = path.read_bytes()
    for broken in (b"", b"PK\x03\x04", whole[: len(whole) // 2], whole[:-1] + b"x"):
        path.write_bytes(broken)
        with pytest.raises(dm.ModelFormatError, match=r"model\.dmm"):
            dm.Matcher.read(path)


def test_the_table_of_the_ranking_is_json_and_frame(matcher, tables):
    donors, recipients = tables
    ranking = matcher.rank_donors(donors, recipients, regimen="anti-pd-1+anti-ctla-4")
    assert len(json.loads(ranking.to_json())["rows"]) == len(ranking.to_pandas()) == 4


def test_models_are_judged_on_what_they_did_not_see(cohorts):
    patients, transplants = cohorts
    rows = dm.Matcher().evaluate(patients, transplants, n_resamples=50)
    counts = [row for row in rows if row["what"] == "engraftment_counts"]
    rows = [row for row in rows if row not in counts]
    assert {row["what"] for row in rows} == {"response", "engraftment"}
    assert all(set(row) >= {"comparator", "metric", "value", "lo", "hi", "n_rows"} for row in rows)
    assert {"linfa_logistic", "smartcore_forest"} <= {row["comparator"] for row in rows}
    assert {row["count"] for row in counts} == {"n_gained", "n_kept"}
    assert all(0 <= row["coverage"] <= 1 and row["lo"] <= row["hi"] for row in counts)


def test_a_transplant_is_predicted_taxon_by_taxon_as_on_the_command_line(matcher, tables, tmp_path):
    donors, recipients = tables
    donor, recipient = donors.select(["donor_a"]), recipients.select(["x"])
    found = matcher.predict_transplant(donor, recipient, day=14, antibiotics=True)
    assert len(found.taxa) == len(found.to_pandas())
    assert sum(row["expected_fraction"] for row in found.taxa) == pytest.approx(1, abs=1e-12)
    own = [row for row in found.taxa if row["recipient"] > 0]
    # Sums of probabilities, by their definition.
    assert found.n_kept == pytest.approx(sum(row["p_present"] for row in own), abs=1e-12)
    assert found.n_kept + found.n_lost == pytest.approx(len(own), abs=1e-12)
    assert set(found.harmonization) == {"donor", "recipient"}
    model, donor_file, recipient_file = (tmp_path / name for name in ("m.dmm", "d.tsv", "r.tsv"))
    matcher.write(model)
    donor.write(donor_file)
    recipient.write(recipient_file)
    flags = ["--day", "14", "--antibiotics", "yes", "--json", "--model", model]
    command = ["engraft", donor_file, recipient_file, *flags]
    done = subprocess.run(
        [sys.executable, "-m", "donormatch", *map(str, command)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["rows"] == found.taxa


def test_a_transplant_has_one_recipient(matcher, tables):
    donors, recipients = tables
    with pytest.raises(dm.ParameterError, match="`recipient`: expected one sample, found 2"):
        matcher.predict_transplant(donors, recipients)
    with pytest.raises(dm.ParameterError, match="`day`"):
        matcher.predict_transplant(donors, recipients.select(["x"]), day=-1)
    with pytest.raises(dm.NotFittedError):
        dm.Matcher().predict_transplant(donors, recipients.select(["x"]))


def test_an_index_that_is_a_column_too_is_written_once():
    frame = pd.DataFrame({"sample_id": ["a"], "response": ["R"]})
    texts = {
        as_metadata(frame.set_index("sample_id", drop=False)),
        as_metadata(frame.set_index("sample_id")),
        as_metadata(frame),
    }
    assert texts == {"sample_id\tresponse\na\tR\n"}
