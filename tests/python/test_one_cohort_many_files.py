"""One cohort, written in six formats and four vocabularies, gives one ranking."""

from __future__ import annotations

import csv
import json
import pathlib
import subprocess
import sys

import pytest

import donormatch as dm

SEED = 3
VOCABULARIES = pathlib.Path(__file__).parents[1] / "data/vocabularies.tsv"
pytestmark = pytest.mark.filterwarnings("ignore::donormatch.DonorMatchWarning")


def species_names():
    """Name in the simulation -> its row of MetaPhlAn's own table of SGBs and GTDB r207 species."""
    with VOCABULARIES.open(encoding="utf-8") as file:
        return {row["species"]: row for row in csv.DictReader(file, delimiter="\t")}


NAMES = species_names()


def as_simulated(label):
    return label


def in_gtdb(label):
    row = NAMES[label.removeprefix("s__")]
    if row["mapping"] == "absent":
        return "d__Bacteria;s__" + row["species"].replace("_", " ")
    ranks = f"f__{row['gtdb_family']};g__{row['gtdb_genus']};s__{row['gtdb_species']}"
    return f"d__Bacteria;{ranks}"


def in_metaphlan(label):
    row = NAMES[label.removeprefix("s__")]
    genus = row["species"].split("_")[0]
    species = f"k__Bacteria|f__{row['mpa_family']}|g__{genus}|s__{row['species']}"
    return f"{species}|t__{row['sgb']}" if row["mapping"] == "one" else species


def in_ncbi(label):
    return label.removeprefix("s__").replace("_", " ")


VOCABULARY = {
    "synthetic": as_simulated,
    "ncbi": in_ncbi,
    "gtdb_r207": in_gtdb,
    "mpa_vJan21": in_metaphlan,
}


@pytest.fixture(scope="module")
def cohort():
    return dm.simulate(n_donors=3, n_recipients=2, seed=SEED)


@pytest.fixture(scope="module")
def frames(cohort):
    """Donors and recipients as fractions."""
    pytest.importorskip("pandas", reason="the tables are laid out by pandas")
    return [side.closure().to_pandas() for side in (cohort.donors, cohort.recipients)]


def rank(donors, recipients):
    found = dm.rank_donors(
        donors, recipients, regimen="anti-pd-1", cancer="melanoma", line="refractory", n_draws=40
    )
    return found.rows


def assert_same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours["recipient_id"], ours["donor_id"]) == (
            theirs["recipient_id"],
            theirs["donor_id"],
        )
        assert ours["p_response"] == pytest.approx(theirs["p_response"], abs=1e-9)
        assert ours["utility"] == pytest.approx(theirs["utility"], abs=1e-9)


def as_tsv(frame, path):
    frame.rename_axis("sample_id").to_csv(path, sep="\t")


def as_transposed_tsv(frame, path):
    frame.T.rename_axis("taxon").to_csv(path, sep="\t")


def as_percent_csv(frame, path):
    (frame * 100).rename_axis("sample_id").to_csv(path)


def as_parquet(frame, path):
    pytest.importorskip("pyarrow", reason="Parquet is written by pyarrow")
    frame.rename_axis("sample_id").to_parquet(path)


def as_h5ad(frame, path):
    anndata = pytest.importorskip("anndata", reason="h5ad is written by anndata")
    anndata.AnnData(frame).write_h5ad(path)


def as_biom(frame, path):
    rows, columns = frame.to_numpy().nonzero()
    cells = [
        [int(taxon), int(sample), float(frame.iat[sample, taxon])]
        for sample, taxon in zip(rows, columns, strict=True)
    ]
    table = {
        "id": "synthetic",
        "format": "Biological Observation Matrix 1.0.0",
        "format_url": "http://biom-format.org",
        "type": "OTU table",
        "generated_by": "test",
        "date": "2026-01-01T00:00:00",
        "matrix_type": "sparse",
        "matrix_element_type": "float",
        "shape": [frame.shape[1], frame.shape[0]],
        "rows": [{"id": str(taxon), "metadata": None} for taxon in frame.columns],
        "columns": [{"id": str(sample), "metadata": None} for sample in frame.index],
        "data": cells,
    }
    path.write_text(json.dumps(table), encoding="utf-8")


WRITERS = {
    "tsv": as_tsv,
    "transposed.tsv": as_transposed_tsv,
    "percent.csv": as_percent_csv,
    "parquet": as_parquet,
    "h5ad": as_h5ad,
    "biom": as_biom,
}


def written(frames, vocabulary, name, folder):
    """The paths of donors and recipients in one vocabulary and one format."""
    paths = [folder / f"{side}.{name}" for side in ("donors", "recipients")]
    for frame, path in zip(frames, paths, strict=True):
        WRITERS[name](frame.rename(columns=VOCABULARY[vocabulary]), path)
    return paths


def read_written(paths, name):
    unit = "percent" if name.startswith("percent") else "fraction"
    return [dm.read_profiles(path, unit=unit) for path in paths]


@pytest.mark.parametrize("vocabulary", VOCABULARY)
@pytest.mark.parametrize("name", WRITERS)
def test_neither_format_nor_vocabulary_changes_the_ranking(
    name, vocabulary, cohort, frames, tmp_path
):
    tables = read_written(written(frames, vocabulary, name, tmp_path), name)
    assert_same(rank(*tables), rank(cohort.donors, cohort.recipients))


def test_the_command_line_gives_the_same_ranking(cohort, frames, tmp_path):
    expected = rank(cohort.donors, cohort.recipients)
    for vocabulary in VOCABULARY:
        donors, recipients = written(frames, vocabulary, "tsv", tmp_path)
        command = [sys.executable, "-m", "donormatch", "rank", "--json", "--n-draws", "40"]
        command += [str(donors), str(recipients), "--unit", "fraction"]
        command += ["--regimen", "anti-pd-1", "--cancer", "melanoma", "--line", "refractory"]
        out = subprocess.run(command, check=True, capture_output=True, text=True)
        assert_same(json.loads(out.stdout)["rows"], expected)


@pytest.mark.parametrize("vocabulary", [name for name in VOCABULARY if name != "synthetic"])
def test_the_names_differ_so_that_the_ranking_could(vocabulary, frames):
    labels = [VOCABULARY[vocabulary](label) for label in frames[0].columns]
    assert len(set(labels)) == len(labels)
    assert not set(labels) & set(frames[0].columns)


def test_a_species_under_the_name_of_another_changes_the_ranking(cohort, frames):
    wrong = {"s__Blautia_wexlerae": "s__Escherichia_coli"}
    wrong |= {new: old for old, new in wrong.items()}
    tables = [
        dm.Profiles.from_pandas(frame.rename(columns=wrong), unit="fraction") for frame in frames
    ]
    with pytest.raises(AssertionError):
        assert_same(rank(*tables), rank(cohort.donors, cohort.recipients))


def test_a_third_of_the_species_has_another_name_in_gtdb():
    found = [row for row in NAMES.values() if row["mapping"] != "absent"]
    others = [row for row in found if row["gtdb_species"].replace(" ", "_") != row["species"]]
    assert len(others) > len(found) / 3, (len(others), len(found))
