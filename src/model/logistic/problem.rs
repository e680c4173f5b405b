//! One fit's fixed parts (rows, penalties) and its moving parts (coefficients, residuals).

use super::design::{Design, RawColumns};
use super::params::{LogisticParams, Scaling};
use crate::model::TrainingData;

/// A product that may double once more without overflow.
const LARGEST_PRODUCT: f64 = 1e300;

/// The rows of one fit: outcomes, normalized weights, offsets.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) outcomes: Vec<f64>,
    /// Sum to 1.
    pub(super) weights: Vec<f64>,
    pub(super) offsets: Vec<f64>,
    /// Σ of the weights as given: the number of rows that a prior is weighed against.
    pub(super) total_weight: f64,
}

impl Rows {
    pub(super) fn new(data: &TrainingData<'_>) -> Self {
        let n_rows = data.n_rows();
        let all: Vec<usize> = (0..n_rows).collect();
        Self::select(data, &all)
    }

    pub(super) fn select(data: &TrainingData<'_>, rows: &[usize]) -> Self {
        let pick = |values: Option<&[f64]>, otherwise: f64| -> Vec<f64> {
            rows.iter()
                .map(|&row| values.map_or(otherwise, |values| values[row]))
                .collect()
        };
        let mut weights = pick(data.weights(), 1.0);
        let total_weight: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= total_weight;
        }
        Self {
            outcomes: pick(Some(data.outcomes()), 0.0),
            weights,
            offsets: pick(data.offsets(), 0.0),
            total_weight,
        }
    }
}

/// The normal prior of the intercept, as one more line with a squared loss.
#[derive(Debug, Clone, Copy)]
pub(super) struct InterceptLine {
    pub(super) mean: f64,
    /// 1 / (n s₀²).
    pub(super) precision: f64,
}

/// Everything that does not move while λ does, in units of scaled columns.
///
/// The coefficients solved for are departures from the prior means; the means themselves are in
/// `base`, the part of the score that no coefficient changes.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) design: Design,
    pub(super) outcomes: Vec<f64>,
    pub(super) weights: Vec<f64>,
    pub(super) base: Vec<f64>,
    pub(super) intercept_line: Option<InterceptLine>,
    /// λ-free L1 and L2 weights of each column, and the curvature of its prior.
    pub(super) l1: Vec<f64>,
    pub(super) l2: Vec<f64>,
    pub(super) prior_curvature: Vec<f64>,
    prior_means: Vec<f64>,
}

impl Problem {
    pub(super) fn new(params: &LogisticParams, raw: &RawColumns, rows: Rows) -> Self {
        let intercept_line = params.intercept_prior.and_then(|prior| {
            prior.spread.map(|spread| InterceptLine {
                mean: prior.mean,
                precision: 1.0 / (rows.total_weight * spread * spread),
            })
        });
        let design = Design::new(raw, &rows.weights, intercept_line.is_some());
        let n_columns = design.n_columns();
        let mut base = rows.offsets;
        let prior_means: Vec<f64> = (0..n_columns)
            .map(|column| params.priors.get(column).map_or(0.0, |prior| prior.mean))
            .collect();
        for (column, &mean) in prior_means.iter().enumerate() {
            if mean != 0.0 {
                raw.add_column(column, mean, &mut base);
            }
        }
        base.resize(design.n_lines(), 0.0);
        let mut l1 = Vec::with_capacity(n_columns);
        let mut l2 = Vec::with_capacity(n_columns);
        let mut prior_curvature = Vec::with_capacity(n_columns);
        for (column, &spread) in design.spreads().iter().enumerate() {
            let factor = params.penalty_factors.get(column).copied().unwrap_or(1.0);
            let unit = match params.scaling {
                Scaling::Original if spread > 0.0 => spread,
                Scaling::Original | Scaling::Standardize => 1.0,
            };
            l1.push(factor * params.alpha / unit);
            l2.push(factor * (1.0 - params.alpha) / (unit * unit));
            let prior = params.priors.get(column).and_then(|prior| prior.spread);
            prior_curvature.push(match prior {
                Some(prior) if spread > 0.0 => {
                    1.0 / (rows.total_weight * prior * prior * spread * spread)
                }
                _ => 0.0,
            });
        }
        Self {
            design,
            outcomes: rows.outcomes,
            weights: rows.weights,
            base,
            intercept_line,
            l1,
            l2,
            prior_curvature,
            prior_means,
        }
    }

    pub(super) fn n_columns(&self) -> usize {
        self.design.n_columns()
    }

