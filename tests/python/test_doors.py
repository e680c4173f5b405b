"""What comes in through Python's doors: ids, settings, files and metadata."""

import gzip
import io
import os
import warnings

import numpy as np
import pandas as pd
import pytest

import donormatch as dm
from donormatch.sklearn import CenteredLogRatio, GroupKFold, LeaveOneStudyOut, PairSplit

VALUES = [[60.0, 40.0], [10.0, 90.0]]
TAXA = ["s__Phocaeicola_vulgatus", "s__Blautia_obeum"]
TABLE = "sample_id\t" + "\t".join(TAXA) + "\ndon1\t60.5\t39.5\nrec1_pre\t10.5\t89.5\n"
TRANSPLANTS = "donor\trecipient\tdonor_samples\tbaseline\tfollow_up\tday\n"


def frame(**settings):
    return pd.DataFrame(VALUES, **{"index": ["a", "b"], "columns": TAXA, **settings})


def profiles():
    return dm.read_profiles(io.StringIO(TABLE + "rec1_post\t30\t70\n"), unit="percent")


# ---- ids --------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, float("nan")])
def test_a_missing_id_is_refused_with_its_place(missing):
    ids = pd.Index(["a", missing], dtype=object)
    with pytest.raises(dm.InputError, match="row 2 is missing"):
        dm.Profiles.from_pandas(frame(index=ids), unit="percent")
    with pytest.raises(dm.InputError, match="column 2 is missing"):
        dm.Profiles.from_pandas(
            frame(columns=pd.Index([TAXA[0], missing], dtype=object)), unit="percent"
        )
    with pytest.raises(dm.InputError, match="sample id 2 is missing"):
        dm.Profiles.from_numpy(VALUES, sample_ids=ids, taxa=TAXA, unit="percent")
    with pytest.raises(dm.InputError, match="taxon 2 is missing"):
        dm.Profiles.from_numpy(VALUES, sample_ids=["a", "b"], taxa=ids, unit="percent")
    with pytest.raises(dm.InputError, match="group of row 1"):
        next(LeaveOneStudyOut().split(np.zeros((2, 1)), groups=["a", missing]))


def test_texts_that_look_missing_are_ids():
    ids = ["NA", "nan"]
    found = dm.Profiles.from_numpy(VALUES, sample_ids=ids, taxa=TAXA, unit="percent")
    assert found.sample_ids == ids


def test_masked_abundances_are_refused():
    masked = np.ma.masked_array(VALUES, mask=[[False, True], [False, False]])
    with pytest.raises(dm.InputError, match=r"\[0, 1\] is masked"):
        dm.Profiles.from_numpy(masked, sample_ids=["a", "b"], taxa=TAXA, unit="percent")
    with pytest.raises(dm.InputError, match="`scores`"):
        dm.metrics.estimate("roc_auc", [0, 1], np.ma.masked_array([0.1, 0.2], mask=[True, False]))


# ---- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", np.int64(3)),
        ("seed", np.arange(4)[3]),
        ("n_draws", np.uint8(20)),
        ("day", np.float32(28)),
        ("day", np.int64(28)),
        ("antibiotics", np.bool_(True)),
        ("weights", np.array([1.0, 0.5, 3.0])),
        ("level", np.float64(0.8)),
    ],
)
def test_numpy_scalars_give_the_result_of_the_plain_number(name, value):
    cohort = dm.simulate(seed=0, n_donors=2, n_recipients=1)
    rank = [
        dm.rank_donors(cohort.donors, cohort.recipients, regimen="anti-pd-1", **{name: its}).rows
        for its in (value, value.tolist())
    ]
    assert rank[0] == rank[1]


def test_numpy_scalars_are_taken_by_simulate_and_splits():
    assert dm.simulate(seed=np.int64(1)).donors == dm.simulate(seed=1).donors
    splits = GroupKFold(np.int64(2)).split(np.zeros((4, 1)), groups=[1, 1, 2, 2])
    assert len(list(splits)) == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, np.float64("nan"), np.ma.masked, pd.NA])
