//! The log density of a hierarchical logistic model and its gradient, on standard normal
//! coordinates.
//!
//! A coefficient θ = mean + scale·z has a fixed scale or that of a group, σ, whose logarithm is a
//! coordinate of its own (the non-centered form; Betancourt and Girolami 2015, arXiv:1312.0906).

#[cfg(any(test, feature = "sampler"))]
use crate::numeric::logistic::sigmoid;
use crate::numeric::logistic::softplus;

/// Where the scale of a coefficient comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Known: the standard deviation of its prior.
    Fixed(f64),
    /// The standard deviation of a group, by its number.
    Group(usize),
}

/// A coefficient: its name and its prior.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Coefficient {
    pub(super) name: String,
    pub(super) mean: f64,
    pub(super) scale: Scale,
}

/// A standard deviation that is learned; its prior is half-normal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) name: String,
    /// Scale of the half-normal prior.
    pub(super) prior: f64,
}

/// `n` patients of whom `y` had the event, with a linear predictor of a few terms.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) n: f64,
    pub(super) y: f64,
    /// Coefficient and what it is multiplied by.
    pub(super) terms: Vec<(usize, f64)>,
}

/// A normal measurement of a coefficient whose own draw has been integrated out:
/// estimate ~ N(mean, group² + error²).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measurement {
    pub(super) mean: usize,
    pub(super) group: usize,
    pub(super) estimate: f64,
    pub(super) error: f64,
}

/// Everything that the log density is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Density {
    pub(super) coefficients: Vec<Coefficient>,
    pub(super) groups: Vec<Group>,
    pub(super) rows: Vec<Row>,
    pub(super) measurements: Vec<Measurement>,
}

impl Density {
    #[cfg(any(test, feature = "sampler"))]
    /// Coordinates: one a coefficient, then the logarithm of each group's standard deviation.
    pub(super) fn n_dims(&self) -> usize {
        self.coefficients.len() + self.groups.len()
    }

    /// Coefficients, then standard deviations, at a point.
    pub(super) fn constrained(&self, point: &[f64]) -> Vec<f64> {
        let (z, log_sd) = point.split_at(self.coefficients.len());
        let sd: Vec<f64> = log_sd.iter().map(|&log_sd| libm::exp(log_sd)).collect();
        let values = self
            .coefficients
            .iter()
            .zip(z)
            .map(|(coefficient, z)| coefficient.mean + z * scale_of(coefficient.scale, &sd));
        values.chain(sd.iter().copied()).collect()
    }

    #[cfg(any(test, feature = "sampler"))]
    /// The log density up to a constant; the gradient goes into `gradient`.
    pub(super) fn log_density(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        let n = self.coefficients.len();
        let values = self.constrained(point);
        let (theta, sd) = values.split_at(n);
        // By the coefficient itself and by each group's standard deviation.
        let mut by_theta = vec![0.0; n];
        let mut by_sd = vec![0.0; sd.len()];
        let mut sum = self.likelihood(theta, &mut by_theta);
        for one in &self.measurements {
            let variance = sd[one.group].powi(2) + one.error.powi(2);
            let gap = one.estimate - theta[one.mean];
            sum -= 0.5 * (libm::log(variance) + gap * gap / variance);
            by_theta[one.mean] += gap / variance;
            by_sd[one.group] += sd[one.group] * (gap * gap / variance - 1.0) / variance;
        }
        for (at, coefficient) in self.coefficients.iter().enumerate() {
            let z = point[at];
            sum -= 0.5 * z * z;
            gradient[at] = by_theta[at] * scale_of(coefficient.scale, sd) - z;
            if let Scale::Group(group) = coefficient.scale {
                by_sd[group] += by_theta[at] * z;
            }
        }
        for (at, (group, &sd)) in self.groups.iter().zip(sd).enumerate() {
            let ratio = sd / group.prior;
            // Half-normal, and the Jacobian of the logarithm.
            sum += point[n + at] - 0.5 * ratio * ratio;
            gradient[n + at] = 1.0 - ratio * ratio + by_sd[at] * sd;
        }
        sum
    }

