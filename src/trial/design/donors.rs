//! How many donors to screen.

use serde::{Deserialize, Serialize};

use super::check_rate;
use super::exact::binomial_tail;
use crate::{Error, Result};

/// How many donors to screen so that enough of them are eligible with a given certainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DonorYield {
    /// Donors to screen.
    pub n_donors: u32,
    /// The share of screened donors that pass.
    pub pass_rate: f64,
    /// Eligible donors wanted.
    pub n_eligible: u32,
    /// The certainty asked for.
    pub certainty: f64,
    /// The certainty reached.
    pub reached: f64,
    /// Eligible donors expected among those screened.
    pub expected: f64,
}

impl DonorYield {
    /// The share that passes if nothing else is known: 1 in 40. Published programmes lie between
    /// 1.6 % (Toronto, 5 of 322) and 20 % (Danish blood donors).
    pub const PASS_RATE: f64 = 1.0 / 40.0;

    /// The fewest donors to screen for `n_eligible` eligible ones with `certainty`, if each passes
    /// on its own with probability `pass_rate`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a rate is not between 0 and 1, no donor is wanted, or more than a
    /// hundred million donors would have to be screened.
    ///
    /// # Examples
    /// ```
    /// use donormatch::trial::design::DonorYield;
    ///
    /// let plan = DonorYield::plan(3, DonorYield::PASS_RATE, 0.9)?;
    /// assert_eq!(plan.n_donors, 212);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn plan(n_eligible: u32, pass_rate: f64, certainty: f64) -> Result<Self> {
        const MOST: u32 = 100_000_000;
        check_rate("pass_rate", pass_rate)?;
        check_rate("certainty", certainty)?;
        if n_eligible == 0 {
            return Err(Error::parameter(
                "n_eligible",
                "expected at least 1, found 0",
            ));
        }
        let reached = |n: u32| binomial_tail(n_eligible, n, pass_rate);
        let mut high = n_eligible;
        while reached(high) < certainty {
            high = high.saturating_mul(2);
            if high > MOST {
                let message = format!("more than {MOST} donors would have to be screened");
                return Err(Error::parameter("pass_rate", message));
            }
        }
        let mut low = n_eligible.max(high / 2);
        while low < high {
            let middle = low + (high - low) / 2;
            if reached(middle) < certainty {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(Self {
            n_donors: low,
            pass_rate,
            n_eligible,
            certainty,
            reached: reached(low),
            expected: f64::from(low) * pass_rate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_donor_fewer_would_not_reach_the_certainty() {
        for (k, rate, certainty) in [
            (1, 0.025, 0.9),
            (3, 0.025, 0.95),
            (6, 0.2, 0.8),
            (2, 0.9, 0.5),
        ] {
            let plan = DonorYield::plan(k, rate, certainty).unwrap();
            assert!(plan.reached >= certainty, "{plan:?}");
            assert!(
                binomial_tail(k, plan.n_donors - 1, rate) < certainty,
                "{plan:?}"
            );
        }
        // One eligible donor: the smallest n with 1 − (1 − p)^n ≥ certainty.
        let one = DonorYield::plan(1, 0.025, 0.9).unwrap();
        let expected = (0.1_f64.ln() / 0.975_f64.ln()).ceil();
        assert_eq!(one.n_donors, expected as u32);
    }

    #[test]
    fn impossible_wishes_are_refused() {
        assert!(DonorYield::plan(0, 0.1, 0.9).is_err());
        assert!(DonorYield::plan(1, 0.0, 0.9).is_err());
        assert!(DonorYield::plan(1, 0.1, 1.0).is_err());
        assert!(DonorYield::plan(1, f64::NAN, 0.9).is_err());
        assert!(DonorYield::plan(1000, 1e-9, 0.9).is_err());
    }
}
