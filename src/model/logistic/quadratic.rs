//! Coordinate descent on the quadratic model of the loss around a point: the inner problem of a
//! proximal Newton step.
//!
//! With curvatures `h`, the intercept is profiled out: the model's gradient and curvature of
//! column `z` are those of `z − Σhz/Σh`, so neither the mean of a sparse column nor the intercept
//! is ever touched inside the loop.

use super::design::Design;
use super::problem::Problem;

/// Products of the working columns under fixed curvatures ("covariance updates").
///
/// The curvatures may be those of an earlier point: the Newton loop corrects with exact gradients
/// and asks for a refresh where that is too slow. Along a path they change little, so most steps
/// cost no products at all.
#[derive(Debug, Clone)]
pub(super) struct Gram {
    curvatures: Vec<f64>,
    total: f64,
    /// Σ h z of each slot.
    first: Vec<f64>,
    columns: Vec<usize>,
    /// Square, row-major, `capacity` wide.
    products: Vec<f64>,
    capacity: usize,
    buffer: Vec<f64>,
}

impl Gram {
    pub(super) fn new(n_lines: usize) -> Self {
        Self {
            curvatures: Vec::new(),
            total: 0.0,
            first: Vec::new(),
            columns: Vec::new(),
            products: Vec::new(),
            capacity: 0,
            buffer: vec![0.0; n_lines],
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.curvatures.is_empty()
    }

    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Forgets all products and starts again under `curvatures`.
    pub(super) fn refresh(&mut self, design: &Design, curvatures: &[f64], columns: &[usize]) {
        self.curvatures.clear();
        self.curvatures.extend_from_slice(curvatures);
        self.total = curvatures.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        self.first.clear();
        self.columns.clear();
        for &column in columns {
            self.push(design, column);
        }
    }

    /// One more column, under the curvatures of the last refresh.
    pub(super) fn push(&mut self, design: &Design, column: usize) {
        let slot = self.columns.len();
        if slot == self.capacity {
            self.grow();
        }
        design.scatter_weighted(column, &self.curvatures, &mut self.buffer);
        let (first, second) = design.weighted_moments(column, &self.curvatures);
        let width = self.capacity;
        for (other, &known) in self.columns.iter().enumerate() {
            let product =
                design.dot(known, &self.buffer) - first * (self.first[other] / self.total);
            self.products[slot * width + other] = product;
            self.products[other * width + slot] = product;
        }
        // Rounding may leave a column that the curvatures all but ignore with less than nothing.
        let diagonal = (second - first * first / self.total).max(1e-14 * second.max(1e-300));
        self.products[slot * width + slot] = diagonal;
        design.clear(column, &mut self.buffer);
        self.columns.push(column);
        self.first.push(first);
    }

    fn grow(&mut self) {
        let wider = (2 * self.capacity).max(64);
        let n = self.columns.len();
        let mut products = vec![0.0; wider * wider];
        for slot in 0..n {
            products[slot * wider..slot * wider + n]
                .copy_from_slice(&self.products[slot * self.capacity..slot * self.capacity + n]);
        }
        self.products = products;
        self.capacity = wider;
    }

    /// Minimizes the model over the slots; returns the steps, and the intercept's step.
    ///
    /// `gradients` are minus the loss's derivatives (not profiled), `residual_sum` Σ r.
    pub(super) fn minimize(
        &self,
        problem: &Problem,
        lambda: f64,
        coefficients: &[f64],
        gradients: &[f64],
        residual_sum: f64,
        precision: f64,
    ) -> (Vec<f64>, f64) {
        let n = self.columns.len();
        let mut current: Vec<f64> = self.columns.iter().map(|&c| coefficients[c]).collect();
        let start = current.clone();
        let mut q: Vec<f64> = gradients
            .iter()
            .zip(&self.first)
            .map(|(gradient, first)| gradient - first / self.total * residual_sum)
            .collect();
        let everything: Vec<usize> = (0..n).collect();
        let mut is_full = true;
        let mut nonzero: Vec<usize> = Vec::with_capacity(n);
        for _ in 0..MOST_SWEEPS {
            let slots = if is_full { &everything } else { &nonzero };
            let largest = self.sweep(problem, lambda, slots, &mut current, &mut q);
            if largest <= precision {
                if is_full {
                    break;
                }
                is_full = true;
            } else if is_full {
                nonzero.clear();
                nonzero.extend((0..n).filter(|&slot| current[slot] != 0.0));
                is_full = nonzero.is_empty();
            }
        }
        let mut intercept = residual_sum;
        for ((now, then), first) in current.iter_mut().zip(&start).zip(&self.first) {
            *now -= then;
            intercept -= first * *now;
        }
        (current, intercept / self.total)
    }

    /// One pass of exact coordinate minimizations; the largest change in units of the gradient.
    fn sweep(
        &self,
        problem: &Problem,
        lambda: f64,
        slots: &[usize],
        current: &mut [f64],
        q: &mut [f64],
    ) -> f64 {
        let n = self.columns.len();
        let mut largest = 0.0_f64;
        for &slot in slots {
            let column = self.columns[slot];
            let products = &self.products[slot * self.capacity..slot * self.capacity + n];
            let curvature = products[slot];
            let ridge = problem.ridge(column, lambda);
            let before = current[slot];
            let after = soft_threshold(q[slot] + curvature * before, lambda * problem.l1[column])
                / (curvature + ridge);
            let step = after - before;
            if step != 0.0 {
                current[slot] = after;
                for (q, &product) in q.iter_mut().zip(products) {
                    *q -= step * product;
                }
                largest = largest.max(step.abs() * (curvature + ridge));
            }
        }
        largest
    }
}

/// Sweeps of one inner problem; the Newton loop takes what it gets and goes on.
const MOST_SWEEPS: usize = 1_000;

/// The same minimization without products ("naive updates"), for working sets too large to keep
/// their square: each visit walks the column's own rows.
pub(super) fn minimize_naive(
    problem: &Problem,
    lambda: f64,
    columns: &[usize],
    coefficients: &[f64],
    residuals: &[f64],
    curvatures: &[f64],
    precision: f64,
) -> (Vec<f64>, f64) {
    let design = &problem.design;
    let total = curvatures.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let residual_sum: f64 = residuals.iter().sum();
    let moments: Vec<(f64, f64)> = columns
        .iter()
        .map(|&column| {
            let (first, second) = design.weighted_moments(column, curvatures);
            let centered = second - first * first / total;
            (first, centered.max(1e-14 * second.max(1e-300)))
        })
        .collect();
    let start: Vec<f64> = columns.iter().map(|&column| coefficients[column]).collect();
    let mut current = start.clone();
    let mut r = residuals.to_vec();
    // The intercept's step so far: residuals are `r − shift × h`.
    let mut shift = residual_sum / total;
    let everything: Vec<usize> = (0..columns.len()).collect();
    let mut nonzero: Vec<usize> = Vec::new();
    let mut is_full = true;
    for _ in 0..MOST_SWEEPS {
        let mut largest = 0.0_f64;
        for &slot in if is_full { &everything } else { &nonzero } {
            let column = columns[slot];
            let (first, curvature) = moments[slot];
            let gradient = design.dot(column, &r) - shift * first;
            let ridge = problem.ridge(column, lambda);
            let before = current[slot];
            let after = soft_threshold(gradient + curvature * before, lambda * problem.l1[column])
                / (curvature + ridge);
            let step = after - before;
            if step != 0.0 {
                current[slot] = after;
                design.subtract_weighted(column, step, curvatures, &mut r);
                shift -= step * first / total;
                largest = largest.max(step.abs() * (curvature + ridge));
            }
        }
        if largest <= precision {
            if is_full {
                break;
            }
            is_full = true;
        } else if is_full {
            nonzero = (0..columns.len())
                .filter(|&slot| current[slot] != 0.0)
                .collect();
            is_full = nonzero.is_empty();
        }
    }
    for (now, then) in current.iter_mut().zip(&start) {
        *now -= then;
    }
    (current, shift)
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
