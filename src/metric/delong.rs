//! The variance of a ROC AUC without resampling.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Estimate, IntervalMethod};
use super::discrimination::same_score;
use super::rows::ScoredRows;
use super::undefined::Undefined;
use crate::Result;
use crate::numeric::distribution::normal_quantile;
use crate::numeric::logistic::{logit, sigmoid};
use crate::numeric::outcomes::is_event;

/// A ROC AUC with its variance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeLong {
    /// The area.
    pub auc: f64,
    /// Its variance.
    pub variance: f64,
}

impl DeLong {
    /// The Wald interval at `level`, cut to \[0, 1\] (what pROC prints).
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) where `level` is not inside (0, 1).
    pub fn interval(&self, level: f64) -> Result<(f64, f64)> {
        let half = self.half_width(level)?;
        Ok(((self.auc - half).max(0.0), (self.auc + half).min(1.0)))
    }

    /// The interval made on the scale of ln(AUC / (1 − AUC)), which stays inside (0, 1) and is
    /// nearer its level for small samples and areas near 1. `None` where the area is 0 or 1.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) where `level` is not inside (0, 1).
    ///
    /// # References
    /// Pepe MS. The Statistical Evaluation of Medical Tests. Oxford, 2003, section 5.2.4.
    pub fn logit_interval(&self, level: f64) -> Result<Option<(f64, f64)>> {
        let half = self.half_width(level)?;
        if self.auc <= 0.0 || self.auc >= 1.0 {
            return Ok(None);
        }
        let center = logit(self.auc);
        let half = half / (self.auc * (1.0 - self.auc));
        Ok(Some((sigmoid(center - half), sigmoid(center + half))))
    }

    fn half_width(&self, level: f64) -> Result<f64> {
        super::level::check_level(level)?;
        Ok(normal_quantile(0.5 + 0.5 * level) * self.variance.sqrt())
    }
}

/// ROC AUC and its variance by DeLong's method; where the rows have groups, by Obuchowski's
/// extension, which lets rows of one group depend on each other.
///
/// The placement values come from one sort, O(n log n) (Sun and Xu). With one row a group the two
/// methods agree. Like every Wald method it fails at the border: an AUC of exactly 0 or 1 has
/// variance 0 whatever the sample, and the bootstrap then does no better.
///
/// # Errors
/// [`Undefined::OneClass`], [`Undefined::NoRows`]; [`Undefined::Weighted`] where rows have
/// weights; [`Undefined::TooFewGroups`] with fewer than 2 groups with, or 2 without, the event.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{ScoredRows, delong};
///
/// let rows = ScoredRows::new(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0])?;
/// let area = delong(&rows).unwrap();
/// assert_eq!(area.auc, 0.75);
/// // placements with the event ½, 1 and without 1, ½: variances ⅛ each, over 2 rows each
/// assert_eq!(area.variance, 0.125);
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837–845. Sun X, Xu W. IEEE Signal
/// Processing Letters 2014;21:1389–1393. Obuchowski NA. Biometrics 1997;53:567–578.
pub fn delong(rows: &ScoredRows<'_>) -> Result<DeLong, Undefined> {
    let placements = Placements::new(rows)?;
    let (groups, n_groups) = rows.compact_groups();
    let variance =
        clustered_covariance(&placements, &placements, rows.outcomes(), &groups, n_groups)?;
    Ok(DeLong {
        auc: placements.auc,
        variance,
    })
}

/// ROC AUC with DeLong's interval (by groups where the rows have any), as tables hold it.
///
/// Where the variance is 0 (an AUC of 0 or 1) there is no interval, and the reason says so.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) where `level` is not inside (0, 1). An undefined
/// area is no error: the reason stands in the estimate.
pub fn delong_estimate(rows: &ScoredRows<'_>, level: f64) -> Result<Estimate> {
    super::level::check_level(level)?;
    let mut estimate = Estimate::empty(rows, level, IntervalMethod::Wald);
    match delong(rows) {
        Ok(area) => {
            estimate.value = Some(area.auc);
            if area.variance > 0.0 {
                let (lo, hi) = area.interval(level)?;
                (estimate.lo, estimate.hi) = (Some(lo), Some(hi));
            } else {
                estimate.reason = Some(Undefined::NoVariance.to_string());
            }
        }
        Err(reason) => {
            estimate.value = super::roc_auc(rows).ok();
            estimate.reason = Some(reason.to_string());
        }
    }
    Ok(estimate)
}

