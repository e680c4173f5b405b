//! Diversity within a sample: how many taxa, how even, how much of the tree.

use super::{Phylogeny, whole_count};
use crate::profile::{ProfileTable, Unit};
use crate::{Error, Result};

/// The base of the logarithm in [`Diversity::Shannon`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LogBase {
    /// e: diversity in nats, the default here and in scikit-bio since 0.6.
    #[default]
    Natural,
    /// 2: diversity in bits.
    Two,
    /// 10.
    Ten,
}

impl LogBase {
    /// The natural logarithm of the base.
    fn ln(self) -> f64 {
        match self {
            Self::Natural => 1.0,
            Self::Two => std::f64::consts::LN_2,
            Self::Ten => std::f64::consts::LN_10,
        }
    }
}

/// A measure of diversity within one sample, for [`diversity`].
///
/// p is the sample closed to 1, S the number of taxa with an abundance above 0.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Diversity<'a> {
    /// S, the number of taxa detected. Depends on depth: [`rarefy`](super::rarefy) before
    /// comparing samples of different depth.
    Richness,
    /// H = −Σ p ln p / ln(base).
    Shannon(LogBase),
    /// 1 − Σ p², the chance that two reads come from different taxa (Gini–Simpson).
    Simpson,
    /// 1 / Σ p², the effective number of taxa.
    InverseSimpson,
    /// H / ln S, from 0 to 1; 1 in a sample of one taxon, where the ratio is undefined (as in
    /// scikit-bio).
    Pielou,
    /// S + f₁(f₁ − 1) / (2(f₂ + 1)) with f₁ taxa seen once and f₂ seen twice: the bias-corrected
    /// estimate of the richness with the unseen. Counts only.
    Chao1,
    /// Σ of the branch lengths from the root to the taxa detected (Faith's PD, root included).
    FaithPd(&'a Phylogeny),
}

/// One measure of diversity of every sample, in the order of the rows.
///
/// Relative and absolute units give the same numbers, but for [`Diversity::Chao1`]. Equal to
/// `skbio.diversity.alpha` of scikit-bio 0.7 (`sobs`, `shannon`, `simpson`, `inv_simpson`,
/// `pielou_e`, `chao1`, `faith_pd`) to 1e-12.
///
/// # Errors
/// [`Error::Unit`] for [`Diversity::Chao1`] of a table that is not of counts, and [`Error::Table`]
/// where such a count is not whole. [`Error::Vocabulary`] for [`Diversity::FaithPd`] where a taxon
/// with abundance is no tip of the tree.
///
/// # Examples
/// ```
/// use donormatch::feature::{Diversity, LogBase, diversity};
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__A", "s__B"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 50.0), (1, 50.0)])
///     .build()?;
/// assert_eq!(diversity(&table, Diversity::Shannon(LogBase::Two))?, [1.0]);
/// assert_eq!(diversity(&table, Diversity::InverseSimpson)?, [2.0]);
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// Shannon 1948, Bell Syst Tech J 27:379. Simpson 1949, Nature 163:688. Pielou 1966, J Theor Biol
/// 13:131. Chao 1984, Scand J Stat 11:265. Faith 1992, Biol Conserv 61:1.
pub fn diversity(table: &ProfileTable, measure: Diversity<'_>) -> Result<Vec<f64>> {
    let each = |f: &dyn Fn(&[f64]) -> f64| {
        let rows = table.abundance().rows();
        Ok(rows.map(|(_, values)| f(values)).collect())
    };
    match measure {
        Diversity::Richness => each(&|values| values.len() as f64),
        Diversity::Shannon(base) => each(&|values| shannon(values) / base.ln()),
        Diversity::Simpson => each(&|values| 1.0 - sum_of_squares(values)),
        Diversity::InverseSimpson => each(&|values| 1.0 / sum_of_squares(values)),
        Diversity::Pielou => each(&pielou),
        Diversity::Chao1 => chao1(table),
        Diversity::FaithPd(phylogeny) => faith_pd(table, phylogeny),
    }
}

fn shannon(values: &[f64]) -> f64 {
    let total: f64 = values.iter().sum();
    let sum: f64 = values
        .iter()
        .map(|value| value / total)
        .filter(|&p| p > 0.0) // a subnormal may vanish when closed
        .map(|p| p * libm::log(p))
        .sum();
    // A single taxon gives −0, which `max` may keep and the sum does not.
    (-sum).max(0.0) + 0.0
}

fn sum_of_squares(values: &[f64]) -> f64 {
    let total: f64 = values.iter().sum();
    values.iter().map(|value| (value / total).powi(2)).sum()
}

fn pielou(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 1.0;
    }
    shannon(values) / libm::log(values.len() as f64)
}

