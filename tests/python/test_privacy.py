"""Nothing that was planted in training data is found in what is passed on."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pandas as pd
import pytest

import donormatch as dm

SMALL = {"n_rounds": 3}
CANARY = "canary"


def planted(folder):
    """A matcher learned from tables whose ids, path and values are canaries, and the values."""
    made = dm.simulate(n_donors=8, n_recipients=60, seed=1)
    profiles = dm.Profiles.merge([made.donors, made.recipients, made.follow_ups])
    name = {
        sample: f"{CANARY}_{number}@clinic.example"
        for number, sample in enumerate(profiles.sample_ids)
    }
    table = pd.DataFrame(made.transplants).replace(name)
    secret = folder / f"{CANARY}_folder"
    secret.mkdir()
    profiles.rename(name).write(secret / "profiles.tsv")
    profiles = dm.read_profiles(secret / "profiles.tsv")
    study = np.resize(["one", "two"], len(table))
    note = f"{CANARY} 1961-07-04"
    outcome = {
        "sample_id": table["recipient_id"],
        "subject": table["recipient_id"],
        "study": study,
        "response": table["response"].map({True: "R", False: "NR"}),
        "note": note,
    }
    given = {
        "study": study,
        "donor": table["donor_id"],
        "donor_samples": table["donor_id"],
        "recipient": table["recipient_id"],
        "baseline": table["recipient_id"],
        "follow_up": table["follow_up_id"],
        "day": 28,
        "note": note,
    }
    for file, columns in (("patients.tsv", outcome), ("transplants.tsv", given)):
        pd.DataFrame(columns).to_csv(secret / file, sep="\t", index=False)
    matcher = dm.Matcher(
        engraftment={
            "n_members": 2,
            "presence": SMALL,
            "abundance": {"loss": "squared_error", **SMALL},
        },
        response={"n_members": 2, "n_slope_members": 1, "boosting": SMALL},
    )
    matcher.fit(
        dm.PatientCohort(secret / "patients.tsv", profiles),
        dm.Cohort(secret / "transplants.tsv", profiles),
    )
    return matcher


def opened(path) -> bytes:
    """A model file with its payload inflated."""
    content = path.read_bytes()
    assert content[:4] == b"DRMM"
    (length,) = struct.unpack_from("<I", content, 6)
    header = content[10 : 10 + length]
    json.loads(header)
    return header + zlib.decompress(content[10 + length : -4], wbits=-15)


@pytest.mark.filterwarnings("ignore::donormatch.DonorMatchWarning")
def test_no_id_path_date_or_note_of_training_stands_in_a_model_or_its_header(tmp_path):
    matcher = planted(tmp_path)
    path = tmp_path / "model.dmm"
    matcher.write(path, name="planted")
    content = opened(path)
    # The very search finds what is there.
    assert b"planted" in content
    assert b"Blautia" in content
    for word in (CANARY, "clinic", "1961", str(tmp_path)):
        assert word.encode() not in content
        assert word not in json.dumps(dm.Matcher.read(path).header)
        assert word not in repr(matcher)


def test_an_error_names_the_row_and_no_other(tmp_path):
    text = "sample_id\ts__Blautia_obeum\ts__Dorea_longicatena\na\t60.5\t39.5\nb\t50.5\t-49.5\n"
    path = tmp_path / "profiles.tsv"
    path.write_text(text)
    with pytest.raises(dm.InputError) as error:
        dm.read_profiles(path)
    assert "60.5" not in str(error.value)
    assert "39.5" not in str(error.value)
    assert "-49.5" in str(error.value)
