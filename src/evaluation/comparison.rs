//! Two models on the same rows: how much better, and could it be chance.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cancel;
use crate::metric::{
    BootstrapParams, GroupResampler, IntervalMethod, Metric, Placements, clustered_covariance,
    interval_of,
};
use crate::metric::{ScoredRows, Undefined};
use crate::numeric::distribution::{normal_p_value, normal_quantile};
use crate::numeric::xoshiro::{Random, STREAM_OF_PERMUTATIONS, derive_seed};
use crate::{Error, Result};

/// How a p value was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ComparisonMethod {
    /// DeLong's test of two correlated areas, by groups where the rows have any.
    #[serde(rename = "delong")]
    DeLong,
    /// The two models' scores exchanged in random groups.
    GroupSignFlip,
}

/// The difference of a metric between two models on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The metric compared.
    pub metric: Metric,
    /// Its value for the first model.
    pub first: Option<f64>,
    /// Its value for the second model.
    pub second: Option<f64>,
    /// First minus second.
    pub difference: Option<f64>,
    /// Lower end of the interval of the difference.
    pub lo: Option<f64>,
    /// Upper end of that interval.
    pub hi: Option<f64>,
    /// Two-sided p value of no difference.
    pub p_value: Option<f64>,
    /// The level of the interval.
    pub level: f64,
    /// How the p value was made.
    pub method: ComparisonMethod,
    /// Rows behind it.
    pub n_rows: usize,
    /// Groups behind it.
    pub n_groups: usize,
    /// Rows with outcome 1.
    pub n_events: usize,
    /// Why something is absent.
    pub reason: Option<String>,
}

impl Comparison {
    fn empty(metric: Metric, rows: &ScoredRows<'_>, level: f64, method: ComparisonMethod) -> Self {
        Self {
            metric,
            first: None,
            second: None,
            difference: None,
            lo: None,
            hi: None,
            p_value: None,
            level,
            method,
            n_rows: rows.n_rows(),
            n_groups: rows.n_groups(),
            n_events: rows.n_events(),
            reason: None,
        }
    }

    fn without(mut self, reason: Undefined) -> Self {
        self.reason = Some(reason.to_string());
        self
    }
}

/// DeLong's test of two ROC AUCs on the same rows; where the rows have groups, with Obuchowski's
/// variance.
///
/// z = (AUC₁ − AUC₂) / √(var₁ + var₂ − 2 cov), two-sided p from the normal distribution. Scores
/// that order all rows alike give a difference of 0 and p = 1. The test takes both models as
/// fixed: scores from different folds of a cross-validation make it optimistic.
///
/// # Errors
/// [`Error::Table`] where `second_scores` does not fit the rows, [`Error::Parameter`] where
/// `level` is not inside (0, 1). One class or too few groups are no error: the reason stands in
/// the result.
///
/// # Examples
/// ```
/// use donormatch::evaluation::{ScoredRows, compare_by_delong};
///
/// let outcomes = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
/// let first = ScoredRows::new(&[0.1, 0.3, 0.2, 0.4, 0.6, 0.5], &outcomes)?;
/// let comparison = compare_by_delong(&first, &[0.4, 0.1, 0.5, 0.3, 0.6, 0.2], 0.95)?;
/// assert_eq!((comparison.first, comparison.second), (Some(1.0), Some(5.0 / 9.0)));
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837–845. Obuchowski NA.
/// Biometrics 1997;53:567–578.
pub fn compare_by_delong(
    first: &ScoredRows<'_>,
    second_scores: &[f64],
    level: f64,
) -> Result<Comparison> {
    crate::metric::check_level(level)?;
    let second = first.with_scores(second_scores)?;
    let comparison = Comparison::empty(Metric::RocAuc, first, level, ComparisonMethod::DeLong);
    Ok(fill_by_delong(comparison.clone(), first, &second)
        .unwrap_or_else(|reason| comparison.without(reason)))
}

fn fill_by_delong(
    mut comparison: Comparison,
    first: &ScoredRows<'_>,
    second: &ScoredRows<'_>,
) -> Result<Comparison, Undefined> {
    let (a, b) = (Placements::new(first)?, Placements::new(second)?);
    let (groups, n_groups) = first.compact_groups();
    let covariance = |x, y| clustered_covariance(x, y, first.outcomes(), &groups, n_groups);
    let variance = (covariance(&a, &a)? + covariance(&b, &b)? - 2.0 * covariance(&a, &b)?).max(0.0);
    let difference = a.auc - b.auc;
    comparison.first = Some(a.auc);
    comparison.second = Some(b.auc);
    comparison.difference = Some(difference);
    let has_variance = variance > f64::EPSILON * f64::EPSILON;
    if !has_variance && difference.abs() >= f64::EPSILON {
        comparison.reason = Some(Undefined::NoVariance.to_string());
        return Ok(comparison);
    }
    let half = normal_quantile(0.5 + 0.5 * comparison.level) * variance.sqrt();
    (comparison.lo, comparison.hi) = (Some(difference - half), Some(difference + half));
    comparison.p_value = Some(if has_variance {
        normal_p_value(difference / variance.sqrt())
    } else {
        1.0
    });
    Ok(comparison)
}

