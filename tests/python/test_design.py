"""Plans from Python: the figures of the core, those of SciPy, and wishes that cannot be."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import donormatch
from donormatch import design


def test_intervals_and_tests_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for k, n in [(3, 20), (0, 7), (7, 7), (13, 20)]:
        expected = stats.binomtest(k, n).proportion_ci(0.9, method="exact")
        assert design.clopper_pearson(k, n, level=0.9) == pytest.approx(tuple(expected), rel=1e-9)
    expected = stats.fisher_exact([[1, 8], [8, 1]])[1]
    assert design.fisher_exact((1, 9), (8, 9)) == pytest.approx(expected, rel=1e-9)


def test_a_safety_boundary_is_looked_at_by_simulation() -> None:
    numpy = pytest.importorskip("numpy")
    boundary = design.safety_boundary(30, acceptable_rate=0.2, rates=[0.2, 0.4])
    assert boundary.p_stop_if_acceptable <= 0.05
    stop_at = numpy.array([31 if stop is None else stop for stop in boundary.stop_at])
    events = numpy.random.default_rng(0).random((40_000, 30))
    for rate, p_stop, _ in boundary.at_rates:
        seen = numpy.cumsum(events < rate, axis=1)
        share = (seen >= stop_at).any(axis=1).mean()
        # Four standard errors of 40,000 simulated trials.
        assert share == pytest.approx(p_stop, abs=4 * (0.25 / 40_000) ** 0.5)


def test_a_bayesian_boundary_takes_a_prior() -> None:
    strict = design.safety_boundary(20, acceptable_rate=0.2, threshold=0.9, prior=(1, 4))
    loose = design.safety_boundary(20, acceptable_rate=0.2, threshold=0.9, prior=(1, 40))
    assert strict.stop_at[9] == 5
    assert loose.stop_at[9] is None or loose.stop_at[9] > 5
    assert strict.look_level is None


def test_wishes_that_cannot_be_are_named() -> None:
    with pytest.raises(donormatch.ParameterError, match="`prevalence`"):
        design.prediction_sample_size(n_parameters=5, prevalence=0.0, cox_snell=0.1)
    with pytest.raises(donormatch.ParameterError, match="`cox_snell`"):
        design.prediction_sample_size(n_parameters=5, prevalence=0.05, cox_snell=0.5)
    with pytest.raises(donormatch.ParameterError, match="`threshold`"):
        design.safety_boundary(20, acceptable_rate=0.2, threshold=0.9, type_one_error=0.1)
    with pytest.raises(donormatch.ParameterError, match="`certainty`"):
        design.donors_to_screen(3, certainty=1.0)


def test_the_shell_says_the_same() -> None:
    command = [sys.executable, "-m", "donormatch", "plan", "donors", "--n-eligible", "3", "--json"]
    whole = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    (there,) = whole["rows"]
    here = design.donors_to_screen(3)
    assert (there["n_donors"], there["reached"]) == (here.n_donors, here.reached)
