"""What a design can show before a trial starts: patients, donors, stopping for toxicity.

The same figures come from ``donormatch plan`` on the shell and ``trial::design`` in Rust.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from donormatch import _core
from donormatch._convert import options_json
from donormatch._errors import ParameterError

__all__ = [
    "DonorYield",
    "PredictionSampleSize",
    "SafetyBoundary",
    "TwoGroups",
    "clopper_pearson",
    "cox_snell_of_c_statistic",
    "donors_to_screen",
    "fisher_exact",
    "fisher_power",
    "prediction_sample_size",
    "safety_boundary",
    "two_groups",
]


@dataclass(frozen=True)
class PredictionSampleSize:
    """How many patients a prediction model of a binary outcome needs.

    Attributes
    ----------
    n : int
        Patients needed: the largest of the three criteria.
    n_shrinkage : int
        Patients so that the shrinkage of the effects is at most as asked for.
    n_optimism : int
        Patients so that apparent and adjusted R² (Nagelkerke) differ by at most 0.05.
    n_overall_risk : int
        Patients so that the overall risk is known to ±0.05.
    n_events : float
        Patients with the outcome among those needed.
    events_per_parameter : float
        The same per candidate parameter.
    max_cox_snell : float
        The largest R² of Cox and Snell at this prevalence.
    """

    n: int
    n_shrinkage: int
    n_optimism: int
    n_overall_risk: int
    n_events: float
    events_per_parameter: float
    max_cox_snell: float


@dataclass(frozen=True)
class DonorYield:
    """How many donors to screen for enough eligible ones.

    Attributes
    ----------
    n_donors : int
        Donors to screen.
    pass_rate : float
        The share of screened donors that pass.
    n_eligible : int
        Eligible donors wanted.
    certainty : float
        The certainty asked for.
    reached : float
        The certainty reached.
    expected : float
        Eligible donors expected among those screened.
    """

    n_donors: int
    pass_rate: float
    n_eligible: int
    certainty: float
    reached: float
    expected: float


@dataclass(frozen=True)
class SafetyBoundary:
    """The numbers of events at which a trial stops, and what that does.

    Attributes
    ----------
    stop_at : tuple of int or None
        After ``i + 1`` patients, the number of events at which to stop; None if no number does.
    p_stop_if_acceptable : float
        The probability of stopping at the acceptable rate.
    look_level : float or None
        The level at each look, of the Pocock rule.
    at_rates : tuple of (float, float, float)
        For each true rate asked for: the rate, the probability of stopping, and the patients
        treated by then, on average.
    """

    stop_at: tuple[int | None, ...]
    p_stop_if_acceptable: float
    look_level: float | None
    at_rates: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class TwoGroups:
    """The patients that tell two rates apart by Fisher's exact test.

    Attributes
    ----------
    n : int
        Patients of both groups.
    n_first, n_second : int
        Patients of each group.
    power : float
        The exact power with these.
    type_one_error : float
        The exact type-I error where both groups have the mean of the two rates.
    """

    n: int
    n_first: int
    n_second: int
    power: float
    type_one_error: float


def two_groups(
    rates: tuple[float, float], *, ratio: float = 1.0, level: float = 0.05, power: float = 0.8
) -> TwoGroups:
    """How many patients tell two rates apart by Fisher's exact test.

    Parameters
    ----------
    rates
        The rates of the first and the second group.
    ratio
        Patients of the second group for each of the first.
    level
        Level of the two-sided test.
    power
        Power wanted; the next sizes keep it too.

    Returns
    -------
    TwoGroups
        The patients needed.

    Raises
    ------
    ParameterError
        The rates are equal, out of range or too close for four thousand patients a group.

    Examples
    --------
    >>> two_groups((0.6, 0.1)).n
    34
    """
    params = options_json(rates=rates, ratio=ratio, level=level, power=power)
    return TwoGroups(**json.loads(_core.two_groups(params)))


def fisher_power(
    first: tuple[int, float], second: tuple[int, float], *, level: float = 0.05
) -> float:
    """The exact power of Fisher's two-sided test.

    Parameters
    ----------
    first, second
        Patients and true rate of two groups.
    level
        Level of the test.

    Returns
    -------
    float
        The probability that the test rejects.

    Examples
    --------
    >>> round(fisher_power((5, 0.6), (5, 0.1)), 3)
    0.224
    """
    return _core.fisher_power(first, second, level)


def prediction_sample_size(
    *, n_parameters: int, prevalence: float, cox_snell: float, shrinkage: float = 0.9
) -> PredictionSampleSize:
    """How many patients a prediction model of a binary outcome needs, by Riley's three criteria.

    Parameters
    ----------
    n_parameters : int
        Candidate parameters, all that the data may choose from.
    prevalence : float
        The share of patients with the outcome.
    cox_snell : float
        The R² of Cox and Snell that is expected of the model (:func:`cox_snell_of_c_statistic`).
    shrinkage : float, default=0.9
        The shrinkage aimed at.

    Returns
    -------
    PredictionSampleSize
        The patients needed, and those needed by each criterion.

    Raises
    ------
    ParameterError
        A rate is not between 0 and 1, or R² exceeds its largest value.

    References
    ----------
    Riley et al. 2019, Stat Med 38:1276. The figures are those of the package `pmsampsize`.

    Examples
    --------
    >>> prediction_sample_size(n_parameters=24, prevalence=0.174, cox_snell=0.288).n
    662
    """
    params = options_json(
        n_parameters=n_parameters,
        prevalence=prevalence,
        cox_snell=cox_snell,
        shrinkage=shrinkage,
    )
    return PredictionSampleSize(**json.loads(_core.prediction_sample_size(params)))


def cox_snell_of_c_statistic(c_statistic: float, prevalence: float) -> float:
    """The R² of Cox and Snell of a model with this ROC AUC.

    Its linear predictor is taken to be normal with one spread among patients with and without the
    outcome.

    Parameters
    ----------
    c_statistic : float
        The ROC AUC, above 0.5.
    prevalence : float
        The share of patients with the outcome.

    Returns
    -------
    float
        R² of the true logistic model.

    References
    ----------
    Riley et al. 2021, Stat Med 40:859.

    Examples
    --------
    >>> round(cox_snell_of_c_statistic(0.8, 0.174), 3)
    0.167
    """
    return _core.cox_snell_of_c_statistic(c_statistic, prevalence)


def donors_to_screen(
    n_eligible: int, *, pass_rate: float = 1 / 40, certainty: float = 0.9
) -> DonorYield:
    """The fewest donors to screen for enough eligible ones.

    Parameters
    ----------
    n_eligible : int
        Eligible donors wanted.
    pass_rate : float, default=1 / 40
        The share of screened donors that pass; published programmes lie between 0.016 and 0.2.
    certainty : float, default=0.9
        The probability with which enough pass.

    Returns
    -------
    DonorYield
        The donors to screen and what is reached with them.

    Examples
    --------
    >>> donors_to_screen(3).n_donors
    212
    """
    return DonorYield(**json.loads(_core.donors_to_screen(n_eligible, pass_rate, certainty)))


def safety_boundary(
    n: int,
    *,
    acceptable_rate: float,
    type_one_error: float | None = None,
    threshold: float | None = None,
    prior: tuple[float, float] = (1.0, 1.0),
    rates: Sequence[float] = (),
) -> SafetyBoundary:
    """After each patient, the number of events at which to stop a trial for toxicity.

    Parameters
    ----------
    n : int
        Patients of the whole trial.
    acceptable_rate : float
        The rate of events that is acceptable.
    type_one_error : float, optional
        The probability of stopping at that rate over the whole trial (a Pocock boundary for exact
        counts); 0.05 if neither this nor `threshold` is given.
    threshold : float, optional
        The posterior probability of a higher rate from which on to stop (a Bayesian boundary).
    prior : tuple of float, default=(1.0, 1.0)
        Events, and patients without one, of the Beta prior of the Bayesian boundary.
    rates : sequence of float, default=()
        True rates at which to say how often the trial stops.

    Returns
    -------
    SafetyBoundary
        The boundary and how often it stops a trial.

    References
    ----------
    Ivanova, Qaqish and Schell 2005, Biometrics 61:540.

    Examples
    --------
    >>> boundary = safety_boundary(20, acceptable_rate=0.01, rates=[0.15])
    >>> boundary.stop_at[-1], round(boundary.at_rates[0][1], 2)
    (2, 0.85)
    """
    if type_one_error is not None and threshold is not None:
        message = "`threshold`: give this or `type_one_error`, not both"
        raise ParameterError(message)
    rule: dict[str, object]
    if threshold is None:
        error = 0.05 if type_one_error is None else type_one_error
        rule = {"pocock": {"type_one_error": error}}
    else:
        events, others = prior
        content = {"prior_events": events, "prior_others": others, "threshold": threshold}
        rule = {"bayesian": content}
    params = options_json(n=n, acceptable_rate=acceptable_rate, rule=rule)
    found, at_rates = _core.safety_boundary(params, list(rates))
    content = json.loads(found)
    content["stop_at"] = tuple(content["stop_at"])
    told = zip(rates, at_rates, strict=True)
    return SafetyBoundary(**content, at_rates=tuple((rate, *one) for rate, one in told))


def clopper_pearson(k: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """The exact interval for a rate of which `k` of `n` were seen.

    Parameters
    ----------
    k, n : int
        Events and trials.
    level : float, default=0.95
        The share of such intervals that covers at least.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Examples
    --------
    >>> [round(end, 3) for end in clopper_pearson(3, 20)]
    [0.032, 0.379]
    """
    return _core.clopper_pearson(k, n, level)


def fisher_exact(first: tuple[int, int], second: tuple[int, int]) -> float:
    """The two-sided p-value of Fisher's exact test.

    Parameters
    ----------
    first, second : tuple of int
        Events and trials of two groups.

    Returns
    -------
    float
        The p-value, by the rule for two sides of R and SciPy.

    Examples
    --------
    >>> round(fisher_exact((3, 5), (0, 5)), 4)
    0.1667
    """
    return _core.fisher_exact(first, second)
