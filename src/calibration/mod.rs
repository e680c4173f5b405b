//! Scores + outcomes → a [`Calibrator`] → probabilities.
//!
//! A calibrator is fitted on scores of rows that the model did not learn from (held-out scores of
//! the training rows), never on those that it will be tested on. All are monotone: the order of
//! scores is kept.

mod isotonic;
mod params;
mod small_newton;
mod venn_abers;

pub use isotonic::IsotonicMap;
pub use params::{CalibrationMethod, CalibrationParams, Calibrator, MethodLoss};
pub use venn_abers::VennAbersMap;
