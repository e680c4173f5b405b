//! Settings, the choice among methods, and the fitted calibrator.

use serde::{Deserialize, Serialize};

use super::isotonic::IsotonicMap;
use super::small_newton::{Line, fit};
use super::venn_abers::VennAbersMap;
use crate::numeric::logistic::{sigmoid, softplus};
use crate::numeric::outcomes::check_outcomes;
use crate::split::inner_folds;
use crate::stored::checked_serde;
use crate::{Error, Result};

/// Probabilities are kept this far from 0 and 1 inside the loss that methods are chosen by.
const LOSS_BOUND: f64 = 1e-6;

/// How scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CalibrationMethod {
    /// The method below with the least log loss in grouped cross-validation; equal ones go to the
    /// earlier, which has fewer parameters. Venn–Abers competes up to 5,000 distinct scores.
    #[default]
    Auto,
    /// `1 / (1 + exp(−slope × score))`: for scores that are only too sure or not sure enough.
    Temperature,
    /// `1 / (1 + exp(−(slope × score + intercept)))` by maximum likelihood; refuses scores that
    /// separate the outcomes.
    SlopeIntercept,
    /// Platt's: the same curve with targets `(n₊ + 1)/(n₊ + 2)` and `1/(n₋ + 2)`, which small
    /// samples need.
    Sigmoid,
    /// Kull's: `1 / (1 + exp(−(a ln q − b ln(1 − q) + c)))` with q = 1 / (1 + exp(−score)) and
    /// a, b ≥ 0; also undoes curves that sigmoids cannot.
    Beta,
    /// The best non-decreasing curve; for hundreds of rows, since it jumps to 0 and 1 at the ends.
    Isotonic,
    /// Vovk's inductive Venn–Abers: isotonic regression with the row itself added under either
    /// outcome; has an interval, and stays off 0 and 1.
    VennAbers,
}

/// What [`CalibrationMethod::Auto`] tries, plainest first.
const CANDIDATES: [CalibrationMethod; 6] = [
    CalibrationMethod::Temperature,
    CalibrationMethod::SlopeIntercept,
    CalibrationMethod::Sigmoid,
    CalibrationMethod::Beta,
    CalibrationMethod::VennAbers,
    CalibrationMethod::Isotonic,
];

/// Settings of a calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalibrationParams {
    /// How; default chosen by cross-validation.
    pub method: CalibrationMethod,
    /// Folds of that choice; default 5.
    pub n_folds: usize,
    /// Seed of the dealing of groups to folds; default 0.
    pub seed: u64,
}

impl Default for CalibrationParams {
    fn default() -> Self {
        Self {
            method: CalibrationMethod::Auto,
            n_folds: 5,
            seed: 0,
        }
    }
}

/// What cross-validation says of one method.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodLoss {
    /// The method.
    pub method: CalibrationMethod,
    /// Mean log loss of held-out rows, probabilities kept within 1e-6 of 0 and 1; none where the
    /// method could not be fitted in some fold, or did not compete.
    pub log_loss: Option<f64>,
}

/// A fitted, non-decreasing map from scores to probabilities.
///
/// The isotonic and the Venn–Abers map hold the scores of the rows that they were fitted on, to three
/// significant digits, which is also how finely they tell scores apart. The other methods hold two or
/// three numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Calibrator {
    method: CalibrationMethod,
    curve: Curve,
    losses: Vec<MethodLoss>,
}

checked_serde!(Calibrator);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Curve {
    Sigmoid { slope: f64, intercept: f64 },
    Beta { a: f64, b: f64, c: f64 },
    Isotonic(IsotonicMap),
    VennAbers(VennAbersMap),
}

