"""Estimators and splitters as scikit-learn expects them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import donormatch as dm

pytest.importorskip("sklearn")

import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from donormatch.sklearn import (
    BoostedTreesClassifier,
    BoostedTreesRegressor,
    CenteredLogRatio,
    ElasticNetLogisticClassifier,
    ElasticNetLogisticClassifierCV,
    GroupKFold,
    LeaveOneStudyOut,
    PairSplit,
)

RNG = np.random.default_rng(1)
X = RNG.normal(size=(120, 6)) * (RNG.random((120, 6)) < 0.5)
Y = (X[:, 0] - X[:, 1] + RNG.normal(size=120) > 0).astype(int)
GROUPS = np.repeat([f"subject_{i}" for i in range(24)], 5)

# The contract compares fits digit by digit.
CLASSIFIERS = [
    ElasticNetLogisticClassifier(tolerance=1e-9),
    ElasticNetLogisticClassifierCV(n_folds=3, tolerance=1e-9),
    BoostedTreesClassifier(n_rounds=20, learning_rate=0.1, row_fraction=1.0),
]
ESTIMATORS = [*CLASSIFIERS, BoostedTreesRegressor(n_rounds=20, learning_rate=0.1, row_fraction=1.0)]


# With one row a leaf, weights are all that counts.
BY_WEIGHT = [
    BoostedTreesClassifier(n_rounds=20, learning_rate=0.1, row_fraction=1.0, min_leaf_rows=1),
    BoostedTreesRegressor(n_rounds=20, learning_rate=0.1, row_fraction=1.0, min_leaf_rows=1),
]


def expected_failures(estimator):
    """Where a row of weight two is not two rows, or an empty row no sample, on purpose."""
    if isinstance(estimator, CenteredLogRatio):
        return {"check_estimators_dtypes": "a sample without any abundance is refused"}
    if isinstance(estimator, ElasticNetLogisticClassifierCV):
        reason = "a repeated row may be dealt to another fold"
    elif getattr(estimator, "min_leaf_rows", 1) > 1:
        reason = "a leaf needs two rows, however heavy"
    else:
        return {}
    name = "check_sample_weight_equivalence_on_{}_data"
    return {name.format(kind): reason for kind in ("dense", "sparse")}


@parametrize_with_checks(
    [*ESTIMATORS, *BY_WEIGHT, CenteredLogRatio(pseudocount=0.5)],
    expected_failed_checks=expected_failures,
)
def test_the_estimator_keeps_the_contract(estimator, check):
    check(estimator)


def test_logistic_coefficients_equal_scikit_learn():
    # scikit-learn 1.9.1, saga on the same objective: C = 1 / (n lambda), no standardization.
    ours = ElasticNetLogisticClassifier(
        lambda_=0.01, alpha=0.5, scaling="original", tolerance=1e-9
    ).fit(X, Y)
    theirs = LogisticRegression(
        C=1 / (len(Y) * 0.01), l1_ratio=0.5, solver="saga", tol=1e-10, max_iter=100_000
    ).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-6)


def test_the_tolerance_of_folds_leaves_the_choice_and_is_checked():
    default = ElasticNetLogisticClassifierCV().fit(X, Y, groups=GROUPS)
    tight = ElasticNetLogisticClassifierCV(fold_tolerance=1e-8).fit(X, Y, groups=GROUPS)
    assert (default.lambda_chosen_, default.alpha_chosen_) == (
        tight.lambda_chosen_,
        tight.alpha_chosen_,
    )
    assert default.curves_ != tight.curves_
    with pytest.raises(dm.ParameterError, match="fold_tolerance"):
        ElasticNetLogisticClassifierCV(fold_tolerance=0.0).fit(X, Y, groups=GROUPS)


@pytest.mark.parametrize(
    "estimator",
    [ElasticNetLogisticClassifier(), ElasticNetLogisticClassifierCV(), BoostedTreesClassifier()],
)
def test_the_defaults_are_those_of_the_core(estimator, monkeypatch):
    said = clone(estimator).fit(X, Y, groups=GROUPS).predict_proba(X)
    monkeypatch.setattr(type(estimator), "get_params", lambda self, deep=True: {})
    left = type(estimator)().fit(X, Y, groups=GROUPS).predict_proba(X)
    np.testing.assert_array_equal(said, left)


def test_what_is_set_reaches_the_trees():
    default = BoostedTreesClassifier(n_rounds=50).fit(X, Y).predict_proba(X)
    for changed in (
        {"node_column_fraction": 0.3}, {"min_bin_rows": 9}, {"random_thresholds": True}
    ):  # fmt: skip
        model = BoostedTreesClassifier(n_rounds=50, **changed).fit(X, Y)
        assert not np.array_equal(default, model.predict_proba(X))
    with pytest.raises(dm.ParameterError, match="node_column_fraction"):
        BoostedTreesClassifier(node_column_fraction=0.0).fit(X, Y)


@pytest.mark.parametrize("estimator", CLASSIFIERS)
@pytest.mark.parametrize("layout", [sp.csc_array, sp.csr_matrix, np.asfortranarray, np.array])
def test_dense_sparse_and_fortran_inputs_give_the_same_bits(estimator, layout):
    model = clone(estimator).fit(X, Y)
    other = clone(estimator).fit(layout(X), Y)
    np.testing.assert_allclose(
        model.predict_proba(X), other.predict_proba(layout(X)), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("estimator", CLASSIFIERS)
def test_a_pickled_model_predicts_the_same_bits(estimator):
    model = clone(estimator).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    assert clone(again).get_params() == estimator.get_params()


@pytest.mark.parametrize("estimator", CLASSIFIERS)
def test_contributions_sum_to_the_score(estimator):
    model = clone(estimator).fit(X, Y)
    base, values = model.contributions(X)
    total = base + values.sum(axis=1)
    np.testing.assert_allclose(total, model.decision_function(X), atol=1e-10)


@pytest.mark.parametrize("estimator", CLASSIFIERS)
def test_it_works_in_a_pipeline_a_search_and_processes(estimator):
    pipeline = make_pipeline(StandardScaler(with_mean=False), clone(estimator))
    scores = cross_val_score(pipeline, X, Y, cv=GroupKFold(3), groups=GROUPS, n_jobs=2)
    assert scores.mean() > 0.6
    name = next(
        name for name in ("lambda_", "learning_rate", "tolerance") if name in estimator.get_params()
    )
    search = GridSearchCV(clone(estimator), {name: [0.01, 0.1]}, cv=GroupKFold(3))
    search.fit(X, Y, groups=GROUPS)
    assert search.best_params_[name] in {0.01, 0.1}


def test_groups_reach_the_splitter_with_and_without_metadata_routing():
    model = ElasticNetLogisticClassifier()
    plain = cross_validate(model, X, Y, cv=GroupKFold(4), groups=GROUPS)["test_score"]
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_validate(
            model.set_fit_request(groups=True), X, Y, cv=GroupKFold(4), params={"groups": GROUPS}
        )["test_score"]
    np.testing.assert_array_equal(plain, routed)


def test_frames_keep_their_names():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"g__{i}" for i in range(X.shape[1])])
    model = ElasticNetLogisticClassifier().fit(frame, Y)
    assert list(model.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="order"):
        model.predict(frame.iloc[:, ::-1])


def test_no_group_is_on_both_sides_and_every_row_is_tested_once():
    splits = list(GroupKFold(4, n_repeats=2, seed=3).split(X, Y, GROUPS))
    assert len(splits) == 8
    for training, test in splits:
        assert not set(GROUPS[training]) & set(GROUPS[test])
    tested = np.concatenate([test for _, test in splits[:4]])
    np.testing.assert_array_equal(np.sort(tested), np.arange(len(X)))


def test_too_few_groups_are_an_error():
    with pytest.raises(dm.InputError, match="groups"):
        list(GroupKFold(50).split(X, Y, GROUPS))
    with pytest.raises(dm.InputError, match="needs `groups`"):
        list(GroupKFold(3).split(X, Y))


def test_leaving_a_study_out_tests_each_once():
    studies = np.repeat(["Routy", "Davar", "Baruch"], 40)
    splits = list(LeaveOneStudyOut().split(X, Y, studies))
    assert len(splits) == LeaveOneStudyOut().get_n_splits(X, Y, studies) == 3
    assert all(len(set(studies[test])) == 1 for _, test in splits)


def test_pairs_with_both_new_share_nothing_with_their_training_rows():
    pairs = np.array([(f"d{i % 6}", f"r{i // 6}") for i in range(36)])
    splitter = PairSplit("both_new")
    for training, test in splitter.split(pairs, groups=pairs):
        for side in (0, 1):
            assert not set(pairs[training, side]) & set(pairs[test, side])
    assert any(splitter.dropped(pairs, groups=pairs))


def test_pairs_in_a_frame_are_read_by_its_rows():
    pandas = pytest.importorskip("pandas")
    pairs = [("d1", "r1"), ("d1", "r2"), ("d2", "r1"), ("d2", "r2")]
    splitter = PairSplit(n_donor_folds=2, n_recipient_folds=2)
    expected = [(list(one), list(two)) for one, two in splitter.split([[0]] * 4, groups=pairs)]
    frame = pandas.DataFrame(pairs, columns=["dn", "rc"])
    found = [(list(one), list(two)) for one, two in splitter.split([[0]] * 4, groups=frame)]
    assert found == expected
    for wrong in (["d1", "d2", "d3", "d4"], frame[["dn"]]):
        with pytest.raises(dm.InputError, match="two columns"):
            list(splitter.split([[0]] * 4, groups=wrong))


@pytest.mark.parametrize("splitter", [GroupKFold(2), LeaveOneStudyOut()])
def test_labels_of_other_rows_are_refused(splitter):
    for groups in ("aabbccdd", list("aabbccddeeff")):
        with pytest.raises(dm.InputError, match="same rows"):
            list(splitter.split([[0]] * 10, groups=groups))


def test_bad_settings_are_told_in_fit_by_name():
    model = ElasticNetLogisticClassifier(alpha=2.0)
    with pytest.raises(dm.ParameterError, match="`alpha`"):
        model.fit(X, Y)
    with pytest.raises(dm.ParameterError, match="`lambda`"):
        ElasticNetLogisticClassifier(lambda_="strong").fit(X, Y)


def test_a_metric_stands_on_rows_and_groups():
    model = ElasticNetLogisticClassifier().fit(X, Y)
    auc = dm.metrics.estimate("roc_auc", Y, model.decision_function(X), groups=GROUPS)
    # scikit-learn 1.9.1
    from sklearn.metrics import roc_auc_score

    assert auc.value == pytest.approx(roc_auc_score(Y, model.decision_function(X)), abs=1e-12)
    assert auc.n_groups == 24
    assert auc.lo < auc.value < auc.hi


def test_log_ratios_keep_names_and_equal_numpy():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(RNG.random((5, 3)) + 0.1, columns=["s__A", "s__B", "s__C"])
    ratios = CenteredLogRatio().set_output(transform="pandas").fit_transform(frame)
    assert list(ratios.columns) == list(frame.columns)
    logs = np.log(frame.to_numpy())
    np.testing.assert_allclose(ratios, logs - logs.mean(axis=1, keepdims=True), atol=1e-12)
    with pytest.raises(dm.ParameterError, match="`pseudocount`"):
        CenteredLogRatio().fit_transform([[1.0, 0.0]])
