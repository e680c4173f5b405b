"""The tables, and what is to be done on them, side by side."""

import csv
import gzip
import json
import os
import pathlib
import sys

import numpy as np

BOOSTERS = ["lightgbm", "xgboost", "histgb", "catboost"]
# What is chosen from inside the training rows, for us and for the peers, the plainest or the one
# to take unseen first: where the folds cannot tell candidates apart, the rule takes the earlier.
# Of trees: rounds, rate, depth, the shares of rows and columns that a tree sees, and whether nodes
# draw their thresholds, which of the peers' boosters LightGBM alone can.
DRAWN = {
    "drawn": {"rounds": 1000, "rate": 0.01, "depth": 5, "rows": 0.7, "columns": 0.1,
              "draws_thresholds": True},
}  # fmt: skip
TREES = {
    "sampled": {"rounds": 1000, "rate": 0.01, "depth": 3, "rows": 0.7, "columns": 0.1},
    "deep": {"rounds": 1000, "rate": 0.01, "depth": 5, "rows": 0.7, "columns": 0.1},
}
FORESTS = {
    "root of columns": {"max_features": "sqrt"},
    "root of columns, 3 a leaf": {"max_features": "sqrt", "min_samples_leaf": 3},
    "a tenth of columns": {"max_features": 0.1},
    "three tenths of columns": {"max_features": 0.3},
}
LINES = {
    f"{name}, C {c:g}": {"l1_ratio": l1_ratio, "C": c}
    for c in (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    for name, l1_ratio in (("L2", 0.0), ("L1", 1.0))
}
PEERS = {
    "forest": FORESTS,
    "extratrees": FORESTS,
    "lightgbm": DRAWN | TREES,
    "logistic": LINES,
    "xgboost": TREES,
    "histgb": {"sampled": TREES["sampled"]},
    "catboost": {"sampled": TREES["sampled"]},
}
# Families that take minutes where the others take seconds have less to choose from, and get the
# first repeats only.
SLOW = {"xgboost", "histgb", "catboost"}
N_FOLDS = 5
METAML = ["Cirrhosis", "Colorectal", "IBD", "Obesity", "T2D", "WT2D"]


def write_table(folder, name, features, outcomes, groups=None):
    path = pathlib.Path(folder) / name
    path.mkdir()
    np.ascontiguousarray(features, dtype="<f8").tofile(path / "x.bin")
    np.asarray(outcomes, dtype="<f8").tofile(path / "y.bin")
    shape = {"rows": features.shape[0], "columns": features.shape[1]}
    if groups is not None:
        shape["groups"] = [int(group) for group in groups]
    (path / "shape.json").write_text(json.dumps(shape))
    return str(path)


def zero_inflated(n_rows, n_columns, seed):
    """Log-normal where present; prevalences skewed to 0; outcomes by six common columns."""
    random = np.random.default_rng(seed)
    prevalences = random.beta(0.3, 1.0, n_columns)
    is_present = random.random((n_rows, n_columns)) < prevalences
    features = np.where(is_present, random.lognormal(0.0, 1.5, (n_rows, n_columns)), 0.0)
    common = np.argsort(-prevalences)[20:26]
    score = np.log1p(features[:, common]) @ random.choice([-1.0, 1.0], 6)
    score = 3.0 * (score - score.mean()) / score.std()
    return features, (random.random(n_rows) < 1 / (1 + np.exp(-score))).astype(float)


def tall(n_rows, seed):
    """50 dense columns, outcomes by a curved score of ten of them."""
    random = np.random.default_rng(seed)
    features = random.standard_normal((n_rows, 50))
    score = features[:, :5].sum(axis=1) + features[:, 5] * features[:, 6] + features[:, 7] ** 2 - 1
    return features, (random.random(n_rows) < 1 / (1 + np.exp(-score))).astype(float)


def read_tsv(path):
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        told = (line for line in lines if not line.startswith("#"))
        return list(csv.reader(told, delimiter="\t"))


def numbered(names):
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names])


def metadata(path):
    head, *rows = read_tsv(path)
    return {row[0]: dict(zip(head, row, strict=False)) for row in rows}


def angles(proportions):
    """asin √p of each entry: zeros stay zeros, and no row sees another."""
    return np.arcsin(np.sqrt(np.clip(proportions, 0.0, 1.0)))


def icb_profiles(data):
    """Features and metadata of `icb-thomas2023`."""
    folder = pathlib.Path(data) / "icb-thomas2023"
    about = metadata(folder / "metadata.tsv")
    head, *rows = read_tsv(folder / "profiles.metaphlan.tsv.gz")
    values = np.array([row[1:] for row in rows], dtype=float).T / 100.0
    return angles(values), [about[name] for name in head[1:]]


