"""Signatures, their membership in a table, and TOPOSCORE."""

from __future__ import annotations

import csv
import gzip
import io
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import donormatch as dm

LIST = "# name: butyrate\n# version: 3\n# source: mine\ntaxon\tnote\nRoseburia hominis\tx\n"


def table(**settings):
    return dm.Profiles.from_numpy(
        [[20.0, 30.0, 50.0], [0.0, 0.0, 100.0]],
        sample_ids=["a", "b"],
        taxa=["s__Roseburia_hominis", "s__Eubacterium_rectale", "s__Escherichia_coli"],
        unit="percent",
        **settings,
    )


def test_built_in_signatures_are_listed_with_where_they_come_from():
    names = dm.signature_names()
    everything = dm.signatures()
    assert [one.name for one in everything] == names
    assert all(one.version >= 1 and one.title and one.source and one.evidence for one in everything)
    assert {"toposcore_sig1", "toposcore_sig2", "luminate_depletion", "oral"} <= set(names)
    # Derosa et al. 2024: 37 harmful, 45 favorable species.
    assert len(dm.signature("toposcore_sig1")) == 37
    assert len(dm.signature("toposcore_sig2")) == 45
    depleted = [member.name for member in dm.signature("luminate_depletion").members]
    assert depleted == [
        "Clostridium_innocuum",
        "Enterocloster_citroniae",
        "Enterocloster_lavalensis",
    ]


def test_an_unknown_signature_is_refused_with_the_names_there_are(profiles):
    with pytest.raises(dm.ParameterError, match=r"`signature`.*`toposcore_sig1`.*found `sig1`"):
        dm.signature("sig1")
    with pytest.raises(dm.ParameterError, match="found `sig1`"):
        profiles.membership("sig1")


def test_a_list_of_ones_own_reads_from_text_file_and_gzip(tmp_path):
    parsed = dm.Signature.parse(LIST)
    assert (parsed.name, parsed.version, parsed.source, parsed.title) == ("butyrate", 3, "mine", "")
    assert parsed.members == (dm.Member("Roseburia hominis", ("Roseburia_hominis",)),)
    path = tmp_path / "list.tsv"
    path.write_text(LIST)
    packed = tmp_path / "list.tsv.gz"
    packed.write_bytes(gzip.compress(LIST.encode()))
    assert dm.Signature.read(path) == dm.Signature.read(str(packed)) == parsed
    assert pickle.loads(pickle.dumps(parsed)) == parsed
    packed.write_bytes(gzip.compress(b"taxon\nBlautia obeum\n"))
    assert dm.Signature.read(packed).name == "list"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("taxon\n", "no members"),
        ("species\nBlautia obeum\n", "column `taxon`"),
        ("taxon\nBacteroides vulgatus\nPhocaeicola vulgatus\n", "one member"),
        ("# version: two\ntaxon\nBlautia obeum\n", "`version`"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_its_file(text, message, tmp_path):
    with pytest.raises(dm.InputError, match=message):
        dm.Signature.parse(text)
    path = tmp_path / "mine.tsv"
    path.write_text(text)
    with pytest.raises(dm.InputError, match=rf"mine\.tsv.*{message}"):
        dm.Signature.read(path)
    with pytest.raises(FileNotFoundError):
        dm.Signature.read(tmp_path / "none.tsv")


def test_members_present_and_their_fraction_are_as_by_hand():
    found = table().membership("toposcore_sig2")
    assert found.sample_ids == ["a", "b"]
    assert found.n_present.tolist() == [2, 0]
    np.testing.assert_allclose(found.summed_fraction, [0.5, 0.0], atol=1e-15)
    at = found.members.index("Roseburia_hominis")
    assert (found.status[at], found.taxa[at]) == ("measured", ["s__Roseburia_hominis"])
    assert (found.version, found.reaches_species, found.n_not_measurable) == (1, True, 0)
    assert len(found.members_without_column) == 43
    assert repr(found) == "Membership('toposcore_sig2', 2 of 45 members measured, 2 samples)"


def test_a_list_of_ones_own_is_laid_over_a_table_as_a_built_in_one_is():
    mine = dm.Signature.parse(
        "# name: mine\ntaxon\nRoseburia hominis, Agathobacter rectalis\ng__Escherichia\n"
    )
    found = table().membership(mine)
    assert found.n_present.tolist() == [2, 1]
    np.testing.assert_allclose(found.summed_fraction, [1.0, 1.0], atol=1e-15)
    several = table().memberships(["oral", mine])
    assert list(several) == ["oral", "mine"]
    assert several["mine"].taxa == found.taxa
    assert set(table().memberships()) == set(dm.signature_names())
    with pytest.raises(dm.ParameterError, match="two are called `mine`"):
        table().memberships([mine, mine])


def test_the_command_line_measures_the_same(tmp_path):
    pd = pytest.importorskip("pandas")
    path, mine = tmp_path / "profiles.tsv", tmp_path / "butyrate.tsv"
    table().write(path)
    mine.write_text(LIST)
    own = ["--signature", "oral", "--signature-file", str(mine)]
    done = subprocess.run(
        [sys.executable, "-m", "donormatch", "signatures", str(path), *own],
        capture_output=True,
        text=True,
        check=True,
    )
    found = table().memberships(["oral", dm.Signature.read(mine)])
    expected = pd.concat([one.to_pandas() for one in found.values()], ignore_index=True)
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(done.stdout), sep="\t"), expected)


