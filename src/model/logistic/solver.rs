//! Proximal Newton over working sets, warm-started along λ.

use super::params::RIDGE;
use super::problem::{Problem, State};
use super::quadratic::QuadraticModel;
use super::screening::Gradients;
use crate::cancel;
use crate::{Error, Result};

/// Residual sum, in units of the weights (which sum to 1), of the model without features.
const NULL_TOLERANCE: f64 = 1e-12;

/// How far inside the violation the inner problem is solved, …
const INNER_SHARE: f64 = 0.1;

/// … but no further inside the tolerance than this.
const INNER_FLOOR: f64 = 0.5;

/// Where a step leaves more than this of the violation, the inner problem was left too early: …
const LEAST_PROGRESS: f64 = 0.5;

/// … from then on it is solved closer by this.
const CLOSER: f64 = 0.2;

/// Relative rise of the objective that is rounding, not ascent.
const ROUNDING: f64 = 1e-13;

/// A solver at one point of a path.
#[derive(Debug)]
pub(super) struct Solver<'a> {
    problem: &'a Problem,
    /// In units of the gradient, at the curvature `null_curvature`.
    tolerance: f64,
    /// Second derivative of the log loss by the intercept, without features.
    null_curvature: f64,
    /// [`Solver::bend`] of each working column, when last computed.
    bends: Vec<f64>,
    max_iterations: usize,
    pub(super) state: State,
    /// Columns that have been let in, in the order they came.
    working: Vec<usize>,
    /// Columns outside the working set at the last check whose gradients are up to date.
    suspects: Vec<usize>,
    is_working: Vec<bool>,
    gradients: Gradients,
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
        let design = &problem.design;
        let entering: Vec<usize> = (0..n_columns)
            .filter(|&column| !design.is_constant(column))
            .collect();
        let state = State::null(problem);
        let mut solver = Self {
            problem,
            tolerance: NULL_TOLERANCE,
            null_curvature: row_curvature(problem, &state),
            bends: vec![1.0; n_columns],
            max_iterations,
            gradients: Gradients::new(design, &state.residuals),
            state,
            working: Vec::new(),
            suspects: entering.clone(),
            is_working: vec![false; n_columns],
            trial: None,
            before: None,
            null_log_loss: 0.0,
        };
        solver.solve_working(0.0)?;
        solver.null_log_loss = solver.state.log_loss;
        solver.null_curvature = row_curvature(problem, &solver.state);
        solver.refresh(&entering);
        let values = solver.gradients.values().iter();
        let largest = values.fold(0.0_f64, |a, g| a.max(g.abs()));
        solver.tolerance = tolerance * if largest > 0.0 { largest } else { 1.0 };
        for &column in &entering {
            if !problem.is_penalized(column) {
                solver.admit(column, 0.0);
            }
        }
        if !solver.working.is_empty() {
            solver.solve_working(0.0)?;
            solver.refresh(&entering);
        }
        Ok(solver)
    }

    /// The smallest λ at which no penalized column enters; for ridge, where none is large enough,
    /// as if the L1 share were one in a thousand (glmnet's rule).
    pub(super) fn lambda_max(&self, alpha: f64) -> f64 {
        let mut largest = 0.0_f64;
        for (column, gradient) in self.gradients.values().iter().enumerate() {
            let l1 = self.problem.l1[column];
            let weight = if alpha < RIDGE {
                // l2 = factor (1 − α) / unit², so this is factor × RIDGE / unit.
                RIDGE * self.problem.l2[column] / (1.0 - alpha)
            } else {
                l1
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
        self.extrapolate(lambda);
        self.renew_working(lambda);
        loop {
            self.solve_working(lambda)?;
            if !self.admit_violators(lambda, 2.0 * lambda - previous) {
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
            // A coefficient other than 0 in either solution was in the working set of the later.
            for &column in &self.working {
                let now = solution.coefficients[column];
                let then = before.coefficients[column];
                if now - then == 0.0 {
                    continue;
                }
                let guess = ahead(now, then);
                if guess * now > 0.0 {
                    trial.coefficients[column] = guess;
                } else {
                    // It would pass through 0 and is left there.
                    trial.coefficients[column] = 0.0;
                    self.problem
                        .design
                        .combine(&[column], &[-guess], &mut trial.scores);
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

    /// Sends away the columns that λ keeps at 0, and lets in those that cannot stay there.
    fn renew_working(&mut self, lambda: f64) {
        let solution = self.before.as_ref().unwrap_or(&self.state);
        let leaves_zero = |column: usize| {
            self.gradients.values()[column].abs() > lambda * self.problem.l1[column]
        };
        self.working.retain(|&column| {
            let keep = self.state.coefficients[column] != 0.0
                || solution.coefficients[column] != 0.0
                || !self.problem.is_penalized(column)
                || leaves_zero(column);
            self.is_working[column] = keep;
            keep
        });
        let mut entering = std::mem::take(&mut self.suspects);
        entering.retain(|&column| !self.is_working[column] && leaves_zero(column));
        for column in entering {
            self.admit(column, lambda);
        }
    }

    /// Lets in the columns outside the working set that breach their conditions, and tells whether
    /// there were any. Looks at those that may have come to `threshold`, which is at most λ: the
    /// bound of the strong rule, so that the columns to let in at the next λ are among them.
    fn admit_violators(&mut self, lambda: f64, threshold: f64) -> bool {
        let mut suspects = self.gradients.suspects(threshold, &self.problem.l1);
        suspects.retain(|&column| !self.is_working[column]);
        self.refresh(&suspects);
        let n_before = self.working.len();
        for &column in &suspects {
            let excess = self.gradients.values()[column].abs() - lambda * self.problem.l1[column];
            if excess > 0.0 && excess * self.unit(self.bend(column, lambda)) > self.tolerance {
                self.admit(column, lambda);
            }
        }
        self.suspects = suspects;
        self.working.len() > n_before
    }

    fn admit(&mut self, column: usize, lambda: f64) {
        self.bends[column] = self.bend(column, lambda);
        self.is_working[column] = true;
        self.working.push(column);
    }

    /// The second derivative of the objective by a coefficient.
    fn bend(&self, column: usize, lambda: f64) -> f64 {
        let curvature = self
            .problem
            .design
            .curvature(column, &self.state.curvatures);
        curvature + self.problem.ridge(column, lambda)
    }

    /// What a breach is multiplied by before it is held against the tolerance.
    fn unit(&self, bend: f64) -> f64 {
        (self.null_curvature / bend).sqrt()
    }

    /// Brings the gradients of `columns` up to date.
    fn refresh(&mut self, columns: &[usize]) {
        self.gradients
            .refresh(&self.problem.design, columns, &self.state.residuals);
    }

    /// Newton steps over the working columns until they meet their conditions.
    fn solve_working(&mut self, lambda: f64) -> Result<()> {
        let mut before = f64::INFINITY;
        let mut share = 1.0;
        for _ in 0..self.max_iterations {
            cancel::check()?;
            let violation = self.violation(lambda).max(self.intercept_violation());
            if violation <= self.tolerance {
                return Ok(());
            }
            if violation.is_nan() {
                break;
            }
            let model = QuadraticModel::new(
                self.problem,
                self.null_curvature,
                &self.state,
                lambda,
                &self.working,
                self.gradients.values(),
            );
            model.bends(&mut self.bends);
            if violation > LEAST_PROGRESS * before {
                share *= CLOSER;
            }
            before = violation;
            let precision = share * (INNER_SHARE * violation).max(INNER_FLOOR * self.tolerance);
            let (steps, intercept_step) = model.minimize(precision);
            self.step(lambda, &steps, intercept_step)?;
        }
        Err(Error::convergence(format!(
            "the logistic fit at lambda {lambda} did not reach its tolerance in {} steps; the rows \
             may be separable (give a larger `lambda`, or priors) or the tolerance too small",
            self.max_iterations
        )))
    }

    /// The breach of the intercept's condition, as [`Solver::violation`] measures it.
    fn intercept_violation(&self) -> f64 {
        let sum: f64 = self.state.residuals.iter().sum();
        let prior = self.problem.intercept_line;
        let scale = 1.0 + prior.map_or(0.0, |line| line.precision);
        self.unit(row_curvature(self.problem, &self.state)) * sum.abs() / scale
    }

    /// The largest breach of the optimality conditions among working columns, each divided by the
    /// root of its curvature: the square is twice what the objective could still fall along that
    /// column, whether the rows are nearly separated there or not.
    fn violation(&mut self, lambda: f64) -> f64 {
        self.gradients
            .refresh(&self.problem.design, &self.working, &self.state.residuals);
        let mut largest = 0.0_f64;
        for &column in &self.working {
            let gradient = self.gradients.values()[column];
            let l1 = lambda * self.problem.l1[column];
            let coefficient = self.state.coefficients[column];
            let breach = if coefficient == 0.0 {
                gradient.abs() - l1
            } else {
                let ridge = self.problem.ridge(column, lambda);
                (gradient - ridge * coefficient - l1 * coefficient.signum()).abs()
            };
            let breach = breach * self.unit(self.bends[column]);
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
        let steps: Vec<f64> = steps.iter().map(|step| share * step).collect();
        for (&column, step) in self.working.iter().zip(&steps) {
            trial.coefficients[column] += step;
        }
        self.problem
            .design
            .combine(&self.working, &steps, &mut trial.scores);
        trial.evaluate(self.problem);
    }
}

/// Halvings of one step before giving up.
const MOST_HALVINGS: usize = 40;

/// Second derivative of the log loss by the intercept.
fn row_curvature(problem: &Problem, state: &State) -> f64 {
    let rows = &state.curvatures[..problem.outcomes.len()];
    rows.iter().sum::<f64>().max(f64::MIN_POSITIVE)
}
