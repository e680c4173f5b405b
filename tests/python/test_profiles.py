"""Profiles: every door in gives the same table, aligned by id; the idiom; the errors."""

from __future__ import annotations

import copy
import gzip
import io
import pickle

import numpy as np
import pytest
from conftest import SAMPLES, TAXA, VALUES

import donormatch as dm

pd = pytest.importorskip("pandas")


def frame():
    return pd.DataFrame(VALUES, index=SAMPLES, columns=TAXA)


def from_anndata():
    anndata = pytest.importorskip("anndata")
    import scipy.sparse as sp

    data = anndata.AnnData(
        X=sp.csr_matrix(VALUES), obs=pd.DataFrame(index=SAMPLES), var=pd.DataFrame(index=TAXA)
    )
    return dm.Profiles.from_anndata(data, unit="percent")


def from_biom():
    biom = pytest.importorskip("biom")
    return dm.Profiles.from_biom(biom.Table(VALUES.T, TAXA, SAMPLES), unit="percent")


def from_polars():
    pl = pytest.importorskip("polars")
    columns = dict(zip(TAXA, VALUES.T, strict=True))
    return dm.Profiles.from_polars(pl.DataFrame({"sample_id": SAMPLES, **columns}), unit="percent")


def from_pyarrow():
    pa = pytest.importorskip("pyarrow")
    return dm.Profiles.from_arrow(pa.Table.from_pandas(frame()), unit="percent")


def from_categorical():
    pl = pytest.importorskip("polars")
    columns = dict(zip(TAXA, VALUES.T, strict=True))
    ids = pl.Series("sample_id", SAMPLES, dtype=pl.Categorical)
    return dm.Profiles.from_polars(
        pl.DataFrame({"sample_id": ids, **columns}).lazy(), unit="percent"
    )


def from_scipy(layout):
    sp = pytest.importorskip("scipy.sparse")
    matrix = sp.coo_array(VALUES).asformat(layout)
    return dm.Profiles.from_scipy(matrix, sample_ids=SAMPLES, taxa=TAXA, unit="percent")


WAYS_IN = {
    "fortran order": lambda: dm.Profiles.from_numpy(
        np.asfortranarray(VALUES), sample_ids=SAMPLES, taxa=TAXA, unit="percent"
    ),
    "a strided view": lambda: dm.Profiles.from_numpy(
        np.repeat(VALUES, 2, axis=0)[::2], sample_ids=SAMPLES, taxa=TAXA, unit="percent"
    ),
    "csr": lambda: from_scipy("csr"),
    "csc": lambda: from_scipy("csc"),
    "coo": lambda: from_scipy("coo"),
    "pandas": lambda: dm.Profiles.from_pandas(frame(), unit="percent"),
    "pandas turned": lambda: dm.Profiles.from_pandas(frame().T, unit="percent"),
    "pandas column": lambda: dm.Profiles.from_pandas(
        frame().reset_index(names="sample"), sample_column="sample", unit="percent"
    ),
    "polars": from_polars,
    "polars, categorical ids": from_categorical,
    "pyarrow": from_pyarrow,
    "anndata": from_anndata,
    "biom": from_biom,
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_every_way_in_gives_the_same_table(way, profiles):
    assert WAYS_IN[way]() == profiles


def test_a_file_and_a_frame_of_the_same_content_give_the_same_table(tmp_path, profiles):
    path = tmp_path / "profiles.tsv"
    frame().rename_axis("sample_id").to_csv(path, sep="\t")
    assert dm.read_profiles(path, unit="percent") == profiles
    zipped = tmp_path / "profiles.txt"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert dm.read_profiles(str(zipped), unit="percent") == profiles


def test_every_way_out_comes_back_the_same(profiles):
    pytest.importorskip("anndata")
    pytest.importorskip("polars")
    assert dm.Profiles.from_pandas(profiles.to_pandas(), unit="percent") == profiles
    assert dm.Profiles.from_polars(profiles.to_polars(), unit="percent") == profiles
    assert dm.Profiles.from_anndata(profiles.to_anndata()) == profiles
    again = dm.Profiles.from_scipy(
        profiles.to_scipy(), sample_ids=profiles.sample_ids, taxa=profiles.taxa, unit="percent"
    )
    assert again == profiles
    np.testing.assert_array_equal(profiles.to_numpy(), VALUES)


def test_the_order_of_rows_and_columns_follows_the_ids(profiles):
    turned = dm.Profiles.from_pandas(frame().iloc[::-1, ::-1], unit="percent")
    pd.testing.assert_frame_equal(turned.to_pandas().loc[SAMPLES, TAXA], profiles.to_pandas())
    assert profiles.select(["r1", "d1"]).sample_ids == ["r1", "d1"]


def test_pickle_and_copy_keep_every_bit(profiles):
    assert pickle.loads(pickle.dumps(profiles)) == profiles
    assert copy.deepcopy(profiles) == profiles


def test_repr_and_html_say_what_it_is_and_escape(profiles):
    assert "4 samples × 3 taxa" in repr(profiles)
    bad = dm.Profiles.from_numpy(
        [[100.0]], sample_ids=["<img src=x onerror=alert(1)>"], taxa=["<script>"], unit="percent"
    )
    html = bad._repr_html_()
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_unit_found_from_the_numbers_is_warned_of():
    with pytest.warns(dm.UnitWarning, match="percent"):
        found = dm.Profiles.from_numpy(VALUES, sample_ids=SAMPLES, taxa=TAXA)
    assert found.unit == "percent"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(**{TAXA[0]: [np.nan, 0, 0, 0]}), "`d1`, `s__Segatella_copri`"),
        (lambda f: f.assign(**{TAXA[0]: [-1.0, 0, 0, 0]}), "found -1"),
        (lambda f: f * 0, "sums to 0"),
        (lambda f: f.set_axis(["a", "a", "b", "c"]), "`a` occurs more than once"),
        (lambda f: f.reset_index(drop=True), "no ids"),
        (lambda f: f.assign(**{TAXA[0]: ["x", "y", "z", "u"]}), "not numbers"),
        (lambda f: f.iloc[:0], "empty"),
    ],
)
def test_a_frame_that_cannot_be_used_is_refused_by_name(change, message):
    with pytest.raises(dm.InputError, match=message):
        dm.Profiles.from_pandas(change(frame()), unit="percent", orientation="samples_in_rows")


