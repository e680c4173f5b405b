//! Features + outcomes → [`Model`](self) → scores: elastic-net logistic regression and
//! gradient-boosted trees of our own, other crates' models in `backend` (feature `comparators`).

#[cfg(feature = "comparators")]
pub mod backend;
mod boosting;
mod data;
mod engine;
#[cfg(feature = "linfa")]
mod linfa;
mod logistic;

pub use boosting::{
    BoostingLoss, BoostingModel, BoostingParams, ContributionReference, Contributions,
    EarlyStopping, Interactions, Monotone, PreparedData,
};
pub(crate) use boosting::{ColumnBlock, Ensemble, NodeKind, NodeParts, SplitParts};
pub use data::{ColumnView, CscMatrix, MatrixView, TrainingData};
pub use engine::{Model, ModelParams};
pub use logistic::{
    BayesianLogistic, CoefficientPrior, CurvePoint, CvCurve, LambdaGrid, LambdaRule, LaplaceParams,
    LogisticCv, LogisticCvParams, LogisticModel, LogisticParams, LogisticPath, PathPoint, Scaling,
    probability_of_score,
};