def icb(data):
    """Features, response, subjects and cohorts of `icb-thomas2023`."""
    features, about = icb_profiles(data)
    keep = [row for row, its in enumerate(about) if its["response_orr"] in ("R", "NR")]
    about = [about[row] for row in keep]
    outcomes = np.array([row["response_orr"] == "R" for row in about], dtype=float)
    subjects = numbered([row["subject"] or row["sample_id"] for row in about])
    return features[keep], outcomes, subjects, [row["cohort"] for row in about]


def crc_profiles(data):
    """Features and metadata of `bench-crc-5studies`."""
    folder = pathlib.Path(data) / "bench-crc-5studies"
    about = metadata(folder / "metadata.tsv")
    _, *rows = read_tsv(folder / "profiles.tsv.gz")
    values = np.array([row[1:] for row in rows], dtype=float)
    return angles(values), [about[row[0]] for row in rows]


def crc(data):
    features, about = crc_profiles(data)
    outcomes = np.array([row["study_condition"] == "CRC" for row in about], dtype=float)
    subjects = numbered([row["subjectID"] for row in about])
    return features, outcomes, subjects, [row["study"] for row in about]


HEALTHY = {"n", "leaness"}


def metaml(data, name):
    folder = pathlib.Path(data) / "bench-metaml"
    about = metadata(folder / f"{name}.metadata.tsv")
    _, *rows = read_tsv(folder / f"{name}.profiles.tsv.gz")
    keep = [row for row in rows if about[row[0]]["disease"] != "small_adenoma"]
    values = np.array([row[1:] for row in keep], dtype=float) / 100.0
    outcomes = np.array([about[row[0]]["disease"] not in HEALTHY for row in keep], dtype=float)
    return angles(values), outcomes, numbered([about[row[0]]["subjectID"] for row in keep])


def leave_out(names, outcomes, least=20):
    splits = []
    for name in sorted(set(names)):
        test = [row for row, of in enumerate(names) if of == name]
        if len(test) >= least and 0 < outcomes[test].sum() < len(test):
            splits.append({"name": name, "test": test})
    return splits


def k_fold(outcomes, groups, repeats, seed=0):
    from sklearn.model_selection import StratifiedGroupKFold

    splits = []
    for repeat in range(repeats):
        folds = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed + repeat)
        for fold, (_, test) in enumerate(folds.split(outcomes, outcomes, groups)):
            splits.append({"name": f"{repeat + 1}.{fold + 1}", "test": [int(row) for row in test]})
    return splits


def urgency(name, n_threads, peer):
    """What goes first where minutes are few: the plainest question to the likeliest peer."""
    is_likely = peer in ("lightgbm", "xgboost", "glmnet-dense", "glmnet-sparse")
    if is_likely and (n_threads == 1 or "folds" in name):
        return 0
    return 1 if is_likely or n_threads == 1 else 2


def folds(name, table, splits, threads, trees, options):
    """The folds of one table, ours all at once, a peer's one a worker under joblib."""
    for peer in BOOSTERS[:3]:
        job = {"kind": "boosting_folds", "table": table, "threads": threads, "splits": splits}
        yield f"{name}, joblib", threads, peer, job | trees, options


