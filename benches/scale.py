"""What a pair costs, and what a donor weighs: the figures that docs/scale.md plans with.

python benches/scale.py --donors 120 --recipients 5
"""

from __future__ import annotations

import argparse
import pickle
import resource

import donormatch


def cpu() -> float:
    """CPU seconds of this process so far, of all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Rank a sixth of a synthetic bank, and all of it; the difference is that of pairs alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--donors", type=int, default=120)
    parser.add_argument("--recipients", type=int, default=5)
    parser.add_argument("--n-draws", type=int, default=200)
    asked = parser.parse_args()
    bank = donormatch.simulate(n_donors=asked.donors, n_recipients=asked.recipients)
    matcher = donormatch.Matcher.bundled()
    used = {}
    for n_donors in (asked.donors // 6, asked.donors):
        donors = bank.donors.select(bank.donors.sample_ids[:n_donors])
        before = cpu()
        matcher.rank_donors(
            donors, bank.recipients, regimen="anti-pd-1", top=5, n_draws=asked.n_draws, max_draws=0
        )
        used[n_donors] = cpu() - before
    (few, of_few), (all_donors, of_all) = used.items()
    n_pairs = (all_donors - few) * asked.recipients
    print(f"CPU a pair at {asked.n_draws} draws: {1e3 * (of_all - of_few) / n_pairs:.2f} ms")
    print(f"bytes a donor: {len(pickle.dumps(bank.donors)) / asked.donors:.0f}")
    print(f"bytes of the matcher: {len(pickle.dumps(matcher))}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
