"""Transformers of profiles in the idiom of scikit-learn."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

import donormatch as dm

pytest.importorskip("sklearn")
pandas = pytest.importorskip("pandas")

from sklearn.base import clone  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.pipeline import make_pipeline, make_union  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from donormatch.sklearn import (  # noqa: E402
    BoostedTreesClassifier,
    Diversity,
    RobustCenteredLogRatio,
    SignatureBalances,
    SignatureFractions,
    _composition,
)

ALL = [
    Diversity(),
    RobustCenteredLogRatio(),
    SignatureFractions(),
    SignatureBalances(pseudocount=0.001),
]
MINE = dm.Signature.parse("# name: mine\ntaxon\nBlautia obeum\n")


# The checks of scikit-learn name no taxa, so that nothing can be said of signatures.
@pytest.mark.filterwarnings("ignore::donormatch.MissingTaxaWarning")
@parametrize_with_checks(
    ALL,
    expected_failed_checks=lambda _: {
        "check_estimators_dtypes": "a sample without any abundance is refused"
    },
)
def test_the_transformer_keeps_the_contract(estimator, check):
    check(estimator)


def test_profiles_frames_and_arrays_give_the_same(profiles):
    frame = profiles.to_pandas()
    expected = profiles.diversities().to_pandas().drop(columns="sample_id").to_numpy()
    for table in (profiles, frame, frame.to_numpy()):
        np.testing.assert_allclose(Diversity().fit_transform(table), expected)
    robust = RobustCenteredLogRatio().fit(profiles)
    np.testing.assert_allclose(robust.transform(profiles[:2]), profiles.rclr()[:2], atol=1e-12)
    assert list(robust.get_feature_names_out()) == profiles.taxa


@pytest.mark.filterwarnings("ignore::donormatch.MissingTaxaWarning")
def test_signatures_are_those_of_the_profiles(profiles):
    names = ["akkermansia_muciniphila", MINE]
    found = SignatureFractions(names).fit_transform(profiles)
    # By hand from the table: Akkermansia muciniphila and Blautia obeum.
    np.testing.assert_allclose(found, [[0, 0.4], [0.745, 0.255], [0.9, 0], [1, 0]])
    pair = SignatureBalances([("akkermansia_muciniphila", MINE)], pseudocount=0.1)
    np.testing.assert_allclose(
        pair.fit_transform(profiles)[:, 0], np.log((found[:, 0] + 0.1) / (found[:, 1] + 0.1))
    )
    assert pair.get_feature_names_out().tolist() == ["akkermansia_muciniphila_mine_log_ratio"]
    with pytest.raises(dm.InputError, match="row 0 holds no member of `akkermansia"):
        SignatureBalances([("akkermansia_muciniphila", MINE)]).fit_transform(profiles)


def test_frames_come_out_under_the_names_of_the_features(profiles):
    frame = profiles.to_pandas()
    found = Diversity(["shannon"]).set_output(transform="pandas").fit_transform(frame)
    assert list(found.columns) == ["shannon"]
    assert list(found.index) == profiles.sample_ids
    polars = pytest.importorskip("polars")
    found = Diversity().set_output(transform="polars").fit_transform(frame)
    assert isinstance(found, polars.DataFrame)


def test_they_work_in_unions_pipelines_and_clones(profiles):
    union = make_union(Diversity(), RobustCenteredLogRatio())
    outcome = [0, 1, 0, 1]
    trees = clone(make_pipeline(union, BoostedTreesClassifier(n_rounds=2))).fit(profiles, outcome)
    assert trees.predict_proba(profiles[:2]).shape == (2, 2)
    model = make_pipeline(Diversity(), LogisticRegression()).fit(profiles, outcome)
    assert model.predict(profiles).shape == (4,)


def test_what_does_not_fit_is_refused(profiles):
    fitted = Diversity().fit(profiles)
    with pytest.raises(dm.InputError, match="not those of `fit`"):
        fitted.transform(profiles.rename(taxa={profiles.taxa[0]: "s__Other"}))
    with pytest.raises(dm.InputError, match="row 1 sums to 0"):
        Diversity().fit_transform([[1.0], [0.0]])
    for wrong, word in [
        (Diversity(["chao1"]), "chao1"),
        (Diversity([]), "`measures`"),
        (SignatureFractions([]), "`signatures`"),
        (SignatureBalances(["oral"]), "`pairs`"),
    ]:
        with pytest.raises(dm.ParameterError, match=word):
            wrong.fit(profiles)
    with pytest.raises(dm.ParameterError, match="`pseudocount`"):
        SignatureBalances(pseudocount=-1).fit(profiles).transform(profiles)


@pytest.mark.filterwarnings("ignore::donormatch.MissingTaxaWarning")
def test_the_examples_run():
    assert doctest.testmod(_composition).failed == 0
