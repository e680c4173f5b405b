//! What came of one simulated trial.

use super::analysis::TestedTrial;
use super::follow::{Followed, Regret};

/// What came of one simulated trial.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TrialResult {
    /// Whether any donor passed the screening.
    pub is_run: bool,
    pub tested: TestedTrial,
    pub followed: Followed,
    pub regret: Regret,
}
