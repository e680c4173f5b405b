//! All samples at one depth.

use rayon::prelude::*;

use super::whole_count;
use crate::numeric::random::SplitMix64;
use crate::profile::{CsrMatrix, ProfileTable, SampleId, Unit};
use crate::{Error, Result};

/// The answer of [`rarefy`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Rarefied {
    /// The samples that were deep enough, each with as many reads as asked for.
    pub table: ProfileTable,
    /// The samples left out, in the order of the rows.
    pub too_shallow: Vec<SampleId>,
}

/// Draws `depth` reads of every sample without replacement, so that samples can be compared in
/// richness, presence and loss.
///
/// Counts only. Samples with fewer reads are left out and named in the result. The draws of a
/// sample depend on the seed and its id only: neither the order of samples nor that of taxa
/// matters. Time grows with the reads, memory with the non-zeros.
///
/// # Errors
/// [`Error::Unit`] for a table that is not of counts, [`Error::Table`] where a count is not whole,
/// [`Error::Parameter`] where the depth is 0 or above that of every sample.
///
/// # Examples
/// ```
/// use donormatch::feature::rarefy;
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Count)
///     .taxa(["s__A", "s__B"].map(Taxon::new))
///     .sample("deep", vec![(0, 900.0), (1, 100.0)])
///     .sample("shallow", vec![(0, 20.0)])
///     .build()?;
/// let rarefied = rarefy(&table, 500, 1)?;
/// assert_eq!(rarefied.table.depth(), Some(vec![500.0]));
/// assert_eq!(rarefied.too_shallow[0].as_str(), "shallow");
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn rarefy(table: &ProfileTable, depth: u64, seed: u64) -> Result<Rarefied> {
    if table.unit() != Unit::Count {
        return Err(Error::unit(format!(
            "rarefaction needs the unit `count`, found `{}`: read the table of counts",
            table.unit()
        )));
    }
    let counts = whole_counts(table)?;
    let is_deep = |row: &usize| counts[*row].iter().sum::<u64>() >= depth;
    let (deep, shallow): (Vec<usize>, Vec<usize>) = (0..table.n_samples()).partition(is_deep);
    if depth == 0 || deep.is_empty() {
        return Err(Error::parameter(
            "depth",
            format!("expected a depth above 0 that some sample has, found {depth}"),
        ));
    }
    let rank = ranks_by_label(table);
    let rows: Vec<Vec<(u32, f64)>> = deep
        .par_iter()
        .map(|&row| {
            let mut reads: Vec<(u32, u64)> = table
                .abundance()
                .row(row)
                .0
                .iter()
                .copied()
                .zip(counts[row].iter().copied())
                .collect();
            reads.sort_unstable_by_key(|&(column, _)| rank[column as usize]);
            let mut random = SplitMix64::derived(seed, table.samples()[row].as_str());
            let drawn = draw(&reads, depth, &mut random);
            drawn
                .into_iter()
                .map(|(column, n)| (column, n as f64))
                .collect()
        })
        .collect();
    let kept = table.select(&deep)?;
    let builder = kept.notes().iter().cloned().fold(
        ProfileTable::builder(Unit::Count)
            .taxa(table.taxa().iter().cloned())
            .matrix(
                kept.samples().to_vec(),
                CsrMatrix::from_rows(table.n_taxa(), rows)?,
            )
            .vocabulary(table.vocabulary().clone())
            .completeness(table.completeness())
            .unclassified(kept.unclassified().to_vec()),
        crate::profile::ProfileTableBuilder::note,
    );
    Ok(Rarefied {
        table: builder
            .note(format!("rarefied to {depth} reads per sample, seed {seed}"))
            .build()?,
        too_shallow: shallow
            .into_iter()
            .map(|row| table.samples()[row].clone())
            .collect(),
    })
}

/// The stored counts of each row, checked to be whole.
fn whole_counts(table: &ProfileTable) -> Result<Vec<Vec<u64>>> {
    let rows = table.abundance().rows().enumerate();
    rows.map(|(row, (columns, values))| {
        let pairs = columns.iter().zip(values);
        pairs
            .map(|(&column, &value)| whole_count(table, row, column as usize, value))
            .collect()
    })
    .collect()
}

/// The place of each column in the order of the labels.
fn ranks_by_label(table: &ProfileTable) -> Vec<u32> {
    let mut order: Vec<usize> = (0..table.n_taxa()).collect();
    order.sort_unstable_by_key(|&column| table.taxa()[column].label());
    let mut rank = vec![0; table.n_taxa()];
    for (place, column) in (0..).zip(order) {
        rank[column] = place;
    }
    rank
}

