"""Explanations: the same at every door, and what a ranking remembers."""

import json
import pickle
import subprocess
import sys

import pytest

import donormatch as dm

CONTEXT = {"regimen": "anti-pd-1", "cancer": "melanoma"}


@pytest.fixture(scope="module")
def cohort():
    return dm.simulate(n_donors=3, n_recipients=2, seed=4)


@pytest.fixture(scope="module")
def ranking(cohort):
    return dm.rank_donors(cohort.donors, cohort.recipients, n_draws=40, max_draws=0, **CONTEXT)


def first_two(ranking):
    recipient = ranking.rows[0]["recipient_id"]
    rows = [row for row in ranking.rows if row["recipient_id"] == recipient]
    return recipient, rows[0]["donor_id"], rows[1]["donor_id"]


def test_contributions_sum_to_the_difference(ranking):
    recipient, a, b = first_two(ranking)
    for why in (ranking.why(recipient, a, b), ranking.why(recipient, a)):
        for endpoint, of in why.log_odds.items():
            parts = [one for one in why.contributions if one["endpoint"] == endpoint]
            total = sum(one["contribution"] for one in parts)
            assert total == pytest.approx(of["difference"], abs=1e-9)
            assert of["log_odds"] - of["log_odds_against"] == pytest.approx(of["difference"])


def test_a_ranking_and_its_matcher_say_the_same(ranking, cohort):
    recipient, a, b = first_two(ranking)
    asked = {"recipient": recipient, "donor": a, "against": b, "n_draws": 40}
    matcher = dm.Matcher.bundled()
    found = matcher.explain(cohort.donors, cohort.recipients, **asked, **CONTEXT)
    assert found == ranking.why(recipient, a, b)
    assert found.harmonization["donors"].mean_mapped_mass > 0.5
    assert (found.donor_id, found.against, found.recipient_id) == (a, b, recipient)


def test_the_shell_says_the_same(ranking, cohort, tmp_path):
    recipient, a, b = first_two(ranking)
    cohort.donors.write(tmp_path / "donors.tsv")
    cohort.recipients.write(tmp_path / "recipients.tsv")
    command = ["explain", "donors.tsv", "recipients.tsv", "--regimen", "anti-pd-1"]
    command += ["--cancer", "melanoma", "--n-draws", "40", "--recipient", recipient]
    command += ["--donor", a, "--against", b]
    run = {"cwd": tmp_path, "capture_output": True, "text": True, "check": True}
    program = [sys.executable, "-m", "donormatch", *command]
    why = ranking.why(recipient, a, b)
    assert json.loads(subprocess.run([*program, "--json"], **run).stdout) == json.loads(
        why.to_json()
    )
    assert subprocess.run(program, **run).stdout == why.to_tsv()


def test_it_is_a_frame_a_page_and_a_text(ranking):
    recipient, a, b = first_two(ranking)
    why = ranking.why(recipient, a, b)
    frame = why.to_pandas()
    assert len(frame) == len(why)
    assert {"endpoint", "term", "contribution", "grade", "expected"} <= set(frame.columns)
    assert str(why).startswith("Research use only")
    assert "research use only" in why._repr_html_()
    assert repr(why) == f"Explanation({a!r} against {b!r} for {recipient!r})"
    assert why.counterfactual["first"] in (a, b)
    assert ranking.why(recipient, a).counterfactual is None


def test_how_far_cohorts_agree_is_told_of_response_alone(ranking):
    recipient, a, b = first_two(ranking)
    why = ranking.why(recipient, a, b)
    frame = why.to_pandas().set_index(["endpoint", "term"])
    # As the line `toposcore` of assets/evidence/heterogeneity-1.tsv.
    toposcore = frame.loc[("response", "toposcore")]
    assert (toposcore.n_cohorts, toposcore.n_same_sign, toposcore.i2) == (13, 11, 0.0)
    assert frame.loc["severe_irae"].n_cohorts.isna().all()
    assert frame.loc[("response", "cell")][["tau", "i2", "ln_or"]].isna().all()
    assert " of 13 cohorts, I² " in str(why)


def test_unknown_ids_and_a_ranking_read_back_are_refused(ranking):
    recipient, a, _ = first_two(ranking)
    with pytest.raises(dm.InputError, match="`nobody`"):
        ranking.why(recipient, "nobody")
    with pytest.raises(dm.InputError, match="recipient `nobody`"):
        ranking.why("nobody", a)
    with pytest.raises(dm.InputError, match=r"Matcher\.explain"):
        pickle.loads(pickle.dumps(ranking)).why(recipient, a)


def test_every_json_says_what_it_is_for(ranking):
    recipient, a, _ = first_two(ranking)
    for text in (ranking.to_json(), ranking.why(recipient, a).to_json()):
        assert json.loads(text)["research_use"].startswith("Research use only")


def test_a_signature_tells_how_good_its_evidence_is():
    assert dm.signature("luminate_depletion").grade == "contested"
    assert dm.Signature.parse("# grade: marker\ntaxon\nBlautia obeum\n").grade == "marker"
    with pytest.raises(dm.InputError, match="`good`"):
        dm.Signature.parse("# grade: good\ntaxon\nBlautia obeum\n")
