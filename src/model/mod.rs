//! Features + outcomes → [`Model`](self) → scores: elastic-net logistic regression and
//! gradient-boosted trees of our own, other crates' models behind `backend`.

mod boosting;
mod data;

pub use boosting::{
    BoostingLoss, BoostingModel, BoostingParams, ContributionReference, Contributions,
    EarlyStopping, Interactions, Monotone, PreparedData,
};
pub use data::{ColumnView, CscMatrix, MatrixView, TrainingData};
