//! The evaluations of the shipped models: whole procedures, learned afresh without the cohort,
//! study or trial that they are judged on.

mod engraftment;
mod left_out;
#[cfg(feature = "sampler")]
mod published;
mod response;
mod trial;

pub use engraftment::{
    CountRow, EngraftmentFolds, EngraftmentReport, JudgedStudy, evaluate_engraftment,
};
#[cfg(feature = "sampler")]
pub use published::{PublishedArm, evaluate_published};
pub use response::{JudgedCohort, ResponseEvaluation, ResponseFolds, evaluate_response};
pub use trial::{TrialEvaluation, TrialPair, TrialSummary, evaluate_trial};
