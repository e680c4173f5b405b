//! What a design can show before a trial starts.
//!
//! - [`clopper_pearson`] and [`fisher_exact`]: exact inference on counts.
//! - [`PredictionSampleSize`]: how many patients a prediction model needs (Riley's criteria).
//! - [`DonorYield`]: how many donors to screen for enough eligible ones.
//! - [`TwoGroups`]: how many patients tell two rates apart.
//! - [`SafetyBoundary`]: when to stop for toxicity, and how often that happens at a true rate.

mod donors;
mod exact;
mod safety;
mod sample_size;
mod two_groups;

pub use donors::DonorYield;
pub use exact::{clopper_pearson, fisher_exact};
pub use safety::{SafetyBoundary, SafetyParams, SafetyRule};
pub use sample_size::{PredictionSampleSize, PredictionSampleSizeParams, cox_snell_of_c_statistic};
pub use two_groups::{TwoGroups, TwoGroupsParams, fisher_power};

use crate::{Error, Result};

/// A rate strictly between 0 and 1.
fn check_rate(name: &str, rate: f64) -> Result<()> {
    if rate > 0.0 && rate < 1.0 {
        return Ok(());
    }
    let message = format!("expected a number above 0 and below 1, found {rate}");
    Err(Error::parameter(name, message))
}