def timed(bench, data, threads, wanted):
    """(work, threads, peer, job or why there is none, options of the pair)."""
    folder = bench.folder
    wide_features, wide_outcomes = zero_inflated(300, 1000, 1)
    wide_groups = np.arange(300) // 3
    wide = write_table(folder, "wide", wide_features, wide_outcomes, wide_groups)
    wide_name, most = "300 × 1,000", max(threads)
    real, real_name = None, "500 × 2,641 real"
    try:
        features, outcomes, subjects, _ = icb(data)
        rows = np.sort(np.random.default_rng(1).permutation(len(outcomes))[:500])
        real = write_table(folder, "real", features[rows], outcomes[rows], subjects[rows])
    except FileNotFoundError as error:
        why_not = f"not run: no `{error.filename}`"
    trees = {"n_rounds": 200, "max_depth": 3}
    if "boosting" in wanted:
        splits = k_fold(wide_outcomes, wide_groups, 2)
        options = {"limit": 90.0, "share": 25.0}
        yield from folds(f"2 × 5 grouped folds, {wide_name}", wide, splits, most, trees, options)
        for table, name in [(wide, wide_name), (real, real_name)]:
            for n_threads in threads:
                for peer in BOOSTERS if n_threads == 1 else BOOSTERS[:3]:
                    job = {"kind": "boosting_fit", "table": table, "threads": n_threads} | trees
                    its = job if table else why_not
                    yield f"boosting, {name}", n_threads, peer, its, {"share": 10.0}
        try:
            its, condition, subjects_of, studies = crc(data)
            table = write_table(folder, "studies", its, condition, subjects_of)
            splits = leave_out(studies, condition)
            name = "each of 5 studies left out, bench-crc-5studies"
            options = {"limit": 90.0, "share": 15.0}
            yield from folds(name, table, splits, most, trees, options)
        except FileNotFoundError as error:
            print(f"not run: no `{error.filename}`", file=sys.stderr)
    if "repeated" in wanted:
        name, options = f"10 × 5 grouped folds, {real_name}", {"limit": 400.0, "share": 60.0}
        if real:
            splits = k_fold(outcomes[rows], subjects[rows], 10)
            yield from folds(name, real, splits, most, trees, options)
        else:
            yield f"{name}, joblib", most, "all", why_not, {}
    if "chosen" in wanted:
        yield from chosen(bench, data)
    if "logistic" in wanted:
        yield from logistic(bench, wide, wide_name, threads)
        if real:
            yield from logistic(bench, real, real_name, threads)
        else:
            yield f"lasso path, {real_name}", 1, "all", why_not, {}
    if {"boosting", "predict", "shap"} & set(wanted):
        table = write_table(folder, "tall", *tall(100_000, 2))
        yield from on_tall(bench, table, threads, wanted, trees)


def chosen(bench, data):
    """One study left out, with the five inner folds of every candidate: what the lists of trees of
    the accuracy tables cost."""
    name = "a study left out and chosen for, bench-crc-5studies"
    try:
        its, condition, subjects, studies = crc(data)
    except FileNotFoundError as error:
        yield name, 1, "all", f"not run: no `{error.filename}`", {}
        return
    table = write_table(bench.folder, "chosen", its, condition, subjects)
    job = {"kind": "scores", "table": table, "threads": 1,
           "splits": leave_out(studies, condition)[:1]}  # fmt: skip
    for peer in BOOSTERS:
        ours = job | {"candidates": boosting(our_trees(PEERS[peer]))}
        options = {"ours_job": ours, "limit": 200.0, "share": 20.0}
        yield name, 1, peer, job | {"candidates": PEERS[peer]}, options


def on_tall(bench, table, threads, wanted, trees):
    short = {"share": 8.0}
    if "shap" in wanted:
        for depth in (3, 6):
            for n_threads in threads:
                peers = ["xgboost", "lightgbm", "shap-xgboost", "shap-histgb"]
                for peer in peers if depth == 3 or n_threads > 1 else peers[:1]:
                    job = {"kind": "shap", "table": table, "threads": n_threads, "n_rounds": 200,
                           "max_depth": depth, "n_scored": 10_000}  # fmt: skip
                    name = f"TreeSHAP, 10,000 × 50, 200 trees of depth {depth}"
                    yield name, n_threads, peer, job, short
    if "boosting" in wanted:
        for n_threads in threads:
            for peer in BOOSTERS:
                job = {"kind": "boosting_fit", "table": table, "threads": n_threads} | trees
                yield "boosting, 100,000 × 50", n_threads, peer, job, short
    if "predict" in wanted:
        many = write_table(bench.folder, "many", *tall(1_000_000, 3))
        for n_threads in threads:
            for peer in BOOSTERS:
                job = {
                    "kind": "predict",
                    "table": table,
                    "scored": many,
                    "threads": n_threads,
                } | trees
                yield "scores of 1,000,000 × 50, 200 trees", n_threads, peer, job, short