impl CalibrationParams {
    /// Fits on scores (log-odds) of rows that the model did not learn from, with their outcomes (0
    /// or 1), weights and groups; groups matter only to [`CalibrationMethod::Auto`].
    ///
    /// # Errors
    /// [`Error::Table`] where lengths differ, a number is not finite, an outcome is not 0 or 1,
    /// only one outcome has weight, or a weight is negative; [`Error::Convergence`] where a method
    /// without smoothing meets scores that separate the outcomes; [`Error::Split`] where there are
    /// too few groups to choose.
    ///
    /// # Examples
    /// ```
    /// use donormatch::calibration::{CalibrationMethod, CalibrationParams};
    /// let scores = [-2.0, -1.0, -0.5, 0.2, 0.4, 1.5];
    /// let outcomes = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0];
    /// let params = CalibrationParams {
    ///     method: CalibrationMethod::Sigmoid,
    ///     ..CalibrationParams::default()
    /// };
    /// let calibrator = params.fit(&scores, &outcomes, None, None)?;
    /// let probabilities = calibrator.probabilities(&[-3.0, 3.0])?;
    /// assert!(probabilities[0] < 0.5 && probabilities[1] > 0.5);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    ///
    /// # References
    /// Platt, "Probabilistic outputs for support vector machines" (1999). Kull, Silva Filho and
    /// Flach, "Beta calibration", AISTATS 2017. Zadrozny and Elkan, KDD 2002. Vovk and Petej,
    /// "Venn-Abers predictors", UAI 2014.
    pub fn fit(
        &self,
        scores: &[f64],
        outcomes: &[f64],
        weights: Option<&[f64]>,
        groups: Option<&[u32]>,
    ) -> Result<Calibrator> {
        check(scores, outcomes, weights, groups)?;
        let (method, losses) = match self.method {
            CalibrationMethod::Auto => self.choose(scores, outcomes, weights, groups)?,
            method => (method, Vec::new()),
        };
        Ok(Calibrator {
            method,
            curve: fit_curve(method, scores, outcomes, weights)?,
            losses,
        })
    }

    fn choose(
        &self,
        scores: &[f64],
        outcomes: &[f64],
        weights: Option<&[f64]>,
        groups: Option<&[u32]>,
    ) -> Result<(CalibrationMethod, Vec<MethodLoss>)> {
        let folds = inner_folds(outcomes, groups, self.n_folds, self.seed)?;
        let mut losses = Vec::with_capacity(CANDIDATES.len());
        let mut best: Option<(CalibrationMethod, f64)> = None;
        for method in CANDIDATES {
            let competes = method != CalibrationMethod::VennAbers
                || VennAbersMap::may_be_chosen(scores, outcomes, weights);
            let loss = competes
                .then(|| self.held_out_loss(method, scores, outcomes, weights, &folds))
                .flatten();
            if let Some(loss) = loss
                && best.is_none_or(|(_, least)| loss < least)
            {
                best = Some((method, loss));
            }
            losses.push(MethodLoss {
                method,
                log_loss: loss,
            });
        }
        let (method, _) =
            best.ok_or_else(|| Error::convergence("no method of calibration could be fitted"))?;
        Ok((method, losses))
    }

    /// None where a fold cannot be fitted.
    fn held_out_loss(
        &self,
        method: CalibrationMethod,
        scores: &[f64],
        outcomes: &[f64],
        weights: Option<&[f64]>,
        folds: &[usize],
    ) -> Option<f64> {
        let mut loss = 0.0;
        let mut total = 0.0;
        for fold in 0..self.n_folds {
            let pick = |values: &[f64]| -> Vec<f64> {
                let kept = values.iter().zip(folds).filter(|&(_, &its)| its != fold);
                kept.map(|(&value, _)| value).collect()
            };
            let training_weights = weights.map(pick);
            let curve = fit_curve(
                method,
                &pick(scores),
                &pick(outcomes),
                training_weights.as_deref(),
            )
            .ok()?;
            for row in (0..folds.len()).filter(|&row| folds[row] == fold) {
                let weight = weights.map_or(1.0, |weights| weights[row]);
                let probability = curve
                    .probability(scores[row])
                    .clamp(LOSS_BOUND, 1.0 - LOSS_BOUND);
                let given = if outcomes[row] > 0.5 {
                    probability
                } else {
                    1.0 - probability
                };
                loss -= weight * libm::log(given);
                total += weight;
            }
        }
        Some(loss / total)
    }
}

impl Calibrator {
    fn check_stored(&self) -> Result<()> {
        self.check()
    }

