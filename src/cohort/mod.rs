//! Tables of subjects and transplants + profiles → [`PatientCohort`] and [`Cohort`].
//!
//! A [`PatientCohort`] holds people on checkpoint inhibitors with their outcome (no transplant):
//! what the response model learns from. A [`Cohort`] holds transplants: donor, baseline and
//! follow-up profiles, and the outcome where it is known. Both exist only in a checked state: every
//! sample named has a profile, ids are unique, and rows that cannot be used are listed with the
//! reason instead of vanishing.

mod check;
mod dialect;
mod donors;
mod metadata;
mod note;
mod outcomes;
mod patient;
mod regimen;
pub mod screening;
mod source;
mod transplant;
mod treatment;

pub use check::{CheckParams, Content, TableKind, check, check_bytes, check_table};
pub use donors::Donors;
pub use metadata::{ColumnNames, MetadataTable};
pub use note::MetadataNote;
pub use outcomes::{TrialFollowUp, TrialOutcome, TrialOutcomes};
pub use patient::{Patient, PatientCohort, Recist};
pub use regimen::{Cancer, Line, Partner, Regimen, TreatmentContext};
pub use source::{PatientSource, TransplantSource, read_harmonized};
pub(crate) use transplant::UNNAMED_STUDY;
pub use transplant::{Cohort, FollowUp, Transplant};
pub use treatment::{Treatment, Treatments};
