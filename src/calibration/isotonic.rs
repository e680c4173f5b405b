//! Isotonic regression: the best non-decreasing step curve.

use serde::{Deserialize, Serialize};

use crate::numeric::decimal::Grid;
use crate::stored::checked_serde;
use crate::{Error, Result};

/// A non-decreasing curve through corners, straight between them and flat outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct IsotonicMap {
    /// Scores of the corners, rising strictly.
    pub(super) scores: Vec<f64>,
    /// Probabilities there, never falling.
    pub(super) values: Vec<f64>,
}

/// Rows of one score, as one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pooled {
    pub(super) score: f64,
    /// Σ weight × outcome.
    pub(super) positive: f64,
    pub(super) weight: f64,
}

/// Scores of three significant digits, by which a map that keeps scores tells nobody's own.
pub(super) fn coarse(scores: &[f64]) -> Vec<f64> {
    let coarse = |&score: &f64| Grid::PLAIN.nearest(score);
    scores.iter().map(coarse).collect()
}

/// Rows sorted by score, equal scores (and weights of 0) merged.
pub(super) fn pool(scores: &[f64], outcomes: &[f64], weights: Option<&[f64]>) -> Vec<Pooled> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut pooled: Vec<Pooled> = Vec::with_capacity(order.len());
    for row in order {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        if weight == 0.0 {
            continue;
        }
        match pooled.last_mut() {
            // -0 and 0 are one score, though `total_cmp` tells them apart.
            Some(last) if last.score >= scores[row] => {
                last.positive += weight * outcomes[row];
                last.weight += weight;
            }
            _ => pooled.push(Pooled {
                score: scores[row],
                positive: weight * outcomes[row],
                weight,
            }),
        }
    }
    pooled
}

/// The values of pool-adjacent-violators at each of `pooled`.
pub(super) fn pool_adjacent_violators(pooled: &[Pooled]) -> Vec<f64> {
    // Blocks of (positive, weight, number of members).
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(pooled.len());
    for one in pooled {
        blocks.push((one.positive, one.weight, 1));
        while let [.., before, last] = blocks.as_slice() {
            // before.mean >= last.mean, without division
            if before.0 * last.1 < last.0 * before.1 {
                break;
            }
            let merged = (before.0 + last.0, before.1 + last.1, before.2 + last.2);
            blocks.truncate(blocks.len() - 2);
            blocks.push(merged);
        }
    }
    blocks
        .iter()
        .flat_map(|&(positive, weight, n)| {
            std::iter::repeat_n((positive / weight).clamp(0.0, 1.0), n)
        })
        .collect()
}

checked_serde!(IsotonicMap);

/// That scores rise strictly and are finite, at least one.
pub(super) fn check_rising(scores: &[f64]) -> Result<()> {
    let rise = scores.windows(2).all(|pair| pair[0] < pair[1]);
    if !scores.is_empty() && rise && scores.iter().all(|score| score.is_finite()) {
        return Ok(());
    }
    Err(Error::model_file(
        "expected the scores of a calibration curve to be finite and to rise strictly",
    ))
}

pub(super) fn is_probability(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

impl IsotonicMap {
    fn check_stored(&self) -> Result<()> {
        check_rising(&self.scores)?;
        let falls = self.values.windows(2).any(|pair| pair[0] > pair[1]);
        let are_probabilities = self.values.iter().copied().all(is_probability);
        if self.values.len() == self.scores.len() && are_probabilities && !falls {
            return Ok(());
        }
        Err(Error::model_file(
            "expected one probability per score of an isotonic curve, never falling",
        ))
    }

    pub(super) fn fit(scores: &[f64], outcomes: &[f64], weights: Option<&[f64]>) -> Self {
        let pooled = pool(&coarse(scores), outcomes, weights);
        let all = pool_adjacent_violators(&pooled);
        let mut map = Self {
            scores: Vec::new(),
            values: Vec::new(),
        };
        for (at, one) in pooled.iter().enumerate() {
            // Inside a flat stretch a corner says nothing.
            let is_inner =
                at > 0 && at + 1 < all.len() && all[at - 1] >= all[at] && all[at] >= all[at + 1];
            if !is_inner {
                map.scores.push(one.score);
                map.values.push(all[at]);
            }
        }
        map
    }

    pub(super) fn probability(&self, score: f64) -> f64 {
        let after = self.scores.partition_point(|&corner| corner <= score);
        match (after.checked_sub(1), self.scores.get(after)) {
            (None, _) => self.values.first().copied().unwrap_or(0.5),
            (Some(before), None) => self.values[before],
            (Some(before), Some(&next)) => {
                let share = (score - self.scores[before]) / (next - self.scores[before]);
                let (low, high) = (self.values[before], self.values[after]);
                (low + share * (high - low)).clamp(low, high)
            }
        }
    }
}
