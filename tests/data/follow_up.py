"""PEDS, PPRS and losses of Baruch and Davar by q2-fmt's definitions, with nothing of donormatch.

q2-fmt (Herman et al. 2024): PEDS is the number of features observed in the donor and in the
recipient after the transplant over the number observed in the donor; PPRS is the number observed in
the recipient before and after over the number observed before. Observed: above 0.

Run: python3 tests/data/follow_up.py ../shared/data/fmt-davar-baruch2021
Writes one row a transplant: follow_up, peds, pprs, n_lost, n_gained, peds_mismatched.
"""

import csv
import gzip
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Print the rows."""
    with gzip.open(folder / "profiles.metaphlan.tsv.gz", "rt") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines if not line.startswith("#")]
    header, body = rows[0], rows[1:]
    taxa = {sample: set() for sample in header[1:]}
    for name, *values in body:
        for sample, value in zip(header[1:], values, strict=True):
            if float(value) > 0:
                taxa[sample].add(name)
    with open(folder / "transplants.tsv") as lines:
        transplants = [
            row
            for row in csv.DictReader(lines, delimiter="\t")
            if row["donor_sample"] and row["pre_sample"] and row["post_sample"]
        ]
    transplants = [
        row
        for row in transplants
        if {row["donor_sample"], row["pre_sample"], row["post_sample"]} <= set(taxa)
    ]
    mismatched = mismatched_means(transplants, taxa)
    for row in transplants:
        donor = taxa[row["donor_sample"]]
        before, after = taxa[row["pre_sample"]], taxa[row["post_sample"]]
        print(
            row["post_sample"],
            len(donor & after) / len(donor),
            len(before & after) / len(before),
            len(before - after),
            len(after - before),
            mismatched[row["study"]],
            sep="\t",
        )


def mismatched_means(transplants, taxa):
    """Of each study the mean PEDS of each donor with the first follow-ups of other donors'.

    A donor of several samples stands with the first that was followed up.
    """
    means = {}
    for study in {row["study"] for row in transplants}:
        of_study = [row for row in transplants if row["study"] == study]
        sample, first = {}, {}
        for row in sorted(of_study, key=lambda row: (row["recipient"], float(row["post_day"]))):
            sample.setdefault(row["donor_subject"], row["donor_sample"])
            first.setdefault(row["recipient"], row)
        shares = [
            len(taxa[sample[donor]] & taxa[row["post_sample"]]) / len(taxa[sample[donor]])
            for donor in {row["donor_subject"] for row in first.values()}
            for row in first.values()
            if row["donor_subject"] != donor
        ]
        means[study] = sum(shares) / len(shares)
    return means


main(Path(sys.argv[1]))
