//! How close probabilities come to the outcomes: Brier score, its skill, log loss.

use super::rows::ScoredRows;
use super::undefined::Undefined;
use crate::numeric::outcomes::is_event;

/// The bound that probabilities are clipped to inside the log loss and the logit: `f64::EPSILON`
/// (2.2e-16) and 1 minus it, as scikit-learn does.
pub const PROBABILITY_FLOOR: f64 = f64::EPSILON;

/// Brier score: the weighted mean of (probability − outcome)², 0 at best.
///
/// # Errors
/// [`Undefined::NoRows`] or [`Undefined::NotProbability`].
///
/// # References
/// Brier GW. Monthly Weather Review 1950;78:1–3.
pub fn brier(rows: &ScoredRows<'_>) -> Result<f64, Undefined> {
    rows.check_probabilities()?;
    weighted_mean(rows, |p, y| (p - y) * (p - y))
}

/// Brier skill: 1 − Brier / Brier of the base rate, above 0 where the probabilities beat saying
/// the same number for every row.
///
/// The base rate is the share of events in these very rows, so the reference is kinder than any
/// base rate known beforehand and the skill errs to the low side.
///
/// # Errors
/// [`Undefined::OneClass`], [`Undefined::NoRows`] or [`Undefined::NotProbability`].
pub fn brier_skill(rows: &ScoredRows<'_>) -> Result<f64, Undefined> {
    let (without, with) = rows.class_weights()?;
    let rate = with / (with + without);
    Ok(1.0 - brier(rows)? / (rate * (1.0 - rate)))
}

/// Log loss: the weighted mean of −ln of the probability given to what happened.
///
/// Probabilities are clipped to \[[`PROBABILITY_FLOOR`], 1 − [`PROBABILITY_FLOOR`]\] first, so that
/// a certain and wrong probability costs 36.04 rather than infinity.
///
/// # Errors
/// [`Undefined::NoRows`] or [`Undefined::NotProbability`].
pub fn log_loss(rows: &ScoredRows<'_>) -> Result<f64, Undefined> {
    rows.check_probabilities()?;
    weighted_mean(rows, |p, y| {
        let p = p.clamp(PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR);
        if is_event(y) {
            -libm::log(p)
        } else {
            -libm::log1p(-p)
        }
    })
}

/// The log-odds of a probability clipped as in [`log_loss`].
pub(crate) fn clipped_logit(probability: f64) -> f64 {
    let p = probability.clamp(PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR);
    libm::log(p) - libm::log1p(-p)
}

fn weighted_mean(rows: &ScoredRows<'_>, term: impl Fn(f64, f64) -> f64) -> Result<f64, Undefined> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, (&p, &y)) in rows.scores().iter().zip(rows.outcomes()).enumerate() {
        let weight = rows.weight(row);
        if weight > 0.0 {
            sum += weight * term(p, y);
            total += weight;
        }
    }
    if total > 0.0 {
        Ok(sum / total)
    } else {
        Err(Undefined::NoRows)
    }
}
