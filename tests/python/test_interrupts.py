"""Ctrl-C at random moments: the call has ended within a second, its threads are idle, and nothing
is half-written."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

SCENE = """
import json, os, signal, sys, threading, time, warnings
import donormatch as dm
warnings.simplefilter("ignore")
folder, delays = sys.argv[1], json.loads(sys.argv[2])
cohort = dm.simulate(n_donors=30, n_recipients=120, seed=1)
asked = {"donors": cohort.donors, "recipients": cohort.recipients, "regimen": "anti-pd-1"}
dm.Matcher.bundled()

def late(call, delay):
    "Seconds from the signal to the end of the call, and processor seconds used after it."
    sent = []
    def press():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    timer = threading.Timer(delay, press)
    timer.start()
    try:
        call()
    except KeyboardInterrupt:
        took = time.monotonic() - sent[0]
    else:
        raise SystemExit(f"was done before {delay} s")
    before = time.process_time()
    time.sleep(0.3)
    return [took, time.process_time() - before]
"""

CALLS = {
    "rank": "dm.rank_donors(**asked, n_draws=5000)",
    "write": "dm.rank_donors(**asked, n_draws=5000, output=folder + '/pairs.parquet')",
    "batches": "list(dm.rank_batches(**asked, n_draws=5000))",
    "fit": "dm.Matcher(response={'n_members': 5000}).fit(*cohorts)",
    "evaluate": "dm.Matcher(response={'n_members': 5000}).evaluate(cohorts[0])",
    "read": "[dm.read_profiles(large, unit='percent') for _ in range(1000)]",
}

PREPARED = {
    "fit": "cohorts = made()",
    "evaluate": "cohorts = made()",
    "read": """
import random
large = os.path.join(os.path.dirname(folder), "large.tsv")
with open(large, "w") as file:
    file.write("taxon" + "".join(f"\\ts{i}" for i in range(1000)) + "\\n")
    for taxon in range(2000):
        file.write(f"s__Taxon_{taxon}" + "\\t0.05" * 1000 + "\\n")
""",
}

MADE = """
def made():
    import csv, io
    folder_of_cohort = os.path.join(os.path.dirname(folder), "cohort")
    os.makedirs(folder_of_cohort, exist_ok=True)
    from donormatch import _core
    _core.run_cli(["donormatch", "simulate", "--n-donors", "12", "--n-recipients", "80",
                   "--output", folder_of_cohort])
    path = lambda name: os.path.join(folder_of_cohort, name)
    profiles = dm.read_profiles(
        [path("donors.tsv"), path("recipients.tsv"), path("follow_ups.tsv")]
    )
    rows = list(csv.DictReader(open(path("transplants.tsv")), delimiter="\\t"))
    patients = "sample_id\\tstudy\\tresponse\\n" + "".join(
        f"{row['baseline']}\\t{('one', 'other')[at % 2]}\\t{row['response']}\\n"
        for at, row in enumerate(rows)
    )
    return (
        dm.PatientCohort(io.StringIO(patients), profiles),
        dm.Cohort(path("transplants.tsv"), profiles),
    )
"""


@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c_ends_the_call_and_its_threads(name, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    delays = [random.Random(f"{name}{at}").uniform(0.01, 0.6) for at in range(4)]
    script = "\n".join(
        [
            SCENE,
            MADE,
            PREPARED.get(name, ""),
            f"found = [late(lambda: {CALLS[name]}, delay) for delay in delays]",
            "print(json.dumps(found))",
        ]
    )
    child = subprocess.run(
        [sys.executable, "-c", script, str(folder), json.dumps(delays)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    for took, used_afterwards in json.loads(child.stdout.splitlines()[-1]):
        assert took < 1.0
        assert used_afterwards < 0.1
    assert list(folder.iterdir()) == []


def test_ctrl_c_ends_a_command_with_130(tmp_path):
    (tmp_path / "cohort").mkdir()
    results = tmp_path / "results"
    results.mkdir()
    command = [sys.executable, "-m", "donormatch"]
    made = ["simulate", "--n-donors", "30", "--n-recipients", "60"]
    subprocess.run([*command, *made, "--output", tmp_path / "cohort"], check=True)
    tables = [tmp_path / "cohort" / "donors.tsv", tmp_path / "cohort" / "recipients.tsv"]
    asked = ["--regimen", "anti-pd-1", "--n-draws", "5000", "--output", results / "pairs.tsv"]
    for delay in (0.4, 1.2):
        child = subprocess.Popen([*command, "rank", *tables, *asked], stderr=subprocess.PIPE)
        time.sleep(delay)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        assert time.monotonic() - sent < 1.0
        # Before the command has begun, Python itself ends by the signal.
        assert child.returncode in (130, -signal.SIGINT), said
        if child.returncode == 130:
            assert b"interrupted before it was done" in said
        assert list(results.iterdir()) == []
