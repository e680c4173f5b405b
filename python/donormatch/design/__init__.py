"""What a design can show before a trial starts, and what a trial showed when it is over.

Patients, donors and stopping for toxicity; simulated trials under allocation policies
(:func:`compare_policies`); the value of another policy (:func:`policy_value`); pools of donors
(:func:`choose_pool`). The same figures come from ``donormatch plan`` on the shell and from
``trial::design``, ``trial::allocation``, ``trial::off_policy`` and ``trial::pool`` in Rust.
"""

from donormatch.design._figures import (
    DonorYield,
    PredictionSampleSize,
    SafetyBoundary,
    TwoGroups,
    clopper_pearson,
    cox_snell_of_c_statistic,
    donors_to_screen,
    fisher_exact,
    fisher_power,
    prediction_sample_size,
    safety_boundary,
    two_groups,
)
from donormatch.design._pool import ChosenPool, PoolDonor, choose_pool, donors_of_pool
from donormatch.design._trials import (
    DesignReport,
    KnownOutcome,
    SimulatedTrial,
    TrialDonor,
    TrialView,
    compare_policies,
    simulate_trial,
)
from donormatch.design._value import OffPolicyValue, policy_value

__all__ = [
    "ChosenPool",
    "DesignReport",
    "DonorYield",
    "KnownOutcome",
    "OffPolicyValue",
    "PoolDonor",
    "PredictionSampleSize",
    "SafetyBoundary",
    "SimulatedTrial",
    "TrialDonor",
    "TrialView",
    "TwoGroups",
    "choose_pool",
    "clopper_pearson",
    "compare_policies",
    "cox_snell_of_c_statistic",
    "donors_of_pool",
    "donors_to_screen",
    "fisher_exact",
    "fisher_power",
    "policy_value",
    "prediction_sample_size",
    "safety_boundary",
    "simulate_trial",
    "two_groups",
]
