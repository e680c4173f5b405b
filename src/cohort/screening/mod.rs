//! The screening gate: who may give at all, on a given day.
//!
//! 1. [`Panel`]: the tests and questions, as data ([`Panel::bundled`], or a file of one's own).
//! 2. [`DonorRecords`]: what a bank recorded of its donors and batches.
//! 3. [`Panel::screen`] → [`Screening`]: eligible or not, with reasons, overrides and the day on
//!    which it lapses.
//! 4. [`Panel::screen_pairs`] → [`PairScreening`]: the same for each recipient.
//!
//! The gate fails closed and knows no profile: it comes before any score.

mod day;
mod donor_type;
mod judge;
mod panel;
mod read;
mod recipient;
mod record;
mod result;

pub use day::Day;
pub use donor_type::DonorType;
pub use panel::{Entry, Kind, Panel, RecipientEntry, Rule, Specimen};
pub use recipient::{PairScreening, RecipientRecords};
pub use record::{Answer, Batch, DonorRecord, DonorRecords};
pub use result::{Cause, DonorScreening, Finding, Override, Screening};

#[cfg(test)]
mod tests;
