"""Simulated trials under policies that allocate donors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from donormatch import _core, _html
from donormatch._convert import settings_json
from donormatch._errors import ParameterError
from donormatch._optional import optional

if TYPE_CHECKING:
    import pandas as pd

    from donormatch._matcher import Matcher

PolicyName = Literal["even", "blocked", "prior", "thompson", "greedy"]


@dataclass(frozen=True)
class TrialDonor:
    """A donor as a policy sees it.

    Attributes
    ----------
    trait_value : float
        Its known trait, standard normal over donors.
    prior_score : float
        What was predicted of its effect before the trial, in standard deviations.
    is_rich : bool
        Whether it is rich in Prevotellaceae.
    n_given : int
        Transplants given so far.
    is_available : bool
        Whether it has a dose.
    """

    trait_value: float
    prior_score: float
    is_rich: bool
    n_given: int
    is_available: bool


@dataclass(frozen=True)
class KnownOutcome:
    """A transplant whose outcome is known.

    Attributes
    ----------
    donor : int
        Number of the donor.
    trait_value : float
        The recipient's trait.
    is_dual : bool
        Whether the recipient received both inhibitors.
    response : bool
        Whether it responded.
    severe : bool
        Whether it had a severe event.
    """

    donor: int
    trait_value: float
    is_dual: bool
    response: bool
    severe: bool


@dataclass(frozen=True)
class TrialView:
    """What a policy is shown when a recipient is to be allocated.

    Attributes
    ----------
    number : int
        The recipient's place in the order of enrolment, from 0.
    trait_value : float
        Its known trait, standard normal over recipients.
    is_dual : bool
        Whether it receives both inhibitors.
    donors : tuple of TrialDonor
        The donors, by number.
    outcomes : tuple of KnownOutcome
        The outcomes known by now, in the order in which they became known.
    """

    number: int
    trait_value: float
    is_dual: bool
    donors: tuple[TrialDonor, ...]
    outcomes: tuple[KnownOutcome, ...]


PolicyFunction: TypeAlias = Callable[[TrialView], Sequence[float]]


@dataclass(frozen=True)
class DesignReport:
    """What a design shows, policy by policy.

    Attributes
    ----------
    rows : list of dict
        One a policy: ``responders`` and ``regret`` a trial, ``power_donor`` (by permutation),
        ``power_donor_rerandomized``, ``power_matching``, ``power_transplant``, ``p_stopped``,
        ``p_prefer``, ``prefer_true``, ``n_to_prefer`` and their standard errors; None where a
        figure does not apply.
    curves : dict of list of float
        By policy, the responders that the best donor for each would have added, after each
        recipient, in sum so far.
    """

    rows: list[dict[str, Any]]
    curves: dict[str, list[float]]

    def to_pandas(self) -> pd.DataFrame:
        """One row a policy.

        Returns
        -------
        pandas.DataFrame
            The rows, indexed by policy.

        Examples
        --------
        >>> report = compare_policies(policies=["even"], n_trials=5)
        >>> list(report.to_pandas().index)
        ['even']
        """
        pandas = optional("pandas", "a frame of a design")
        frame: pd.DataFrame = pandas.DataFrame(self.rows).set_index("policy")
        return frame

    def _repr_html_(self) -> str:
        shown = [name for name in self.rows[0] if any(row[name] is not None for row in self.rows)]
        cells = [[_shown(row[name]) for name in shown] for row in self.rows]
        return _html.table("Simulated trials", shown, cells, len(cells))


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class SimulatedTrial:
    """One simulated trial.

    Attributes
    ----------
    allocations : list of dict
        One a recipient: ``week``, ``donor`` (its number, or None), the ``probabilities`` of the
        donors when it was chosen, ``is_control``, ``response`` (None after dropout), ``severe``,
        ``true_p_response``, ``true_p_best`` and what the policy was shown.
    donor_effects : list of float
        True effect of each donor, in log-odds.
    """

    allocations: list[dict[str, Any]]
    donor_effects: list[float]

    def log(self) -> list[dict[str, Any]]:
        """The log that :func:`policy_value` reads.

        Returns
        -------
        list of dict
            Of each transplant with a known outcome: `donor`, `probabilities` and `outcome`.

        Examples
        --------
        >>> log = simulate_trial({"p_dropout": 0.0, "n_recipients": 4}).log()
        >>> len(log), len(log[0]["probabilities"])
        (4, 6)
        """
        return [
            {
                "donor": one["donor"],
                "probabilities": one["probabilities"],
                "outcome": float(one["response"]),
            }
            for one in self.allocations
            if one["donor"] is not None and one["response"] is not None
        ]


def compare_policies(
    scenario: Mapping[str, Any] | None = None,
    *,
    policies: Sequence[PolicyName] | Mapping[str, PolicyFunction] | None = None,
    learner: Literal["beta", "posterior"] = "beta",
    true_effects: Literal["set", "posterior"] = "set",
    matcher: Matcher | None = None,
    floor: float = 0.1,
    n_trials: int = 1000,
    n_permutations: int = 199,
    n_rerandomizations: int = 0,
    level: float = 0.05,
    prefer_above: float = 0.8,
    acceptable_severe: float | None = None,
    seed: int = 0,
) -> DesignReport:
    """Simulate trials under allocation policies: what a design can show.

    Every policy meets the same donors, recipients and chances.

    Parameters
    ----------
    scenario : mapping, optional
        What differs from the default trial, by name: ``n_recipients`` (40), ``n_donors`` (6),
        ``n_screened`` and ``pass_rate`` (1/40), ``p_response`` (0.3), ``donor_effects``
        (``{"normal": sd}``, ``{"fixed": [...]}`` or ``{"rare": {"share": p, "log_odds": d}}``),
        ``match_effect``, ``prior_skill``, ``transplant_effect``, ``control_share``,
        ``p_failed_engraftment``, ``dual_share``, ``p_severe``, ``severe_dual``, ``rich_share``,
        ``severe_rich``, ``severe_rich_dual``, ``recipients_per_week``, ``outcome_weeks``,
        ``p_dropout``, ``p_death``, ``doses_per_batch``, ``weeks_between_batches``,
        ``expiry_weeks`` and ``n_rooms``.
    policies : sequence of str or mapping of str to callable, optional
        Words, or functions by name: each is shown a :class:`TrialView` and gives the probability
        of every donor, 0 without a dose. All five of the library where None.
    learner : {"beta", "posterior"}
        What policies and verdicts learn by: a Beta posterior a donor, or the joint posterior of
        `matcher`.
    true_effects : {"set", "posterior"}
        ``"set"`` by the scenario (power at one value), or drawn from the joint posterior of
        `matcher` in each trial (assurance).
    matcher : Matcher, optional
        Whose joint posterior is read; the bundled one where it is needed and None.
    floor : float, default 0.1
        Share that learning policies allocate evenly.
    n_trials : int, default 1000
        Simulated trials.
    n_permutations : int, default 199
        Permutations of each test; 0 leaves the tests out.
    n_rerandomizations : int, default 0
        New allocations of the randomization test of donors, each as costly as a trial.
    level : float, default 0.05
        Level of the tests.
    prefer_above : float, default 0.8
        Probability to be better than the mean donor from which on one is preferred.
    acceptable_severe : float, optional
        Rate of severe events that is acceptable, for a stopping rule.
    seed : int, default 0
        Seed of everything drawn.

    Returns
    -------
    DesignReport
        A row and a curve of regret for each policy.

    Raises
    ------
    ParameterError
        A number that is not possible, or a policy that gives no probabilities.

    See Also
    --------
    simulate_trial : One of the trials, with every probability.
    policy_value : What another policy would have been worth.

    Examples
    --------
    >>> rare = {"p_response": 0.1, "donor_effects": {"rare": {"share": 0.2, "log_odds": 3.0}}}
    >>> report = compare_policies(rare, policies=["even", "thompson"], n_trials=200)
    >>> even, thompson = report.rows
    >>> thompson["responders"] > even["responders"]
    True
    """
    settings = {
        "scenario": dict(scenario or {}),
        "learner": learner,
        "true_effects": true_effects,
        "n_trials": n_trials,
        "n_permutations": n_permutations,
        "n_rerandomizations": n_rerandomizations,
        "level": level,
        "prefer_above": prefer_above,
        "acceptable_severe": acceptable_severe,
        "seed": seed,
    }
    reads = "posterior" in (learner, true_effects)
    compiled = _compiled(matcher) if reads or matcher is not None else None
    if isinstance(policies, Mapping):
        reports = [
            json.loads(
                _core.compare_policy(settings_json(**settings), compiled, name, _of_json(policy))
            )
            for name, policy in policies.items()
        ]
    else:
        words = ["even", "blocked", "prior", "thompson", "greedy"] if policies is None else policies
        named = [_policy(word, floor, learner, prefer_above) for word in words]
        said = settings_json(**settings, policies=named)
        reports = [json.loads(_core.compare_policies(said, compiled))]
    curves = [curve for report in reports for curve in report["curves"]]
    return DesignReport(
        rows=[row for report in reports for row in report["rows"]],
        curves={curve["policy"]: curve["regret"] for curve in curves},
    )


def simulate_trial(
    scenario: Mapping[str, Any] | None = None,
    *,
    policy: PolicyName = "even",
    learner: Literal["beta", "posterior"] = "beta",
    true_effects: Literal["set", "posterior"] = "set",
    matcher: Matcher | None = None,
    floor: float = 0.1,
    number: int = 0,
    seed: int = 0,
) -> SimulatedTrial:
    """Simulate one of the trials of :func:`compare_policies`.

    Parameters
    ----------
    scenario : mapping, optional
        As in :func:`compare_policies`.
    policy : {"even", "blocked", "prior", "thompson", "greedy"}
        Who gets which donor.
    learner : {"beta", "posterior"}
        As in :func:`compare_policies`.
    true_effects : {"set", "posterior"}
        As in :func:`compare_policies`.
    matcher : Matcher, optional
        As in :func:`compare_policies`.
    floor : float, default 0.1
        As in :func:`compare_policies`.
    number : int, default 0
        Which of the trials, from 0.
    seed : int, default 0
        As in :func:`compare_policies`.

    Returns
    -------
    SimulatedTrial
        Every allocation with its probabilities, and the truth.

    Examples
    --------
    >>> trial = simulate_trial({"n_recipients": 5}, policy="thompson")
    >>> len(trial.allocations)
    5
    """
    reads = "posterior" in (learner, true_effects)
    compiled = _compiled(matcher) if reads or matcher is not None else None
    said = settings_json(
        scenario=dict(scenario or {}), learner=learner, true_effects=true_effects, seed=seed
    )
    chosen = json.dumps(_policy(policy, floor, learner, 0.8))
    found = json.loads(_core.simulate_trial(said, compiled, chosen, number))
    return SimulatedTrial(allocations=found["allocations"], donor_effects=found["donor_effects"])


def _compiled(matcher: Matcher | None) -> _core.Matcher:
    from donormatch._matcher import bundled_matcher

    return (bundled_matcher() if matcher is None else matcher)._fitted()


def _policy(word: str, floor: float, learner: str, prefer_above: float) -> Any:
    if word == "prior":
        return {"prior": {"match_weight": 1.0}}
    if word == "thompson":
        return {"thompson": {"floor": floor, "learner": learner}}
    if word == "greedy":
        return {"greedy": {"floor": floor, "prefer_above": prefer_above, "learner": learner}}
    if word in ("even", "blocked"):
        return word
    message = "`policies`: expected `even`, `blocked`, `prior`, `thompson` or `greedy`, "
    raise ParameterError(message + f"found `{word}`")


def _of_json(policy: PolicyFunction) -> Callable[[str], list[float]]:
    def probabilities(view: str) -> list[float]:
        said = json.loads(view)
        shown = TrialView(
            **said["recipient"],
            donors=tuple(TrialDonor(**one) for one in said["donors"]),
            outcomes=tuple(KnownOutcome(**one) for one in said["outcomes"]),
        )
        return [float(one) for one in policy(shown)]

    return probabilities
