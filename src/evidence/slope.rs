//! How the outcomes of a cohort without transplants go with out-of-fold scores.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The slope of a cohort's outcomes on standardized scores that did not see the cohort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CohortSlope {
    /// The cohort.
    pub cohort: String,
    /// Change of the log-odds of response by one standard deviation of the score.
    pub estimate: f64,
    /// Its standard error.
    pub error: f64,
    /// Patients behind it.
    pub n_patients: u32,
}

impl CohortSlope {
    /// From the scores and outcomes of one cohort; none where all have the same outcome or all the
    /// same score.
    ///
    /// The one-step estimate from an intercept alone: with residuals r = y − ȳ and centered scores
    /// c, the slope is Σ c·r / I and its error I^(−1/2), with I = ȳ·(1 − ȳ)·Σ c². It is finite for
    /// every table, also where scores part the outcomes, and close to the maximum of the
    /// likelihood for the small slopes that are seen here.
    ///
    /// # Errors
    /// [`Error::Table`] where lengths differ or a score is not finite.
    ///
    /// # References
    /// Yusuf, Peto et al., Prog Cardiovasc Dis 27:335 (1985), the one-step estimator of
    /// meta-analysis.
    ///
    /// # Examples
    /// ```
    /// use donormatch::evidence::CohortSlope;
    ///
    /// let slope = CohortSlope::new("a", &[-1.0, 1.0, -1.0, 1.0], &[false, true, false, false])?;
    /// // ȳ = 1/4; Σ c·r = 1 and I = 3/16 · 4 = 3/4.
    /// assert!((slope.unwrap().estimate - 4.0 / 3.0).abs() < 1e-12);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn new(cohort: &str, scores: &[f64], outcomes: &[bool]) -> Result<Option<Self>> {
        if scores.len() != outcomes.len() {
            return Err(Error::table(format!(
                "`{cohort}`: {} scores for {} outcomes",
                scores.len(),
                outcomes.len()
            )));
        }
        if scores.iter().any(|score| !score.is_finite()) {
            return Err(Error::table(format!("`{cohort}`: a score is not finite")));
        }
        let n = scores.len() as f64;
        let rate = outcomes.iter().filter(|&&event| event).count() as f64 / n;
        let mean = scores.iter().sum::<f64>() / n;
        let (mut gradient, mut square) = (0.0, 0.0);
        for (score, &event) in scores.iter().zip(outcomes) {
            gradient += (score - mean) * (f64::from(u8::from(event)) - rate);
            square += (score - mean).powi(2);
        }
        let information = rate * (1.0 - rate) * square;
        if information <= 0.0 {
            return Ok(None);
        }
        Ok(Some(Self {
            cohort: cohort.to_owned(),
            estimate: gradient / information,
            error: information.sqrt().recip(),
            n_patients: scores.len() as u32,
        }))
    }

    /// Whether its numbers can be used, for one that was read from a file.
    pub(crate) fn is_sound(&self) -> bool {
        self.estimate.is_finite() && self.error.is_finite() && self.error > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cohort_of_one_outcome_says_nothing() {
        assert_eq!(
            CohortSlope::new("a", &[0.0, 1.0], &[true, true]).unwrap(),
            None
        );
        assert_eq!(
            CohortSlope::new("a", &[1.0, 1.0], &[true, false]).unwrap(),
            None
        );
        assert!(CohortSlope::new("a", &[1.0], &[true, false]).is_err());
        assert!(CohortSlope::new("a", &[f64::NAN, 0.0], &[true, false]).is_err());
    }
}