/// For each row with the event the share of rows without it that score lower (ties half); for
/// each row without it the share of events that score higher.
#[derive(Debug)]
pub(crate) struct Placements {
    pub(crate) auc: f64,
    values: Vec<f64>,
}

impl Placements {
    pub(crate) fn new(rows: &ScoredRows<'_>) -> Result<Self, Undefined> {
        if rows.weights().is_some() {
            return Err(Undefined::Weighted);
        }
        rows.class_weights()?;
        let order = rows.rising_order();
        let n_with = rows.n_events();
        let n_without = rows.n_rows() - n_with;
        let mut values = vec![0.0; rows.n_rows()];
        // Twice the area in pairs, an exact integer.
        let mut doubled_pairs = 0_u128;
        let (mut below_with, mut below_without) = (0_usize, 0_usize);
        for tie in order.chunk_by(|&a, &b| same_score(rows, a, b)) {
            let with = tie
                .iter()
                .filter(|&&row| is_event(rows.outcomes()[row as usize]))
                .count();
            let without = tie.len() - with;
            let doubled_lower = 2 * below_without + without;
            let doubled_higher = 2 * (n_with - below_with - with) + with;
            for &row in tie {
                let row = row as usize;
                values[row] = if is_event(rows.outcomes()[row]) {
                    doubled_lower as f64 / (2 * n_without) as f64
                } else {
                    doubled_higher as f64 / (2 * n_with) as f64
                };
            }
            doubled_pairs += with as u128 * doubled_lower as u128;
            below_with += with;
            below_without += without;
        }
        let auc = doubled_pairs as f64 / (2.0 * n_with as f64 * n_without as f64);
        Ok(Self { auc, values })
    }
}

/// Covariance of two areas on the same rows (of one with itself, its variance).
///
/// Deviations of the placements are summed within groups: S10 over groups with events, S01 over
/// groups with rows without, S11 over all, as in Obuchowski 1997, section 2.
pub(crate) fn clustered_covariance(
    first: &Placements,
    second: &Placements,
    outcomes: &[f64],
    groups: &[u32],
    n_groups: usize,
) -> Result<f64, Undefined> {
    let mut sums = vec![GroupSum::default(); n_groups];
    for (row, (&group, &y)) in groups.iter().zip(outcomes).enumerate() {
        let class = usize::from(is_event(y));
        let sum = &mut sums[group as usize];
        sum.n[class] += 1;
        sum.first[class] += first.values[row] - first.auc;
        sum.second[class] += second.values[row] - second.auc;
    }
    let mut total = [0_usize; 2];
    let mut n_with_class = [0_usize; 2];
    let mut squares = [0.0; 2];
    let mut cross = 0.0;
    for sum in &sums {
        for class in 0..2 {
            total[class] += sum.n[class];
            n_with_class[class] += usize::from(sum.n[class] > 0);
            squares[class] += sum.first[class] * sum.second[class];
        }
        // both orders, so that the covariance is symmetric in its two areas
        cross += sum.first[0] * sum.second[1] + sum.first[1] * sum.second[0];
    }
    if n_with_class.iter().any(|&n| n < 2) {
        return Err(Undefined::TooFewGroups);
    }
    let scaled = |class: usize| {
        let (i, n) = (n_with_class[class] as f64, total[class] as f64);
        i / (i - 1.0) * squares[class] / (n * n)
    };
    let groups = n_groups as f64;
    let mixed = groups / (groups - 1.0) * cross / (total[0] as f64 * total[1] as f64);
    Ok(scaled(0) + scaled(1) + mixed)
}

#[derive(Debug, Clone, Default)]
struct GroupSum {
    n: [usize; 2],
    first: [f64; 2],
    second: [f64; 2],
}
