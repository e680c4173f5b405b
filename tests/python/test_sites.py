"""Sites that send no patient: one summary at every door, and a merge that says how good it is."""

import json

import pytest

import donormatch as dm
from donormatch import _core

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.filterwarnings("ignore::donormatch.OutOfDomainWarning")


@pytest.fixture(scope="module")
def bank():
    return dm.simulate(n_donors=4, n_recipients=24, seed=4)


@pytest.fixture(scope="module")
def matcher():
    return dm.Matcher.bundled()


def table(bank, rows):
    names = [bank.recipients.sample_ids[row] for row in rows]
    donors = bank.donors.sample_ids
    return pd.DataFrame(
        {
            "donor_id": [donors[row % 4] for row in rows],
            "recipient_id": names,
            "regimen": "anti-pd-1",
            "cancer": "melanoma",
            "response": [row % 3 == 0 for row in rows],
            "severe_irae": [row % 5 == 0 if row < 4 else None for row in rows],
        }
    ).replace({True: "yes", False: "no"})


def summary(matcher, bank, rows, site, **settings):
    outcomes = table(bank, rows)
    return matcher.site_summary(bank.donors, bank.recipients, outcomes, site=site, **settings)


def test_two_sites_are_merged_and_nothing_of_a_patient_is_told(matcher, bank):
    north = summary(matcher, bank, range(12), "north")
    south = summary(matcher, bank, range(12, 24), "south")
    assert set(north) == {"format", "site", "model_digest", "endpoints", "withheld"}
    # Four patients of the north have a known severe event or none: fewer than five.
    assert north["withheld"] == ["severe_irae"]
    assert south["withheld"] == []
    for one in (north, south):
        [told] = one["endpoints"]
        assert (told["endpoint"], told["n_patients"]) == ("response", 12)
        assert max(told["log_likelihood"]) == 0.0
        text = json.dumps(one)
        for name in (*bank.donors.sample_ids, *bank.recipients.sample_ids):
            assert name not in text
    merged = matcher.with_sites([north, south])
    [quality] = merged.learned_["sites"]
    assert (quality["n_sites"], quality["n_patients"]) == (2, 24)
    assert quality["error"] < 0.2
    assert quality["n_effective"] > 300
    other_order = matcher.with_sites([south, north])
    ranked = [
        its.rank_donors(bank.donors, bank.recipients, regimen="anti-pd-1", n_draws=20, max_draws=0)
        for its in (merged, other_order, matcher)
    ]
    assert ranked[0] == ranked[1]
    assert ranked[0] != ranked[2]


def test_what_may_not_be_told_or_merged_is_refused(matcher, bank):
    with pytest.raises(dm.ParameterError, match="min_patients"):
        summary(matcher, bank, range(4), "north")
    with pytest.raises(dm.ParameterError, match="site"):
        summary(matcher, bank, range(12), " ")
    north = summary(matcher, bank, range(12), "north")
    with pytest.raises(dm.InputError, match="`north` is there twice"):
        matcher.with_sites([north, north])
    with pytest.raises(dm.InputError, match="of another model"):
        matcher.with_sites([{**north, "model_digest": "0"}])
    with pytest.raises(dm.ParameterError, match="method"):
        matcher.with_sites([north], method="exact")
    merged = matcher.with_sites([north])
    with pytest.raises(dm.InputError, match="learned from outcomes already"):
        merged.with_sites([{**north, "site": "south"}])
    own = table(bank, range(12, 24))
    updated = merged.with_outcomes(bank.donors, bank.recipients, own, method="fast")
    assert len(updated.evidence("donors")) == 4
    for settings in ({"method": "exact"}, {"without": ["Baruch"]}):
        with pytest.raises(dm.ParameterError, match="other sites"):
            merged.with_outcomes(bank.donors, bank.recipients, own, **settings)


def test_the_shell_writes_the_same_summary_and_merges_it(matcher, bank, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bank.donors.write("donors.tsv")
    bank.recipients.write("recipients.tsv")
    table(bank, range(12)).to_csv("outcomes.tsv", sep="\t", index=False)
    words = ["site-summary", "donors.tsv", "recipients.tsv", "outcomes.tsv", "--site", "north"]
    assert _core.run_cli(["donormatch", *words, "--output", "north.json"]) == 0
    expected = summary(matcher, bank, range(12), "north")
    assert json.loads((tmp_path / "north.json").read_text()) == expected
    words = ["merge-sites", "north.json", "--output", "merged.dmm", "--json"]
    assert _core.run_cli(["donormatch", *words]) == 0
    settings = {"regimen": "anti-pd-1", "n_draws": 20, "max_draws": 0}
    ranked = [
        its.rank_donors(bank.donors, bank.recipients, **settings)
        for its in (matcher.with_sites([expected]), dm.Matcher.read("merged.dmm"))
    ]
    assert ranked[0] == ranked[1]
