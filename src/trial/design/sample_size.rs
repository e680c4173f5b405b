//! How many patients a prediction model needs.

use serde::{Deserialize, Serialize};

use super::check_rate;
use crate::numeric::distribution::normal_quantile;
use crate::{Error, Result};

/// What is expected of a prediction model of a binary outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionSampleSizeParams {
    /// Candidate parameters, all that the data may choose from.
    pub n_parameters: u32,
    /// The share of patients with the outcome.
    pub prevalence: f64,
    /// The R² of Cox and Snell that is expected of the model.
    pub cox_snell: f64,
    /// The shrinkage aimed at; default 0.9.
    #[serde(default = "shrinkage")]
    pub shrinkage: f64,
}

fn shrinkage() -> f64 {
    0.9
}

/// How many patients a prediction model of a binary outcome needs, by Riley's three criteria.
///
/// # References
/// Riley et al. 2019, Stat Med 38:1276 (doi 10.1002/sim.7992); the figures are those of the package
/// `pmsampsize`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PredictionSampleSize {
    /// Patients needed: the largest of the three.
    pub n: u64,
    /// Patients so that the shrinkage of the effects is at most as asked for.
    pub n_shrinkage: u64,
    /// Patients so that apparent and adjusted R² (Nagelkerke) differ by at most 0.05.
    pub n_optimism: u64,
    /// Patients so that the overall risk is known to ±0.05.
    pub n_overall_risk: u64,
    /// Patients with the outcome among those needed.
    pub n_events: f64,
    /// The same per candidate parameter.
    pub events_per_parameter: f64,
    /// The largest R² of Cox and Snell at this prevalence.
    pub max_cox_snell: f64,
}

impl PredictionSampleSizeParams {
    /// The criteria with the usual shrinkage of 0.9.
    pub fn new(n_parameters: u32, prevalence: f64, cox_snell: f64) -> Self {
        Self {
            n_parameters,
            prevalence,
            cox_snell,
            shrinkage: shrinkage(),
        }
    }

    /// How many patients are needed.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a rate is not between 0 and 1, there is no parameter, or R² exceeds
    /// its largest value at this prevalence or the shrinkage.
    ///
    /// # Examples
    /// ```
    /// use donormatch::trial::design::PredictionSampleSizeParams;
    ///
    /// let needed = PredictionSampleSizeParams::new(24, 0.174, 0.288).plan()?;
    /// assert_eq!(needed.n, 662);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn plan(&self) -> Result<PredictionSampleSize> {
        let (phi, r2, aim) = (self.prevalence, self.cox_snell, self.shrinkage);
        check_rate("prevalence", phi)?;
        check_rate("cox_snell", r2)?;
        check_rate("shrinkage", aim)?;
        if self.n_parameters == 0 {
            return Err(Error::parameter(
                "n_parameters",
                "expected at least 1, found 0",
            ));
        }
        let max = max_cox_snell(phi);
        if r2 >= max.min(aim) {
            let most = max.min(aim);
            let message = format!(
                "expected less than {most:.4} at this prevalence and shrinkage, found {r2}"
            );
            return Err(Error::parameter("cox_snell", message));
        }
        let p = f64::from(self.n_parameters);
        // Riley 2019, eq. 11: n for a shrinkage s.
        let patients = |s: f64| (p / ((s - 1.0) * libm::log(1.0 - r2 / s))).ceil();
        let n_shrinkage = patients(aim);
        let n_optimism = patients(r2 / (r2 + 0.05 * max));
        let n_overall_risk = ((1.96_f64 / 0.05).powi(2) * phi * (1.0 - phi)).ceil();
        let n = n_shrinkage.max(n_optimism).max(n_overall_risk);
        Ok(PredictionSampleSize {
            n: n as u64,
            n_shrinkage: n_shrinkage as u64,
            n_optimism: n_optimism as u64,
            n_overall_risk: n_overall_risk as u64,
            n_events: n * phi,
            events_per_parameter: n * phi / p,
            max_cox_snell: max,
        })
    }
}

/// The largest R² of Cox and Snell at a prevalence: 1 − L₀^(2/n).
fn max_cox_snell(phi: f64) -> f64 {
    let log_null = phi * libm::log(phi) + (1.0 - phi) * libm::log1p(-phi);
    -libm::expm1(2.0 * log_null)
}

