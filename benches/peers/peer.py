"""One peer, one job: runs it once for each line on standard input, as `ours.rs` does.

    python benches/peers/peer.py <peer> <job.json>

Imports, reading of the table and whatever the peer would have had to do only once (a fitted model
to score with, a table in the form that it likes best) come before the clock starts. Conversions
that a `fit` makes of its own accord are part of it, on both sides.
"""

import contextlib
import json
import pathlib
import sys
import time
import warnings

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

warnings.filterwarnings("ignore")
MEGABYTE = 1024.0


def read_table(folder):
    folder = pathlib.Path(folder)
    shape = json.loads((folder / "shape.json").read_text())
    features = np.fromfile(folder / "x.bin").reshape(shape["rows"], shape["columns"])
    outcomes = np.fromfile(folder / "y.bin")
    groups = np.array(shape.get("groups") or range(shape["rows"]))
    return features, outcomes, groups


def booster(peer, rounds, depth, threads):
    """The same trees for everyone: rounds, depth, rate 0.1, L2 1, 255 bins, 2 rows a leaf."""
    if peer == "lightgbm":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(
            n_estimators=rounds, max_depth=depth, num_leaves=2**depth, learning_rate=0.1,
            reg_lambda=1.0, min_child_samples=2, min_child_weight=0.5, max_bin=255,
            n_jobs=threads, verbose=-1,
        )  # fmt: skip
    if peer == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(
            n_estimators=rounds, max_depth=depth, learning_rate=0.1, reg_lambda=1.0,
            min_child_weight=0.5, max_bin=255, tree_method="hist", n_jobs=threads,
        )  # fmt: skip
    if peer == "histgb":
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            max_iter=rounds, max_depth=depth, max_leaf_nodes=2**depth, learning_rate=0.1,
            l2_regularization=1.0, min_samples_leaf=2, max_bins=255, early_stopping=False,
        )  # fmt: skip
    if peer == "catboost":
        from catboost import CatBoostClassifier

        return CatBoostClassifier(
            iterations=rounds, depth=depth, learning_rate=0.1, l2_leaf_reg=1.0, border_count=254,
            thread_count=threads, verbose=False, allow_writing_files=False,
        )  # fmt: skip
    raise SystemExit(f"no booster `{peer}`")


def auc(outcomes, scores):
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(outcomes, scores))


def prepare_boosting_fit(peer, job):
    features, outcomes, _ = read_table(job["table"])

    def run():
        booster(peer, job["n_rounds"], job["max_depth"], job["threads"]).fit(features, outcomes)
        return dict

    return run


def one_fold(peer, job, features, outcomes, test):
    training = np.setdiff1d(np.arange(len(outcomes)), test)
    with threadpool_limits(1):
        model = booster(peer, job["n_rounds"], job["max_depth"], 1)
        model.fit(features[training], outcomes[training])
        return model.predict_proba(features[test])[:, 1]


def prepare_boosting_folds(peer, job):
    from joblib import Parallel, delayed

    features, outcomes, _ = read_table(job["table"])
    tests = [np.array(split["test"]) for split in job["splits"]]
    pool = Parallel(n_jobs=job["threads"])

    def run():
        scores = pool(delayed(one_fold)(peer, job, features, outcomes, test) for test in tests)
        pairs = list(zip(tests, scores, strict=True))
        return lambda: {"auc": [auc(outcomes[test], score) for test, score in pairs]}

    return run


def objectives(features, outcomes, points):
    """The lasso's objective at (λ, intercept, coefficients per standard deviation)."""
    values = []
    for lam, intercept, coefficients in points:
        eta = intercept + features @ coefficients
        loss = np.mean(np.logaddexp(0, eta) - outcomes * eta)
        values.append(float(loss + lam * np.abs(coefficients).sum()))
    return values


def standardized(features):
    deviations = features.std(axis=0)
    return (features - features.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0)


