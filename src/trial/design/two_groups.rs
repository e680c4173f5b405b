//! How many patients tell two rates apart by Fisher's exact test.

use serde::{Deserialize, Serialize};

use super::check_rate;
use crate::{Error, Result};

/// Most patients of a group.
const MOST: u32 = 4_000;
/// Sizes in a row that must reach the power: exact power rises by fits and starts.
const N_IN_A_ROW: u32 = 10;

/// Two rates to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoGroupsParams {
    /// The rates of the first and the second group.
    pub rates: (f64, f64),
    /// Patients of the second group for each of the first. Default 1.
    #[serde(default = "one")]
    pub ratio: f64,
    /// Level of the two-sided test. Default 0.05.
    #[serde(default = "level")]
    pub level: f64,
    /// Power wanted. Default 0.8.
    #[serde(default = "power")]
    pub power: f64,
}

fn one() -> f64 {
    1.0
}

fn level() -> f64 {
    0.05
}

fn power() -> f64 {
    0.8
}

/// The patients that tell two rates apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TwoGroups {
    /// Patients of both groups.
    pub n: u32,
    /// Patients of the first group.
    pub n_first: u32,
    /// Patients of the second group.
    pub n_second: u32,
    /// The exact power with these.
    pub power: f64,
    /// The exact type-I error where both groups have the mean of the two rates.
    pub type_one_error: f64,
}

impl TwoGroupsParams {
    /// Two groups of the same size, level 0.05, power 0.8.
    pub fn new(rates: (f64, f64)) -> Self {
        Self {
            rates,
            ratio: one(),
            level: level(),
            power: power(),
        }
    }

