//! Match stool donors to cancer patients, honestly: predict what a fecal microbiota transplant
//! leaves, what that does to the response to checkpoint inhibitors and to their toxicity, and in
//! what order to consider the donors, or that there is no ground to prefer any.
//!
//! Research use only: not a medical device, not for choosing a donor for a patient.
//!
//! Data flow from room to room; each turns one immutable type into the next:
//!
//! 1. [`profile`]: files, arrays → [`ProfileTable`](profile::ProfileTable), samples × taxa with
//!    units and vocabulary.
//! 2. [`taxonomy`]: a table → the same in one vocabulary, with a report of what matched how.
//! 3. [`cohort`]: tables of subjects and transplants + profiles → [`Cohort`](cohort::Cohort).
//! 4. [`evidence`]: published trial arms, own outcomes → the joint posterior of response and
//!    toxicity by context, transplant and donor.
//! 5. [`feature`]: a profile, or donor and recipient → features: diversity, signatures, distances.
//! 6. [`model`]: features + outcomes → scores: elastic-net logistic, gradient-boosted trees.
//! 7. [`calibration`]: scores + outcomes → probabilities.
//! 8. [`engraftment`]: donor + recipient → the profile after the transplant: gained, kept, lost.
//! 9. [`matcher`]: the rooms above joined → [`Matcher`](matcher::Matcher): response and toxicity of
//!    any pair.
//! 10. [`evaluation`]: params + cohort → grouped splits, metrics with intervals, a leak audit.
//! 11. [`ranking`]: probabilities → donors in order with uncertainty, assignment under capacities.
//! 12. [`trial`]: simulated cohorts whose truth is known.
//! 13. [`explanation`]: reports, rankings as pages to read.
//! 14. [`persist`]: matcher ↔ bytes.
#![cfg_attr(
    feature = "cli",
    doc = "15. [`cli`]: arguments → the calls above → text, JSON."
)]
//!
//! Below them lie three rooms without a door of their own: mathematics (`numeric`), metrics
//! (`metric`) and grouped splits (`split`); the last two are reached through [`evaluation`].
//!
//! Anything a caller can cause is an [`Error`] that names the offender. Same inputs and seed, same
//! bits out, whatever the number of threads.
//!
//! # Features
//! - `cli` (default): the command line and its binary.
//! - `containers` (default): profiles in BIOM (HDF5), AnnData, QIIME 2 artifacts, Parquet, Arrow.
//! - `comparators` (default): models of linfa and smartcore in
//!   [`ModelParams`](model::ModelParams), to compare ours with.
//! - `sampler` (default): the no-U-turn sampler of [`evidence`]: to fit and to update exactly.
//! - `linfa`: linfa's `Fit` and `Predict` for our estimators.
//!
//! An application that ranks donors of tables in text needs none of them: with
//! `default-features = false` 59 other crates are compiled on Linux instead of 208.
//!
//! # Examples
//! A synthetic cohort, ranked with the bundled matcher:
//! ```
//! use donormatch::matcher::{Matcher, PredictParams};
//! use donormatch::ranking::RankingParams;
//! use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
//! use donormatch::trial::SimulationParams;
//!
//! let cohort = SimulationParams::default().simulate()?;
//! let species = HarmonizeParams::new(Target::Species);
//! let (donors, report) = harmonize(&cohort.donors, &species)?;
//! let (recipients, _) = harmonize(&cohort.recipients, &species)?;
//! assert!(report.mean_mapped_mass() > 0.9);
//!
//! # if !Matcher::has_bundled() { return Ok(()); }
//! let matcher = Matcher::bundled()?;
//! let params = PredictParams::default();
//! let pairs = matcher.predict(&donors.into(), &recipients, &cohort.contexts, &params)?;
//! let ranking = RankingParams::default().rank(&pairs)?;
//! let first = &ranking.rows[0];
//! println!("{} for {}: {:.2}", first.donor_id, first.recipient_id, first.p_response);
//! assert_eq!(ranking.rows.len(), 6 * 8);
//! # Ok::<(), donormatch::Error>(())
//! ```

pub mod barrier;
pub mod calibration;
pub mod cancel;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cohort;
mod digest;
pub mod engraftment;
pub mod error;
pub mod evaluation;
pub mod evidence;
pub mod explanation;
pub mod feature;
pub mod matcher;
pub mod memory;
mod metric;
pub mod model;
mod numeric;
pub mod output;
pub mod persist;
pub mod profile;
pub mod ranking;
mod split;
mod stored;
pub mod taxonomy;
mod text;
pub mod trial;

pub use error::{Error, ErrorKind, Result};
pub use text::printable;
