"""One cohort, written in six formats, gives one ranking."""

from __future__ import annotations

import json

import pytest

import donormatch as dm

SEED = 3


@pytest.fixture(scope="module")
def cohort():
    return dm.simulate(n_donors=3, n_recipients=2, seed=SEED)


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


def as_tsv(profiles, path):
    profiles.to_pandas().rename_axis("sample_id").to_csv(path, sep="\t")


def as_transposed_tsv(profiles, path):
    profiles.to_pandas().T.rename_axis("taxon").to_csv(path, sep="\t")


def as_percent_csv(profiles, path):
    (profiles.to_pandas() * 100).rename_axis("sample_id").to_csv(path)


def as_parquet(profiles, path):
    pytest.importorskip("pyarrow", reason="Parquet is written by pyarrow")
    profiles.to_pandas().rename_axis("sample_id").to_parquet(path)


def as_h5ad(profiles, path):
    pytest.importorskip("anndata", reason="h5ad is written by anndata")
    profiles.to_anndata().write_h5ad(path)


def as_biom(profiles, path):
    frame = profiles.to_pandas()
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


@pytest.mark.filterwarnings("ignore::donormatch.DonorMatchWarning")
@pytest.mark.parametrize("name", WRITERS)
def test_a_file_format_does_not_change_the_ranking(name, cohort, tmp_path):
    pytest.importorskip("pandas", reason="the tables are laid out by pandas")
    tables = []
    for side, profiles in (("donors", cohort.donors), ("recipients", cohort.recipients)):
        path = tmp_path / f"{side}.{name}"
        WRITERS[name](profiles.closure(), path)
        unit = "percent" if name.startswith("percent") else "fraction"
        tables.append(dm.read_profiles(path, unit=unit))
    assert_same(rank(*tables), rank(cohort.donors, cohort.recipients))
