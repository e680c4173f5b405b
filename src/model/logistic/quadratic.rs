//! The inner problem of a proximal Newton step: the quadratic model of the loss around a point,
//! with the penalties, minimized over the working columns by coordinate descent.
//!
//! With curvatures `h`, the intercept is profiled out: the model's gradient and curvature of
//! column `z` are those of `z − Σhz/Σh`, so neither the mean of a sparse column nor the intercept
//! is ever touched inside the loop. The columns `√h z` are kept, one after another, so that a visit
//! reads one array twice: to see and to move.
//!
//! Coordinate descent creeps where columns outnumber what the rows can tell apart; every few
//! sweeps its iterates are extrapolated (Anderson), and the guess is kept if the model is lower.
//!
//! # References
//! Bertrand and Massias, "Anderson acceleration of coordinate descent", AISTATS 2021.

use super::design::{Design, Lines, curvature};
use super::kernel::{LANES, dense_axpy, dense_dot, sparse_axpy, sparse_dot};
use super::problem::{Problem, State};
use crate::cancel;

/// Sweeps of one inner problem; the Newton loop takes what it gets and goes on.
const MOST_SWEEPS: usize = 1000;

/// Differences of iterates that one extrapolation is made of.
const DEPTH: usize = 5;

/// What a column looks like under the curvatures of one Newton step.
#[derive(Debug, Clone, Copy)]
struct Slot {
    column: usize,
    /// Minus the derivative of the loss where the model was made.
    gradient: f64,
    /// Σ h z.
    first: f64,
    /// Second derivative: Σ h z² − (Σ h z)² / Σ h, and the ridge.
    bend: f64,
    l1: f64,
    ridge: f64,
    /// √(bend × null curvature): what a step is multiplied by to be held against a precision.
    unit: f64,
    /// Where `√h z` begins in `values`.
    start: usize,
}

/// A point of the model.
#[derive(Debug, Clone)]
struct Point {
    /// Coefficients, by slot.
    coefficients: Vec<f64>,
    /// √h × the change of the scores by the columns, without the intercept's.
    scores: Vec<f64>,
    /// Σ √h × `scores`.
    score_sum: f64,
}

/// The quadratic model around a state.
#[derive(Debug)]
pub(super) struct QuadraticModel<'a> {
    design: &'a Design,
    residual_sum: f64,
    total: f64,
    null_curvature: f64,
    slots: Vec<Slot>,
    /// `√h z` of the slots, one after another.
    values: Vec<f64>,
    now: Point,
    start: Vec<f64>,
}

impl<'a> QuadraticModel<'a> {
    /// `gradients` of all columns, of which those of `columns` are up to date; `null_curvature` is
    /// the one at which precisions are in units of the gradient.
    pub(super) fn new(
        problem: &'a Problem,
        null_curvature: f64,
        state: &State,
        lambda: f64,
        columns: &[usize],
        gradients: &[f64],
    ) -> Self {
        let design = &problem.design;
        let start: Vec<f64> = columns.iter().map(|&c| state.coefficients[c]).collect();
        let n_lines = design.n_lines().next_multiple_of(LANES);
        let mut roots: Vec<f64> = state.curvatures.iter().map(|h| h.sqrt()).collect();
        roots.resize(n_lines, 0.0);
        let mut n_values = 0;
        let slots = columns
            .iter()
            .map(|&column| {
                let slot = Slot {
                    column,
                    gradient: gradients[column],
                    first: 0.0,
                    bend: 0.0,
                    l1: lambda * problem.l1[column],
                    ridge: problem.ridge(column, lambda),
                    unit: 0.0,
                    start: n_values,
                };
                n_values += match design.lines(column) {
                    Lines::Dense(_) => n_lines,
                    Lines::Sparse(rows, _) => rows.len(),
                };
                slot
            })
            .collect();
        let mut model = Self {
            design,
            residual_sum: state.residuals.iter().sum(),
            total: state.curvatures.iter().sum::<f64>().max(f64::MIN_POSITIVE),
            null_curvature,
            slots,
            values: Vec::with_capacity(n_values),
            now: Point {
                coefficients: start.clone(),
                scores: vec![0.0; n_lines],
                score_sum: 0.0,
            },
            start,
        };
        model.weigh(&roots);
        model
    }

