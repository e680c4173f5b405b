//! Gradient-boosted trees for small, wide, mostly-zero data.
//!
//! [`BoostingParams`] → `fit` → [`BoostingModel`] → scores and contributions. For many
//! fits on one matrix (folds, bootstrap samples), [`PreparedData`] sorts it once.

mod columns;
mod fit;
mod grow;
mod histogram;
mod loss;
mod model;
mod params;
mod predict;
mod random;
mod runs;
mod split;
#[cfg(test)]
mod tests;

pub use fit::PreparedData;
pub use model::BoostingModel;
pub use params::{BoostingLoss, BoostingParams, EarlyStopping, Monotone};
