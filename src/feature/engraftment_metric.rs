//! What a transplant did, seen in three samples: donor, recipient before, recipient after.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::profile::{ProfileTable, SampleId};
use crate::{Error, Result};

/// The three samples of one transplant at one time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Triad {
    /// The sample of the donor.
    pub donor: SampleId,
    /// The sample of the recipient before.
    pub baseline: SampleId,
    /// The sample of the recipient after.
    pub follow_up: SampleId,
}

impl Triad {
    /// A triad of these samples.
    pub fn new(
        donor: impl Into<SampleId>,
        baseline: impl Into<SampleId>,
        follow_up: impl Into<SampleId>,
    ) -> Self {
        Self {
            donor: donor.into(),
            baseline: baseline.into(),
            follow_up: follow_up.into(),
        }
    }
}

/// The engraftment observed in one [`Triad`].
///
/// D, R and P are the sets of taxa detected in donor, baseline and follow-up; d, r and p the
/// abundances closed to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObservedEngraftment {
    /// |D|.
    pub n_donor: usize,
    /// |R|.
    pub n_baseline: usize,
    /// |P|.
    pub n_follow_up: usize,
    /// |R ∩ P|: own taxa still there.
    pub n_kept: usize,
    /// |R \ P|: own taxa not detected after. Depends on depth: see [`call_losses`](super::call_losses).
    pub n_lost: usize,
    /// |P \ R|: taxa not detected before.
    pub n_gained: usize,
    /// |(D ∩ P) \ R|: of these, taxa of the donor.
    pub n_gained_from_donor: usize,
    /// |D ∩ P| / |D|, proportional engraftment of donor strains (or taxa). Counts taxa that the
    /// recipient already had.
    pub peds: f64,
    /// |R ∩ P| / |R|, proportional persistence of recipient strains (or taxa).
    pub pprs: f64,
    /// |(D ∩ P) \ R| / |D \ R|: [`peds`](Self::peds) of the taxa that the recipient lacked; `None`
    /// where the donor had none of these.
    pub novel_peds: Option<f64>,
    /// Σ d over D ∩ P: the fraction of the donor's abundance whose taxa were found after.
    pub weighted_peds: f64,
    /// Σ p over (D ∩ P) \ R: the fraction of the follow-up held by taxa of the donor that the
    /// recipient lacked.
    pub engrafted_abundance: f64,
}

/// The engraftment observed in each triad, in their order. All samples are rows of one table
/// ([`align`](super::align) brings two tables together).
///
/// Presence depends on depth: [`rarefy`](super::rarefy) the table first, or give the depths beside
/// the result. Compare [`peds`](ObservedEngraftment::peds) with the mismatched pairs
/// ([`mismatched_null`](super::mismatched_null)) before calling it engraftment.
///
/// # Errors
/// [`Error::Table`] naming a sample that the table does not hold.
///
/// # Examples
/// ```
/// use donormatch::feature::{Triad, observed_engraftment};
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__A", "s__B", "s__C"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 50.0), (1, 50.0)])
///     .sample("before", vec![(0, 40.0), (2, 60.0)])
///     .sample("after", vec![(0, 30.0), (1, 70.0)])
///     .build()?;
/// let seen = &observed_engraftment(&table, &[Triad::new("donor_1", "before", "after")])?[0];
/// assert_eq!((seen.peds, seen.pprs, seen.novel_peds), (1.0, 0.5, Some(1.0)));
/// assert_eq!((seen.n_kept, seen.n_lost, seen.n_gained), (1, 1, 1));
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// PEDS and PPRS: Herman et al. 2024 and q2-fmt.
pub fn observed_engraftment(
    table: &ProfileTable,
    triads: &[Triad],
) -> Result<Vec<ObservedEngraftment>> {
    let rows = Rows::new(table);
    triads
        .iter()
        .map(|triad| {
            Ok(observe(
                table.abundance().row(rows.of(&triad.donor)?),
                table.abundance().row(rows.of(&triad.baseline)?),
                table.abundance().row(rows.of(&triad.follow_up)?),
            ))
        })
        .collect()
}

/// A row of a sparse table: column numbers, rising, and values.
type SparseRow<'a> = (&'a [u32], &'a [f64]);

