//! Intervals by drawing whole groups with replacement.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::kind::Metric;
use super::rows::ScoredRows;
use super::undefined::Undefined;
use crate::cancel;
use crate::numeric::distribution::{normal_cdf, normal_quantile};
use crate::numeric::summary::quantile;
use crate::numeric::xoshiro::{Random, derive_seed};
use crate::{Error, Result};

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Quantiles of the resamples.
    Percentile,
    /// Quantiles corrected for bias and acceleration (Efron 1987); the acceleration comes from
    /// leaving out one group at a time, which takes time in the square of the groups: seconds at
    /// 10,000, minutes at 100,000.
    Bca,
    /// Normal or Student's distribution around the value.
    Wald,
}

/// A metric with its interval and what stands behind it.
///
/// `value` is absent where the metric is undefined, `lo` and `hi` where no interval could be
/// made; `reason` then says why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Estimate {
    /// The metric on the rows as they are.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub lo: Option<f64>,
    /// Upper end of the interval.
    pub hi: Option<f64>,
    /// The level of the interval.
    pub level: f64,
    /// How the interval was made; `percentile` where the
    /// acceleration of `bca` is undefined.
    pub method: IntervalMethod,
    /// Rows behind the value: those of positive weight.
    pub n_rows: usize,
    /// Groups behind the value.
    pub n_groups: usize,
    /// Rows with outcome 1.
    pub n_events: usize,
    /// Resamples on which the metric was undefined (one class drawn); they are left out.
    pub n_undefined: usize,
    /// Why the value or the interval is absent.
    pub reason: Option<String>,
}

impl Estimate {
    /// An estimate of nothing but the counts, to be filled in.
    pub(crate) fn empty(rows: &ScoredRows<'_>, level: f64, method: IntervalMethod) -> Self {
        Self {
            value: None,
            lo: None,
            hi: None,
            level,
            method,
            n_rows: rows.n_counted(),
            n_groups: rows.n_groups(),
            n_events: rows.n_events(),
            n_undefined: 0,
            reason: None,
        }
    }
}

/// How to bootstrap: groups are drawn with replacement, as many as there are, and a row counts as
/// often as its group was drawn.
///
/// The interval is that of a new study with other groups of the same kind; with fewer than about
/// 10 groups it is too narrow. Resamples in which the metric is undefined are left out and
/// counted; where they are half of all or more, there is no interval.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{BootstrapParams, Metric, ScoredRows};
///
/// let scores = [0.2, 0.1, 0.6, 0.4, 0.3, 0.9, 0.8, 0.7];
/// let outcomes = [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0];
/// let rows = ScoredRows::new(&scores, &outcomes)?.with_groups(&[0, 0, 1, 1, 2, 2, 3, 3])?;
/// let auc = BootstrapParams::default().with_seed(7).estimate(Metric::RocAuc, &rows)?;
/// assert_eq!(auc.value, Some(0.9375));
/// assert_eq!((auc.n_rows, auc.n_groups, auc.n_events), (8, 4, 4));
/// assert!(auc.lo < auc.value && auc.value <= auc.hi);
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// Efron B. JASA 1987;82:171–185. Field CA, Welsh AH. JRSS B 2007;69:369–390 (clusters).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BootstrapParams {
    /// Resamples to draw. Default 2000.
    pub n_resamples: usize,
    /// The level of the interval. Default 0.95.
    pub level: f64,
    /// `percentile` (the default) or `bca`.
    pub method: IntervalMethod,
    /// The seed; each resample derives its own. Default 0.
    pub seed: u64,
}

impl Default for BootstrapParams {
    fn default() -> Self {
        Self {
            n_resamples: 2000,
            level: 0.95,
            method: IntervalMethod::Percentile,
            seed: 0,
        }
    }
}

impl BootstrapParams {
    /// The same with another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same with another number of resamples.
    #[must_use]
    pub fn with_n_resamples(self, n_resamples: usize) -> Self {
        Self {
            n_resamples,
            ..self
        }
    }

    /// The same with another method.
    #[must_use]
    pub fn with_method(self, method: IntervalMethod) -> Self {
        Self { method, ..self }
    }

    /// One metric with its interval.
    ///
    /// An undefined metric is not an error: the estimate has no value and says why.
    ///
    /// # Errors
    /// [`Error::Parameter`] where `n_resamples` is 0, `level` is not inside (0, 1) or `method` is
    /// [`IntervalMethod::Wald`].
    pub fn estimate(&self, metric: Metric, rows: &ScoredRows<'_>) -> Result<Estimate> {
        self.check()?;
        let mut estimate = Estimate::empty(rows, self.level, self.method);
        let value = match metric.value(rows) {
            Ok(value) => value,
            Err(reason) => {
                estimate.reason = Some(reason.to_string());
                return Ok(estimate);
            }
        };
        estimate.value = Some(value);
        let resampler = GroupResampler::new(rows);
        let order = rows.rising_order();
        let on = |weights: &[f64]| metric.value(&rows.reweighted(weights, &order));
        let resampled = resampler.map(self.n_resamples, self.seed, on);
        let interval = match self.method {
            IntervalMethod::Bca => resampler
                .acceleration(on)
                .map(|acceleration| (value, acceleration)),
            IntervalMethod::Percentile | IntervalMethod::Wald => None,
        };
        if interval.is_none() {
            estimate.method = IntervalMethod::Percentile;
        }
        estimate.n_undefined = resampled.iter().filter(|drawn| drawn.is_none()).count();
        match interval_of(resampled, resampler.n_groups, self.level, interval) {
            Ok((lo, hi)) => (estimate.lo, estimate.hi) = (Some(lo), Some(hi)),
            Err(reason) => estimate.reason = Some(reason.to_string()),
        }
        Ok(estimate)
    }

