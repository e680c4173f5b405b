//! Settings of the elastic net, and their checks.

use serde::{Deserialize, Serialize};

use crate::model::TrainingData;
use crate::numeric::outcomes;
use crate::{Error, Result};

/// Whether coefficients are penalized per standard deviation of their feature or per unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scaling {
    /// The penalty falls on the coefficient times the (weighted, population) standard deviation
    /// of its feature, as in glmnet's default.
    #[default]
    Standardize,
    /// The penalty falls on the coefficient as it stands.
    Original,
}

/// What is believed of one coefficient before seeing the rows, per unit of the raw feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoefficientPrior {
    /// The center that the coefficient shrinks to, in log-odds per unit of the feature.
    pub mean: f64,
    /// The standard deviation of a normal prior around `mean`; none leaves the shrinking to λ.
    #[serde(default)]
    pub spread: Option<f64>,
}

impl CoefficientPrior {
    /// A normal prior.
    pub fn new(mean: f64, spread: f64) -> Self {
        Self {
            mean,
            spread: Some(spread),
        }
    }

    /// A center without a spread: λ alone decides how far the coefficient may leave it.
    pub fn center(mean: f64) -> Self {
        Self { mean, spread: None }
    }

    pub(super) fn check(&self, name: &str) -> Result<()> {
        if !self.mean.is_finite() {
            return Err(Error::parameter(
                name,
                format!("expected a finite mean, found {}", self.mean),
            ));
        }
        match self.spread {
            Some(spread) if !(spread > 0.0 && spread.is_finite()) => Err(Error::parameter(
                name,
                format!("expected a finite spread above 0, found {spread}"),
            )),
            _ => Ok(()),
        }
    }
}

/// Settings of an elastic-net logistic regression.
///
/// With weights `w` (n = Σ w), log-odds `η = offset + b₀ + X b`, prior means `m` (0 unless given)
/// and spreads `s`, the fit minimizes
///
/// ```text
/// 1/n Σᵢ wᵢ [ln(1 + exp ηᵢ) − yᵢ ηᵢ]
///   + λ Σⱼ fⱼ [α |dⱼ| + (1 − α)/2 dⱼ²]          dⱼ = (bⱼ − mⱼ) × (standard deviation of feature j)
///   + 1/n Σⱼ (bⱼ − mⱼ)² / (2 sⱼ²)                 where a spread is given
///   + 1/n (b₀ − m₀)² / (2 s₀²)                    where the intercept has a prior
/// ```
///
/// Without priors this is glmnet's and scikit-learn's objective (there `C = 1/(n λ)`), but that
/// glmnet rescales `penalty.factor` to a mean of 1, which is not done here. With prior means both
/// parts of the penalty act on the *departure* from them: as λ grows, the model becomes the one
/// published, and a coefficient leaves it only where the rows ask for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogisticParams {
    /// Strength of the penalty, above 0 or 0 for none; default 0.02. A path or a choice by
    /// cross-validation sets its own.
    pub lambda: f64,
    /// Share of the L1 part, 0 (ridge) to 1 (lasso); default 0.5.
    pub alpha: f64,
    /// Whether the penalty is per standard deviation (default) or per unit.
    pub scaling: Scaling,
    /// Multiplies λ for each feature, 0 for one that is not penalized; empty (default) means 1.
    pub penalty_factors: Vec<f64>,
    /// A prior for each feature, per raw unit; empty (default) means none.
    pub priors: Vec<CoefficientPrior>,
    /// A prior for the intercept, the log-odds where all raw features are 0; none by default.
    pub intercept_prior: Option<CoefficientPrior>,
    /// How far from 0 the optimality conditions may stay, relative to the largest gradient of the
    /// model without features; each is weighed by the root of its curvature then over its curvature
    /// now, so that what the objective could still fall is about the square, along the whole path.
    /// Default 1e-4, at which the objective is within 1e-6 of its minimum on real and simulated
    /// wide tables. Take 1e-9 to compare coefficients digit by digit.
    pub tolerance: f64,
    /// Most Newton steps for one λ; default 200.
    pub max_iterations: usize,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self {
            lambda: 0.02,
            alpha: 0.5,
            scaling: Scaling::Standardize,
            penalty_factors: Vec::new(),
            priors: Vec::new(),
            intercept_prior: None,
            tolerance: 1e-4,
            max_iterations: 200,
        }
    }
}

/// Below this α, ridge included, a path starts as if α were it (glmnet's rule): no λ, or none
/// within reach, leaves every coefficient at 0.
pub(super) const RIDGE: f64 = 1e-3;

