"""Synthetic cohorts whose truth is known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from donormatch import _core
from donormatch._convert import settings_json
from donormatch._profiles import Profiles
from donormatch._table import Table

__all__ = ["SyntheticCohort", "simulate"]


@dataclass(frozen=True)
class SyntheticCohort:
    """Donors, recipients and what became of every transplant, all made up.

    Attributes
    ----------
    donors, recipients, follow_ups : Profiles
        One sample each; every id says ``synthetic``.
    contexts : dict of str to dict
        Regimen, cancer and line of every recipient, as `metadata` of :func:`rank_donors`.
    transplants : Table
        ``donor_id recipient_id follow_up_id true_p_response true_p_response_baseline response``.
    """

    donors: Profiles
    recipients: Profiles
    follow_ups: Profiles
    contexts: dict[str, dict[str, str]]
    transplants: Table[dict[str, Any]]


def simulate(*, n_donors: int = 6, n_recipients: int = 8, seed: int = 0) -> SyntheticCohort:
    """Make a synthetic cohort, with the truth behind it.

    Parameters
    ----------
    n_donors : int, default=6
        How many of each.
    n_recipients : int, default=8
        How many of each.
    seed : int, default=0
        Of everything drawn.

    Returns
    -------
    SyntheticCohort
        Tables and the truth.

    Examples
    --------
    >>> cohort = simulate(n_donors=3, n_recipients=2)
    >>> cohort.donors.n_samples, cohort.recipients.n_samples
    (3, 2)
    """
    params = settings_json(n_donors=n_donors, n_recipients=n_recipients, seed=seed)
    *tables, contexts, transplants = _core.simulate(params)
    donors, recipients, follow_ups = map(Profiles, tables)
    by_recipient = dict(zip(recipients.sample_ids, json.loads(contexts), strict=True))
    truth = Table(json.loads(transplants), caption="transplants, with the truth")
    return SyntheticCohort(donors, recipients, follow_ups, by_recipient, truth)