    pub(crate) fn check(&self) -> Result<()> {
        super::level::check_level(self.level)?;
        if self.n_resamples == 0 {
            return Err(Error::parameter(
                "n_resamples",
                "expected 1 or more, found 0",
            ));
        }
        if self.method == IntervalMethod::Wald {
            return Err(Error::parameter(
                "method",
                "`wald` is not a bootstrap; expected `percentile` or `bca`",
            ));
        }
        Ok(())
    }
}

/// Draws groups and hands out the weights that the rows then have.
pub(crate) struct GroupResampler {
    groups: Vec<u32>,
    pub(crate) n_groups: usize,
    weights: Vec<f64>,
}

impl GroupResampler {
    pub(crate) fn new(rows: &ScoredRows<'_>) -> Self {
        let (groups, n_groups) = rows.compact_groups();
        Self {
            groups,
            n_groups,
            weights: rows.weights_or_ones(),
        }
    }

    /// What `statistic` is on each resample, in their order; `None` where it is undefined.
    pub(crate) fn map(
        &self,
        n_resamples: usize,
        seed: u64,
        statistic: impl Fn(&[f64]) -> Result<f64, Undefined> + Sync,
    ) -> Vec<Option<f64>> {
        (0..n_resamples)
            .into_par_iter()
            .map_init(
                || (vec![0_u32; self.n_groups], vec![0.0; self.groups.len()]),
                |(counts, weights), resample| {
                    if cancel::is_cancelled() {
                        return None;
                    }
                    let mut random = Random::new(derive_seed(seed, resample));
                    counts.fill(0);
                    for _ in 0..self.n_groups {
                        counts[random.below(self.n_groups)] += 1;
                    }
                    self.weigh(weights, |group| f64::from(counts[group]));
                    statistic(weights).ok()
                },
            )
            .collect()
    }

    /// Efron's acceleration from the groups left out one at a time; `None` where the statistic
    /// is undefined without some group or does not vary.
    fn acceleration(
        &self,
        statistic: impl Fn(&[f64]) -> Result<f64, Undefined> + Sync,
    ) -> Option<f64> {
        let left_out: Option<Vec<f64>> = (0..self.n_groups)
            .into_par_iter()
            .map_init(
                || vec![0.0; self.groups.len()],
                |weights, absent| {
                    if cancel::is_cancelled() {
                        return None;
                    }
                    self.weigh(weights, |group| f64::from(u8::from(group != absent)));
                    statistic(weights).ok()
                },
            )
            .collect();
        let left_out = left_out?;
        let mean = left_out.iter().sum::<f64>() / left_out.len() as f64;
        let (mut squares, mut cubes) = (0.0, 0.0);
        for value in left_out {
            let deviation = mean - value;
            squares += deviation * deviation;
            cubes += deviation * deviation * deviation;
        }
        (squares > 0.0).then(|| cubes / (6.0 * squares * squares.sqrt()))
    }

    fn weigh(&self, weights: &mut [f64], times: impl Fn(usize) -> f64) {
        for ((weight, &base), &group) in weights.iter_mut().zip(&self.weights).zip(&self.groups) {
            *weight = base * times(group as usize);
        }
    }
}

/// The interval of resampled values; corrected where value and acceleration are given.
pub(crate) fn interval_of(
    resampled: Vec<Option<f64>>,
    n_groups: usize,
    level: f64,
    bca: Option<(f64, f64)>,
) -> Result<(f64, f64), Undefined> {
    let n_resamples = resampled.len();
    let mut rising: Vec<f64> = resampled.into_iter().flatten().collect();
    let n_undefined = n_resamples - rising.len();
    if n_groups < 2 {
        return Err(Undefined::OneGroup);
    }
    if 2 * n_undefined >= n_resamples {
        return Err(Undefined::TooFewResamples {
            n_undefined,
            n_resamples,
        });
    }
    rising.sort_unstable_by(f64::total_cmp);
    let tail = 0.5 - 0.5 * level;
    let (lower, upper) = match bca {
        None => (tail, 1.0 - tail),
        Some((value, acceleration)) => {
            let below = rising.partition_point(|&drawn| drawn < value);
            let equal = rising.partition_point(|&drawn| drawn <= value) - below;
            // Kept off 0 and 1, where the bias would be infinite.
            let share = ((below as f64 + 0.5 * equal as f64) / rising.len() as f64)
                .clamp(0.5 / rising.len() as f64, 1.0 - 0.5 / rising.len() as f64);
            let bias = normal_quantile(share);
            let shifted = |p: f64| {
                let z = bias + normal_quantile(p);
                normal_cdf(bias + z / (1.0 - acceleration * z))
            };
            (shifted(tail), shifted(1.0 - tail))
        }
    };
    Ok((quantile(&rising, lower), quantile(&rising, upper)))
}

#[cfg(test)]
mod tests;