def test_lengths_that_disagree_are_refused():
    with pytest.raises(dm.InputError, match="2 row labels"):
        dm.Profiles.from_numpy(VALUES, sample_ids=["a", "b"], taxa=TAXA, unit="percent")


def test_an_unknown_word_is_a_parameter_error_that_names_the_argument():
    with pytest.raises(dm.ParameterError, match=r"`unit`.*percent"):
        dm.Profiles.from_numpy(VALUES, sample_ids=SAMPLES, taxa=TAXA, unit="ppm")
    with pytest.raises(dm.ParameterError, match="`metric`"):
        dm.Profiles.from_numpy(VALUES, sample_ids=SAMPLES, taxa=TAXA, unit="percent").distances(
            metric="euclid"
        )


def test_a_missing_file_is_the_operating_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        dm.read_profiles(tmp_path / "none.tsv")
    assert caught.value.errno == 2
    assert caught.value.filename == str(tmp_path / "none.tsv")


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.tsv"
    path.touch()
    with pytest.raises(dm.DonorMatchError, match=r"empty\.tsv"):
        dm.read_profiles(path)


def test_distances_match_taxa_by_label(profiles):
    donors = profiles.select(["d1", "d2"])
    turned = dm.Profiles.from_pandas(frame().loc[["r1", "r2"], TAXA[::-1]], unit="percent")
    np.testing.assert_array_equal(
        donors.distances(turned), donors.distances(profiles.select(["r1", "r2"]))
    )


def test_diversity_equals_scipy(profiles):
    stats = pytest.importorskip("scipy.stats")
    # SciPy 1.17: entropy(pk) closes pk itself, natural logarithm.
    np.testing.assert_allclose(profiles.diversity(), stats.entropy(VALUES, axis=1), atol=1e-15)


def test_harmonizing_twice_changes_nothing(profiles):
    once, report = profiles.harmonize()
    twice, _ = once.harmonize()
    assert once == twice
    assert {row["original"] for row in report.taxa} == set(TAXA)
    assert list(report.to_pandas().columns[:3]) == ["original", "target", "how"]
    assert set(report.mapped_mass) == set(SAMPLES)


@pytest.mark.parametrize("format", ["tsv", "parquet"])
def test_a_written_file_reads_back_the_same(profiles, tmp_path, format):
    path = tmp_path / "profiles.out"
    profiles.write(path, format=format)
    assert dm.read_profiles(path) == profiles


def test_several_files_make_one_table(profiles, tmp_path):
    paths = [tmp_path / "donors.tsv", tmp_path / "recipients.tsv"]
    profiles.select(["d1", "d2"]).write(paths[0])
    profiles.select(["r1", "r2"]).write(paths[1])
    assert dm.read_profiles(paths) == profiles


def test_unifrac_needs_a_tree_and_equals_a_sum_by_hand(tmp_path):
    path = tmp_path / "tree.nwk"
    path.write_text("((a:1,b:2):0.5,c:3);")
    tree = dm.read_tree(path)
    assert tree.n_tips == 3
    table = dm.Profiles.from_numpy(
        [[1, 1, 0], [0, 1, 3]], sample_ids=["x", "y"], taxa=["a", "b", "c"], unit="count"
    )
    with pytest.raises(dm.ParameterError, match="`tree`"):
        table.distances(metric="unweighted_unifrac")
    # By hand: branches only in x: 1 (a); only in y: 3 (c); shared: b 2 and the inner 0.5.
    found = table.distances(metric="unweighted_unifrac", tree=tree)
    assert found[0, 1] == pytest.approx(4 / 6.5, abs=1e-15)
    np.testing.assert_allclose(table.diversity("faith_pd", tree=tree), [3.5, 5.5], atol=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("((a:1,b):0.5,c:3);", "above `b` has no length"),
        ("((a:1,b:-2):0.5,c:3);", "above `b`, found -2"),
        ("((a:1,b:2:0.5,c:3);", "expected"),
    ],
)
def test_a_tree_that_cannot_be_used_is_refused_with_its_file(tmp_path, text, message):
    path = tmp_path / "tree.nwk"
    path.write_text(text)
    with pytest.raises(dm.InputError, match=rf"tree\.nwk.*{message}"):
        dm.read_tree(path)


