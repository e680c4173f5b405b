//! Features + outcomes → [`Model`](self) → scores: elastic-net logistic regression and
//! gradient-boosted trees of our own, other crates' models behind `backend`.

mod data;

pub use data::{ColumnView, CscMatrix, MatrixView, TrainingData};
