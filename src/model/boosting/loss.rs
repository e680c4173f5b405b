//! The loss, its derivatives, and the scores of the training rows.

use std::sync::atomic::{AtomicU64, Ordering};

use super::params::BoostingLoss;
use crate::numeric::logistic::{plain_sigmoid, softplus};

/// First and second derivatives of the loss at each `((score, outcome), weight)`, times the weight.
pub(super) fn derive<'a>(
    loss: BoostingLoss,
    rows: impl Iterator<Item = ((f64, &'a f64), &'a f64)>,
    g: &mut [f64],
    h: &mut [f64],
) {
    let derivatives = g.iter_mut().zip(h.iter_mut());
    match loss {
        BoostingLoss::Logistic => {
            for ((g, h), ((score, outcome), weight)) in derivatives.zip(rows) {
                let p = plain_sigmoid(score);
                *g = weight * (p - outcome);
                *h = weight * (p * (1.0 - p)).max(1e-16);
            }
        }
        BoostingLoss::SquaredError => {
            for ((g, h), ((score, outcome), weight)) in derivatives.zip(rows) {
                *g = weight * (score - outcome);
                *h = *weight;
            }
        }
    }
}

/// The weighted mean of the loss.
pub(super) fn mean_loss(
    loss: BoostingLoss,
    scores: &[f64],
    outcomes: &[f64],
    weights: &[f64],
) -> f64 {
    let of = |score: f64, outcome: f64| match loss {
        BoostingLoss::Logistic => softplus(score) - outcome * score,
        BoostingLoss::SquaredError => 0.5 * (score - outcome) * (score - outcome),
    };
    let (mut sum, mut total) = (0.0, 0.0);
    for ((&score, &outcome), &weight) in scores.iter().zip(outcomes).zip(weights) {
        sum += weight * of(score, outcome);
        total += weight;
    }
    sum / total
}

/// Scores of rows, which threads may add leaves to at once: no row is in two.
#[derive(Debug)]
pub(super) struct Scores(Vec<AtomicU64>);

impl Scores {
    pub(super) fn new(scores: impl Iterator<Item = f64>) -> Self {
        Self(
            scores
                .map(|score| AtomicU64::new(score.to_bits()))
                .collect(),
        )
    }

    pub(super) fn add(&self, row: u32, value: f64) {
        let bits = &self.0[row as usize];
        let score = f64::from_bits(bits.load(Ordering::Relaxed));
        bits.store((score + value).to_bits(), Ordering::Relaxed);
    }

    /// The scores of the rows from `first` on.
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = f64> {
        let bits = self.0[first..].iter();
        bits.map(|bits| f64::from_bits(bits.load(Ordering::Relaxed)))
    }
}
