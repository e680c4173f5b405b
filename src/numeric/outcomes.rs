//! What a column of outcomes must be: as long as the rows, and 0 or 1.

use crate::{Error, Result};

/// Whether an outcome, already known to be 0 or 1, is 1.
pub(crate) fn is_event(outcome: f64) -> bool {
    outcome > 0.5
}

/// That one column is as long as it should be.
pub(crate) fn check_length(what: &str, n: usize, n_rows: usize) -> Result<()> {
    if n == n_rows {
        Ok(())
    } else {
        Err(Error::table(format!("{n} {what} for {n_rows} rows")))
    }
}

/// That every outcome is 0 or 1.
pub(crate) fn check_outcomes(outcomes: &[f64]) -> Result<()> {
    match outcomes.iter().position(|y| ![0.0, 1.0].contains(y)) {
        Some(row) => Err(Error::table(format!(
            "row {row} of the outcomes is `{}`, expected 0 or 1",
            outcomes[row]
        ))),
        None => Ok(()),
    }
}
