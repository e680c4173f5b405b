//! One donor and one recipient over the same taxa, before the transplant.

use crate::profile::{CsrMatrix, ProfileTable};
use crate::{Error, Result};

/// What is known about the transplant besides the two profiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransplantContext {
    /// Days from the transplant to the look at its result.
    pub day: f64,
    /// Antibiotics before the transplant; `None` is unknown.
    pub antibiotics: Option<bool>,
}

impl TransplantContext {
    /// Four weeks after the transplant: the follow-up that most trials have.
    pub const DEFAULT_DAY: f64 = 28.0;
}

impl Default for TransplantContext {
    fn default() -> Self {
        Self {
            day: Self::DEFAULT_DAY,
            antibiotics: None,
        }
    }
}

/// The taxa present in donor or recipient with their relative abundances (fractions), rising by
/// column. Taxa absent from both are not part of a pair: they are never learned from and never
/// scored.
#[derive(Debug, Clone, PartialEq)]
pub struct PairProfile {
    /// Columns of the table that the profiles came from.
    pub taxa: Vec<u32>,
    /// Fraction in the donor.
    pub donor: Vec<f64>,
    /// Fraction in the recipient before the transplant.
    pub recipient: Vec<f64>,
    /// How many samples of the donor were averaged.
    pub n_donor_samples: usize,
}

impl PairProfile {
    /// Joins a donor row and a recipient row of matrices with the same columns. Several donor rows
    /// (samples of one donor, or members of a pool) are averaged.
    ///
    /// # Errors
    /// [`Error::Table`] where there is no donor row.
    pub fn new(
        donors: &CsrMatrix,
        donor_rows: &[usize],
        recipients: &CsrMatrix,
        recipient_row: usize,
    ) -> Result<Self> {
        if donor_rows.is_empty() {
            return Err(Error::table("a pair needs at least one donor sample"));
        }
        let share = 1.0 / donor_rows.len() as f64;
        let mut joined: Vec<(u32, f64, f64)> = Vec::new();
        for &row in donor_rows {
            let (taxa, values) = donors.row(row);
            joined.extend(
                taxa.iter()
                    .zip(values)
                    .map(|(&taxon, &value)| (taxon, value * share, 0.0)),
            );
        }
        let (taxa, values) = recipients.row(recipient_row);
        joined.extend(
            taxa.iter()
                .zip(values)
                .map(|(&taxon, &value)| (taxon, 0.0, value)),
        );
        joined.sort_by_key(|&(taxon, ..)| taxon);
        let mut pair = Self {
            taxa: Vec::new(),
            donor: Vec::new(),
            recipient: Vec::new(),
            n_donor_samples: donor_rows.len(),
        };
        for (taxon, donor, recipient) in joined {
            match (
                pair.taxa.last(),
                pair.donor.last_mut(),
                pair.recipient.last_mut(),
            ) {
                (Some(&last), Some(last_donor), Some(last_recipient)) if last == taxon => {
                    *last_donor += donor;
                    *last_recipient += recipient;
                }
                _ => {
                    pair.taxa.push(taxon);
                    pair.donor.push(donor);
                    pair.recipient.push(recipient);
                }
            }
        }
        Ok(pair)
    }

    /// The same with what lies below `limit` counted as not detected, and without the taxa that are
    /// then absent on both sides. Fractions stay what they were of the whole profile.
    #[must_use]
    pub fn above(&self, limit: f64) -> Self {
        let seen = |fraction| above_limit(fraction, limit);
        let mut above = Self {
            taxa: Vec::with_capacity(self.n_taxa()),
            donor: Vec::with_capacity(self.n_taxa()),
            recipient: Vec::with_capacity(self.n_taxa()),
            n_donor_samples: self.n_donor_samples,
        };
        let both = self.donor.iter().zip(&self.recipient);
        for (&taxon, (&donor, &recipient)) in self.taxa.iter().zip(both) {
            let (donor, recipient) = (seen(donor), seen(recipient));
            if donor > 0.0 || recipient > 0.0 {
                above.taxa.push(taxon);
                above.donor.push(donor);
                above.recipient.push(recipient);
            }
        }
        above
    }

    /// Number of taxa present in donor or recipient.
    pub fn n_taxa(&self) -> usize {
        self.taxa.len()
    }
}

/// The fraction, or 0 where it lies below the limit. What lies at the limit, such as one read of
/// 100,000, is found whatever the last digits that its table was written with.
pub(crate) fn above_limit(fraction: f64, limit: f64) -> f64 {
    if fraction < limit * (1.0 - 1e-6) {
        0.0
    } else {
        fraction
    }
}

