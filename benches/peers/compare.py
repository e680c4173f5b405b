"""donormatch beside what a user would pick instead: interleaved runs, tables into README.md.

Started by `benches/peers/run`, which sets up the environment; from the root of the project

    benches/peers/run [--minutes 60] [--repeats 5] [--jobs boosting,logistic,predict,shap]
    benches/peers/run --jobs seeds [--minutes 30] [--seeds 20]
    benches/peers/run --jobs accuracy [--minutes 120] [--cv-repeats 10] [--slow-repeats 2]

The first writes times and memory, the second whether the same trees are as good as the peers',
the third accuracy where everyone chooses settings; each leaves the tables of the others. Times
want the machine to themselves; accuracy does not mind company.

Both sides of a pair stay alive and take turns (ours, peer, ours, peer, …), after one run each that
is not counted. What the minutes do not suffice for is marked `not run`, never left out.
"""

import argparse
import datetime
import importlib.metadata
import itertools
import json
import os
import pathlib
import platform
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import jobs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
README = HERE / "README.md"


class Late(Exception):
    """The run took longer than it may."""


class Absent(Exception):
    """The peer cannot run; the message says why."""


class Worker:
    """A process that runs its job once for each line, and answers in JSON."""

    def __init__(self, command, threads):
        names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"]
        environment = os.environ | dict.fromkeys(names, str(threads))
        # Without it, OpenMP's threads spin for each other wherever another process runs.
        environment |= {"OMP_WAIT_POLICY": "PASSIVE"}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            env=environment | {"PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        self.rest = b""

    def run(self, limit):
        deadline = time.monotonic() + limit
        try:
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        while True:
            while b"\n" in self.rest:
                line, self.rest = self.rest.split(b"\n", 1)
                if line.startswith(b'{"'):
                    return json.loads(line)
            ready, _, _ = select.select([self.process.stdout], [], [], deadline - time.monotonic())
            if not ready:
                raise Late
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            if not chunk:
                self.errors.seek(0)
                last = [line for line in self.errors.read().splitlines() if line.strip()][-1:]
                raise Absent(last[0][:160] if last else "ended without a word")
            self.rest += chunk

    def close(self):
        self.process.kill()
        self.process.wait()


def command_of(side, job_path, ours):
    if side == "ours":
        return [ours, str(job_path)]
    if side.startswith("glmnet"):
        if not shutil.which("Rscript"):
            raise Absent("no Rscript: `apt-get install r-cran-glmnet`")
        probe = subprocess.run(["Rscript", "-e", "library(glmnet)"], capture_output=True)
        if probe.returncode:
            raise Absent("R without glmnet: `apt-get install r-cran-glmnet`")
        return ["Rscript", str(HERE / "glmnet.R"), side.split("-")[1], str(as_tsv(job_path))]
    return [sys.executable, str(HERE / "peer.py"), side, str(job_path)]


def as_tsv(job_path):
    """The job in the plainest form, since base R reads no JSON."""
    job = json.loads(job_path.read_text())
    shape = json.loads((pathlib.Path(job["table"]) / "shape.json").read_text())
    fields = {"kind": job["kind"], "table": job["table"], "rows": shape["rows"],
              "columns": shape["columns"], "lambdas": job.get("lambdas", []),
              "folds": job.get("folds", [])}  # fmt: skip
    text = [
        f"{name}\t{' '.join(map(repr, value)) if isinstance(value, list) else value}"
        for name, value in fields.items()
    ]
    path = job_path.with_suffix(".tsv")
    path.write_text("\n".join(text) + "\n")
    return path


class Bench:
    def __init__(self, ours, folder, minutes, repeats):
        self.ours, self.folder, self.repeats = ours, pathlib.Path(folder), repeats
        self.minutes, self.end = minutes, time.monotonic() + 60 * minutes
        self.numbers = itertools.count()

    def left(self):
        return self.end - time.monotonic()

    def write(self, job):
        path = self.folder / f"job{next(self.numbers)}.json"
        path.write_text(json.dumps(job))
        return path

    def once(self, side, job, limit):
        """One run without a pair: its result, or words that say why there is none."""
        try:
            worker = Worker(command_of(side, self.write(job), self.ours), job["threads"])
        except Absent as absent:
            return f"absent: {absent}"
        try:
            return worker.run(min(limit, max(self.left(), 0.1)))
        except Absent as absent:
            return f"absent: {absent}"
        except Late:
            return f"stopped after {limit:.0f} s" if self.left() > 0 else "not run: out of time"
        finally:
            worker.close()

    def pair(self, peer, job, ours_job=None, limit=60.0, share=20.0):
        """Runs in turns: as many as asked for, fewer once `share` seconds are spent."""
        if self.left() < 5:
            return "not run: out of time"
        workers = []
        share *= min(1.0, self.minutes / 30)
        try:
            sides = [("ours", ours_job or job), (peer, job)]
            for side, its in sides:
                workers.append(Worker(command_of(side, self.write(its), self.ours), its["threads"]))
            limit = min(limit, self.left())
            first = [worker.run(limit) for worker in workers]
            started, counted = time.monotonic(), []
            while len(counted) < self.repeats and self.left() > 1:
                if counted and time.monotonic() - started > share:
                    break
                counted.append([worker.run(limit) for worker in workers])
            return {"first": first, "runs": counted or [first]}
        except Absent as absent:
            return f"absent: {absent}"
        except Late:
            return (
                f"stopped: a run took over {limit:.0f} s"
                if self.left() > 0
                else "not run: out of time"
            )
        finally:
            for worker in workers:
                worker.close()


def seconds(value):
    return f"{value:.3g} s" if value >= 0.1 else f"{1000 * value:.3g} ms"


def ratios(runs, key):
    return [pair[1][key] / max(pair[0][key], 1e-6) for pair in runs]


def agreement(ours, peer):
    """What the two came to: held-out AUC, or how far the objectives lie above the lower one."""
    one, two = ours["result"], peer["result"]
    if one.get("auc") and two.get("auc"):
        return f"AUC {statistics.mean(one['auc']):.3f} / {statistics.mean(two['auc']):.3f}"
    if "objectives" in one and "objectives" in two:
        both = list(zip(one["objectives"], two["objectives"], strict=False))
        gaps = [max((pair[side] - min(pair)) / min(pair) for pair in both) for side in (0, 1)]
        note = "" if len(both) == len(one["objectives"]) else f", {len(two['objectives'])} λ"
        return f"objective +{gaps[0]:.0e} / +{gaps[1]:.0e}{note}"
    return ""


TIMES_HEAD = [
    "| work | threads | peer | pairs | ours, clock (CPU) | peer, clock (CPU) | clock, peer ÷ ours "
    "| CPU, peer ÷ ours | added memory, ours / peer | peak memory, ours / peer | came to, ours / peer |",
    "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|---|",
]


def time_row(name, threads, peer, outcome):
    if isinstance(outcome, str):
        return f"| {name} | {threads} | {peer} | 0 | {outcome} | | | | | | |"
    runs = outcome["runs"]
    median = lambda side, key: statistics.median(pair[side][key] for pair in runs)  # noqa: E731
    spans = [
        f"**{statistics.median(values):.2f}** ({min(values):.2f}–{max(values):.2f})"
        for values in (ratios(runs, "seconds"), ratios(runs, "cpu"))
    ]
    times = [
        f"{seconds(median(side, 'seconds'))} ({seconds(median(side, 'cpu'))})" for side in (0, 1)
    ]
    first = outcome["first"]
    memory = [
        f"{first[0]['added_mb']:.0f} / {first[1]['added_mb']:.0f} MB",
        f"{median(0, 'peak_mb'):.0f} / {median(1, 'peak_mb'):.0f} MB",
    ]
    cells = [name, threads, peer, len(runs), *times, *spans, *memory, agreement(*runs[-1])]
    return "| " + " | ".join(map(str, cells)) + " |"


def run_accuracy(bench, data, repeats, slow_repeats):
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


def accuracy_tables(results):
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


def versions():
    names = [
        "numpy",
        "scikit-learn",
        "xgboost-cpu",
        "lightgbm",
        "catboost",
        "adelie",
        "skglm",
        "shap",
        "joblib",
    ]
    found = []
    for name in names:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} absent (`pip install` failed)")
    if shutil.which("Rscript"):
        code = 'cat("glmnet", as.character(packageVersion("glmnet")), "on", R.version.string)'
        probe = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
        found.append(probe.stdout or "glmnet absent (`apt-get install r-cran-glmnet`)")
    else:
        found.append("glmnet absent (`apt-get install r-cran-glmnet`)")
    return ", ".join(found)


