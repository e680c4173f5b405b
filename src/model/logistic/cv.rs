//! Choice of λ and α by cross-validation over groups.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::design::RawColumns;
use super::model::LogisticModel;
use super::params::{LambdaGrid, LogisticParams, check_outcomes, check_tolerance};
use super::path::{LogisticPath, PathPoint};
use super::problem::{Problem, Rows};
use crate::model::TrainingData;
use crate::numeric::logistic::log_loss;
use crate::split::inner_folds;
use crate::{Error, Result};

/// Which λ of a curve is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LambdaRule {
    /// The one of least mean log loss.
    #[default]
    Minimum,
    /// The largest whose mean log loss is within one standard error of the least: the plainest
    /// model that the folds cannot tell from the best.
    OneStandardError,
}

/// Settings of an elastic net whose λ and α are chosen by grouped cross-validation.
///
/// Groups are [`TrainingData::groups`]; a group never stands on both sides of a fold. Everything
/// (standard deviations, prior weights) is learned again inside each fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogisticCvParams {
    /// All but λ and α.
    pub logistic: LogisticParams,
    /// The α to try; default 0 (ridge), 0.1, 0.5 and 1.
    pub alphas: Vec<f64>,
    /// The λ to try, for each α; default 100 by equal ratios.
    pub grid: LambdaGrid,
    /// Number of folds; default 10. With fewer groups ask for fewer.
    pub n_folds: usize,
    /// [`LogisticParams::tolerance`] of the models inside the folds; default 5e-4. Held-out loss is
    /// nearly flat where the objective is: the default leaves the objective within 1e-5 of its
    /// minimum (glmnet: 2e-5) and the curve within a hundredth of its standard error where it is
    /// least; of two λ closer than that the other may be chosen. The models of all rows keep
    /// their own tolerance.
    pub fold_tolerance: f64,
    /// Which λ is chosen; default the one of least loss.
    pub rule: LambdaRule,
    /// Seed of the dealing of groups to folds; default 0.
    pub seed: u64,
}

impl Default for LogisticCvParams {
    fn default() -> Self {
        Self {
            logistic: LogisticParams::default(),
            alphas: vec![0.0, 0.1, 0.5, 1.0],
            grid: LambdaGrid::default(),
            n_folds: 10,
            fold_tolerance: 5e-4,
            rule: LambdaRule::Minimum,
            seed: 0,
        }
    }
}

/// What held-out rows say of one λ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// Strength of the penalty.
    pub lambda: f64,
    /// Mean log loss of held-out rows, folds weighted by the weight of their rows.
    pub log_loss: f64,
    /// Standard error of that mean over folds.
    pub standard_error: f64,
    /// Coefficients other than 0 in the model of all rows.
    pub n_nonzero: usize,
}

/// The cross-validation curve of one α.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CvCurve {
    /// Share of the L1 part.
    pub alpha: f64,
    /// One point a λ, falling.
    pub points: Vec<CurvePoint>,
    /// Where the loss is least.
    pub minimum: usize,
    /// Where the one-standard-error rule ends.
    pub one_standard_error: usize,
}

/// The chosen model, and how it was chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticCv {
    /// The model of all rows at the chosen λ and α.
    pub model: LogisticModel,
    /// The chosen share of the L1 part.
    pub alpha: f64,
    /// The chosen strength.
    pub lambda: f64,
    /// One curve an α, in the order asked for.
    pub curves: Vec<CvCurve>,
    /// The fold of each row.
    pub folds: Vec<usize>,
}

/// Held-out log loss at each λ of one fold and one α, and the weight of its rows.
struct FoldLoss {
    losses: Vec<f64>,
    weight: f64,
}