def prepare_path(peer, job):
    """All get the table standardized beforehand, outside the clock, and the same λ."""
    features, outcomes, _ = read_table(job["table"])
    features = np.asfortranarray(standardized(features))
    lambdas, n_rows = job["lambdas"], len(outcomes)

    def run_adelie():
        import adelie

        state = adelie.grpnet(
            X=adelie.matrix.dense(features, n_threads=job["threads"]),
            glm=adelie.glm.binomial(outcomes), lmda_path=np.array(lambdas),
            early_exit=False, n_threads=job["threads"], progress_bar=False,
        )  # fmt: skip
        betas = state.betas.toarray()
        return list(zip(state.lmdas, state.intercepts, betas, strict=False))

    def run_skglm():
        from skglm import SparseLogisticRegression

        model = SparseLogisticRegression(alpha=lambdas[0], warm_start=True, tol=1e-6)
        points = []
        for lam in lambdas:
            model.alpha = lam
            model.fit(features, outcomes)
            points.append((lam, float(np.ravel(model.intercept_)[0]), model.coef_[0].copy()))
        return points

    def run_sklearn():
        from sklearn.linear_model import LogisticRegression

        extra = {"intercept_scaling": 100.0} if peer == "sklearn-liblinear" else {}
        model = LogisticRegression(
            l1_ratio=1.0, solver=peer.removeprefix("sklearn-"), warm_start=True, tol=1e-4,
            max_iter=1000, **extra,
        )  # fmt: skip
        points = []
        for lam in lambdas:
            model.C = 1.0 / (n_rows * lam)
            model.fit(features, outcomes)
            points.append((lam, float(model.intercept_[0]), model.coef_[0].copy()))
        return points

    runs = {"adelie": run_adelie, "skglm": run_skglm}

    def run():
        points = runs.get(peer, run_sklearn)()
        return lambda: {
            "lambdas": [float(point[0]) for point in points],
            "objectives": objectives(features, outcomes, points),
        }

    return run


def prepare_lambda(peer, job):
    features, outcomes, _ = read_table(job["table"])
    features = np.asfortranarray(standardized(features))
    folds = np.array(job["folds"])

    def run_adelie():
        import adelie

        adelie.cv_grpnet(
            X=features, glm=adelie.glm.binomial(outcomes), n_folds=10, lmda_path_size=100,
            min_ratio=0.01, n_threads=job["threads"], progress_bar=False, seed=0,
        )  # fmt: skip

    def run_sklearn():
        from sklearn.linear_model import LogisticRegressionCV
        from sklearn.model_selection import PredefinedSplit

        LogisticRegressionCV(
            Cs=1.0 / (len(outcomes) * np.array(job["lambdas"])), cv=PredefinedSplit(folds),
            l1_ratios=(1.0,), solver="liblinear", scoring="neg_log_loss",
            n_jobs=job["threads"], use_legacy_attributes=False,
        ).fit(features, outcomes)  # fmt: skip

    def run():
        (run_adelie if peer == "adelie" else run_sklearn)()
        return dict

    return run


def fitted_scored(peer, job):
    features, outcomes, _ = read_table(job["table"])
    model = booster(peer, job["n_rounds"], job["max_depth"], job["threads"])
    model.fit(features, outcomes)
    scored = read_table(job["scored"])[0] if "scored" in job else features
    return model, scored[: job.get("n_scored", len(scored))]


def prepare_predict(peer, job):
    model, scored = fitted_scored(peer, job)

    def run():
        if peer == "xgboost":
            model.predict(scored, output_margin=True)
        elif peer == "lightgbm":
            model.predict(scored, raw_score=True)
        elif peer == "catboost":
            model.predict(scored, prediction_type="RawFormulaVal")
        else:
            model.decision_function(scored)
        return dict

    return run


def prepare_shap(peer, job):
    """A booster's own contributions, or those of `shap.TreeExplainer` on it (`shap-…`).

    For XGBoost, LightGBM and CatBoost, `shap` hands over to their own C++ (the "shortcut" in
    `shap_values` of `shap/explainers/_tree.py`, 0.51), so that `shap-xgboost` is XGBoost again.
    Trees of scikit-learn are of its model type "internal", for which it runs its own C extension
    (`_cext.dense_tree_shap`, one thread): `shap-histgb` is `shap` itself.
    """
    engine = peer.removeprefix("shap-")
    model, scored = fitted_scored(engine, job)

    def run():
        if peer.startswith("shap-"):
            import shap

            shap.TreeExplainer(model).shap_values(scored)
        elif peer == "xgboost":
            import xgboost

            model.get_booster().predict(xgboost.DMatrix(scored), pred_contribs=True)
        else:
            model.predict(scored, pred_contrib=True)
        return dict

    if peer.startswith("shap-"):
        import shap  # noqa: F401  outside the clock
    return run