    /// Checks a calibrator that came from elsewhere: the curve of its method, never falling.
    ///
    /// # Errors
    /// [`Error::Table`] where it is none.
    pub(crate) fn check(&self) -> Result<()> {
        let fits = match &self.curve {
            Curve::Sigmoid { slope, intercept } => {
                let sigmoid = [
                    CalibrationMethod::Temperature,
                    CalibrationMethod::SlopeIntercept,
                    CalibrationMethod::Sigmoid,
                ];
                sigmoid.contains(&self.method) && *slope >= 0.0 && (slope + intercept).is_finite()
            }
            Curve::Beta { a, b, c } => {
                let sound = *a >= 0.0 && *b >= 0.0 && (a + b + c).is_finite();
                self.method == CalibrationMethod::Beta && sound
            }
            Curve::Isotonic(_) => self.method == CalibrationMethod::Isotonic,
            Curve::VennAbers(_) => self.method == CalibrationMethod::VennAbers,
        };
        let mut losses = self.losses.iter().filter_map(|loss| loss.log_loss);
        if fits && losses.all(f64::is_finite) {
            return Ok(());
        }
        Err(Error::table(
            "the calibrator holds no curve of its method that never falls",
        ))
    }

    /// The method, also where it was chosen.
    pub fn method(&self) -> CalibrationMethod {
        self.method
    }

    /// What the choice was made by; empty where the method was given.
    pub fn losses(&self) -> &[MethodLoss] {
        &self.losses
    }

    /// Slope and intercept of a sigmoid method, per unit of score; none for the other methods.
    pub fn slope_and_intercept(&self) -> Option<(f64, f64)> {
        match self.curve {
            Curve::Sigmoid { slope, intercept } => Some((slope, intercept)),
            _ => None,
        }
    }

    /// The calibrated probability of each score.
    ///
    /// # Errors
    /// [`Error::Table`] where a score is not finite.
    pub fn probabilities(&self, scores: &[f64]) -> Result<Vec<f64>> {
        check_finite("scores", scores)?;
        Ok(scores
            .iter()
            .map(|&score| self.curve.probability(score))
            .collect())
    }

    /// For Venn–Abers, the lower and upper probability of each score; for other methods, which
    /// have none, the probability twice.
    ///
    /// # Errors
    /// [`Error::Table`] where a score is not finite.
    pub fn probability_intervals(&self, scores: &[f64]) -> Result<Vec<(f64, f64)>> {
        check_finite("scores", scores)?;
        Ok(scores
            .iter()
            .map(|&score| match &self.curve {
                Curve::VennAbers(map) => map.interval(score),
                curve => {
                    let probability = curve.probability(score);
                    (probability, probability)
                }
            })
            .collect())
    }
}

impl Curve {
    fn probability(&self, score: f64) -> f64 {
        match self {
            Self::Sigmoid { slope, intercept } => sigmoid(slope * score + intercept),
            Self::Beta { a, b, c } => {
                let [ln_q, minus_ln_rest] = log_sides(score);
                sigmoid(a * ln_q + b * minus_ln_rest + c)
            }
            Self::Isotonic(map) => map.probability(score),
            Self::VennAbers(map) => map.probability(score),
        }
    }
}

/// ln q and −ln(1 − q) of q = 1 / (1 + exp(−score)).
fn log_sides(score: f64) -> [f64; 2] {
    [-softplus(-score), softplus(score)]
}

fn fit_curve(
    method: CalibrationMethod,
    scores: &[f64],
    outcomes: &[f64],
    weights: Option<&[f64]>,
) -> Result<Curve> {
    match method {
        CalibrationMethod::Temperature => fit_sigmoid(scores, outcomes, weights, [true, false]),
        CalibrationMethod::SlopeIntercept => fit_sigmoid(scores, outcomes, weights, [true, true]),
        CalibrationMethod::Auto | CalibrationMethod::Sigmoid => {
            let targets = smoothed_targets(outcomes, weights);
            fit_sigmoid(scores, &targets, weights, [true, true])
        }
        CalibrationMethod::Beta => fit_beta(scores, outcomes, weights),
        CalibrationMethod::Isotonic => {
            Ok(Curve::Isotonic(IsotonicMap::fit(scores, outcomes, weights)))
        }
        CalibrationMethod::VennAbers => Ok(Curve::VennAbers(VennAbersMap::fit(
            scores, outcomes, weights,
        )?)),
    }
}

