//! Which donors of a bank serve a cohort together, and what each of them adds.
//!
//! The value of a pool is the mean, over recipients, of the best utility that one of its donors has
//! for them. A further donor adds the less the more there are (the value is submodular), so the
//! greedy choice of k donors reaches 1 − 1/e of the best at least, and the data give a bound that is
//! tighter still.
//!
//! # References
//! Nemhauser, Wolsey and Fisher, "An analysis of approximations for maximizing submodular set
//! functions", Mathematical Programming 1978; Leskovec and others, "Cost-effective outbreak detection
//! in networks", KDD 2007, for the bound from the data.

use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How a pool is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PoolParams {
    /// Donors to choose. Default 3.
    pub n_chosen: usize,
    /// Pools that are compared one by one at most; where there are more, the choice is greedy.
    /// Default 200,000.
    pub n_exact: u64,
}

impl Default for PoolParams {
    fn default() -> Self {
        Self {
            n_chosen: 3,
            n_exact: 200_000,
        }
    }
}

/// A chosen pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChosenPool {
    /// Columns of the donors; in the order of the greedy choice, or rising where it is exact.
    pub donors: Vec<usize>,
    /// Mean over recipients of the best utility in the pool.
    pub value: f64,
    /// No pool of as many donors has a larger value than this.
    pub bound: f64,
    /// Whether every pool was compared; then value and bound are one.
    pub is_exact: bool,
}

/// What a donor is worth to a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PoolDonor {
    /// Column of the donor.
    pub donor: usize,
    /// Whether it belongs to the pool.
    pub is_in_pool: bool,
    /// Share of recipients for whom it is the best of the pool; for a donor outside, of the pool
    /// with it.
    pub first_for: f64,
    /// What the pool's value loses without it; for a donor outside, what it would gain with it.
    pub adds: f64,
}

impl PoolParams {
    /// Chooses donors by a matrix of utilities, recipients × donors.
    ///
    /// # Errors
    /// [`Error::Parameter`] where fewer than one donor or more than there are are to be chosen;
    /// [`Error::Table`] where there is no recipient or a utility is not finite.
    ///
    /// # Examples
    /// ```
    /// use donormatch::trial::pool::PoolParams;
    /// use ndarray::array;
    ///
    /// // The second donor is good for everybody; the first and the third share the recipients.
    /// let utility = array![[1.0, 0.6, 0.0], [0.0, 0.6, 1.0]];
    /// let mut params = PoolParams::default();
    /// params.n_chosen = 2;
    /// assert_eq!(params.choose(utility.view())?.donors, [0, 2]);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn choose(&self, utility: ArrayView2<'_, f64>) -> Result<ChosenPool> {
        check(utility)?;
        let (k, n) = (self.n_chosen, utility.ncols());
        if k == 0 || k > n {
            let message = format!("expected 1 to {n}, found {k}");
            return Err(Error::parameter("n_chosen", message));
        }
        if n_pools(n, k).is_some_and(|pools| pools <= self.n_exact) {
            return Ok(exact(utility, k));
        }
        Ok(greedy(utility, k))
    }
}

/// What each donor adds to a pool of some of them: those that are first for nobody add nothing.
///
/// # Errors
/// [`Error::Parameter`] where the pool is empty or names a column twice or one that is not there;
/// [`Error::Table`] as [`PoolParams::choose`].
pub fn donors_of_pool(utility: ArrayView2<'_, f64>, pool: &[usize]) -> Result<Vec<PoolDonor>> {
    check(utility)?;
    let mut seen = vec![false; utility.ncols()];
    for &donor in pool {
        match seen.get_mut(donor) {
            Some(is_in) if !*is_in => *is_in = true,
            _ => {
                let message = format!("column {donor} is none, or stands twice");
                return Err(Error::parameter("pool", message));
            }
        }
    }
    if pool.is_empty() {
        return Err(Error::parameter("pool", "expected at least one donor"));
    }
    let whole = value(utility, pool);
    let of = |donor: usize| {
        let is_in_pool = seen[donor];
        let others: Vec<usize> = pool.iter().copied().filter(|&one| one != donor).collect();
        let with: Vec<usize> = others.iter().copied().chain([donor]).collect();
        let adds = if is_in_pool {
            whole - value(utility, &others)
        } else {
            value(utility, &with) - whole
        };
        let is_first =
            |row: ndarray::ArrayView1<'_, f64>| others.iter().all(|&other| row[donor] > row[other]);
        let n_first = utility.outer_iter().filter(|row| is_first(*row)).count();
        PoolDonor {
            donor,
            is_in_pool,
            first_for: n_first as f64 / utility.nrows() as f64,
            adds: if others.is_empty() { whole } else { adds },
        }
    };
    Ok((0..utility.ncols()).map(of).collect())
}

fn check(utility: ArrayView2<'_, f64>) -> Result<()> {
    if utility.is_empty() {
        return Err(Error::table("there is no recipient or no donor"));
    }
    if utility.iter().any(|value| !value.is_finite()) {
        return Err(Error::table("a utility is not finite"));
    }
    Ok(())
}

/// The value of a pool; −∞ of none.
fn value(utility: ArrayView2<'_, f64>, pool: &[usize]) -> f64 {
    let best = |row: ndarray::ArrayView1<'_, f64>| {
        pool.iter()
            .map(|&one| row[one])
            .fold(f64::NEG_INFINITY, f64::max)
    };
    utility.outer_iter().map(best).sum::<f64>() / utility.nrows() as f64
}

