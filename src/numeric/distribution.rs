//! The normal and Student distributions that intervals need.

use std::f64::consts::{PI, SQRT_2};

/// P(Z ≤ z) of the standard normal.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// The z with P(Z ≤ z) = p: Newton steps on the distribution from a rational start (Abramowitz
/// and Stegun 26.2.23).
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    let t = (-2.0 * libm::log(p)).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = -(t - numerator / denominator);
    for _ in 0..4 {
        let density = libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt();
        let error = (normal_cdf(z) - p) / density;
        z -= error / (1.0 + 0.5 * z * error); // Halley's correction
    }
    z
}

/// Two-sided p value of a standard normal statistic.
pub(crate) fn normal_p_value(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// The t with P(T ≤ t) = p of Student's distribution with `df` degrees of freedom, by bisection.
pub(crate) fn student_quantile(p: f64, df: f64) -> f64 {
    if p < 0.5 {
        return -student_quantile(1.0 - p, df);
    }
    let (mut low, mut high) = (0.0, 1.0);
    while student_cdf(high, df) < p && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..120 {
        let middle = 0.5 * (low + high);
        if student_cdf(middle, df) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// P(T ≤ t) for t of 0 or more.
fn student_cdf(t: f64, df: f64) -> f64 {
    1.0 - 0.5 * incomplete_beta(0.5 * df, 0.5, df / (df + t * t))
}

/// The regularized incomplete beta function by its continued fraction (Lentz's method; Press et
/// al., Numerical Recipes, section 6.4).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log1p(-x);
    if x < (a + 1.0) / (a + b + 2.0) {
        libm::exp(log_front) * beta_fraction(a, b, x) / a
    } else {
        1.0 - libm::exp(log_front) * beta_fraction(b, a, 1.0 - x) / b
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..300 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    // scipy 1.17.1: scipy.stats.norm.ppf, norm.cdf, t.ppf.
    #[test]
    fn quantiles_are_those_of_scipy() {
        assert_relative_eq!(
            normal_quantile(0.975),
            1.959_963_984_540_054,
            max_relative = 1e-14
        );
        assert_relative_eq!(
            normal_quantile(1e-10),
            -6.361_340_902_404_056,
            max_relative = 1e-12
        );
        assert_relative_eq!(
            normal_cdf(-1.5),
            0.066_807_201_268_858_07,
            max_relative = 1e-14
        );
        assert_relative_eq!(
            student_quantile(0.975, 1.0),
            12.706_204_736_174_694,
            max_relative = 1e-10
        );
        assert_relative_eq!(
            student_quantile(0.975, 4.0),
            2.776_445_105_197_793,
            max_relative = 1e-10
        );
        assert_relative_eq!(
            student_quantile(0.95, 30.0),
            1.697_260_886_593_957,
            max_relative = 1e-10
        );
        assert_relative_eq!(
            student_quantile(0.1, 3.0),
            -1.637_744_353_696_21,
            max_relative = 1e-10
        );
    }
}
