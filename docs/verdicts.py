"""Verdicts over seeds: `python docs/verdicts.py ../shared/data`.

Every donor of Davar 2021 for every recipient, and a simulated cohort, by the bundled matcher with
six seeds: how many pairs have which verdict, how many verdicts change, and the processor seconds.
"""

import collections
import pathlib
import sys
import time
import warnings

import pandas as pd

import donormatch as dm

STUDY = "DavarD_2021"


def davar(data: pathlib.Path) -> tuple[dm.Profiles, dm.Profiles]:
    """Give one sample of each donor, and the baselines of the recipients."""
    folder = data / "fmt-davar-baruch2021"
    samples = pd.read_csv(folder / "metadata.tsv", sep="\t").query("study == @STUDY")
    donors = samples[samples["role"].str.contains("donor")].drop_duplicates("subject")
    transplants = pd.read_csv(folder / "transplants.tsv", sep="\t").query("study == @STUDY")
    profiles = dm.read_profiles(folder / "profiles.metaphlan.tsv.gz")
    known = set(profiles.sample_ids)
    return (
        profiles.select([sample for sample in donors["sample_id"] if sample in known]),
        profiles.select(list(transplants.drop_duplicates("recipient")["pre_sample"])),
    )


def main() -> None:
    """Print a line a cohort and seed."""
    warnings.simplefilter("ignore")
    simulated = dm.simulate(seed=0)
    cohorts = {
        "Davar": (davar(pathlib.Path(sys.argv[1])), {"line": "refractory"}),
        "simulated": ((simulated.donors, simulated.recipients), {}),
    }
    for name, ((donors, recipients), context) in cohorts.items():
        before = None
        for seed in range(6):
            start = time.process_time()
            ranking = dm.rank_donors(
                donors, recipients, regimen="anti-pd-1", cancer="melanoma", seed=seed, **context
            )
            took = time.process_time() - start
            found = {(row["recipient_id"], row["donor_id"]): row["verdict"] for row in ranking.rows}
            changed = 0 if before is None else sum(found[pair] != before[pair] for pair in found)
            before = found
            counts = ", ".join(f"{n} {word}" for word, n in collections.Counter(found.values()).items())
            print(f"{name}, seed {seed}: {counts}; {changed} changed; {took:.2f} s")


if __name__ == "__main__":
    main()
