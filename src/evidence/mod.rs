//! A registry of published trial arms, and one's own outcomes → joint posterior of response and
//! toxicity by context, transplant and donor.
//!
//! 1. [`Registry`]: the arms ([`Arm`]), bundled or one's own, each in one form only.
//! 2. [`EvidenceParams`] + [`Registry`] (+ [`CohortSlope`]s, [`TrialPatient`]s) → [`Evidence`]: draws
//!    of three hierarchical logistic models, one an [`Endpoint`], by the no-U-turn sampler (feature
//!    `sampler`).
//! 3. [`Evidence::log_odds`]: draws of a cell with or without a transplant; [`Evidence::cells`],
//!    [`Evidence::parameters`], [`conflicts`]: what is known and what is borrowed.
//! 4. [`Evidence::with_patients`]: what a trial's own outcomes add, by a new fit or by weights on
//!    the draws there are (Pareto-smoothed importance sampling).
//! 5. [`Evidence::site_summary`], [`Evidence::with_sites`]: outcomes of several sites, of which no
//!    patient leaves a site.
//!
//! The room is given scores and burdens as numbers; it knows no profile.
//!
//! # The model
//! For an arm of trial t in cell c (cancer × regimen × line × partner), with f = 1 for a transplant
//! and s = 1 for a transplant arm without a randomized control:
//!
//! ```text
//! y ~ Binomial(n, logit⁻¹ η)
//! η = α + a[cancer] + r[regimen] + l·[refractory] + q[partner] + m[c] + u[t]
//!     + f·(δ + δ_line·[refractory] + δ_type[donor type]) + s·β
//! ```
//!
//! A patient of a trial with transplants has the same η without β, and `b[t]·z + d[donor]`, where z
//! is the standardized score of the microbiome after the transplant. A cohort without transplants
//! gives the slope of its outcomes on out-of-fold scores with its standard error, around the same
//! mean slope: this normal approximation stands for its patients, so that no row of a patient is
//! needed to fit again. Severe immune-related events have parameters of their own, no z, an offset
//! for arms that count any adverse event, and a term for the donor's richness in Prevotellaceae,
//! another under both inhibitors. Myocarditis has intercepts by the number of inhibitors, trials, a
//! transplant effect and the same two terms.
//!
//! The priors stand in `layout.rs` and in docs/evidence.md; they were set before the arms were
//! looked at.

mod arm;
mod data;
mod density;
#[cfg(any(test, feature = "sampler"))]
mod diagnostics;
mod draws;
mod endpoint;
#[cfg(feature = "sampler")]
mod fit;
mod layout;
mod pareto;
mod patient;
mod posterior;
mod reading;
mod registry;
#[cfg(feature = "sampler")]
mod sampler;
mod simulate;
mod site_likelihood;
mod sites;
mod slope;
mod table;
mod update;

pub use arm::{Arm, Confidence, Control, Events, SevereDefinition, is_transplant};
pub(crate) use draws::{Column, Draws, summary};
pub use endpoint::Endpoint;
pub use layout::{Given, Setting};
pub use patient::TrialPatient;
pub use posterior::{DonorRecord, DrawNumbers, Evidence, EvidenceParams, TrialRecord};
pub use reading::EvidenceReading;
pub use registry::{ARM_COLUMNS, Registry};
pub use simulate::SimulatedEvidence;
pub use sites::{MergedEndpoint, MergedSites, SiteEndpoint, SiteSummary};
pub use slope::CohortSlope;
pub use table::{CellRow, Conflict, DonorRow, ParameterRow, QualityRow, conflicts};
pub use update::{UpdateMethod, Updated};
