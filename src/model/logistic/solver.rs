//! Proximal Newton over working sets, warm-started along λ.

use super::problem::{Problem, State};
use super::quadratic::QuadraticModel;
use crate::{Error, Result};

/// Residual sum, in units of the weights (which sum to 1), of the model without features.
const NULL_TOLERANCE: f64 = 1e-12;

/// How far inside the violation the inner problem is solved.
const INNER_SHARE: f64 = 0.02;

/// Relative rise of the objective that is rounding, not ascent.
const ROUNDING: f64 = 1e-13;

/// A solver at one point of a path.
#[derive(Debug)]
pub(super) struct Solver<'a> {
    problem: &'a Problem,
    tolerance: f64,
    max_iterations: usize,
    pub(super) state: State,
    /// Columns that have been let in, in the order they came.
    working: Vec<usize>,
    is_working: Vec<bool>,
    /// Minus the derivative of the loss by each column, at the last full check.
    gradients: Vec<f64>,
    trial: Option<State>,
    /// The solution before this one, from which the next is guessed.
    before: Option<State>,
    /// Mean log loss of the intercept (and its prior, offsets and prior means) alone.
    pub(super) null_log_loss: f64,
}

impl<'a> Solver<'a> {
    /// Solves for the intercept and the columns that λ does not act on.
    pub(super) fn new(problem: &'a Problem, tolerance: f64, max_iterations: usize) -> Result<Self> {
        let n_columns = problem.n_columns();
        let mut solver = Self {
            problem,
            tolerance: NULL_TOLERANCE,
            max_iterations,
            state: State::null(problem),
            working: Vec::new(),
            is_working: vec![false; n_columns],
            gradients: vec![0.0; n_columns],
            trial: None,
            before: None,
            null_log_loss: 0.0,
        };
        solver.solve_working(0.0)?;
        solver.null_log_loss = solver.state.log_loss;
        solver.check_all();
        let largest = solver.gradients.iter().fold(0.0_f64, |a, g| a.max(g.abs()));
        solver.tolerance = tolerance * if largest > 0.0 { largest } else { 1.0 };
        for column in 0..n_columns {
            if !problem.is_penalized(column) && !problem.design.is_constant(column) {
                solver.admit(column);
            }
        }
        if !solver.working.is_empty() {
            solver.solve_working(0.0)?;
            solver.check_all();
        }
        Ok(solver)
    }

    /// The smallest λ at which no penalized column enters; for ridge, where none is large enough,
    /// as if the L1 share were one in a thousand (glmnet's rule).
    pub(super) fn lambda_max(&self, alpha: f64) -> f64 {
        let mut largest = 0.0_f64;
        for (column, gradient) in self.gradients.iter().enumerate() {
            let l1 = self.problem.l1[column];
            let weight = if alpha >= 1e-3 {
                l1
            } else {
                // l2 = factor (1 − α) / unit², so this is factor × 0.001 / unit.
                1e-3 * self.problem.l2[column] / (1.0 - alpha)
            };
            if weight > 0.0 {
                largest = largest.max(gradient.abs() / weight);
            }
        }
        largest
    }

    pub(super) fn deviance_explained(&self) -> f64 {
        if self.null_log_loss > 0.0 {
            1.0 - self.state.log_loss / self.null_log_loss
        } else {
            0.0
        }
    }

    /// Moves to the solution at `lambda`, coming from `previous`.
    pub(super) fn solve(&mut self, lambda: f64, previous: f64) -> Result<()> {
        let n_columns = self.problem.n_columns();
        self.drop_idle(lambda);
        self.extrapolate(lambda);
        // The sequential strong rule: columns below this are left out until the last check.
        let screened: Vec<usize> = (0..n_columns)
            .filter(|&column| {
                let bound = self.problem.l1[column] * (2.0 * lambda - previous);
                !self.problem.design.is_constant(column) && self.gradients[column].abs() >= bound
            })
            .collect();
        for &column in &screened {
            if !self.is_working[column]
                && self.gradients[column].abs() > lambda * self.problem.l1[column]
            {
                self.admit(column);
            }
        }
        loop {
            self.solve_working(lambda)?;
            if self.admit_violators(lambda, &screened) {
                continue;
            }
            self.check_all();
            let mut is_clean = true;
            for column in 0..n_columns {
                is_clean &= !self.admit_violator(column, lambda);
            }
            if is_clean {
                return Ok(());
            }
        }
    }

    /// Starts from where the last two solutions point, if that is lower than the last one: along
    /// a path the coefficients move almost on straight lines.
    fn extrapolate(&mut self, lambda: f64) {
        let solution = self.state.clone();
        if let Some(before) = self.before.take() {
            let mut trial = self.trial.take().unwrap_or_else(|| solution.clone());
            let ahead = |now: f64, then: f64| 2.0 * now - then;
            trial.intercept = ahead(solution.intercept, before.intercept);
            for ((guess, &now), &then) in trial
                .scores
                .iter_mut()
                .zip(&solution.scores)
                .zip(&before.scores)
            {
                *guess = ahead(now, then);
            }
            trial.coefficients.copy_from_slice(&solution.coefficients);
            for (column, &then) in before.coefficients.iter().enumerate() {
                let now = solution.coefficients[column];
                if now - then == 0.0 {
                    continue;
                }
                let guess = ahead(now, then);
                if guess * now > 0.0 {
                    trial.coefficients[column] = guess;
                } else {
                    // It would pass through 0 and is left there.
                    trial.coefficients[column] = 0.0;
                    self.problem.design.axpy(column, -guess, &mut trial.scores);
                }
            }
            trial.evaluate(self.problem);
            let objective = |state: &State| state.objective(self.problem, lambda, &self.working);
            if objective(&trial) < objective(&self.state) {
                std::mem::swap(&mut self.state, &mut trial);
            }
            self.trial = Some(trial);
        }
        self.before = Some(solution);
    }