/// The number of pools of k among n; none beyond a u64.
fn n_pools(n: usize, k: usize) -> Option<u64> {
    (0..k.min(n - k) as u64).try_fold(1_u64, |pools, at| {
        Some(pools.checked_mul(n as u64 - at)? / (at + 1))
    })
}

fn exact(utility: ArrayView2<'_, f64>, k: usize) -> ChosenPool {
    let n = utility.ncols();
    let mut pool: Vec<usize> = (0..k).collect();
    let (mut best, mut best_value) = (pool.clone(), value(utility, &pool));
    // The next combination in lexicographic order.
    while let Some(at) = (0..k).rev().find(|&at| pool[at] < n - k + at) {
        pool[at] += 1;
        for later in at + 1..k {
            pool[later] = pool[later - 1] + 1;
        }
        let found = value(utility, &pool);
        if found > best_value {
            (best, best_value) = (pool.clone(), found);
        }
    }
    ChosenPool {
        donors: best,
        value: best_value,
        bound: best_value,
        is_exact: true,
    }
}

fn greedy(utility: ArrayView2<'_, f64>, k: usize) -> ChosenPool {
    let n_recipients = utility.nrows() as f64;
    // Gains are counted from the least utility, so that the first donor gains too.
    let least = utility.iter().copied().fold(f64::INFINITY, f64::min);
    let mut served = vec![least; utility.nrows()];
    let gains = |served: &[f64]| -> Vec<f64> {
        let of = |column: ndarray::ArrayView1<'_, f64>| {
            let more = column
                .iter()
                .zip(served)
                .map(|(own, served)| (own - served).max(0.0));
            more.sum::<f64>() / n_recipients
        };
        utility.axis_iter(Axis(1)).map(of).collect()
    };
    let mut donors: Vec<usize> = Vec::with_capacity(k);
    let mut bound = f64::INFINITY;
    let value_of = |served: &[f64]| served.iter().sum::<f64>() / n_recipients;
    loop {
        let gained = gains(&served);
        let mut falling = gained.clone();
        falling.sort_by(|a, b| b.total_cmp(a));
        // Whatever k donors are chosen add no more to this pool than the k largest gains.
        bound = bound.min(value_of(&served) + falling.iter().take(k).sum::<f64>());
        if donors.len() == k {
            break;
        }
        let open = (0..gained.len()).filter(|donor| !donors.contains(donor));
        let Some(next) = open.reduce(|best, one| {
            if gained[one] > gained[best] {
                one
            } else {
                best
            }
        }) else {
            break;
        };
        for (served, own) in served.iter_mut().zip(utility.column(next)) {
            *served = served.max(*own);
        }
        donors.push(next);
    }
    ChosenPool {
        donors,
        value: value_of(&served),
        bound,
        is_exact: false,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::numeric::random::SplitMix64;

    fn random(seed: u64, rows: usize, columns: usize) -> Array2<f64> {
        let mut random = SplitMix64::new(seed);
        Array2::from_shape_fn((rows, columns), |_| random.normal())
    }

    #[test]
    fn greedy_pools_keep_their_bound_beside_all_pools() {
        for seed in 0..200 {
            let utility = random(seed, 5, 9);
            let best = exact(utility.view(), 3);
            let found = greedy(utility.view(), 3);
            assert!(found.value <= best.value + 1e-12 && best.value <= found.bound + 1e-12);
            let least = utility.iter().copied().fold(f64::INFINITY, f64::min);
            let share = (found.value - least) / (best.value - least);
            assert!(share >= 1.0 - (-1.0_f64).exp(), "{share}");
            let again = value(utility.view(), &found.donors);
            assert!((again - found.value).abs() < 1e-12);
        }
        assert_eq!(n_pools(9, 3), Some(84));
        assert_eq!(n_pools(200, 100), None);
    }

    #[test]
    fn a_donor_adds_what_the_pool_loses_without_it() {
        let utility = ndarray::array![[1.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 2.0, 3.0]];
        let donors = donors_of_pool(utility.view(), &[0, 1]).unwrap();
        let adds: Vec<f64> = donors.iter().map(|one| one.adds * 3.0).collect();
        // By hand: without 0 the first row falls from 1 to 0, without 1 two rows fall from 2 to 0,
        // and with 2 the last row rises from 2 to 3.
        for (found, expected) in adds.iter().zip([1.0, 4.0, 1.0]) {
            approx::assert_abs_diff_eq!(*found, expected, epsilon = 1e-12);
        }
        let first: Vec<f64> = donors.iter().map(|one| one.first_for * 3.0).collect();
        assert_eq!(first, [1.0, 2.0, 1.0]);
        assert!(donors_of_pool(utility.view(), &[]).is_err());
        assert!(donors_of_pool(utility.view(), &[0, 0]).is_err());
        assert!(donors_of_pool(utility.view(), &[3]).is_err());
    }

    #[test]
    fn impossible_pools_are_refused() {
        let params = |n_chosen| PoolParams {
            n_chosen,
            ..PoolParams::default()
        };
        let utility = random(0, 2, 3);
        assert!(params(0).choose(utility.view()).is_err());
        assert!(params(4).choose(utility.view()).is_err());
        assert!(params(1).choose(Array2::zeros((0, 3)).view()).is_err());
        assert!(
            params(1)
                .choose(Array2::from_elem((1, 1), f64::NAN).view())
                .is_err()
        );
        assert_eq!(params(3).choose(utility.view()).unwrap().donors, [0, 1, 2]);
    }
}
