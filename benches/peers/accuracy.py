"""Who predicts rows not learned from, with settings chosen alike: runs, and tables of ROC AUC."""

import os
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor

import jobs


def run(bench, data, repeats, slow_repeats):
    """Results by table and model, one worker a processor; words where there is no result."""
    plan = list(jobs.accuracy(bench, data, repeats, slow_repeats))
    plan.sort(key=lambda item: (item[3] in jobs.SLOW, item[2] != "ours"))
    results = {}
    for name, splits, *_ in plan:
        results.setdefault(name, {"splits": splits, "models": {}})

    def work(item):
        name, _, side, family, job = item
        left = bench.left()
        found = bench.once(side, job, left) if left > 5 else "not run: out of time"
        found = found if isinstance(found, str) else found["result"][family]
        label = f"ours: {family}" if side == "ours" else side
        results[name]["models"][label] = found
        told = found if isinstance(found, str) else f"{statistics.mean(found['auc']):.3f}"
        print(f"{name}: {label}: {told}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, plan))
    for result in results.values():
        models = result["models"]
        ours = ["ours: boosting", "ours: logistic"]
        models["ours: better of two"] = better(models, ours)
        models["better of peers"] = better(models, list(jobs.PEERS))
    return results


def better(models, names):
    """In each split, the scores of whoever did best inside the training rows.

    Of those with the most splits: who has fewer has no part in the choice.
    """
    there = [models[name] for name in names if not isinstance(models[name], str)]
    n_splits = max((len(model["auc"]) for model in there), default=0)
    there = [model for model in there if len(model["auc"]) == n_splits]
    if not there:
        return "not run"
    best = [max(there, key=lambda model: model["inner"][at] or 0.0) for at in range(n_splits)]
    return {"auc": [model["auc"][at] for at, model in enumerate(best)]}


COLUMNS = [
    "ours: boosting",
    "ours: logistic",
    "ours: better of two",
    *jobs.PEERS,
    "better of peers",
]


def head_of(first, columns):
    return ["| " + " | ".join([*first, *columns]) + " |", "|---|--:|" + "--:|" * len(columns)]


def tables(results):
    """Mean ROC AUC of each model; ours less each peer's on the same splits; each study left out."""
    if not results:
        return ["Not run: the real tables are absent."]
    lines = head_of(["rows", "splits"], COLUMNS)
    means = {column: [] for column in COLUMNS}
    for name, result in results.items():
        n_splits, cells = len(result["splits"]), []
        aucs = {
            column: model["auc"] for column, model in result["models"].items()
            if not isinstance(model, str)
        }  # fmt: skip
        complete = [statistics.mean(auc) for auc in aucs.values() if len(auc) == n_splits]
        for column in COLUMNS:
            if column not in aucs:
                cells.append(result["models"][column])
                continue
            mean = statistics.mean(aucs[column])
            means[column].append(mean)
            if len(aucs[column]) < n_splits:
                cells.append(f"{mean:.3f} (of {len(aucs[column])})")
                continue
            cells.append(f"**{mean:.3f}**" if mean == max(complete) else f"{mean:.3f}")
        lines.append(f"| {name} | {n_splits} | " + " | ".join(cells) + " |")
    cells = [
        f"{statistics.mean(values):.3f}" if len(values) == len(results) else ""
        for values in means.values()
    ]
    lines.append("| mean of the tables | | " + " | ".join(cells) + " |")
    return lines + ["", *differences(results), *studies_left_out(results)]


def differences(results):
    """The better of ours less each peer on the splits that both have."""
    ours, peers = "ours: better of two", [*jobs.PEERS, "better of peers"]
    lines = ["Ours, the better of two, less the peer, on the splits that both have:", ""]
    lines += head_of(["rows", "splits"], peers)
    of_peer = {peer: [] for peer in peers}
    for name, result in results.items():
        cells = []
        for peer in peers:
            models = result["models"]
            if isinstance(models[ours], str) or isinstance(models[peer], str):
                cells.append("")
                continue
            pairs = zip(models[ours]["auc"], models[peer]["auc"], strict=False)
            mean = statistics.mean(one - other for one, other in pairs)
            of_peer[peer].append(mean)
            cells.append(f"{mean:+.3f}")
        lines.append(f"| {name} | {len(result['splits'])} | " + " | ".join(cells) + " |")
    cells = []
    for values in of_peer.values():
        if len(values) < 2:
            cells.append("")
            continue
        error = statistics.stdev(values) / len(values) ** 0.5
        cells.append(f"**{statistics.mean(values):+.3f}** ± {error:.3f}")
    return [*lines, "| mean ± standard error over tables | | " + " | ".join(cells) + " |", ""]


def studies_left_out(results):
    lines = []
    for name, result in results.items():
        if result["splits"][0]["name"] == "1.1":
            continue
        lines += [f"{name}, each study left out:", "", *head_of(["study", "rows"], COLUMNS)]
        for place, split in enumerate(result["splits"]):
            cells = [
                "" if isinstance(result["models"][column], str)
                else f"{result['models'][column]['auc'][place]:.3f}"
                for column in COLUMNS
            ]  # fmt: skip
            lines.append(f"| {split['name']} | {len(split['test'])} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def seeds_table(bench, data, n_seeds):
    """Mean ROC AUC by seed of the same trees, and ours less each peer's over the seeds."""
    found = {}
    for name, side, job in jobs.same_trees(bench, data, n_seeds):
        result = bench.once(side, job, bench.left())
        if isinstance(result, str):
            found.setdefault(name, {})[side] = result
        else:
            auc = result["result"]["auc"]
            folds = len(auc) // n_seeds
            means = [statistics.mean(auc[at : at + folds]) for at in range(0, len(auc), folds)]
            found.setdefault(name, {})[side] = means
    lines = ["| rows | model | ROC AUC, mean of the seeds | ours less it, mean ± sd over seeds |",
             "|---|---|--:|--:|"]  # fmt: skip
    for name, sides in found.items():
        ours = sides["ours"]
        for side, means in sides.items():
            if isinstance(means, str):
                lines.append(f"| {name} | {side} | {means} | |")
                continue
            gaps = [one - other for one, other in zip(ours, means, strict=True)]
            gap = f"{statistics.mean(gaps):+.4f} ± {statistics.stdev(gaps):.4f}"
            told = "" if side == "ours" else gap
            lines.append(f"| {name} | {side} | {statistics.mean(means):.4f} | {told} |")
    return lines