def sampled(peer, seed, rounds, rate, depth, rows, columns, draws_thresholds=False):
    """Boosted trees that may see a share of rows and columns, as a job's settings name them."""
    if draws_thresholds and peer != "lightgbm":
        raise SystemExit(f"{peer} draws no thresholds")
    if peer == "lightgbm":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(
            n_estimators=rounds, learning_rate=rate, max_depth=depth, num_leaves=2**depth,
            subsample=rows, subsample_freq=1, colsample_bytree=columns, reg_lambda=1.0,
            min_child_samples=2, extra_trees=draws_thresholds, n_jobs=1, random_state=seed,
            verbose=-1,
        )  # fmt: skip
    if peer == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(
            n_estimators=rounds, learning_rate=rate, max_depth=depth, subsample=rows,
            colsample_bytree=columns, reg_lambda=1.0, min_child_weight=0.0, tree_method="hist",
            n_jobs=1, random_state=seed,
        )  # fmt: skip
    if peer == "histgb":
        from sklearn.ensemble import HistGradientBoostingClassifier

        # It draws features anew for each split, and no rows.
        return HistGradientBoostingClassifier(
            max_iter=rounds, learning_rate=rate, max_depth=depth, max_leaf_nodes=2**depth,
            max_features=columns, l2_regularization=1.0, min_samples_leaf=2,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        iterations=rounds, learning_rate=rate, depth=depth, subsample=rows, rsm=columns,
        bootstrap_type="Bernoulli", l2_leaf_reg=1.0, thread_count=1, random_seed=seed,
        verbose=False, allow_writing_files=False,
    )  # fmt: skip


def candidate(peer, seed, settings, is_final):
    """One model to choose; a forest has a fifth of its trees while the choice is made."""
    if peer in ("forest", "extratrees"):
        from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

        forest = RandomForestClassifier if peer == "forest" else ExtraTreesClassifier
        return forest(500 if is_final else 100, random_state=seed, **settings)
    if peer == "logistic":
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), LogisticRegression(solver="liblinear", **settings))
    return sampled(peer, seed, **settings)


def prepare_scores(peer, job):
    """ROC AUC of each candidate on the test rows of a split, and in 5 grouped folds of the others.

    Who chooses, and by which rule, sees only the folds: `accuracy.py` does it, alike for all.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    features, outcomes, groups = read_table(job["table"])
    seed = job.get("seed", 0)

    def score(settings, training, test, is_final):
        model = candidate(peer, seed, settings, is_final).fit(
            features[training], outcomes[training]
        )
        return auc(outcomes[test], model.predict_proba(features[test])[:, 1])

    def run():
        found = {name: {"inner": [], "auc": []} for name in job["candidates"]}
        for split in job["splits"]:
            test = np.array(split["test"])
            rows = np.setdiff1d(np.arange(len(outcomes)), test)
            folds = StratifiedGroupKFold(n_splits=5, shuffle=True, random_state=seed)
            folds = list(folds.split(outcomes[rows], outcomes[rows], groups[rows]))
            for name, settings in job["candidates"].items():
                inner = [score(settings, rows[some], rows[rest], False) for some, rest in folds]
                found[name]["inner"].append(inner)
                found[name]["auc"].append(score(settings, rows, test, True))
        return lambda: found

    return run


PREPARE = {
    "boosting_fit": prepare_boosting_fit,
    "boosting_folds": prepare_boosting_folds,
    "path": prepare_path,
    "lambda": prepare_lambda,
    "predict": prepare_predict,
    "shap": prepare_shap,
    "scores": prepare_scores,
}


def status(pid, key):
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith(key)), 0.0) / MEGABYTE


def reset_peak(pid):
    with contextlib.suppress(OSError):
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(process):
    """Of this process and its workers; the workers' to 10 ms."""
    total = time.process_time()
    for child in process.children(recursive=True):
        try:
            times = child.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            pass
    return total


def family(process):
    return [process.pid] + [child.pid for child in process.children(recursive=True)]


def main():
    peer, path = sys.argv[1:]
    job = json.loads(pathlib.Path(path).read_text())
    run = PREPARE[job["kind"]](peer, job)
    process = psutil.Process()
    for _ in sys.stdin:
        for pid in family(process):
            reset_peak(pid)
        before = sum(status(pid, "VmRSS") for pid in family(process))
        with threadpool_limits(job["threads"]):
            cpu, started = cpu_seconds(process), time.perf_counter()
            summary = run()
            seconds, cpu = time.perf_counter() - started, cpu_seconds(process) - cpu
        peak = sum(status(pid, "VmHWM") for pid in family(process))
        result = {
            "seconds": seconds, "cpu": cpu, "peak_mb": peak, "added_mb": peak - before,
            "result": summary(),
        }  # fmt: skip
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