    /// Whether λ acts on the column at all.
    pub(super) fn is_penalized(&self, column: usize) -> bool {
        self.l1[column] > 0.0 || self.l2[column] > 0.0
    }

    /// Curvature of all quadratic penalties of a column.
    pub(super) fn ridge(&self, column: usize, lambda: f64) -> f64 {
        lambda * self.l2[column] + self.prior_curvature[column]
    }

    /// Intercept and coefficients per raw unit from those of the scaled columns.
    pub(super) fn to_raw(
        &self,
        intercept: f64,
        coefficient: impl Fn(usize) -> f64,
    ) -> (f64, Vec<f64>) {
        let mut raw_intercept = intercept;
        let coefficients = (0..self.n_columns())
            .map(|column| {
                let scaled = coefficient(column);
                if scaled == 0.0 || self.design.is_constant(column) {
                    return self.prior_means[column];
                }
                raw_intercept -= scaled * self.design.shift(column);
                self.prior_means[column] + scaled / self.design.spreads()[column]
            })
            .collect();
        (raw_intercept, coefficients)
    }
}

/// A point of the path: coefficients, scores, and what the loss says there.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) intercept: f64,
    pub(super) coefficients: Vec<f64>,
    pub(super) scores: Vec<f64>,
    /// Minus the derivative of the loss by each line's score.
    pub(super) residuals: Vec<f64>,
    /// Its second derivative.
    pub(super) curvatures: Vec<f64>,
    /// Mean log loss of the rows alone.
    pub(super) log_loss: f64,
    /// Squared loss of the intercept's line.
    pub(super) intercept_loss: f64,
}

impl State {
    /// No departure from the prior means, intercept 0.
    pub(super) fn null(problem: &Problem) -> Self {
        let n_lines = problem.design.n_lines();
        let mut state = Self {
            intercept: 0.0,
            coefficients: vec![0.0; problem.n_columns()],
            scores: problem.base.clone(),
            residuals: vec![0.0; n_lines],
            curvatures: vec![0.0; n_lines],
            log_loss: 0.0,
            intercept_loss: 0.0,
        };
        state.evaluate(problem);
        state
    }

    /// Recomputes losses, residuals and curvatures from the scores.
    #[expect(
        clippy::float_cmp,
        reason = "rows share a logarithm where their weights are the very same"
    )]
    pub(super) fn evaluate(&mut self, problem: &Problem) {
        let mut log_loss = 0.0;
        // Σ w ln(1 + small) as w ln Π (1 + small) over rows of the same weight: one logarithm.
        let (mut product, mut weight_of_product) = (1.0, 0.0);
        let lines = self.residuals.iter_mut().zip(&mut self.curvatures);
        let rows = problem.outcomes.iter().zip(&problem.weights);
        for (((residual, curvature), &score), (&outcome, &weight)) in
            lines.zip(&self.scores).zip(rows)
        {
            // One exponential, of a number of 0 or less: it cannot overflow.
            let small = libm::exp(-score.abs());
            let likelier = 1.0 / (1.0 + small);
            let probability = if score >= 0.0 {
                likelier
            } else {
                small * likelier
            };
            *residual = weight * (outcome - probability);
            *curvature = weight * small * likelier * likelier;
            log_loss += weight * (score.max(0.0) - outcome * score);
            if weight != weight_of_product || product > LARGEST_PRODUCT {
                log_loss += weight_of_product * libm::log(product);
                (product, weight_of_product) = (1.0, weight);
            }
            product *= 1.0 + small;
        }
        log_loss += weight_of_product * libm::log(product);
        self.log_loss = log_loss;
        self.intercept_loss = 0.0;
        if let Some(line) = problem.intercept_line {
            let last = problem.outcomes.len();
            let gap = line.mean - self.scores[last];
            self.residuals[last] = line.precision * gap;
            self.curvatures[last] = line.precision;
            self.intercept_loss = 0.5 * line.precision * gap * gap;
        }
    }

    /// What the fit minimizes, up to penalties of coefficients outside `columns` (which are 0).
    pub(super) fn objective(&self, problem: &Problem, lambda: f64, columns: &[usize]) -> f64 {
        let mut penalty = 0.0;
        for &column in columns {
            let d = self.coefficients[column];
            penalty +=
                lambda * problem.l1[column] * d.abs() + 0.5 * problem.ridge(column, lambda) * d * d;
        }
        self.log_loss + self.intercept_loss + penalty
    }
}