@pytest.mark.parametrize("name", ["day", "level", "n_draws", "max_draws", "prefer_above"])
def test_settings_that_are_no_numbers_are_named(name, value):
    cohort = dm.simulate(seed=0, n_donors=2, n_recipients=1)
    with pytest.raises(dm.ParameterError, match=f"`{name}`"):
        dm.rank_donors(cohort.donors, cohort.recipients, regimen="anti-pd-1", **{name: value})


# ---- files ------------------------------------------------------------------------------------


def test_open_files_and_paths_in_bytes_are_read(tmp_path, monkeypatch):
    path = tmp_path / "table.tsv"
    path.write_text(TABLE)
    expected = dm.read_profiles(path, unit="percent")
    packed = io.BytesIO(gzip.compress(TABLE.encode()))
    with path.open() as text, path.open("rb") as binary:
        for source in (text, binary, io.BytesIO(TABLE.encode()), os.fsencode(path), packed):
            assert dm.read_profiles(source, unit="percent") == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TABLE.encode())))
    assert dm.read_profiles("-", unit="percent") == expected


def test_open_files_stand_beside_paths(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text(TABLE)
    other = io.StringIO(TABLE.replace("don1", "don2").replace("rec1", "rec2"))
    found = dm.read_profiles([path, other], unit="percent")
    assert found.sample_ids == ["don1", "rec1_pre", "don2", "rec2_pre"]


def test_what_is_no_file_is_refused():
    with pytest.raises(dm.InputError, match="a path or an open file, found int"):
        dm.read_profiles([1, 2])


def test_lines_of_an_open_file_are_never_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.tsv").write_text(TABLE)
    with pytest.raises(dm.InputError):
        dm.read_profiles(io.StringIO("other.tsv"))


@pytest.mark.parametrize("layer", [None, "abundance"])
@pytest.mark.parametrize("dense", [False, True])
def test_anndata_on_disk_gives_the_same_profiles(tmp_path, layer, dense):
    anndata = pytest.importorskip("anndata")
    sparse = pytest.importorskip("scipy.sparse")
    values = np.array(VALUES) if dense else sparse.csr_matrix(np.array(VALUES))
    obs, var = pd.DataFrame(index=["a", "b"]), pd.DataFrame(index=TAXA)
    made = anndata.AnnData(values, obs=obs, var=var, layers={"abundance": values})
    path = tmp_path / "made.h5ad"
    made.write(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backed = anndata.read_h5ad(path, backed="r")
    found = dm.Profiles.from_anndata(backed, unit="percent", layer=layer)
    assert found == dm.Profiles.from_anndata(made, unit="percent")
    backed.file.close()


def test_profiles_are_arrays_for_numpy():
    found = profiles()
    assert np.asarray(found).tolist() == found.to_numpy().tolist()
    assert np.asarray(found, dtype=np.float32).dtype == np.float32


# ---- splits and metrics -----------------------------------------------------------------------


@pytest.mark.parametrize("n_folds", [60, 10**9, 2**61])
def test_far_more_folds_than_rows_are_refused(n_folds):
    rows, groups = np.zeros((50, 1)), np.arange(50)
    with pytest.raises(dm.DonorMatchError, match="cannot fill"):
        list(GroupKFold(n_folds).split(rows, groups=groups))
    with pytest.raises(dm.DonorMatchError, match="n_repeats"):
        list(GroupKFold(2, n_repeats=10**6 * n_folds).split(rows, groups=groups))
    pairs = list(zip(groups, groups, strict=True))
    with pytest.raises(dm.DonorMatchError, match="cannot fill"):
        list(PairSplit(n_donor_folds=n_folds).split(rows, groups=pairs))


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "brier", "log_loss"])
@pytest.mark.parametrize("factor", [1e-300, 1e100, 1e160, 1e300])
def test_a_metric_does_not_depend_on_a_factor_of_all_weights(metric, factor):
    rows = ([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.35])
    plain, scaled = (
        dm.metrics.estimate(metric, *rows, weights=[w, 2 * w, w, 3 * w], n_resamples=50)
        for w in (1.0, factor)
    )
    assert scaled.value == pytest.approx(plain.value, rel=1e-12)


