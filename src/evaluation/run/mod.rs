//! The evaluations of the shipped models: whole procedures, learned afresh without the cohort,
//! study or trial that they are judged on.

mod engraftment;
mod left_out;
mod response;
mod trial;

pub use engraftment::evaluate_engraftment;
pub use response::{ResponseEvaluation, evaluate_response};
pub use trial::{TrialEvaluation, TrialPair, TrialSummary, evaluate_trial};
