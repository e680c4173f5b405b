//! Whether a profile looks like anything the models learned from.

use ndarray::{ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::feature::COMMUNITY_FEATURES;

/// Means and spreads of the community features of the training profiles, and how far from them a
/// training profile lies at most, save the farthest hundredth. Aggregates only: no profile is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    pub(crate) means: Vec<f64>,
    pub(crate) sds: Vec<f64>,
    pub(crate) limit: f64,
    pub(crate) min_ln_richness: f64,
}

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
            .map(|column| column.sum() / rows)
            .collect();
        let sds = community
            .columns()
            .into_iter()
            .zip(&means)
            .map(|(column, mean)| {
                let sum: f64 = column.iter().map(|value| (value - mean).powi(2)).sum();
                (sum / rows).sqrt().max(1e-9)
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
        domain.limit = at_share(&distances, 0.99);
        let mut richness: Vec<f64> = community.column(LN_RICHNESS).to_vec();
        richness.sort_by(f64::total_cmp);
        domain.min_ln_richness = at_share(&richness, 0.01);
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

fn at_share(sorted: &[f64], share: f64) -> f64 {
    let at = (share * (sorted.len() - 1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::INFINITY)
}
