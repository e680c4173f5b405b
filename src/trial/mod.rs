//! Simulated cohorts: donors, recipients, transplants and outcomes whose truth is known.
//!
//! Nothing here comes from a row of real data: the communities are set from general knowledge of
//! the gut, and every id says `synthetic`.

mod community;
mod simulate;
mod write;

pub use simulate::{SimulationParams, SyntheticCohort, SyntheticTransplant};
