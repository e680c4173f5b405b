//! One number over several cohorts, with the interval of the mean and of the next cohort.

use serde::{Deserialize, Serialize};

use super::undefined::Undefined;
use crate::numeric::distribution::student_quantile;
use crate::numeric::logistic::{logit, sigmoid};
use crate::{Error, Result};

/// A metric in one cohort, with the variance of its estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CohortValue {
    /// The cohort, such as the study left out.
    pub cohort: String,
    /// The metric in it.
    pub value: f64,
    /// The variance of that value, such as [`DeLong::variance`](super::DeLong::variance).
    pub variance: f64,
}

/// The scale on which cohorts are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PoolingScale {
    /// As the values are.
    #[default]
    Identity,
    /// ln(v / (1 − v)), for areas and shares: intervals stay inside (0, 1). Variances follow by
    /// the delta method. The center is then of the middle cohort rather than the mean one.
    Logit,
}

/// A value over cohorts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PooledEstimate {
    /// The mean over cohorts, absent without any.
    pub value: Option<f64>,
    /// Lower end of the interval of the mean; absent below 2 cohorts.
    pub lo: Option<f64>,
    /// Upper end of that interval.
    pub hi: Option<f64>,
    /// Lower end of the interval in which the true value of one more cohort is expected; absent
    /// below 3 cohorts.
    pub prediction_lo: Option<f64>,
    /// Upper end of that interval.
    pub prediction_hi: Option<f64>,
    /// Variance between cohorts on the scale of pooling.
    pub tau_squared: Option<f64>,
    /// Share of the variation that is between cohorts rather than chance, in \[0, 1\]
    /// (Higgins and Thompson).
    pub i_squared: Option<f64>,
    /// Cohorts behind the value.
    pub n_cohorts: usize,
    /// The level of both intervals.
    pub level: f64,
    /// Why something is absent.
    pub reason: Option<String>,
}

/// The plain mean over cohorts, every cohort counting the same, with Student's interval from
/// their spread.
///
/// The prediction interval mean ± t · s · √(1 + 1/k) is that of the *observed* value in one more
/// cohort of like size. This is the mean that tables of leave-one-study-out results print.
///
/// # Errors
/// [`Error::Table`] where a value is not finite, [`Error::Parameter`] where `level` is not inside
/// (0, 1). Too few cohorts are no error: the reason stands in the result.
pub fn mean_over_cohorts(values: &[f64], level: f64) -> Result<PooledEstimate> {
    super::level::check_level(level)?;
    if let Some(cohort) = values.iter().position(|value| !value.is_finite()) {
        return Err(Error::table(format!(
            "the value of cohort {cohort} is not finite"
        )));
    }
    let mut pooled = PooledEstimate::empty(values.len(), level);
    if values.is_empty() {
        return Ok(pooled);
    }
    let k = values.len() as f64;
    let mean = values.iter().sum::<f64>() / k;
    pooled.value = Some(mean);
    if values.len() >= 2 {
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let variance = squares / (k - 1.0);
        let t = student_quantile(0.5 + 0.5 * level, k - 1.0);
        let half = t * (variance / k).sqrt();
        (pooled.lo, pooled.hi) = (Some(mean - half), Some(mean + half));
        if values.len() >= 3 {
            let half = t * (variance * (1.0 + 1.0 / k)).sqrt();
            (pooled.prediction_lo, pooled.prediction_hi) = (Some(mean - half), Some(mean + half));
        }
    }
    Ok(pooled)
}

