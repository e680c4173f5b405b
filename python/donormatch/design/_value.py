"""What another policy would have been worth in a trial that is over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from donormatch import _core
from donormatch._convert import options_json

__all__ = ["OffPolicyValue", "policy_value"]

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class OffPolicyValue:
    """The expected outcome of a recipient under another policy.

    Each estimate is a triple: value, lower and upper end of its interval.

    Attributes
    ----------
    n_recipients : int
        Recipients with a known outcome.
    observed : tuple of float
        Mean outcome as the trial went.
    inverse_propensity, self_normalized, doubly_robust : tuple of float or None
        Estimates; None where the other policy chooses what the trial never did, and the last
        without predictions.
    unsupported : float
        Share of recipients for whom it does.
    bounds : tuple of float
        The least and the largest value that the data allow.
    effective_size : float
        Effective number of recipients behind the weights.
    """

    n_recipients: int
    observed: Interval
    inverse_propensity: Interval | None
    self_normalized: Interval | None
    doubly_robust: Interval | None
    unsupported: float
    bounds: tuple[float, float]
    effective_size: float


def policy_value(
    log: Sequence[Mapping[str, Any]],
    target: Sequence[Sequence[float]],
    *,
    predicted: Sequence[Sequence[float]] | None = None,
    level: float = 0.9,
    n_resamples: int = 2000,
    seed: int = 0,
) -> OffPolicyValue:
    """What another policy would have been worth: "had we ranked".

    Parameters
    ----------
    log : sequence of mapping
        One entry a recipient: the number of the `donor` given, the `probabilities` by which the
        trial chose among the donors, and the `outcome`, 1 for a response.
    target : sequence of sequence of float
        Recipients × donors: the probability of each donor under the other policy; 1 for the first
        of a ranking.
    predicted : sequence of sequence of float, optional
        Recipients × donors: what a model that has not seen these outcomes predicts.
    level : float, default 0.9
        Level of the intervals.
    n_resamples : int, default 2000
        Resamples of recipients for the intervals.
    seed : int, default 0
        Seed of the resamples.

    Returns
    -------
    OffPolicyValue
        Estimates by inverse propensity, self-normalized and doubly robust, or bounds.

    Raises
    ------
    InputError
        Lengths disagree, or a donor was given with probability 0.

    References
    ----------
    Dudík, Erhan, Langford and Li 2014, Statistical Science 29:485; Swaminathan and Joachims 2015,
    NIPS 28.

    Examples
    --------
    >>> coin = [0.5, 0.5]
    >>> log = [
    ...     {"donor": 0, "probabilities": coin, "outcome": 1.0},
    ...     {"donor": 1, "probabilities": coin, "outcome": 0.0},
    ... ]
    >>> policy_value(log, [[1.0, 0.0]] * 2).inverse_propensity[0]
    1.0
    """
    rows = [
        {**one, "target": [float(p) for p in target[at]]}
        | ({} if predicted is None else {"predicted": [float(p) for p in predicted[at]]})
        for at, one in enumerate(log)
    ]
    params = options_json(level=level, n_resamples=n_resamples, seed=seed)
    found = json.loads(_core.off_policy_value(params, json.dumps(rows)))
    names = ("observed", "inverse_propensity", "self_normalized", "doubly_robust")
    estimates: dict[str, Any] = {name: _interval(found.pop(name)) for name in names}
    bounds = found.pop("bounds")
    return OffPolicyValue(**estimates, bounds=(bounds["lo"], bounds["hi"]), **found)


def _interval(found: dict[str, float] | None) -> Interval | None:
    return None if found is None else (found["value"], found["lo"], found["hi"])