fn chao1(table: &ProfileTable) -> Result<Vec<f64>> {
    if table.unit() != Unit::Count {
        return Err(Error::unit(format!(
            "`chao1` needs the unit `count`, found `{}`; singletons do not exist in relative \
             abundances: read the table of counts, or use `richness`",
            table.unit()
        )));
    }
    (0..table.n_samples())
        .map(|row| {
            let (columns, values) = table.abundance().row(row);
            let (mut once, mut twice) = (0.0, 0.0);
            for (&column, &value) in columns.iter().zip(values) {
                match whole_count(table, row, column as usize, value)? {
                    1 => once += 1.0,
                    2 => twice += 1.0,
                    _ => {}
                }
            }
            Ok(values.len() as f64 + once * (once - 1.0) / (2.0 * (twice + 1.0)))
        })
        .collect()
}

fn faith_pd(table: &ProfileTable, phylogeny: &Phylogeny) -> Result<Vec<f64>> {
    let lengths = phylogeny.lengths();
    phylogeny.map_branches(table, |nodes| {
        let lengths = nodes.iter().map(|&(node, _)| lengths[node as usize]);
        lengths.sum()
    })
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::feature::testing::{four_samples, six_tips};

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_abs_diff_eq!(found, expected, epsilon = 1e-12);
        }
    }

    // All expected numbers: scikit-bio 0.7.4, `alpha_diversity(metric, counts)` on the same matrix.
    #[test]
    fn every_measure_equals_scikit_bio() {
        let table = four_samples(Unit::Count);
        let tree = six_tips();
        let cases: [(Diversity<'_>, [f64; 4]); 8] = [
            (Diversity::Richness, [4.0, 4.0, 4.0, 6.0]),
            (
                Diversity::Shannon(LogBase::Natural),
                [
                    1.040_839_837_423_239,
                    0.399_156_167_425_594_34,
                    1.207_243_280_559_058_3,
                    1.791_759_469_228_054_7,
                ],
            ),
            (
                Diversity::Shannon(LogBase::Two),
                [
                    1.501_614_471_810_182,
                    0.575_860_623_285_149_8,
                    1.741_683_894_009_076_9,
                    2.584_962_500_721_156,
                ],
            ),
            (
                Diversity::Simpson,
                [
                    0.554_687_5,
                    0.170_454_545_454_545_53,
                    0.677_685_950_413_223_1,
                    0.833_333_333_333_333_3,
                ],
            ),
            (
                Diversity::InverseSimpson,
                [
                    2.245_614_035_087_719,
                    1.205_479_452_054_794_7,
                    3.102_564_102_564_102,
                    6.0,
                ],
            ),
            (
                Diversity::Pielou,
                [
                    0.750_807_235_905_091,
                    0.287_930_311_642_574_9,
                    0.870_841_947_004_538_4,
                    1.0,
                ],
            ),
            (Diversity::Chao1, [4.0, 4.5, 4.0, 6.0]),
            (Diversity::FaithPd(&tree), [4.25, 3.15, 4.45, 5.0]),
        ];
        for (measure, expected) in cases {
            assert_close(&diversity(&table, measure).unwrap(), &expected);
        }
    }

    #[test]
    fn a_sample_of_one_taxon_is_the_least_diverse() {
        let table = ProfileTable::builder(Unit::Percent)
            .taxa(["A", "B"].map(crate::profile::Taxon::new))
            .sample("a", vec![(0, 100.0)])
            .build()
            .unwrap();
        let of = |measure| diversity(&table, measure).unwrap()[0];
        assert_abs_diff_eq!(of(Diversity::Shannon(LogBase::Natural)), 0.0, epsilon = 0.0);
        assert!(of(Diversity::Shannon(LogBase::Natural)).is_sign_positive());
        assert_abs_diff_eq!(of(Diversity::Simpson), 0.0, epsilon = 0.0);
        assert_abs_diff_eq!(of(Diversity::InverseSimpson), 1.0, epsilon = 0.0);
        // scikit-bio 0.7.4: pielou_e([5, 0]) = 1.
        assert_abs_diff_eq!(of(Diversity::Pielou), 1.0, epsilon = 0.0);
    }

    #[test]
    fn chao1_refuses_relative_abundances_and_broken_reads() {
        let error = diversity(&four_samples(Unit::Percent), Diversity::Chao1).unwrap_err();
        assert!(error.to_string().contains("found `percent`"), "{error}");
        let table = ProfileTable::builder(Unit::Count)
            .taxa(["A"].map(crate::profile::Taxon::new))
            .sample("a", vec![(0, 1.5)])
            .build()
            .unwrap();
        let error = diversity(&table, Diversity::Chao1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "sample `a`, taxon `A`: expected a whole count, found 1.5"
        );
    }
}