/// Selection sampling (Knuth, algorithm S): each read is taken with the chance needed / left.
fn draw(reads: &[(u32, u64)], depth: u64, random: &mut SplitMix64) -> Vec<(u32, u64)> {
    let mut left: u64 = reads.iter().map(|&(_, n)| n).sum();
    let mut needed = depth;
    let mut drawn = Vec::with_capacity(reads.len());
    for &(column, n) in reads {
        let mut taken = 0;
        for _ in 0..n {
            let take = needed > 0 && random.below(left) < needed;
            taken += u64::from(take);
            needed -= u64::from(take);
            left -= 1;
        }
        if taken > 0 {
            drawn.push((column, taken));
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::feature::testing::four_samples;
    use crate::profile::Taxon;

    #[test]
    fn every_sample_has_the_depth_and_no_more_than_it_had() {
        let table = four_samples(Unit::Count);
        let rarefied = rarefy(&table, 12, 3).unwrap();
        assert!(rarefied.too_shallow.is_empty());
        assert_eq!(rarefied.table.depth().unwrap(), [12.0; 4]);
        for row in 0..4 {
            let (columns, values) = rarefied.table.abundance().row(row);
            for (&column, &value) in columns.iter().zip(values) {
                assert!(value <= table.abundance().value(row, column as usize));
            }
        }
        // Row `d` has 12 reads: all are kept.
        assert_eq!(rarefied.table.abundance().row(3), table.abundance().row(3));
        assert_eq!(rarefied, rarefy(&table, 12, 3).unwrap());
        assert_ne!(rarefied.table, rarefy(&table, 12, 4).unwrap().table);
    }

    // 300 of 1,000 reads, 400 of the first taxon: hypergeometric, mean 120, variance
    // 300 · 0.4 · 0.6 · 700 / 999 = 50.45; over 400 seeds the mean has standard error 0.355.
    #[test]
    fn draws_are_hypergeometric() {
        let table = ProfileTable::builder(Unit::Count)
            .taxa(["A", "B"].map(Taxon::new))
            .sample("a", vec![(0, 400.0), (1, 600.0)])
            .build()
            .unwrap();
        let draws: Vec<f64> = (0..400)
            .map(|seed| {
                rarefy(&table, 300, seed)
                    .unwrap()
                    .table
                    .abundance()
                    .value(0, 0)
            })
            .collect();
        let mean = draws.iter().sum::<f64>() / 400.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 399.0;
        assert!((mean - 120.0).abs() < 4.0 * 0.355, "{mean}");
        // Standard error of the variance about 50.45 · √(2/399) = 3.6.
        assert!((variance - 50.45).abs() < 4.0 * 3.6, "{variance}");
    }

    #[test]
    fn the_order_of_samples_and_taxa_does_not_matter() {
        let table = four_samples(Unit::Count);
        let (_, other) = crate::feature::align(
            &table
                .regroup(
                    (0..6).rev().map(|t| Taxon::new(format!("t{t}"))).collect(),
                    &(0..6).rev().map(Some).collect::<Vec<_>>(),
                )
                .unwrap(),
            &table.select(&[3, 2, 1, 0]).unwrap(),
        )
        .unwrap();
        let (one, other) = (
            rarefy(&table, 10, 1).unwrap(),
            rarefy(&other, 10, 1).unwrap(),
        );
        for row in 0..4 {
            for column in 0..6 {
                let turned = other.table.abundance().value(3 - row, 5 - column);
                assert_abs_diff_eq!(
                    one.table.abundance().value(row, column),
                    turned,
                    epsilon = 0.0
                );
            }
        }
    }

    #[test]
    fn shallow_samples_are_named_and_impossible_depths_refused() {
        let table = four_samples(Unit::Count); // depths 16, 44, 22, 12
        let rarefied = rarefy(&table, 20, 0).unwrap();
        let names: Vec<&str> = rarefied.too_shallow.iter().map(SampleId::as_str).collect();
        assert_eq!(names, ["a", "d"]);
        assert!(rarefy(&table, 45, 0).is_err() && rarefy(&table, 0, 0).is_err());
        let error = rarefy(&table.closure(), 1, 0).unwrap_err();
        assert!(error.to_string().contains("found `fraction`"), "{error}");
    }
}