fn observe(donor: SparseRow, baseline: SparseRow, follow_up: SparseRow) -> ObservedEngraftment {
    let had = |column: &u32| baseline.0.binary_search(column).is_ok();
    let n_kept = n_shared(baseline.0, follow_up.0);
    let (mut n_found, mut n_novel, mut n_gained_from_donor) = (0, 0, 0);
    let (mut found, mut engrafted) = (0.0, 0.0);
    for (column, abundance) in donor.0.iter().zip(donor.1) {
        let after = follow_up.0.binary_search(column).ok();
        let is_novel = !had(column);
        n_novel += usize::from(is_novel);
        if let Some(at) = after {
            n_found += 1;
            found += abundance;
            if is_novel {
                n_gained_from_donor += 1;
                engrafted += follow_up.1[at];
            }
        }
    }
    let total = |row: SparseRow| row.1.iter().sum::<f64>();
    ObservedEngraftment {
        n_donor: donor.0.len(),
        n_baseline: baseline.0.len(),
        n_follow_up: follow_up.0.len(),
        n_kept,
        n_lost: baseline.0.len() - n_kept,
        n_gained: follow_up.0.len() - n_kept,
        n_gained_from_donor,
        // No sample of a table is empty.
        peds: f64::from(n_found) / donor.0.len() as f64,
        pprs: n_kept as f64 / baseline.0.len() as f64,
        novel_peds: (n_novel > 0).then(|| n_gained_from_donor as f64 / n_novel as f64),
        weighted_peds: found / total(donor),
        engrafted_abundance: engrafted / total(follow_up),
    }
}

/// Numbers that two rising lists share.
pub(crate) fn n_shared(a: &[u32], b: &[u32]) -> usize {
    a.iter()
        .filter(|column| b.binary_search(column).is_ok())
        .count()
}

/// The rows of a table by sample.
pub(super) struct Rows<'a>(HashMap<&'a SampleId, usize>);

impl<'a> Rows<'a> {
    pub(super) fn new(table: &'a ProfileTable) -> Self {
        Self(table.samples().iter().zip(0..).collect())
    }

    pub(super) fn of(&self, sample: &SampleId) -> Result<usize> {
        let row = self.0.get(sample).copied();
        row.ok_or_else(|| Error::table(format!("no profile for sample `{sample}`")))
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::feature::testing::four_samples;
    use crate::profile::Unit;

    // By hand, from the rows a, b, c of `four_samples`: D = {0,2,3,4}, R = {0,1,4,5},
    // P = {1,3,4,5}.
    #[test]
    fn every_number_of_a_triad_is_as_by_hand() {
        let table = four_samples(Unit::Count);
        let seen = &observed_engraftment(&table, &[Triad::new("a", "b", "c")]).unwrap()[0];
        assert_eq!((seen.n_donor, seen.n_baseline, seen.n_follow_up), (4, 4, 4));
        assert_eq!((seen.n_kept, seen.n_lost, seen.n_gained), (3, 1, 1));
        assert_eq!(seen.n_gained_from_donor, 1);
        assert_eq!((seen.peds, seen.pprs), (2.0 / 4.0, 3.0 / 4.0));
        assert_eq!(seen.novel_peds, Some(1.0 / 2.0));
        assert_abs_diff_eq!(seen.weighted_peds, 3.0 / 16.0, epsilon = 1e-15);
        assert_abs_diff_eq!(seen.engrafted_abundance, 5.0 / 22.0, epsilon = 1e-15);
    }

    #[test]
    fn a_donor_without_anything_new_has_no_novel_peds() {
        let table = four_samples(Unit::Count);
        let seen = &observed_engraftment(&table, &[Triad::new("a", "d", "c")]).unwrap()[0];
        assert_eq!(seen.novel_peds, None);
        assert_abs_diff_eq!(seen.engrafted_abundance, 0.0, epsilon = 0.0);
    }

    #[test]
    fn an_unknown_sample_is_named() {
        let table = four_samples(Unit::Count);
        let error = observed_engraftment(&table, &[Triad::new("a", "b", "x")]).unwrap_err();
        assert_eq!(error.to_string(), "no profile for sample `x`");
    }
}