# ---- metadata ---------------------------------------------------------------------------------

ONE = "don1\trec1\tdon1\trec1_pre\trec1_post\t28\n"


def cohort(head, row=ONE, **settings):
    return dm.Cohort(io.StringIO(head + row), profiles(), **settings)


@pytest.mark.parametrize("name", ["followup", "follow-up", "Follow Up", "folow_up"])
def test_a_misspelt_follow_up_is_warned_of(name):
    with pytest.warns(dm.DonorMatchWarning, match=f"no column `follow_up`.*`{name}`"):
        found = cohort(TRANSPLANTS.replace("follow_up", name))
    assert any("not used" in note and name in note for note in found.notes)
    assert "0 with follow-up" in repr(found)


def test_a_follow_up_under_another_name_is_warned_of_until_it_is_named():
    head = TRANSPLANTS.replace("follow_up", "post_sample")
    with pytest.warns(dm.DonorMatchWarning, match="no column `follow_up`; not used: `post_sample`"):
        cohort(head)
    assert "1 with follow-up" in repr(cohort(head, columns={"follow_up": "post_sample"}))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"follow_up": "postsample"}, "no column `postsample`"),
        ({"followup": "follow_up"}, "is `follow_up` meant"),
        ({"recipent": "recipient"}, "is `recipient` meant"),
    ],
)
def test_columns_take_known_roles_and_columns_that_are_there(columns, told):
    with pytest.raises(dm.ParameterError, match=told):
        cohort(TRANSPLANTS, columns=columns)
    text = "sample_id\tresponse_orr\ndon1\tR\n"
    for wrong in ({"response": "respons_orr"}, {"respnse": "response_orr"}):
        with pytest.raises(dm.ParameterError, match="meant"):
            dm.PatientCohort(io.StringIO(text), profiles(), columns=wrong)
    with pytest.warns(dm.DonorMatchWarning, match="`response_orr`"):
        assert "known for 0" in repr(dm.PatientCohort(io.StringIO(text), profiles()))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("rec1_pre", "rec1-pre", "line 2: no profile for sample `rec1-pre`; there is one for"),
        ("\tdon1\t", "\tdon1,rec1_pre\t", "several samples are joined by `;`"),
        ("rec1_post", "rec1_pre", "the follow-up is the baseline"),
        ("28", "-3", "lies before the transplant: day -3"),
        ("\trec1_pre\t", "\t\t", "no baseline sample"),
    ],
)
def test_a_cohort_without_a_usable_row_says_why(old, new, told):
    with pytest.raises(dm.InputError, match="none of 1 rows can be used") as error:
        cohort(TRANSPLANTS, ONE.replace(old, new))
    assert told in str(error.value)


@pytest.mark.parametrize("column", ["donor", "donor_samples", "recipient", "baseline"])
def test_a_required_column_that_is_missing_is_named(column):
    table = pd.read_csv(io.StringIO(TRANSPLANTS + ONE), sep="\t")
    with pytest.raises(dm.InputError, match=f"no column `{column}`"):
        dm.Cohort(table.drop(columns=column), profiles())


def test_a_donor_that_is_its_own_recipient_is_warned_of():
    with pytest.warns(dm.DonorMatchWarning, match="line 2: donor and recipient `rec1` are one"):
        cohort(TRANSPLANTS, ONE.replace("don1\trec1\t", "rec1\trec1\t"))
    with pytest.warns(dm.DonorMatchWarning, match="line 3: it repeats a row above"):
        cohort(TRANSPLANTS, ONE + ONE)


ROWS = [["recipient_id", "regimen", "line"], ["r", "anti-pd-1", "refractory"]]
HEAD, ROW = ("\t".join(row) for row in ROWS)


def ranked(metadata, **settings):
    made = dm.simulate(seed=0, n_donors=2, n_recipients=1)
    recipients = dm.Profiles.from_numpy(
        made.recipients.to_numpy(), sample_ids=["r"], taxa=made.recipients.taxa, unit="percent"
    )
    if made.recipients.unit != "percent":
        pytest.fail("the synthetic tables are in percent")
    return dm.rank_donors(made.donors, recipients, metadata=metadata, **settings)


