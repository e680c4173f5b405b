"""Threads, forks, signals and panics at the border."""

from __future__ import annotations

import multiprocessing
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import donormatch as dm
from donormatch import _core

RNG = np.random.default_rng(0)


def many_profiles(n_samples=1500, n_taxa=400):
    values = RNG.random((n_samples, n_taxa))
    return dm.Profiles.from_numpy(
        values / values.sum(axis=1, keepdims=True),
        sample_ids=[f"sample_{i}" for i in range(n_samples)],
        taxa=[f"s__Taxon_{i}" for i in range(n_taxa)],
        unit="fraction",
    )


def test_a_panic_is_a_runtime_error_without_internals(capfd):
    with pytest.raises(RuntimeError, match="internal error") as caught:
        _core.provoke_panic()
    assert isinstance(caught.value, Exception)
    assert "/" not in str(caught.value)
    # What is printed for a report names the place in the sources, and no folder of the builder.
    shown = capfd.readouterr().err
    assert "runtime.rs" in shown
    assert not re.search(r"(^|\s)/|[A-Za-z]:\\\\|registry", shown), shown


def test_the_interpreter_runs_while_the_core_does():
    profiles = many_profiles(800, 300)
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    counter = threading.Thread(target=count)
    counter.start()
    before, start = counted[0], time.perf_counter()
    try:
        profiles.distances(metric="jensen_shannon")
    finally:
        during, elapsed = counted[0] - before, time.perf_counter() - start
        stop.set()
        counter.join()
    # Held for the whole call, the lock would leave at most a handful of steps.
    assert during > 100, f"{during} steps in {elapsed:.2f} s"


def _child(queue):
    table = dm.Profiles.from_numpy(
        np.eye(50) * 100, sample_ids=range(50), taxa=range(50), unit="percent"
    )
    queue.put(float(table.distances(metric="jaccard").sum()))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_process_can_compute_after_its_parent_did(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    many_profiles(60, 20).distances()
    context = multiprocessing.get_context(method)
    for _ in range(3):
        queue = context.SimpleQueue()
        child = context.Process(target=_child, args=(queue,))
        child.start()
        child.join(timeout=30)
        assert child.exitcode == 0, "the child hangs or failed"
        assert queue.get() == 50 * 49


def test_ctrl_c_ends_a_long_call():
    script = textwrap.dedent(
        """
        import numpy as np
        from donormatch import metrics
        rng = np.random.default_rng(0)
        outcomes, scores = rng.integers(0, 2, 20_000), rng.random(20_000)
        print("ready", flush=True)
        try:
            metrics.estimate("roc_auc", outcomes, scores, n_resamples=1_000_000)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        import os
        os._exit(0)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.stdout.readline() == "interrupted\n"
    assert time.monotonic() - start < 1.0
    child.stdout.close()
    assert child.wait(timeout=10) == 0


def test_the_number_of_threads_changes_no_bit():
    profiles = many_profiles(200, 50)
    try:
        dm.set_n_threads(1)
        one = profiles.distances()
        dm.set_n_threads(3)
        assert dm.n_threads() == 3
        three = profiles.distances()
    finally:
        dm.set_n_threads(0)
    np.testing.assert_array_equal(one, three)


def test_importing_the_package_needs_numpy_only():
    script = (
        "import sys, donormatch; heavy = {'pandas', 'sklearn', 'scipy', 'matplotlib', 'polars', "
        "'anndata', 'pyarrow'}; print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_tables_and_models_that_are_dropped_leave_no_memory():
    resource = pytest.importorskip("resource")
    table = many_profiles(50, 20)

    def loop(times):
        for _ in range(times):
            table.select(table.sample_ids[:10]).closure().distances()

    loop(300)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loop(3000)
    # Kilobytes on Linux; a leak of one table a step would be tens of thousands.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024


def test_joblib_processes_and_threads_give_the_same_bits():
    joblib = pytest.importorskip("joblib")
    table = many_profiles(40, 10)
    here = table.distances()
    for backend in ("loky", "threading"):
        jobs = (joblib.delayed(dm.Profiles.distances)(table) for _ in range(3))
        for there in joblib.Parallel(n_jobs=2, backend=backend)(jobs):
            np.testing.assert_array_equal(there, here)