/// Brings two tables to fractions of what they hold, closed to 1, over the same columns: the taxa
/// of either, in the order of the first and then of the second.
///
/// # Errors
/// [`Error::Vocabulary`] where the two are written in different vocabularies.
pub fn align_to_fractions(
    donors: &ProfileTable,
    recipients: &ProfileTable,
) -> Result<(ProfileTable, ProfileTable)> {
    if donors.vocabulary() != recipients.vocabulary() {
        return Err(Error::vocabulary(format!(
            "donors are named in `{}`, recipients in `{}`; harmonize both first",
            donors.vocabulary(),
            recipients.vocabulary()
        )));
    }
    let mut taxa = donors.taxa().to_vec();
    let mut columns: std::collections::HashMap<String, u32> = taxa
        .iter()
        .zip(0..)
        .map(|(taxon, column)| (taxon.label().to_owned(), column))
        .collect();
    let mut target = Vec::with_capacity(recipients.n_taxa());
    for taxon in recipients.taxa() {
        let next = taxa.len() as u32;
        let column = *columns.entry(taxon.label().to_owned()).or_insert_with(|| {
            taxa.push(taxon.clone());
            next
        });
        target.push(Some(column));
    }
    let identity: Vec<Option<u32>> = (0..donors.n_taxa() as u32).map(Some).collect();
    Ok((
        donors.regroup(taxa.clone(), &identity)?.closure(),
        recipients.regroup(taxa, &target)?.closure(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Taxon, Unit};

    #[test]
    fn percent_and_fractions_of_the_same_part_are_the_same() {
        let table = |unit, factor: f64| {
            ProfileTable::builder(unit)
                .taxa(["s__A", "s__B"].map(Taxon::new))
                .sample("x", vec![(0, 0.12 * factor), (1, 0.18 * factor)])
                .build()
                .unwrap()
        };
        let (fractions, percent) = (table(Unit::Fraction, 1.0), table(Unit::Percent, 100.0));
        let (one, other) = align_to_fractions(&fractions, &percent).unwrap();
        for table in [one, other] {
            let (_, values) = table.abundance().row(0);
            approx::assert_relative_eq!(values[0], 0.4, max_relative = 1e-12);
        }
    }

    #[test]
    fn a_fraction_at_the_limit_is_found_however_it_was_rounded() {
        for fraction in [1e-5, 1e-5 - 1e-14, 0.003 / 300.0, 1.000_000_1e-5] {
            assert!(above_limit(fraction, 1e-5) > 0.0, "{fraction}");
        }
        assert!(above_limit(0.999e-5, 1e-5) <= 0.0);
    }

    #[test]
    fn the_rare_taxa_of_many_donors_are_below_the_limit_of_their_mixture() {
        // Each donor has a taxon of its own at three times the limit.
        let limit = 1e-3;
        let rows = (0..5).map(|own| vec![(own, 3.0 * limit), (5, 1.0 - 3.0 * limit)]);
        let donors = CsrMatrix::from_rows(6, rows.collect()).unwrap();
        let recipients = CsrMatrix::from_rows(6, vec![vec![(5, 1.0)]]).unwrap();
        let of = |rows: &[usize]| {
            let pair = PairProfile::new(&donors, rows, &recipients, 0).unwrap();
            pair.above(limit)
        };
        assert_eq!(of(&[0]).taxa, [0, 5]);
        assert_eq!(of(&[0, 1, 2, 3, 4]).taxa, [5]);
        assert_eq!(of(&[0, 1, 2, 3, 4]).above(limit), of(&[0, 1, 2, 3, 4]));
    }

    #[test]
    fn donor_samples_are_averaged_and_taxa_joined() {
        let donors =
            CsrMatrix::from_rows(3, vec![vec![(0, 1.0)], vec![(0, 0.5), (2, 0.5)]]).unwrap();
        let recipients = CsrMatrix::from_rows(3, vec![vec![(1, 0.25), (2, 0.75)]]).unwrap();
        let pair = PairProfile::new(&donors, &[0, 1], &recipients, 0).unwrap();
        assert_eq!(pair.taxa, [0, 1, 2]);
        assert_eq!(pair.donor, [0.75, 0.0, 0.25]);
        assert_eq!(pair.recipient, [0.0, 0.25, 0.75]);
        assert_eq!(pair.n_donor_samples, 2);
    }
}
