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


RARE = {
    "p_response": 0.1,
    "n_recipients": 60,
    "outcome_weeks": 8.0,
    "donor_effects": {"rare": {"share": 0.2, "log_odds": 3.0}},
}


def test_what_learns_gains_where_good_donors_are_rare() -> None:
    report = design.compare_policies(RARE, policies=["even", "thompson"], n_trials=200)
    even, thompson = report.rows
    error = (even["responders_se"] ** 2 + thompson["responders_se"] ** 2) ** 0.5
    assert thompson["responders"] > even["responders"] + 2 * error
    assert len(report.curves["even"]) == 60
    assert report.curves["even"][-1] == pytest.approx(even["regret"], rel=1e-12)
    assert "thompson" in report._repr_html_()


def test_a_function_is_a_policy_and_its_exceptions_come_through() -> None:
    def first(view: design.TrialView) -> list[float]:
        at = next(at for at, donor in enumerate(view.donors) if donor.is_available)
        assert len(view.outcomes) <= view.number
        return [float(number == at) for number in range(len(view.donors))]

    report = design.compare_policies(policies={"first": first}, n_trials=5, n_permutations=0)
    assert report.rows[0]["policy"] == "first"
    assert report.rows[0]["least_probability"] == 1.0

    def broken(view: design.TrialView) -> list[float]:
        raise LookupError("no such donor")

    with pytest.raises(LookupError, match="no such donor"):
        design.compare_policies(policies={"broken": broken}, n_trials=5)
    with pytest.raises(donormatch.ParameterError, match="sum to 1"):
        design.compare_policies(policies={"zero": lambda view: [0.0] * 6}, n_trials=5)


def test_a_policy_equal_to_the_trial_s_own_is_worth_what_was_observed() -> None:
    trial = design.simulate_trial(RARE, policy="thompson")
    log = trial.log()
    own = design.policy_value(log, [one["probabilities"] for one in log])
    assert own.inverse_propensity == pytest.approx(own.observed)
    assert own.unsupported == 0.0
    assert own.doubly_robust is None
    other = [[1.0, 0.0]] * 2
    coin = [
        {"donor": 1, "probabilities": [0.0, 1.0], "outcome": 1.0},
        {"donor": 1, "probabilities": [0.0, 1.0], "outcome": 0.0},
    ]
    bounded = design.policy_value(coin, other)
    assert bounded.inverse_propensity is None
    assert bounded.bounds == (0.0, 1.0)


def test_scenarios_are_checked_by_name() -> None:
    for scenario, name in [
        ({"n_recipient": 3}, "scenario"),
        ({"p_response": 1.0}, "p_response"),
        ({"donor_effects": {"fixed": [1.0]}}, "donor_effects"),
    ]:
        with pytest.raises(donormatch.ParameterError, match=name):
            design.compare_policies(scenario, n_trials=5)
    with pytest.raises(donormatch.ParameterError, match="`best`"):
        design.compare_policies(policies=["best"], n_trials=5)  # type: ignore[list-item]


def test_effects_are_drawn_from_the_joint_posterior() -> None:
    report = design.compare_policies(
        {"n_recipients": 20},
        policies=["thompson"],
        learner="posterior",
        true_effects="posterior",
        n_trials=10,
        n_permutations=0,
    )
    assert 0.0 < report.rows[0]["responders"] < 20.0


def test_pools_are_chosen_and_donors_that_add_nothing_found() -> None:
    utility = [[1.0, 0.6, 0.0, 0.1], [0.0, 0.6, 1.0, 0.1]]
    chosen = design.choose_pool(utility, 2)
    assert (chosen.donors, chosen.is_exact, chosen.value) == ((0, 2), True, 1.0)
    greedy = design.choose_pool(utility, 2, n_exact=0)
    assert not greedy.is_exact
    assert greedy.value <= chosen.value <= greedy.bound
    last = design.donors_of_pool(utility, [0, 2])[3]
    assert (last.adds, last.first_for) == (0.0, 0.0)


def test_the_power_of_fishers_test_is_that_of_every_table() -> None:
    stats = pytest.importorskip("scipy.stats")
    (n, first), (m, second), level = (9, 0.7), (14, 0.25), 0.1
    expected = sum(
        stats.binom.pmf(a, n, first) * stats.binom.pmf(b, m, second)
        for a in range(n + 1)
        for b in range(m + 1)
        if stats.fisher_exact([[a, n - a], [b, m - b]])[1] <= level
    )
    assert design.fisher_power((n, first), (m, second), level=level) == pytest.approx(expected)
    plan = design.two_groups((first, second), ratio=1.5, level=level)
    groups = (plan.n_first, first), (plan.n_second, second)
    assert plan.power == design.fisher_power(*groups, level=level) >= 0.8
    with pytest.raises(donormatch.ParameterError, match="rates"):
        design.two_groups((0.3, 0.3))
