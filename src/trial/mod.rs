//! Simulated cohorts with a known truth.
