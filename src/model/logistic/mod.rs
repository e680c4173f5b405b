//! Elastic-net logistic regression: a whole path of λ by proximal Newton and coordinate descent,
//! priors from published effects, choice of λ and α by grouped cross-validation, Laplace posterior.

mod cv;
mod design;
mod kernel;
mod laplace;
mod model;
mod params;
mod path;
mod problem;
mod quadratic;
mod screening;
mod solver;

pub use cv::{CurvePoint, CvCurve, LambdaRule, LogisticCv, LogisticCvParams};
pub use laplace::{BayesianLogistic, LaplaceParams};
#[cfg(feature = "comparators")]
pub(super) use model::check_width;
pub use model::{LogisticModel, probability_of_score};
#[cfg(feature = "comparators")]
pub(super) use params::check_outcomes;
pub use params::{CoefficientPrior, LambdaGrid, LogisticParams, Scaling};
pub use path::{LogisticPath, PathPoint};