def logistic(bench, table, name, threads):
    """The λ that ours would visit (glmnet's grid and stopping rule) are given to everyone."""
    path = {"kind": "path", "table": table, "threads": 1}
    first = bench.once("ours", path, 60.0)
    if isinstance(first, str):
        yield f"lasso path, {name}", 1, "all", first, {}
        return
    lambdas = first["result"]["lambdas"]
    title = f"lasso path, {len(lambdas)} λ, {name}"
    for is_sparse in (False, True):
        job = path | {"lambdas": lambdas, "is_sparse": is_sparse}
        form = "sparse" if is_sparse else "dense"
        yield f"{title}, {form}", 1, f"glmnet-{form}", job, {"share": 10.0}
    for peer in ["adelie", "skglm", "sklearn-liblinear", "sklearn-saga"]:
        yield (
            f"{title}, dense",
            1,
            peer,
            path | {"lambdas": lambdas},
            {"limit": 30.0, "share": 10.0},
        )
    shape = json.loads((pathlib.Path(table) / "shape.json").read_text())
    groups = np.array(shape["groups"])
    folds = np.random.default_rng(0).permutation(groups.max() + 1)[groups] % 10
    job = {"kind": "lambda", "table": table, "lambdas": lambdas, "folds": [int(f) for f in folds]}
    title = f"choice of λ, 10 grouped folds, {name}"
    yield f"{title}, dense", 1, "glmnet-dense", job | {"threads": 1}, {"limit": 60.0, "share": 15.0}
    sparse = job | {"threads": 1, "is_sparse": True}
    yield f"{title}, sparse", 1, "glmnet-sparse", sparse, {"limit": 60.0, "share": 15.0}
    for peer in ["adelie", "sklearn-liblinear"]:
        most = job | {"threads": max(threads)}
        yield f"{title}, dense", max(threads), peer, most, {"limit": 40.0, "share": 10.0}


