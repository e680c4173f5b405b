//! Why one donor rather than another, and reports: rankings as pages to read, and what became of
//! transplants.
//!
//! [`explain`] takes a prediction apart: what the evidence, the donor's own record and each part of
//! the community add to the log-odds, against a random eligible donor or one other.
//! [`report`](mod@report) writes a ranking as a page, [`follow_up`] what transplants left.

mod contribution;
pub mod follow_up;
pub mod report;

pub use contribution::{
    Contribution, Counterfactual, EndpointExplanation, Explanation, FeatureContribution,
    Heterogeneity, Measure, Swap, TermKind, WeightAtTie, explain,
};
