//! Whether probabilities mean what they say: intercept, slope, and the calibration curve.

use serde::{Deserialize, Serialize};

use super::probability::clipped_logit;
use super::rows::ScoredRows;
use super::undefined::Undefined;
use crate::numeric::distribution::normal_quantile;
use crate::numeric::logistic::{log_loss, sigmoid};
use crate::numeric::newton::{Convex, Stop, minimize};
use crate::numeric::outcomes::is_event;
use crate::numeric::summary::quantile;
use crate::{Error, Result};

/// Calibration in the large: the intercept a of logit P(y = 1) = a + logit(p), 0 at best.
///
/// Above 0 the probabilities are too low on the whole, below 0 too high. Fitted by maximum
/// likelihood with logit(p) as an offset; probabilities are clipped to
/// [`PROBABILITY_FLOOR`](super::PROBABILITY_FLOOR).
///
/// # Errors
/// [`Undefined::OneClass`], [`Undefined::NoRows`] or [`Undefined::NotProbability`];
/// [`Undefined::NotConverged`] should 200 steps not do.
///
/// # References
/// Cox DR. Biometrika 1958;45:562–565. Van Calster B et al. J Clin Epidemiol 2016;74:167–176.
pub fn calibration_intercept(rows: &ScoredRows<'_>) -> Result<f64, Undefined> {
    let (others, events) = rows.class_weights()?;
    let logits = logits(rows)?;
    // The root of the excess of expected over observed events, which rises with a. Newton steps
    // from 0, inside a bracket that holds any clipped logit.
    let (mut a, mut low, mut high) = (0.0, -80.0, 80.0);
    for _ in 0..200 {
        let (mut excess, mut slope) = (-events, 0.0);
        for (row, &logit) in logits.iter().enumerate() {
            let weight = rows.weight(row);
            if weight > 0.0 {
                let p = sigmoid(a + logit);
                excess += weight * p;
                slope += weight * p * (1.0 - p);
            }
        }
        // Where all probabilities are 0 or 1, the excess is flat around its root.
        if excess.abs() <= f64::EPSILON * (others + events) {
            return Ok(a);
        }
        if excess > 0.0 {
            high = a;
        } else {
            low = a;
        }
        let mut next = a - excess / slope;
        if !(low < next && next < high) {
            next = 0.5 * (low + high);
        }
        let step = (next - a).abs();
        a = next;
        if step <= 1e-13 * (1.0 + a.abs()) {
            return Ok(a);
        }
    }
    Err(Undefined::NotConverged)
}

/// Calibration slope: the b of logit P(y = 1) = a + b · logit(p), 1 at best.
///
/// Below 1 the probabilities are too extreme, the mark of an overfitted model; below 0 they point
/// the wrong way.
///
/// # Errors
/// As [`calibration_intercept`]; [`Undefined::ConstantScore`] where the probabilities do not
/// differ, and [`Undefined::Separated`] where some threshold parts all events from all others, so
/// that the likelihood has no maximum.
pub fn calibration_slope(rows: &ScoredRows<'_>) -> Result<f64, Undefined> {
    rows.class_weights()?;
    let mut logits = logits(rows)?;
    check_overlap(rows, &logits)?;
    let spread = standardize(rows, &mut logits);
    Ok(fit_line(rows, &logits)? / spread)
}

/// Centers the logits and scales them to a variance of 1, so that the fit sees a line of the same
/// shape however little they differ; gives their standard deviation, which is above 0.
fn standardize(rows: &ScoredRows<'_>, logits: &mut [f64]) -> f64 {
    let weights = rows.weights_or_ones();
    let total: f64 = weights.iter().sum();
    let mean_of = |term: &dyn Fn(f64) -> f64, logits: &[f64]| {
        let terms = logits.iter().zip(&weights);
        terms
            .map(|(&logit, weight)| weight * term(logit))
            .sum::<f64>()
            / total
    };
    let mean = mean_of(&|logit| logit, logits);
    let spread = mean_of(&|logit| (logit - mean) * (logit - mean), logits).sqrt();
    for logit in logits {
        *logit = (*logit - mean) / spread;
    }
    spread
}

/// That the classes overlap, which is when a one-variable logistic fit has a finite maximum.
fn check_overlap(rows: &ScoredRows<'_>, logits: &[f64]) -> Result<(), Undefined> {
    let mut ranges = [(f64::INFINITY, f64::NEG_INFINITY); 2];
    for (row, &logit) in logits.iter().enumerate() {
        if rows.weight(row) > 0.0 {
            let range = &mut ranges[usize::from(is_event(rows.outcomes()[row]))];
            *range = (range.0.min(logit), range.1.max(logit));
        }
    }
    let [without, with] = ranges;
    if without.0.min(with.0) >= without.1.max(with.1) {
        Err(Undefined::ConstantScore)
    } else if without.1 <= with.0 || with.1 <= without.0 {
        Err(Undefined::Separated)
    } else {
        Ok(())
    }
}

/// The slope of a logistic line by maximum likelihood, from the flat line.
fn fit_line(rows: &ScoredRows<'_>, logits: &[f64]) -> Result<f64, Undefined> {
    let (without, with) = rows.class_weights()?;
    let start = vec![libm::log(with / without), 0.0];
    let stop = Stop {
        tolerance: 1e-24 * (without + with),
        max_steps: 200,
    };
    match minimize(&LineFit { rows, logits }, start, stop) {
        Ok((line, _)) => Ok(line[1]),
        Err(_) => Err(Undefined::NotConverged),
    }
}

