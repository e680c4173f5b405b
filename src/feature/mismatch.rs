//! Is a recipient more like its own donor than like the others'? The mismatched-pair null.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::engraftment_metric::{Rows, Triad, n_shared};
use crate::numeric::random::SplitMix64;
use crate::profile::ProfileTable;
use crate::{Error, Result};

/// The sample whose taxa are looked for in the follow-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The donor: the measure is PEDS.
    #[default]
    Donor,
    /// The recipient before: the measure is PPRS.
    Baseline,
}

/// Settings of [`mismatched_null`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MismatchParams {
    /// Whose taxa; default the donor's.
    pub reference: Reference,
    /// Mismatched pairs drawn for each triad, with replacement; default 999.
    pub n_resamples: usize,
    /// Seed of the draws; default 0.
    pub seed: u64,
}

impl Default for MismatchParams {
    fn default() -> Self {
        Self {
            reference: Reference::Donor,
            n_resamples: 999,
            seed: 0,
        }
    }
}

/// One triad against the mismatched pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MismatchTest {
    /// PEDS (or PPRS) of the triad.
    pub observed: f64,
    /// Mean of the measure over all mismatched pairs.
    pub expected: f64,
    /// (n + 1) / (N + 1), n of N resampled mismatched pairs being at least as high.
    pub p_value: f64,
    /// The p-value after Benjamini–Hochberg over the triads.
    pub q_value: f64,
}

/// The answer of [`mismatched_null`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MismatchedNull {
    /// One per triad, in their order.
    pub tests: Vec<MismatchTest>,
    /// Mismatched pairs there are.
    pub n_mismatched: usize,
    /// Stouffer's z over the triads.
    pub global_z: f64,
    /// Its one-sided p-value.
    pub global_p: f64,
}

/// Compares PEDS (or PPRS) of every triad with those of mismatched pairs: each reference with the
/// follow-ups of the triads that have another reference.
///
/// Give one triad per subject: repeated times of one subject are not independent, and the global
/// test counts them as if they were. The draws of each triad have their own seed, from
/// [`MismatchParams::seed`] and the name of its follow-up, so that the order of the triads does not
/// matter. In the global test a p-value of 1 counts as 1 − 1/(2(N + 1)): by the bare formula one
/// such subject would make the global p-value 1, whatever the others say.
///
/// # Errors
/// [`Error::Table`] naming a sample that the table does not hold; [`Error::Parameter`] where no
/// draw is asked for, or all triads share one reference, so that no pair is mismatched.
///
/// # Examples
/// ```
/// use donormatch::feature::{MismatchParams, Triad, mismatched_null};
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__A", "s__B"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 100.0)])
///     .sample("after_1", vec![(0, 100.0)])
///     .sample("donor_2", vec![(1, 100.0)])
///     .sample("after_2", vec![(1, 100.0)])
///     .build()?;
/// let triads = [
///     Triad::new("donor_1", "after_2", "after_1"),
///     Triad::new("donor_2", "after_1", "after_2"),
/// ];
/// let null = mismatched_null(&table, &triads, &MismatchParams::default())?;
/// assert_eq!(null.tests[0].p_value, 0.001);
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// q2-fmt (Herman et al. 2024). Benjamini and Hochberg 1995, J R Stat Soc B 57:289. Stouffer et al.
/// 1949, The American Soldier.
pub fn mismatched_null(
    table: &ProfileTable,
    triads: &[Triad],
    params: &MismatchParams,
) -> Result<MismatchedNull> {
    if params.n_resamples == 0 {
        return Err(Error::parameter(
            "n_resamples",
            "expected at least 1, found 0",
        ));
    }
    let pairs = pairs_of(table, triads, params.reference)?;
    let share = |reference: usize, follow_up: usize| {
        let (reference, _) = table.abundance().row(reference);
        n_shared(reference, table.abundance().row(follow_up).0) as f64 / reference.len() as f64
    };
    let mismatched = mismatched_pairs(&pairs);
    if mismatched.is_empty() {
        return Err(Error::parameter(
            "triads",
            "expected two different references at least, so that a pair can be mismatched",
        ));
    }
    let pool: Vec<f64> = mismatched
        .into_par_iter()
        .map(|(reference, follow_up)| share(reference, follow_up))
        .collect();
    let expected = pool.iter().sum::<f64>() / pool.len() as f64;
    let observed = pairs.iter().map(|&(reference, row)| share(reference, row));
    let mut tests: Vec<MismatchTest> = triads
        .iter()
        .zip(observed)
        .map(|(triad, observed)| {
            let mut random = SplitMix64::derived(params.seed, triad.follow_up.as_str());
            let n_as_high = (0..params.n_resamples)
                .filter(|_| pool[random.below(pool.len() as u64) as usize] >= observed)
                .count();
            MismatchTest {
                observed,
                expected,
                p_value: (n_as_high + 1) as f64 / (params.n_resamples + 1) as f64,
                q_value: 1.0,
            }
        })
        .collect();
    let p_values: Vec<f64> = tests.iter().map(|test| test.p_value).collect();
    for (test, q_value) in tests.iter_mut().zip(benjamini_hochberg(&p_values)) {
        test.q_value = q_value;
    }
    let highest = 1.0 - 0.5 / (params.n_resamples + 1) as f64;
    let global_z = stouffer(&p_values, highest);
    Ok(MismatchedNull {
        tests,
        n_mismatched: pool.len(),
        global_z,
        global_p: upper_tail(global_z),
    })
}