    /// Writes the second derivative along each working column to its place in `out`.
    pub(super) fn bends(&self, out: &mut [f64]) {
        for slot in &self.slots {
            out[slot.column] = slot.bend;
        }
    }

    /// Minimizes until a sweep mends no more than `precision`, a breach as
    /// [`Solver::violation`](super::solver::Solver) measures it; gives the step of each working column
    /// and of the intercept.
    pub(super) fn minimize(mut self, precision: f64) -> (Vec<f64>, f64) {
        let mut trail: Vec<Point> = Vec::with_capacity(DEPTH + 1);
        for _ in 0..MOST_SWEEPS {
            if self.sweep() <= precision || cancel::is_cancelled() {
                break;
            }
            trail.push(self.now.clone());
            if trail.len() == DEPTH + 1 {
                if let Some(guess) = extrapolate(&trail)
                    && self.value(&guess) < self.value(&self.now)
                {
                    self.now = guess;
                }
                trail.clear();
            }
        }
        let intercept = self.intercept_step();
        let mut steps = self.now.coefficients;
        for (now, start) in steps.iter_mut().zip(&self.start) {
            *now -= start;
        }
        (steps, intercept)
    }

    /// Fills the slots; `roots` are √h, then zeros up to a multiple of [`LANES`].
    fn weigh(&mut self, roots: &[f64]) {
        for slot in &mut self.slots {
            match self.design.lines(slot.column) {
                Lines::Dense(values) => {
                    let products = values.iter().zip(roots).map(|(value, root)| root * value);
                    self.values.extend(products);
                    self.values.resize(slot.start + roots.len(), 0.0);
                    slot.first = dense_dot(&self.values[slot.start..], roots);
                }
                Lines::Sparse(rows, values) => {
                    let products = rows.iter().zip(values);
                    let products = products.map(|(&row, value)| roots[row as usize] * value);
                    self.values.extend(products);
                    // SAFETY: the line above has looked up every row.
                    #[expect(unsafe_code, reason = "innermost loop, measured")]
                    let first = unsafe { sparse_dot(rows, &self.values[slot.start..], roots) };
                    slot.first = first;
                }
            }
            let products = &self.values[slot.start..];
            let second = dense_dot(products, products);
            slot.bend = curvature(slot.first, second, self.total) + slot.ridge;
            slot.unit = (slot.bend * self.null_curvature).sqrt();
        }
    }

    /// One pass of exact coordinate minimizations; the largest step, as the breach of the
    /// optimality conditions that it mends.
    fn sweep(&mut self) -> f64 {
        let mut largest = 0.0_f64;
        let mut intercept = self.intercept_step();
        let Point {
            coefficients,
            scores,
            score_sum,
        } = &mut self.now;
        assert!(scores.len() >= self.design.n_lines());
        for (slot, coefficient) in self.slots.iter().zip(coefficients) {
            let lines = self.design.lines(slot.column);
            let n_products = match lines {
                Lines::Dense(_) => scores.len(),
                Lines::Sparse(rows, _) => rows.len(),
            };
            let products = &self.values[slot.start..slot.start + n_products];
            let seen = match lines {
                Lines::Dense(_) => dense_dot(products, scores),
                // SAFETY: rows are below the number of lines, and there are that many scores.
                #[expect(unsafe_code, reason = "innermost loop, measured")]
                Lines::Sparse(rows, _) => unsafe { sparse_dot(rows, products, scores) },
            };
            let gradient = slot.gradient - seen - intercept * slot.first;
            let pull = gradient + (slot.bend - slot.ridge) * *coefficient;
            let after = soft_threshold(pull, slot.l1) / slot.bend;
            let step = after - *coefficient;
            if step == 0.0 {
                continue;
            }
            match lines {
                Lines::Dense(_) => dense_axpy(step, products, scores),
                // SAFETY: as above.
                #[expect(unsafe_code, reason = "innermost loop, measured")]
                Lines::Sparse(rows, _) => unsafe { sparse_axpy(step, rows, products, scores) },
            }
            *coefficient = after;
            *score_sum += step * slot.first;
            intercept -= step * slot.first / self.total;
            largest = largest.max(step.abs() * slot.unit);
        }
        largest
    }

