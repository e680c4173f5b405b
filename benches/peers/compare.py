"""donormatch beside what a user would pick instead: interleaved runs, tables into README.md.

Started by `benches/peers/run`, which sets up the environment; from the root of the project

    benches/peers/run [--minutes 60] [--repeats 5] [--jobs boosting,logistic,predict,shap]
    benches/peers/run --jobs repeated [--minutes 20] [--repeats 5]
    benches/peers/run --jobs chosen [--minutes 20] [--repeats 5]
    benches/peers/run --jobs seeds [--minutes 30] [--seeds 20]
    benches/peers/run --jobs settings [--minutes 30]
    benches/peers/run --jobs accuracy [--minutes 120] [--cv-repeats 10] [--slow-repeats 2]
                      [--study-seeds 3] [--sides lightgbm,…]

The first writes times and memory, the second those of ten times five folds of the real table, the
third what the trees of the accuracy tables cost, the fourth whether the same trees are as good as
the peers', the fifth what settings do on labels that the sixth does not score, the sixth accuracy
where everyone chooses settings; each leaves the tables of the others. Times want the machine to
themselves; settings and accuracy do not mind company, and go on where an earlier run ended:
results stay in `target/peers-scores` until program, versions or rows change.

Both sides of a pair stay alive and take turns (ours, peer, ours, peer, …), after one run each that
is not counted. What the minutes do not suffice for is marked `not run`, never left out.
"""

import argparse
import datetime
import hashlib
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

import accuracy
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
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed with the process
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
        self.errors.close()


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

    def result(self, side, job):
        """What one run came to, or words that say why there is none."""
        if self.left() < 5:
            return "not run: out of time"
        outcome = self.once(side, job, self.left())
        return outcome if isinstance(outcome, str) else outcome["result"]

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
    "| CPU, peer ÷ ours | added memory, ours / peer | peak memory, ours / peer "
    "| came to, ours / peer |",
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


def version(name):
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{name} absent (`pip install` failed)"


OF_SKLEARN = ["forest", "extratrees", "logistic", "histgb"]
PACKAGES = dict.fromkeys(OF_SKLEARN, "scikit-learn") | {
    "lightgbm": "lightgbm", "xgboost": "xgboost-cpu", "catboost": "catboost",
}  # fmt: skip


def scores_kept(ours):
    """Where scores of earlier runs are; ours by what the program is made of."""
    versions = {peer: version(package) for peer, package in PACKAGES.items()}
    versions["ours"] = hashlib.sha256(pathlib.Path(ours).read_bytes()).hexdigest()
    return accuracy.Kept(ROOT / "target" / "peers-scores", versions)


def versions():
    names = ["numpy", "scikit-learn", "xgboost-cpu", "lightgbm", "catboost", "adelie", "skglm",
             "shap", "joblib"]  # fmt: skip
    found = [version(name) for name in names]
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
    parser.add_argument("--study-seeds", type=int, default=3, help="of each study left out")
    parser.add_argument("--seeds", type=int, default=20, help="of 5 folds by the same trees")
    parser.add_argument("--sides", default="", help="who is scored, all if empty; others as kept")
    parser.add_argument("--jobs", default="boosting,logistic,predict,shap")
    parser.add_argument("--dry-run", action="store_true", help="print the tables, leave README.md")
    options = parser.parse_args()
    started, about = datetime.date.today(), machine()
    its_own = {
        "accuracy": f"--cv-repeats {options.cv_repeats} --slow-repeats {options.slow_repeats} "
        f"--study-seeds {options.study_seeds}",
        "seeds": f"--seeds {options.seeds}",
        "settings": "",
        "repeated": f"--repeats {options.repeats}",
        "chosen": f"--repeats {options.repeats}",
        "times": f"--repeats {options.repeats}",
    }
    section = options.jobs if options.jobs in its_own else "times"
    arguments = f"--jobs {options.jobs} --minutes {options.minutes:g} {its_own[section]}".rstrip()
    lines = ["", f"Measured {started} by `benches/peers/run {arguments}` on {about}.", ""]
    lines += [f"Versions: {versions()}.", ""]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.ours, folder, options.minutes, options.repeats)
        if section == "accuracy":
            sides = [side for side in options.sides.split(",") if side]
            repeats = options.cv_repeats, options.slow_repeats, options.study_seeds
            kept = scores_kept(options.ours)
            results = accuracy.run(bench, options.data, repeats, kept, sides)
            lines += accuracy.tables(results)
        elif section == "settings":
            kept = scores_kept(options.ours)
            lines += accuracy.settings_table(bench, options.data, kept)
        elif section == "seeds":
            lines += accuracy.seeds_table(bench, options.data, options.seeds)
        else:
            lines += [*run_times(bench, options.data, options.jobs.split(",")), ""]
    if options.dry_run:
        print("\n".join(lines))
    else:
        replace_between(section, lines)


if __name__ == "__main__":
    main()