def test_notebooks_show_tables_and_escape():
    mine = dm.Signature.parse("# name: mine\ntaxon\n<script>alert(1)</script>\n")
    assert "&lt;script&gt;" in mine._repr_html_()
    assert "<script" not in mine._repr_html_()
    assert "summed_fraction" in table().membership("oral")._repr_html_()


def test_a_filtered_table_does_not_say_absent():
    with pytest.warns(dm.MissingTaxaWarning, match="43 of 45 of `toposcore_sig2`"):
        found = table(completeness="filtered").membership("toposcore_sig2")
    assert found.n_not_measurable == 43
    assert set(found.status) == {"measured", "not_measurable"}


def test_the_toposcore_says_what_the_table_allows():
    complete, filtered = table().toposcore()[0], table(completeness="filtered").toposcore()[0]
    # k = 37 n2 - 45 n1 + 1665, of 3330: n2 = 2 favorable species, none harmful.
    assert complete["score"] == complete["score_lo"] == pytest.approx(1739 / 3330, abs=1e-15)
    assert (complete["n_sig1"], complete["n_sig2"], complete["class"]) == (0, 2, "sig1")
    assert (complete["akkermansia"], complete["akkermansia_class"]) == (0.0, "zero")
    # All 37 harmful or all 43 other favorable species may have been there.
    assert filtered["score_lo"] == pytest.approx(74 / 3330, abs=1e-15)
    assert filtered["score_hi"] == 1.0
    assert (filtered["class"], filtered["call"]) == ("undecided", "UNKNOWN")
    assert (filtered["akkermansia"], filtered["akkermansia_class"]) == (None, None)
    assert list(complete)[:4] == ["sample_id", "n_sig1", "n_sig2", "score"]


def vectors():
    path = Path(__file__).parents[1] / "data" / "toposcore" / "vectors.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


# Where they come from: tests/data/toposcore/README.md; the Rust tests read the same file.
@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["case"])
def test_every_published_vector_of_the_toposcore_is_met(vector):
    counts = int(vector["n_sig1_present"]), int(vector["n_sig2_present"])
    try:
        fraction = float(vector["akkermansia_pct"]) / 100
    except ValueError:
        fraction = None
    found = dm.toposcore_from_counts(*counts, fraction)
    assert found["score"] == pytest.approx(float(vector["S_exact"]), abs=5e-10)
    assert found["class"] == vector["class_round3_current_app"].lower()
    assert found["call"] == vector["final_round3"]
    exact = dm.toposcore_from_counts(*counts, fraction, cut_off="exact_roc")
    assert exact["class"] == vector["class_exact_ROC_threshold"].lower()


# Derosa et al. 2024, and the pair of counts for which its rounding decides (k = 1783).
def test_the_toposcore_of_counts_takes_bounds_and_cut_offs():
    rounded = dm.toposcore_from_counts(13, 19)
    exact = dm.toposcore_from_counts(13, 19, cut_off="exact_roc")
    assert (rounded["class"], exact["class"]) == ("sig1", "gray")
    calls = [dm.toposcore_from_counts(5, 25, fraction)["call"] for fraction in (None, 0.0, 0.012)]
    assert calls == ["UNKNOWN", "SIG1+", "SIG2+"]
    assert dm.toposcore_from_counts(5, 25, 0.04799)["call"] == "SIG1+"
    assert dm.toposcore_from_counts(0, (2, 45))["class"] == "undecided"
    assert dm.toposcore_from_counts(np.int64(0), np.int64(45))["score"] == 1.0
    for wrong in ((38, 0), (0, 46), (-1, 0), ((3, 2), 0)):
        with pytest.raises(dm.ParameterError, match="`n_sig"):
            dm.toposcore_from_counts(*wrong)
    with pytest.raises(dm.ParameterError, match="`akkermansia`"):
        dm.toposcore_from_counts(5, 25, 1.2)


def test_a_table_without_species_has_no_toposcore():
    genera = dm.Profiles.from_numpy(
        [[100.0]], sample_ids=["a"], taxa=["k__Bacteria;g__Prevotella"], unit="percent"
    )
    with pytest.raises(dm.InputError, match="species"):
        genera.toposcore()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dm.MissingTaxaWarning)
        assert not genera.membership("oral").reaches_species