fn lines<const N: usize>(
    scores: &[f64],
    targets: &[f64],
    weights: Option<&[f64]>,
    features: impl Fn(f64) -> [f64; N],
) -> Vec<Line<N>> {
    (0..scores.len())
        .map(|row| Line {
            features: features(scores[row]),
            target: targets[row],
            weight: weights.map_or(1.0, |weights| weights[row]),
        })
        .collect()
}

/// Falling curves are flattened: a calibrator must not turn the order of scores around.
fn fit_sigmoid(
    scores: &[f64],
    targets: &[f64],
    weights: Option<&[f64]>,
    free: [bool; 2],
) -> Result<Curve> {
    let lines = lines(scores, targets, weights, |score| [score, 1.0]);
    let mut point = fit(&lines, free, [true, false])?;
    if point[0] < 0.0 {
        point = fit(&lines, [false, free[1]], [true, false])?;
    }
    Ok(Curve::Sigmoid {
        slope: point[0],
        intercept: point[1],
    })
}

fn fit_beta(scores: &[f64], outcomes: &[f64], weights: Option<&[f64]>) -> Result<Curve> {
    let lines = lines(scores, outcomes, weights, |score| {
        let [ln_q, minus_ln_rest] = log_sides(score);
        [ln_q, minus_ln_rest, 1.0]
    });
    let mut free = [true; 3];
    let mut point = fit(&lines, free, [true, true, false])?;
    // The authors' rule: a negative slope is taken out and the rest fitted again.
    for _ in 0..2 {
        match (0..2).find(|&at| point[at] < 0.0) {
            Some(at) => free[at] = false,
            None => break,
        }
        point = fit(&lines, free, [true, true, false])?;
    }
    Ok(Curve::Beta {
        a: point[0],
        b: point[1],
        c: point[2],
    })
}

fn smoothed_targets(outcomes: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
    let mut positive = 0.0;
    let mut negative = 0.0;
    for (row, &outcome) in outcomes.iter().enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        if outcome > 0.5 {
            positive += weight;
        } else {
            negative += weight;
        }
    }
    outcomes
        .iter()
        .map(|&outcome| {
            if outcome > 0.5 {
                (positive + 1.0) / (positive + 2.0)
            } else {
                1.0 / (negative + 2.0)
            }
        })
        .collect()
}

fn check(
    scores: &[f64],
    outcomes: &[f64],
    weights: Option<&[f64]>,
    groups: Option<&[u32]>,
) -> Result<()> {
    let lengths = [
        ("outcomes", Some(outcomes.len())),
        ("weights", weights.map(<[f64]>::len)),
        ("groups", groups.map(<[u32]>::len)),
    ];
    for (name, length) in lengths {
        if let Some(length) = length.filter(|&length| length != scores.len()) {
            return Err(Error::table(format!(
                "{length} {name} for {} scores",
                scores.len()
            )));
        }
    }
    check_finite("scores", scores)?;
    check_finite("weights", weights.unwrap_or(&[]))?;
    if weights.is_some_and(|weights| weights.iter().any(|&weight| weight < 0.0)) {
        return Err(Error::table("expected weights of 0 or more"));
    }
    check_outcomes(outcomes)?;
    let has = |wanted: bool| {
        (0..outcomes.len()).any(|row| {
            (outcomes[row] > 0.5) == wanted && weights.is_none_or(|weights| weights[row] > 0.0)
        })
    };
    if !(has(false) && has(true)) {
        return Err(Error::table(format!(
            "expected both outcomes among the {} scores, found at most one",
            scores.len()
        )));
    }
    Ok(())
}

fn check_finite(name: &str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(Error::table(format!(
            "row {row} of the {name} is not finite"
        ))),
        None => Ok(()),
    }
}