impl LogisticCvParams {
    /// Chooses λ and α, folds in parallel, and fits the chosen model on all rows.
    ///
    /// # Errors
    /// As [`LogisticParams::fit`], [`Error::Split`] where there are fewer groups than folds or a
    /// fold would leave one outcome only, [`Error::Parameter`] where no α is given.
    ///
    /// # Examples
    /// ```
    /// use donormatch::model::{LogisticCvParams, TrainingData};
    /// let features = ndarray::Array2::from_shape_fn((40, 3), |(i, j)| ((i * (j + 3)) % 7) as f64);
    /// let outcomes: Vec<f64> = (0..40).map(|i| f64::from((i * 3) % 7 > 3)).collect();
    /// let groups: Vec<u32> = (0..40).map(|i| i / 2).collect();
    /// let data = TrainingData::new(features.view(), &outcomes)?.with_groups(&groups)?;
    /// let chosen = LogisticCvParams { n_folds: 5, ..LogisticCvParams::default() }.fit(&data)?;
    /// assert!(chosen.lambda > 0.0);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn fit(&self, data: &TrainingData<'_>) -> Result<LogisticCv> {
        self.check(data)?;
        let folds = inner_folds(data.outcomes(), data.groups(), self.n_folds, self.seed)?;
        let raw = RawColumns::new(data.features())?;
        let is_wide = raw.n_rows() < raw.n_columns();
        let paths = collect(self.alphas.par_iter().map(|&alpha| {
            let params = self.with_alpha(alpha);
            let problem = Problem::new(&params, &raw, Rows::new(data));
            params.walk(&problem, &self.grid, is_wide)
        }))?;
        let n_alphas = paths.len();
        let jobs = self.n_folds * n_alphas;
        let losses = collect((0..jobs).into_par_iter().map(|job| {
            self.fold_loss(data, &raw, &folds, job / n_alphas, job % n_alphas, &paths)
        }))?;
        let curves: Vec<CvCurve> = (0..n_alphas)
            .map(|at| {
                let of_alpha: Vec<&FoldLoss> = losses.iter().skip(at).step_by(n_alphas).collect();
                curve(self.alphas[at], paths[at].points(), &of_alpha)
            })
            .collect();
        self.choose(&paths, curves, folds)
    }

    fn check(&self, data: &TrainingData<'_>) -> Result<()> {
        if self.alphas.is_empty() {
            return Err(Error::parameter(
                "alphas",
                "expected at least one, found none",
            ));
        }
        self.grid.check()?;
        check_tolerance("fold_tolerance", self.fold_tolerance)?;
        for &alpha in &self.alphas {
            self.with_alpha(alpha).check(data.features().n_columns())?;
        }
        check_outcomes(data)
    }

    fn with_alpha(&self, alpha: f64) -> LogisticParams {
        LogisticParams {
            alpha,
            ..self.logistic.clone()
        }
    }

    fn fold_loss(
        &self,
        data: &TrainingData<'_>,
        raw: &RawColumns,
        folds: &[usize],
        fold: usize,
        alpha: usize,
        paths: &[LogisticPath],
    ) -> Result<FoldLoss> {
        let (held_out, training): (Vec<usize>, Vec<usize>) =
            (0..folds.len()).partition(|&row| folds[row] == fold);
        let params = LogisticParams {
            tolerance: self.fold_tolerance,
            ..self.with_alpha(self.alphas[alpha])
        };
        let problem = Problem::new(
            &params,
            &raw.select_rows(&training),
            Rows::select(data, &training),
        );
        let grid = LambdaGrid::Given(paths[alpha].lambdas());
        let path = params.walk(&problem, &grid, false)?;
        let unseen = raw.select_rows(&held_out);
        let pick = |values: Option<&[f64]>, otherwise: f64| -> Vec<f64> {
            let pick = |&row: &usize| values.map_or(otherwise, |values| values[row]);
            held_out.iter().map(pick).collect()
        };
        let weights = pick(data.weights(), 1.0);
        let offsets = pick(data.offsets(), 0.0);
        let outcomes = pick(Some(data.outcomes()), 0.0);
        let total: f64 = weights.iter().sum();
        let losses = path
            .points()
            .iter()
            .map(|point| {
                let scores = scores_of(point, &unseen, &offsets);
                let rows = scores.iter().zip(&outcomes).zip(&weights);
                let loss: f64 = rows
                    .map(|((&score, &outcome), weight)| weight * log_loss(score, outcome))
                    .sum();
                if total > 0.0 { loss / total } else { 0.0 }
            })
            .collect();
        Ok(FoldLoss {
            losses,
            weight: total,
        })
    }

    fn choose(
        &self,
        paths: &[LogisticPath],
        curves: Vec<CvCurve>,
        folds: Vec<usize>,
    ) -> Result<LogisticCv> {
        let mut best = 0;
        for at in 1..curves.len() {
            let least = |curve: &CvCurve| curve.points[curve.minimum].log_loss;
            if least(&curves[at]) < least(&curves[best]) {
                best = at;
            }
        }
        let at = match self.rule {
            LambdaRule::Minimum => curves[best].minimum,
            LambdaRule::OneStandardError => curves[best].one_standard_error,
        };
        let model = paths[best]
            .model(at)
            .ok_or_else(|| Error::convergence("the path of the chosen alpha is empty"))?;
        Ok(LogisticCv {
            model,
            alpha: curves[best].alpha,
            lambda: curves[best].points[at].lambda,
            curves,
            folds,
        })
    }
}

/// Results in index order, or the first error in that order.
fn collect<T: Send>(jobs: impl IndexedParallelIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut results = Vec::with_capacity(jobs.len());
    jobs.collect_into_vec(&mut results);
    results.into_iter().collect()
}

fn scores_of(point: &PathPoint, raw: &RawColumns, offsets: &[f64]) -> Vec<f64> {
    let mut scores: Vec<f64> = offsets
        .iter()
        .map(|offset| offset + point.intercept)
        .collect();
    for &(feature, coefficient) in &point.coefficients {
        raw.add_column(feature as usize, coefficient, &mut scores);
    }
    scores
}

fn curve(alpha: f64, points: &[PathPoint], folds: &[&FoldLoss]) -> CvCurve {
    let total: f64 = folds.iter().map(|fold| fold.weight).sum();
    let points: Vec<CurvePoint> = points
        .iter()
        .enumerate()
        .map(|(at, point)| {
            let mean = |value: &dyn Fn(f64) -> f64| -> f64 {
                let sum = folds
                    .iter()
                    .map(|fold| fold.weight * value(fold.losses[at]))
                    .sum::<f64>();
                sum / total
            };
            let log_loss = mean(&|loss| loss);
            let variance = mean(&|loss| (loss - log_loss) * (loss - log_loss));
            CurvePoint {
                lambda: point.lambda,
                log_loss,
                standard_error: (variance / (folds.len() - 1) as f64).sqrt(),
                n_nonzero: point.coefficients.len(),
            }
        })
        .collect();
    let mut minimum = 0;
    for at in 1..points.len() {
        if points[at].log_loss < points[minimum].log_loss {
            minimum = at;
        }
    }
    let bound = points[minimum].log_loss + points[minimum].standard_error;
    let one_standard_error = points
        .iter()
        .position(|point| point.log_loss <= bound)
        .unwrap_or(minimum);
    CvCurve {
        alpha,
        points,
        minimum,
        one_standard_error,
    }
}
