//! Fits at one λ and along a grid of them.

use serde::{Deserialize, Serialize};

use super::design::RawColumns;
use super::model::LogisticModel;
use super::params::{LambdaGrid, LogisticParams, RIDGE, check_outcomes};
use super::problem::{Problem, Rows};
use super::solver::Solver;
use crate::Result;
use crate::model::TrainingData;

/// A path ends where this much of the deviance is explained (glmnet's `devmax`).
const MOST_DEVIANCE: f64 = 0.999;

/// … or where a step explains less than this much more (`fdev`).
const LEAST_GAIN: f64 = 1e-5;

/// … but not before this many values of λ.
const LEAST_LAMBDAS: usize = 5;

/// Ratio of the steps by which a single λ is approached.
const APPROACH: f64 = 0.5;

/// One solution of a path, coefficients per raw unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathPoint {
    /// Strength of the penalty.
    pub lambda: f64,
    /// Log-odds where all features are 0.
    pub intercept: f64,
    /// Features with a coefficient other than 0, rising, and their coefficients.
    pub coefficients: Vec<(u32, f64)>,
    /// Share of the deviance of the model without features that is explained, at most 1.
    pub deviance_explained: f64,
}

/// Solutions from the largest λ to the smallest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticPath {
    points: Vec<PathPoint>,
    feature_means: Vec<f64>,
}

impl LogisticPath {
    /// The solutions, λ falling.
    pub fn points(&self) -> &[PathPoint] {
        &self.points
    }

    /// The values of λ, falling.
    pub fn lambdas(&self) -> Vec<f64> {
        self.points.iter().map(|point| point.lambda).collect()
    }

    /// The solution number `index` as a model; none beyond the last.
    pub fn model(&self, index: usize) -> Option<LogisticModel> {
        let point = self.points.get(index)?;
        let mut coefficients = vec![0.0; self.feature_means.len()];
        for &(feature, value) in &point.coefficients {
            coefficients[feature as usize] = value;
        }
        Some(LogisticModel {
            intercept: point.intercept,
            coefficients,
            feature_means: self.feature_means.clone(),
        })
    }
}

impl LogisticParams {
    /// The model at [`LogisticParams::lambda`].
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a setting out of range,
    /// [`Error::Table`](crate::Error::Table) for outcomes other than 0 and 1, only one of them, or
    /// a feature that is not finite, [`Error::Convergence`](crate::Error::Convergence) where the
    /// tolerance is not reached.
    ///
    /// # Examples
    /// ```
    /// use donormatch::model::{LogisticParams, TrainingData};
    /// let features = ndarray::array![[0.0], [1.0], [2.0], [3.0]];
    /// let outcomes = [0.0, 1.0, 0.0, 1.0];
    /// let data = TrainingData::new(features.view(), &outcomes)?;
    /// let model = LogisticParams { lambda: 0.01, ..LogisticParams::default() }.fit(&data)?;
    /// assert!(model.coefficients()[0] > 0.0);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn fit(&self, data: &TrainingData<'_>) -> Result<LogisticModel> {
        let (problem, _) = self.prepare(data)?;
        let mut solver = Solver::new(&problem, self.tolerance, self.max_iterations)?;
        let mut previous = solver.lambda_max(self.alpha).max(self.lambda);
        while previous * APPROACH > self.lambda && self.lambda > 0.0 {
            solver.solve(previous * APPROACH, previous)?;
            previous *= APPROACH;
        }
        solver.solve(self.lambda, previous)?;
        let (intercept, coefficients) =
            problem.to_raw(solver.state.intercept, |j| solver.state.coefficients[j]);
        Ok(LogisticModel {
            intercept,
            coefficients,
            feature_means: problem.design.means().to_vec(),
        })
    }

    /// The models at every λ of `grid`, each started from the one before.
    ///
    /// # Errors
    /// As [`LogisticParams::fit`].
    ///
    /// # References
    /// Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via
    /// coordinate descent", J. Stat. Softw. 33 (2010). Tibshirani et al., "Strong rules for
    /// discarding predictors in lasso-type problems", J. R. Stat. Soc. B 74 (2012). Lee, Sun and
    /// Saunders, "Proximal Newton-type methods", SIAM J. Optim. 24 (2014).
    pub fn fit_path(&self, data: &TrainingData<'_>, grid: &LambdaGrid) -> Result<LogisticPath> {
        grid.check()?;
        let (problem, raw) = self.prepare(data)?;
        let is_wide = raw.n_rows() < raw.n_columns();
        self.walk(&problem, grid, is_wide)
    }

    fn prepare(&self, data: &TrainingData<'_>) -> Result<(Problem, RawColumns)> {
        self.check(data.features().n_columns())?;
        check_outcomes(data)?;
        let raw = RawColumns::new(data.features())?;
        Ok((Problem::new(self, &raw, Rows::new(data)), raw))
    }

    /// Walks the grid on a problem already built.
    pub(super) fn walk(
        &self,
        problem: &Problem,
        grid: &LambdaGrid,
        is_wide: bool,
    ) -> Result<LogisticPath> {
        let mut solver = Solver::new(problem, self.tolerance, self.max_iterations)?;
        let lambda_max = solver.lambda_max(self.alpha);
        // How much higher the path starts than a lasso's.
        let lead = if self.alpha < RIDGE {
            RIDGE.recip()
        } else {
            1.0
        };
        let least_ratio = if is_wide { 1e-2 } else { 1e-4 } / lead;
        let lambdas = lambdas_of(grid, lambda_max, least_ratio);
        let may_end_early = matches!(grid, LambdaGrid::Automatic { .. });
        let mut points: Vec<PathPoint> = Vec::with_capacity(lambdas.len());
        let mut previous = lambda_max.max(lambdas[0]);
        for &lambda in &lambdas {
            solver.solve(lambda, previous)?;
            previous = lambda;
            let explained = solver.deviance_explained();
            let before = points.last().map_or(0.0, |point| point.deviance_explained);
            points.push(point_of(problem, &solver, lambda, explained));
            let is_saturated = explained > MOST_DEVIANCE
                || (points.len() >= LEAST_LAMBDAS
                    && lambda * lead <= lambda_max
                    && explained - before < LEAST_GAIN);
            if may_end_early && is_saturated {
                break;
            }
        }
        Ok(LogisticPath {
            points,
            feature_means: problem.design.means().to_vec(),
        })
    }
}

fn point_of(problem: &Problem, solver: &Solver<'_>, lambda: f64, explained: f64) -> PathPoint {
    let (intercept, coefficients) =
        problem.to_raw(solver.state.intercept, |j| solver.state.coefficients[j]);
    PathPoint {
        lambda,
        intercept,
        coefficients: (0_u32..)
            .zip(coefficients)
            .filter(|&(_, value)| value != 0.0)
            .collect(),
        deviance_explained: explained,
    }
}

fn lambdas_of(grid: &LambdaGrid, lambda_max: f64, least_ratio: f64) -> Vec<f64> {
    match grid {
        LambdaGrid::Given(values) => {
            let mut lambdas = values.clone();
            lambdas.sort_by(|a, b| b.total_cmp(a));
            lambdas
        }
        LambdaGrid::Automatic {
            n_lambdas,
            min_ratio,
        } => {
            let ratio = min_ratio.unwrap_or(least_ratio);
            let last = (*n_lambdas - 1) as f64;
            (0..*n_lambdas)
                .map(|step| lambda_max * libm::pow(ratio, step as f64 / last))
                .collect()
        }
    }
}
