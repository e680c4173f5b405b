//! Trials before they start and after they end: simulated cohorts whose truth is known, what a
//! design can show ([`design`], [`allocation`]), and what another policy would have been worth
//! ([`off_policy`]), and which donors serve a cohort together ([`pool`]).
//!
//! Nothing here comes from a row of real data: the communities are set from general knowledge of
//! the gut, and every id says `synthetic`.

pub mod allocation;
mod community;
pub mod design;
mod log_table;
pub mod off_policy;
pub mod pool;
mod simulate;
mod write;

pub use log_table::{read_log, read_utilities};
pub use simulate::{SimulationParams, SyntheticCohort, SyntheticTransplant};
