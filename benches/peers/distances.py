"""Donors x recipients distances: donormatch beside SciPy, scikit-bio and UniFrac, in one run.

Needs numpy, scipy, scikit-bio (and, for the last peer, libssu of unifrac-binaries); installs
nothing. From the root of the project:

    python benches/peers/distances.py --donors 5000 --recipients 5000 --taxa 2000 --threads 2

Every peer gets the same numbers and the same threads: SciPy's `cdist` one slice of donors per
thread, UniFrac its own threads. `--share 0.1` gives the peers a tenth of the donors and multiplies
their time by ten (their work is linear in the donors); donormatch always does all of it.
scikit-bio and UniFrac know only all pairs of one table: they get as many pairs as donors x
recipients has, not the twice as many that they would need. Times are medians, of the clock and of
the processor (all threads: the one to read on a machine that does other work too); sums of all
distances are compared, to 1e-9 relative, where the peer did all the work. `donormatch_peak_mb` is
what the call held at most, its result included, beside the tables it was given; memory that the
allocator kept from reading the tables is not counted, so set MALLOC_MMAP_THRESHOLD_=1024 and
MALLOC_TRIM_THRESHOLD_=0 for the full figure. At the default size unweighted UniFrac then holds 229
MB: 200 of result, 20 of differences between patterns, 9 of bits and codes; weighted UniFrac holds
213 MB: 13 of the branches of a few blocks of recipients. The tables are 24 MB.
"""

import argparse
import ctypes
import io
import json
import os
import pathlib
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from scipy.spatial.distance import cdist

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tables(n_donors, n_recipients, n_taxa, rng):
    """Counts of which nine in ten are zero; taxa differ in prevalence as Beta(0.3, 2.7)."""
    n = n_donors + n_recipients
    prevalence = rng.beta(0.3, 2.7, n_taxa)
    present = rng.random((n, n_taxa)) < prevalence
    present[np.arange(n), rng.integers(0, n_taxa, n)] = True
    counts = np.where(present, np.ceil(rng.lognormal(3, 2, (n, n_taxa))), 0.0)
    return counts[:n_donors], counts[n_donors:]


def random_tree(n_taxa, rng):
    """Parents (-1: root) and lengths over random merges; tips first."""
    n_nodes = 2 * n_taxa - 1
    parents = np.full(n_nodes, -1.0)
    roots = list(range(n_taxa))
    for parent in range(n_taxa, n_nodes):
        for _ in range(2):
            pick = int(rng.integers(len(roots)))
            roots[pick], roots[-1] = roots[-1], roots[pick]
            parents[roots.pop()] = parent
        roots.append(parent)
    return parents, rng.random(n_nodes)


def newick(parents, lengths, n_taxa):
    text = [f"t{node}" for node in range(n_taxa)] + [""] * (len(parents) - n_taxa)
    children = [[] for _ in parents]
    for node, parent in enumerate(parents):
        if node >= n_taxa:
            text[node] = "(" + ",".join(children[node]) + ")"
        if parent >= 0:
            children[int(parent)].append(f"{text[node]}:{float(lengths[node])!r}")
    return text[-1] + ";"


def median_time(call, repeats):
    """Median wall and processor seconds (all threads) as an array, and the last result."""
    seconds, result = [], None
    for _ in range(repeats):
        start = np.array([time.perf_counter(), time.process_time()])
        result = call()
        seconds.append(np.array([time.perf_counter(), time.process_time()]) - start)
    return np.median(seconds, axis=0), result


def ours(donors, recipients, parents, lengths, threads, repeats):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "tables.f64")
        sizes = [len(donors), len(recipients), donors.shape[1], len(parents)]
        parts = [sizes, donors.ravel(), recipients.ravel(), parents, lengths]
        np.concatenate([np.asarray(part, "<f8") for part in parts]).tofile(path)
        environment = os.environ | {
            "DONORMATCH_PEER_TABLES": str(path),
            "DONORMATCH_PEER_REPEATS": str(repeats),
            "RAYON_NUM_THREADS": str(threads),
        }
        command = ["cargo", "bench", "--quiet", "--bench", "distance"]
        out = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    lines = [json.loads(line) for line in out.stdout.decode().splitlines() if line.startswith("{")]
    return {line["metric"]: line for line in lines}


def scipy_peers(donors, recipients, threads):
    """The call of each metric on a slice of the donors, preparation included."""

    def sliced(left, right, metric):
        with ThreadPoolExecutor(threads) as pool:
            parts = pool.map(lambda part: cdist(part, right, metric), np.array_split(left, threads))
            return np.concatenate(list(parts))

    def clr(x):
        logs = np.log(x)
        return logs - logs.mean(axis=1, keepdims=True)

    def rclr(x):
        logs = np.log(x, where=x > 0, out=np.zeros_like(x))
        return np.where(x > 0, logs - logs.sum(1, keepdims=True) / (x > 0).sum(1, keepdims=True), 0)

    def closed(x):
        return x / x.sum(axis=1, keepdims=True)

    return {
        "bray_curtis": lambda d: sliced(d, recipients, "braycurtis"),
        "jaccard": lambda d: sliced(d > 0, recipients > 0, "jaccard"),
        "jensen_shannon": lambda d: sliced(closed(d), closed(recipients), "jensenshannon"),
        "aitchison": lambda d: sliced(clr(d + 0.5), clr(recipients + 0.5), "euclidean"),
        "robust_aitchison": lambda d: sliced(rclr(d), rclr(recipients), "euclidean"),
    }


