"""The same inputs and seed give the same bits, run after run, for any number of threads."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

import donormatch as dm

THREADS = (1, 2, 3, 4, 7)
N_RUNS = 10


@pytest.fixture
def any_threads():
    yield
    dm.set_n_threads(0)


def digest(text: str | bytes) -> str:
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


@pytest.mark.usefixtures("any_threads")
def test_fifty_rankings_by_any_number_of_threads_have_one_digest():
    made = dm.simulate(n_donors=5, n_recipients=6, seed=0)
    found = set()
    for n_threads in THREADS:
        dm.set_n_threads(n_threads)
        for _ in range(N_RUNS):
            ranking = dm.rank_donors(
                made.donors, made.recipients, metadata=made.contexts, n_draws=50, max_draws=0
            )
            found.add(digest(ranking.to_json()))
    assert len(found) == 1


@pytest.mark.usefixtures("any_threads")
def test_models_fitted_by_any_number_of_threads_are_the_same_file(tmp_path):
    made = dm.simulate(n_donors=6, n_recipients=50, seed=1)
    profiles = dm.Profiles.merge([made.donors, made.recipients, made.follow_ups])
    table = pd.DataFrame(made.transplants)
    study = np.resize(["one", "two"], len(table))
    patients = dm.PatientCohort(
        pd.DataFrame(
            {
                "sample_id": table["recipient_id"],
                "study": study,
                "response": table["response"].map({True: "R", False: "NR"}),
            }
        ),
        profiles,
    )
    transplants = dm.Cohort(
        pd.DataFrame(
            {
                "study": study,
                "donor": table["donor_id"],
                "donor_samples": table["donor_id"],
                "recipient": table["recipient_id"],
                "baseline": table["recipient_id"],
                "follow_up": table["follow_up_id"],
                "day": 28,
            }
        ),
        profiles,
    )
    small = {"n_rounds": 3}
    found = set()
    for n_threads in THREADS[::2]:
        dm.set_n_threads(n_threads)
        matcher = dm.Matcher(
            engraftment={
                "n_members": 2,
                "presence": small,
                "abundance": {"loss": "squared_error", **small},
            },
            response={"n_members": 2, "n_slope_members": 1, "boosting": small},
        )
        path = tmp_path / f"{n_threads}.dmm"
        matcher.fit(patients, transplants).write(path)
        found.add(digest(path.read_bytes()))
    assert len(found) == 1
