//! Trials before they start: simulated cohorts whose truth is known, and what a design can show
//! ([`design`]).
//!
//! Nothing here comes from a row of real data: the communities are set from general knowledge of
//! the gut, and every id says `synthetic`.

mod community;
pub mod design;
mod simulate;
mod write;

pub use simulate::{SimulationParams, SyntheticCohort, SyntheticTransplant};