/// The R² of Cox and Snell of a model with this ROC AUC, if its linear predictor is normal with
/// one spread among patients with and without the outcome.
///
/// The two means then lie √2·Φ⁻¹(c) standard deviations apart; R² is that of the true logistic model, by
/// numerical integration. `pmsampsize` draws a million patients for the same figure and rounds it.
///
/// # Errors
/// [`Error::Parameter`] if `prevalence` is not between 0 and 1, or `c_statistic` is not above 0.5 and
/// below 1.
///
/// # References
/// Riley et al. 2021, Stat Med 40:859 (doi 10.1002/sim.8806).
///
/// # Examples
/// ```
/// use donormatch::trial::design::cox_snell_of_c_statistic;
///
/// let r2 = cox_snell_of_c_statistic(0.8, 0.174)?;
/// assert!((r2 - 0.1668).abs() < 0.001);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn cox_snell_of_c_statistic(c_statistic: f64, prevalence: f64) -> Result<f64> {
    check_rate("prevalence", prevalence)?;
    if !(c_statistic > 0.5 && c_statistic < 1.0) {
        let message = format!("expected a number above 0.5 and below 1, found {c_statistic}");
        return Err(Error::parameter("c_statistic", message));
    }
    let phi = prevalence;
    let mu = std::f64::consts::SQRT_2 * normal_quantile(c_statistic);
    let prior = libm::log(phi) - libm::log1p(-phi);
    let density = |x: f64| libm::exp(-0.5 * x * x) / libm::sqrt(2.0 * std::f64::consts::PI);
    // Log-odds at x are prior + mu·x − mu²/2; both log losses are integrated over x.
    let loss = |x: f64| {
        let eta = prior + mu * x - 0.5 * mu * mu;
        let (with, without) = (phi * density(x - mu), (1.0 - phi) * density(x));
        let softplus = |z: f64| z.max(0.0) + libm::log1p(libm::exp(-z.abs()));
        with * softplus(-eta) + without * softplus(eta)
    };
    let (low, high, n) = (-12.0, mu + 12.0, 4_000);
    let step = (high - low) / f64::from(n);
    // The trapezoidal rule is exact to rounding for a smooth integrand that vanishes at both ends.
    let total: f64 = (0..=n).map(|i| loss(low + step * f64::from(i))).sum();
    let log_null = phi * libm::log(phi) + (1.0 - phi) * libm::log1p(-phi);
    Ok(-libm::expm1(2.0 * (log_null + total * step)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    // pmsampsize 0.1.0 (Python), type "b": csrsquared, parameters, prevalence, shrinkage → sample_size.
    #[test]
    fn sample_sizes_are_those_of_pmsampsize() {
        for (r2, p, phi, aim, n) in PMSAMPSIZE {
            let params = PredictionSampleSizeParams {
                shrinkage: aim,
                ..PredictionSampleSizeParams::new(p, phi, r2)
            };
            assert_eq!(params.plan().unwrap().n, n, "{params:?}");
        }
    }

    const PMSAMPSIZE: [(f64, u32, f64, f64, u64); 10] = [
        (0.288, 24, 0.174, 0.9, 662),
        (0.1, 10, 0.3, 0.9, 850),
        (0.05, 5, 0.2, 0.9, 875),
        (0.2, 30, 0.5, 0.9, 1194),
        (0.02, 3, 0.05, 0.9, 1335),
        (0.35, 12, 0.4, 0.95, 523),
        (0.106, 10, 0.3, 0.9, 799),
        (0.12, 8, 0.1, 0.9, 560),
        (0.15, 1, 0.6, 0.9, 369),
        (0.29, 20, 0.35, 0.85, 456),
    ];

    // pmsampsize 0.1.0 with `cstatistic`: R² of a million simulated patients, ± 0.001.
    #[test]
    fn r2_of_a_c_statistic_is_that_of_many_patients() {
        assert_abs_diff_eq!(
            cox_snell_of_c_statistic(0.8, 0.174).unwrap(),
            0.1668,
            epsilon = 1e-3
        );
        assert_abs_diff_eq!(
            cox_snell_of_c_statistic(0.65, 0.3).unwrap(),
            0.0584,
            epsilon = 1e-3
        );
        assert!(cox_snell_of_c_statistic(0.5, 0.3).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (p, phi, r2) in [
            (0, 0.3, 0.1),
            (5, 0.0, 0.1),
            (5, 0.3, 0.0),
            (5, 0.05, 0.4),
            (5, f64::NAN, 0.1),
        ] {
            assert!(PredictionSampleSizeParams::new(p, phi, r2).plan().is_err());
        }
    }
}