def test_metadata_of_every_dialect_and_frame_gives_the_same_ranking():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    expected = ranked({"r": {"regimen": "anti-pd-1", "line": "refractory"}}).rows
    text = f"{HEAD}\n{ROW}\n"
    columns = dict(zip(ROWS[0], ([its] for its in ROWS[1]), strict=True))
    for metadata in (
        io.StringIO(text),
        io.StringIO("\ufeff" + text.replace("\t", ",") + ",,\n"),
        io.StringIO("sep=;\n" + text.replace("\t", ";") + ";;\n\n"),
        io.StringIO("# exported\n\n" + text.replace("\t", "|")),
        io.StringIO("".join(f'"{its}"\n' for its in text.strip().replace("\t", '";"').split("\n"))),
        io.BytesIO(gzip.compress(text.encode())),
        pd.DataFrame(columns),
        pd.DataFrame(columns).set_index("recipient_id"),
        pl.DataFrame(columns),
        pl.LazyFrame(columns),
        pa.table(columns),
    ):
        assert ranked(metadata).rows == expected


@pytest.mark.parametrize("name", ["lines", "lien", "Line "])
def test_a_misspelt_line_is_warned_of_and_the_default_named(name):
    metadata = io.StringIO(f"{HEAD.replace('line', name)}\n{ROW}\n")
    if name.strip().lower() == "line":
        assert not any("line" in note for note in ranked(metadata).notes)
        return
    with pytest.warns(dm.DonorMatchWarning, match=f"no column `line`.*`{name}`"):
        found = ranked(metadata)
    assert any("`line` of 1 recipients" in note and "`first`" in note for note in found.notes)


def test_a_wrong_value_names_the_line_of_the_file():
    text = "recipient_id\tregimen\n\n\nr\tanti-pd-1\n\nx\tanti-lag\n"
    with pytest.raises(dm.InputError, match="line 6"):
        ranked(io.StringIO(text))


def test_what_is_no_table_of_metadata_is_refused():
    with pytest.raises(dm.InputError, match="found int"):
        dm.Cohort(3, profiles())


# ---- advice and warnings ----------------------------------------------------------------------


def test_warnings_point_at_the_line_of_the_caller():
    pl = pytest.importorskip("polars")
    unclear = pl.DataFrame({"sample": ["a", "b"], TAXA[0]: [0.6, 0.1], TAXA[1]: [0.4, 0.9]})
    with pytest.warns(dm.UnitWarning) as caught:
        dm.Profiles.from_polars(unclear)
    assert caught[0].filename == __file__


def test_a_unit_that_was_stated_is_not_warned_of():
    dm.read_profiles(io.StringIO(TABLE), unit="percent")


def test_advice_names_only_what_can_be_set_at_that_door(tmp_path):
    twice = frame(columns=["s__A", "s__A"])
    summed = dm.Profiles.from_pandas(twice, unit="percent", duplicates="sum")
    assert summed.n_taxa == 1
    with pytest.raises(dm.InputError, match="`duplicates`"):
        dm.Profiles.from_pandas(twice, unit="percent")
    empty = np.array([[1.0, 2.0], [0.0, 0.0]])
    dropped = dm.Profiles.from_numpy(
        empty, sample_ids=["a", "b"], taxa=TAXA, unit="count", empty_samples="drop"
    )
    assert dropped.sample_ids == ["a"]
    with pytest.raises(dm.InputError) as error:
        CenteredLogRatio().fit_transform(empty)
    assert "empty_samples" not in str(error.value)
    path = tmp_path / "long.tsv"
    path.write_text(f"clade_name\tD01\nk__{'x' * 20_000}|s__Blautia_obeum\t60.5\n")
    with pytest.raises(dm.InputError, match=r"raise `limits\.label_bytes`"):
        dm.read_profiles(path)
    assert dm.read_profiles(path, limits={"label_bytes": 30_000}, unit="percent").n_taxa == 1