/// Rows of the reference and of the follow-up of each triad.
fn pairs_of(
    table: &ProfileTable,
    triads: &[Triad],
    reference: Reference,
) -> Result<Vec<(usize, usize)>> {
    let rows = Rows::new(table);
    let of = |triad: &Triad| {
        let reference = match reference {
            Reference::Donor => &triad.donor,
            Reference::Baseline => &triad.baseline,
        };
        Ok((rows.of(reference)?, rows.of(&triad.follow_up)?))
    };
    triads.iter().map(of).collect()
}

/// Each different reference with every follow-up that has another, in order.
fn mismatched_pairs(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut references: Vec<usize> = pairs.iter().map(|pair| pair.0).collect();
    references.sort_unstable();
    references.dedup();
    let with_others = |reference: usize| {
        let others = pairs.iter().filter(move |pair| pair.0 != reference);
        others.map(move |pair| (reference, pair.1))
    };
    references.into_iter().flat_map(with_others).collect()
}

/// The p-values adjusted for the false discovery rate.
fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| p_values[b].total_cmp(&p_values[a]));
    let mut adjusted = vec![1.0; n];
    let mut lowest = 1.0_f64;
    for (rank, at) in (1..=n).rev().zip(order) {
        lowest = lowest.min(p_values[at] * n as f64 / rank as f64);
        adjusted[at] = lowest;
    }
    adjusted
}

/// Σ Φ⁻¹(1 − p) / √k, each p at most `highest`.
fn stouffer(p_values: &[f64], highest: f64) -> f64 {
    let sum: f64 = p_values.iter().map(|p| normal_score(p.min(highest))).sum();
    sum / (p_values.len() as f64).sqrt()
}

/// 1 − Φ(z).
fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// z with 1 − Φ(z) = p, for 0 < p < 1: bisection between ±40, where the tail is 0 and 1 in `f64`.
fn normal_score(p: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    // 80 / 2^100 is far below the spacing of floats: the ends meet.
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::feature::testing::four_samples;
    use crate::profile::Unit;

    // SciPy 1.17.1: `false_discovery_control([0.01, 0.04, 0.03, 0.5])`.
    #[test]
    fn adjusted_p_values_equal_scipy() {
        let found = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.5]);
        let expected = [
            0.04,
            0.053_333_333_333_333_33,
            0.053_333_333_333_333_33,
            0.5,
        ];
        for (found, expected) in found.into_iter().zip(expected) {
            assert_abs_diff_eq!(found, expected, epsilon = 1e-15);
        }
    }

    // SciPy 1.17.1: `combine_pvalues([0.01, 0.04, 0.03, 0.5], "stouffer")`.
    #[test]
    fn the_global_test_equals_scipy() {
        let z = stouffer(&[0.01, 0.04, 0.03, 0.5], 1.0);
        assert_abs_diff_eq!(z, STOUFFER_Z, epsilon = 1e-12);
        assert_abs_diff_eq!(upper_tail(z), STOUFFER_P, epsilon = 1e-12);
    }
    const STOUFFER_Z: f64 = 2.978_913_776_722_130_5;
    const STOUFFER_P: f64 = 0.001_446_360_831_073_819;

    #[test]
    fn the_order_of_triads_does_not_matter() {
        let table = four_samples(Unit::Count);
        let mut triads = [Triad::new("a", "b", "c"), Triad::new("b", "a", "d")];
        let params = MismatchParams::default();
        let forth = mismatched_null(&table, &triads, &params).unwrap();
        triads.reverse();
        let back = mismatched_null(&table, &triads, &params).unwrap();
        assert_eq!(forth.tests[0], back.tests[1]);
        assert_eq!(forth.n_mismatched, 2);
        let other = MismatchParams { seed: 1, ..params };
        assert!(mismatched_null(&table, &triads, &other).is_ok());
    }

    #[test]
    fn one_donor_for_all_cannot_be_mismatched() {
        let table = four_samples(Unit::Count);
        let triads = [Triad::new("a", "b", "c"), Triad::new("a", "b", "d")];
        let params = MismatchParams::default();
        assert!(mismatched_null(&table, &triads, &params).is_err());
        assert!(mismatched_null(&table, &[], &params).is_err());
        let none = MismatchParams {
            n_resamples: 0,
            ..params
        };
        assert!(mismatched_null(&table, &triads, &none).is_err());
    }
}
