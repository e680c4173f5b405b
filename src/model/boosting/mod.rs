//! Gradient-boosted trees for small, wide, mostly-zero data.
//!
//! [`BoostingParams`] → `fit` → [`BoostingModel`] → scores and contributions. For many
//! fits on one matrix (folds, bootstrap samples), [`PreparedData`] sorts it once.

mod block;
#[cfg(test)]
mod constraint_tests;
#[cfg(test)]
mod drawn_tests;
mod ensemble;
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

pub(crate) use block::ColumnBlock;
pub(crate) use ensemble::Ensemble;
pub use explain::{ContributionReference, Contributions, Interactions};
pub use fit::PreparedData;
pub use model::BoostingModel;
pub use params::{BoostingLoss, BoostingParams, EarlyStopping, Monotone};
pub(crate) use parts::{NodeKind, NodeParts, SplitParts};
