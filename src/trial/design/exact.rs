//! Exact inference on counts.

use crate::numeric::distribution::incomplete_beta;
use crate::{Error, Result};

use super::check_rate;

/// P(X ≤ k) of a binomial count with `n` trials and success probability `p`.
pub(super) fn binomial_cdf(k: u32, n: u32, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    incomplete_beta(f64::from(n - k), f64::from(k) + 1.0, 1.0 - p)
}

/// P(X ≥ k) of the same count.
pub(super) fn binomial_tail(k: u32, n: u32, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    incomplete_beta(f64::from(k), f64::from(n - k) + 1.0, p)
}

/// The Clopper-Pearson interval for a rate of which `k` of `n` were seen: it covers at least at
/// its level at every true rate.
///
/// # Errors
/// [`Error::Parameter`] if `n` is 0, `k` exceeds `n` or `level` is not between 0 and 1.
///
/// # References
/// Clopper and Pearson 1934, Biometrika 26:404.
///
/// # Examples
/// ```
/// use donormatch::trial::design::clopper_pearson;
///
/// // FMT-LUMinate, dual inhibition: 3 myocarditis in 20.
/// let (lo, hi) = clopper_pearson(3, 20, 0.95)?;
/// assert!((lo - 0.0321).abs() < 5e-5 && (hi - 0.3789).abs() < 5e-5);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn clopper_pearson(k: u32, n: u32, level: f64) -> Result<(f64, f64)> {
    check_rate("level", level)?;
    if n == 0 || k > n {
        let message = format!("expected 0 ≤ k ≤ n and n ≥ 1, found {k} of {n}");
        return Err(Error::parameter("k", message));
    }
    let alpha = 0.5 * (1.0 - level);
    // P(X ≥ k) rises with the rate, P(X ≤ k) falls.
    let lo = if k == 0 {
        0.0
    } else {
        rate_where(|p| binomial_tail(k, n, p) < alpha)
    };
    let hi = if k == n {
        1.0
    } else {
        rate_where(|p| binomial_cdf(k, n, p) > alpha)
    };
    Ok((lo, hi))
}

/// The rate at which a condition that holds for small rates stops to hold.
pub(super) fn rate_where(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The two-sided p-value of Fisher's exact test of a table of two rows: `k` of `n` in each.
///
/// Sums the probabilities of all tables with these margins that are no likelier than the one seen.
///
/// # Errors
/// [`Error::Parameter`] if a count exceeds its number of trials.
///
/// # References
/// Fisher 1922, J R Stat Soc 85:87. The rule for two sides is that of R and SciPy.
///
/// # Examples
/// ```
/// use donormatch::trial::design::fisher_exact;
///
/// // Baruch 2021: donor 1 had 3 responders in 5 recipients, donor 2 none in 5.
/// let p = fisher_exact((3, 5), (0, 5))?;
/// assert!((p - 1.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn fisher_exact(first: (u32, u32), second: (u32, u32)) -> Result<f64> {
    for (k, n) in [first, second] {
        if k > n {
            let message = format!("expected k ≤ n, found {k} of {n}");
            return Err(Error::parameter("k", message));
        }
    }
    let successes = first.0 + second.0;
    let (low, high) = (successes.saturating_sub(second.1), successes.min(first.1));
    let log_probability = |k: u32| {
        log_choose(first.1, k) + log_choose(second.1, successes - k)
            - log_choose(first.1 + second.1, successes)
    };
    let seen = log_probability(first.0);
    // Tables as likely as the one seen count, whatever the last digits of their logarithms.
    let bound = seen + 1e-7;
    let p: f64 = (low..=high)
        .map(log_probability)
        .filter(|&one| one <= bound)
        .map(libm::exp)
        .sum();
    Ok(p.min(1.0))
}

fn log_choose(n: u32, k: u32) -> f64 {
    let log_factorial = |n: u32| libm::lgamma(f64::from(n) + 1.0);
    log_factorial(n) - log_factorial(k) - log_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    // scipy 1.17: stats.binomtest(k, n).proportion_ci(level, method="exact").
    #[test]
    fn intervals_are_those_of_scipy() {
        for (k, n, level, lo, hi) in SCIPY_INTERVALS {
            let found = clopper_pearson(k, n, level).unwrap();
            assert_relative_eq!(found.0, lo, max_relative = 1e-9);
            assert_relative_eq!(found.1, hi, max_relative = 1e-9);
        }
        assert!(clopper_pearson(3, 2, 0.9).is_err() && clopper_pearson(0, 0, 0.9).is_err());
        assert!(clopper_pearson(1, 2, 1.0).is_err() && clopper_pearson(1, 2, f64::NAN).is_err());
    }

    // scipy 1.17: stats.fisher_exact.
    #[test]
    fn exact_tests_are_those_of_scipy() {
        for (first, second, p) in SCIPY_TESTS {
            assert_relative_eq!(fisher_exact(first, second).unwrap(), p, max_relative = 1e-9);
            assert_relative_eq!(fisher_exact(second, first).unwrap(), p, max_relative = 1e-9);
        }
        assert!(fisher_exact((2, 1), (0, 1)).is_err());
        assert_relative_eq!(fisher_exact((0, 0), (0, 0)).unwrap(), 1.0);
    }

    const SCIPY_INTERVALS: [(u32, u32, f64, f64, f64); 6] = [
        (
            3,
            20,
            0.95,
            0.032_070_937_185_544_77,
            0.378_926_826_545_295_64,
        ),
        (0, 20, 0.95, 0.0, 0.168_433_470_983_085_48),
        (20, 20, 0.9, 0.860_891_659_331_624_3, 1.0),
        (
            13,
            20,
            0.95,
            0.407_811_465_467_171_8,
            0.846_090_795_215_458_8,
        ),
        (
            1,
            1000,
            0.99,
            5.012_529_260_766_841_5e-6,
            0.007_406_286_938_353_162,
        ),
        (
            5,
            322,
            0.9,
            0.006_137_883_029_275_671_5,
            0.032_370_316_961_683_694,
        ),
    ];

    type Counts = (u32, u32);
    const SCIPY_TESTS: [(Counts, Counts, f64); 6] = [
        ((3, 5), (0, 5), 0.166_666_666_666_666_66),
        ((1, 9), (8, 9), 0.003_373_097_490_744_550_3),
        ((12, 23), (7, 22), 0.230_733_178_259_673_1),
        ((3, 20), (1, 313), 0.000_718_775_843_443_699_3),
        ((0, 4), (0, 7), 1.0),
        ((10, 10), (3, 12), 0.000_462_385_911_302_32),
    ];
}
