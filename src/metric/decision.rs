//! What acting on the probabilities would be worth: the decision curve.

use serde::{Deserialize, Serialize};

use super::rows::ScoredRows;
use super::undefined::Undefined;
use crate::numeric::outcomes::is_event;
use crate::{Error, Result};

/// Net benefit at one threshold, beside the two ways of not using a model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecisionPoint {
    /// The probability from which one would act.
    pub threshold: f64,
    /// Net benefit of acting where the probability reaches the threshold.
    pub net_benefit: f64,
    /// Net benefit of acting on every row.
    pub treat_all: f64,
    /// Net benefit of acting on none: 0.
    pub treat_none: f64,
}

/// The decision curve: net benefit of acting on probabilities of at least each threshold t.
///
/// Net benefit = (true positives − false positives · t / (1 − t)) / rows, all weighted. A model is
/// of use at t only where it lies above both `treat_all` and `treat_none`. For an endpoint that
/// one wants (response) to act is to give; for toxicity it is to withhold.
///
/// The probabilities must be held out: on training rows any flexible model looks useful.
///
/// # Errors
/// [`Error::Parameter`] where a threshold is not inside \[0, 1), [`Error::Table`] where there is no
/// row or a score is not a probability.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{ScoredRows, decision_curve};
///
/// let rows = ScoredRows::new(&[0.1, 0.6, 0.4, 0.9], &[0.0, 0.0, 1.0, 1.0])?;
/// let at_half = decision_curve(&rows, &[0.5])?[0];
/// assert_eq!(at_half.net_benefit, (1.0 - 1.0) / 4.0);
/// assert_eq!(at_half.treat_all, 0.5 - 0.5);
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// Vickers AJ, Elkin EB. Medical Decision Making 2006;26:565–574.
pub fn decision_curve(rows: &ScoredRows<'_>, thresholds: &[f64]) -> Result<Vec<DecisionPoint>> {
    rows.check_probabilities()
        .map_err(|reason| Error::table(reason.to_string()))?;
    let total: f64 = rows.weights_or_ones().iter().sum();
    if total <= 0.0 {
        return Err(Error::table(Undefined::NoRows.to_string()));
    }
    thresholds
        .iter()
        .map(|&threshold| point(rows, threshold, total))
        .collect()
}

fn point(rows: &ScoredRows<'_>, threshold: f64, total: f64) -> Result<DecisionPoint> {
    if !(0.0..1.0).contains(&threshold) {
        return Err(Error::parameter(
            "thresholds",
            format!("`{threshold}` is not inside [0, 1)"),
        ));
    }
    let odds = threshold / (1.0 - threshold);
    let (mut acting, mut always) = (0.0, 0.0);
    for (row, (&p, &y)) in rows.scores().iter().zip(rows.outcomes()).enumerate() {
        let benefit = if is_event(y) { 1.0 } else { -odds };
        let benefit = rows.weight(row) * benefit;
        always += benefit;
        if p >= threshold {
            acting += benefit;
        }
    }
    Ok(DecisionPoint {
        threshold,
        net_benefit: acting / total,
        treat_all: always / total,
        treat_none: 0.0,
    })
}
