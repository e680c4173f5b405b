"""Messages in the words of Python, and what is asked of by mistake."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

import donormatch as dm

COHORT = dm.simulate(n_donors=3, n_recipients=2)
QUICK = {"n_draws": 20, "max_draws": 0}


def test_unknown_words_are_answered_with_the_nearest():
    with pytest.raises(dm.ParameterError, match="found `auc`; did you mean `roc_auc`"):
        dm.metrics.estimate("auc", [0, 1], [0.1, 0.2])
    with pytest.raises(dm.ParameterError, match="did you mean `brier`") as error:
        dm.metrics.estimate("briar", [0, 1], [0.1, 0.2])
    assert "variant" not in str(error.value)
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)


def test_numbers_are_called_numbers():
    sklearn = pytest.importorskip("donormatch.sklearn")
    for value, word in [(-1, "a whole number of 0 or more, found -1"), (1.5, "found 1.5")]:
        with pytest.raises(dm.ParameterError, match=word) as error:
            sklearn.BoostedTreesClassifier(n_rounds=value).fit(np.eye(10), [0, 1] * 5)
        assert "u32" not in str(error.value)


def test_arguments_are_named_as_python_names_them():
    with pytest.raises(dm.ParameterError, match="`regimen`") as error:
        dm.rank_donors(COHORT.donors, COHORT.recipients)
    assert "--" not in str(error.value)


def test_what_is_no_table_is_told_what_is():
    with pytest.raises(dm.InputError, match=r"found ndarray; `Profiles.from_numpy`"):
        dm.rank_donors(np.eye(3), COHORT.recipients, regimen="anti-pd-1")


def test_several_files_are_taken_as_donors(tmp_path):
    paths = []
    for name in COHORT.donors.sample_ids[:2]:
        paths.append(tmp_path / f"{name}.tsv")
        COHORT.donors[name].write(paths[-1])
    ranking = dm.rank_donors(paths, COHORT.recipients, regimen="anti-pd-1", **QUICK)
    assert set(ranking.rows["donor_id"]) == set(COHORT.donors.sample_ids[:2])


def test_ones_own_stool_is_warned_of_and_a_namesake_is_not():
    settings = {"regimen": "anti-pd-1", **QUICK}
    with pytest.warns(dm.DonorMatchWarning, match="3 of 3 recipients are among the donors too"):
        dm.rank_donors(COHORT.donors, COHORT.donors, **settings)
    first, namesake = COHORT.donors.sample_ids[0], COHORT.recipients[0]
    dm.rank_donors(COHORT.donors, namesake.rename({namesake.sample_ids[0]: first}), **settings)


def test_columns_that_are_not_there_are_refused(profiles):
    def cohort(text, **columns):
        return dm.PatientCohort(io.StringIO(text), profiles, columns=columns)

    text = "sample_id\tresponse_orr\nd1\tR\nd2\tNR\n"
    with pytest.raises(dm.DonorMatchError, match="respnse"):
        cohort(text, respnse="response_orr")
    with pytest.raises(dm.DonorMatchError, match="respons_orr"):
        cohort(text, response="respons_orr")
    assert "1 responders" in repr(cohort(text, response="response_orr"))


def test_the_page_names_what_the_ranking_was_made_with():
    matcher = dm.Matcher.bundled()
    ranking = matcher.rank_donors(
        COHORT.donors,
        COHORT.recipients,
        regimen="anti-ctla-4",
        metadata={COHORT.recipients.sample_ids[0]: {"cancer": "melanoma"}},
        **QUICK,
    )
    for page in (ranking.to_html(), pickle.loads(pickle.dumps(ranking)).to_html()):
        for told in (matcher.header["name"], "anti-ctla-4", matcher.header["data_digest"]):
            assert told in page
        # One recipient has melanoma, the other does not say.
        assert "<dt>Cancer</dt>" not in page
        assert "100.0 % of the abundance is in taxa of the vocabulary" in page
    assert "someone" in ranking.to_html(model_name="someone")


def test_the_entry_function_says_what_its_arguments_are():
    told = dm.rank_donors.__doc__
    for name in ("regimen", "screening", "prefer_above", "prefilter", "n_draws", "access"):
        assert f"\n    {name}\n" in told or f"\n    {name}," in told
    assert told.count("As in") == 0