def scikit_bio_times(counts, n_pairs, tree, metrics):
    """Seconds for `n_pairs` pairs, from all pairs of a smaller table."""
    import skbio
    from skbio.diversity import beta_diversity

    root = skbio.TreeNode.read(io.StringIO(tree))
    phylogenetic = {"tree": root, "taxa": [f"t{taxon}" for taxon in range(counts.shape[1])]}
    calls = {
        "bray_curtis": ("braycurtis", {}),
        "jaccard": ("jaccard", {}),
        "jensen_shannon": ("jensenshannon", {}),
        "unweighted_unifrac": ("unweighted_unifrac", phylogenetic),
        "weighted_unifrac": ("weighted_unifrac", phylogenetic),
        "weighted_normalized_unifrac": ("weighted_unifrac", phylogenetic | {"normalized": True}),
    }
    times = {}
    for name in metrics:
        if name not in calls:
            continue
        metric, options = calls[name]
        rows = counts[: 150 if options else 500].astype(int)
        call = partial(beta_diversity, metric, rows, validate=False, **options)
        seconds, _ = median_time(call, 1)
        times[name] = seconds * n_pairs / (len(rows) * (len(rows) - 1) / 2)
    return times


class SsuMatrix(ctypes.Structure):
    _fields_ = [
        ("n_samples", ctypes.c_uint),
        ("cf_size", ctypes.c_uint),
        ("is_upper_triangle", ctypes.c_bool),
        ("condensed_form", ctypes.POINTER(ctypes.c_double)),
        ("sample_ids", ctypes.POINTER(ctypes.c_char_p)),
    ]


def unifrac_times(library, counts, n_pairs, tree, threads, repeats):
    """Seconds for `n_pairs` pairs by the `one_off` call of libssu (file in, condensed form out)."""
    import biom
    import h5py

    ssu = ctypes.CDLL(library)
    names = {
        "unweighted_unifrac": b"unweighted",
        "weighted_unifrac": b"weighted_unnormalized",
        "weighted_normalized_unifrac": b"weighted_normalized",
    }
    times = {}
    with tempfile.TemporaryDirectory() as folder:
        table = str(pathlib.Path(folder, "table.biom"))
        path = pathlib.Path(folder, "tree.nwk")
        path.write_text(tree)
        taxa = [f"t{taxon}" for taxon in range(counts.shape[1])]
        samples = [f"s{sample}" for sample in range(len(counts))]
        with h5py.File(table, "w") as file:
            biom.Table(counts.T, taxa, samples).to_hdf5(file, "donormatch")
        for name, method in names.items():

            def call(method=method):
                out = ctypes.POINTER(SsuMatrix)()
                status = ssu.one_off(
                    table.encode(),
                    str(path).encode(),
                    method,
                    ctypes.c_bool(False),
                    ctypes.c_double(1.0),
                    ctypes.c_bool(False),
                    ctypes.c_uint(threads),
                    ctypes.byref(out),
                )
                if status != 0:
                    raise RuntimeError(f"libssu answered {status}")
                found = np.ctypeslib.as_array(out.contents.condensed_form, (out.contents.cf_size,))
                total = found.sum()
                ssu.destroy_mat(ctypes.byref(out))
                return total

            seconds, total = median_time(call, repeats)
            times[name] = (seconds * n_pairs / (len(counts) * (len(counts) - 1) / 2), total)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--donors", type=int, default=5000)
    parser.add_argument("--recipients", type=int, default=5000)
    parser.add_argument("--taxa", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--libssu", help="path of libssu.so; left out where not given")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    rng = np.random.default_rng(options.seed)
    donors, recipients = tables(options.donors, options.recipients, options.taxa, rng)
    parents, lengths = random_tree(options.taxa, rng)
    tree = newick(parents, lengths, options.taxa)
    n_pairs = len(donors) * len(recipients)
    found = ours(donors, recipients, parents, lengths, options.threads, options.repeats)

    peers = {name: {} for name in found}
    part = donors[: max(options.threads, round(options.share * len(donors)))]
    for name, call in scipy_peers(donors, recipients, options.threads).items():
        seconds, result = median_time(partial(call, part), options.repeats)
        peers[name]["scipy"] = seconds * len(donors) / len(part)
        if len(part) == len(donors):
            assert np.isclose(result.sum(), found[name]["sum"], rtol=1e-9), name
    for name, seconds in scikit_bio_times(recipients, n_pairs, tree, found).items():
        peers[name]["scikit-bio"] = seconds
    if options.libssu:
        # As many samples as give the share of the pairs.
        n = min(len(recipients), round((2 * options.share * n_pairs) ** 0.5))
        answers = unifrac_times(
            options.libssu, recipients[:n], n_pairs, tree, options.threads, options.repeats
        )
        for name, (seconds, _) in answers.items():
            peers[name]["unifrac"] = seconds

    print(f"zeros\t{np.mean(donors == 0):.3f}\tpairs\t{n_pairs}\tthreads\t{options.threads}")
    print(
        "metric\tdonormatch_s\tpeer\tpeer_s\tratio\tdonormatch_cpu\tpeer_cpu\tcpu_ratio"
        "\tdonormatch_peak_mb"
    )
    for name, times in peers.items():
        for peer, (wall, cpu) in sorted(times.items(), key=lambda item: item[1][0]):
            own, own_cpu = found[name]["seconds"], found[name]["cpu_seconds"]
            print(
                f"{name}\t{own:.3f}\t{peer}\t{wall:.2f}\t{wall / own:.1f}"
                f"\t{own_cpu:.3f}\t{cpu:.2f}\t{cpu / own_cpu:.1f}\t{found[name]['peak_mb']:.0f}"
            )


if __name__ == "__main__":
    main()
