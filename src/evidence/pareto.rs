//! Pareto-smoothed importance sampling.
//!
//! # References
//! Vehtari, Simpson, Gelman, Yao and Gabry, "Pareto smoothed importance sampling", JMLR 25:72
//! (2024). Zhang and Stephens, "A new and efficient estimation method for the generalized Pareto
//! distribution", Technometrics 51:316 (2009).

/// Weights that sum to 1, and how heavy their tail is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Smoothed {
    pub(super) weights: Vec<f64>,
    /// Shape of the tail, k̂; above 0.7 the weights are not to be trusted.
    pub(super) shape: f64,
}

/// Smooths importance weights, given by their logarithms up to a constant.
pub(super) fn smooth(log_weights: &[f64]) -> Smoothed {
    let n = log_weights.len();
    let highest = log_weights
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let mut weights: Vec<f64> = log_weights
        .iter()
        .map(|log_weight| libm::exp(log_weight - highest))
        .collect();
    let n_tail = (0.2 * n as f64).min(3.0 * (n as f64).sqrt()).ceil() as usize;
    let mut shape = f64::NEG_INFINITY;
    if n_tail >= 5 && n_tail < n {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| weights[a].total_cmp(&weights[b]).then(a.cmp(&b)));
        let (body, tail) = order.split_at(n - n_tail);
        let cutoff = weights[body[body.len() - 1]];
        let excess: Vec<f64> = tail.iter().map(|&at| weights[at] - cutoff).collect();
        let largest = excess[n_tail - 1];
        if largest > 1e-12 * cutoff.max(f64::MIN_POSITIVE) {
            let fit = Pareto::fit(&excess);
            shape = fit.shape;
            for (rank, &at) in tail.iter().enumerate() {
                let p = (rank as f64 + 0.5) / n_tail as f64;
                // No weight above the largest that was seen.
                weights[at] = (cutoff + fit.quantile(p)).min(1.0);
            }
        }
    }
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    Smoothed { weights, shape }
}

/// A generalized Pareto distribution of excesses.
struct Pareto {
    shape: f64,
    scale: f64,
}

impl Pareto {
    /// Zhang and Stephens' estimate from rising excesses, with the weak prior of the paper on
    /// smoothing that draws the shape to 0.5 where there are few.
    fn fit(rising: &[f64]) -> Self {
        let n = rising.len();
        let count = n as f64;
        let n_grid = 30 + (count.sqrt() as usize);
        let quartile = rising[((count / 4.0 + 0.5) as usize).clamp(1, n) - 1].max(1e-300);
        let largest = rising[n - 1];
        let theta = |j: usize| {
            let j = j as f64;
            largest.recip() + (1.0 - (n_grid as f64 / (j - 0.5)).sqrt()) / (3.0 * quartile)
        };
        let shape_at = |theta: f64| {
            let terms = rising.iter().map(|x| libm::log1p(-theta * x));
            terms.sum::<f64>() / count
        };
        let profile = |theta: f64| {
            let k = shape_at(theta);
            count * (libm::log(-theta / k) - k - 1.0)
        };
        let grid: Vec<f64> = (1..=n_grid).map(theta).collect();
        let likelihoods: Vec<f64> = grid.iter().map(|&theta| profile(theta)).collect();
        let weight = |at: usize| {
            let sum: f64 = likelihoods
                .iter()
                .map(|other| libm::exp(other - likelihoods[at]))
                .sum();
            sum.recip()
        };
        let mean: f64 = grid
            .iter()
            .enumerate()
            .map(|(at, theta)| theta * weight(at))
            .sum();
        let shape = shape_at(mean);
        let scale = -shape / mean;
        Self {
            shape: (count * shape + 5.0) / (count + 10.0),
            scale,
        }
    }

    fn quantile(&self, p: f64) -> f64 {
        if self.shape.abs() < 1e-12 {
            -self.scale * libm::log1p(-p)
        } else {
            self.scale * libm::expm1(-self.shape * libm::log1p(-p)) / self.shape
        }
    }
}

/// Numbers of `n` draws taken by their weights, each as often as its weight says to within one
/// (systematic resampling; Kitagawa, J Comput Graph Stat 5:1, 1996). `start` is in [0, 1).
pub(super) fn resample(weights: &[f64], n: usize, start: f64) -> Vec<usize> {
    let mut taken = Vec::with_capacity(n);
    let (mut at, mut below) = (0, weights[0]);
    for number in 0..n {
        let point = (number as f64 + start) / n as f64;
        while below <= point && at + 1 < weights.len() {
            at += 1;
            below += weights[at];
        }
        taken.push(at);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{derive, uniform};

    /// Draws of a Pareto tail of a known shape, as weights.
    fn weights_of_shape(shape: f64, n: u64) -> Vec<f64> {
        let draw = |k| -shape * libm::log(uniform(derive(3, k)));
        (0..n).map(draw).collect()
    }

    #[test]
    fn the_shape_of_a_tail_is_found() {
        for shape in [0.3, 0.6, 0.9] {
            let found = smooth(&weights_of_shape(shape, 20_000)).shape;
            assert!((found - shape).abs() < 0.15, "{shape}: {found}");
        }
    }

    #[test]
    fn equal_weights_stay_equal() {
        let found = smooth(&[0.5; 100]);
        assert!(
            found
                .weights
                .iter()
                .all(|weight| (weight - 0.01).abs() < 1e-12)
        );
    }

    #[test]
    fn a_mean_under_weights_is_that_of_the_target() {
        // From N(0, 1) to N(0.5, 1): the weight of x is exp(0.5·x) up to a constant.
        let draws: Vec<f64> = (0..4000)
            .map(|k| crate::numeric::random::normal(derive(11, k)))
            .collect();
        let log_weights: Vec<f64> = draws.iter().map(|x| 0.5 * x).collect();
        let found = smooth(&log_weights);
        let mean: f64 = found.weights.iter().zip(&draws).map(|(w, x)| w * x).sum();
        assert!((mean - 0.5).abs() < 0.06, "{mean}");
        assert!(found.shape < 0.5);
        let taken = resample(&found.weights, 4000, 0.5);
        let mean = taken.iter().map(|&at| draws[at]).sum::<f64>() / 4000.0;
        assert!((mean - 0.5).abs() < 0.06, "{mean}");
    }

    #[test]
    fn a_draw_is_taken_as_often_as_its_weight_says() {
        assert_eq!(resample(&[0.5, 0.25, 0.25], 4, 0.5), [0, 0, 1, 2]);
    }
}