/// The random-effects mean over cohorts: weights 1 / (variance + τ²), τ² by DerSimonian and
/// Laird, interval by Hartung and Knapp, prediction interval by Higgins, Thompson and
/// Spiegelhalter.
///
/// With yᵢ the values and wᵢ = 1 / varianceᵢ:
/// τ² = max(0, (Q − (k − 1)) / (Σw − Σw²/Σw)), Q = Σ wᵢ (yᵢ − ȳ)². Then, with wᵢ* =
/// 1 / (varianceᵢ + τ²) and mean μ: interval μ ± t₍ₖ₋₁₎ · √(Σ wᵢ* (yᵢ − μ)² / ((k − 1) Σ wᵢ*)), and prediction
/// interval μ ± t₍ₖ₋₂₎ · √(τ² + 1/Σ wᵢ*).
///
/// Five or fewer cohorts say little about τ²; read the prediction interval before the mean.
///
/// # Errors
/// [`Error::Table`] where a value is not finite, lies outside (0, 1) on the logit scale, or a
/// variance is not above 0 (an AUC of 1 has variance 0: leave the cohort out and say so, or use
/// [`mean_over_cohorts`]); [`Error::Parameter`] where `level` is not inside (0, 1).
///
/// # References
/// DerSimonian R, Laird N. Controlled Clinical Trials 1986;7:177–188. Hartung J, Knapp G. Stat
/// Med 2001;20:3875–3889. Higgins JPT et al. JRSS A 2009;172:137–159.
#[expect(clippy::doc_markdown, reason = "the name of an author")]
pub fn pool_cohorts(
    cohorts: &[CohortValue],
    scale: PoolingScale,
    level: f64,
) -> Result<PooledEstimate> {
    super::level::check_level(level)?;
    let scaled: Vec<(f64, f64)> = cohorts
        .iter()
        .map(|cohort| scaled(cohort, scale))
        .collect::<Result<_>>()?;
    let mut pooled = PooledEstimate::empty(scaled.len(), level);
    if scaled.is_empty() {
        return Ok(pooled);
    }
    let back = |x: f64| match scale {
        PoolingScale::Identity => x,
        PoolingScale::Logit => sigmoid(x),
    };
    let df = scaled.len() as f64 - 1.0;
    let fixed = Weighing::new(&scaled, 0.0);
    let excess = fixed.q - df;
    let tau_squared = if scaled.len() < 2 {
        0.0
    } else {
        (excess / (fixed.total - fixed.squares / fixed.total)).max(0.0)
    };
    let random = Weighing::new(&scaled, tau_squared);
    pooled.value = Some(back(random.mean));
    if scaled.len() < 2 {
        return Ok(pooled);
    }
    pooled.tau_squared = Some(tau_squared);
    pooled.i_squared = Some(if fixed.q > 0.0 {
        (excess / fixed.q).max(0.0)
    } else {
        0.0
    });
    let half = student_quantile(0.5 + 0.5 * level, df) * (random.q / (df * random.total)).sqrt();
    pooled.lo = Some(back(random.mean - half));
    pooled.hi = Some(back(random.mean + half));
    if scaled.len() >= 3 {
        let t = student_quantile(0.5 + 0.5 * level, df - 1.0);
        let half = t * (tau_squared + 1.0 / random.total).sqrt();
        pooled.prediction_lo = Some(back(random.mean - half));
        pooled.prediction_hi = Some(back(random.mean + half));
    }
    Ok(pooled)
}

impl PooledEstimate {
    fn empty(n_cohorts: usize, level: f64) -> Self {
        let needed = if n_cohorts < 2 { 2 } else { 3 };
        let reason = (n_cohorts < 3).then(|| {
            Undefined::TooFewCohorts {
                needed,
                found: n_cohorts,
            }
            .to_string()
        });
        Self {
            value: None,
            lo: None,
            hi: None,
            prediction_lo: None,
            prediction_hi: None,
            tau_squared: None,
            i_squared: None,
            n_cohorts,
            level,
            reason,
        }
    }
}

/// Value and variance on the scale of pooling.
fn scaled(cohort: &CohortValue, scale: PoolingScale) -> Result<(f64, f64)> {
    let CohortValue {
        cohort: name,
        value,
        variance,
    } = cohort;
    if !(value.is_finite() && variance.is_finite() && *variance > 0.0) {
        return Err(Error::table(format!(
            "cohort `{name}` has value {value} and variance {variance}, expected a finite value \
             and a variance above 0"
        )));
    }
    match scale {
        PoolingScale::Identity => Ok((*value, *variance)),
        PoolingScale::Logit if *value > 0.0 && *value < 1.0 => {
            let slope = 1.0 / (value * (1.0 - value));
            Ok((logit(*value), variance * slope * slope))
        }
        PoolingScale::Logit => Err(Error::table(format!(
            "cohort `{name}` has value {value}, expected one inside (0, 1) on the logit scale"
        ))),
    }
}

/// Inverse-variance sums at one τ².
struct Weighing {
    total: f64,
    squares: f64,
    mean: f64,
    q: f64,
}

impl Weighing {
    fn new(cohorts: &[(f64, f64)], tau_squared: f64) -> Self {
        let (mut total, mut squares, mut sum) = (0.0, 0.0, 0.0);
        for &(value, variance) in cohorts {
            let weight = 1.0 / (variance + tau_squared);
            total += weight;
            squares += weight * weight;
            sum += weight * value;
        }
        let mean = sum / total;
        let mut q = 0.0;
        for &(value, variance) in cohorts {
            q += (value - mean) * (value - mean) / (variance + tau_squared);
        }
        Self {
            total,
            squares,
            mean,
            q,
        }
    }
}
