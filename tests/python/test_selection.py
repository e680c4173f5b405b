"""Samples chosen by ids, numbers, masks and metadata."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

import donormatch as dm

ARMS = {"d1": "donor", "d2": "donor", "r1": "fmt", "r2": "control"}
ROWS = {name: {"arm": arm, "day": day} for day, (name, arm) in enumerate(ARMS.items())}


@pytest.fixture
def told(profiles):
    return profiles.with_metadata(ROWS)


def test_an_array_of_profiles_is_that_of_its_values(profiles):
    np.testing.assert_array_equal(np.asarray(profiles), profiles.to_numpy())
    assert np.asarray(profiles, dtype="float32").dtype == np.float32
    with pytest.raises(ValueError, match="always a copy"):
        np.asarray(profiles, copy=False)


def test_samples_are_chosen_by_id_number_slice_and_mask(profiles):
    for key, ids in [
        ("r1", ["r1"]),
        (["r1", "d1"], ["r1", "d1"]),
        (0, ["d1"]),
        (-1, ["r2"]),
        (slice(1, 3), ["d2", "r1"]),
        ([2, 0], ["r1", "d1"]),
        (np.array([True, False, False, True]), ["d1", "r2"]),
    ]:
        assert profiles[key].sample_ids == ids
    assert [one.sample_ids for one in profiles] == [["d1"], ["d2"], ["r1"], ["r2"]]
    for key, word in [((0, 1), "taxa"), ([True], "mask of 4")]:
        with pytest.raises(dm.ParameterError, match=word):
            profiles[key]
    with pytest.raises(dm.DonorMatchError, match="`x`"):
        profiles["x"]
    with pytest.raises(IndexError):
        profiles[4]


def test_metadata_follow_the_samples(told):
    assert told[["r1", "d1"]].metadata["arm"] == ["fmt", "donor"]
    assert told.closure().metadata == told.metadata
    assert told.harmonize()[0].metadata["day"] == [0, 1, 2, 3]
    assert told.rename({"d1": "x"}).metadata["sample_id"] == ["x", "d2", "r1", "r2"]
    assert pickle.loads(pickle.dumps(told)) == told
    assert told != told.with_metadata({name: {} for name in ROWS})


def test_samples_are_chosen_and_parted_by_metadata(told):
    assert told.where(arm="donor", day=[1, 2]).sample_ids == ["d2"]
    groups = told.groups("arm")
    assert {arm: its.sample_ids for arm, its in groups.items()} == {
        "donor": ["d1", "d2"],
        "fmt": ["r1"],
        "control": ["r2"],
    }
    with pytest.raises(dm.ParameterError, match="no column `ar`; columns: arm, day"):
        told.where(ar="donor")
    with pytest.raises(dm.ParameterError, match="no sample has `arm` 'x'"):
        told.where(arm="x")


def test_metadata_come_from_frames_files_and_mappings_alike(profiles, told):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {
        "sample_id": [*reversed(ROWS), "other"],
        "arm": [*(ARMS[name] for name in reversed(ROWS)), "x"],
        "day": [3, 2, 1, 0, 9],
    }
    frame = pandas.DataFrame(columns)
    for metadata in (frame, frame.set_index("sample_id"), polars.DataFrame(columns)):
        assert profiles.with_metadata(metadata) == told
    text = frame.to_csv(sep="\t", index=False)
    assert profiles.with_metadata(io.StringIO(text)).metadata["arm"] == list(ARMS.values())


def test_metadata_that_do_not_fit_are_refused(profiles):
    with pytest.raises(dm.InputError, match=r"no row for sample `d2` \(3 of 4"):
        profiles.with_metadata({"d1": {"arm": "x"}})
    with pytest.raises(dm.InputError, match="no column `sample_id`; columns: id"):
        profiles.with_metadata(io.StringIO("id\nd1\n"))
    with pytest.raises(dm.InputError, match="`d1` has two rows"):
        profiles.with_metadata(io.StringIO("sample_id\nd1\nd1\n"))
    with pytest.raises(dm.InputError, match="found int"):
        profiles.with_metadata(3)