/// Minus the log-likelihood of a logistic line (intercept, slope).
struct LineFit<'a> {
    rows: &'a ScoredRows<'a>,
    logits: &'a [f64],
}

impl LineFit<'_> {
    /// Weight, logit and outcome of the rows of positive weight.
    fn counted(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let rows = self.logits.iter().zip(self.rows.outcomes()).enumerate();
        rows.map(|(row, (&x, &y))| (self.rows.weight(row), x, y))
            .filter(|(weight, ..)| *weight > 0.0)
    }
}

impl Convex for LineFit<'_> {
    fn value(&self, line: &[f64]) -> f64 {
        self.counted()
            .map(|(weight, x, y)| weight * log_loss(line[0] + line[1] * x, y))
            .sum()
    }

    fn derivatives(&self, line: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (mut descent, mut curvature) = (vec![0.0; 2], vec![0.0; 4]);
        for (weight, x, y) in self.counted() {
            let p = sigmoid(line[0] + line[1] * x);
            let (residual, bend) = (weight * (y - p), weight * p * (1.0 - p));
            descent[0] += residual;
            descent[1] += residual * x;
            curvature[0] += bend;
            curvature[2] += bend * x;
            curvature[3] += bend * x * x;
        }
        curvature[1] = curvature[2];
        (descent, curvature)
    }
}

fn logits(rows: &ScoredRows<'_>) -> Result<Vec<f64>, Undefined> {
    rows.check_probabilities()?;
    Ok(rows.scores().iter().map(|&p| clipped_logit(p)).collect())
}

/// Bins of a curve at most: more than anyone can look at.
const MOST_BINS: usize = 10_000;

/// One bin of a calibration curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// Weighted mean of the probabilities in the bin.
    pub mean_probability: f64,
    /// Weighted share of events in the bin.
    pub observed: f64,
    /// Lower end of the Wilson interval of `observed`, taking rows as independent.
    pub lo: f64,
    /// Upper end of that interval.
    pub hi: f64,
    /// Rows in the bin.
    pub n_rows: usize,
    /// Events in the bin.
    pub n_events: usize,
}

/// The calibration curve: observed share of events against predicted probability, in bins that
/// hold about equally many rows.
///
/// The edges are the quantiles 0, 1/k, …, 1 of the probabilities (linear interpolation; a row of
/// weight 0 is as good as absent, other weights are not counted); a probability on an edge belongs
/// to the bin below. Equal probabilities stay in
/// one bin, and empty bins are left out, so that fewer than `n_bins` may come back. The Wilson
/// interval (at `level`, such as 0.95) takes the rows of a bin as independent: with repeated
/// measurements of a group it is too narrow.
///
/// # Errors
/// [`Error::Parameter`] where `n_bins` is 0 or above 10,000, or `level` not inside (0, 1);
/// [`Error::Table`] where there is no row or a score is not a probability.
pub fn calibration_curve(
    rows: &ScoredRows<'_>,
    n_bins: usize,
    level: f64,
) -> Result<Vec<CalibrationBin>> {
    if !(1..=MOST_BINS).contains(&n_bins) {
        let message = format!("expected 1 to {MOST_BINS}, found {n_bins}");
        return Err(Error::parameter("n_bins", message));
    }
    super::level::check_level(level)?;
    rows.check_probabilities()
        .map_err(|reason| Error::table(reason.to_string()))?;
    let has_weight = |row: &u32| rows.weight(*row as usize) > 0.0;
    let order: Vec<u32> = rows
        .rising_order()
        .iter()
        .copied()
        .filter(has_weight)
        .collect();
    let rising: Vec<f64> = order.iter().map(|&r| rows.scores()[r as usize]).collect();
    if rising.is_empty() {
        return Err(Error::table(Undefined::NoRows.to_string()));
    }
    let mut bins = Vec::with_capacity(n_bins);
    let mut start = 0;
    for bin in 1..=n_bins {
        let end = if bin == n_bins {
            rising.len()
        } else {
            let edge = quantile(&rising, bin as f64 / n_bins as f64);
            rising.partition_point(|&p| p <= edge)
        };
        bins.extend(summarize(rows, &order[start.min(end)..end], level));
        start = start.max(end);
    }
    Ok(bins)
}

fn summarize(rows: &ScoredRows<'_>, members: &[u32], level: f64) -> Option<CalibrationBin> {
    let (mut total, mut squares, mut predicted, mut observed) = (0.0, 0.0, 0.0, 0.0);
    let mut n_events = 0;
    for &row in members {
        let row = row as usize;
        let (w, y) = (rows.weight(row), rows.outcomes()[row]);
        total += w;
        squares += w * w;
        predicted += w * rows.scores()[row];
        observed += w * y;
        n_events += usize::from(is_event(y));
    }
    if total <= 0.0 {
        return None;
    }
    let rate = observed / total;
    // Kish's effective number of rows; the plain number without weights.
    let (lo, hi) = wilson(rate, total * total / squares, level);
    Some(CalibrationBin {
        mean_probability: predicted / total,
        observed: rate,
        lo,
        hi,
        n_rows: members.len(),
        n_events,
    })
}

/// Wilson's interval of a share (Wilson 1927).
fn wilson(rate: f64, n: f64, level: f64) -> (f64, f64) {
    let z = normal_quantile(0.5 + 0.5 * level);
    let z2 = z * z;
    let center = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
    ((center - half).max(0.0), (center + half).min(1.0))
}
