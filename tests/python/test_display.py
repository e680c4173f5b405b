"""What notebooks show: every text escaped, no script, verdicts by word and color."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import donormatch as dm

VOID = {"br", "circle", "line"}


class Checked(HTMLParser):
    """Fails on a tag that is not closed in order; keeps tags and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


def shown(thing):
    page = thing._repr_html_()
    for bad in ("<script", "http:", "https:", "onerror"):
        assert bad not in page
    return Checked(page)


@pytest.fixture(scope="module")
def cohort():
    return dm.simulate(n_donors=3, n_recipients=2)


@pytest.fixture(scope="module")
def ranking(cohort):
    return dm.rank_donors(
        cohort.donors.rename({cohort.donors.sample_ids[0]: "<script>d</script>"}),
        cohort.recipients,
        metadata=cohort.contexts,
        n_draws=20,
        max_draws=0,
    )


def test_a_ranking_shows_every_recipient_with_verdicts_in_words_and_bars(ranking):
    page = shown(ranking)
    assert sum(tag == "details" for tag, _ in page.tags) == 2
    assert "research use only" in page.text
    words = {row["verdict"].replace("_", " ") for row in ranking.rows}
    assert all(word in page.text for word in words)
    bars = [attrs["aria-label"] for tag, attrs in page.tags if tag == "svg"]
    row = ranking.rows[0]
    lo, hi = 100 * row["p_response_lo"], 100 * row["p_response_hi"]
    assert f"{100 * row['p_response']:.0f} % ({lo:.0f}–{hi:.0f})" in bars


def test_colors_of_text_are_those_of_the_page(ranking):
    page = ranking._repr_html_()
    assert not re.search(r"(?<!-)\bcolor:#", page)
    assert "color:inherit" in page


def test_an_assignment_shows_pairs_and_who_has_none(ranking):
    page = shown(ranking.assign())
    assert "Without a donor: nobody" in page.text
    assert ranking.rows[0]["recipient_id"] in page.text


def test_a_matcher_shows_what_it_learned_from_and_how_well_it_did():
    matcher = dm.Matcher.bundled()
    page = shown(matcher)
    first = matcher.header["metrics"][0]
    assert f"{first['value']:.2f} ({first['lo']:.2f}–{first['hi']:.2f})" in page.text
    assert "learned from patients" in page.text
    assert all(warning in page.text for warning in matcher.header["warnings"])
    assert "not fitted" in shown(dm.Matcher()).text


def test_cohorts_show_how_much_of_each_column_is_known(profiles):
    table = b"sample_id\tresponse\tcohort\nd1\tR\tA\nd2\tNR\tA\nr1\t\tB\n"
    page = shown(dm.PatientCohort(__import__("io").BytesIO(table), profiles, target="species"))
    assert "2 of 3" in page.text
    assert "responders" in page.text


def test_profiles_show_metadata_and_notes(profiles):
    page = shown(profiles.with_metadata({s: {"arm": "<i>"} for s in profiles.sample_ids}))
    assert "arm" in page.text
    assert "<i>" in page.text
    assert "i" not in {tag for tag, _ in page.tags}


def test_evidence_and_harmonization_show_tables(profiles):
    assert "melanoma" in shown(dm.Matcher.bundled().evidence("cells")).text
    assert "HarmonizationReport" in shown(profiles.harmonize()[1]).text


def test_versions_name_what_is_installed(capsys):
    dm.show_versions()
    told = capsys.readouterr().out
    assert f"donormatch: {dm.__version__}" in told
    assert f"numpy: {np.__version__}" in told


def test_an_evaluation_of_nothing_is_refused():
    with pytest.raises(dm.ParameterError, match="`patients`"):
        dm.Matcher().evaluate()
