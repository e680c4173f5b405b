"""Who predicts rows not learned from, with settings chosen alike: runs, and tables of ROC AUC."""

import hashlib
import json
import math
import os
import pathlib
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor

import jobs


class Kept:
    """Results of earlier runs: the same job on the same rows by the same version runs once."""

    def __init__(self, folder, versions):
        self.folder, self.versions = folder, versions
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, side, job):
        digest = hashlib.sha256()
        for name in ("x.bin", "y.bin", "shape.json"):
            digest.update((pathlib.Path(job["table"]) / name).read_bytes())
        digest.update(json.dumps(job | {"table": side}).encode())
        digest.update(self.versions[side].encode())
        return self.folder / f"{digest.hexdigest()[:32]}.json"

    def or_run(self, side, job, run):
        path = self.path(side, job)
        if path.exists():
            return json.loads(path.read_text())
        found = run()
        if not isinstance(found, str):
            part = path.with_suffix(".part")
            part.write_text(json.dumps(found))
            part.rename(path)
        return found


def run(bench, data, repeats, kept, sides):
    """Of each table its splits and, by model and candidate, ROC AUC in the inner folds and on the
    test rows of each split; one worker a processor."""
    splits_of, works = jobs.accuracy(bench, data, *repeats)
    found = {name: {} for name in splits_of}
    reasons = {}

    def work(item):
        name, places, side, job = item
        may_run = not sides or side in sides

        def run_it():
            return bench.result(side, job) if may_run else "not run"

        scores = kept.or_run(side, job, run_it)
        if isinstance(scores, str):
            reasons[name, side] = scores
            return
        if side == "ours":
            names = [f"{family}, {name}" for family, name, _ in job["candidates"]]
            scores = {name: scores[name] for name in names}
            check_rule(scores)
        for candidate, values in scores.items():
            its = found[name].setdefault(side, {}).setdefault(candidate, {})
            for place, inner, auc in zip(places, values["inner"], values["auc"], strict=True):
                its[place] = (inner, auc)
        print(f"{name}: {side}: {places}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, works))
    return {
        name: {"splits": splits, "scored": found[name],
               "models": models_of(found[name], len(splits)),
               "reasons": {side: why for (its, side), why in reasons.items() if its == name}}
        for name, splits in splits_of.items()
    }  # fmt: skip


def models_of(found, n_splits):
    """Candidates of each column of the tables, in the order in which a rule prefers them."""
    ours = found.get("ours", {})
    families = {
        family: {name: its for name, its in ours.items() if name.startswith(family)}
        for family in ("boosting", "logistic")
    }
    peers = {
        peer: {name: found[peer].get(name, {}) for name in candidates}
        for peer, candidates in jobs.PEERS.items() if peer in found
    }  # fmt: skip
    is_complete = lambda its: all(len(splits) == n_splits for splits in its.values())  # noqa: E731
    models = {f"ours: {family}": its for family, its in families.items()}
    models["ours: better of two"] = families["boosting"] | families["logistic"]
    models |= peers
    # Who has fewer splits has no part in the choice.
    models["better of peers"] = {
        f"{peer}, {name}": its
        for peer, candidates in peers.items() if is_complete(candidates)
        for name, its in candidates.items()
    }  # fmt: skip
    has_splits = lambda its: its and set.intersection(*map(set, its.values()))  # noqa: E731
    return {name: candidates for name, candidates in models.items() if has_splits(candidates)}


def first(inner):
    """No choice: what stands first."""
    return 0


def best_mean(inner):
    """The highest mean over the inner folds, the earlier at a tie."""
    return max(range(len(inner)), key=lambda at: statistics.mean(inner[at]))


def plainest(inner):
    """The first that the best does not surpass by more than one standard error of the difference
    over the folds: `SelectionRule::OneStandardError` of `NestedSelection`, with its correction for
    training rows that folds share (Nadeau and Bengio 2003)."""
    best = inner[best_mean(inner)]
    for at, values in enumerate(inner):
        gaps = [one - other for one, other in zip(best, values, strict=True)]
        n = len(gaps)
        error = math.sqrt((1 / n + 1 / (n - 1)) * statistics.variance(gaps)) if n > 1 else 0.0
        if statistics.mean(gaps) <= error:
            return at
    raise AssertionError("the best does not surpass itself")


def check_rule(scores):
    """The rule of this file, which the peers are chosen by, is that of the library."""
    candidates = list(scores.values())
    for place in range(len(candidates[0]["auc"])):
        at = plainest([its["inner"][place] for its in candidates])
        if not candidates[at]["chosen"][place]:
            raise AssertionError(f"the two rules differ at {list(scores)[at]}")


RULES = {"one standard error": plainest, "best mean": best_mean, "the first, no choice": first}


def chosen(model, rule):
    """ROC AUC on the test rows by place of the split, each by the candidate that the rule takes."""
    candidates = list(model.values())
    places = sorted(set.intersection(*(set(its) for its in candidates)))
    picks = {place: rule([its[place][0] for its in candidates]) for place in places}
    return {place: candidates[at][place][1] for place, at in picks.items()}


def by_rule(results, rule):
    """By table and column, ROC AUC by place of the split."""
    return {
        name: {column: chosen(model, rule) for column, model in result["models"].items()}
        for name, result in results.items()
    }


COLUMNS = [
    "ours: boosting",
    "ours: logistic",
    "ours: better of two",
    *jobs.PEERS,
    "better of peers",
]


def head_of(first, columns):
    names = [*first, *columns]
    return ["| " + " | ".join(names) + " |", "|---|" + "--:|" * (len(names) - 1)]


def tables(results):
    """Mean ROC AUC of each model; ours less each peer's on the same splits; each study left out."""
    if not results:
        return ["Not run: the real tables are absent."]
    aucs = by_rule(results, plainest)
    lines = [*scores(results, aucs), "", *rules(results), "", *differences(results, aucs)]
    return [*lines, *same_settings(results), "", *studies_left_out(results, aucs)]


def scores(results, aucs):
    lines = head_of(["rows", "splits"], COLUMNS)
    for name, result in results.items():
        n_splits, cells = len(result["splits"]), []
        means = {column: statistics.mean(its.values()) for column, its in aucs[name].items()}
        complete = [mean for column, mean in means.items() if len(aucs[name][column]) == n_splits]
        for column in COLUMNS:
            if column not in means:
                cells.append(result["reasons"].get(column, "not run"))
            elif len(aucs[name][column]) < n_splits:
                cells.append(f"{means[column]:.3f} (of {len(aucs[name][column])})")
            else:
                is_best = means[column] == max(complete)
                cells.append(f"**{means[column]:.3f}**" if is_best else f"{means[column]:.3f}")
        lines.append(f"| {name} | {n_splits} | " + " | ".join(cells) + " |")
    return [*lines, f"| mean of the tables | | {mean_row(results, aucs)} |"]


def mean_row(results, aucs):
    """The mean over the tables, where a column has them all, whole."""
    cells = []
    for column in COLUMNS:
        its = [aucs[name].get(column, {}) for name in results]
        is_whole = all(
            len(scores) == len(result["splits"])
            for scores, result in zip(its, results.values(), strict=True)
        )
        mean = (
            statistics.mean(statistics.mean(scores.values()) for scores in its) if is_whole else 0
        )
        cells.append(f"{mean:.3f}" if is_whole else "")
    return " | ".join(cells)


def rules(results):
    lines = ["The mean of the tables by the rule that chooses, for all alike:", ""]
    lines += ["| rule | " + " | ".join(COLUMNS) + " |", "|---|" + "--:|" * len(COLUMNS)]
    for rule_name, rule in RULES.items():
        lines.append(f"| {rule_name} | {mean_row(results, by_rule(results, rule))} |")
    return lines


def differences(results, aucs):
    """The better of ours less each peer on the splits that both have."""
    ours, peers = "ours: better of two", [*jobs.PEERS, "better of peers"]
    lines = ["Ours, the better of two, less the peer, on the splits that both have:", ""]
    lines += head_of(["rows", "splits"], peers)
    of_peer = {peer: [] for peer in peers}
    for name, result in results.items():
        cells = []
        for peer in peers:
            one, other = (aucs[name].get(model, {}) for model in (ours, peer))
            both = sorted(set(one) & set(other))
            if not both:
                cells.append("")
                continue
            mean = statistics.mean(one[place] - other[place] for place in both)
            of_peer[peer].append(mean)
            part = "" if len(both) == len(result["splits"]) else f" (of {len(both)})"
            cells.append(f"{mean:+.3f}{part}")
        lines.append(f"| {name} | {len(result['splits'])} | " + " | ".join(cells) + " |")
    cells = [over_tables(values, len(results)) for values in of_peer.values()]
    return [*lines, "| mean ± standard error over tables | | " + " | ".join(cells) + " |", ""]


def over_tables(values, n_tables):
    """Mean and standard error of one value a table."""
    if len(values) < 2:
        return ""
    error = statistics.stdev(values) / len(values) ** 0.5
    part = "" if len(values) == n_tables else f" ({len(values)} tables)"
    return f"**{statistics.mean(values):+.3f}** ± {error:.3f}{part}"


def same_settings(results):
    """Our boosted trees less a peer's by the same settings, where nobody chooses."""
    about = "ours less the peer, mean ± standard error over tables, on the splits that both have:"
    lines = [f"The same settings for both, no choice: {about}", ""]
    lines += head_of(["settings"], jobs.BOOSTERS)
    for name in jobs.DRAWN | jobs.TREES:
        cells = []
        for peer in jobs.BOOSTERS:
            gaps = []
            for result in results.values():
                scored = result["scored"]
                one = scored.get("ours", {}).get(f"boosting, {name}", {})
                other = scored.get(peer, {}).get(name, {})
                both = set(one) & set(other)
                if both:
                    gaps.append(statistics.mean(one[at][1] - other[at][1] for at in both))
            cells.append(over_tables(gaps, len(results)))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def studies_left_out(results, aucs):
    lines = []
    for name, result in results.items():
        if result["splits"][0]["name"] == "1.1":
            continue
        about = "each study left out, mean of the seeds"
        lines += [f"{name}, {about}:", "", *head_of(["study", "rows"], COLUMNS)]
        rows, places_of = {}, {}
        for place, split in enumerate(result["splits"]):
            rows[split["name"]] = len(split["test"])
            places_of.setdefault(split["name"], []).append(place)
        for study, places in places_of.items():
            cells = []
            for column in COLUMNS:
                its = aucs[name].get(column, {})
                values = [its[place] for place in places if place in its]
                part = "" if len(values) == len(places) else f" (of {len(values)})"
                cells.append(f"{statistics.mean(values):.3f}{part}" if values else "")
            lines.append(f"| {study} | {rows[study]} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def settings_table(bench, data, kept):
    """ROC AUC of settings by label, mean and standard error over folds; and in inner folds."""
    works = jobs.settings(bench, data)

    def work(item):
        *_, side, job = item
        return kept.or_run(side, job, lambda: bench.result(side, job))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(work, works))
    found, labels = {}, list(dict.fromkeys(label for label, *_ in works))
    for (label, setting, *_), result in zip(works, results, strict=True):
        its = found.setdefault(setting, {}).setdefault(label, [])
        if isinstance(result, str):
            print(f"{label}: {setting}: {result}", file=sys.stderr)
            continue
        (values,) = result.values()
        its.append((values["auc"][0], statistics.mean(values["inner"][0])))
    lines = head_of(["setting"], [*labels, "mean", "mean of inner folds"])
    for setting, by_label in found.items():
        folds = [[auc for auc, _ in by_label[label]] for label in labels]
        cells = [
            f"{statistics.mean(aucs):.3f} ± {statistics.stdev(aucs) / len(aucs) ** 0.5:.3f}"
            if len(aucs) == jobs.N_FOLDS else "not run"
            for aucs in folds
        ]  # fmt: skip
        if "not run" not in cells:
            inner = [statistics.mean(of for _, of in by_label[label]) for label in labels]
            cells.append(f"{statistics.mean(statistics.mean(aucs) for aucs in folds):.3f}")
            cells.append(f"{statistics.mean(inner):.3f}")
        lines.append(f"| {setting} | " + " | ".join(cells) + " |")
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