def same_trees(bench, data, n_seeds):
    """(table, side, job): 5 grouped folds by each seed, the same rounds, rate and depth for all."""
    features, outcomes = zero_inflated(300, 1000, 1)
    tables = {"300 × 1,000": (features, outcomes, np.arange(300) // 3)}
    try:
        its, condition, subjects, _ = crc(data)
        tables["bench-crc-5studies"] = (its, condition, subjects)
    except FileNotFoundError as error:
        print(f"not run: no `{error.filename}`", file=sys.stderr)
    for place, (name, (features, outcomes, groups)) in enumerate(tables.items()):
        table = write_table(bench.folder, f"seeds{place}", features, outcomes, groups)
        job = {"kind": "boosting_folds", "table": table, "threads": os.cpu_count(),
               "splits": k_fold(outcomes, groups, n_seeds), "n_rounds": 200,
               "max_depth": 3}  # fmt: skip
        for side in ["ours", *BOOSTERS[:3]]:
            yield name, side, job


def our_trees(trees):
    """Such settings in our words."""
    return {
        name: {
            "n_rounds": its["rounds"], "learning_rate": its["rate"], "max_depth": its["depth"],
            "row_fraction": its["rows"], "column_fraction": its["columns"],
            "random_thresholds": its.get("draws_thresholds", False),
        }
        for name, its in trees.items()
    }  # fmt: skip


def boosting(settings):
    """Candidates of ours: family, name and settings."""
    return [("boosting", name, {"boosting": its}) for name, its in settings.items()]


def our_families(seed=0):
    """The trees, then elastic nets, the plainest first; λ by log loss in 5 grouped folds."""
    trees = {name: its | {"seed": seed} for name, its in our_trees(DRAWN | TREES).items()}
    nets = {
        f"alpha {alpha}": {"logistic_cv": {"alphas": [alpha], "n_folds": 5, "seed": seed}}
        for alpha in (0.0, 0.1, 1.0)
    }
    return boosting(trees) + [("logistic", name, its) for name, its in nets.items()]


def tried():
    """Settings of ours that were weighed on labels that `accuracy` does not test on."""
    trees = {
        "a tenth of columns a tree": {"column_fraction": 0.1},
        "a tenth a node": {"node_column_fraction": 0.1},
        "3 % a node": {"node_column_fraction": 0.03},
        "a tenth a tree, depth 5": {"column_fraction": 0.1, "max_depth": 5},
        "3 % a node, depth 8": {"node_column_fraction": 0.03, "max_depth": 8},
        "a tenth a tree, all rows": {"column_fraction": 0.1, "row_fraction": 1.0},
    }
    trees |= {
        f"{name}, thresholds drawn": its | {"random_thresholds": True}
        for name, its in trees.items() if "node" not in name
    }  # fmt: skip
    given = {"n_rounds": 1000, "learning_rate": 0.01, "row_fraction": 0.7, "column_fraction": 1.0}
    slow = {
        f"{name}, four times the steps": its | {"n_rounds": 4000, "learning_rate": 0.0025}
        for name, its in our_trees(TREES).items()
    }
    found = boosting({name: given | its for name, its in trees.items()} | slow)
    return found + [its for its in our_families() if its[0] == "logistic"]


def above(column, bound):
    """The label of a number above a bound; none where it is blank."""
    return lambda its: None if its[column] == "" else float(its[column]) > bound


def word(column, zero, one):
    """The label of one of two words, in any case; none where it is blank."""
    return lambda its: {"": None, zero: 0, one: 1}[its[column].lower()]


def other_labels(data):
    """(name, features, outcomes) of labels that `accuracy` does not score."""
    labels_of_icb = {
        "sex": word("sex", "male", "female"),
        "age": above("age", 63),
        "antibiotics": word("antibiotics", "no", "yes"),
    }
    labels_of_crc = {
        "sex": word("gender", "male", "female"),
        "age": above("age", 64),
        "BMI": above("BMI", 25),
    }
    for table, read, labels in [
        ("icb-thomas2023", icb_profiles, labels_of_icb),
        ("bench-crc-5studies", crc_profiles, labels_of_crc),
    ]:
        try:
            features, about = read(data)
        except FileNotFoundError as error:
            print(f"{table}: not run: no `{error.filename}`", file=sys.stderr)
            continue
        for label, value in labels.items():
            values = [value(its) for its in about]
            keep = [row for row, its in enumerate(values) if its is not None]
            outcomes = np.array([values[row] for row in keep], dtype=float)
            n_ones = int(outcomes.sum())
            yield f"{table}, {label} ({n_ones} of {len(keep)})", features[keep], outcomes


def settings(bench, data):
    """(label, setting, side, job) of 5 folds of each such label, one setting and fold at a time."""
    candidates = [(f"ours: {its[0]}, {its[1]}", "ours", [its]) for its in tried()]
    forests = dict(list(FORESTS.items())[:2])
    its_own = {"lightgbm": DRAWN | TREES, "forest": forests, "extratrees": forests}
    for peer, of_peer in its_own.items():
        candidates += [(f"{peer}: {name}", peer, {name: its}) for name, its in of_peer.items()]
    works = []
    for label, features, outcomes in other_labels(data):
        table = write_table(bench.folder, label.replace(" ", "-"), features, outcomes)
        for split in k_fold(outcomes, np.arange(len(outcomes)), 1):
            for setting, side, its in candidates:
                job = {"kind": "scores", "table": table, "threads": 1, "splits": [split],
                       "candidates": its}  # fmt: skip
                works.append((label, setting, side, job))
    return works


def tables_to_score(data):
    """(name, features, outcomes, subjects, studies or none) of each real table that is there."""
    readers = {"icb-thomas2023, response": icb, "bench-crc-5studies": crc}
    readers |= {
        f"bench-metaml {name}": lambda data, name=name: metaml(data, name) for name in METAML
    }
    for name, read in readers.items():
        try:
            features, outcomes, subjects, *studies = read(data)
        except FileNotFoundError as error:
            print(f"{name}: not run: no `{error.filename}`", file=sys.stderr)
            continue
        yield name, features, outcomes, subjects, studies[0] if studies else None


def accuracy(bench, data, repeats, slow_repeats, study_seeds):
    """Splits by table, and (table, places of its splits, side, job): some splits at a time, all
    candidates of ours, whose choice is checked, and one of a peer's, so that one more runs alone.

    Folds are dealt `repeats` times; the same studies are left out `study_seeds` times, each time
    with another seed for the models and for the folds that choose. The quick families first, then
    the slow ones repeat by repeat, the larger tables last, so that all tables have the same repeats
    where the minutes do not suffice.
    """
    splits_of, works = {}, []
    for name, features, outcomes, subjects, studies in tables_to_score(data):
        table = write_table(bench.folder, name.replace(" ", "-"), features, outcomes, subjects)
        if studies:
            left_out, at_once = leave_out(studies, outcomes), 1
            splits, a_repeat = left_out * study_seeds, len(left_out)
        else:
            splits, at_once, a_repeat = k_fold(outcomes, subjects, repeats), N_FOLDS, N_FOLDS
        splits_of[name] = splits
        for first in range(0, len(splits), at_once):
            places = range(first, first + at_once)
            repeat = first // a_repeat
            job = {"kind": "scores", "table": table, "threads": 1,
                   "splits": [splits[place] for place in places]}  # fmt: skip
            seed = repeat if studies else 0
            if seed:
                job["seed"] = seed
            for side, candidates in {"ours": our_families(seed), **PEERS}.items():
                if side in SLOW and not studies and repeat >= slow_repeats:
                    continue
                urgency = (side in SLOW, repeat, studies is not None)
                is_ours = side == "ours"
                parts = (
                    [candidates] if is_ours else [{name: candidates[name]} for name in candidates]
                )
                for some in parts:
                    works.append((urgency, name, places, side, job | {"candidates": some}))
    works.sort(key=lambda work: work[0])
    return splits_of, [work[1:] for work in works]
