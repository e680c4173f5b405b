//! Features + outcomes → [`Model`](self) → scores: elastic-net logistic regression and
//! gradient-boosted trees of our own, other crates' models behind `backend`.

mod boosting;
mod data;
mod folds;
mod logistic;
mod random;

pub use boosting::{
    BoostingLoss, BoostingModel, BoostingParams, EarlyStopping, Monotone, PreparedData,
};
pub use data::{ColumnView, CscMatrix, MatrixView, TrainingData};
pub use logistic::{
    BayesianLogistic, CoefficientPrior, CurvePoint, CvCurve, LambdaGrid, LambdaRule, LaplaceParams,
    LogisticCv, LogisticCvParams, LogisticModel, LogisticParams, LogisticPath, PathPoint, Scaling,
    probability_of_score,
};
