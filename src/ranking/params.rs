//! What a ranking weighs, and how sure a verdict must be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::prefilter::PrefilterParams;
use crate::cohort::screening::Screening;
use crate::{Error, Result};

/// What each component of the utility counts: `U = response·ΔP(response) − severe_irae·ΔP(severe) −
/// myocarditis·ΔP(myocarditis)`, each Δ against the mean of the eligible donors.
///
/// The defaults 1, 0.5 and 3 are a choice of design, not a finding: they say how many response
/// probabilities one is ready to give for one toxicity probability. Engraftment and depletion have
/// no weight on purpose, since they already act through the response.
///
/// # Examples
/// ```
/// use donormatch::ranking::Weights;
///
/// let weights: Weights = "1,0.5,3".parse()?;
/// assert_eq!(weights, Weights::default());
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Weight of the response gained over a random eligible donor. Default 1.
    pub response: f64,
    /// Weight of severe (grade 3 or more) immune-related adverse events. Default 0.5.
    pub severe_irae: f64,
    /// Weight of myocarditis. Default 3.
    pub myocarditis: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            response: 1.0,
            severe_irae: 0.5,
            myocarditis: 3.0,
        }
    }
}

impl Weights {
    /// The utility of one draw or one mean: `response·delta_response −
    /// severe_irae·delta_severe_irae − myocarditis·delta_myocarditis`.
    pub fn utility(
        &self,
        delta_response: f64,
        delta_severe_irae: f64,
        delta_myocarditis: f64,
    ) -> f64 {
        self.response * delta_response
            - self.severe_irae * delta_severe_irae
            - self.myocarditis * delta_myocarditis
    }

    pub(crate) fn check(&self) -> Result<()> {
        let all = [self.response, self.severe_irae, self.myocarditis];
        if all
            .iter()
            .any(|weight| !weight.is_finite() || *weight < 0.0)
        {
            return Err(Error::parameter(
                "weights",
                format!("expected three finite numbers of 0 or more, found {self}"),
            ));
        }
        if all.iter().all(|&weight| weight == 0.0) {
            return Err(Error::parameter(
                "weights",
                "all three are 0, so that no donor could differ from another; raise at least one",
            ));
        }
        Ok(())
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},{},{}",
            self.response, self.severe_irae, self.myocarditis
        )
    }
}

impl FromStr for Weights {
    type Err = Error;

    /// Reads `response,severe_irae,myocarditis`, such as `1,0.5,3`.
    fn from_str(text: &str) -> Result<Self> {
        let numbers: Vec<f64> = text
            .split(',')
            .map(|part| part.trim().parse().ok())
            .collect::<Option<_>>()
            .unwrap_or_default();
        let &[response, severe_irae, myocarditis] = numbers.as_slice() else {
            return Err(Error::parameter(
                "weights",
                format!(
                    "expected three numbers `response,severe_irae,myocarditis` such as \
                     `1,0.5,3`, found `{text}`"
                ),
            ));
        };
        let weights = Self {
            response,
            severe_irae,
            myocarditis,
        };
        weights.check()?;
        Ok(weights)
    }
}

/// How to rank: the weights, the level of the intervals, and how sure a verdict must be.
///
/// # Examples
/// ```
/// use donormatch::ranking::RankingParams;
///
/// let params = RankingParams { weights: "1,0,0".parse()?, ..RankingParams::default() };
/// params.check()?;
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RankingParams {
    /// What each component of the utility counts.
    pub weights: Weights,
    /// Probability that the intervals `_lo` to `_hi` hold, equal tails; also that all places of a
    /// recipient's donors lie in their intervals at once, and with them the tiers. Default 0.9.
    pub level: f64,
    /// How surely a donor must be better than a random eligible one to be preferred, or worse to
    /// be avoided. From 0.5 to below 1, default 0.8.
    pub prefer_above: f64,
    /// No verdict where there are fewer draws than this, since they cannot say how sure an order
    /// is. Default 20, the fewest from which a 90 % interval can be read.
    pub min_draws: usize,
    /// What screening says of the donors on the day of the transplants: a donor without a record
    /// that is eligible is shown last, with the reasons, and takes no part. By default every donor
    /// does.
    pub screening: Option<Screening>,
    /// Donors shown a recipient, the first of the order, 1 or more; all by default. Every figure
    /// is of all donors.
    pub top: Option<usize>,
    /// Draw only the donors that may be among the first [`RankingParams::top`]; all by default.
    /// Only where the ranking draws itself.
    pub prefilter: Option<PrefilterParams>,
    /// Draws at most for a recipient with a donor whose verdict hangs on the draws: they are
    /// doubled until none does, while donors × draws stay within 2¹⁸. Only where the ranking draws
    /// itself ([`rank_donors`](super::rank_donors)); less than twice the first draws adds none.
    /// Default 12,800.
    pub max_draws: usize,
}

impl Default for RankingParams {
    fn default() -> Self {
        Self {
            weights: Weights::default(),
            level: 0.9,
            prefer_above: 0.8,
            min_draws: 20,
            screening: None,
            top: None,
            prefilter: None,
            max_draws: 12_800,
        }
    }
}

impl RankingParams {
    /// Checks every setting once.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first setting out of its range.
    pub fn check(&self) -> Result<()> {
        self.weights.check()?;
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(Error::parameter(
                "level",
                format!("expected a number between 0 and 1, found {}", self.level),
            ));
        }
        if let Some(prefilter) = &self.prefilter {
            prefilter.check(self.top)?;
        }
        if self.top == Some(0) {
            return Err(Error::parameter(
                "top",
                "expected 1 or more donors, found 0",
            ));
        }
        if !(0.5..1.0).contains(&self.prefer_above) {
            return Err(Error::parameter(
                "prefer_above",
                format!(
                    "expected a probability from 0.5 to below 1, found {}",
                    self.prefer_above
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_from_three_numbers() {
        assert_eq!(" 1, .5 ,3".parse::<Weights>().unwrap(), Weights::default());
        assert_eq!(Weights::default().to_string(), "1,0.5,3");
    }

    #[test]
    fn weights_that_mean_nothing_are_refused_by_name() {
        for text in [
            "", "1,2", "1,2,3,4", "a,b,c", "1,-1,0", "0,0,0", "NaN,1,1", "inf,0,0",
        ] {
            let error = text.parse::<Weights>().unwrap_err();
            assert!(
                error.to_string().starts_with("`weights`"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let default = RankingParams::default;
        for (params, name) in [
            (
                RankingParams {
                    level: 1.0,
                    ..default()
                },
                "`level`",
            ),
            (
                RankingParams {
                    level: f64::NAN,
                    ..default()
                },
                "`level`",
            ),
            (
                RankingParams {
                    prefer_above: 0.4,
                    ..default()
                },
                "`prefer_above`",
            ),
            (
                RankingParams {
                    prefer_above: 1.0,
                    ..default()
                },
                "`prefer_above`",
            ),
            (
                RankingParams {
                    top: Some(0),
                    ..default()
                },
                "`top`",
            ),
        ] {
            assert!(params.check().unwrap_err().to_string().starts_with(name));
        }
        assert!(default().check().is_ok());
    }

    #[test]
    fn absent_settings_take_their_defaults_and_unknown_ones_are_refused() {
        let params: RankingParams = serde_json::from_str(r#"{"level":0.8}"#).unwrap();
        assert_eq!(
            params,
            RankingParams {
                level: 0.8,
                ..RankingParams::default()
            }
        );
        assert!(serde_json::from_str::<RankingParams>(r#"{"levle":0.8}"#).is_err());
    }
}
