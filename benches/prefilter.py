"""Whether `rank --top K --prefilter` gives the donors that `rank --top K` gives, and what it costs.

python benches/prefilter.py BINARY --donors 20000 --recipients 100 --top 5 --n-draws 200
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path


def run(*command: str | Path) -> tuple[float, float]:
    """CPU seconds of a command, and the peak memory of any command so far in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(word) for word in command], check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, after.ru_maxrss / 1024


def first_donors(path: Path) -> dict[str, set[str]]:
    """The donors shown of every recipient."""
    found: dict[str, set[str]] = defaultdict(set)
    with path.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found[row["recipient_id"]].add(row["donor_id"])
    return found


def main() -> None:
    """Rank a synthetic bank twice and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--donors", type=int, default=20_000)
    parser.add_argument("--recipients", type=int, default=100)
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--n-draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = ["--n-donors", asked.donors, "--n-recipients", asked.recipients]
        run(asked.binary, "simulate", *size, "--seed", asked.seed, "--output", folder)
        tables = [folder / "donors.tsv", folder / "recipients.tsv"]
        rank = [asked.binary, "rank", *tables, "--regimen", "anti-pd-1", "--top", asked.top]
        rank += ["--n-draws", asked.n_draws, "--max-draws", 0, "--output"]
        some = run(*rank, folder / "some.tsv", "--prefilter")
        told = json.loads((folder / "some.summary.json").read_text())["prefilter"]
        every = run(*rank, folder / "every.tsv")
        chosen, expected = first_donors(folder / "some.tsv"), first_donors(folder / "every.tsv")
    n_same = sum(chosen[recipient] == expected[recipient] for recipient in expected)
    n_missed = sum(len(expected[recipient] - chosen[recipient]) for recipient in expected)
    print(f"{asked.donors} donors, {asked.recipients} recipients, {asked.n_draws} draws")
    print(f"the same {asked.top} donors: {n_same} of {len(expected)} recipients, {n_missed} missed")
    print(f"depths of the pilots: {sorted(told['depths'])}")
    print(f"kept {told['n_kept']}, sampled {told['n_sampled']}, of {asked.donors}")
    print(f"CPU: {some[0]:.0f} s with the prefilter, {every[0]:.0f} s without")
    print(f"peak memory: {some[1]:.0f} MB with the prefilter, {every[1]:.0f} MB of both")


if __name__ == "__main__":
    main()