    /// Sends away columns at 0 that λ keeps there.
    fn drop_idle(&mut self, lambda: f64) {
        let Self {
            working,
            is_working,
            state,
            gradients,
            problem,
            ..
        } = self;
        working.retain(|&column| {
            let l1 = lambda * problem.l1[column];
            let keep = state.coefficients[column] != 0.0 || gradients[column].abs() > l1;
            is_working[column] = keep || !problem.is_penalized(column);
            is_working[column]
        });
    }

    fn admit_violators(&mut self, lambda: f64, screened: &[usize]) -> bool {
        let mut found = false;
        for &column in screened {
            if !self.is_working[column] {
                self.gradients[column] = self.problem.design.dot(column, &self.state.residuals);
                found |= self.admit_violator(column, lambda);
            }
        }
        found
    }

    fn admit_violator(&mut self, column: usize, lambda: f64) -> bool {
        let excess = self.gradients[column].abs() - lambda * self.problem.l1[column];
        let violates = !self.is_working[column] && excess > self.tolerance;
        if violates {
            self.admit(column);
        }
        violates
    }

    fn admit(&mut self, column: usize) {
        if !self.is_working[column] && !self.problem.design.is_constant(column) {
            self.is_working[column] = true;
            self.working.push(column);
        }
    }

    fn check_all(&mut self) {
        for (column, gradient) in self.gradients.iter_mut().enumerate() {
            *gradient = self.problem.design.dot(column, &self.state.residuals);
        }
    }

    /// Newton steps over the working columns until they meet their conditions.
    fn solve_working(&mut self, lambda: f64) -> Result<()> {
        let intercept_scale = 1.0
            + self
                .problem
                .intercept_line
                .map_or(0.0, |line| line.precision);
        for _ in 0..self.max_iterations {
            let residual_sum: f64 = self.state.residuals.iter().sum();
            let violation = self
                .violation(lambda)
                .max(residual_sum.abs() / intercept_scale);
            if violation <= self.tolerance {
                return Ok(());
            }
            if violation.is_nan() {
                break;
            }
            let model = QuadraticModel::new(
                self.problem,
                &self.state,
                lambda,
                &self.working,
                &self.gradients,
            );
            let precision = (INNER_SHARE * violation).max(0.1 * self.tolerance);
            let (steps, intercept_step) = model.minimize(precision);
            self.step(lambda, &steps, intercept_step)?;
        }
        Err(Error::convergence(format!(
            "the logistic fit at lambda {lambda} did not reach its tolerance in {} steps; the rows \
             may be separable (give a larger `lambda`, or priors) or the tolerance too small",
            self.max_iterations
        )))
    }

    /// The largest breach of the optimality conditions among working columns.
    fn violation(&mut self, lambda: f64) -> f64 {
        let mut largest = 0.0_f64;
        for &column in &self.working {
            let gradient = self.problem.design.dot(column, &self.state.residuals);
            self.gradients[column] = gradient;
            let l1 = lambda * self.problem.l1[column];
            let coefficient = self.state.coefficients[column];
            let breach = if coefficient == 0.0 {
                gradient.abs() - l1
            } else {
                let ridge = self.problem.ridge(column, lambda);
                (gradient - ridge * coefficient - l1 * coefficient.signum()).abs()
                    / (1.0 + self.problem.prior_curvature[column])
            };
            largest = if breach.is_nan() {
                breach
            } else {
                largest.max(breach)
            };
            if largest.is_nan() {
                return largest;
            }
        }
        largest
    }

    /// Takes the step, halved until the objective does not rise.
    fn step(&mut self, lambda: f64, steps: &[f64], intercept_step: f64) -> Result<()> {
        let before = self.state.objective(self.problem, lambda, &self.working);
        let bound = before + ROUNDING * before.abs().max(1e-3);
        let mut share = 1.0;
        let mut trial = self.trial.take().unwrap_or_else(|| self.state.clone());
        for _ in 0..MOST_HALVINGS {
            self.move_to(&mut trial, steps, intercept_step, share);
            if trial.objective(self.problem, lambda, &self.working) <= bound {
                std::mem::swap(&mut self.state, &mut trial);
                self.trial = Some(trial);
                return Ok(());
            }
            share *= 0.5;
        }
        Err(Error::convergence(format!(
            "no step of the logistic fit at lambda {lambda} lowers its objective; \
             the tolerance may be below what rounding allows"
        )))
    }

    fn move_to(&self, trial: &mut State, steps: &[f64], intercept_step: f64, share: f64) {
        trial.coefficients.copy_from_slice(&self.state.coefficients);
        trial.scores.copy_from_slice(&self.state.scores);
        trial.intercept = self.state.intercept + share * intercept_step;
        for score in &mut trial.scores {
            *score += share * intercept_step;
        }
        for (&column, &step) in self.working.iter().zip(steps) {
            if step != 0.0 {
                trial.coefficients[column] += share * step;
                self.problem
                    .design
                    .axpy(column, share * step, &mut trial.scores);
            }
        }
        trial.evaluate(self.problem);
    }
}

/// Halvings of one step before giving up.
const MOST_HALVINGS: usize = 40;
