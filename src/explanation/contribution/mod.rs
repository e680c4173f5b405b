//! Additive contributions to the log-odds of one pair.

mod counterfactual;
mod explain;
mod groups;
mod heterogeneity;
mod result;
mod text;

pub use counterfactual::{Counterfactual, Swap, WeightAtTie};
pub use explain::explain;
pub use heterogeneity::Heterogeneity;
pub use result::{
    Contribution, EndpointExplanation, Explanation, FeatureContribution, Measure, TermKind,
};
