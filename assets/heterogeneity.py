#!/usr/bin/env python3
"""Build the table of how far cohorts agree on what goes with response.

    python3 assets/heterogeneity.py ../shared/data assets

reads the cohorts of patients on checkpoint inhibitors that the shipped models learn from and writes
`evidence/heterogeneity-1.tsv`: for every term that an explanation can name, the difference between
responders and others within each cohort, pooled over the cohorts with random effects. Only these
aggregates are written. Bit for bit the same each time. Needs donormatch itself and NumPy.

The difference of a cohort is Hedges' g (standard deviations of the cohort), turned into a log odds
ratio by pi / sqrt(3) (Chinn 2000, Statistics in Medicine); fractions are taken as
ln(1 + fraction / 1e-5), as the models do. Pooling and tau are DerSimonian and Laird's (1986), I2 is
Higgins and Thompson's (2002).
"""

import csv
import math
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

import donormatch as dm

COHORTS = {"icb-thomas2023": "response_orr", "icb-spencer-matson": "response_study"}
DAY = "sample_days_from_treatment_start"
PSEUDOCOUNT = 1e-5
# As in SUMMARIES of src/explanation/contribution/groups.rs.
SIGNATURES = (
    "akkermansia_muciniphila",
    "prevotellaceae",
    "scfa_producers",
    "oral",
    "proteobacteria",
    "bifidobacterium",
    "luminate_depletion",
)
RATIO = "scfa_producers_over_oral_and_proteobacteria"
LEAST_PREVALENCE = 0.1
LEAST_COHORTS = 5
LEAST_PATIENTS = 5  # of either outcome in a cohort
COLUMNS = (
    *("term", "kind", "n_patients", "n_cohorts", "n_same_sign"),
    *("ln_or", "ln_or_se", "tau", "i2"),
)


def difference(values, responds):
    """Log odds ratio per standard deviation of a cohort, its variance, and the patients behind it.

    None where there is none.
    """
    groups = [values[responds], values[~responds]]
    n = [len(group) for group in groups]
    if min(n) < LEAST_PATIENTS:
        return None
    pooled = sum((len(group) - 1) * group.var(ddof=1) for group in groups) / (sum(n) - 2)
    if pooled < 1e-12:
        return None
    g = (groups[0].mean() - groups[1].mean()) / math.sqrt(pooled)
    g *= 1 - 3 / (4 * (sum(n) - 2) - 1)
    variance = sum(n) / (n[0] * n[1]) + g * g / (2 * sum(n))
    return g * math.pi / math.sqrt(3), variance * math.pi**2 / 3, sum(n)


def pooled(effects, variances):
    """Estimate, standard error, tau and I2 of DerSimonian and Laird."""
    effects, variances = np.asarray(effects), np.asarray(variances)
    fixed = 1 / variances
    q = float((fixed * (effects - (fixed * effects).sum() / fixed.sum()) ** 2).sum())
    spare = len(effects) - 1
    tau2 = max(0.0, (q - spare) / (fixed.sum() - (fixed**2).sum() / fixed.sum()))
    weights = 1 / (variances + tau2)
    estimate = float((weights * effects).sum() / weights.sum())
    i2 = max(0.0, (q - spare) / q) if q > 0 else 0.0
    return estimate, float(weights.sum() ** -0.5), math.sqrt(tau2), i2


def burden(fractions):
    """Fractions on the scale of the models."""
    return np.log1p(fractions / PSEUDOCOUNT)


def terms_of(profiles):
    """What the terms of an explanation count, and how often each genus is there."""
    species = profiles.harmonize()[0].closure()
    genera = profiles.harmonize(target="genus")[0].closure()
    found = {name: one.summed_fraction for name, one in species.memberships(SIGNATURES).items()}
    burdens = {name: burden(values) for name, values in found.items()}
    terms = {("diversity", "diversity"): species.diversity("shannon")}
    toposcore = [row["score"] for row in species.toposcore()]
    terms["toposcore", "signature"] = np.asarray(toposcore, dtype=float)
    terms.update({(name, "signature"): values for name, values in burdens.items()})
    terms[RATIO, "signature"] = burdens["scfa_producers"] - burdens["oral"]
    present = {}
    for genus, values in zip(genera.taxa, genera.to_numpy().T, strict=True):
        terms[genus, "genus"] = burden(values)
        present[genus] = values > 0
    return terms, present


def is_used(row, column):
    """Whether the outcome is known and the sample was not taken under treatment, as in training."""
    return row[column] in ("R", "NR") and float(row.get(DAY) or 0) <= 0


def main(data, folder):
    """Write the table."""
    effects, n_patients = defaultdict(list), 0
    n_present = defaultdict(int)
    for name, column in COHORTS.items():
        with (data / name / "metadata.tsv").open(encoding="utf-8") as file:
            known = {row["sample_id"]: row for row in csv.DictReader(file, delimiter="\t")}
        profiles = dm.read_profiles(data / name / "profiles.metaphlan.tsv.gz")
        rows = [known[sample] for sample in profiles.sample_ids]
        labelled = np.array([is_used(row, column) for row in rows])
        responds = np.array([row[column] == "R" for row in rows])
        cohorts = np.array([row["cohort"] for row in rows])
        terms, present = terms_of(profiles)
        n_patients += int(labelled.sum())
        for genus, is_there in present.items():
            n_present[genus] += int(is_there[labelled].sum())
        for cohort in sorted(set(cohorts)):
            here = labelled & (cohorts == cohort)
            for term, values in terms.items():
                effect = difference(values[here], responds[here])
                if effect is not None:
                    effects[term].append(effect)
    lines = ["\t".join(COLUMNS)]
    for (term, kind), found in sorted(effects.items(), key=lambda one: (one[0][1], one[0][0])):
        rare = kind == "genus" and n_present[term] < LEAST_PREVALENCE * n_patients
        if rare or len(found) < LEAST_COHORTS:
            continue
        values, variances, n = zip(*found, strict=True)
        estimate, error, tau, i2 = pooled(values, variances)
        same_sign = sum(effect * estimate > 0 for effect in values)
        numbers = "\t".join(f"{value:.3f}" for value in (estimate, error, tau, i2))
        lines.append(f"{term}\t{kind}\t{sum(n)}\t{len(found)}\t{same_sign}\t{numbers}")
    path = folder / "evidence" / "heterogeneity-1.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