    /// The fewest patients with which Fisher's exact test has the power, and keeps it for the next
    /// sizes.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a rate is not between 0 and 1, both rates are equal, or a group
    /// would need more than four thousand patients.
    ///
    /// # Examples
    /// ```
    /// use donormatch::trial::design::TwoGroupsParams;
    ///
    /// // Baruch 2021 saw 3 of 5 responders with donor 1 and none of 5 with donor 2.
    /// let plan = TwoGroupsParams::new((0.6, 0.1)).plan()?;
    /// assert_eq!((plan.n_first, plan.n_second), (17, 17));
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn plan(&self) -> Result<TwoGroups> {
        self.check()?;
        let reached = |n: u32| self.power_of(n) >= self.power;
        let mut high = 2;
        while !reached(high) {
            high *= 2;
            if self.sizes(high).0.max(self.sizes(high).1) > MOST {
                let message = format!(
                    "more than {MOST} patients of a group would be needed; the rates are too close"
                );
                return Err(Error::parameter("rates", message));
            }
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reached(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        // From a size that does on to one from which all of the next ones do.
        let mut n = high;
        let mut in_a_row = 0;
        while in_a_row < N_IN_A_ROW {
            if reached(n + in_a_row) {
                in_a_row += 1;
            } else {
                n += in_a_row + 1;
                in_a_row = 0;
            }
        }
        let (n_first, n_second) = self.sizes(n);
        let mean = (f64::from(n_first) * self.rates.0 + f64::from(n_second) * self.rates.1)
            / f64::from(n_first + n_second);
        Ok(TwoGroups {
            n: n_first + n_second,
            n_first,
            n_second,
            power: self.power_of(n),
            type_one_error: rejects((n_first, mean), (n_second, mean), self.level),
        })
    }

    fn check(&self) -> Result<()> {
        check_rate("rates", self.rates.0)?;
        check_rate("rates", self.rates.1)?;
        check_rate("level", self.level)?;
        check_rate("power", self.power)?;
        if (self.rates.0 - self.rates.1).abs() < 1e-9 {
            let message = format!(
                "expected two rates that differ, found {} twice",
                self.rates.0
            );
            return Err(Error::parameter("rates", message));
        }
        if !(0.01..=100.0).contains(&self.ratio) {
            let message = format!("expected 0.01 to 100, found {}", self.ratio);
            return Err(Error::parameter("ratio", message));
        }
        Ok(())
    }

    fn sizes(&self, n_first: u32) -> (u32, u32) {
        let n_second = (f64::from(n_first) * self.ratio).round() as u32;
        (n_first, n_second.max(1))
    }

    fn power_of(&self, n_first: u32) -> f64 {
        let (n_first, n_second) = self.sizes(n_first);
        rejects(
            (n_first, self.rates.0),
            (n_second, self.rates.1),
            self.level,
        )
    }
}

/// The exact power of Fisher's two-sided test of two groups, each given by its patients and its true
/// rate.
///
/// # Errors
/// [`Error::Parameter`] if a rate or the level is not between 0 and 1, or a group has no patient or
/// more than four thousand.
///
/// # Examples
/// ```
/// use donormatch::trial::design::fisher_power;
///
/// // Ten recipients, five a donor, as in Baruch 2021, if the rates were 0.6 and 0.1.
/// assert!(fisher_power((5, 0.6), (5, 0.1), 0.05)? < 0.25);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn fisher_power(first: (u32, f64), second: (u32, f64), level: f64) -> Result<f64> {
    check_rate("level", level)?;
    for (n, rate) in [first, second] {
        check_rate("rate", rate)?;
        if !(1..=MOST).contains(&n) {
            let message = format!("expected 1 to {MOST} patients, found {n}");
            return Err(Error::parameter("n", message));
        }
    }
    Ok(rejects(first, second, level))
}

/// The probability that the test rejects.
fn rejects(first: (u32, f64), second: (u32, f64), level: f64) -> f64 {
    let ways = (log_choices(first.0), log_choices(second.0));
    let weights = (
        weights(&ways.0, first.1, first.0),
        weights(&ways.1, second.1, second.0),
    );
    let n = (first.0 as usize, second.0 as usize);
    let mut sum = 0.0;
    for events in 0..=n.0 + n.1 {
        let tables = events.saturating_sub(n.1)..=events.min(n.0);
        let mut logs: Vec<(f64, usize)> = tables
            .map(|k| (ways.0[k] + ways.1[events - k], k))
            .collect();
        logs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let highest = logs.last().map_or(0.0, |one| one.0);
        let shares: Vec<f64> = logs.iter().map(|one| libm::exp(one.0 - highest)).collect();
        let bound = level * shares.iter().sum::<f64>();
        // From the least likely table on: those no likelier than the one seen make its p value.
        let (mut below, mut next) = (0.0, 0);
        for &(log, k) in &logs {
            while next < logs.len() && logs[next].0 <= log + 1e-7 {
                below += shares[next];
                next += 1;
            }
            if below > bound * (1.0 + 1e-12) {
                break;
            }
            sum += weights.0[k] * weights.1[events - k];
        }
    }
    sum
}

/// Logarithms of the binomial coefficients of n.
fn log_choices(n: u32) -> Vec<f64> {
    let log_factorial = |n: u32| libm::lgamma(f64::from(n) + 1.0);
    (0..=n)
        .map(|k| log_factorial(n) - log_factorial(k) - log_factorial(n - k))
        .collect()
}

/// Binomial probabilities.
fn weights(log_choices: &[f64], rate: f64, n: u32) -> Vec<f64> {
    let (log, log_other) = (libm::log(rate), libm::log1p(-rate));
    let of = |(k, choices): (u32, &f64)| {
        libm::exp(choices + f64::from(k) * log + f64::from(n - k) * log_other)
    };
    (0..=n).zip(log_choices).map(of).collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    // scipy 1.17: sum of binom.pmf(a, n1, p1) binom.pmf(b, n2, p2) over the tables with
    // fisher_exact p ≤ level.
    #[test]
    fn power_is_that_of_every_table_by_scipy() {
        for (first, second, level, power) in SCIPY_POWER {
            let found = fisher_power(first, second, level).unwrap();
            assert_relative_eq!(found, power, max_relative = 1e-9);
            let found = fisher_power(second, first, level).unwrap();
            assert_relative_eq!(found, power, max_relative = 1e-9);
        }
    }

    #[test]
    fn a_plan_reaches_its_power_and_keeps_the_level() {
        for ratio in [1.0, 2.0, 0.5] {
            let params = TwoGroupsParams {
                ratio,
                ..TwoGroupsParams::new((0.2, 0.6))
            };
            let plan = params.plan().unwrap();
            assert!(plan.power >= 0.8 && plan.type_one_error <= 0.05, "{plan:?}");
            assert!(params.power_of(plan.n_first - 1) < 0.8, "{plan:?}");
            assert_eq!(plan.n, plan.n_first + plan.n_second);
        }
    }

    #[test]
    fn impossible_plans_are_refused() {
        let plan = |rates, ratio| {
            let params = TwoGroupsParams {
                ratio,
                ..TwoGroupsParams::new(rates)
            };
            params.plan()
        };
        assert!(plan((0.2, 0.2), 1.0).is_err());
        assert!(plan((0.0, 0.2), 1.0).is_err());
        assert!(plan((0.2, f64::NAN), 1.0).is_err());
        assert!(plan((0.2, 0.4), 0.0).is_err());
        assert!(plan((0.500, 0.501), 1.0).is_err());
        assert!(fisher_power((0, 0.2), (3, 0.2), 0.05).is_err());
    }

    type Group = (u32, f64);
    const SCIPY_POWER: [(Group, Group, f64, f64); 4] = [
        ((5, 0.6), (5, 0.1), 0.05, 0.224_486_156_8),
        ((20, 0.2), (20, 0.6), 0.05, 0.650_224_920_935_198_8),
        ((12, 0.65), (25, 0.3), 0.05, 0.477_377_327_836_226_2),
        ((30, 0.1), (10, 0.5), 0.01, 0.476_819_197_719_233_2),
    ];
}
