//! Whether a profile looks like anything the models learned from.

use ndarray::{ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::feature::COMMUNITY_FEATURES;
use crate::numeric::decimal::{Grid, rounded};

/// Means and spreads of the community features of the training profiles, and how far from them a
/// training profile lies at most, save the farthest hundredth. Aggregates only, of few digits: no
/// profile is kept, nor a number of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    pub(crate) means: Vec<f64>,
    pub(crate) sds: Vec<f64>,
    pub(crate) limit: f64,
    pub(crate) min_ln_richness: f64,
}

/// Significant digits of means and spreads: who knows all patients but one must not learn of the
/// last one from them.
pub(super) const DIGITS: usize = 4;

/// The share of a profile's mass that must lie in taxa with a column of their own.
const MIN_COVERED: f64 = 0.5;

const LN_RICHNESS: usize = 1;

impl Domain {
    pub(crate) fn learn(features: ArrayView2<'_, f64>) -> Self {
        let n = COMMUNITY_FEATURES.len().min(features.ncols());
        let community = features.slice_axis(Axis(1), ndarray::Slice::from(..n));
        let rows = features.nrows() as f64;
        let means: Vec<f64> = community
            .columns()
            .into_iter()
            .map(|column| rounded(column.sum() / rows, DIGITS))
            .collect();
        let sds = community
            .columns()
            .into_iter()
            .zip(&means)
            .map(|(column, mean)| {
                let sum: f64 = column.iter().map(|value| (value - mean).powi(2)).sum();
                rounded((sum / rows).sqrt().max(1e-9), DIGITS)
            })
            .collect();
        let mut domain = Self {
            means,
            sds,
            limit: f64::INFINITY,
            min_ln_richness: 0.0,
        };
        let mut distances: Vec<f64> = community
            .rows()
            .into_iter()
            .map(|row| domain.distance(row))
            .collect();
        distances.sort_by(f64::total_cmp);
        domain.limit = above(&distances, share_of(&distances, 0.99));
        let mut richness: Vec<f64> = community.column(LN_RICHNESS).to_vec();
        richness.sort_by(f64::total_cmp);
        domain.min_ln_richness = below(&richness, share_of(&richness, 0.01));
        domain
    }

    /// Whether the parts fit together, for a domain that was read from a file.
    pub(crate) fn is_consistent(&self) -> bool {
        self.means.len() == COMMUNITY_FEATURES.len()
            && self.sds.len() == self.means.len()
            && self.means.iter().all(|mean| mean.is_finite())
            && self.sds.iter().all(|sd| *sd > 0.0 && sd.is_finite())
            && self.limit > 0.0
            && self.min_ln_richness.is_finite()
    }

    /// Root mean square of the standardized community features; about 1 for a usual profile.
    pub fn distance(&self, features: ArrayView1<'_, f64>) -> f64 {
        let standardized = features.iter().zip(&self.means).zip(&self.sds);
        let sum: f64 = standardized
            .map(|((x, mean), sd)| ((x - mean) / sd).powi(2))
            .sum();
        (sum / self.means.len() as f64).sqrt()
    }

    /// Why a profile lies outside, or `None` where it lies inside.
    pub fn objection(&self, features: ArrayView1<'_, f64>, covered: f64) -> Option<String> {
        if covered < MIN_COVERED {
            return Some(format!(
                "only {:.0} % of the profile is in taxa that the model knows",
                100.0 * covered
            ));
        }
        if features[LN_RICHNESS] < self.min_ln_richness {
            return Some(format!(
                "{:.0} species, fewer than 99 % of the training profiles have",
                libm::exp(features[LN_RICHNESS])
            ));
        }
        let distance = self.distance(features);
        (distance > self.limit).then(|| {
            format!(
                "community features {distance:.2} from the training mean, beyond 99 % of the \
                 training profiles ({:.2})",
                self.limit
            )
        })
    }
}

/// The place of a share of sorted numbers.
pub(super) fn share_of(sorted: &[f64], share: f64) -> usize {
    (share * sorted.len().saturating_sub(1) as f64).round() as usize
}

/// How far beyond the outermost number a bound is put, as a share of it.
const MARGIN: f64 = 0.01;

/// A decimal of three digits at most that the number at a place does not exceed: between it and the
/// next larger of the grid, so that it parts the sorted numbers as the number itself does, but for
/// numbers that agree in three digits, and does not tell it.
pub(super) fn above(sorted: &[f64], place: usize) -> f64 {
    let Some(&number) = sorted.get(place) else {
        return f64::INFINITY;
    };
    let bound = Grid::PLAIN.not_below(number);
    let next = sorted.iter().copied().find(|&other| other > bound);
    let next = next.unwrap_or(bound + MARGIN * bound.abs().max(MARGIN));
    Grid::PLAIN.cut(number.max(bound), next)
}

/// The same not above the number at a place.
pub(super) fn below(sorted: &[f64], place: usize) -> f64 {
    let negated: Vec<f64> = sorted.iter().rev().map(|number| -number).collect();
    let place = sorted.len().checked_sub(place + 1);
    place.map_or(f64::INFINITY, |place| -above(&negated, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_parts_what_the_number_parted_and_is_not_the_number() {
        let sorted: Vec<f64> = (1..=50).map(|k| libm::log(f64::from(k * k))).collect();
        for place in 0..sorted.len() {
            let number = sorted[place];
            let (high, low) = (above(&sorted, place), below(&sorted, place));
            assert!(low < number && number < high, "{low} {number} {high}");
            assert!(sorted.iter().all(|&x| (x > high) == (x > number)));
            assert!(sorted.iter().all(|&x| (x < low) == (x < number)));
        }
    }
}