/// Which values of λ a path visits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LambdaGrid {
    /// From the smallest λ at which every penalized departure is 0 (for α below 0.001, that of α =
    /// 0.001), down by equal ratios. The path ends early where the rows are all but separated
    /// (deviance explained above 0.999) or a step explains less than 1e-5 more of it, as in glmnet.
    Automatic {
        /// How many, at least 2.
        n_lambdas: usize,
        /// Smallest over largest; none means 0.01 with fewer rows than features, else 0.0001.
        /// For α below 0.001 it is a thousandth of that, since the path starts a thousand times
        /// higher than a lasso's: it ends at the same λ, where glmnet's would end while held-out
        /// loss still falls.
        min_ratio: Option<f64>,
    },
    /// These, in any order; all of them are fitted.
    Given(Vec<f64>),
}

impl Default for LambdaGrid {
    fn default() -> Self {
        Self::Automatic {
            n_lambdas: 100,
            min_ratio: None,
        }
    }
}

impl LambdaGrid {
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Automatic {
                n_lambdas,
                min_ratio,
            } => {
                if *n_lambdas < 2 {
                    return Err(Error::parameter(
                        "n_lambdas",
                        format!("expected at least 2, found {n_lambdas}"),
                    ));
                }
                match min_ratio {
                    Some(ratio) if !(*ratio > 0.0 && *ratio < 1.0) => Err(Error::parameter(
                        "min_ratio",
                        format!("expected a number between 0 and 1, found {ratio}"),
                    )),
                    _ => Ok(()),
                }
            }
            Self::Given(values) => {
                if values.is_empty() {
                    return Err(Error::parameter(
                        "lambdas",
                        "expected at least one, found none",
                    ));
                }
                values.iter().try_for_each(|&value| check_lambda(value))
            }
        }
    }
}

pub(super) fn check_lambda(lambda: f64) -> Result<()> {
    if lambda.is_finite() && lambda >= 0.0 {
        return Ok(());
    }
    Err(Error::parameter(
        "lambda",
        format!("expected a finite number of 0 or more, found {lambda}"),
    ))
}

impl LogisticParams {
    pub(super) fn check(&self, n_features: usize) -> Result<()> {
        check_lambda(self.lambda)?;
        if !(0.0..=1.0).contains(&self.alpha) {
            return Err(Error::parameter(
                "alpha",
                format!("expected a number from 0 to 1, found {}", self.alpha),
            ));
        }
        check_tolerance("tolerance", self.tolerance)?;
        if self.max_iterations == 0 {
            return Err(Error::parameter(
                "max_iterations",
                "expected at least 1, found 0",
            ));
        }
        check_length("penalty_factors", self.penalty_factors.len(), n_features)?;
        for &factor in &self.penalty_factors {
            if !(factor.is_finite() && factor >= 0.0) {
                return Err(Error::parameter(
                    "penalty_factors",
                    format!("expected finite numbers of 0 or more, found {factor}"),
                ));
            }
        }
        check_length("priors", self.priors.len(), n_features)?;
        self.priors
            .iter()
            .try_for_each(|prior| prior.check("priors"))?;
        self.intercept_prior
            .map_or(Ok(()), |prior| check_intercept_prior(&prior))
    }
}

pub(super) fn check_tolerance(name: &str, tolerance: f64) -> Result<()> {
    if tolerance > 0.0 && tolerance < 1.0 {
        return Ok(());
    }
    Err(Error::parameter(
        name,
        format!("expected a number between 0 and 1, found {tolerance}"),
    ))
}

pub(super) fn check_length(name: &str, length: usize, n_features: usize) -> Result<()> {
    if length == 0 || length == n_features {
        return Ok(());
    }
    Err(Error::parameter(
        name,
        format!("expected one for each of the {n_features} features or none, found {length}"),
    ))
}

pub(super) fn check_intercept_prior(prior: &CoefficientPrior) -> Result<()> {
    prior.check("intercept_prior")?;
    if prior.spread.is_none() {
        return Err(Error::parameter(
            "intercept_prior",
            "expected a spread: the intercept is not penalized, so a center alone does nothing",
        ));
    }
    Ok(())
}

/// Outcomes of 0 and 1, both of them with some weight.
pub(in crate::model) fn check_outcomes(data: &TrainingData<'_>) -> Result<()> {
    let values = data.outcomes();
    outcomes::check_outcomes(values)?;
    let mut seen = [false; 2];
    for (row, &outcome) in values.iter().enumerate() {
        if data.weights().is_none_or(|weights| weights[row] > 0.0) {
            seen[usize::from(outcome > 0.5)] = true;
        }
    }
    match seen {
        [true, true] => Ok(()),
        [true, false] => Err(one_class("0")),
        _ => Err(one_class("1")),
    }
}

fn one_class(found: &str) -> Error {
    Error::table(format!(
        "expected both outcomes among the rows with weight, found only {found}"
    ))
}
