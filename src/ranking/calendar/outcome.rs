//! What came of looking for a best choice.

use super::program::Chosen;

/// A choice, and what no choice can exceed.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) chosen: Chosen,
    pub(super) bound: f64,
}

/// The end of a search.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// A choice.
    Found(Found),
    /// There is none.
    Impossible,
    /// None was found within the nodes, and it was not shown that there is none.
    Unknown,
}
