//! Gradient-boosted trees for small, wide, mostly-zero data.
//!
//! [`BoostingParams`] → `fit` → [`BoostingModel`] → scores and contributions. For many
//! fits on one matrix (folds, bootstrap samples), [`PreparedData`] sorts it once.

#[cfg(test)]
mod constraint_tests;
#[cfg(test)]
mod drawn_tests;
mod explain;
mod fit;
mod importance;
mod layout;
mod loss;
mod model;
mod params;
mod parts;
mod predict;
mod random;
mod shallow;
#[cfg(test)]
mod tests;
mod walker;

pub use explain::{ContributionReference, Contributions, Interactions};
pub use fit::PreparedData;
pub use model::BoostingModel;
pub use params::{BoostingLoss, BoostingParams, EarlyStopping, Monotone};
pub(crate) use parts::{NodeKind, NodeParts, SplitParts};
