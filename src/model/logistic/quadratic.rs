//! The inner problem of a proximal Newton step: the quadratic model of the loss around a point,
//! with the penalties, minimized over the working columns by coordinate descent.
//!
//! With curvatures `h`, the intercept is profiled out: the model's gradient and curvature of
//! column `z` are those of `z − Σhz/Σh`, so neither the mean of a sparse column nor the intercept
//! is ever touched inside the loop. The columns `hz` are kept, so that a visit reads one array to
//! see and another to move.
//!
//! Coordinate descent creeps where columns outnumber what the rows can tell apart; every few
//! sweeps its iterates are extrapolated (Anderson), and the guess is kept if the model is lower.
//!
//! # References
//! Bertrand and Massias, "Anderson acceleration of coordinate descent", AISTATS 2021.

use super::design::Design;
use super::problem::{Problem, State};

/// Full sweeps of one inner problem; the Newton loop takes what it gets and goes on.
const MOST_ROUNDS: usize = 50;

/// Sweeps over the support between full ones, at most.
const MOST_SWEEPS: usize = 100;

/// Differences of iterates that one extrapolation is made of.
const DEPTH: usize = 5;

/// Smallest curvature of a column beside its uncentered one: what rounding leaves of nothing.
const LEAST_CURVATURE: f64 = 1e-14;

/// What a column looks like under the curvatures of one Newton step.
#[derive(Debug, Clone, Copy)]
struct Slot {
    column: usize,
    /// Minus the derivative of the loss where the model was made.
    gradient: f64,
    /// Σ h z.
    first: f64,
    /// Σ h z² − (Σ h z)² / Σ h.
    curvature: f64,
    l1: f64,
    ridge: f64,
}

/// A point of the model.
#[derive(Debug, Clone)]
struct Point {
    /// Coefficients, by slot.
    coefficients: Vec<f64>,
    /// Change of the scores by the columns, without the intercept's.
    scores: Vec<f64>,
    /// Σ h × `scores`.
    score_sum: f64,
}

/// The quadratic model around a state.
#[derive(Debug)]
pub(super) struct QuadraticModel<'a> {
    design: &'a Design,
    h: &'a [f64],
    residuals: &'a [f64],
    residual_sum: f64,
    total: f64,
    slots: Vec<Slot>,
    /// `h z` of each slot's stored lines, one after another.
    weighted: Vec<f64>,
    starts: Vec<usize>,
    now: Point,
    start: Vec<f64>,
}

impl<'a> QuadraticModel<'a> {
    /// `gradients` of all columns, of which those of `columns` are up to date.
    pub(super) fn new(
        problem: &'a Problem,
        state: &'a State,
        lambda: f64,
        columns: &[usize],
        gradients: &[f64],
    ) -> Self {
        let design = &problem.design;
        let h = state.curvatures.as_slice();
        let total = h.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mut weighted = Vec::new();
        let mut starts = vec![0];
        let mut slots = Vec::with_capacity(columns.len());
        for &column in columns {
            let (first, second) = design.push_weighted(column, h, &mut weighted);
            starts.push(weighted.len());
            let least = (LEAST_CURVATURE * second).max(f64::MIN_POSITIVE);
            slots.push(Slot {
                column,
                gradient: gradients[column],
                first,
                curvature: (second - first * first / total).max(least),
                l1: lambda * problem.l1[column],
                ridge: problem.ridge(column, lambda),
            });
        }
        let start: Vec<f64> = columns.iter().map(|&c| state.coefficients[c]).collect();
        Self {
            design,
            h,
            residuals: &state.residuals,
            residual_sum: state.residuals.iter().sum(),
            total,
            slots,
            weighted,
            starts,
            now: Point {
                coefficients: start.clone(),
                scores: vec![0.0; h.len()],
                score_sum: 0.0,
            },
            start,
        }
    }

    /// Minimizes to `precision` (in units of the gradient); gives the step of each working column
    /// and of the intercept.
    pub(super) fn minimize(mut self, precision: f64) -> (Vec<f64>, f64) {
        let everything: Vec<usize> = (0..self.slots.len()).collect();
        for _ in 0..MOST_ROUNDS {
            if self.sweep(&everything) <= precision {
                break;
            }
            let support: Vec<usize> = everything
                .iter()
                .copied()
                .filter(|&at| self.now.coefficients[at] != 0.0 || self.slots[at].l1 == 0.0)
                .collect();
            self.descend(&support, precision);
        }
        let intercept = self.intercept_step();
        let mut steps = self.now.coefficients;
        for (now, start) in steps.iter_mut().zip(&self.start) {
            *now -= start;
        }
        (steps, intercept)
    }

    /// The intercept's step that is best for the columns' scores as they are.
    fn intercept_step(&self) -> f64 {
        (self.residual_sum - self.now.score_sum) / self.total
    }

    /// Sweeps over the support, extrapolated every [`DEPTH`].
    fn descend(&mut self, support: &[usize], precision: f64) {
        let mut trail: Vec<Point> = Vec::with_capacity(DEPTH + 1);
        for _ in 0..MOST_SWEEPS {
            if self.sweep(support) <= precision {
                return;
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
    }

    /// One pass of exact coordinate minimizations; the largest change in units of the gradient.
    fn sweep(&mut self, at: &[usize]) -> f64 {
        let mut largest = 0.0_f64;
        let mut intercept = self.intercept_step();
        for &at in at {
            let slot = self.slots[at];
            let weighted = &self.weighted[self.starts[at]..self.starts[at + 1]];
            let seen = self
                .design
                .dot_with(slot.column, weighted, &self.now.scores);
            let before = self.now.coefficients[at];
            let bent = slot.curvature + slot.ridge;
            let gradient = slot.gradient - seen - intercept * slot.first;
            let after = soft_threshold(gradient + slot.curvature * before, slot.l1) / bent;
            let step = after - before;
            if step != 0.0 {
                self.now.coefficients[at] = after;
                self.design.axpy(slot.column, step, &mut self.now.scores);
                self.now.score_sum += step * slot.first;
                intercept -= step * slot.first / self.total;
                largest = largest.max(step.abs() * bent);
            }
        }
        largest
    }

    /// The model at a point, with the intercept that is best there.
    fn value(&self, point: &Point) -> f64 {
        let intercept = (self.residual_sum - point.score_sum) / self.total;
        let mut value = 0.0;
        for ((&score, &h), &residual) in point.scores.iter().zip(self.h).zip(self.residuals) {
            let score = score + intercept;
            value += score * (0.5 * h * score - residual);
        }
        for (slot, &b) in self.slots.iter().zip(&point.coefficients) {
            value += slot.l1 * b.abs() + 0.5 * slot.ridge * b * b;
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
