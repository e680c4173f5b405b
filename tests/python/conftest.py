"""Shared small tables."""

from __future__ import annotations

import numpy as np
import pytest

import donormatch as dm

TAXA = ["s__Segatella_copri", "s__Blautia_obeum", "s__Akkermansia_muciniphila"]
VALUES = np.array([[60.0, 40.0, 0.0], [0.0, 25.5, 74.5], [10.0, 0.0, 90.0], [0.0, 0.0, 100.0]])
SAMPLES = ["d1", "d2", "r1", "r2"]


@pytest.fixture
def profiles() -> dm.Profiles:
    return dm.Profiles.from_numpy(VALUES, sample_ids=SAMPLES, taxa=TAXA, unit="percent")