    /// The intercept's step that is best for the columns' scores as they are.
    fn intercept_step(&self) -> f64 {
        (self.residual_sum - self.now.score_sum) / self.total
    }

    /// The model at a point, with the intercept that is best there.
    fn value(&self, point: &Point) -> f64 {
        let rest = self.residual_sum - point.score_sum;
        let squares: f64 = point.scores.iter().map(|score| score * score).sum();
        let mut value = 0.5 * (squares - rest * rest / self.total);
        for ((slot, &b), &start) in self.slots.iter().zip(&point.coefficients).zip(&self.start) {
            value += slot.l1 * b.abs() + 0.5 * slot.ridge * b * b - slot.gradient * (b - start);
        }
        value
    }
}

/// The combination of iterates whose combined differences are least, weights summing to 1.
fn extrapolate(trail: &[Point]) -> Option<Point> {
    let mut products = [[0.0; DEPTH]; DEPTH];
    let difference =
        |i: usize, at: usize| trail[i + 1].coefficients[at] - trail[i].coefficients[at];
    for at in 0..trail[0].coefficients.len() {
        let mut steps = [0.0; DEPTH];
        for (i, step) in steps.iter_mut().enumerate() {
            *step = difference(i, at);
        }
        for i in 0..DEPTH {
            for j in 0..=i {
                products[i][j] += steps[i] * steps[j];
            }
        }
    }
    let weights = solve_ones(&mut products)?;
    let mix = |pick: fn(&Point) -> &Vec<f64>| -> Vec<f64> {
        (0..pick(&trail[0]).len())
            .map(|at| {
                (0..DEPTH)
                    .map(|i| weights[i] * pick(&trail[i + 1])[at])
                    .sum()
            })
            .collect()
    };
    Some(Point {
        coefficients: mix(|point| &point.coefficients),
        scores: mix(|point| &point.scores),
        score_sum: (0..DEPTH)
            .map(|i| weights[i] * trail[i + 1].score_sum)
            .sum(),
    })
}

/// Solves `products × w = 1` by Cholesky (lower triangle given) and scales `w` to sum to 1.
fn solve_ones(products: &mut [[f64; DEPTH]; DEPTH]) -> Option<[f64; DEPTH]> {
    let trace: f64 = (0..DEPTH).map(|i| products[i][i]).sum();
    for i in 0..DEPTH {
        products[i][i] += 1e-14 * trace;
        for j in 0..=i {
            let pairs = products[i][..j].iter().zip(&products[j][..j]);
            let sum = products[i][j] - pairs.map(|(a, b)| a * b).sum::<f64>();
            if i == j {
                if sum <= 0.0 {
                    return None;
                }
                products[i][i] = sum.sqrt();
            } else {
                products[i][j] = sum / products[j][j];
            }
        }
    }
    let mut weights = [1.0; DEPTH];
    for i in 0..DEPTH {
        for k in 0..i {
            weights[i] -= products[i][k] * weights[k];
        }
        weights[i] /= products[i][i];
    }
    for i in (0..DEPTH).rev() {
        let known = weights;
        for (row, &known) in products.iter().zip(&known).skip(i + 1) {
            weights[i] -= row[i] * known;
        }
        weights[i] /= products[i][i];
    }
    let sum: f64 = weights.iter().sum();
    (sum.is_finite() && sum != 0.0).then(|| weights.map(|weight| weight / sum))
}

fn soft_threshold(value: f64, threshold: f64) -> f64 {
    if value > threshold {
        value - threshold
    } else if value < -threshold {
        value + threshold
    } else {
        0.0
    }
}