def test_metadata_may_be_gzipped(profiles, tmp_path):
    path = tmp_path / "patients.tsv.gz"
    path.write_bytes(gzip.compress(b"sample_id\tresponse\nr1\t1\nr2\t0\n"))
    assert [patient["response"] for patient in dm.PatientCohort(path, profiles).patients] == [
        True,
        False,
    ]


def test_the_toposcore_of_a_table_without_its_taxa_is_no_claim(profiles):
    (first, *_), n = profiles.toposcore(), profiles.n_samples
    assert len(profiles.toposcore()) == n
    assert first["sample_id"] == "d1"
    assert set(first) >= {"score", "score_lo", "score_hi", "class", "call"}


def test_samples_and_taxa_are_renamed_by_a_mapping_or_a_function(profiles):
    first, second = profiles.sample_ids[:2]
    swapped = profiles.rename({first: second, second: first})
    assert swapped.sample_ids[:2] == [second, first]
    assert (swapped.to_numpy() == profiles.to_numpy()).all()
    assert profiles.rename(str.upper).sample_ids == [one.upper() for one in profiles.sample_ids]
    taxon = profiles.taxa[0]
    renamed = profiles.rename(taxa={taxon: "s__Blautia_massiliensis"})
    assert renamed.names[0] == "Blautia_massiliensis"
    assert renamed.rename(taxa={"s__Blautia_massiliensis": taxon}).taxa == profiles.taxa


def test_a_name_that_is_not_there_or_would_be_there_twice_is_refused(profiles):
    with pytest.raises(dm.InputError, match="no sample `nobody`"):
        profiles.rename({"nobody": "x"})
    with pytest.raises(dm.InputError, match="more than once"):
        profiles.rename(lambda _: "same")


def test_check_says_what_a_file_is_taken_for(tmp_path):
    path = tmp_path / "donors.csv"
    path.write_text("taxon,d1\ns__Blautia_obeum,60.5\ns__Dorea_longicatena,39.5\n")
    decided = {one.question: one.answer for one in dm.check(path)}
    assert decided["unit"] == "percent"
    assert decided["orientation"] == "taxa_in_rows"
    told = dm.check(path, unit="percent", ignore_columns=[])
    assert ("unit", "percent", "as declared") in told
    with pytest.raises(dm.ParameterError, match="`units` is no option"):
        dm.check(path, units="percent")
    with pytest.raises(dm.InputError):
        dm.check(path, orientation="samples_in_rows")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_a_frame_that_are_no_taxa_are_left_out(library):
    columns = {
        "sample_id": ["a", "b"],
        "s__Blautia_obeum": [60.5, 10.0],
        "s__Dorea_longicatena": [39.5, 90.0],
        "age": [60.0, 61.0],
        "site": ["x", "y"],
    }
    frame = pytest.importorskip(library).DataFrame(columns)
    read = getattr(dm.Profiles, f"from_{library}")
    with pytest.raises(
        (dm.InputError, dm.ParameterError), match=r"`ignore_columns`|`sample_column`"
    ):
        read(frame, sample_column="sample_id", unit="percent")
    found = read(frame, sample_column="sample_id", unit="percent", ignore_columns=["age", "site"])
    assert found.taxa == ["s__Blautia_obeum", "s__Dorea_longicatena"]
    with pytest.raises(dm.InputError, match="`nothing`"):
        read(frame, sample_column="sample_id", ignore_columns=["age", "site", "nothing"])


def test_ranks_can_be_said_where_an_array_does_not_tell():
    taxa = ["k__B", "k__B|s__X_y", "k__B|s__X_z"]
    values = [[30, 10, 20]]

    def read(**options):
        return dm.Profiles.from_numpy(values, sample_ids=["a"], taxa=taxa, unit="count", **options)

    assert read(ranks="repeated").n_taxa == 2
    assert read(ranks="disjoint").n_taxa == 3


def test_check_tells_tables_of_metadata_from_profiles(tmp_path):
    outcomes = "donor_id,recipient_id,regimen,response\nd1,r1,anti-pd-1,R\n"
    decisions = dm.check(io.StringIO(outcomes))
    assert decisions[0].answer == "outcomes"
    assert "1 with a known response" in decisions[0].reason
    patients = tmp_path / "patients.tsv"
    patients.write_text("sample_id\tresponse_orr\nS1\tR\n")
    named = dm.check(patients, content="patients", columns={"response": "response_orr"})
    assert "`response` is the column `response_orr`" in [one.answer for one in named]
    with pytest.raises(dm.ParameterError, match="`respnse` is none of the roles"):
        dm.check(patients, content="patients", columns={"respnse": "response_orr"})
    with pytest.raises(dm.ParameterError, match="expected `profiles` or one of"):
        dm.check(patients, content="patient")
