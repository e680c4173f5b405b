//! Gradient-boosted trees for small, wide, mostly-zero data.
//!
//! [`BoostingParams`] → `fit` → [`BoostingModel`] → scores and contributions. For many
//! fits on one matrix (folds, bootstrap samples), [`PreparedData`] sorts it once.

mod bins;
#[cfg(test)]
mod border_tests;
mod coded;
mod codes;
mod columns;
#[cfg(test)]
mod constraint_tests;
mod contribution;
#[cfg(test)]
mod contribution_tests;
mod explain;
mod filter;
mod fit;
mod groups;
mod grow;
mod histogram;
mod importance;
mod loss;
mod model;
mod params;
mod predict;
mod random;
mod runs;
mod shapley;
mod split;
mod stopping;
mod tables;
#[cfg(test)]
mod tests;
mod walk;
#[cfg(test)]
mod walk_tests;

pub use contribution::{ContributionReference, Contributions, Interactions};
pub use fit::PreparedData;
pub use model::BoostingModel;
pub use params::{BoostingLoss, BoostingParams, EarlyStopping, Monotone};