/// Any metric of two models on the same rows: interval by bootstrap over groups, p value by
/// exchanging the models in whole groups.
///
/// Under the null the two models are exchangeable, so in each of `n_resamples` draws every group
/// swaps its two scores by a fair coin; p = (1 + number of draws with a difference at least as
/// large in size) / (1 + draws). For metrics of order each model's scores are first replaced by
/// their ranks over all rows, so that models on different scales can be exchanged. Draws in which
/// the metric is undefined count as at least as large.
///
/// # Errors
/// [`Error::Table`] where `second_scores` does not fit the rows, [`Error::Parameter`] where the
/// params are out of range or ask for [`IntervalMethod::Bca`]. An undefined metric is no error:
/// the reason stands in the result.
///
/// # References
/// Venkatraman ES, Begg CB. Biometrika 1996;83:835–848. Bandos AI et al. Stat Med
/// 2005;24:2873–2893.
pub fn compare_by_groups(
    metric: Metric,
    first: &ScoredRows<'_>,
    second_scores: &[f64],
    params: &BootstrapParams,
) -> Result<Comparison> {
    params.check()?;
    if params.method != IntervalMethod::Percentile {
        return Err(Error::parameter(
            "method",
            "a difference has only the `percentile` interval",
        ));
    }
    let second = first.with_scores(second_scores)?;
    let comparison =
        Comparison::empty(metric, first, params.level, ComparisonMethod::GroupSignFlip);
    let (a, b) = match (metric.value(first), metric.value(&second)) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(reason), _) | (_, Err(reason)) => return Ok(comparison.without(reason)),
    };
    let mut comparison = Comparison {
        first: Some(a),
        second: Some(b),
        difference: Some(a - b),
        ..comparison
    };
    let (first_order, second_order) = (first.rising_order(), second.rising_order());
    let resampler = GroupResampler::new(first);
    let resampled = resampler.map(params.n_resamples, params.seed, |weights| {
        Ok(metric.value(&first.reweighted(weights, &first_order))?
            - metric.value(&second.reweighted(weights, &second_order))?)
    });
    match interval_of(resampled, resampler.n_groups, params.level, None) {
        Ok((lo, hi)) => (comparison.lo, comparison.hi) = (Some(lo), Some(hi)),
        Err(reason) => comparison.reason = Some(reason.to_string()),
    }
    if resampler.n_groups >= 2 {
        comparison.p_value = Some(sign_flip(metric, first, &second, params));
    }
    Ok(comparison)
}

fn sign_flip(
    metric: Metric,
    first: &ScoredRows<'_>,
    second: &ScoredRows<'_>,
    params: &BootstrapParams,
) -> f64 {
    let (a, b) = if metric.needs_probabilities() {
        (first.scores().to_vec(), second.scores().to_vec())
    } else {
        (ranks(first), ranks(second))
    };
    let (groups, n_groups) = first.compact_groups();
    let difference = |flips: &[bool]| -> Option<f64> {
        let (mut x, mut y) = (a.clone(), b.clone());
        for (row, &group) in groups.iter().enumerate() {
            if flips[group as usize] {
                std::mem::swap(&mut x[row], &mut y[row]);
            }
        }
        let x = metric.value(&first.with_scores(&x).ok()?).ok()?;
        let y = metric.value(&first.with_scores(&y).ok()?).ok()?;
        Some((x - y).abs())
    };
    let observed = difference(&vec![false; n_groups]).unwrap_or(0.0);
    // Rounding must not make a draw equal to the observed one count as smaller.
    let bound = observed - 1e-12 * observed.max(1.0);
    // A stream apart from that of the bootstrap.
    let seed = derive_seed(params.seed, STREAM_OF_PERMUTATIONS);
    let extreme: Vec<bool> = (0..params.n_resamples)
        .into_par_iter()
        .map(|draw| {
            if cancel::is_cancelled() {
                return false;
            }
            let mut random = Random::new(derive_seed(seed, draw));
            let flips: Vec<bool> = (0..n_groups).map(|_| random.coin()).collect();
            difference(&flips).is_none_or(|drawn| drawn >= bound)
        })
        .collect();
    let n_extreme = extreme.into_iter().filter(|&extreme| extreme).count();
    (1 + n_extreme) as f64 / (1 + params.n_resamples) as f64
}

/// Ranks of the scores among the rows of positive weight, ties sharing their mean rank.
fn ranks(rows: &ScoredRows<'_>) -> Vec<f64> {
    let order = rows.rising_order();
    let mut ranks = vec![0.0; rows.n_rows()];
    let mut before = 0;
    for tie in order.chunk_by(|&a, &b| crate::metric::same_score(rows, a, b)) {
        let is_counted = |&&row: &&u32| rows.weight(row as usize) > 0.0;
        let n_counted = tie.iter().filter(is_counted).count();
        let rank = before as f64 + 0.5 * (n_counted + 1) as f64;
        for &row in tie {
            ranks[row as usize] = rank;
        }
        before += n_counted;
    }
    ranks
}

#[cfg(test)]
mod tests;
