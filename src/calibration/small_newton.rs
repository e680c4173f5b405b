//! A logistic regression of at most two slopes and an intercept, for curves with few numbers.

use crate::numeric::logistic::{log_loss, sigmoid};
use crate::{Error, Result};

/// Ridge on the slopes, relative to the sum of weights: decides among equals, moves nothing else.
const RIDGE: f64 = 1e-11;

const MOST_STEPS: usize = 200;
const MOST_HALVINGS: usize = 40;

/// Sum of absolute residuals, relative to the weights, below which the rows are separated.
const SEPARATED: f64 = 1e-5;

/// One row: features, target in [0, 1], weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<const N: usize> {
    pub(super) features: [f64; N],
    pub(super) target: f64,
    pub(super) weight: f64,
}

/// Coefficients that minimize the weighted log loss of `target` against 1 / (1 + exp(−f·b)), with
/// those that are not `free` held at 0. A feature that is 1 everywhere is the intercept.
///
/// # Errors
/// [`Error::Convergence`] where the rows are separated, so that no finite slope is best.
pub(super) fn fit<const N: usize>(
    lines: &[Line<N>],
    free: [bool; N],
    is_slope: [bool; N],
) -> Result<[f64; N]> {
    let total: f64 = lines.iter().map(|line| line.weight).sum();
    let ridge = is_slope.map(|slope| if slope { RIDGE * total } else { 0.0 });
    let mut point = [0.0; N];
    let mut value = loss(lines, &ridge, &point);
    for _ in 0..MOST_STEPS {
        let (gradient, mut curvature) = derivatives(lines, &ridge, &point);
        for at in 0..N {
            if !free[at] {
                curvature[at] = [0.0; N];
                for row in &mut curvature {
                    row[at] = 0.0;
                }
                curvature[at][at] = 1.0;
            }
        }
        let held: [f64; N] = std::array::from_fn(|at| if free[at] { gradient[at] } else { 0.0 });
        let step = solve(curvature, held);
        let decrement: f64 = step.iter().zip(&held).map(|(s, g)| s * g).sum();
        if decrement <= 1e-22 * total {
            return finish(lines, point, total);
        }
        let mut share = 1.0;
        let mut moved = false;
        for _ in 0..MOST_HALVINGS {
            let trial: [f64; N] = std::array::from_fn(|at| point[at] + share * step[at]);
            let trial_value = loss(lines, &ridge, &trial);
            if trial_value < value {
                point = trial;
                value = trial_value;
                moved = true;
                break;
            }
            share *= 0.5;
        }
        if !moved {
            // Rounding: no step lowers the loss any more.
            return finish(lines, point, total);
        }
    }
    Err(separated())
}

fn finish<const N: usize>(lines: &[Line<N>], point: [f64; N], total: f64) -> Result<[f64; N]> {
    let residual: f64 = lines
        .iter()
        .map(|line| line.weight * (line.target - sigmoid(score(line, &point))).abs())
        .sum();
    if residual < SEPARATED * total {
        return Err(separated());
    }
    Ok(point)
}

fn separated() -> Error {
    Error::convergence(
        "the scores separate the outcomes, so no finite slope is best; calibrate by `sigmoid`, \
         whose smoothed targets always have one",
    )
}

fn score<const N: usize>(line: &Line<N>, point: &[f64; N]) -> f64 {
    line.features.iter().zip(point).map(|(f, b)| f * b).sum()
}

fn loss<const N: usize>(lines: &[Line<N>], ridge: &[f64; N], point: &[f64; N]) -> f64 {
    let mut value = 0.0;
    for line in lines {
        value += line.weight * log_loss(score(line, point), line.target);
    }
    for (ridge, b) in ridge.iter().zip(point) {
        value += 0.5 * ridge * b * b;
    }
    value
}

fn derivatives<const N: usize>(
    lines: &[Line<N>],
    ridge: &[f64; N],
    point: &[f64; N],
) -> ([f64; N], [[f64; N]; N]) {
    let mut gradient = [0.0; N];
    let mut curvature = [[0.0; N]; N];
    for line in lines {
        let probability = sigmoid(score(line, point));
        let residual = line.weight * (line.target - probability);
        let bend = line.weight * probability * (1.0 - probability);
        for i in 0..N {
            gradient[i] += residual * line.features[i];
            for (out, other) in curvature[i].iter_mut().zip(&line.features) {
                *out += bend * line.features[i] * other;
            }
        }
    }
    for at in 0..N {
        gradient[at] -= ridge[at] * point[at];
        curvature[at][at] += ridge[at].max(f64::MIN_POSITIVE);
    }
    (gradient, curvature)
}

/// Gaussian elimination with pivoting; a direction without curvature gets no step.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> [f64; N] {
    for at in 0..N {
        let mut pivot = at;
        for row in at + 1..N {
            if matrix[row][at].abs() > matrix[pivot][at].abs() {
                pivot = row;
            }
        }
        matrix.swap(at, pivot);
        right.swap(at, pivot);
        if matrix[at][at] == 0.0 {
            continue;
        }
        for row in at + 1..N {
            let ratio = matrix[row][at] / matrix[at][at];
            let above = matrix[at];
            for (value, known) in matrix[row].iter_mut().zip(above).skip(at) {
                *value -= ratio * known;
            }
            right[row] -= ratio * right[at];
        }
    }
    let mut x = [0.0; N];
    for at in (0..N).rev() {
        let known: f64 = (at + 1..N)
            .map(|column| matrix[at][column] * x[column])
            .sum();
        if matrix[at][at] != 0.0 {
            x[at] = (right[at] - known) / matrix[at][at];
        }
    }
    x
}