def machine():
    model = platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start"


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


def replace_between(what, lines):
    text = README.read_text()
    start, end = f"<!-- {what}: start -->", f"<!-- {what}: end -->"
    before, rest = text.split(start, 1)
    _, after = rest.split(end, 1)
    README.write_text("\n".join([f"{before}{start}", *lines, f"{end}{after}"]))


def run_times(bench, data, wanted):
    threads = [1, os.cpu_count()] if os.cpu_count() > 1 else [1]
    works = list(enumerate(jobs.timed(bench, data, threads, wanted)))
    works.sort(key=lambda work: jobs.urgency(*work[1][:3]))
    rows = [""] * len(works)
    for place, (name, n_threads, peer, job, extra) in works:
        outcome = job if isinstance(job, str) else bench.pair(peer, job, **extra)
        rows[place] = time_row(name, n_threads, peer, outcome)
        print(rows[place], file=sys.stderr, flush=True)
    return [*TIMES_HEAD, *rows]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--ours", required=True, help="the program built from ours.rs")
    parser.add_argument("--data", default=str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=5, help="pairs of runs of each time")
    parser.add_argument("--cv-repeats", type=int, default=10, help="of 5 folds of bench-metaml")
    parser.add_argument("--slow-repeats", type=int, default=2, help="the same for slow peers")
    parser.add_argument("--seeds", type=int, default=20, help="of 5 folds by the same trees")
    parser.add_argument("--jobs", default="boosting,logistic,predict,shap")
    parser.add_argument("--dry-run", action="store_true", help="print the tables, leave README.md")
    options = parser.parse_args()
    started, about = datetime.date.today(), machine()
    section = options.jobs if options.jobs in ("accuracy", "seeds") else "times"
    its_own = {
        "accuracy": f"--cv-repeats {options.cv_repeats} --slow-repeats {options.slow_repeats}",
        "seeds": f"--seeds {options.seeds}",
        "times": f"--repeats {options.repeats}",
    }
    arguments = f"--jobs {options.jobs} --minutes {options.minutes:g} {its_own[section]}"
    lines = ["", f"Measured {started} by `benches/peers/run {arguments}` on {about}.", ""]
    lines += [f"Versions: {versions()}.", ""]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.ours, folder, options.minutes, options.repeats)
        if section == "accuracy":
            results = run_accuracy(bench, options.data, options.cv_repeats, options.slow_repeats)
            lines += accuracy_tables(results)
        elif section == "seeds":
            lines += seeds_table(bench, options.data, options.seeds)
        else:
            lines += [*run_times(bench, options.data, options.jobs.split(",")), ""]
    if options.dry_run:
        print("\n".join(lines))
    else:
        replace_between(section, lines)


if __name__ == "__main__":
    main()