    #[cfg(any(test, feature = "sampler"))]
    fn likelihood(&self, theta: &[f64], by_theta: &mut [f64]) -> f64 {
        let mut sum = 0.0;
        for row in &self.rows {
            let eta = row.linear_predictor(theta);
            sum += row.log_likelihood(eta);
            let residual = row.y - row.n * sigmoid(eta);
            for &(coefficient, by) in &row.terms {
                by_theta[coefficient] += residual * by;
            }
        }
        sum
    }
}

impl Row {
    pub(super) fn linear_predictor(&self, theta: &[f64]) -> f64 {
        let terms = self.terms.iter();
        terms
            .map(|&(coefficient, by)| by * theta[coefficient])
            .sum()
    }

    /// Binomial, without the coefficient that does not depend on η.
    pub(super) fn log_likelihood(&self, eta: f64) -> f64 {
        self.y * eta - self.n * softplus(eta)
    }
}

fn scale_of(scale: Scale, sd: &[f64]) -> f64 {
    match scale {
        Scale::Fixed(sd) => sd,
        Scale::Group(group) => sd[group],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn small() -> Density {
        let coefficient = |name: &str, mean, scale| Coefficient {
            name: name.to_owned(),
            mean,
            scale,
        };
        let group = |name: &str, prior| Group {
            name: name.to_owned(),
            prior,
        };
        Density {
            coefficients: vec![
                coefficient("intercept", -0.5, Scale::Fixed(1.0)),
                coefficient("trial[a]", 0.0, Scale::Group(0)),
                coefficient("slope", 0.1, Scale::Fixed(0.5)),
            ],
            groups: vec![group("trial", 0.3), group("slopes", 0.3)],
            rows: vec![
                Row {
                    n: 20.0,
                    y: 13.0,
                    terms: vec![(0, 1.0), (1, 1.0)],
                },
                Row {
                    n: 1.0,
                    y: 0.0,
                    terms: vec![(0, 1.0), (2, -1.7)],
                },
            ],
            measurements: vec![Measurement {
                mean: 2,
                group: 1,
                estimate: 0.4,
                error: 0.2,
            }],
        }
    }

    #[test]
    fn the_gradient_equals_central_differences() {
        let density = small();
        let point = [0.3, -0.8, 1.1, -1.2, -0.4];
        let mut gradient = vec![0.0; 5];
        let mut ignored = vec![0.0; 5];
        density.log_density(&point, &mut gradient);
        for at in 0..point.len() {
            let step = 1e-5;
            let mut moved = point;
            moved[at] += step;
            let above = density.log_density(&moved, &mut ignored);
            moved[at] -= 2.0 * step;
            let below = density.log_density(&moved, &mut ignored);
            let expected = (above - below) / (2.0 * step);
            assert_relative_eq!(gradient[at], expected, epsilon = 1e-7, max_relative = 1e-6);
        }
    }

    #[test]
    fn the_density_is_that_of_its_parts() {
        // By hand: z = 0 everywhere and standard deviations of 1, so θ = (−0.5, 0, 0.1).
        let mut gradient = vec![0.0; 5];
        let found = small().log_density(&[0.0; 5], &mut gradient);
        let binomial = |n: f64, y: f64, eta: f64| y * eta - n * (1.0 + f64::exp(eta)).ln();
        let normal = -0.5 * (1.04_f64.ln() + 0.09 / 1.04);
        let half_normal = -0.5 * (1.0 / 0.09) * 2.0;
        let expected =
            binomial(20.0, 13.0, -0.5) + binomial(1.0, 0.0, -0.67) + normal + half_normal;
        assert_relative_eq!(found, expected, max_relative = 1e-12);
    }
}
