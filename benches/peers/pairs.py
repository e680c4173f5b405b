"""CPU seconds a pair of `donormatch rank`, of two binaries in turns, one thread each.

    python benches/peers/pairs.py OLD NEW --donors donors.tsv --recipients recipients.tsv

What a ranking of one pair takes, which is the loading of tables and model, is taken off. The ratio
is OLD over NEW, turn by turn: their median, least and largest. OLD may be of commit 4a03fba, whose
tables went behind flags.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"RAYON_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rank_command(binary: str, donors: Path, recipients: Path) -> list[str]:
    """The words of `rank` in the way of this binary."""
    help_text = subprocess.run([binary, "rank", "--help"], capture_output=True, text=True).stdout
    tables = [str(donors), str(recipients)]
    if "--donors" in help_text:
        tables = ["--donors", str(donors), "--recipients", str(recipients)]
    return [binary, "rank", *tables, "--regimen", "anti-pd-1", "--cancer", "melanoma"]


def comments_and_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """The lines of a table that begin with `#`, and the cells of the others."""
    lines = path.read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    return comments, [line.split("\t") for line in lines if not line.startswith("#")]


def of_one_sample(path: Path, samples_in_rows: bool, folder: Path) -> tuple[Path, int]:
    """The table cut to its first sample, and how many samples it has."""
    comments, rows = comments_and_rows(path)
    kept = rows[:2] if samples_in_rows else [row[:2] for row in rows]
    target = folder / path.name
    target.write_text("\n".join(comments + ["\t".join(row) for row in kept]) + "\n")
    return target, (len(rows) if samples_in_rows else len(rows[0])) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--donors", type=Path, required=True)
    parser.add_argument("--recipients", type=Path, required=True)
    parser.add_argument("--samples-in-rows", action="store_true")
    parser.add_argument("--turns", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        one_donor, n_donors = of_one_sample(arguments.donors, arguments.samples_in_rows, Path(name))
        one_recipient, n_recipients = of_one_sample(
            arguments.recipients, arguments.samples_in_rows, Path(name)
        )
        n_pairs = n_donors * n_recipients - 1
        seconds: dict[str, list[float]] = {"old": [], "new": []}
        for _ in range(arguments.turns):
            for which, binary in (("old", arguments.old), ("new", arguments.new)):
                whole = rank_command(binary, arguments.donors, arguments.recipients)
                one = rank_command(binary, one_donor, one_recipient)
                seconds[which].append((cpu_seconds(whole) - cpu_seconds(one)) / n_pairs)
    ratios = [old / new for old, new in zip(seconds["old"], seconds["new"], strict=True)]
    for which, its in seconds.items():
        print(f"{which}: {statistics.median(its) * 1e3:.2f} ms a pair")
    print(f"ratio: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")


if __name__ == "__main__":
    main()
